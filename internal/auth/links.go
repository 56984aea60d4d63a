package auth

import (
	"context"
	"crypto/hmac"
	"errors"
	"slices"
	"time"

	"portal"
	"portal/internal/seal"
	"portal/internal/store"
)

// deadLink is the one answer for a link that never was, was used, has run out,
// or whose account has changed since.
func deadLink() error {
	return &portal.Error{
		Code:    portal.CodeNotFound,
		Message: "This link does not work any more. Links work once and for a limited time. Ask whoever sent it to you for a new one.",
	}
}

// Purpose says what the one form is that a link opens.
type Purpose = store.Purpose

// The purposes of links. A link of one opens no form of another.
const (
	ForSetUp         = store.SetUpPurpose
	ForInvitation    = store.InvitationPurpose
	ForReset         = store.ResetPurpose
	ForAddress       = store.AddressPurpose
	ForSecondAddress = store.SecondAddressPurpose
)

// NewLink makes a one-time link for a user in the caller's transaction and
// returns its token; an older one of the same purpose is void.
func (s *Service) NewLink(ctx context.Context, tx *store.Tx, l store.Link) (token string, err error) {
	token = seal.NewToken()
	digest, _ := seal.TokenDigest(token)
	return token, tx.PutLink(ctx, l, digest)
}

// ShownFor tells whether a page was shown for the link with a token, by the mark
// that its form brought.
func ShownFor(token, mark string) bool {
	return token != "" && hmac.Equal([]byte(mark), []byte(seal.TokenMark(token)))
}

// OpenLink tells what a link is for. It changes nothing: mail programs open
// links, too.
func (s *Service) OpenLink(ctx context.Context, token string) (Link, error) {
	found, err := s.findLink(ctx, token)
	if err != nil {
		return Link{}, err
	}
	if found.Purpose == ForSetUp {
		return Link{Purpose: ForSetUp, Mark: seal.TokenMark(token), ExpiresAt: found.ExpiresAt}, nil
	}
	view := s.store.View(found.CustomerID)
	who, err := view.User(ctx, found.Subject)
	if err != nil {
		return Link{}, err
	}
	customer, err := view.Customer(ctx)
	if err != nil {
		return Link{}, err
	}
	link := Link{
		Purpose: found.Purpose, Mark: seal.TokenMark(token),
		LoginID: who.LoginID, Name: who.Name, CustomerName: customer.Name, Address: found.Address,
		LeastPassword: OwnerOf(who, customer, view.Now).MinLength(), ExpiresAt: found.ExpiresAt,
	}
	if found.Purpose == ForReset {
		link.Ask, err = s.resetAsks(ctx, view, who)
	}
	return link, err
}

// FindLink finds a link of one of these purposes that may still be used.
func (s *Service) FindLink(ctx context.Context, token string, purposes ...Purpose) (store.Link, error) {
	found, err := s.findLink(ctx, token)
	if err == nil && !slices.Contains(purposes, found.Purpose) {
		err = deadLink()
	}
	return found, err
}

func (s *Service) findLink(ctx context.Context, token string) (store.Link, error) {
	digest, ok := seal.TokenDigest(token)
	if !ok {
		return store.Link{}, deadLink()
	}
	found, err := s.store.LinkByDigest(ctx, digest)
	if errors.Is(err, store.ErrNotFound) {
		return store.Link{}, deadLink()
	}
	if err != nil {
		return store.Link{}, err
	}
	return found, s.mustLive(ctx, s.store.View(found.CustomerID), found)
}

// mustLive refuses a link that something has voided since it was made.
func (s *Service) mustLive(ctx context.Context, view store.View, l store.Link) error {
	alive, err := linkAlive(ctx, view, l)
	if err == nil && !alive {
		err = deadLink()
	}
	return err
}

// linkAlive holds a link against what has happened since it was made: any
// security change of the account voids it, another address, and the end of its
// maker's right. An administrator voids the set-up link for ever.
func linkAlive(ctx context.Context, view store.View, l store.Link) (bool, error) {
	if l.Purpose == ForSetUp {
		exists, err := view.AnyAdministrator(ctx)
		return !exists, err
	}
	who, err := view.Credentials(ctx, l.Subject)
	if err != nil {
		return false, err
	}
	if !who.Usable() || who.Frozen || who.SecurityVersion != l.SecurityVersion || who.Invited != (l.Purpose == ForInvitation) {
		return false, nil
	}
	at, err := view.Addresses(ctx, l.Subject)
	if err != nil || l.Address != boundTo(l.Purpose, at) {
		return false, err
	}
	return mayStillInvite(ctx, view, l.MadeBy)
}

// openUntil tells how long the link of a purpose that a user has can be opened;
// the zero time where there is none.
func openUntil(ctx context.Context, view store.View, p Purpose, id portal.UserID) (time.Time, error) {
	link, err := view.LinkFor(ctx, p, id)
	if errors.Is(err, store.ErrNotFound) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, err
	}
	alive, err := linkAlive(ctx, view, link)
	if err != nil || !alive {
		return time.Time{}, err
	}
	return link.ExpiresAt, nil
}

// boundTo is the address that a link of a purpose must have gone to.
func boundTo(p Purpose, at store.Addresses) string {
	switch p {
	case ForAddress:
		return at.PendingFirst
	case ForSecondAddress:
		return at.PendingSecond
	}
	return at.First
}

// mayStillInvite tells whether who made a link for somebody else still has the
// right to (LC-15). The host, and who asked for the own link, are nobody here.
func mayStillInvite(ctx context.Context, view store.View, maker portal.UserID) (bool, error) {
	if maker == "" {
		return true, nil
	}
	who, err := view.Credentials(ctx, maker)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	actor := portal.Actor{Kind: portal.ActorUser, Role: who.Role}
	return who.Usable() && !who.Frozen && actor.Holds(portal.AddUsers), err
}

// SpendLink uses a link up inside the transaction of what it is for.
func (s *Service) SpendLink(ctx context.Context, tx *store.Tx, token string) error {
	digest, ok := seal.TokenDigest(token)
	if !ok {
		return deadLink()
	}
	first, err := tx.SpendLink(ctx, digest)
	if err == nil && !first {
		err = deadLink()
	}
	return err
}
