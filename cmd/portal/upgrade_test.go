package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"portal/internal/testkit"
)

// nextMigration is what the next version of the program adds to the schema: a
// bit of everything that a migration may which only adds.
const nextMigration = `-- expand
ALTER TABLE users ADD COLUMN nickname {text} NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN colour {key};
ALTER TABLE events ADD COLUMN place {text} NOT NULL DEFAULT '';
UPDATE sessions SET colour = 'blue';
CREATE TABLE next_things (
  customer_id {key} NOT NULL REFERENCES customers (id),
  thing {bytes} NOT NULL
) {strict};
INSERT INTO next_things (customer_id, thing) SELECT id, '' FROM customers WHERE FALSE;
CREATE INDEX users_by_nickname ON users (customer_id, nickname, id);
`

// nextProgram builds the program of the next version: this one, with one
// migration more in its folder.
func nextProgram(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	migration, overlay, program := filepath.Join(folder, "next.sql"), filepath.Join(folder, "overlay.json"), filepath.Join(folder, "portal")
	place, err := filepath.Abs("../../internal/store/migrations/9999_next.sql")
	must(t, err)
	replace, err := json.Marshal(map[string]map[string]string{"Replace": {place: migration}})
	must(t, err)
	must(t, os.WriteFile(migration, []byte(nextMigration), 0o600))
	must(t, os.WriteFile(overlay, replace, 0o600))
	build := exec.Command("go", "build", "-overlay", overlay, "-o", program, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-buildvcs=false")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("the next program does not build: %v\n%s", err, out)
	}
	return program
}

// phone reads codes by the machine's own clock, which nobody moves, since the
// next program has no other: of those that are good now the first unused one.
type phone struct {
	t      *testing.T
	secret string
	last   int64
}

func (p *phone) code() string {
	p.t.Helper()
	// One that is about to run out would have done so by the time it is looked at.
	if left := 30*time.Second - time.Since(time.Now().Truncate(30*time.Second)); left < 5*time.Second {
		rest(left)
	}
	p.last = max(p.last+1, time.Now().Unix()/30-1)
	return testkit.OathCode(p.t, p.secret, time.Unix(p.last*30, 0))
}

// An upgrade: programs of two versions serve the same people side by side. The
// older ones go on while the newer one changes the schema and after it, nobody
// notices, and an older one that starts then refuses (CF-09).
func TestOldAndNewProgramSideBySide(t *testing.T) {
	t.Parallel()
	next := nextProgram(t)
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		in := install(t)
		in.Database = testkit.Postgres(t)
		in.Run("", "customer", "add", "Acme")
		newer := in.second()
		newer.program = next
		upgradesWhileServing(t, in.Serve(), in.second().Serve(), newer)
	})
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		in := install(t)
		s := in.Serve()
		s.Run("", "customer", "add", "Acme")
		wendy := s.join("Acme", "user", "wendy")
		wendy.signIn()
		newer := *in
		newer.program = next
		newer.Run("", "customer", "list") // the command of an operator who was too fast
		wendy.Get("/account").want(t, http.StatusOK)
		s.person("wendy").signIn()
		s.Stop()
		refusesToStart(t, in)
		wendy.server = newer.Serve()
		wendy.Get("/account").want(t, http.StatusOK)
	})
}

func upgradesWhileServing(t *testing.T, one, other *server, newer *installation) {
	wendy := one.join("Acme", "user", "wendy")
	wendy.signIn()
	load := newLoad(t)
	load.between(one, other)
	load.between(other, one)
	load.until("people are served before the upgrade")

	plan := newer.Run("", "migrate", "--plan")
	wantLine(t, plan, `9999_next.sql \(statements: 7\): it only adds; older programs that are running go on`)
	wantLine(t, plan, `Nothing was changed.`)
	three := newer.Serve()
	wantLine(t, newer.Run("", "migrate", "--plan"), `The schema is up to date .* Nothing would run.`)
	load.between(three, one)
	load.between(three, other)
	load.until("people are served by old and new programs")

	wendy.alternate(one.Base, three.Base)
	wendy.Post("/account/2fa/start", "password", wendy.password).wantRedirect(t, "/account")
	app := &phone{t: t, secret: typedKey(wendy.Get("/account").want(t, http.StatusOK).Body)}
	wendy.Post("/account/2fa/confirm", "code", app.code()).want(t, http.StatusOK)
	for range 2 { // half a session on the one, the code on the other, and the other way round
		wendy.Get("/account").want(t, http.StatusOK)
		again := one.person("wendy")
		again.client = wendy.client
		wendy.Post("/sign-out").wantRedirect(t, "/sign-in?notice=signed-out")
		if to := again.enterPassword(); to != "/sign-in/code" {
			t.Errorf("the password leads to %s", to)
		}
		again.Post("/sign-in/code", "code", app.code()).wantRedirect(t, "/")
		wendy.Get("/").want(t, http.StatusOK)
	}
	load.end()

	one.Stop()
	refusesToStart(t, one.installation)
	other.person("wendy").enterPassword()
}

// The plan says what a migration would do, and does nothing of it: it does not
// even make the data folder.
func TestMigratePlan(t *testing.T) {
	t.Parallel()
	installedOnBoth(t, func(t *testing.T, in *installation) {
		for range 2 {
			plan := in.Run("", "migrate", "--plan")
			wantLine(t, plan, `Migrations that have run: 0\. `)
			wantLine(t, plan, `0001_start.sql \(statements: \d+\)$`)
		}
		if _, err := os.Stat(in.Data); !os.IsNotExist(err) {
			t.Errorf("the plan has made the data folder: %v", err)
		}
		in.Run("", "customer", "add", "Acme")
		wantLine(t, in.Run("", "migrate", "--plan"), `The schema is up to date \(migrations: \d+\)\. Nothing would run\.$`)
		change(t, in.beneath(), "DELETE FROM schema_migrations WHERE name >= '0005'")
		plan := in.Run("", "migrate", "--plan")
		wantLine(t, plan, `0005_upgrade.sql \(statements: 1\): it only adds`)
		wantLine(t, plan, `  ALTER TABLE nodes ADD COLUMN knows TEXT .*DEFAULT ''$`)
	})
}

// refusesToStart holds that a program does not start on the schema of a newer
// one, and says so.
func refusesToStart(t *testing.T, in *installation) {
	t.Helper()
	for _, args := range [][]string{{"serve", "--listen", in.listen}, {"customer", "list"}, {"migrate"}, {"migrate", "--plan"}} {
		out, errors, code := in.Try("", args...)
		if code != 1 || out != "" || !strings.Contains(errors, "newer than this program (it has 9999_next.sql") || !strings.Contains(errors, "start the newer program") {
			t.Errorf("portal %s on a newer schema: exit %d, %q, %q", strings.Join(args, " "), code, out, errors)
		}
	}
}

// load is people who use two nodes at a time, in a hurry, and whom nothing may
// fail.
type load struct {
	t       *testing.T
	workers []*busy
	stop    chan struct{}
	all     sync.WaitGroup
	end     func() // sends them home
}

func newLoad(t *testing.T) *load {
	l := &load{t: t, stop: make(chan struct{})}
	l.end = sync.OnceFunc(func() { close(l.stop); l.all.Wait() })
	t.Cleanup(l.end)
	return l
}

// between lets one more person use two nodes.
func (l *load) between(one, other *server) {
	l.t.Helper()
	p := one.join("Acme", "user", fmt.Sprint("busy", len(l.workers)))
	there := *p
	there.client, there.server = newClient(l.t, other.Base), other
	w := &busy{t: l.t, people: []*person{p, &there}}
	l.workers = append(l.workers, w)
	l.all.Go(func() { w.work(l.stop) })
}

// until waits until each of them has been served once more.
func (l *load) until(what string) {
	l.t.Helper()
	before := make([]int64, len(l.workers))
	for i, w := range l.workers {
		before[i] = w.rounds.Load()
	}
	until(l.t, what, func() bool {
		for i, w := range l.workers {
			if w.rounds.Load() == before[i] {
				return l.t.Failed()
			}
		}
		return true
	})
}
