package store_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"portal"
	"portal/internal/store"
)

// A change that recorded no event is refused, and nothing of it stays (LG-07).
func TestWriteRefusesAChangeWithoutEvent(t *testing.T) {
	onEach(t, func(t *testing.T, b base) {
		acme := b.customer(t, "acme")
		err := b.Write(t.Context(), acme, func(tx *store.Tx) error {
			return tx.AddUser(t.Context(), someone("wendy"), store.Password{Hash: "hash"})
		})
		if !errors.Is(err, store.ErrUnaudited) {
			t.Errorf("got %v, want ErrUnaudited", err)
		}
		b.mustBeUntouched(t, acme)
	})
}

// mustBeUntouched holds that the customer has no user and no event but the
// one of its own making.
func (b base) mustBeUntouched(t *testing.T, customer portal.CustomerID) {
	t.Helper()
	for table, want := range map[string]int64{"users": 0, "user_terms": 0, "customer_counts": 0, "events": 1} {
		query := fmt.Sprintf("SELECT COUNT(*) FROM %s WHERE customer_id = $1", table)
		if n := b.number(t, query, string(customer)); n != want {
			t.Errorf("%d rows in %s, want %d", n, table, want)
		}
	}
}

func TestFailedChangeRollsItsEventBack(t *testing.T) {
	onEach(t, func(t *testing.T, b base) {
		acme := b.customer(t, "acme")
		failed := errors.New("the deed failed")
		err := b.Write(t.Context(), acme, func(tx *store.Tx) error {
			if err := tx.AddUser(t.Context(), someone("wendy"), store.Password{Hash: "hash"}); err != nil {
				return err
			}
			if err := tx.Record(t.Context(), event()); err != nil {
				return err
			}
			return failed
		})
		if err != failed {
			t.Errorf("got %v, want %v", err, failed)
		}
		b.mustBeUntouched(t, acme)
	})
}

// No audit trail, no change: an event that cannot be written undoes it all,
// even where the closure overlooks the error.
func TestFailingEventRollsTheChangeBack(t *testing.T) {
	for _, overlooked := range []bool{false, true} {
		t.Run(fmt.Sprintf("overlooked=%v", overlooked), func(t *testing.T) {
			onEach(t, func(t *testing.T, b base) {
				acme := b.customer(t, "acme")
				err := b.Write(t.Context(), acme, func(tx *store.Tx) error {
					if err := tx.AddUser(t.Context(), someone("wendy"), store.Password{Hash: "hash"}); err != nil {
						return err
					}
					broken := event()
					broken.Outcome = "no such outcome"
					if err := tx.Record(t.Context(), broken); !overlooked || err == nil {
						return err
					}
					return nil
				})
				if err == nil {
					t.Error("the change went through without its event")
				}
				b.mustBeUntouched(t, acme)
			})
		})
	}
}

// A refusal is committed like a success: the closure keeps the outcome, and
// the event stays.
func TestRefusalsCommit(t *testing.T) {
	onEach(t, func(t *testing.T, b base) {
		acme := b.customer(t, "acme")
		refused := portal.Host("root", "host").WasRefused(portal.UserEdited, "wrong")
		err := b.Write(t.Context(), acme, func(tx *store.Tx) error { return tx.Record(t.Context(), refused) })
		if err != nil {
			t.Fatal(err)
		}
		events, err := b.View(acme).Events(t.Context(), store.EventQuery{Limit: 1})
		if err != nil || len(events) != 1 || events[0].Outcome != portal.Refused || events[0].Detail != "wrong" {
			t.Errorf("got %+v, %v", events, err)
		}
	})
}

// Equal canonical login IDs are one login ID, over all customers and on all
// databases (AZ-09).
func TestLoginIDsAreUniqueInCanonicalForm(t *testing.T) {
	onEach(t, func(t *testing.T, b base) {
		acme, other := b.customer(t, "acme"), b.customer(t, "other")
		for i, pair := range [][2]string{
			{"wendy", "WENDY"}, {"user007", "ＵＳＥＲ００７"}, {"straße", "STRASSE"}, {"lesson", "leſſon"},
			{"é.a", "e\u0301.a"}, {"ﬁona", "fiona"}, {"kelvin", "\u212Aelvin"}, {"σας", "ΣΑΣ"},
		} {
			first, second := someone(pair[0]), someone(pair[1])
			first.ID, second.ID = portal.UserID(fmt.Sprint("a", i)), portal.UserID(fmt.Sprint("b", i))
			b.add(t, acme, first)
			for _, in := range []portal.CustomerID{acme, other} {
				err := b.tryWrite(t, in, func(tx *store.Tx) error { return tx.AddUser(t.Context(), second, store.Password{Hash: "hash"}) })
				if !errors.Is(err, store.ErrConflict) {
					t.Errorf("%q after %q in %s: %v, want ErrConflict", pair[1], pair[0], in, err)
				}
			}
			found, err := b.CredentialsByLogin(t.Context(), pair[1])
			if err != nil || found.ID != first.ID {
				t.Errorf("%q finds %q, %v", pair[1], found.ID, err)
			}
		}
	})
}

// Of many who take one login ID at once, one gets it; the others learn that it
// is taken, not that the database was busy.
func TestLoginIDTakenAtOnce(t *testing.T) {
	onEach(t, func(t *testing.T, b base) {
		acme := b.customer(t, "acme")
		won := winners(t, 16, func(ctx context.Context, i int) (bool, error) {
			u := someone("wendy")
			u.ID = portal.UserID(fmt.Sprint("u", i))
			err := b.Write(ctx, acme, func(tx *store.Tx) error {
				if err := tx.AddUser(ctx, u, store.Password{Hash: "hash"}); err != nil {
					return err
				}
				return tx.Record(ctx, event())
			})
			if errors.Is(err, store.ErrConflict) {
				return false, nil
			}
			return err == nil, err
		})
		if won != 1 {
			t.Errorf("%d got the login ID", won)
		}
		b.mustAddUp(t, acme)
	})
}

func TestCustomerNamesAreUniqueInCanonicalForm(t *testing.T) {
	onEach(t, func(t *testing.T, b base) {
		b.customer(t, "Straße  Ltd")
		err := b.tryWrite(t, "c2", func(tx *store.Tx) error { return tx.AddCustomer(t.Context(), "STRASSE LTD") })
		if !errors.Is(err, store.ErrConflict) {
			t.Errorf("got %v, want ErrConflict", err)
		}
		if _, err := b.CustomerByName(t.Context(), "strasse ltd"); err != nil {
			t.Error(err)
		}
		if _, err := b.CustomerByName(t.Context(), ""); err != store.ErrNotFound { // the reserved row
			t.Errorf("the installation is a customer: %v", err)
		}
	})
}

// Times come back as they were stored, to the microsecond, in UTC.
func TestTimesRoundTrip(t *testing.T) {
	onEach(t, func(t *testing.T, b base) {
		b.Clock.Advance(123456*time.Microsecond + 789)
		now := b.Clock.Now().Truncate(time.Microsecond)
		acme := b.customer(t, "acme")
		u := b.user(t, acme, "wendy")
		s := b.session(t, u, 1)
		live, err := b.SessionByDigest(t.Context(), digest(1), time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		events, err := b.View(acme).Events(t.Context(), store.EventQuery{Limit: 1})
		if err != nil {
			t.Fatal(err)
		}
		for name, c := range map[string][2]time.Time{
			"user": {u.CreatedAt, now}, "session": {live.CreatedAt, now}, "seen": {live.LastSeenAt, now},
			"expiry": {live.ExpiresAt, s.ExpiresAt.Truncate(time.Microsecond)}, "never": {live.SteppedUpAt, time.Time{}},
			"event": {events[0].At, now},
		} {
			if !c[0].Equal(c[1]) || c[0].Location() != time.UTC {
				t.Errorf("%s: %v, want %v", name, c[0], c[1])
			}
		}
	})
}

// What no row can hold is found nowhere, alike on every database: PostgreSQL
// refuses NUL and broken UTF-8, SQLite does not (IN-01).
func TestUnstorableTextIsNotFound(t *testing.T) {
	onEach(t, func(t *testing.T, b base) {
		acme := b.customer(t, "acme")
		b.user(t, acme, "wendy")
		for _, text := range []string{"a\x00b", "a\xffb", "\x00", "\xc3"} {
			if _, err := b.CredentialsByLogin(t.Context(), text); err != store.ErrNotFound {
				t.Errorf("login ID %q: %v", text, err)
			}
			if _, err := b.CustomerByName(t.Context(), text); err != store.ErrNotFound {
				t.Errorf("customer %q: %v", text, err)
			}
			if _, err := b.View(acme).User(t.Context(), portal.UserID(text)); err != store.ErrNotFound {
				t.Errorf("user %q: %v", text, err)
			}
			users, err := b.View(acme).Users(t.Context(), store.UserQuery{Search: text, Limit: 5})
			if err != nil || len(users) != 0 {
				t.Errorf("search %q: %d users, %v", text, len(users), err)
			}
			users, err = b.View(acme).Users(t.Context(), store.UserQuery{After: portal.UserID(text), Limit: 5})
			if err != nil || len(users) != 0 {
				t.Errorf("after %q: %d users, %v", text, len(users), err)
			}
			events, err := b.View(acme).Events(t.Context(), store.EventQuery{Action: portal.Action(text), Limit: 5})
			if err != nil || len(events) != 0 {
				t.Errorf("action %q: %d events, %v", text, len(events), err)
			}
		}
	})
}
