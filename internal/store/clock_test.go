package store_test

import (
	"testing"
	"time"

	"portal/internal/store"
)

// A clock that goes back by an hour holds nobody up for longer than the limit
// itself says: neither a lease, nor a used-up budget, nor a wait.
func TestTheClockGoesBack(t *testing.T) {
	onEach(t, func(t *testing.T, b base) {
		ctx := t.Context()
		mine := func(holder string, want bool) {
			t.Helper()
			if got, err := b.TakeLease(ctx, "job", holder, 10*time.Second); err != nil || got != want {
				t.Errorf("the lease for %s: %v, %v", holder, got, err)
			}
		}
		budget := store.Budget{Bucket: "b", Limit: 1, Window: 30 * time.Minute}
		free := func(want bool) {
			t.Helper()
			if c, err := b.ChargeBudgets(ctx, budget); err != nil || c.Until.IsZero() != want {
				t.Errorf("the budget: %v, %v", c.Until, err)
			}
		}
		delay := store.Toll{Delay: store.Backoff{Bucket: "d", Free: 1, First: time.Minute, Longest: 10 * time.Minute, Forget: 24 * time.Hour}}
		waits := func(want bool) {
			t.Helper()
			if c, err := b.Charge(ctx, delay); err != nil || c.Until.IsZero() == want {
				t.Errorf("the wait: %v, %v", c.Until, err)
			}
		}
		mine("one", true)
		free(true)
		waits(false)
		waits(false)
		waits(true)
		b.Clock.Advance(-time.Second) // as nodes' clocks may differ
		mine("two", false)
		free(false)
		waits(true)
		b.Clock.Advance(-time.Hour)
		mine("two", true)
		free(true)
		free(false)
		waits(false)
		waits(true)
	})
}
