package store_test

import (
	"context"
	"testing"
	"time"

	"portal"

	"portal/internal/store"
)

// A budget is never overdrawn, however many come at once (AU-05).
func TestBudgetIsNeverOverdrawn(t *testing.T) {
	onEach(t, func(t *testing.T, b base) {
		budget := store.Budget{Bucket: "b", Limit: 10, Window: time.Hour}
		allowed := winners(t, 100, func(ctx context.Context, _ int) (bool, error) {
			c, err := b.ChargeBudgets(ctx, budget)
			return c.Until.IsZero(), err
		})
		if allowed != 10 {
			t.Errorf("%d hits went through, want 10", allowed)
		}
		if hits := b.number(t, "SELECT hits FROM throttles WHERE bucket = 'b'"); hits != 10 {
			t.Errorf("%d hits are counted, want 10", hits)
		}
	})
}

func TestBudgetWindow(t *testing.T) {
	onEach(t, func(t *testing.T, b base) {
		budget := store.Budget{Bucket: "b", Limit: 2, Window: time.Hour}
		end := b.Clock.Now().Add(time.Hour)
		for range 2 {
			b.charge(t, budget, time.Time{})
		}
		b.charge(t, budget, end)
		b.Clock.Advance(time.Hour - time.Microsecond)
		b.charge(t, budget, end)
		b.Clock.Advance(time.Microsecond) // the window is over: a new one begins
		b.charge(t, budget, time.Time{})
		b.charge(t, budget, time.Time{})
		b.charge(t, budget, end.Add(time.Hour))
	})
}

// No hour sees more hits than the limit, wherever it begins: what comes late in a
// window counts in the next one (AU-01). The wait is never longer than a window.
func TestBudgetHoldsOverTheEdge(t *testing.T) {
	onEach(t, func(t *testing.T, b base) {
		budget := store.Budget{Bucket: "b", Limit: 10, Window: time.Hour}
		var hits []time.Time
		for range 6 * 60 {
			c, err := b.ChargeBudgets(t.Context(), budget)
			switch now := b.Clock.Now(); {
			case err != nil:
				t.Fatal(err)
			case c.Until.IsZero():
				hits = append(hits, now)
			case !c.Until.After(now) || c.Until.After(hits[len(hits)-1].Add(time.Hour)):
				t.Fatalf("at %v: wait until %v, the last hit was at %v", now, c.Until, hits[len(hits)-1])
			}
			step := time.Minute
			if len(hits) == 1 {
				step = 55 * time.Minute // the others come at the end of the window
			}
			b.Clock.Advance(step)
		}
		for i := range hits[10:] {
			if hits[i+10].Sub(hits[i]) < time.Hour {
				t.Errorf("eleven hits from %v to %v", hits[i], hits[i+10])
			}
		}
		if len(hits) < 6*5 {
			t.Errorf("%d hits in six hours; the budget is stricter than it has to be", len(hits))
		}
	})
}

func (b base) charge(t *testing.T, budget store.Budget, want time.Time) {
	t.Helper()
	c, err := b.ChargeBudgets(t.Context(), budget)
	if err != nil || !c.Until.Equal(want) {
		t.Errorf("wait until %v, %v; want %v", c.Until, err, want)
	}
}

func TestBudgetRefund(t *testing.T) {
	onEach(t, func(t *testing.T, b base) {
		budget := store.Budget{Bucket: "b", Limit: 1, Window: time.Hour}
		for range 3 {
			b.charge(t, budget, time.Time{})
			if err := b.Refund(t.Context(), store.Charged{Hits: []store.Hit{{Bucket: "b"}}}); err != nil {
				t.Fatal(err)
			}
		}
		if err := b.Refund(t.Context(), store.Charged{Hits: []store.Hit{{Bucket: "b"}}}); err != nil { // nothing is owed
			t.Fatal(err)
		}
		b.charge(t, budget, time.Time{})
		b.charge(t, budget, b.Clock.Now().Add(time.Hour))
	})
}

// Other buckets do not touch this one (AU-04).
func TestBudgetsAreApart(t *testing.T) {
	onEach(t, func(t *testing.T, b base) {
		b.charge(t, store.Budget{Bucket: "a", Limit: 1, Window: time.Hour}, time.Time{})
		b.charge(t, store.Budget{Bucket: "b", Limit: 1, Window: time.Hour}, time.Time{})
	})
}

// passwords is the backoff of the sign-in page.
func passwords() store.Toll {
	return store.Toll{Delay: store.Backoff{Bucket: "p", Free: 5, First: 30 * time.Second, Longest: time.Hour, Forget: 24 * time.Hour}}
}

// Five tries are free; then each next one waits twice as long, an hour at most.
func TestBackoffGrows(t *testing.T) {
	onEach(t, func(t *testing.T, b base) {
		for range 5 {
			b.pass(t)
		}
		for _, wait := range []time.Duration{
			30 * time.Second, time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute,
			16 * time.Minute, 32 * time.Minute, time.Hour, time.Hour, time.Hour,
		} {
			b.mustWait(t, wait)
			b.Clock.Advance(wait - time.Microsecond)
			b.mustWait(t, time.Microsecond)
			b.Clock.Advance(time.Microsecond)
			b.pass(t)
		}
		err := b.WriteUnaudited(t.Context(), portal.NoCustomer, "a test", func(tx *store.Tx) error {
			return tx.ForgetThrottle(t.Context(), "p")
		})
		if err != nil {
			t.Fatal(err)
		}
		for range 5 {
			b.pass(t)
		}
		b.mustWait(t, 30*time.Second)
	})
}

func (b base) pass(t *testing.T) {
	t.Helper()
	if c, err := b.Charge(t.Context(), passwords()); err != nil || !c.Until.IsZero() {
		t.Fatalf("wait until %v, %v; want to pass", c.Until, err)
	}
}

func (b base) mustWait(t *testing.T, wait time.Duration) {
	t.Helper()
	c, err := b.Charge(t.Context(), passwords())
	if err != nil || c.Until.Sub(b.Clock.Now()) != wait {
		t.Fatalf("wait %v, %v; want %v", c.Until.Sub(b.Clock.Now()), err, wait)
	}
}

// The longest wait holds for ever: no count overflows into a short one.
func TestBackoffStaysAtItsLongest(t *testing.T) {
	onEach(t, func(t *testing.T, b base) {
		b.pass(t)
		if _, err := b.outside(t).Exec("UPDATE throttles SET hits = 1000000"); err != nil {
			t.Fatal(err)
		}
		b.pass(t)
		b.mustWait(t, time.Hour)
	})
}

// A quiet day begins anew; a minute less does not.
func TestBackoffForgetsAfterAQuietDay(t *testing.T) {
	onEach(t, func(t *testing.T, b base) {
		for range 5 {
			b.pass(t)
		}
		b.Clock.Advance(24*time.Hour - time.Minute)
		b.pass(t)
		b.mustWait(t, time.Minute)
		b.Clock.Advance(24 * time.Hour)
		for range 5 {
			b.pass(t)
		}
		b.mustWait(t, 30*time.Second)
	})
}

// Tries at once do not get past the free ones, and after a wait one passes.
func TestBackoffInParallel(t *testing.T) {
	onEach(t, func(t *testing.T, b base) {
		try := func(ctx context.Context, _ int) (bool, error) {
			c, err := b.Charge(ctx, passwords())
			return c.Until.IsZero(), err
		}
		if passed := winners(t, 50, try); passed != 5 {
			t.Errorf("%d passed freely, want 5", passed)
		}
		b.Clock.Advance(30 * time.Second)
		if passed := winners(t, 50, try); passed != 1 {
			t.Errorf("%d passed after the first wait, want 1", passed)
		}
	})
}
