package auth

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"portal"
	"portal/internal/store"
)

// The budgets against guessing (AU-01). Passwords and second factors are
// counted apart. All counters are rows of the database, common to all nodes,
// keyed by the account; an attempt is charged before anything is compared and
// given back when it was right.
//
//	password/<user>           from the 5th failure in a row on each next try waits: 30 s, 1 min … 1 h;
//	                          a quiet day begins anew
//	password/unknown/<digest> the same for a login ID that nobody has
//	code/hour/<user>          10 wrong second factors in an hour
//	code/day/<user>           30 wrong second factors in a day
//	password/step-up/<session>, code/step-up/<session>   5 in an hour each
//	confirm/<session>         30 tries to confirm a set-up in an hour
//	invitation/<user>         100 invitations by one administrator in an hour; each sends a mail
//	code/reset/<user>         5 wrong second factors behind mailed reset links in an hour
//	reset/<user>              3 reset links asked for in an hour; reset/unknown/<digest> the same for a
//	                          login ID that nobody has
//	reset/source/<address>    30 reset links asked for from one address (IPv6: /64) in an hour
//	half session              5 tries, counted in its own row
const (
	freePasswords    = 5
	firstWait        = 30 * time.Second
	longestWait      = time.Hour
	confirmsPerHour  = 30
	invitesPerHour   = 100
	resetsPerHour    = 3
	resetsPerSource  = 30
	takenIDsPerHour  = 30
	hour, day        = time.Hour, 24 * time.Hour
	limitReached     = "too many tries"
	tooManyTriesText = "Too many tries. Nothing was checked. Wait %s, then try again."
)

// charge is a hit on one or more budgets that can be given back.
type charge []string

// chargeAll charges all budgets, or none where one is used up.
func (s *Service) chargeAll(ctx context.Context, budgets ...store.Budget) (charge, error) {
	until, err := s.store.ChargeBudgets(ctx, budgets...)
	if err != nil {
		return nil, err
	}
	if !until.IsZero() {
		return nil, s.tooMany(until)
	}
	return bucketsOf(budgets), nil
}

func bucketsOf(budgets []store.Budget) (c charge) {
	for _, b := range budgets {
		c = append(c, b.Bucket)
	}
	return c
}

// refund gives hits back: the secret was right, or nothing was compared. Where
// it fails the hits stay counted, which is safe; what was done stays done.
func (s *Service) refund(ctx context.Context, c charge) {
	for _, bucket := range c {
		if err := s.store.RefundBudget(ctx, bucket); err != nil {
			s.log.WarnContext(ctx, "a try stays counted", "bucket", bucket, "error", err)
		}
	}
}

// refundOverload gives hits back where an overload kept us from comparing.
func (s *Service) refundOverload(ctx context.Context, err error, c charge) {
	if portal.ErrorCode(err) == portal.CodeUnavailable {
		s.refund(ctx, c)
	}
}

// codeBudgets are what a second factor at sign-in is charged to.
func (s *Service) codeBudgets(user portal.UserID) []store.Budget {
	return []store.Budget{
		{Bucket: "code/hour/" + string(user), Limit: s.limits.CodesPerHour, Window: hour},
		{Bucket: "code/day/" + string(user), Limit: s.limits.CodesPerDay, Window: day},
	}
}

func (s *Service) chargeStepUp(ctx context.Context, kind string, actor portal.Actor) (charge, error) {
	bucket := kind + "/step-up/" + string(actor.SessionID)
	c, err := s.chargeAll(ctx, store.Budget{Bucket: bucket, Limit: s.limits.StepUpsPerHour, Window: hour})
	event := actor.WasRefused(portal.SteppedUp, limitReached).On(own(actor))
	return c, s.noteLimit(ctx, err, bucket, actor.CustomerID, event)
}

func (s *Service) chargeConfirm(ctx context.Context, session portal.SessionID) (charge, error) {
	return s.chargeAll(ctx, store.Budget{Bucket: "confirm/" + string(session), Limit: confirmsPerHour, Window: hour})
}

// chargeReset counts a reset link that a name was asked for, by the name and by
// the source: each may send a mail (IN-03).
func (s *Service) chargeReset(ctx context.Context, o portal.Origin, user portal.User, name string) error {
	bucket := "reset/" + name
	_, err := s.chargeAll(ctx,
		store.Budget{Bucket: bucket, Limit: resetsPerHour, Window: hour},
		store.Budget{Bucket: "reset/source/" + sourceOf(o.Address), Limit: resetsPerSource, Window: hour})
	home := user.CustomerID
	if home == "" {
		home = portal.NoCustomer
	}
	return s.noteLimit(ctx, err, bucket, home, portal.Stranger(o).WasRefused(portal.ResetAsked, limitReached).On(user))
}

// chargeResetCode counts a second factor behind a mailed link. It has a budget
// of its own, so that a stranger who has used up the one of the sign-in page
// stops nobody here (AU-06).
func (s *Service) chargeResetCode(ctx context.Context, o portal.Origin, user portal.User) (charge, error) {
	bucket := "code/reset/" + string(user.ID)
	c, err := s.chargeAll(ctx, store.Budget{Bucket: bucket, Limit: s.limits.ResetsPerHour, Window: hour})
	event := portal.Stranger(o).WasRefused(portal.PasswordReset, limitReached).On(user)
	return c, s.noteLimit(ctx, err, bucket, user.CustomerID, event)
}

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

// chargePassword counts a try of a password at the sign-in page.
func (s *Service) chargePassword(ctx context.Context, bucket string) error {
	until, err := s.store.ChargeBackoff(ctx, store.Backoff{Bucket: bucket, Free: freePasswords, First: firstWait, Longest: longestWait, Forget: day})
	if err != nil || until.IsZero() {
		return err
	}
	return s.tooMany(until)
}

// noteLimit records that a budget was used up (LG-04): once a minute for each
// bucket, so that a flood of tries does not become a flood of rows. It returns
// the refusal; other errors pass through.
func (s *Service) noteLimit(ctx context.Context, refusal error, bucket string, customer portal.CustomerID, e portal.Event) error {
	if portal.ErrorCode(refusal) != portal.CodeThrottled {
		return refusal
	}
	noted, err := s.store.ChargeBudgets(ctx, store.Budget{Bucket: "noted/" + bucket, Limit: 1, Window: time.Minute})
	if err != nil || !noted.IsZero() {
		return errors.Join(refusal, err)
	}
	err = s.store.Write(ctx, customer, func(tx *store.Tx) error { return tx.Record(ctx, e) })
	return errors.Join(refusal, err)
}

// Forgive forgets the wrong tries at the sign-in page of a user, in the
// transaction of an administrator's help: who was locked out has a way back.
func (s *Service) Forgive(ctx context.Context, tx *store.Tx, user portal.UserID) error {
	for _, bucket := range append(bucketsOf(s.codeBudgets(user)), passwordBucketOf(user)) {
		if err := tx.ForgetThrottle(ctx, bucket); err != nil {
			return err
		}
	}
	return nil
}

func passwordBucketOf(user portal.UserID) string { return "password/" + string(user) }

// tooMany says how long to wait; it never says for what kind of account.
func (s *Service) tooMany(until time.Time) error {
	wait := max(until.Sub(s.now()), time.Second)
	return &portal.Error{Code: portal.CodeThrottled, RetryAfter: wait, Message: fmt.Sprintf(tooManyTriesText, inWords(wait))}
}

// inWords is a waiting time as people say it, rounded up.
func inWords(d time.Duration) string {
	if d <= 90*time.Second {
		return plural(int((d+time.Second-1)/time.Second), "second")
	}
	return plural(int((d+time.Minute-1)/time.Minute), "minute")
}

func plural(n int, unit string) string {
	if n == 1 {
		return "1 " + unit
	}
	return fmt.Sprintf("%d %ss", n, unit)
}
