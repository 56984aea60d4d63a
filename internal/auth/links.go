package auth

import (
	"context"
	"errors"

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

// NewLink makes a one-time link for a user in the caller's transaction and
// returns its token; an older one of the same purpose is void.
func (s *Service) NewLink(ctx context.Context, tx *store.Tx, l store.Link) (token string, err error) {
	token = seal.NewToken()
	digest, _ := seal.TokenDigest(token)
	return token, tx.PutLink(ctx, l, digest)
}

// OpenLink tells what a link is for. It changes nothing: mail programs open
// links, too.
func (s *Service) OpenLink(ctx context.Context, token string) (Link, error) {
	found, err := s.FindLink(ctx, token)
	if err != nil {
		return Link{}, err
	}
	if found.Purpose == store.SetUpPurpose {
		return Link{SetUp: true, ExpiresAt: found.ExpiresAt}, nil
	}
	who, err := s.store.View(found.CustomerID).Credentials(ctx, found.Subject)
	return Link{LoginID: who.LoginID, Name: who.Name, CustomerName: who.CustomerName, ExpiresAt: found.ExpiresAt}, err
}

// FindLink finds a link that may still be used, whatever its purpose.
func (s *Service) FindLink(ctx context.Context, token string) (store.Link, error) {
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
	alive, err := s.linkAlive(ctx, found)
	if err == nil && !alive {
		err = deadLink()
	}
	return found, err
}

// linkAlive holds a link against what has happened since it was made: any
// security change of the account voids it, and an administrator voids the
// set-up link for ever.
func (s *Service) linkAlive(ctx context.Context, l store.Link) (bool, error) {
	view := s.store.View(l.CustomerID)
	if l.Purpose == store.SetUpPurpose {
		exists, err := view.AnyAdministrator(ctx)
		return !exists, err
	}
	user, err := view.User(ctx, l.Subject)
	return mayAccept(user, l), err
}

func mayAccept(user portal.User, l store.Link) bool {
	return user.Invited && user.State == portal.UserActive && user.SecurityVersion == l.SecurityVersion
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

// AcceptInvitation sets the first password of an invited user. It signs nobody
// in: an ordinary sign-in follows (AU-13).
func (s *Service) AcceptInvitation(ctx context.Context, o portal.Origin, token, newPassword string) error {
	link, err := s.FindLink(ctx, token)
	if err != nil {
		return err
	}
	if link.Purpose != store.InvitationPurpose {
		return deadLink()
	}
	owner, err := ownerOf(ctx, s.store.View(link.CustomerID), link.Subject)
	if err != nil {
		return err
	}
	hash, err := s.HashPassword(ctx, portal.FieldNewPassword, newPassword, owner)
	if err != nil {
		return err
	}
	return s.store.Write(ctx, link.CustomerID, func(tx *store.Tx) error {
		user, err := tx.User(ctx, link.Subject)
		if err != nil {
			return err
		}
		if !mayAccept(user, link) {
			return deadLink()
		}
		if err := s.SpendLink(ctx, tx, token); err != nil {
			return err
		}
		if err := tx.SetPassword(ctx, user.ID, hash); err != nil {
			return err
		}
		return tx.Record(ctx, signedIn(portal.Stranger(o).Did(portal.InvitationAccepted).On(user), user))
	})
}
