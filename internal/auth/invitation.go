package auth

import (
	"context"
	"time"

	"portal"
	"portal/internal/store"
)

// Invite makes the invitation link of a user without a password and mails it,
// in the caller's transaction. It returns the token: who invites may pass the
// link on by another way.
func (s *Service) Invite(ctx context.Context, tx *store.Tx, actor portal.Actor, user portal.User) (token string, until time.Time, err error) {
	until = tx.Now.Add(s.limits.Invitation)
	token, err = s.NewLink(ctx, tx, store.Link{
		Purpose: ForInvitation, Subject: user.ID, SecurityVersion: user.SecurityVersion,
		Address: user.Email, MadeBy: actor.UserID, ExpiresAt: until,
	})
	if err != nil {
		return "", until, err
	}
	letter := portal.Letter{Kind: portal.MailInvitation, Token: token, Until: until}
	if err := s.Tell(ctx, tx, actor, user, letter); err != nil {
		return "", until, err
	}
	return token, until, tx.Record(ctx, actor.Did(portal.UserInvited).On(user))
}

// InvitedUntil tells how long the open invitation of a user is good for; the
// zero time where there is none.
func (s *Service) InvitedUntil(ctx context.Context, view store.View, id portal.UserID) (time.Time, error) {
	return openUntil(ctx, view, ForInvitation, id)
}

// AcceptInvitation sets the first password of an invited user. It signs nobody
// in: an ordinary sign-in follows (AU-13). Customer, role and address are those
// that the invitation was made for (LC-15): they are not asked for.
func (s *Service) AcceptInvitation(ctx context.Context, o portal.Origin, token, newPassword string) error {
	link, err := s.FindLink(ctx, token, ForInvitation)
	if err != nil {
		return err
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
		if err := s.mustLive(ctx, tx.View, link); err != nil {
			return err
		}
		if err := s.SpendLink(ctx, tx, token); err != nil {
			return err
		}
		user, err := tx.User(ctx, link.Subject)
		if err != nil {
			return err
		}
		if err := tx.SetPassword(ctx, user.ID, hash); err != nil {
			return err
		}
		return tx.Record(ctx, signedIn(portal.Stranger(o).Did(portal.InvitationAccepted).On(user), user))
	})
}
