package store_test

import (
	"strings"
	"testing"
	"time"

	"portal"
	"portal/internal/store"
	"portal/internal/testkit"
	"portal/internal/testkit/house"
)

// Whoever has the service's connection, the rows of the trail stay as they
// were written (LG-06).
func TestTheTrailStays(t *testing.T) {
	onEach(t, func(t *testing.T, b base) {
		acme := b.customer(t, "acme")
		b.trail(t, acme)
		b.seal(t, acme, 1)
		db := b.outside(t)
		attempts := []string{
			"UPDATE events SET detail = 'x' WHERE customer_id = 'c-acme'", "DELETE FROM events WHERE customer_id = 'c-acme'",
			"UPDATE audit_seals SET number = 7", "DELETE FROM audit_seals",
			"UPDATE audit_chains SET number = 0", "DELETE FROM audit_chains", "UPDATE audit_chains SET customer_id = 'installation' WHERE customer_id = 'c-acme'",
		}
		if b.Database == "" {
			attempts = append(attempts, "INSERT OR REPLACE INTO events SELECT * FROM events WHERE customer_id = 'c-acme'",
				"REPLACE INTO audit_seals SELECT * FROM audit_seals",
				"REPLACE INTO audit_chains (customer_id, number, hash, key_id, mark) SELECT customer_id, 0, hash, key_id, mark FROM audit_chains WHERE customer_id = 'c-acme'")
		} else {
			attempts = append(attempts, "TRUNCATE events", "TRUNCATE audit_seals", "TRUNCATE audit_chains")
		}
		before := b.belongings(t, acme)
		for _, attempt := range attempts {
			if _, err := db.ExecContext(t.Context(), attempt); err == nil || !strings.Contains(err.Error(), "stays as it was written") {
				t.Errorf("%s: %v", attempt, err)
			}
		}
		if after := b.belongings(t, acme); after != before {
			t.Errorf("changed\n%s\ninto\n%s", before, after)
		}
	})
}

// seal closes what waits, as the sealer does; it is the customer's n-th time.
func (b base) seal(t *testing.T, in portal.CustomerID, n int64) {
	t.Helper()
	err := b.WriteSeal(t.Context(), in, func(tx *store.Tx) error {
		events, err := tx.UnsealedEvents(t.Context(), 0, 1000)
		if err != nil {
			return err
		}
		last := events[len(events)-1].ID
		s := store.Seal{Number: n, First: events[0].ID, Last: last, Entries: digest(1), Previous: []byte{}, Hash: digest(2), SealedAt: tx.Now}
		if err := tx.PutSeal(t.Context(), s); err != nil {
			return err
		}
		if err := tx.PutChain(t.Context(), store.Chain{Number: n, Hash: digest(2), KeyID: "k", Mark: digest(3)}); err != nil {
			return err
		}
		closed, err := tx.Sealed(t.Context(), 0, last)
		return mustHappen(closed == int64(len(events)), err)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// onPostgres is a store on a database that this test owns.
func onPostgres(t *testing.T) base {
	t.Helper()
	h := house.New(t, house.Postgres(t))
	return base{h, h.Store}
}

// The service's own role runs the portal and cannot alter tables or audit rows
// (CF-04).
func TestServiceRole(t *testing.T) {
	owner := onPostgres(t)
	acme := owner.customer(t, "acme")
	role, address := testkit.ServiceRole(t, owner.Database)
	if err := owner.GrantService(t.Context(), role); err != nil {
		t.Fatal(err)
	}
	same := *owner.House
	same.Database = address
	service := base{&same, openAt(t, address)}
	if service.OwnsSchema() {
		t.Fatal("the service owns the schema")
	}
	u := service.user(t, acme, "wendy")
	service.enable(t, u)
	service.session(t, u, 1)
	service.seal(t, acme, 1)
	service.user(t, acme, "walter")
	service.seal(t, acme, 2)
	if n := service.number(t, "SELECT COUNT(*) FROM unsealed_events WHERE customer_id = 'c-acme'"); n != 0 {
		t.Errorf("%d events stand in no seal", n)
	}
	for _, attempt := range []string{
		"UPDATE events SET detail = 'x'", "DELETE FROM events", "TRUNCATE events", "ALTER TABLE events DISABLE TRIGGER ALL",
		"UPDATE audit_seals SET number = 7", "DELETE FROM audit_seals", "DELETE FROM audit_chains",
		"UPDATE audit_chains SET pruned_number = 1, pruned_through = 9", "UPDATE schema_migrations SET digest = ''", "DELETE FROM moves", "DELETE FROM customers", "DELETE FROM customer_counts", "DELETE FROM leases",
		"DROP TRIGGER events_deleted ON events", "DROP TABLE events", "CREATE TABLE mine (a BIGINT)", "ALTER TABLE users ADD COLUMN a BIGINT",
		"CREATE OR REPLACE FUNCTION portal_stays() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
	} {
		_, err := service.outside(t).ExecContext(t.Context(), attempt)
		if err == nil || !(strings.Contains(err.Error(), "permission denied") || strings.Contains(err.Error(), "must be owner")) {
			t.Errorf("%s: %v", attempt, err)
		}
	}
	if err := service.GrantService(t.Context(), role); err == nil {
		t.Error("the service gives itself rights")
	}
}

// On an old schema the service's role refuses, and says what to do.
func TestServiceRoleOnAnOldSchema(t *testing.T) {
	owner := onPostgres(t)
	role, address := testkit.ServiceRole(t, owner.Database)
	refused := func(when string) {
		t.Helper()
		_, err := store.Open(t.Context(), store.Config{Database: address, Now: time.Now})
		if err == nil || !strings.Contains(err.Error(), "run portal migrate --service-role ROLE with the role that owns the database") {
			t.Errorf("%s: %v", when, err)
		}
	}
	refused("without rights")
	if err := owner.GrantService(t.Context(), role); err != nil {
		t.Fatal(err)
	}
	openAt(t, address)
	owner.run(t, "DELETE FROM schema_migrations WHERE name = (SELECT MAX(name) FROM schema_migrations)")
	refused("old schema")
}

func openAt(t *testing.T, address string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), store.Config{Database: address, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// An event says which node wrote it.
func TestEventsNameTheNode(t *testing.T) {
	onEach(t, func(t *testing.T, b base) {
		b.customer(t, "acme")
		s, err := store.Open(t.Context(), store.Config{Database: b.Database, DataFolder: b.Folder, Now: b.Clock.Now, Node: "node-2"})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		other := base{b.House, s}
		other.user(t, "c-acme", "wendy")
		events, err := b.View("c-acme").Events(t.Context(), store.EventQuery{Limit: 9})
		if err != nil || len(events) != 2 {
			t.Fatalf("%d events, %v", len(events), err)
		}
		if got := []string{events[0].Node, events[1].Node}; got[0] != "node-2" || got[1] != "" || events[0].Action != portal.UserEdited {
			t.Errorf("the nodes are %q", got)
		}
	})
}
