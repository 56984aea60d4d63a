package fill_test

import (
	"bytes"
	"database/sql"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"portal"
	"portal/internal/store"
	"portal/internal/testkit/fill"
	"portal/internal/testkit/house"
)

const customer = portal.CustomerID("0193c0de-0000-7000-8000-000000000000")

// person is somebody whose name holds what folding and cutting get wrong.
func person(id string) portal.User {
	return portal.User{
		ID: portal.UserID(id), CustomerID: customer, LoginID: "Åsa." + id, Name: "Åsa  Maria Öst", Email: "Asa." + id + "@Example.com",
		Role: portal.RoleUser, State: portal.UserActive, Stored: portal.TwoFactorNone, SecurityVersion: 1,
	}
}

// rows are all rows of a table, each as text, in order.
func rows(t *testing.T, h *house.House, table string) []string {
	t.Helper()
	driver, source := "pgx", h.Database
	if source == "" {
		driver, source = "sqlite", filepath.Join(h.Folder, "portal.db")
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	found, err := db.QueryContext(t.Context(), "SELECT * FROM "+table)
	if err != nil {
		t.Fatal(err)
	}
	defer found.Close()
	columns, err := found.Columns()
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for found.Next() {
		values, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := found.Scan(into...); err != nil {
			t.Fatal(err)
		}
		all = append(all, fmt.Sprint(values))
	}
	slices.Sort(all)
	return all
}

// found adds the customer.
func found(t *testing.T, h *house.House, people ...portal.User) {
	t.Helper()
	err := h.Store.WriteUnaudited(t.Context(), customer, "a test has no audit", func(tx *store.Tx) error {
		if err := tx.AddCustomer(t.Context(), "Filled"); err != nil {
			return err
		}
		for _, p := range people {
			if err := tx.AddUser(t.Context(), p, store.Password{Hash: "hash"}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func users(t *testing.T, h *house.House, people ...fill.Person) {
	t.Helper()
	into := fill.Into{Database: h.Database, DataFolder: h.Folder, Now: h.Clock.Now()}
	if err := fill.Users(t.Context(), into, slices.Values(people)); err != nil {
		t.Fatal(err)
	}
}

func TestFillWritesWhatThePortalWrites(t *testing.T) {
	house.OnEach(t, func(t *testing.T, filled *house.House) {
		one, two := person("a"), person("b")
		found(t, filled)
		users(t, filled, fill.Person{User: one, PasswordHash: "hash"}, fill.Person{User: two, PasswordHash: "hash"})

		added := house.New(t, "")
		found(t, added, one, two)
		for _, table := range []string{"users", "user_terms", "customer_counts"} {
			if got, want := rows(t, filled, table), rows(t, added, table); !slices.Equal(got, want) {
				t.Errorf("%s: got %q, want %q", table, got, want)
			}
		}
	})
}

func TestFillSetsUpTwoFactor(t *testing.T) {
	house.OnEach(t, func(t *testing.T, h *house.House) {
		found(t, h)
		p := fill.Person{User: person("a"), PasswordHash: "hash", Authenticator: "app", Secret: []byte("sealed"), Browser: []byte("token")}
		p.Stored = portal.TwoFactorDisabled
		users(t, h, p)

		view := h.Store.View(customer)
		current, err := view.Current(t.Context(), p.ID)
		if err != nil || current.ID != p.Authenticator || !bytes.Equal(current.Secret, p.Secret) {
			t.Errorf("current authenticator %+v, %v", current, err)
		}
		if since, err := view.KnownBrowser(t.Context(), p.ID, p.Browser, view.Now.Add(-time.Hour)); err != nil || since.IsZero() {
			t.Errorf("the browser is known since %v, %v", since, err)
		}
		list, err := view.Users(t.Context(), store.UserQuery{Search: "öst", State: portal.TwoFactorDisabled, Limit: 2})
		if err != nil || len(list) != 1 || list[0].ID != p.ID {
			t.Errorf("found %+v, %v", list, err)
		}
	})
}

func TestFillKeepsTheIndexes(t *testing.T) {
	house.OnEach(t, func(t *testing.T, h *house.House) {
		catalogue := "pg_indexes WHERE schemaname = 'public'"
		if h.Database == "" {
			catalogue = "(SELECT name, sql FROM sqlite_master WHERE type = 'index')"
		}
		before := rows(t, h, catalogue)
		found(t, h)
		users(t, h, fill.Person{User: person("a")})
		if after := rows(t, h, catalogue); !slices.Equal(after, before) {
			t.Errorf("the indexes were %q and are %q", before, after)
		}
	})
}

func TestFilledSessionsOpen(t *testing.T) {
	house.OnEach(t, func(t *testing.T, h *house.House) {
		found(t, h, person("a"))
		into := fill.Into{Database: h.Database, DataFolder: h.Folder, Now: h.Clock.Now()}
		session := fill.Session{ID: "s", Customer: customer, User: "a", Digest: []byte("digest"), Proofs: string(store.ByPassword), Expires: into.Now.Add(time.Hour)}
		if err := fill.Sessions(t.Context(), into, slices.Values([]fill.Session{session})); err != nil {
			t.Fatal(err)
		}
		live, err := h.Store.SessionByDigest(t.Context(), session.Digest, time.Minute)
		if err != nil || live.ID != session.ID || live.User.ID != session.User {
			t.Errorf("got %+v, %v", live, err)
		}
	})
}

func TestFilledEventsAreTheTrail(t *testing.T) {
	house.OnEach(t, func(t *testing.T, h *house.House) {
		found(t, h, person("a"))
		triggers := "pg_trigger WHERE NOT tgisinternal"
		if h.Database == "" {
			triggers = "(SELECT name, sql FROM sqlite_master WHERE type = 'trigger')"
		}
		before := rows(t, h, triggers)
		into := fill.Into{Database: h.Database, DataFolder: h.Folder, Now: h.Clock.Now()}
		want := portal.Event{
			CustomerID: customer, At: into.Now, Action: portal.SignedIn, Outcome: portal.Done, ActorKind: portal.ActorUser, ActorID: "a", ActorLabel: "a",
			TargetID: "a", TargetLabel: "a", Detail: "password", Origin: portal.Origin{Address: "198.51.100.7", Agent: "Browser", RequestID: "r"},
		}
		if err := fill.Events(t.Context(), into, slices.Values([]portal.Event{want})); err != nil {
			t.Fatal(err)
		}
		events, err := h.Store.View(customer).Events(t.Context(), store.EventQuery{Person: "a", Limit: 2})
		if err != nil || len(events) != 1 {
			t.Fatalf("%+v, %v", events, err)
		}
		want.ID = events[0].ID
		if events[0] != want {
			t.Errorf("got %+v, want %+v", events[0], want)
		}
		if after := rows(t, h, triggers); !slices.Equal(after, before) {
			t.Errorf("the triggers were %q and are %q", before, after)
		}
	})
}
