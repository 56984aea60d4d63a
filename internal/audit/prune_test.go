package audit_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"portal"
	"portal/internal/store"
	"portal/internal/testkit"
	"portal/internal/testkit/house"
)

// Whole seals past their time go; what is left verifies, the next prune goes on
// from there, and each is in the trail (LG-06, DP-05).
func TestPrune(t *testing.T) {
	house.OnEach(t, func(t *testing.T, h *house.House) {
		tr := &trail{House: h, t: t, acme: h.Customer(t, "Acme"), other: h.Customer(t, "Beta")}
		tr.seal()
		for day := range 5 {
			tr.record(tr.acme, fmt.Sprintf("day %d", day))
			tr.record(tr.other, fmt.Sprintf("day %d", day))
			tr.seal()
			tr.Clock.Advance(24 * time.Hour)
		}
		prune := func(before time.Time, want int64) {
			t.Helper()
			gone, err := tr.Audit.Prune(t.Context(), tr.acme, before)
			if err != nil || gone != want {
				t.Fatalf("%d events are gone, %v; want %d", gone, err, want)
			}
			tr.seal()
			tr.wants()
		}
		prune(house.Start(), 0)
		prune(house.Start().Add(48*time.Hour), 3) // customer added, day 0, day 1
		prune(house.Start().Add(48*time.Hour), 0)
		if r := tr.verify(tr.acme); r.Events != 4 || r.Number != 7 {
			t.Errorf("the report says %+v", r)
		}
		if r := tr.verify(tr.other); r.Events != 6 {
			t.Errorf("the other customer lost events: %+v", r)
		}
		events, err := tr.Store.View(tr.acme.CustomerID).Events(t.Context(), store.EventQuery{Action: portal.AuditPruned, Limit: 9})
		if err != nil || len(events) != 1 || !strings.HasPrefix(events[0].Detail, "3 events before 2026-11-26") {
			t.Errorf("the trail says %v, %v", events, err)
		}
		prune(tr.Clock.Now().Add(time.Hour), 4) // everything
		tr.record(tr.acme, "and on")
		tr.seal()
		tr.wants()
	})
}

// What does not verify is evidence, and is not pruned.
func TestPruneRefusesABrokenTrail(t *testing.T) {
	house.OnEach(t, func(t *testing.T, h *house.House) {
		db := beneath(t, h)
		for name, touch := range map[string]func(*trail, []int64){
			"changed": func(tr *trail, ids []int64) { tr.tamper("UPDATE events SET detail = 'x' WHERE id = $1", ids[2]) },
			"missing": func(tr *trail, ids []int64) { tr.tamper("DELETE FROM events WHERE id = $1", ids[2]) },
			"unnamed": func(tr *trail, ids []int64) {
				tr.tamper("DELETE FROM audit_seals WHERE customer_id = $1 AND number = 1", string(tr.acme.CustomerID))
			},
			"end": func(tr *trail, ids []int64) {
				tr.tamper("UPDATE audit_chains SET pruned_through = 1 WHERE customer_id = $1", string(tr.acme.CustomerID))
			},
		} {
			tr := newTrailOf(t, h, db, " "+name)
			touch(tr, tr.ids())
			before := len(tr.ids())
			gone, err := tr.Audit.Prune(t.Context(), tr.acme, tr.Clock.Now().Add(time.Hour))
			if gone != 0 || err == nil || !strings.Contains(err.Error(), "portal audit verify") {
				t.Errorf("%s: %d events are gone, %v", name, gone, err)
			}
			if after := len(tr.ids()); after != before {
				t.Errorf("%s: %d of %d events are left", name, after, before)
			}
		}
	})
}

// The job keeps events for their 400 days, and lets them go with their month.
func TestPruneWhatIsDue(t *testing.T) {
	house.OnEach(t, func(t *testing.T, h *house.House) {
		tr := &trail{House: h, t: t, acme: h.Customer(t, "Acme"), other: h.Customer(t, "Beta")}
		tr.seal()
		due := func(after time.Duration, want int64) {
			t.Helper()
			tr.Clock.Advance(after)
			must(t, tr.Audit.PruneDue(t.Context(), portal.Itself()))
			if r := tr.verify(tr.acme); r.Events != want {
				t.Errorf("after %v more: %+v", after, r)
			}
		}
		due(400*24*time.Hour, 1)
		due(2*24*time.Hour, 1) // the month has not ended
		due(5*24*time.Hour, 0)
	})
}

// The service's own role cannot prune: the host does, as the owner.
func TestTheServiceRoleCannotPrune(t *testing.T) {
	h := house.New(t, house.Postgres(t))
	tr := &trail{House: h, t: t, acme: h.Customer(t, "Acme")}
	role, address := testkit.ServiceRole(t, h.Database)
	must(t, h.Store.GrantService(t.Context(), role))
	tr.seal()
	same := *h
	same.Database = address
	service := same.Again(t)
	service.Clock.Advance(500 * 24 * time.Hour)
	if _, err := service.Audit.Prune(t.Context(), tr.acme, h.Clock.Now()); err == nil || !strings.Contains(err.Error(), "owns the database") {
		t.Errorf("the service prunes: %v", err)
	}
	must(t, service.Audit.PruneDue(t.Context(), portal.Itself()))
	if r := tr.verify(tr.acme); r.Events != 1 {
		t.Errorf("the report says %+v", r)
	}
	must(t, h.Audit.PruneDue(t.Context(), portal.Itself()))
	tr.seal()
	if r := tr.verify(tr.acme); len(r.Findings) != 0 || r.Events != 1 { // that it was pruned
		t.Errorf("the report says %+v", r)
	}
}
