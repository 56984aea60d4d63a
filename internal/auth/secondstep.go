package auth

import (
	"context"
	"errors"

	"portal"
	"portal/internal/meter"
	"portal/internal/seal"
	"portal/internal/store"
)

// HalfSession returns nil where the token opens a half session that may be
// used, and CodeSignIn where it does not.
func (s *Service) HalfSession(ctx context.Context, half string) error {
	_, err := s.half(ctx, half)
	return err
}

func (s *Service) half(ctx context.Context, half string) (store.HalfSession, error) {
	digest, ok := seal.TokenDigest(half)
	if !ok {
		return store.HalfSession{}, portal.SignInFirst()
	}
	h, err := s.store.HalfSessionByDigest(ctx, digest, s.limits.HalfSessionTries)
	return h, signInWhereMissing(err)
}

func signInWhereMissing(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return portal.SignInFirst()
	}
	return err
}

// SignInWithCode takes the second step with a code of the app.
func (s *Service) SignInWithCode(ctx context.Context, o portal.Origin, half, code string) (SignedIn, error) {
	if code == "" {
		return SignedIn{}, portal.Invalid(portal.FieldCode, "Enter the 6 digits that your app shows.")
	}
	earned, err := s.secondStep(ctx, o, half, factor{code: code})
	s.countStep(meter.Code, earned, err)
	return earned, err
}

// SignInWithRecoveryCode takes the second step with a recovery code.
func (s *Service) SignInWithRecoveryCode(ctx context.Context, o portal.Origin, half, code string) (SignedIn, error) {
	if code == "" {
		return SignedIn{}, portal.Invalid(portal.FieldRecoveryCode, "Enter one of your recovery codes.")
	}
	earned, err := s.secondStep(ctx, o, half, factor{recovery: code})
	s.countStep(meter.RecoveryCode, earned, err)
	return earned, err
}

func (s *Service) secondStep(ctx context.Context, o portal.Origin, half string, f factor) (SignedIn, error) {
	digest, ok := seal.TokenDigest(half)
	if !ok {
		return SignedIn{}, portal.SignInFirst()
	}
	toll := func(h store.HalfSession) store.Toll { return s.codeToll(h, o) }
	h, charged, err := s.store.ChargeHalfSession(ctx, digest, s.limits.HalfSessionTries, toll)
	if err != nil {
		return SignedIn{}, signInWhereMissing(err)
	}
	if !charged.Until.IsZero() {
		return SignedIn{}, s.noteCodeLimit(ctx, o, h, charged)
	}
	from, err := s.browserAt(ctx, h, o)
	if err != nil {
		return SignedIn{}, err
	}
	before, err := s.before(ctx, portal.User{ID: h.UserID, CustomerID: h.CustomerID})
	if err != nil {
		return SignedIn{}, err
	}
	o.Browser = from.token // what it is called from now on, if this is right
	f.by, f.knows, f.charged = portal.Stranger(o), true, charged
	earned, verdict, err := s.tryFactor(ctx, secondTry{arrival{o, from, before}, h, digest, f})
	if err != nil {
		return SignedIn{}, err
	}
	if !verdict.right {
		return SignedIn{}, verdict.refusal(f, portal.CodeInvalid)
	}
	s.refundSource(ctx, verdict.left)
	return earned, nil
}

// secondTry is one try of the second step.
type secondTry struct {
	arrival
	half   store.HalfSession
	digest []byte // of the half session's token
	factor factor
}

func (s *Service) noteCodeLimit(ctx context.Context, o portal.Origin, h store.HalfSession, c store.Charged) error {
	refusal := s.tooMany(c)
	user, err := s.store.View(h.CustomerID).User(ctx, h.UserID)
	if err != nil {
		return errors.Join(refusal, err)
	}
	event := portal.Stranger(o).WasRefused(portal.SecondFactorTried, limitReached).On(user)
	return s.noteLimit(ctx, refusal, c, h.CustomerID, event)
}

// tryFactor spends the factor, the half session and records what came of it,
// in one transaction. A refusal commits as well.
func (s *Service) tryFactor(ctx context.Context, t secondTry) (earned SignedIn, v verdict, err error) {
	err = s.store.Write(ctx, t.half.CustomerID, func(tx *store.Tx) error {
		earned, v = SignedIn{}, verdict{}
		user, err := tx.User(ctx, t.half.UserID)
		if err != nil {
			return err
		}
		if user.SecurityVersion != t.half.SecurityVersion {
			return portal.SignInFirst()
		}
		if v, err = s.spendFactor(ctx, tx, user, t.factor); err != nil {
			return err
		}
		if !v.right {
			return tx.Record(ctx, portal.Stranger(t.Origin).WasRefused(portal.SecondFactorTried, v.why).On(user))
		}
		if earned, err = s.finish(ctx, tx, user, t); err != nil {
			return err
		}
		v.left, err = tx.RefundSource(ctx, t.factor.charged)
		return err
	})
	return earned, v, err
}

// finish exchanges a half session for a session, and gives back what the try
// was charged.
func (s *Service) finish(ctx context.Context, tx *store.Tx, user portal.User, t secondTry) (SignedIn, error) {
	first, err := tx.SpendHalfSession(ctx, t.digest)
	if err != nil {
		return SignedIn{}, err
	}
	if !first {
		return SignedIn{}, portal.SignInFirst()
	}
	if err := tx.Refund(ctx, t.factor.charged); err != nil {
		return SignedIn{}, err
	}
	p := proven{user, t.factor.proofs(), t.Origin, t.browser, t.before}
	if p.user, err = s.thawByRecovery(ctx, tx, p); err != nil {
		return SignedIn{}, err
	}
	earned, err := s.openSession(ctx, tx, p)
	if err != nil {
		return SignedIn{}, err
	}
	event := signedIn(portal.Stranger(p.origin).Did(portal.SignedIn).On(p.user).With(p.how()), p.user)
	if p.by == store.ByRecoveryCode {
		used := event.With("at sign-in")
		used.Action = portal.RecoveryCodeUsed
		if err := s.recoveryUsed(ctx, tx, portal.Stranger(p.origin), used); err != nil {
			return SignedIn{}, err
		}
	}
	return earned, tx.Record(ctx, event)
}

// CancelSignIn gives up a half session. Without one there is nothing to do.
func (s *Service) CancelSignIn(ctx context.Context, o portal.Origin, half string) error {
	h, err := s.half(ctx, half)
	if portal.ErrorCode(err) == portal.CodeSignIn {
		return nil
	}
	if err != nil {
		return err
	}
	digest, _ := seal.TokenDigest(half)
	return s.store.Write(ctx, h.CustomerID, func(tx *store.Tx) error {
		user, err := tx.User(ctx, h.UserID)
		if err != nil {
			return err
		}
		if _, err := tx.EndHalfSession(ctx, digest); err != nil {
			return err
		}
		return tx.Record(ctx, portal.Stranger(o).Did(portal.SignInCancelled).On(user))
	})
}
