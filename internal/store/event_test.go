package store_test

import (
	"fmt"
	"testing"
	"time"

	"portal"
	"portal/internal/store"
)

// trail writes 100 events, one a second: by or on one of four people.
func (b base) trail(t *testing.T, in portal.CustomerID) (written []portal.Event) {
	t.Helper()
	actions := []portal.Action{portal.SignedIn, portal.SignedOut, portal.UserEdited}
	for i := range 100 {
		e := portal.Event{
			Action: actions[i%len(actions)], Outcome: portal.Done, ActorKind: portal.ActorUser,
			ActorID: portal.UserID(fmt.Sprint("p", i%4)), TargetID: portal.UserID(fmt.Sprint("p", i%5%4)), Detail: fmt.Sprint(i),
		}
		err := b.Write(t.Context(), in, func(tx *store.Tx) error {
			e.At = tx.Now
			return tx.Record(t.Context(), e)
		})
		if err != nil {
			t.Fatal(err)
		}
		written = append(written, e)
		b.Clock.Advance(time.Second)
	}
	return written
}

// pages reads all pages, newest first.
func (b base) pages(t *testing.T, in portal.CustomerID, q store.EventQuery) (details []string) {
	t.Helper()
	for {
		page, err := b.View(in).Events(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page {
			details = append(details, e.Detail)
		}
		if len(page) < q.Limit {
			return details
		}
		q.Before = page[len(page)-1].ID
	}
}

// Every filter shows what it says, each event once, newest first, on pages of
// any size, and never an event of another customer.
func TestEventsByPageAndFilter(t *testing.T) {
	onEach(t, func(t *testing.T, b base) {
		b.write(t, "acme", func(tx *store.Tx) error { return tx.AddCustomer(t.Context(), "acme") })
		b.write(t, "other", func(tx *store.Tx) error { return tx.AddCustomer(t.Context(), "other") })
		b.Clock.Advance(time.Hour)
		start := b.Clock.Now()
		written := b.trail(t, "acme")
		b.trail(t, "other")
		from, until := start.Add(10*time.Second), start.Add(60*time.Second)
		for _, q := range []store.EventQuery{
			{From: start}, {Person: "p1", From: start}, {Action: portal.SignedIn, From: start}, {From: from, Until: until}, {From: start, Until: until},
			{Action: portal.UserEdited, From: from, Until: until},
			{Person: "p2", Action: portal.SignedOut}, {Person: "p0", From: from, Until: until},
			{Person: "p3", Action: portal.UserEdited, From: from, Until: until}, {Person: "nobody"},
		} {
			want := kept(written, q)
			for _, q.Limit = range []int{1, 7, 100} {
				if got := b.pages(t, "acme", q); fmt.Sprint(got) != fmt.Sprint(want) {
					t.Errorf("%+v: %v, want %v", q, got, want)
				}
			}
		}
	})
}

// kept is what a filter should show of the events, newest first.
func kept(events []portal.Event, q store.EventQuery) (details []string) {
	for i := len(events) - 1; i >= 0; i-- {
		e := events[i]
		switch {
		case q.Person != "" && e.ActorID != q.Person && e.TargetID != q.Person,
			q.Action != "" && e.Action != q.Action,
			e.At.Before(q.From),
			!q.Until.IsZero() && !e.At.Before(q.Until):
			continue
		}
		details = append(details, e.Detail)
	}
	return details
}

// An event comes back with every field that it was written with.
func TestEventRoundTrip(t *testing.T) {
	onEach(t, func(t *testing.T, b base) {
		acme := b.customer(t, "acme")
		want := portal.Event{
			CustomerID: acme, At: b.Clock.Now(), Action: portal.SetupDeleted, Outcome: portal.Refused, ActorKind: portal.ActorUser,
			ActorID: "a", ActorLabel: "ada", TargetID: "b", TargetLabel: "bob", Detail: "lost phone – 'quoted' \\ % _",
			Origin: portal.Origin{Address: "2001:db8::1", Agent: "Browser/1.0", RequestID: "r-9"},
		}
		if err := b.Write(t.Context(), acme, func(tx *store.Tx) error { return tx.Record(t.Context(), want) }); err != nil {
			t.Fatal(err)
		}
		got, err := b.View(acme).Events(t.Context(), store.EventQuery{Limit: 1})
		if err != nil {
			t.Fatal(err)
		}
		want.ID = got[0].ID
		if got[0] != want {
			t.Errorf("got %+v\nwant %+v", got[0], want)
		}
	})
}

func TestLastSignIn(t *testing.T) {
	onEach(t, func(t *testing.T, b base) {
		u := b.user(t, b.customer(t, "acme"), "wendy")
		last := func() time.Time {
			at, err := b.View(u.CustomerID).LastSignIn(t.Context(), u.ID)
			if err != nil {
				t.Fatal(err)
			}
			return at
		}
		if !last().IsZero() {
			t.Errorf("signed in at %v, before ever", last())
		}
		b.Clock.Advance(time.Hour)
		in := portal.Actor{Kind: portal.ActorUser, UserID: u.ID}.Did(portal.SignedIn)
		b.write(t, u.CustomerID, func(tx *store.Tx) error { return tx.Record(t.Context(), in) })
		if !last().Equal(b.Clock.Now()) {
			t.Errorf("signed in at %v, want %v", last(), b.Clock.Now())
		}
	})
}
