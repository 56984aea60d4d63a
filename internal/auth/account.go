package auth

import (
	"context"
	"errors"
	"fmt"

	"portal"
	"portal/internal/store"
)

// recentEvents is how many events the Account page shows.
const recentEvents = 10

// Account reads everything that the Account page shows of its owner. Who owes a
// 2FA setup gets no more than its steps need.
func (s *Service) Account(ctx context.Context, actor portal.Actor) (Account, error) {
	if err := actor.Can(portal.Enrol); err != nil {
		return Account{}, err
	}
	view := s.store.View(actor.CustomerID)
	user, err := view.User(ctx, actor.UserID)
	if err != nil {
		return Account{}, err
	}
	account := Account{User: user}
	for _, read := range s.regions(actor) {
		if err := read(ctx, view, actor, &account); err != nil {
			return Account{}, err
		}
	}
	account.TwoFactor = portal.StatusOf(account.User.Stored, account.Setup != nil)
	account.TwoFactor.Blocked = account.Authenticator != nil && account.Authenticator.Blocked
	return account, nil
}

// regions are the readers of what the actor may see.
func (s *Service) regions(actor portal.Actor) []func(context.Context, store.View, portal.Actor, *Account) error {
	regions := []func(context.Context, store.View, portal.Actor, *Account) error{s.readSetup, s.readAuthenticator}
	if actor.Holds(portal.UseAccount) {
		regions = append(regions, s.readAddresses, s.readSessions, s.readActivity)
	}
	return regions
}

// readSetup reads the pending set-up of this session, if there is one.
func (s *Service) readSetup(ctx context.Context, view store.View, actor portal.Actor, account *Account) error {
	pending, err := view.Pending(ctx, actor.UserID, actor.SessionID)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	account.Setup, err = s.setup(actor.CustomerName, own(actor), pending)
	return err
}

func (s *Service) readAuthenticator(ctx context.Context, view store.View, actor portal.Actor, account *Account) error {
	if !account.User.TwoFactor().HasSetup() {
		return nil
	}
	current, err := view.Current(ctx, actor.UserID)
	if errors.Is(err, store.ErrNotFound) { // deleted since the user was read?
		account.User, err = view.User(ctx, actor.UserID)
		if err == nil && account.User.TwoFactor().HasSetup() {
			err = fmt.Errorf("authenticator of %s: %w", actor.UserID, store.ErrNotFound)
		}
		return err
	}
	if err != nil {
		return err
	}
	account.Authenticator = &Authenticator{ConfirmedAt: current.ConfirmedAt, LastUsedAt: current.LastUsedAt, Blocked: s.blocked(current)}
	if account.User.Stored == portal.TwoFactorDisabled {
		if account.KeptUntil, err = s.keptUntil(ctx, view, actor.UserID); err != nil {
			return err
		}
	}
	account.RecoveryLeft, err = view.RecoveryCodesLeft(ctx, actor.UserID)
	return err
}

func (s *Service) readAddresses(ctx context.Context, view store.View, actor portal.Actor, account *Account) (err error) {
	account.Addresses, err = s.AddressesOf(ctx, view, actor.UserID)
	return err
}

func (s *Service) readSessions(ctx context.Context, view store.View, actor portal.Actor, account *Account) error {
	sessions, err := view.SessionsOf(ctx, actor.UserID, s.limits.Idle)
	for _, session := range sessions {
		account.Sessions = append(account.Sessions, Session{
			ID: session.ID, SignedInAt: session.CreatedAt, LastSeenAt: session.LastSeenAt,
			Address: session.Address, Agent: session.Agent, Current: session.ID == actor.SessionID,
		})
	}
	return err
}

func (s *Service) readActivity(ctx context.Context, view store.View, actor portal.Actor, account *Account) (err error) {
	account.Activity, err = view.Events(ctx, store.EventQuery{Person: actor.UserID, Limit: recentEvents})
	return err
}
