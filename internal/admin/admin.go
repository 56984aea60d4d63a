// Package admin says what may be done to others: making users and customers,
// seeing who has 2FA, helping those who lost a phone, reading the audit trail.
//
// Every use case takes the actor first and begins by asking what the actor may
// do. An administrator's reach is the own customer: all reading and writing
// goes through a view or transaction that is bound to it, so that a foreign
// identifier is simply not found.
package admin

import (
	"context"
	"errors"
	"strings"

	"portal"
	"portal/internal/auth"
	"portal/internal/seal"
	"portal/internal/store"
)

// Config is what the service stands on.
type Config struct {
	Store  *store.Store
	Auth   *auth.Service
	Ring   *seal.Ring
	Limits portal.Limits
}

// Service holds the use cases of administrators and of the host.
type Service struct {
	store  *store.Store
	auth   *auth.Service
	ring   *seal.Ring
	limits portal.Limits
}

// New makes the service.
func New(c Config) *Service {
	return &Service{store: c.Store, auth: c.Auth, ring: c.Ring, limits: c.Limits}
}

// deed is something done to one user under step-up.
type deed struct {
	right portal.Right
	need  auth.Need
	proof auth.Proof
	// may says what stands against it. It is asked twice: before a proof is
	// spent, and inside the transaction, where the answer holds.
	may func(context.Context, store.View, portal.User) error
	do  func(*store.Tx, portal.User) error
}

// always is for deeds that nothing stands against.
func always(context.Context, store.View, portal.User) error { return nil }

// on runs a deed on a user of the actor's customer. Renewed is valid even
// where the deed is refused.
func (s *Service) on(ctx context.Context, actor portal.Actor, id portal.UserID, d deed) (auth.Renewed, error) {
	if err := actor.Can(d.right); err != nil {
		return auth.Renewed{}, err
	}
	user, err := s.user(ctx, actor, id)
	if err != nil {
		return auth.Renewed{}, err
	}
	if err := d.may(ctx, s.store.View(actor.CustomerID), user); err != nil {
		return auth.Renewed{}, err
	}
	renewed, err := s.auth.StepUp(ctx, actor, d.need, d.proof)
	if err != nil {
		return renewed, err
	}
	return renewed, s.store.Write(ctx, actor.CustomerID, func(tx *store.Tx) error {
		if err := s.auth.RequireStepUp(ctx, tx, actor, d.need); err != nil {
			return err
		}
		user, err := tx.User(ctx, id)
		if err != nil {
			return notFound(err)
		}
		if err := d.may(ctx, tx.View, user); err != nil {
			return err
		}
		return d.do(tx, user)
	})
}

// user reads a user of the actor's customer.
func (s *Service) user(ctx context.Context, actor portal.Actor, id portal.UserID) (portal.User, error) {
	user, err := s.store.View(actor.CustomerID).User(ctx, id)
	return user, notFound(err)
}

// notFound makes a missing and a foreign user the same answer (AZ-06).
func notFound(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return portal.NotFound()
	}
	return err
}

// keepOne refuses what would leave the customer without an administrator, or
// the installation without an operator, who can sign in (LC-13). Inside a
// transaction, which is serialisable, two at once cannot both pass.
func keepOne(ctx context.Context, view store.View, user portal.User) error {
	other := view.OtherActiveAdministrator
	switch {
	case user.Role == portal.RoleUser || user.State != portal.UserActive || user.Invited:
		return nil
	case user.Role == portal.RoleOperator:
		other = view.OtherActiveOperator
	}
	stays, err := other(ctx, user.ID)
	if err == nil && !stays {
		err = portal.Conflict("%s is the last active %s here. Make somebody else one first.", user.Name, strings.ToLower(user.Role.Label()))
	}
	return err
}
