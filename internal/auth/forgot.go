package auth

import (
	"context"
	"errors"
	"strings"

	"portal"
	"portal/internal/store"
)

// A forgotten password is asked for in two steps, so that a stranger learns
// nothing from the answer or its time (AU-07): AskReset does the same work for
// every name, AnswerResets finds out a moment later whether there is somebody
// to write to.

// AskReset notes that the password of a login ID shall be set anew.
func (s *Service) AskReset(ctx context.Context, o portal.Origin, loginID string) error {
	if strings.TrimSpace(loginID) == "" {
		return portal.Invalid(portal.FieldLoginID, "Enter your login ID.")
	}
	who, err := s.store.CredentialsByLogin(ctx, loginID)
	known := err == nil
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	name := "unknown/" + s.ring.UnknownName(portal.FoldKey(loginID))
	if known {
		name = string(who.ID)
	}
	if err := s.chargeReset(ctx, o, who.User, name); err != nil {
		return err
	}
	id, err := newID()
	if err != nil {
		return err
	}
	return s.store.WriteUnaudited(ctx, homeOf(who), "recorded with its answer", func(tx *store.Tx) error {
		return tx.PutResetRequest(ctx, store.ResetRequest{ID: id, UserID: who.ID, Origin: o})
	})
}

// answeredAtOnce is how many requests are read at a time.
const answeredAtOnce = 50

// AnswerResets answers the requests that wait. Any node may do it at any time:
// whoever takes a request away answers it, in one transaction.
func (s *Service) AnswerResets(ctx context.Context, actor portal.Actor) error {
	if err := actor.Can(portal.KeepHouse); err != nil {
		return err
	}
	requests, err := s.store.ResetRequests(ctx, answeredAtOnce)
	for _, r := range requests {
		err = errors.Join(err, s.answerReset(ctx, r))
	}
	return err
}

var errAnswered = errors.New("another node has answered")

func (s *Service) answerReset(ctx context.Context, r store.ResetRequest) error {
	err := s.store.Write(ctx, r.CustomerID, func(tx *store.Tx) error {
		mine, err := tx.TakeResetRequest(ctx, r.ID)
		if err != nil {
			return err
		}
		if !mine {
			return errAnswered
		}
		return s.writeToForgetful(ctx, tx, portal.Stranger(r.Origin), r.UserID)
	})
	if errors.Is(err, errAnswered) {
		return nil
	}
	return err
}

// writeToForgetful mails the link, or records why there is nobody to mail to.
func (s *Service) writeToForgetful(ctx context.Context, tx *store.Tx, asker portal.Actor, id portal.UserID) error {
	who, err := tx.Credentials(ctx, id)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	if why := unanswered(who); why != "" {
		return tx.Record(ctx, asker.WasRefused(portal.ResetAsked, why).On(who.User))
	}
	if err := s.MailReset(ctx, tx, asker, id, portal.Letter{Kind: portal.MailReset}); err != nil {
		return err
	}
	return tx.Record(ctx, asker.Did(portal.ResetAsked).On(who.User))
}

// unanswered says why somebody gets no link. Who was invited has no password
// to forget: the administrator invites again.
func unanswered(who store.Credentials) string {
	switch {
	case who.ID == "":
		return "unknown login ID"
	case !who.Usable():
		return "account is suspended"
	case who.Frozen:
		return "account is frozen"
	case who.Invited:
		return "invitation is not accepted yet"
	}
	return ""
}

// MailReset mails a link that sets a new password to the confirmed addresses of
// a user, as they are stored (LC-11), in the caller's transaction.
func (s *Service) MailReset(ctx context.Context, tx *store.Tx, actor portal.Actor, id portal.UserID, l portal.Letter) error {
	user, err := tx.User(ctx, id)
	if err != nil {
		return err
	}
	l.Until = tx.Now.Add(s.limits.ResetLink)
	l.Token, err = s.NewLink(ctx, tx, store.Link{
		Purpose: ForReset, Subject: user.ID, SecurityVersion: user.SecurityVersion, Address: user.Email, ExpiresAt: l.Until,
	})
	if err != nil {
		return err
	}
	return s.Tell(ctx, tx, actor, user, l)
}
