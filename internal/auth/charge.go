package auth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"portal"
	"portal/internal/store"
)

const (
	limitReached     = "too many tries"
	tooManyTriesText = "Too many tries. Nothing was checked. Wait %s, then try again."
)

// pay charges a try, or says how long to wait where something is used up. It
// commits before the secret is looked at (AU-05).
func (s *Service) pay(ctx context.Context, t store.Toll) (store.Charged, error) {
	c, err := s.store.Charge(ctx, t)
	if err == nil && !c.Until.IsZero() {
		err = s.tooMany(c)
	}
	return c, err
}

// chargeAll charges all budgets, or none where one is used up.
func (s *Service) chargeAll(ctx context.Context, budgets ...store.Budget) (store.Charged, error) {
	return s.pay(ctx, store.Toll{Common: budgets})
}

// refund gives a try back: the secret was right, or nothing was compared. Where
// it fails the try stays counted, which is safe; what was done stays done.
func (s *Service) refund(ctx context.Context, c store.Charged) {
	s.stays(ctx, s.store.Refund(ctx, c))
}

// refundSource gives back what a success was charged to its source: that counts
// failures only.
func (s *Service) refundSource(ctx context.Context, c store.Charged) {
	s.stays(ctx, s.store.RefundSource(ctx, c))
}

func (s *Service) stays(ctx context.Context, err error) {
	if err != nil {
		s.log.WarnContext(ctx, "a try stays counted", "error", err)
	}
}

// refundOverload gives a try back where an overload kept us from comparing.
func (s *Service) refundOverload(ctx context.Context, err error, c store.Charged) {
	if portal.ErrorCode(err) == portal.CodeUnavailable {
		s.refund(ctx, c)
	}
}

// noteLimit records that a budget was used up (LG-04): once a minute for the
// very bucket, so that a flood of tries does not become a flood of rows, however
// many names an address tries, and so that a name that nobody has is noted as
// often as one that somebody has (AU-07). It returns the refusal; other errors
// pass through.
func (s *Service) noteLimit(ctx context.Context, refusal error, c store.Charged, customer portal.CustomerID, e portal.Event) error {
	if portal.ErrorCode(refusal) != portal.CodeThrottled {
		return refusal
	}
	noted, err := s.store.ChargeBudgets(ctx, store.Budget{Bucket: "noted/" + c.UsedUp, Limit: 1, Window: time.Minute})
	if err != nil || !noted.Until.IsZero() {
		return errors.Join(refusal, err)
	}
	err = s.store.Write(ctx, customer, func(tx *store.Tx) error { return tx.Record(ctx, e) })
	return errors.Join(refusal, err)
}

// tooMany says how long to wait; it never says for what kind of account.
func (s *Service) tooMany(c store.Charged) error {
	s.meter.Throttled(kindOf(c.UsedUp))
	wait := max(c.Until.Sub(s.now()), time.Second)
	return &portal.Error{Code: portal.CodeThrottled, RetryAfter: wait, Message: fmt.Sprintf(tooManyTriesText, inWords(wait))}
}

// inWords is a waiting time as people say it, rounded up.
func inWords(d time.Duration) string {
	if d <= 90*time.Second {
		return plural(int((d+time.Second-1)/time.Second), "second")
	}
	if d <= 90*time.Minute {
		return plural(int((d+time.Minute-1)/time.Minute), "minute")
	}
	return plural(int((d+time.Hour-1)/time.Hour), "hour")
}

func plural(n int, unit string) string {
	if n == 1 {
		return "1 " + unit
	}
	return fmt.Sprintf("%d %ss", n, unit)
}
