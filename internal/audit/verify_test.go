package audit_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"portal"
	"portal/internal/audit"
	"portal/internal/seal"
	"portal/internal/store"
	"portal/internal/testkit/house"
)

// trail is a house with two customers of which the first is tampered with.
type trail struct {
	*house.House
	t     *testing.T
	acme  portal.Actor
	other portal.Actor
	db    *sql.DB // the database beneath the portal
}

// newTrail writes and seals three batches of four events for each customer.
func newTrail(t *testing.T, h *house.House) *trail {
	t.Helper()
	return newTrailOf(t, h, beneath(t, h), "")
}

// newTrailOf makes another pair of customers in the same house.
func newTrailOf(t *testing.T, h *house.House, db *sql.DB, name string) *trail {
	t.Helper()
	tr := &trail{House: h, t: t, acme: h.Customer(t, "Acme"+name), other: h.Customer(t, "Beta"+name), db: db}
	for range 3 {
		for i := range 4 {
			tr.record(tr.acme, fmt.Sprintf("acme %d", i))
			tr.record(tr.other, fmt.Sprintf("beta %d", i))
		}
		tr.seal()
	}
	return tr
}

// beneath opens the database past the portal and takes away what keeps rows
// from being changed, as its owner can.
func beneath(t *testing.T, h *house.House) *sql.DB {
	t.Helper()
	driver, source := "pgx", h.Database
	drop := []string{"ALTER TABLE events DISABLE TRIGGER ALL", "ALTER TABLE audit_seals DISABLE TRIGGER ALL", "ALTER TABLE audit_chains DISABLE TRIGGER ALL"}
	if source == "" {
		driver, source = "sqlite", "file:"+filepath.Join(h.Folder, "portal.db")+"?_pragma=busy_timeout(5000)"
		drop = nil
		for _, trigger := range []string{
			"events_replaced", "events_updated", "events_deleted", "audit_seals_updated", "audit_seals_deleted", "audit_chains_updated", "audit_chains_deleted",
		} {
			drop = append(drop, "DROP TRIGGER "+trigger)
		}
	}
	db, err := sql.Open(driver, source)
	must(t, err)
	t.Cleanup(func() { db.Close() })
	for _, statement := range drop {
		_, err := db.ExecContext(t.Context(), statement)
		must(t, err)
	}
	if driver == "pgx" { // new events still wait for their seal
		_, err := db.ExecContext(t.Context(), "ALTER TABLE events ENABLE TRIGGER events_wait")
		must(t, err)
	}
	return db
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (tr *trail) record(actor portal.Actor, detail string) {
	tr.t.Helper()
	tr.Clock.Advance(time.Second)
	must(tr.t, tr.Store.Write(tr.t.Context(), actor.CustomerID, func(tx *store.Tx) error {
		return tx.Record(tr.t.Context(), actor.Did(portal.UserEdited).On(portal.User{ID: "u-1", LoginID: "wendy"}).With(detail))
	}))
}

func (tr *trail) seal() {
	tr.t.Helper()
	must(tr.t, tr.Audit.Seal(tr.t.Context(), portal.Itself()))
}

// tamper changes something beneath the portal.
func (tr *trail) tamper(statement string, args ...any) {
	tr.t.Helper()
	_, err := tr.db.ExecContext(tr.t.Context(), statement, args...)
	must(tr.t, err)
}

// ids are the identifiers of Acme's events, in order.
func (tr *trail) ids() (ids []int64) {
	tr.t.Helper()
	rows, err := tr.db.QueryContext(tr.t.Context(), "SELECT id FROM events WHERE customer_id = $1 ORDER BY id", string(tr.acme.CustomerID))
	must(tr.t, err)
	defer rows.Close()
	for rows.Next() {
		var id int64
		must(tr.t, rows.Scan(&id))
		ids = append(ids, id)
	}
	must(tr.t, rows.Err())
	return ids
}

func (tr *trail) verify(actor portal.Actor) audit.Report {
	tr.t.Helper()
	report, err := tr.Audit.Verify(tr.t.Context(), actor)
	must(tr.t, err)
	return report
}

// wants holds that Acme's trail has exactly these findings, in order, and
// that the other customer's has none.
func (tr *trail) wants(parts ...string) {
	tr.t.Helper()
	found := tr.verify(tr.acme).Findings
	if len(found) != len(parts) {
		tr.t.Fatalf("found %v, want %q", found, parts)
	}
	for i, f := range found {
		if !strings.Contains(f.String(), parts[i]) {
			tr.t.Errorf("found %q, want %q", f, parts[i])
		}
	}
	if found := tr.verify(tr.other).Findings; len(found) > 0 {
		tr.t.Errorf("the other customer's trail: %v", found)
	}
}

// Nothing is wrong with a trail that nobody touched, at any moment.
func TestAnUntouchedTrailVerifies(t *testing.T) {
	house.OnEach(t, func(t *testing.T, h *house.House) {
		tr := newTrail(t, h)
		tr.wants()
		if r := tr.verify(tr.acme); r.Events != 13 || r.Waiting != 0 || r.Number != 3 || !r.SealedAt.Equal(tr.Clock.Now()) {
			t.Errorf("the report says %+v", r)
		}
		tr.record(tr.acme, "not sealed yet")
		tr.wants()
		if r := tr.verify(tr.acme); r.Events != 13 || r.Waiting != 1 {
			t.Errorf("the report says %+v", r)
		}
		tr.Clock.Advance(2 * time.Minute)
		tr.wants("waits for its seal since")
		tr.seal()
		tr.wants()
		if r := tr.verify(h.Host()); len(r.Findings) > 0 {
			t.Errorf("the installation's trail: %v", r.Findings)
		}
	})
}

// Each column of a row is under the seal.
func TestAChangedRowIsNamed(t *testing.T) {
	house.OnEach(t, func(t *testing.T, h *house.House) {
		tr := newTrail(t, h)
		id := tr.ids()[6]
		for column, value := range map[string]any{
			"at": int64(7), "action": "Sign-in", "outcome": "failed", "actor_kind": "user", "actor_id": "u-9", "actor_label": "x",
			"target_id": "u-9", "target_label": "x", "detail": "x", "address": "x", "agent": "x", "request_id": "x", "node": "x",
		} {
			var before any
			must(t, tr.db.QueryRowContext(t.Context(), "SELECT "+column+" FROM events WHERE id = $1", id).Scan(&before))
			tr.tamper("UPDATE events SET "+column+" = $1 WHERE id = $2", value, id)
			tr.wants(fmt.Sprintf("event %d: it was changed after seal 2", id))
			tr.tamper("UPDATE events SET "+column+" = $1 WHERE id = $2", before, id)
			tr.wants()
		}
		tr.tamper("UPDATE events SET customer_id = $1 WHERE id = $2", string(tr.other.CustomerID), id)
		found := append(tr.verify(tr.acme).Findings, tr.verify(tr.other).Findings...)
		if len(found) != 2 || found[0].Event != id || found[1].Event != id || !strings.Contains(found[0].What+found[1].What, "missing") {
			t.Errorf("a row given to another customer: %v", found)
		}
	})
}

// Rows that are gone, added or moved are named, and so are seals.
func TestATouchedTrailIsFound(t *testing.T) {
	cases := map[string]func(*trail, []int64) []string{
		"deleted": func(tr *trail, ids []int64) []string {
			tr.tamper("DELETE FROM events WHERE id = $1", ids[5])
			return []string{fmt.Sprintf("event %d: it is missing; seal 2", ids[5])}
		},
		"deleted before it was sealed": func(tr *trail, ids []int64) []string {
			tr.record(tr.acme, "soon gone")
			gone := tr.ids()[len(ids)]
			tr.tamper("DELETE FROM events WHERE id = $1", gone)
			tr.record(tr.acme, "after it")
			tr.seal()
			return []string{fmt.Sprintf("event %d: it was deleted before it was sealed", gone)}
		},
		"deleted last": func(tr *trail, ids []int64) []string {
			last := ids[len(ids)-1]
			tr.tamper("DELETE FROM events WHERE id = $1", last)
			return []string{fmt.Sprintf("event %d: it is missing; seal 3", last)}
		},
		"swapped": func(tr *trail, ids []int64) []string {
			tr.swap(ids[5], ids[7])
			return []string{
				fmt.Sprintf("event %d: it was re-ordered: here stands what was written as event %d", ids[5], ids[7]),
				fmt.Sprintf("event %d: it was re-ordered: here stands what was written as event %d", ids[7], ids[5]),
			}
		},
		"forged": func(tr *trail, ids []int64) []string {
			// The other customer has the ids between.
			tr.tamper("DELETE FROM events WHERE id = $1", ids[5])
			tr.tamper("INSERT INTO events "+systemValue(tr)+"SELECT $1, customer_id, at, action, outcome, actor_kind, actor_id, actor_label, "+
				"target_id, target_label, 'forged', address, agent, request_id, node FROM events WHERE id = $2", ids[6]+1000, ids[6])
			tr.tamper("DELETE FROM unsealed_events")
			return []string{fmt.Sprintf("event %d: it is missing", ids[5]), fmt.Sprintf("event %d: it stands in no seal", ids[6]+1000)}
		},
		"seal deleted": func(tr *trail, _ []int64) []string {
			tr.tamper("DELETE FROM audit_seals WHERE customer_id = $1 AND number = 2", string(tr.acme.CustomerID))
			ids := tr.ids()
			want := []string{"seal 2: it is missing"}
			for _, id := range ids[5:9] {
				want = append(want, fmt.Sprintf("event %d: it stands in no seal", id))
			}
			return want
		},
		"seal changed": func(tr *trail, ids []int64) []string {
			tr.tamper("UPDATE audit_seals SET sealed_at = sealed_at + 1 WHERE customer_id = $1 AND number = 2", string(tr.acme.CustomerID))
			return []string{"seal 2: it was changed"}
		},
		"last seal deleted": func(tr *trail, ids []int64) []string {
			tr.tamper("DELETE FROM audit_seals WHERE customer_id = $1 AND number = 3", string(tr.acme.CustomerID))
			want := []string{"the chain ends with seal 2 and was written down to end with seal 3"}
			for _, id := range ids[9:] {
				want = append(want, fmt.Sprintf("event %d: it stands in no seal", id))
			}
			return want
		},
		"tail cut": func(tr *trail, ids []int64) []string {
			tr.tamper("DELETE FROM audit_seals WHERE customer_id = $1 AND number = 3", string(tr.acme.CustomerID))
			tr.tamper("DELETE FROM events WHERE customer_id = $1 AND id >= $2", string(tr.acme.CustomerID), ids[9])
			return []string{"the chain ends with seal 2 and was written down to end with seal 3"}
		},
		"tail cut and written down so": func(tr *trail, ids []int64) []string {
			tr.tamper("DELETE FROM audit_seals WHERE customer_id = $1 AND number = 3", string(tr.acme.CustomerID))
			tr.tamper("DELETE FROM events WHERE customer_id = $1 AND id >= $2", string(tr.acme.CustomerID), ids[9])
			tr.tamper("UPDATE audit_chains SET number = 2, hash = (SELECT hash FROM audit_seals s WHERE s.customer_id = $1 AND s.number = 2) "+
				"WHERE customer_id = $1", string(tr.acme.CustomerID))
			return []string{"the end of the chain was changed by somebody without the key ring"}
		},
		"beginning cut": func(tr *trail, ids []int64) []string {
			tr.tamper("UPDATE audit_chains SET pruned_number = 1, pruned_through = $2, pruned_hash = (SELECT hash FROM audit_seals s "+
				"WHERE s.customer_id = $1 AND s.number = 1) WHERE customer_id = $1", string(tr.acme.CustomerID), ids[4])
			tr.tamper("DELETE FROM audit_seals WHERE customer_id = $1 AND number = 1", string(tr.acme.CustomerID))
			tr.tamper("DELETE FROM events WHERE customer_id = $1 AND id <= $2", string(tr.acme.CustomerID), ids[4])
			return []string{"the end of the chain was changed by somebody without the key ring"}
		},
		"end removed": func(tr *trail, _ []int64) []string {
			tr.tamper("DELETE FROM audit_chains WHERE customer_id = $1", string(tr.acme.CustomerID))
			return []string{"the end of the chain is not written down any more", "seal 3: it is not the seal that was written down as the last"}
		},
		"everything removed": func(tr *trail, _ []int64) []string {
			for _, table := range []string{"events", "audit_seals", "audit_chains", "unsealed_events"} {
				tr.tamper("DELETE FROM "+table+" WHERE customer_id = $1", string(tr.acme.CustomerID))
			}
			return []string{"the end of the chain is not written down any more"}
		},
	}
	house.OnEach(t, func(t *testing.T, h *house.House) {
		db := beneath(t, h)
		for name, touch := range cases {
			t.Run(name, func(t *testing.T) {
				tr := newTrailOf(t, h, db, " "+name)
				tr.wants(touch(tr, tr.ids())...)
			})
		}
	})
}

// swap lets two rows change places: all that differs between them.
func (tr *trail) swap(one, two int64) {
	tr.t.Helper()
	type row struct {
		at     int64
		detail string
	}
	rows := map[int64]row{}
	for _, id := range []int64{one, two} {
		var r row
		must(tr.t, tr.db.QueryRowContext(tr.t.Context(), "SELECT at, detail FROM events WHERE id = $1", id).Scan(&r.at, &r.detail))
		rows[id] = r
	}
	tr.tamper("UPDATE events SET at = $1, detail = $2 WHERE id = $3", rows[two].at, rows[two].detail, one)
	tr.tamper("UPDATE events SET at = $1, detail = $2 WHERE id = $3", rows[one].at, rows[one].detail, two)
}

// systemValue names the columns, and lets PostgreSQL take an id that it would
// give out itself.
func systemValue(tr *trail) string {
	const columns = "(id, customer_id, at, action, outcome, actor_kind, actor_id, actor_label, target_id, target_label, detail, address, agent, request_id, node) "
	if tr.Database == "" {
		return columns
	}
	return columns + "OVERRIDING SYSTEM VALUE "
}

// A chain that is taken away is not begun anew over changed rows by the portal
// itself, which has the key ring: the chain was begun with its customer.
func TestAChainIsNotBegunAnew(t *testing.T) {
	house.OnEach(t, func(t *testing.T, h *house.House) {
		tr := newTrail(t, h)
		for _, table := range []string{"audit_seals", "audit_chains"} {
			tr.tamper("DELETE FROM "+table+" WHERE customer_id = $1", string(tr.acme.CustomerID))
		}
		tr.tamper("UPDATE events SET detail = 'x' WHERE id = $1", tr.ids()[6])
		tr.tamper("INSERT INTO unsealed_events (customer_id, event_id) SELECT customer_id, id FROM events WHERE customer_id = $1", string(tr.acme.CustomerID))
		tr.record(tr.other, "goes on")
		if err := tr.Audit.Seal(t.Context(), portal.Itself()); err == nil || !strings.Contains(err.Error(), "the end of the chain is gone") {
			t.Errorf("sealing says %v", err)
		}
		tr.wants("the end of the chain is not written down any more")
		if r := tr.verify(tr.other); r.Waiting != 0 {
			t.Errorf("the other customer's events wait: %+v", r)
		}
		if gone, err := tr.Audit.Prune(t.Context(), tr.acme, tr.Clock.Now().Add(time.Hour)); gone != 0 || err == nil {
			t.Errorf("%d events are gone, %v", gone, err)
		}
	})
}

// Every chain is there before the first event is sealed: each customer's, also
// the one that the set-up makes, and the installation's.
func TestEveryChainIsBegun(t *testing.T) {
	house.OnEach(t, func(t *testing.T, h *house.House) {
		h.Customer(t, "Acme")
		if left, err := h.Store.Unchained(t.Context(), 9); err != nil || len(left) > 0 {
			t.Errorf("no chain for %q, %v", left, err)
		}
	})
}

// What older programs have left without a chain is begun, for as long as their
// keys are all that the ring has; since the next key it counts as taken away.
func TestOlderChainsAreBegun(t *testing.T) {
	house.OnEach(t, func(t *testing.T, h *house.House) {
		tr := newTrail(t, h)
		older := olderRing(t, h)
		added := portal.CustomerID("added-by-an-older-program")
		must(t, h.Store.WriteUnaudited(t.Context(), added, "a test", func(tx *store.Tx) error { return tx.AddCustomer(t.Context(), "Older") }))
		tr.tamper("DELETE FROM audit_chains WHERE customer_id = $1", string(tr.acme.CustomerID)) // its seals are there
		must(t, audit.BeginOlder(t.Context(), h.Store, tr.Ring))
		if left, err := h.Store.Unchained(t.Context(), 9); err != nil || len(left) != 1 {
			t.Errorf("a ring of this program begins chains: left %q, %v", left, err)
		}
		must(t, audit.BeginOlder(t.Context(), h.Store, older))
		if left, err := h.Store.Unchained(t.Context(), 9); err != nil || len(left) > 0 {
			t.Errorf("no chain for %q, %v", left, err)
		}
		for customer, want := range map[portal.CustomerID]bool{added: true, tr.acme.CustomerID: false} {
			if _, err := h.Store.View(customer).Chain(t.Context()); (err == nil) != want {
				t.Errorf("the chain of %s: %v", customer, err)
			}
		}
		if older.ChainsBegun() || !older.Grown(h.Clock.Now()).ChainsBegun() {
			t.Error("a new key does not end the time of the older ones")
		}
	})
}

// olderRing is the house's ring as an older program has written it.
func olderRing(t *testing.T, h *house.House) *seal.Ring {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keyring.json")
	must(t, h.Ring.Create(path))
	text, err := os.ReadFile(path)
	must(t, err)
	must(t, os.WriteFile(path, regexp.MustCompile(`,\s*"chains": true`).ReplaceAll(text, nil), 0o600))
	older, err := seal.LoadRing(path)
	must(t, err)
	return older
}

// A seal recomputed from a changed row needs the key ring: without it the end
// of the chain gives the change away.
func TestARecomputedChainIsFound(t *testing.T) {
	house.OnEach(t, func(t *testing.T, h *house.House) {
		tr := newTrail(t, h)
		stranger := h.Rekeyed()
		for _, table := range []string{"audit_seals", "audit_chains"} {
			tr.tamper("DELETE FROM " + table)
		}
		for _, actor := range []portal.Actor{tr.acme, tr.other, h.Host()} {
			must(t, h.Store.WriteUnaudited(t.Context(), actor.CustomerID, "a test", func(tx *store.Tx) error {
				return audit.Begin(t.Context(), tx, stranger.Ring, actor.CustomerID)
			}))
		}
		tr.tamper("UPDATE events SET detail = 'x' WHERE id = $1", tr.ids()[6])
		tr.tamper("INSERT INTO unsealed_events (customer_id, event_id) SELECT customer_id, id FROM events")
		must(t, stranger.Audit.Seal(t.Context(), portal.Itself()))
		if found := tr.verify(tr.acme).Findings; len(found) != 1 || !strings.Contains(found[0].What, "which this key ring lacks") {
			t.Errorf("found %v", found)
		}
	})
}

// The sealer does not go on with a chain whose end somebody else wrote.
func TestABrokenChainIsNotGoneOnWith(t *testing.T) {
	house.OnEach(t, func(t *testing.T, h *house.House) {
		tr := newTrail(t, h)
		tr.tamper("UPDATE audit_chains SET number = number + 1 WHERE customer_id = $1", string(tr.acme.CustomerID))
		tr.record(tr.acme, "after it")
		tr.record(tr.other, "after it")
		if err := tr.Audit.Seal(t.Context(), portal.Itself()); err == nil || !strings.Contains(err.Error(), "portal audit verify") {
			t.Errorf("sealing says %v", err)
		}
		tr.seal() // told already
		tr.Clock.Advance(10 * time.Minute)
		if err := tr.Audit.Seal(t.Context(), portal.Itself()); err == nil {
			t.Error("the broken chain is told of once only")
		}
		if a, b := tr.verify(tr.acme), tr.verify(tr.other); a.Waiting != 1 || b.Waiting != 0 || len(b.Findings) > 0 {
			t.Errorf("Acme %+v, Beta %+v", a, b)
		}
	})
}

// Rows that many transactions write at once, in whatever order they end, and
// that two nodes seal meanwhile, stand in one seal each.
func TestSealedWhileWriting(t *testing.T) {
	house.OnEach(t, func(t *testing.T, h *house.House) {
		tr := &trail{House: h, t: t, acme: h.Customer(t, "Acme"), other: h.Customer(t, "Beta")}
		nodes := []*house.House{h, h.Again(t)}
		house.AtOnce(10, func(i int) {
			for n := range 20 {
				node := nodes[i%2]
				if i < 2 {
					if err := node.Audit.Seal(t.Context(), portal.Itself()); err != nil {
						t.Errorf("sealer %d: %v", i, err)
					}
					continue
				}
				err := node.Store.Write(t.Context(), tr.acme.CustomerID, func(tx *store.Tx) error {
					return tx.Record(t.Context(), tr.acme.Did(portal.UserEdited).With(fmt.Sprint(i, n)))
				})
				if err != nil {
					t.Errorf("writer %d: %v", i, err)
				}
			}
		})
		tr.Clock.Advance(time.Minute) // past the lease of a sealer
		tr.seal()
		tr.wants()
		if r := tr.verify(tr.acme); r.Events != 161 || r.Waiting != 0 {
			t.Errorf("the report says %+v", r)
		}
	})
}

// An event that was committed late, under a lower id than one that is sealed
// already, stands in the next seal (PostgreSQL gives ids out of order).
func TestALateCommitIsSealed(t *testing.T) {
	house.OnEach(t, func(t *testing.T, h *house.House) {
		if h.Database == "" {
			return // SQLite has one writer
		}
		tr := &trail{House: h, t: t, acme: h.Customer(t, "Acme"), other: h.Customer(t, "Beta")}
		err := tr.Store.Write(t.Context(), tr.acme.CustomerID, func(tx *store.Tx) error {
			if err := tx.Record(t.Context(), tr.acme.Did(portal.UserEdited).With("early id, late commit")); err != nil {
				return err
			}
			tr.record(tr.acme, "late id, early commit")
			tr.seal()
			return nil
		})
		must(t, err)
		tr.wants()
		if r := tr.verify(tr.acme); r.Events != 2 || r.Waiting != 1 {
			t.Errorf("the report says %+v", r)
		}
		tr.seal()
		tr.wants()
		if r := tr.verify(tr.acme); r.Events != 3 || r.Waiting != 0 || r.Number != 2 {
			t.Errorf("the report says %+v", r)
		}
	})
}

// A batch is bounded, and so is what a verification tells.
func TestManyEvents(t *testing.T) {
	house.OnEach(t, func(t *testing.T, h *house.House) {
		tr := &trail{House: h, t: t, acme: h.Customer(t, "Acme"), other: h.Customer(t, "Beta"), db: beneath(t, h)}
		must(t, tr.Store.Write(t.Context(), tr.acme.CustomerID, func(tx *store.Tx) error { return tr.records(tx, 4500) }))
		tr.seal()
		tr.wants()
		if r := tr.verify(tr.acme); r.Events != 4501 || r.Number != 5 {
			t.Errorf("the report says %+v", r)
		}
		tr.tamper("UPDATE events SET detail = 'x'")
		if found := tr.verify(tr.acme).Findings; len(found) != 101 || !strings.Contains(found[100].What, "there may be more") {
			t.Errorf("%d findings, the last: %v", len(found), found[len(found)-1])
		}
	})
}

func (tr *trail) records(tx *store.Tx, n int) error {
	for i := range n {
		if err := tx.Record(tr.t.Context(), tr.acme.Did(portal.UserEdited).With(fmt.Sprint(i))); err != nil {
			return err
		}
	}
	return nil
}

// Nobody but the host verifies, and nobody but the portal seals.
func TestWhoMay(t *testing.T) {
	h := house.New(t, "")
	ctx := context.Background()
	for _, actor := range []portal.Actor{portal.Stranger(house.Origin()), {Kind: portal.ActorUser, Role: portal.RoleAdministrator}, portal.Itself()} {
		if _, err := h.Audit.Verify(ctx, actor); err == nil {
			t.Errorf("%s verifies", actor.Kind)
		}
	}
	for _, actor := range []portal.Actor{portal.Stranger(house.Origin()), {Kind: portal.ActorUser, Role: portal.RoleAdministrator}, h.Host()} {
		if err := h.Audit.Seal(ctx, actor); err == nil {
			t.Errorf("%s seals", actor.Kind)
		}
	}
}
