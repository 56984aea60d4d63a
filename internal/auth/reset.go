package auth

import (
	"context"
	"errors"

	"portal"
	"portal/internal/store"
)

// reset is one try to set a new password behind a mailed link.
type reset struct {
	link   store.Link
	token  string
	origin portal.Origin
	// password is the new one, hash what is made of it once the try is charged.
	password string
	hash     store.Password
	// same says that it is the one of now, where another one was demanded. Who
	// has not shown the second factor does not learn it.
	same bool
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
	r := reset{link: link, token: token, origin: o, password: newPassword}
	if r.factor, err = secondFactor(who.User, o, p); err != nil {
		return err
	}
	owner, err := ownerOf(ctx, s.store.View(link.CustomerID), link.Subject)
	if err != nil {
		return err
	}
	if err := s.checkNew(portal.FieldNewPassword, newPassword, owner); err != nil {
		return err
	}
	return s.chargedReset(ctx, r, who)
}

// hashed is the try with the hash of its password, and with what is to be known
// of it: a new one is not the one that somebody else may know (PW-09).
func (r reset) hashed(ctx context.Context, s *Service, who store.Credentials) (reset, error) {
	var err error
	if who.MustReset {
		if r.same, _, err = s.hasher.Verify(ctx, who.PasswordHash, r.password); err != nil {
			return r, hashing(err)
		}
	}
	r.hash, err = s.hashNew(ctx, r.password)
	return r, err
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

// chargedReset charges a try before anything secret is looked at, the second
// factor and the password of now alike, and before it costs a hash (AU-05).
func (s *Service) chargedReset(ctx context.Context, r reset, who store.Credentials) error {
	charged, err := s.chargeResetCode(ctx, r.origin, who.User)
	if err != nil {
		return err
	}
	if r, err = r.hashed(ctx, s, who); err != nil {
		s.refundOverload(ctx, err, charged)
		return err
	}
	v, err := s.tryReset(ctx, r)
	switch {
	case errors.Is(err, errSame):
		return s.refuseSame(ctx, r, who.User)
	case err != nil:
		return err
	case !v.right:
		return v.refusal(*r.factor, portal.CodeInvalid)
	}
	s.refund(ctx, charged)
	return nil
}

// errSame undoes a try with the password of now, so that the second factor that
// was right can be used for the next one.
var errSame = errors.New("the password of now")

// refuseSame tells whoever has shown all that is owed that the password is the
// one of now. The try stays charged.
func (s *Service) refuseSame(ctx context.Context, r reset, user portal.User) error {
	err := s.store.Write(ctx, r.link.CustomerID, func(tx *store.Tx) error {
		return tx.Record(ctx, portal.Stranger(r.origin).WasRefused(portal.PasswordReset, "the password that was to be replaced").On(user))
	})
	if err != nil {
		return err
	}
	return sameAgain()
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
		if r.same {
			return errSame
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
