package auth

import (
	"context"
	"errors"

	"portal"
	"portal/internal/meter"
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
	earned, err := s.firstStep(ctx, o, loginID, password)
	s.countStep(meter.Password, earned, err)
	return earned, err
}

func (s *Service) firstStep(ctx context.Context, o portal.Origin, loginID, password string) (SignedIn, error) {
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
	return s.tryPassword(ctx, who, firstTry{arrival{Origin: o, browser: from}, loginID, password})
}

// firstTry is one try of the first step, as it was typed.
type firstTry struct {
	arrival
	loginID, password string
}

// tryPassword charges a try, for a name that nobody has as well, and looks at
// the password then.
func (s *Service) tryPassword(ctx context.Context, who store.Credentials, t firstTry) (SignedIn, error) {
	charged, err := s.pay(ctx, s.passwordToll(who, t.loginID, t.arrival))
	if err != nil {
		event := portal.Stranger(t.Origin).WasRefused(portal.PasswordTried, limitReached).On(who.User)
		return SignedIn{}, s.noteLimit(ctx, err, charged, homeOf(who), event)
	}
	match, err := s.verifyPassword(ctx, who, t.password)
	if err != nil {
		s.refundOverload(ctx, err, charged)
		return SignedIn{}, err
	}
	if !match || !who.Usable() {
		return SignedIn{}, s.refusePassword(ctx, t.Origin, who, match)
	}
	if !who.TwoFactor().AsksCode() {
		if t.before, err = s.before(ctx, who.User); err != nil {
			return SignedIn{}, err
		}
	}
	return s.acceptPassword(ctx, who, charged, t.arrival)
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
	before  portal.LastTime // known once all is right
}

// acceptPassword turns the right password into a session or a half session,
// unless the account has changed since the password was compared.
func (s *Service) acceptPassword(ctx context.Context, who store.Credentials, c store.Charged, a arrival) (SignedIn, error) {
	var earned SignedIn
	var left store.Charged
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
		if left, err = tx.RefundSource(ctx, c); err != nil {
			return err
		}
		earned, err = s.afterPassword(ctx, tx, a, now.User)
		return err
	})
	if err != nil {
		return SignedIn{}, err
	}
	s.refundSource(ctx, left)
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
	return portal.Invalid("", "Your password is right, but somebody else may know it, so that it opens nothing any more. Choose “Forgot your password?” to replace it.")
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
	if user.MustReset && !(a.browser.known() && owes) { // both factors are wanted, and the owner's browser (AU-06)
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
	if a.browser.known() {
		h.Browser = a.browser.digest
	}
	return token, tx.AddHalfSession(ctx, h, digest)
}
