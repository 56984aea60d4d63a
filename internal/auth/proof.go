package auth

import (
	"context"
	"time"

	"portal"
	"portal/internal/store"
)

// Need says how strongly somebody has to prove who they are for a deed (LC-01).
type Need int

const (
	// NeedStart is for starting a first setup: a sign-in or step-up of the
	// last five minutes will do (LC-02).
	NeedStart Need = iota
	// NeedFresh is for managing: a step-up of the last five minutes will do.
	NeedFresh
	// NeedProof always asks, at the strongest level that the account has, and
	// uses the step-up up.
	NeedProof
	// NeedKept is for switching on again: password and a code of the kept
	// setup; its recovery codes are dead.
	NeedKept
)

// Asks tells which proofs a form has to ask of the actor now. The host has
// proven itself by being able to read the data.
func (s *Service) Asks(actor portal.Actor, need Need) Ask {
	now := s.now()
	switch {
	case actor.Kind == portal.ActorHost:
		return Ask{}
	case need == NeedFresh && s.fresh(actor.SteppedUpAt, now):
		return Ask{}
	case need == NeedStart && (s.fresh(actor.SteppedUpAt, now) || s.fresh(actor.SignedInAt, now)):
		return Ask{}
	}
	owes := portal.StatusOf(actor.Stored, false).AsksCode()
	return Ask{Password: true, Code: owes || need == NeedKept, Recovery: owes}
}

// fresh tells whether a step-up or a sign-in is of the last five minutes.
func (s *Service) fresh(at, now time.Time) bool { return store.Fresh(at, now, s.limits.StepUp) }

// missing says which field of a proof is still empty.
func (a Ask) missing(p Proof) error {
	switch {
	case a.Password && p.Password == "":
		return proofError(portal.FieldPassword, "Enter your password to confirm that it is you.")
	case a.Code && !a.Recovery && p.Code == "":
		return proofError(portal.FieldCode, "Enter the 6 digits that your app shows now.")
	case a.Code && p.Code == "" && p.RecoveryCode == "":
		return proofError(portal.FieldCode, "Enter the 6 digits that your app shows now, or use a recovery code.")
	}
	return nil
}

func proofError(f portal.Field, message string) error {
	return &portal.Error{Code: portal.CodeProof, Field: f, Message: message}
}

// StepUp proves afresh who is acting, as far as the need asks for it. The
// session gets a new token with it (SE-02).
func (s *Service) StepUp(ctx context.Context, actor portal.Actor, need Need, p Proof) (Renewed, error) {
	ask := s.Asks(actor, need)
	if !ask.Password {
		return Renewed{}, nil
	}
	if err := ask.missing(p); err != nil {
		return Renewed{}, err
	}
	if err := s.provePassword(ctx, actor, p.Password); err != nil {
		return Renewed{}, err
	}
	if !ask.Code {
		renewed, _, err := s.markSteppedUp(ctx, actor, nil)
		return renewed, err
	}
	f := factor{code: p.Code, by: actor, knows: true}
	if ask.Recovery && p.Code == "" {
		f = factor{recovery: p.RecoveryCode, by: actor, knows: true}
	}
	return s.proveFactor(ctx, actor, f)
}

// provePassword checks the password inside a running session, which has a
// budget of its own.
func (s *Service) provePassword(ctx context.Context, actor portal.Actor, password string) error {
	charged, err := s.chargeStepUp(ctx, "password", actor)
	if err != nil {
		return err
	}
	who, err := s.store.View(actor.CustomerID).Credentials(ctx, actor.UserID)
	if err != nil {
		return err
	}
	match, err := s.verifyPassword(ctx, who, password)
	if err != nil {
		s.refundOverload(ctx, err, charged)
		return err
	}
	if match {
		s.refund(ctx, charged)
		return nil
	}
	err = s.store.Write(ctx, actor.CustomerID, func(tx *store.Tx) error {
		return tx.Record(ctx, actor.WasRefused(portal.SteppedUp, "wrong password").On(own(actor)))
	})
	if err != nil {
		return err
	}
	return proofError(portal.FieldPassword, "This password is not right.")
}

func (s *Service) proveFactor(ctx context.Context, actor portal.Actor, f factor) (Renewed, error) {
	charged, err := s.chargeStepUp(ctx, "code", actor)
	if err != nil {
		return Renewed{}, err
	}
	renewed, v, err := s.markSteppedUp(ctx, actor, &f)
	if err != nil {
		return Renewed{}, err
	}
	if !v.right {
		return Renewed{}, v.refusal(f, portal.CodeProof)
	}
	s.refund(ctx, charged)
	return renewed, nil
}

// markSteppedUp spends the factor, where one is owed, and marks the session.
func (s *Service) markSteppedUp(ctx context.Context, actor portal.Actor, f *factor) (renewed Renewed, v verdict, err error) {
	err = s.store.Write(ctx, actor.CustomerID, func(tx *store.Tx) error {
		renewed, v = Renewed{}, verdict{right: true}
		if f != nil {
			if v, err = s.spendFactor(ctx, tx, own(actor), *f); err != nil {
				return err
			}
		}
		if !v.right {
			return tx.Record(ctx, actor.WasRefused(portal.SteppedUp, v.why).On(own(actor)))
		}
		renewed, err = s.steppedUp(ctx, tx, actor, f)
		return err
	})
	if err != nil {
		return Renewed{}, v, err // the session's old token is still the right one
	}
	return renewed, v, nil
}

func (s *Service) steppedUp(ctx context.Context, tx *store.Tx, actor portal.Actor, f *factor) (Renewed, error) {
	if _, err := tx.StepUp(ctx, actor.SessionID); err != nil {
		return Renewed{}, err
	}
	renewed, err := s.renew(ctx, tx, actor)
	if err != nil {
		return Renewed{}, err
	}
	by := "password"
	if f != nil {
		by = "password and " + f.name()
	}
	if f != nil && f.recovery != "" {
		if err := s.recoveryUsed(ctx, tx, actor, actor.Did(portal.RecoveryCodeUsed).On(own(actor)).With("at step-up")); err != nil {
			return Renewed{}, err
		}
	}
	return renewed, tx.Record(ctx, actor.Did(portal.SteppedUp).On(own(actor)).With(by))
}

// RequireStepUp holds, inside the transaction of the deed, that the proof is
// there: it uses the step-up up where the need says so, and looks at it where
// a fresh one is enough.
func (s *Service) RequireStepUp(ctx context.Context, tx *store.Tx, actor portal.Actor, need Need) error {
	if actor.Kind == portal.ActorHost {
		return nil
	}
	var fresh bool
	var err error
	switch {
	case need == NeedProof || need == NeedKept:
		fresh, err = tx.UseStepUp(ctx, actor.SessionID, s.limits.StepUp)
	case need == NeedStart && s.fresh(actor.SignedInAt, tx.Now):
		fresh = true
	default:
		fresh, err = tx.FreshStepUp(ctx, actor.SessionID, s.limits.StepUp)
	}
	if err == nil && !fresh {
		err = proofError(portal.FieldPassword, "Please confirm again that it is you.")
	}
	return err
}

// underStepUp proves and then runs a deed of the actor on the own account; that
// the actor may do it is asked before. Renewed is valid even where the deed is
// refused.
func (s *Service) underStepUp(ctx context.Context, actor portal.Actor, need Need, p Proof, deed func(*store.Tx) error) (Renewed, error) {
	renewed, err := s.StepUp(ctx, actor, need, p)
	if err != nil {
		return renewed, err
	}
	return renewed, s.store.Write(ctx, actor.CustomerID, func(tx *store.Tx) error {
		if err := s.RequireStepUp(ctx, tx, actor, need); err != nil {
			return err
		}
		return deed(tx)
	})
}

// securityChange runs a security change of the actor's own account under
// step-up: all other sessions end, the acting one gets a new token (LC-03).
func (s *Service) securityChange(ctx context.Context, actor portal.Actor, need Need, p Proof, change func(*store.Tx, portal.User) error) (Renewed, error) {
	var after Renewed
	before, err := s.underStepUp(ctx, actor, need, p, func(tx *store.Tx) error {
		user, err := tx.User(ctx, actor.UserID)
		if err != nil {
			return err
		}
		if err := change(tx, user); err != nil {
			return err
		}
		after, err = s.settle(ctx, tx, actor)
		return err
	})
	if err != nil {
		return before, err
	}
	return after, nil
}

// settle ends the actor's other sessions after a security change and carries
// the acting one over into the new security version.
func (s *Service) settle(ctx context.Context, tx *store.Tx, actor portal.Actor) (Renewed, error) {
	if _, err := tx.EndSessions(ctx, actor.UserID, actor.SessionID); err != nil {
		return Renewed{}, err
	}
	return s.renew(ctx, tx, actor)
}
