package auth

import (
	"context"
	"fmt"
	"math"
	"net/netip"
	"time"

	"portal"
	"portal/internal/store"
)

// The limiter (AU-01): everything that a try can be charged to. docs/guessing.md
// is its page, with all numbers and the reasons. Counters are rows of the
// database, common to all nodes and surfaces, keyed by the account.
//
//	password/<user>            from the 5th failure in a row on each next try waits: 30 s, 1 min … 1 h;
//	                           a quiet day begins anew
//	<digest> in unknown_names  the same for a login ID that nobody has
//	password/known/<user>/<b>  5 in an hour in one known browser, before the above
//	source/<address>           200 failures in an hour from one address (IPv6: /64), known browsers aside
//	code/hour/<user>           10 wrong second factors in an hour
//	code/day/<user>            30 wrong second factors in a day; on a frozen account, and where codes are blocked,
//	                           both only count
//	code/known/<user>/<b>      5 in an hour in one known browser, before the above
//	code/reset/<user>          5 tries in an hour behind a mailed reset link, with a second factor or without
//	password/step-up/<session>, code/step-up/<session>   5 in an hour each
//	confirm/<session>          30 tries to confirm a set-up in an hour
//	invitation/<user>          100 invitations by one administrator in an hour; each sends a mail
//	reset/<user>               3 reset links asked for within the life of one; reset/unknown/<digest> the same for a
//	                           login ID that nobody has
//	reset/source/<address>     30 reset links asked for from one address (IPv6: /64) in an hour
//	address/<user>             10 addresses asked for in an hour, by the owner and administrators together
//	login-id/<user>            30 login IDs in an hour that one administrator found to be taken
//	help/<user>                3 calls for an administrator's help in a day (help.go)
//	export/<user>              20 exports of the audit trail by one administrator in an hour (export.go)
//	half session               5 tries, counted in its own row
const (
	freePasswords    = 5
	firstWait        = 30 * time.Second
	longestWait      = time.Hour
	confirmsPerHour  = 30
	invitesPerHour   = 100
	addressesPerHour = 10
	resetsAtATime    = 3
	resetsPerSource  = 30
	takenIDsPerHour  = 30
	hour, day        = time.Hour, 24 * time.Hour
)

// passwordToll is what a password at the sign-in page is charged to: by the
// account and not by the spelling of its login ID.
func (s *Service) passwordToll(who store.Credentials, loginID string, a arrival) store.Toll {
	t := store.Toll{
		Own:    s.known("password", who.ID, a.browser),
		Delay:  store.Backoff{Bucket: passwordBucketOf(who.ID), Free: freePasswords, First: firstWait, Longest: longestWait, Forget: day},
		Source: s.source(a.Origin),
	}
	if who.ID == "" {
		t.Delay.Unknown, t.Delay.Bucket = true, s.ring.UnknownName(portal.FoldKey(loginID))
	}
	return t
}

func passwordBucketOf(user portal.UserID) string { return "password/" + string(user) }

// codeToll is what a second factor at sign-in is charged to, codes and recovery
// codes together (RC-04).
func (s *Service) codeToll(h store.HalfSession, o portal.Origin) store.Toll {
	return store.Toll{
		Own:    s.known("code", h.UserID, browser{since: h.KnownSince}),
		Common: s.codesOf(h),
		Source: s.source(o),
	}
}

// codesOf are the common budgets of a half session's user. Where nothing but a
// recovery code opens the account they only count: nobody guesses one of those,
// and a stranger with the password must not keep the owner's out (AU-06).
func (s *Service) codesOf(h store.HalfSession) []store.Budget {
	budgets := s.codeBudgets(h.UserID)
	if h.Frozen || s.tooManyInRow(h.Failures) {
		for i := range budgets {
			budgets[i].Limit = math.MaxInt32
		}
	}
	return budgets
}

func (s *Service) codeBudgets(user portal.UserID) []store.Budget {
	return []store.Budget{
		{Bucket: "code/hour/" + string(user), Limit: s.limits.CodesPerHour, Window: hour},
		{Bucket: codeDay(user), Limit: s.limits.CodesPerDay, Window: day},
	}
}

func codeDay(user portal.UserID) string { return "code/day/" + string(user) }

// known is the budget of one known browser for one kind of proof. A browser
// that has used it up counts as an unknown one. It is named by when the browser
// became known: whoever signs in there to another account changes its token.
func (s *Service) known(kind string, user portal.UserID, b browser) store.Budget {
	if !b.known() {
		return store.Budget{}
	}
	return store.Budget{Bucket: fmt.Sprintf("%s%d", knownBuckets(kind, user), b.since.UnixMicro()), Limit: s.limits.KnownPerHour, Window: hour}
}

func knownBuckets(kind string, user portal.UserID) string {
	return kind + "/known/" + string(user) + "/"
}

// source counts failures from one address, against spraying one password over
// many accounts.
func (s *Service) source(o portal.Origin) store.Budget {
	return store.Budget{Bucket: "source/" + sourceOf(o.Address), Limit: s.limits.SourcePerHour, Window: hour}
}

// chargeStepUp counts a proof inside a running session.
func (s *Service) chargeStepUp(ctx context.Context, kind string, actor portal.Actor) (store.Charged, error) {
	bucket := kind + "/step-up/" + string(actor.SessionID)
	c, err := s.chargeAll(ctx, store.Budget{Bucket: bucket, Limit: s.limits.StepUpsPerHour, Window: hour})
	event := actor.WasRefused(portal.SteppedUp, limitReached).On(own(actor))
	return c, s.noteLimit(ctx, err, c, actor.CustomerID, event)
}

func (s *Service) chargeConfirm(ctx context.Context, session portal.SessionID) (store.Charged, error) {
	return s.chargeAll(ctx, store.Budget{Bucket: "confirm/" + string(session), Limit: confirmsPerHour, Window: hour})
}

// ChargeAddress counts another address that is asked for a user, which sends
// mail there.
func (s *Service) ChargeAddress(ctx context.Context, user portal.UserID) error {
	_, err := s.chargeAll(ctx, store.Budget{Bucket: "address/" + string(user), Limit: addressesPerHour, Window: hour})
	return err
}

// chargeReset counts a reset link that a name was asked for, by the name and by
// the source: each may send a mail (IN-03). The window is the life of a link, so
// that whoever uses the budget up leaves the owner a link that still works.
func (s *Service) chargeReset(ctx context.Context, o portal.Origin, user portal.User, name string) error {
	c, err := s.chargeAll(ctx,
		store.Budget{Bucket: "reset/" + name, Limit: resetsAtATime, Window: s.limits.ResetLink},
		store.Budget{Bucket: "reset/source/" + sourceOf(o.Address), Limit: resetsPerSource, Window: hour})
	home := user.CustomerID
	if home == "" {
		home = portal.NoCustomer
	}
	return s.noteLimit(ctx, err, c, home, portal.Stranger(o).WasRefused(portal.ResetAsked, limitReached).On(user))
}

// chargeResetCode counts a try behind a mailed link, most of all its second
// factor. It has a budget of its own, so that a stranger who has used up the one
// of the sign-in page stops nobody here (AU-06).
func (s *Service) chargeResetCode(ctx context.Context, o portal.Origin, user portal.User) (store.Charged, error) {
	c, err := s.chargeAll(ctx, store.Budget{Bucket: resetBucket(user.ID), Limit: s.limits.ResetsPerHour, Window: hour})
	event := portal.Stranger(o).WasRefused(portal.PasswordReset, limitReached).On(user)
	return c, s.noteLimit(ctx, err, c, user.CustomerID, event)
}

func resetBucket(user portal.UserID) string { return "code/reset/" + string(user) }

// sourceOf is what counts as one source: an IPv4 address, or the /64 of an
// IPv6 one, which is what one household or office gets.
func sourceOf(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil || ip.Unmap().Is4() {
		return address
	}
	prefix, _ := ip.Prefix(64) // 64 bits fit into an IPv6 address
	return prefix.String()
}

// ChargeTakenID counts that an administrator learns whether a login ID is
// taken. The returned function gives the hit back: it was free.
func (s *Service) ChargeTakenID(ctx context.Context, actor portal.Actor) (giveBack func(), err error) {
	bucket := "login-id/" + string(actor.UserID)
	c, err := s.chargeAll(ctx, store.Budget{Bucket: bucket, Limit: takenIDsPerHour, Window: hour})
	return func() { s.refund(ctx, c) }, err
}

// ChargeInvitation counts an invitation, which sends a mail; the host may send
// as many as it likes.
func (s *Service) ChargeInvitation(ctx context.Context, actor portal.Actor) error {
	if actor.Kind == portal.ActorHost {
		return nil
	}
	_, err := s.chargeAll(ctx, store.Budget{Bucket: "invitation/" + string(actor.UserID), Limit: invitesPerHour, Window: hour})
	return err
}

// Forgive forgets the wrong tries at the sign-in page of a user, in the
// transaction of an administrator's help: who was locked out has a way back.
// Rows go in the order in which a try takes them, so that neither waits for the
// other.
func (s *Service) Forgive(ctx context.Context, tx *store.Tx, user portal.UserID) error {
	for _, kind := range []string{"password", "code"} {
		if err := tx.ForgetThrottles(ctx, knownBuckets(kind, user)); err != nil {
			return err
		}
	}
	buckets := []string{passwordBucketOf(user), resetBucket(user)}
	for _, b := range s.codeBudgets(user) {
		buckets = append(buckets, b.Bucket)
	}
	for _, bucket := range buckets {
		if err := tx.ForgetThrottle(ctx, bucket); err != nil {
			return err
		}
	}
	return nil
}
