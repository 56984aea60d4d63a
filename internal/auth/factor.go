package auth

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"portal"
	"portal/internal/otp"
	"portal/internal/seal"
	"portal/internal/store"
)

// factor is a second factor as it was typed.
type factor struct {
	code     string // a code of the app, or
	recovery string // a recovery code; never both
	by       portal.Actor
	// knows says that the right password came with it. To nobody else is a wrong
	// code explained.
	knows   bool
	charged store.Charged // at sign-in
}

// browser is the digest of the token of the browser that it came from.
func (f factor) browser() []byte {
	digest, _ := seal.TokenDigest(f.by.Origin.Browser)
	return digest
}

func (f factor) field() portal.Field {
	if f.recovery != "" {
		return portal.FieldRecoveryCode
	}
	return portal.FieldCode
}

// name is the factor in the words of the audit trail.
func (f factor) name() string {
	if f.recovery != "" {
		return "recovery code"
	}
	return "code"
}

func (f factor) proofs() store.Proofs {
	if f.recovery != "" {
		return store.ByRecoveryCode
	}
	return store.ByCode
}

// verdict is what became of a second factor.
type verdict struct {
	right bool
	// wait is set where this browser has used the code: how long until the app
	// shows one that can be used.
	wait time.Duration
	// off is by how many steps the code is early or late, where that is known.
	off int
	// recoveryOnly says that codes of the app do not count now, right or wrong.
	recoveryOnly bool
	why          string // for the audit trail
	// left is what a success still gets back, once it is committed.
	left store.Charged
}

// refusal is what the person reads.
func (v verdict) refusal(f factor, code portal.Code) error {
	e := &portal.Error{Code: code, Field: f.field()}
	switch {
	case v.recoveryOnly:
		e.Message = "Codes of the app do not open this account at the moment. Use a recovery code, or ask an administrator."
	case v.wait > 0:
		e.Message = fmt.Sprintf("This code has been used already. Wait for the next code: it comes in %s.", inWords(v.wait))
	case f.recovery != "":
		e.Message = "This recovery code is not right. Check each sign; a code that was used once does not work again."
	case v.off != 0:
		e.Message = offBy(v.off)
	default:
		e.Message = "This code is not right. Enter the 6 digits that your app shows now; each code works once."
	}
	return e
}

// offBy explains a code of an earlier or a later step. Duo shows a code for 30
// seconds from the tap, so that one of the step before the window has only just
// run out.
func offBy(steps int) string {
	if steps == -otp.Skew-1 {
		return "This code has just run out. Enter the one that your app shows now; Duo shows a code for 30 seconds from the tap: tap again."
	}
	way := "fast"
	if steps < 0 {
		way, steps = "slow", -steps
	}
	minutes := (time.Duration(steps) * otp.Period).Round(time.Minute)
	return fmt.Sprintf("Your phone's clock is about %s %s: set it to automatic. Then enter the code that the app shows.",
		plural(int(minutes/time.Minute), "minute"), way)
}

// spendFactor checks a second factor against the user's proven authenticator
// or recovery codes and uses it up, in the transaction of what it authorises.
// What follows from a wrong one happens there, too.
func (s *Service) spendFactor(ctx context.Context, tx *store.Tx, user portal.User, f factor) (verdict, error) {
	v, err := s.matchFactor(ctx, tx, user, f)
	if err != nil || v.right {
		return v, err
	}
	return v, s.wrongFactor(ctx, tx, user, f)
}

func (s *Service) matchFactor(ctx context.Context, tx *store.Tx, user portal.User, f factor) (verdict, error) {
	if f.recovery != "" {
		return s.spendRecovery(ctx, tx, user, f.recovery)
	}
	if user.Frozen {
		return verdict{recoveryOnly: true, why: "account is frozen"}, nil
	}
	a, err := tx.Current(ctx, user.ID)
	if err != nil {
		return verdict{}, missingAuthenticator(ctx, tx, user, err)
	}
	return s.spendCode(ctx, tx, user, a, f)
}

// missingAuthenticator tells a setup that was deleted a moment ago, which may
// happen, from one that should be there, which is a fault.
func missingAuthenticator(ctx context.Context, tx *store.Tx, user portal.User, cause error) error {
	now, err := tx.User(ctx, user.ID)
	if err == nil && errors.Is(cause, store.ErrNotFound) && !now.TwoFactor().HasSetup() {
		return moved()
	}
	return errors.Join(fmt.Errorf("authenticator of %s: %w", user.ID, cause), err)
}

// spendCode checks a code against one authenticator. After too many wrong ones
// in a row none is looked at any more (AU-02).
func (s *Service) spendCode(ctx context.Context, tx *store.Tx, user portal.User, a store.Authenticator, f factor) (verdict, error) {
	if s.blocked(a) {
		return verdict{recoveryOnly: true, why: "codes are blocked"}, nil
	}
	v, err := s.matchCode(ctx, tx, user, a, f)
	if err != nil || v.right {
		return v, err
	}
	return v, s.wrongCode(ctx, tx, user, a, f)
}

// matchCode finds out what a code is worth. A secret that cannot be opened
// verifies nothing and is left as it is (OT-06).
func (s *Service) matchCode(ctx context.Context, tx *store.Tx, user portal.User, a store.Authenticator, f factor) (verdict, error) {
	code, ok := otp.ParseCode(f.code)
	if !ok {
		return verdict{why: "not six digits"}, nil
	}
	secret, err := s.ring.Open(a.Secret, sealedSecret(user, a.ID))
	if err != nil {
		s.log.ErrorContext(ctx, "the secret of an authenticator cannot be read; is this the right key ring?", "user_id", user.ID, "error", err)
		return verdict{}, unreadable(err)
	}
	step, found := otp.Match(secret, code, otp.Step(tx.Now), a.LastStep)
	switch found {
	case otp.Right:
		first, err := tx.SpendStep(ctx, a.ID, step, f.browser())
		if err != nil || first {
			return verdict{right: first}, err
		}
		return spent(tx.Now, a, f, step), nil
	case otp.Spent:
		return spent(tx.Now, a, f, a.LastStep), nil
	}
	return s.explain(ctx, tx, a, f, otp.Near(secret, code, otp.Step(tx.Now), a.LastStep))
}

// spent is the verdict on a code that was used before. Only the browser that
// used it is told so: to somebody who looked over a shoulder it is a wrong one.
func spent(now time.Time, a store.Authenticator, f factor, step int64) verdict {
	v := verdict{why: "code used before"}
	if f.knows && a.UsedBy != nil && bytes.Equal(a.UsedBy, f.browser()) {
		v.wait = untilStep(now, step+1)
	}
	return v
}

// explain says what is amiss with a wrong code, where it is known and may be
// told. A coming step that is told is spent: the explanation is no help for
// guessing ahead.
func (s *Service) explain(ctx context.Context, tx *store.Tx, a store.Authenticator, f factor, off int) (verdict, error) {
	v := verdict{why: "wrong code"}
	if !f.knows || off == 0 {
		return v, nil
	}
	if off > 0 {
		now := otp.Step(tx.Now)
		told, err := tx.TellStep(ctx, a.ID, now+int64(off), now-otp.Skew)
		if err != nil || !told {
			return v, err
		}
	}
	return verdict{off: off, why: "code of another time"}, nil
}

// untilStep is how long it takes until a time step begins; at least a second.
func untilStep(now time.Time, step int64) time.Duration {
	return max(time.Unix(step*int64(otp.Period/time.Second), 0).Sub(now), time.Second)
}

func (s *Service) spendRecovery(ctx context.Context, tx *store.Tx, user portal.User, typed string) (verdict, error) {
	code, ok := seal.ParseRecoveryCode(typed)
	if !ok {
		return verdict{why: "not a recovery code"}, nil
	}
	for _, digest := range s.ring.RecoveryDigests(string(user.ID), code) {
		spent, err := tx.SpendRecoveryCode(ctx, user.ID, digest)
		if err != nil || spent {
			return verdict{right: spent}, err
		}
	}
	return verdict{why: "wrong recovery code"}, s.allReadable(ctx, tx, user)
}

// allReadable holds that the keys of all codes of the user are at hand: without
// them a right code cannot be told from a wrong one (CR-07).
func (s *Service) allReadable(ctx context.Context, tx *store.Tx, user portal.User) error {
	keys, err := tx.RecoveryKeys(ctx, user.ID)
	if err != nil {
		return err
	}
	for _, id := range keys {
		if !slices.Contains(s.ring.KeyIDs(), id) {
			s.log.ErrorContext(ctx, "recovery codes cannot be checked; is this the right key ring?", "user_id", user.ID, "lacks", id)
			return unreadable(store.ErrKeyMissing)
		}
	}
	return nil
}

// recoveryUsed records the use of a recovery code and tells the person, with
// the number that is left (RC-06).
func (s *Service) recoveryUsed(ctx context.Context, tx *store.Tx, actor portal.Actor, e portal.Event) error {
	left, err := tx.RecoveryCodesLeft(ctx, e.TargetID)
	if err != nil {
		return err
	}
	return s.Announce(ctx, tx, actor, e, portal.Letter{Kind: portal.MailRecoveryUsed, Detail: e.Detail, Left: left})
}

// sealedSecret is what the sealed secret of an authenticator is bound to.
func sealedSecret(user portal.User, id portal.AuthenticatorID) seal.AAD {
	return seal.SecretPlace(string(user.CustomerID), string(user.ID), string(id))
}

func unreadable(cause error) error {
	return &portal.Error{
		Code: portal.CodeUnavailable, RetryAfter: time.Minute, Cause: errors.Join(errUnreadable, cause),
		Message: "Codes cannot be checked at the moment. Nothing was changed. Please tell your administrator.",
	}
}

var errUnreadable = errors.New("a second factor cannot be checked")
