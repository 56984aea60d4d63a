package auth

import (
	"context"

	"portal"
	"portal/internal/store"
)

// reset is one try to set a new password behind a mailed link.
type reset struct {
	link   store.Link
	token  string
	origin portal.Origin
	hash   store.Password
	// factor is the second factor where the account has 2FA: the mailbox alone
	// cannot change its password (LC-09).
	factor *factor
}

// ResetPassword sets a new password behind a mailed link, with a code or a
// recovery code where 2FA is enabled. It signs nobody in and leaves 2FA as it
// is; every session ends.
func (s *Service) ResetPassword(ctx context.Context, o portal.Origin, token, newPassword string, p Proof) error {
	link, err := s.FindLink(ctx, token, ForReset)
	if err != nil {
		return err
	}
	who, err := s.store.View(link.CustomerID).Credentials(ctx, link.Subject)
	if err != nil {
		return err
	}
	r := reset{link: link, token: token, origin: o}
	if r.factor, err = secondFactor(who.User, o, p); err != nil {
		return err
	}
	owner, err := ownerOf(ctx, s.store.View(link.CustomerID), link.Subject)
	if err != nil {
		return err
	}
	if err := s.mustDiffer(ctx, who, newPassword); err != nil {
		return err
	}
	if r.hash, err = s.HashPassword(ctx, portal.FieldNewPassword, newPassword, owner); err != nil {
		return err
	}
	return s.chargedReset(ctx, r, who.User)
}

// mustDiffer holds that a new password is not the one that somebody else may
// know, where a new one was demanded (PW-09).
func (s *Service) mustDiffer(ctx context.Context, who store.Credentials, newPassword string) error {
	if !who.MustReset {
		return nil
	}
	same, _, err := s.hasher.Verify(ctx, who.PasswordHash, newPassword)
	if err == nil && same {
		return sameAgain()
	}
	return hashing(err)
}

// resetAsks is what the form behind the link of a user asks for: a recovery
// code only where codes of the app are blocked.
func (s *Service) resetAsks(ctx context.Context, view store.View, user portal.User) (Ask, error) {
	if !user.TwoFactor().AsksCode() {
		return Ask{}, nil
	}
	current, err := view.Current(ctx, user.ID)
	return Ask{Code: !s.blocked(current), Recovery: true}, err
}

// secondFactor is what was given of the second factor that a user owes; nil
// where none is owed.
func secondFactor(user portal.User, o portal.Origin, p Proof) (*factor, error) {
	by := portal.Stranger(o)
	switch {
	case !user.TwoFactor().AsksCode():
		return nil, nil
	case p.Code != "":
		return &factor{code: p.Code, by: by}, nil
	case p.RecoveryCode != "":
		return &factor{recovery: p.RecoveryCode, by: by}, nil
	}
	return nil, portal.Invalid(portal.FieldCode, "Enter the 6 digits that your app shows now, or use a recovery code.")
}

// chargedReset charges a try before the second factor is looked at (AU-05).
func (s *Service) chargedReset(ctx context.Context, r reset, user portal.User) error {
	if r.factor == nil {
		_, err := s.tryReset(ctx, r)
		return err
	}
	charged, err := s.chargeResetCode(ctx, r.origin, user)
	if err != nil {
		return err
	}
	v, err := s.tryReset(ctx, r)
	if err != nil {
		return err
	}
	if !v.right {
		return v.refusal(*r.factor, portal.CodeInvalid)
	}
	s.refund(ctx, charged)
	return nil
}

// tryReset spends the second factor, then the link, in the transaction that
// sets the password. A wrong factor is recorded and leaves the link alive.
func (s *Service) tryReset(ctx context.Context, r reset) (v verdict, err error) {
	err = s.store.Write(ctx, r.link.CustomerID, func(tx *store.Tx) error {
		v = verdict{right: true}
		if err := s.mustLive(ctx, tx.View, r.link); err != nil {
			return err
		}
		user, err := tx.User(ctx, r.link.Subject)
		if err != nil {
			return err
		}
		if r.factor != nil {
			if v, err = s.spendFactor(ctx, tx, user, *r.factor); err != nil {
				return err
			}
		}
		if !v.right {
			return tx.Record(ctx, portal.Stranger(r.origin).WasRefused(portal.PasswordReset, v.why).On(user))
		}
		if err := s.SpendLink(ctx, tx, r.token); err != nil {
			return err
		}
		return s.finishReset(ctx, tx, r, user)
	})
	return v, err
}

// finishReset sets the password. What somebody else tried with the old one is
// forgotten, so that the owner can sign in with the new one at once.
func (s *Service) finishReset(ctx context.Context, tx *store.Tx, r reset, user portal.User) error {
	if err := tx.SetPassword(ctx, user.ID, r.hash); err != nil {
		return err
	}
	if _, err := tx.EndSessions(ctx, user.ID, ""); err != nil {
		return err
	}
	if err := s.Forgive(ctx, tx, user.ID); err != nil {
		return err
	}
	actor, by := portal.Stranger(r.origin), "mailed link"
	if r.factor != nil {
		by += " and " + r.factor.name()
	}
	if r.factor != nil && r.factor.recovery != "" {
		if err := s.recoveryUsed(ctx, tx, actor, actor.Did(portal.RecoveryCodeUsed).On(user).With("at password reset")); err != nil {
			return err
		}
	}
	return s.Announce(ctx, tx, actor, actor.Did(portal.PasswordReset).On(user).With(by), portal.Letter{Kind: portal.MailPasswordChanged})
}
