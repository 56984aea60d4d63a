package main

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"portal/internal/testkit"
)

// outage is a database that does not do its work.
type outage struct {
	name  string
	begin func()
	end   func()
	ready bool // the node cannot tell
	reads bool // pages can be read all the same
	late  bool // what was asked for may happen when it is over
}

// Whatever keeps PostgreSQL from its work, also before the start, each request
// is answered within its time with a 503 that says when to come again, the
// portal lives, nothing is half done, and once the database is well the portal
// is, by itself.
func TestOutages(t *testing.T) {
	t.Parallel()
	cluster := testkit.NewCluster(t, "max_connections=30")
	cluster.Stop()
	cluster.MakeSlowDisk()
	in := install(t)
	in.Database = cluster.URL()
	watched := in.serveBefore(cluster)
	s := watched.server
	s.Run("", "customer", "add", "Acme")
	wendy := s.join("Acme", "user", "wendy")
	s.join("Acme", "user", "walter")
	away := time.Second
	if soaking() {
		away = time.Minute
	}
	unlock, leave := func() {}, func() {}
	for _, o := range []outage{
		{name: "stopped", begin: cluster.Stop, end: func() { rest(away); cluster.Start() }},
		{name: "used up", begin: func() { leave = cluster.Crowd() }, end: func() { leave() }},
		{name: "hanging", begin: cluster.Pause, end: cluster.Resume},
		{name: "locked", begin: func() { unlock = cluster.Lock("users") }, end: func() { unlock() }, ready: true},
		{name: "slow", begin: func() { cluster.SlowDisk(16 * time.Second) }, end: func() { cluster.SlowDisk(0) }, ready: true, reads: true, late: true},
	} {
		wendy.signIn()
		before := s.stands()
		o.begin()
		s.wantOutage(t, o, wendy)
		o.end()
		s.until("the database is well after it was "+o.name, func() bool { return s.beneath().PingContext(t.Context()) == nil })
		if after := s.stands(); after != before && !o.late {
			t.Errorf("%s: something is half done:\n%s\nbecame\n%s", o.name, before, after)
		}
		s.until("the portal serves again after the database was "+o.name, func() bool {
			a, err := s.person("walter").tryPost("/sign-in", "login_id", "walter", "password", goodPassword)
			return err == nil && a.Status == http.StatusSeeOther
		})
		if !o.late { // or else the session may have got a new token
			wendy.Get("/account").want(t, 200)
		}
	}
	if failed := regexp.MustCompile(`portal_task_runs_total\{outcome="failed".*} [1-9].*`).FindAllString(watched.scrape(), -1); failed != nil {
		t.Errorf("outages count as jobs that fail: %q", failed)
	}
	legal(t, s.beneath())
	s.Run("", "audit", "verify")
}

// serveBefore starts the portal before its database: it waits, and gives up
// where the database never comes. What no waiting mends is said at once.
func (in *installation) serveBefore(cluster *testkit.Cluster) watched {
	in.t.Helper()
	if _, errors, code := in.Try("", "serve", "--listen", "127.0.0.1:0", "--database-wait", "1s"); code != 1 || !strings.Contains(errors, "did not answer within 1s (--database-wait)") {
		in.t.Errorf("without a database: exit %d, %q", code, errors)
	}
	started := make(chan struct{})
	go func() {
		defer close(started)
		rest(time.Second)
		cluster.Start()
	}()
	s := in.watch()
	<-started
	if !strings.Contains(s.Log(), "the database does not answer; waiting for it") {
		in.t.Errorf("the log does not tell of the waiting:\n%s", s.Log())
	}
	if _, errors, code := in.Try("", "serve", "--listen", "127.0.0.1:0", "--database-wait", "1h", "--database", strings.Replace(cluster.URL(), "/postgres?", "/nowhere?", 1)); code != 1 || !strings.Contains(errors, "does not exist") {
		in.t.Errorf("with a database that is not there: exit %d, %q", code, errors)
	}
	return s
}

// wantOutage holds how requests are answered meanwhile.
func (s *server) wantOutage(t *testing.T, o outage, signedIn *person) {
	t.Helper()
	stranger, prober := s.person("walter"), s.person("")
	for _, p := range []*person{signedIn, stranger, prober} {
		p.http.Timeout = 30 * time.Second // twice the time that a request has
	}
	unavailable := func(what string, a answer, err error) {
		if err != nil || a.Status != http.StatusServiceUnavailable || a.Header.Get("Retry-After") == "" {
			t.Errorf("%s: %s is answered with %d, Retry-After %q, %v", o.name, what, a.Status, a.Header.Get("Retry-After"), err)
		}
	}
	together(4, func(i int) {
		switch i {
		case 0:
			a, err := stranger.tryPost("/sign-in", "login_id", "walter", "password", goodPassword)
			unavailable("a sign-in", a, err)
		case 1:
			a, err := signedIn.tryPost("/account/2fa/start", "password", goodPassword)
			if !o.late || a.Status != http.StatusSeeOther { // it may be just quick enough
				unavailable("a deed", a, err)
			}
		case 2:
			if a, err := signedIn.try(signedIn.request(http.MethodGet, "/account", nil)); !o.reads {
				unavailable("a page", a, err)
			}
		case 3:
			a, err := prober.try(prober.request(http.MethodGet, "/readyz", nil))
			if ready := a.Status == http.StatusOK; err != nil || ready != o.ready {
				t.Errorf("%s: /readyz answers %d, %v", o.name, a.Status, err)
			}
		}
	})
	newClient(t, s.Base).Get("/healthz").want(t, 200)
}

// Another process holds SQLite's lock for longer than anybody waits: bounded
// answers of 503 to what would change something, and everything is well as soon
// as the lock is gone.
func TestSQLiteLocked(t *testing.T) {
	t.Parallel()
	st := newStage(t, 1, "")
	s := st.nodes[0]
	wendy := s.join("Acme", "user", "wendy")
	s.join("Acme", "user", "walter")
	wendy.signIn()
	before := s.stands()
	unlock := st.lockFile()
	s.wantOutage(t, outage{name: "locked", ready: true, reads: true}, wendy)
	if soaking() {
		rest(30 * time.Second)
		s.wantOutage(t, outage{name: "still locked", ready: true, reads: true}, wendy)
	}
	unlock()
	if after := s.stands(); after != before {
		t.Errorf("something is half done:\n%s\nbecame\n%s", before, after)
	}
	s.person("walter").signIn()
	wendy.enable()
	st.verifyHouse()
}

// The disk under PostgreSQL is full: what the portal answers with success is
// there, everything else is a 503, and with room again, and the server started
// where it ended itself, all is well.
func TestDiskFullUnderPostgres(t *testing.T) {
	t.Parallel()
	cluster, disk := testkit.NewClusterOnDisk(t, 100, "max_wal_size=16MB", "min_wal_size=8MB")
	st := newStage(t, 1, cluster.URL())
	c := st.visit("wendy")
	st.pass(time.Second)
	filler := filepath.Join(disk, "filler")
	fill(t, filler)
	for cluster.Try("CREATE TABLE filler AS SELECT repeat('x', 1000) AS x, n FROM generate_series(1, 3000) n") == nil {
		cluster.Exec("DROP TABLE filler") // it took what the server had set aside
	}
	from := st.faults.Load()
	st.until("the portal refuses", func() bool { st.advance(10 * time.Second); return st.faults.Load() >= from+3 })
	newClient(t, st.nodes[0].Base).Get("/healthz").want(t, 200)
	must(t, os.Remove(filler))
	st.until("the database is well", func() bool {
		if !cluster.Alive() {
			cluster.Start()
		}
		return cluster.Try("SELECT 1") == nil
	})
	c.again(3, true)
	c.goHome()
	c.verify()
}

// The disk that the log goes to is full: the portal serves on.
func TestLogDiskFull(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	if err := syscall.Mount("tmpfs", folder, "tmpfs", 0, "size=64k"); err != nil {
		t.Fatalf("a small disk cannot be mounted; run the tests as root: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(folder, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	log, err := os.Create(filepath.Join(folder, "log"))
	must(t, err)
	defer log.Close()
	fill(t, filepath.Join(folder, "filler"))
	in := install(t)
	s := in.serve(log)
	s.Run("", "customer", "add", "Acme")
	wendy := s.join("Acme", "user", "wendy")
	wendy.signIn()
	wendy.enable()
	for range 20 {
		wendy.Get("/account").want(t, 200)
	}
	if info, err := log.Stat(); err != nil || info.Size() > 0 {
		t.Errorf("the log was written to a full disk: %v, %v", info, err)
	}
	must(t, os.Remove(filepath.Join(folder, "filler")))
	wendy.Get("/account").want(t, 200)
	s.until("the log goes on", func() bool { info, err := log.Stat(); return err == nil && info.Size() > 0 })
	s.Stop()
}
