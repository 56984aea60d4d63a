package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"portal/internal/testkit"
)

// brokenStage is a stage on a PostgreSQL of its own, behind a wire that can be cut.
type brokenStage struct {
	*stage
	cluster *testkit.Cluster
	wire    *testkit.Wire
}

// fault is something that breaks and is mended again.
type fault struct {
	name string
	do   func()
}

// Faults at random under load, drawn from a seed that a failure prints: what
// the portal has answered with success is there afterwards, what it has refused
// is not, nothing is half done, no code works twice, and it recovers by itself
// each time. Everything that can break breaks at least once.
func TestRandomFaultsOnPostgres(t *testing.T) {
	t.Parallel()
	cluster := testkit.NewCluster(t, "max_connections=80")
	wire := testkit.NewWire(t, cluster.Address())
	b := &brokenStage{newStage(t, 2, testkit.URLAt(wire.Address())), cluster, wire}
	b.use(b.openAt(cluster.URL()))
	tables := []string{"users", "events", "sessions", "authenticators"}
	b.breakAtRandom([]fault{
		{"a node is killed", func() { b.restart(rand.N(len(b.nodes))) }},
		{"PostgreSQL is killed", func() { cluster.Kill(); cluster.Start() }},
		{"PostgreSQL is stopped for a while", func() { cluster.Stop(); rest(b.some(time.Second)); cluster.Start() }},
		{"PostgreSQL hangs", func() { cluster.Pause(); rest(b.some(2 * time.Second)); cluster.Resume() }},
		{"transactions are terminated", b.terminate},
		{"all connections are cut", func() { wire.CutAll() }},
		{"the wire is cut before a COMMIT", func() { b.cutAtCommit(false) }},
		{"the wire is cut after a COMMIT", func() { b.cutAtCommit(true) }},
		{"a table is locked", func() { unlock := cluster.Lock(tables[rand.N(len(tables))]); rest(b.some(2 * time.Second)); unlock() }},
	})
}

// The same on SQLite, where less can break: the process, and the lock on the
// file.
func TestRandomFaultsOnSQLite(t *testing.T) {
	t.Parallel()
	st := newStage(t, 1, "")
	st.breakAtRandom([]fault{
		{"the portal is killed", func() { st.restart(0) }},
		{"the database is locked", func() { unlock := st.lockFile(); rest(st.some(time.Second)); unlock() }},
	})
}

// some is about so long; when soaking sometimes much longer.
func (st *stage) some(d time.Duration) time.Duration {
	if soaking() && rand.N(4) == 0 {
		return d * time.Duration(2+rand.N(8))
	}
	return d/2 + rand.N(d)
}

// breakAtRandom lets people use the portal while one fault after the other
// comes and goes, until each was there and the time is up.
func (st *stage) breakAtRandom(faults []fault) {
	st.t.Helper()
	random := st.seeded()
	c := st.visit("wendy", "walter", "wilma")
	st.pass(2 * time.Second)
	end := time.Now().Add(soak(st.t, 10*time.Second))
	for round := 0; round == 0 || time.Now().Before(end); round++ {
		for _, i := range random.Perm(len(faults)) {
			began := time.Now()
			faults[i].do()
			over := time.Now()
			c.again(1, true)
			st.t.Logf("%s for %s; served again after %s", faults[i].name, over.Sub(began).Round(time.Millisecond), time.Since(over).Round(time.Millisecond))
			st.advance(time.Minute) // who has tried too often waits no longer
			st.pass(time.Second)
		}
	}
	c.goHome()
	c.verify()
}

// seeded is chance from PORTAL_SEED, or from a seed that is told. It draws the
// order of the faults; what people do at that moment is the machine's chance.
func (st *stage) seeded() *rand.Rand {
	st.t.Helper()
	seed := rand.Uint64()
	if text := os.Getenv("PORTAL_SEED"); text != "" {
		var err error
		seed, err = strconv.ParseUint(text, 10, 64)
		must(st.t, err)
	}
	st.t.Logf("PORTAL_SEED=%d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// terminate ends the portal's transactions again and again from outside.
func (b *brokenStage) terminate() {
	for range 20 {
		b.change("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL")
		rest(50 * time.Millisecond)
	}
}

// change changes something beneath the portal.
func (st *stage) change(statement string) {
	st.t.Helper()
	change(st.t, st.beneath(), statement)
}

// cutAtCommit has the wire cut at the next COMMIT of a change that leaves an
// event.
func (b *brokenStage) cutAtCommit(after bool) {
	b.wire.Arm(testkit.Cut{Text: "INSERT INTO events", Nth: 1, After: after})
	rest(time.Second)
	b.wire.Disarm()
}

// lockFile holds SQLite's lock from another process, until the returned
// function gives it back.
func (st *stage) lockFile() (unlock func()) {
	st.t.Helper()
	ctx := context.Background() // the lock outlives the call
	conn, err := st.beneath().Conn(ctx)
	must(st.t, err)
	st.until("the file can be locked", func() bool { _, err = conn.ExecContext(ctx, "BEGIN EXCLUSIVE"); return err == nil })
	return func() {
		_, err := conn.ExecContext(ctx, "ROLLBACK")
		if err = errors.Join(err, conn.Close()); err != nil {
			st.t.Error(err)
		}
	}
}

// The primary is killed under load and the synchronous standby promoted: the
// portal goes over to it by itself within seconds, and everything that it had
// answered with success is there.
func TestFailover(t *testing.T) {
	t.Parallel()
	primary := testkit.NewCluster(t, "wal_level=replica", "max_wal_senders=4")
	standby := primary.Standby("second")
	primary.Exec("ALTER SYSTEM SET synchronous_standby_names = 'second'")
	primary.Exec("SELECT pg_reload_conf()")
	primary.Until("the standby is synchronous", "SELECT count(*) = 1 FROM pg_stat_replication WHERE sync_state = 'sync'")
	st := newStage(t, 2, testkit.URLAt(primary.Address(), standby.Address())+"&target_session_attrs=read-write")
	st.use(st.openAt(primary.URL()))
	c := st.visit("wendy", "walter", "wilma")
	st.pass(soak(t, 4*time.Second) / 4)
	c.again(3, true)
	killed := time.Now()
	primary.Kill()
	standby.Promote()
	st.use(st.openAt(standby.URL()))
	promoted := time.Now()
	c.again(1, false)
	t.Logf("promoted %s after the kill, people served again %s after that",
		promoted.Sub(killed).Round(time.Millisecond), time.Since(promoted).Round(time.Millisecond))
	c.replay()
	st.pass(soak(t, 4*time.Second) / 4)
	c.again(3, true)
	c.goHome()
	c.verify()
}
