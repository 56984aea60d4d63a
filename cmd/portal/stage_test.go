package main

import (
	"context"
	"database/sql"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"portal"
)

// soak is how long the tests that break things at random go on: PORTAL_SOAK, as
// make soak sets it, and otherwise a few seconds.
func soak(t testing.TB, otherwise time.Duration) time.Duration {
	t.Helper()
	text := os.Getenv("PORTAL_SOAK")
	if text == "" {
		return otherwise
	}
	d, err := time.ParseDuration(text)
	must(t, err)
	return d
}

// soaking tells whether the long versions run.
func soaking() bool { return os.Getenv("PORTAL_SOAK") != "" }

// stage is where things break: nodes of one portal, and people who use them.
type stage struct {
	t   *testing.T
	ins []*installation

	mu    sync.RWMutex // over what follows
	nodes []*server
	db    *sql.DB // beneath the portal, past whatever stands in between

	wanted, seen atomic.Int64 // how often the last codes were to be tried again, and by how many they were
	replays      atomic.Int64
	acts, faults atomic.Int64 // of people who were answered with success; answers that the fault shows in
}

// newStage starts nodes of one portal, with a customer.
func newStage(t *testing.T, nodes int, database string) *stage {
	t.Helper()
	st := &stage{t: t}
	in := install(t)
	in.Database = database
	in.Run("", "customer", "add", "Acme")
	st.ins = []*installation{in}
	for len(st.ins) < nodes {
		st.ins = append(st.ins, in.second())
	}
	for _, in := range st.ins {
		st.nodes = append(st.nodes, in.Serve())
	}
	st.use(in.beneath())
	return st
}

// use goes on with another database.
func (st *stage) use(db *sql.DB) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.db = db
}

func (st *stage) beneath() *sql.DB {
	st.mu.RLock()
	defer st.mu.RUnlock()
	return st.db
}

// openAt opens a database that the portal is not led to by this way.
func (st *stage) openAt(url string) *sql.DB {
	st.t.Helper()
	db, err := sql.Open("pgx", url)
	must(st.t, err)
	st.t.Cleanup(func() { db.Close() })
	return db
}

// node is one of the nodes, whichever a visitor is led to.
func (st *stage) node() *server {
	st.mu.RLock()
	defer st.mu.RUnlock()
	return st.nodes[rand.N(len(st.nodes))]
}

// restart kills a node and starts it again.
func (st *stage) restart(i int) {
	st.t.Helper()
	st.nodes[i].Kill()
	s := st.ins[i].Serve()
	st.mu.Lock()
	defer st.mu.Unlock()
	st.nodes[i] = s
}

func (st *stage) now() time.Time {
	st.mu.RLock()
	defer st.mu.RUnlock()
	return st.ins[0].Now()
}

// advance moves the clock of all nodes on.
func (st *stage) advance(d time.Duration) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.ins[0].Advance(d)
}

// tell counts what an act came to.
func (st *stage) tell(o outcome) outcome {
	if o == done {
		st.acts.Add(1)
	}
	return o
}

// pass lets time pass: a step of 30 seconds each half second, so that phones
// have new codes to show.
func (st *stage) pass(d time.Duration) {
	ticker := time.NewTicker(500 * time.Millisecond)
	defer ticker.Stop()
	for end := time.Now().Add(d); time.Now().Before(end); {
		<-ticker.C
		st.advance(30 * time.Second)
	}
}

// rest waits while the clocks go as they do.
func rest(d time.Duration) { <-time.After(d) }

// settled waits until everything that was under way in the database has come to
// its end, and counts somebody's events of an action.
func (st *stage) settled(t testing.TB, action portal.Action, login string) (n int64) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	const query = "SELECT COUNT(*) FROM events WHERE outcome = 'done' AND action = $1 AND actor_label = $2"
	err := st.atRest(ctx)
	for ; ctx.Err() == nil; <-ticker.C {
		if err == nil {
			err = st.beneath().QueryRowContext(ctx, query, action, login).Scan(&n)
		}
		if err == nil {
			return n
		}
		err = st.atRest(ctx)
	}
	t.Errorf("the database never came to rest: %v", err)
	return 0
}

// atRest waits until each transaction that is under way now has ended: all that
// began to write before this one did.
func (st *stage) atRest(ctx context.Context) error {
	if st.ins[0].Database == "" {
		return nil // what a dead process had begun is over
	}
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	var horizon, oldest string
	if err := st.beneath().QueryRowContext(ctx, "SELECT pg_current_xact_id()::text").Scan(&horizon); err != nil {
		return err
	}
	until, err := strconv.ParseInt(horizon, 10, 64)
	for ; err == nil; <-ticker.C {
		var at int64
		if err = st.beneath().QueryRowContext(ctx, "SELECT pg_snapshot_xmin(pg_current_snapshot())::text").Scan(&oldest); err != nil {
			return err
		}
		if at, err = strconv.ParseInt(oldest, 10, 64); err == nil && at >= until {
			return nil
		}
	}
	return err
}

// visitors are the people of a stage.
type visitors struct {
	st      *stage
	clerk   *clerk
	people  []*witness
	stop    chan struct{}
	running sync.WaitGroup
}

// visit lets people use the portal until they are sent home.
func (st *stage) visit(names ...string) *visitors {
	st.t.Helper()
	c := &visitors{st: st, clerk: st.clerk(), stop: make(chan struct{})}
	for _, name := range names {
		c.people = append(c.people, st.witness("user", name))
	}
	c.running.Go(func() { c.clerk.live(c.stop, func() outcome { return st.tell(c.clerk.act()) }) })
	for _, w := range c.people {
		c.running.Go(func() { w.live(c.stop, func() outcome { return st.tell(w.act()) }) })
	}
	return c
}

func (c *visitors) all() []*witness { return append(c.clerk.all(), c.people...) }

// goHome ends the visits and waits until each has ended.
func (c *visitors) goHome() {
	close(c.stop)
	c.running.Wait()
}

// again waits until the portal answers with success again: so many acts that
// began after now. Meanwhile the clocks go on, unless time stands still.
func (c *visitors) again(acts int64, goOn bool) {
	c.st.t.Helper()
	from := c.st.acts.Load() + int64(len(c.people)) + 1 // some may have been on their way
	looks := 0
	c.st.until("people are served again", func() bool {
		if looks++; goOn && looks%20 == 0 {
			c.st.advance(30 * time.Second)
		}
		return c.st.acts.Load() >= from+acts
	})
}

// replay has everybody try the last code once more, before the clock moves on.
func (c *visitors) replay() {
	c.st.t.Helper()
	from := c.st.seen.Load()
	c.st.wanted.Add(1)
	c.st.until("everybody has tried the last code again", func() bool { return c.st.seen.Load() >= from+int64(len(c.people))+1 })
}

// verify holds everything that was answered with success against the database
// and the pages of each node.
func (c *visitors) verify() {
	st := c.st
	st.t.Helper()
	total := map[portal.Action]int64{}
	for _, w := range c.all() {
		if w.signedIn {
			w.look()
		}
		w.replay()
		for action, n := range w.told {
			total[action] += n
			if have := st.settled(st.t, action, w.login); have != n {
				st.t.Errorf("%s: %q was answered with success %d times, and stands %d times in the trail", w.login, action, n, have)
			}
		}
	}
	st.advance(25 * time.Hour) // nobody has to wait any more
	for _, w := range c.all() {
		w.until, w.signedIn = time.Time{}, false
		for range st.nodes {
			st.until(w.login+" signs in", func() bool { st.advance(30 * time.Second); return w.enter() == done })
			w.look()
		}
	}
	if n := number(st.t, st.beneath(), "SELECT COUNT(*) FROM users WHERE login_id LIKE 'new.%'"); n != int64(c.clerk.added) {
		st.t.Errorf("%d users were added, %d are there", c.clerk.added, n)
	}
	st.t.Logf("%d acts, %d codes tried twice; answered with success: %v", st.acts.Load(), st.replays.Load(), total)
	st.verifyHouse()
}

// until is until for a stage.
func (st *stage) until(what string, so func() bool) {
	st.t.Helper()
	until(st.t, what, so)
}

// verifyHouse holds that the data is legal and the trail verifies.
func (st *stage) verifyHouse() {
	st.t.Helper()
	legal(st.t, st.beneath())
	st.until("all events are sealed", func() bool { return number(st.t, st.beneath(), "SELECT COUNT(*) FROM unsealed_events") == 0 })
	st.ins[0].Run("", "audit", "verify")
}
