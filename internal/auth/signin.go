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
	who, err := s.store.CredentialsByLogin(ctx, loginID)
	known := err == nil
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return SignedIn{}, err
	}
	from, err := s.browserOf(ctx, who.User, o)
	if err != nil {
		return SignedIn{}, err
	}
	bucket := s.passwordBucket(who, known, loginID)
	if err := s.chargePassword(ctx, bucket); err != nil {
		event := portal.Stranger(o).WasRefused(portal.PasswordTried, limitReached).On(who.User)
		return SignedIn{}, s.noteLimit(ctx, err, bucket, homeOf(who), event)
	}
	match, err := s.verifyPassword(ctx, who, password)
	if err != nil {
		s.refundOverload(ctx, err, charge{bucket})
		return SignedIn{}, err
	}
	if !match || !who.Usable() {
		return SignedIn{}, s.refusePassword(ctx, o, who, match)
	}
	return s.acceptPassword(ctx, who, bucket, arrival{o, from})
}

// passwordBucket counts by account, not by spelling; a name that nobody has is
// counted alike, under a keyed digest (AU-04).
func (s *Service) passwordBucket(who store.Credentials, known bool, loginID string) string {
	if known {
		return passwordBucketOf(who.ID)
	}
	return "password/unknown/" + s.ring.UnknownName(portal.FoldKey(loginID))
}

// verifyPassword does the work of one hash, whether or not there is anything
// to compare with.
func (s *Service) verifyPassword(ctx context.Context, who store.Credentials, password string) (bool, error) {
	if who.PasswordHash == "" {
		return false, hashing(s.hasher.VerifyNobody(ctx, password))
	}
	match, _, err := s.hasher.Verify(ctx, who.PasswordHash, password)
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
}

// acceptPassword turns the right password into a session or a half session,
// unless the account has changed since the password was compared.
func (s *Service) acceptPassword(ctx context.Context, who store.Credentials, bucket string, a arrival) (SignedIn, error) {
	var earned SignedIn
	err := s.store.Write(ctx, who.CustomerID, func(tx *store.Tx) (err error) {
		earned = SignedIn{}
		now, err := tx.Credentials(ctx, who.ID)
		if err != nil {
			return err
		}
		if now.SecurityVersion != who.SecurityVersion || now.PasswordHash != who.PasswordHash || !now.Usable() {
			return wrongCredentials()
		}
		if err := tx.ForgetThrottle(ctx, bucket); err != nil {
			return err
		}
		earned, err = s.afterPassword(ctx, tx, a, now.User)
		return err
	})
	if err == nil && earned == (SignedIn{}) {
		err = frozenShut()
	}
	return earned, err
}

func (s *Service) afterPassword(ctx context.Context, tx *store.Tx, a arrival, user portal.User) (SignedIn, error) {
	if user.Frozen {
		return s.enterFrozen(ctx, tx, a.Origin, user)
	}
	event := portal.Stranger(a.Origin).Did(portal.SignedIn).On(user).With(string(store.ByPassword))
	if user.TwoFactor().AsksCode() {
		half, err := s.openHalf(ctx, tx, user)
		if err != nil {
			return SignedIn{}, err
		}
		event.Action, event.Detail = portal.PasswordTried, "second factor is owed"
		return SignedIn{Half: half}, tx.Record(ctx, event)
	}
	earned, err := s.openSession(ctx, tx, proven{user, store.ByPassword, a.Origin, a.browser})
	if err != nil {
		return SignedIn{}, err
	}
	return earned, tx.Record(ctx, signedIn(event, user))
}

// signedIn makes the person the actor of the event: now we know who it was.
func signedIn(e portal.Event, user portal.User) portal.Event {
	e.ActorKind, e.ActorID, e.ActorLabel = portal.ActorUser, user.ID, user.LoginID
	return e
}

func (s *Service) openHalf(ctx context.Context, tx *store.Tx, user portal.User) (string, error) {
	token := seal.NewToken()
	digest, _ := seal.TokenDigest(token)
	return token, tx.AddHalfSession(ctx, store.HalfSession{
		UserID: user.ID, SecurityVersion: user.SecurityVersion, ExpiresAt: tx.Now.Add(s.limits.HalfSession),
	}, digest)
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
	h, until, err := s.store.ChargeHalfSession(ctx, digest, s.limits.HalfSessionTries, s.codeBudgets)
	if err != nil {
		return SignedIn{}, signInWhereMissing(err)
	}
	if !until.IsZero() {
		return SignedIn{}, s.noteCodeLimit(ctx, o, h, s.tooMany(until))
	}
	from, err := s.browserOf(ctx, portal.User{ID: h.UserID, CustomerID: h.CustomerID}, o)
	if err != nil {
		return SignedIn{}, err
	}
	earned, verdict, err := s.tryFactor(ctx, arrival{o, from}, h, digest, f)
	if err != nil {
		return SignedIn{}, err
	}
	if !verdict.right {
		return SignedIn{}, verdict.refusal(f, portal.CodeInvalid)
	}
	return earned, nil
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
func (s *Service) tryFactor(ctx context.Context, a arrival, h store.HalfSession, digest []byte, f factor) (earned SignedIn, v verdict, err error) {
	err = s.store.Write(ctx, h.CustomerID, func(tx *store.Tx) error {
		earned, v = SignedIn{}, verdict{}
		user, err := tx.User(ctx, h.UserID)
		if err != nil {
			return err
		}
		if user.SecurityVersion != h.SecurityVersion {
			return portal.SignInFirst()
		}
		if v, err = s.spendFactor(ctx, tx, user, f); err != nil {
			return err
		}
		if !v.right {
			return tx.Record(ctx, portal.Stranger(a.Origin).WasRefused(portal.SecondFactorTried, v.why).On(user))
		}
		earned, err = s.finish(ctx, tx, proven{user, f.proofs(), a.Origin, a.browser}, digest)
		return err
	})
	return earned, v, err
}

// finish exchanges a half session for a session, and gives back what the try
// was charged: rows in the order in which the charge took them, so that the
// two never wait for each other.
func (s *Service) finish(ctx context.Context, tx *store.Tx, p proven, digest []byte) (SignedIn, error) {
	first, err := tx.SpendHalfSession(ctx, digest)
	if err != nil {
		return SignedIn{}, err
	}
	if !first {
		return SignedIn{}, portal.SignInFirst()
	}
	for _, b := range s.codeBudgets(p.user.ID) {
		if err := tx.RefundBudget(ctx, b.Bucket); err != nil {
			return SignedIn{}, err
		}
	}
	if p.user, err = s.thawByRecovery(ctx, tx, p); err != nil {
		return SignedIn{}, err
	}
	earned, err := s.openSession(ctx, tx, p)
	if err != nil {
		return SignedIn{}, err
	}
	event := signedIn(portal.Stranger(p.origin).Did(portal.SignedIn).On(p.user).With(string(p.by)), p.user)
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

// namedHelpers is how many administrators a page names.
const namedHelpers = 10

// Helpers tells a person who has proven the password whom to ask for help.
func (s *Service) Helpers(ctx context.Context, half string) (Helpers, error) {
	h, err := s.half(ctx, half)
	if err != nil {
		return Helpers{}, err
	}
	view := s.store.View(h.CustomerID)
	customer, err := view.Customer(ctx)
	if err != nil {
		return Helpers{}, err
	}
	administrators, err := view.Administrators(ctx, namedHelpers)
	help := Helpers{Customer: customer.Name}
	for _, a := range administrators {
		if a.ID != h.UserID {
			help.Administrators = append(help.Administrators, a.Name)
		}
	}
	return help, err
}
