package auth

import (
	"context"
	"errors"

	"portal"
	"portal/internal/seal"
	"portal/internal/store"
)

// wrongCredentials is the one sentence for everything that is wrong at the
// sign-in page: it tells a stranger nothing (AU-07).
func wrongCredentials() error {
	return portal.Invalid("", "Login ID or password is not right.")
}

// SignIn takes the first step: login ID and password. It earns a session, or a
// half session where the account has 2FA enabled.
func (s *Service) SignIn(ctx context.Context, o portal.Origin, loginID, password string) (SignedIn, error) {
	if loginID == "" || password == "" {
		return SignedIn{}, portal.Invalid("", "Enter your login ID and your password.")
	}
	if s.hasher.Busy() { // a flood costs the database nothing
		return SignedIn{}, hashing(seal.ErrBusy)
	}
	who, err := s.store.CredentialsByLogin(ctx, loginID)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return SignedIn{}, err
	}
	from, err := s.browserOf(ctx, who.User, o)
	if err != nil {
		return SignedIn{}, err
	}
	a := arrival{Origin: o, browser: from}
	charged, err := s.pay(ctx, s.passwordToll(who, loginID, a))
	if err != nil {
		event := portal.Stranger(o).WasRefused(portal.PasswordTried, limitReached).On(who.User)
		return SignedIn{}, s.noteLimit(ctx, err, passwordBucketOf(who.ID), homeOf(who), event)
	}
	match, err := s.verifyPassword(ctx, who, password)
	if err != nil {
		s.refundOverload(ctx, err, charged)
		return SignedIn{}, err
	}
	if !match || !who.Usable() {
		return SignedIn{}, s.refusePassword(ctx, o, who, match)
	}
	if !who.TwoFactor().AsksCode() {
		if a.before, err = s.before(ctx, who.User); err != nil {
			return SignedIn{}, err
		}
	}
	return s.acceptPassword(ctx, who, charged, a)
}

// verifyPassword does the work of one hash, whether or not there is anything
// to compare with. Once it is proven, a password whose hash has become too
// cheap is hashed anew.
func (s *Service) verifyPassword(ctx context.Context, who store.Credentials, password string) (bool, error) {
	if who.PasswordHash == "" {
		return false, hashing(s.hasher.VerifyNobody(ctx, password))
	}
	match, stale, err := s.hasher.Verify(ctx, who.PasswordHash, password)
	if stale {
		s.rehash(ctx, who, password)
	}
	return match, hashing(err)
}

func (s *Service) refusePassword(ctx context.Context, o portal.Origin, who store.Credentials, match bool) error {
	why := "wrong password"
	switch {
	case who.ID == "":
		why = "unknown login ID"
	case match:
		why = "account is suspended"
	case who.Invited:
		why = "invitation is not accepted yet"
	}
	err := s.store.Write(ctx, homeOf(who), func(tx *store.Tx) error {
		return tx.Record(ctx, portal.Stranger(o).WasRefused(portal.PasswordTried, why).On(who.User))
	})
	if err != nil {
		return err
	}
	return wrongCredentials()
}

// homeOf is whose trail a try at the sign-in page belongs to.
func homeOf(who store.Credentials) portal.CustomerID {
	if who.CustomerID == "" {
		return portal.NoCustomer
	}
	return who.CustomerID
}

// arrival is a request at the sign-in page: where it came from, and as which
// browser the account knows it.
type arrival struct {
	portal.Origin
	browser browser
	before  store.Before // known once all is right
}

// acceptPassword turns the right password into a session or a half session,
// unless the account has changed since the password was compared.
func (s *Service) acceptPassword(ctx context.Context, who store.Credentials, c store.Charged, a arrival) (SignedIn, error) {
	var earned SignedIn
	err := s.store.Write(ctx, who.CustomerID, func(tx *store.Tx) (err error) {
		earned = SignedIn{}
		now, err := tx.Credentials(ctx, who.ID)
		if err != nil {
			return err
		}
		if now.SecurityVersion != who.SecurityVersion || !now.Usable() {
			return wrongCredentials()
		}
		if err := s.forgetTries(ctx, tx, c); err != nil {
			return err
		}
		earned, err = s.afterPassword(ctx, tx, a, now.User)
		return err
	})
	if err != nil {
		return SignedIn{}, err
	}
	s.refundSource(ctx, c)
	if earned == (SignedIn{}) {
		return earned, shut(who.User)
	}
	return earned, nil
}

// shut answers a right password that opens nothing.
func shut(user portal.User) error {
	if user.Frozen {
		return frozenShut()
	}
	return portal.Invalid("", "Your password is right, but somebody else may know it, so that it opens nothing any more. Choose “Forgot password” to replace it.")
}

// forgetTries gives a right password's try back. Failures in a row are
// forgotten with it where it was one of theirs; a known browser's success does
// not shorten the waiting of strangers.
func (s *Service) forgetTries(ctx context.Context, tx *store.Tx, c store.Charged) error {
	if c.Delay.Bucket == "" {
		return tx.Refund(ctx, c)
	}
	return tx.ForgetThrottle(ctx, c.Delay.Bucket)
}

func (s *Service) afterPassword(ctx context.Context, tx *store.Tx, a arrival, user portal.User) (SignedIn, error) {
	if user.Frozen {
		return s.enterFrozen(ctx, tx, a, user)
	}
	actor, owes := portal.Stranger(a.Origin), user.TwoFactor().AsksCode()
	if user.MustReset && !(a.browser.known && owes) { // both factors are wanted, and the owner's browser (AU-06)
		return SignedIn{}, tx.Record(ctx, actor.WasRefused(portal.PasswordTried, "a new password is demanded").On(user))
	}
	if owes {
		half, err := s.openHalf(ctx, tx, a, user)
		if err != nil {
			return SignedIn{}, err
		}
		return SignedIn{Half: half}, tx.Record(ctx, actor.Did(portal.PasswordTried).On(user).With("second factor is owed"))
	}
	p := proven{user, store.ByPassword, a.Origin, a.browser, a.before}
	earned, err := s.openSession(ctx, tx, p)
	if err != nil {
		return SignedIn{}, err
	}
	return earned, tx.Record(ctx, signedIn(actor.Did(portal.SignedIn).On(user).With(p.how()), user))
}

// signedIn makes the person the actor of the event: now we know who it was.
func signedIn(e portal.Event, user portal.User) portal.Event {
	e.ActorKind, e.ActorID, e.ActorLabel = portal.ActorUser, user.ID, user.LoginID
	return e
}

func (s *Service) openHalf(ctx context.Context, tx *store.Tx, a arrival, user portal.User) (string, error) {
	token := seal.NewToken()
	digest, _ := seal.TokenDigest(token)
	h := store.HalfSession{UserID: user.ID, SecurityVersion: user.SecurityVersion, ExpiresAt: tx.Now.Add(s.limits.HalfSession)}
	if a.browser.known {
		h.Browser = a.browser.digest
	}
	return token, tx.AddHalfSession(ctx, h, digest)
}

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
	return s.secondStep(ctx, o, half, factor{code: code})
}

// SignInWithRecoveryCode takes the second step with a recovery code.
func (s *Service) SignInWithRecoveryCode(ctx context.Context, o portal.Origin, half, code string) (SignedIn, error) {
	if code == "" {
		return SignedIn{}, portal.Invalid(portal.FieldRecoveryCode, "Enter one of your recovery codes.")
	}
	return s.secondStep(ctx, o, half, factor{recovery: code})
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
		return SignedIn{}, s.noteCodeLimit(ctx, o, h, s.tooMany(charged.Until))
	}
	user := portal.User{ID: h.UserID, CustomerID: h.CustomerID}
	from, err := s.browserOf(ctx, user, o)
	if err != nil {
		return SignedIn{}, err
	}
	before, err := s.before(ctx, user)
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
	s.refundSource(ctx, charged)
	return earned, nil
}

// secondTry is one try of the second step.
type secondTry struct {
	arrival
	half   store.HalfSession
	digest []byte // of the half session's token
	factor factor
}

func (s *Service) noteCodeLimit(ctx context.Context, o portal.Origin, h store.HalfSession, refusal error) error {
	user, err := s.store.View(h.CustomerID).User(ctx, h.UserID)
	if err != nil {
		return errors.Join(refusal, err)
	}
	event := portal.Stranger(o).WasRefused(portal.SecondFactorTried, limitReached).On(user)
	return s.noteLimit(ctx, refusal, "code/"+string(user.ID), h.CustomerID, event)
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
		earned, err = s.finish(ctx, tx, user, t)
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
