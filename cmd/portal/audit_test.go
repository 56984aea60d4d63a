package main

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	_ "modernc.org/sqlite"             // the driver "sqlite"

	"portal/internal/testkit"
)

// beneath opens the installation's database past the portal, as its owner may.
func (in *installation) beneath() *sql.DB {
	in.t.Helper()
	driver, source := "pgx", in.Database
	if source == "" {
		driver, source = "sqlite", "file:"+filepath.Join(in.Data, "portal.db")+"?_pragma=busy_timeout(5000)"
	}
	db, err := sql.Open(driver, source)
	must(in.t, err)
	in.t.Cleanup(func() { db.Close() })
	return db
}

// change changes something beneath the portal.
func change(t testing.TB, db *sql.DB, statement string, args ...any) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), statement, args...); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// number reads a number beneath the portal.
func number(t testing.TB, db *sql.DB, query string, args ...any) (n int64) {
	t.Helper()
	if err := db.QueryRowContext(t.Context(), query, args...).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

// until asks again until it is so, for a minute at most.
func (s *server) until(what string, so func() bool) {
	s.t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); {
		if so() {
			return
		}
		newClient(s.t, s.Base).Get("/healthz").want(s.t, 200) // the server has a moment, too
	}
	s.t.Fatalf("not so within a minute: %s\n%s", what, s.Log())
}

// A running portal seals what happens; what is changed beneath it is named by
// portal audit verify, which then fails.
func TestAuditVerify(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *server) {
		s.Run("", "customer", "add", "Acme")
		wendy := s.join("Acme", "user", "wendy")
		wendy.signIn()
		db := s.beneath()
		s.until("all events are sealed", func() bool { return number(t, db, "SELECT COUNT(*) FROM unsealed_events") == 0 })
		if !strings.Contains(s.Log(), `"msg":"events sealed"`) {
			t.Errorf("the log is no witness:\n%s", s.Log())
		}
		wantLine(t, s.Run("", "audit", "verify", "--customer", "Acme"), `Acme: 3 events sealed, 0 waiting; last seal \d+ of 20`)
		wantLine(t, s.Run("", "audit", "verify"), `\(installation\): \d+ events sealed`)
		if n := number(t, db, "SELECT COUNT(*) FROM customers WHERE id NOT IN (SELECT customer_id FROM audit_chains)"); n != 0 {
			t.Errorf("%d customers have no chain", n)
		}

		if s.Database == "" {
			change(t, db, "DROP TRIGGER events_updated")
		} else {
			change(t, db, "ALTER TABLE events DISABLE TRIGGER events_updated")
		}
		found, _, _ := s.Try("", "doctor", "--quick")
		wantLine(t, found, `.*triggers that are gone, off, or not the portal's: events_updated \[guards-gone\]`)
		signIn := number(t, db, "SELECT MAX(id) FROM events WHERE action = 'Sign-in'")
		change(t, db, "UPDATE events SET address = '198.51.100.1' WHERE id = $1", signIn)
		out, errors, code := s.Try("", "audit", "verify")
		if code != 1 || !strings.Contains(errors, "not as the portal wrote it") {
			t.Errorf("exit %d, %q", code, errors)
		}
		wantLine(t, out, `  WRONG: event \d+: it was changed after seal \d+`)
	})
}

// With a database role of its own the service runs on a schema that portal
// migrate has made, and refuses one that is too old (CF-04).
func TestServeWithAServiceRole(t *testing.T) {
	t.Parallel()
	owner := install(t)
	owner.Database = testkit.Postgres(t)
	role, address := testkit.ServiceRole(t, owner.Database)
	service := *owner
	service.Database = address
	if _, errors, code := service.Try("", "serve", "--listen", service.listen); code != 1 || !strings.Contains(errors, "run portal migrate") {
		t.Errorf("on an empty database: exit %d, %q", code, errors)
	}
	wantLine(t, owner.Run("", "migrate", "--service-role", role), "The role service_.* may run the portal")
	if _, errors, code := service.Try("", "migrate", "--service-role", role); code != 1 || !strings.Contains(errors, "does not own") {
		t.Errorf("migrate as the service: exit %d, %q", code, errors)
	}
	s := service.Serve()
	gary := s.setUpByLink()
	gary.signIn()
	gary.enable()
	gary.Get("/administration/audit").want(t, 200)
	db := s.beneath()
	s.until("all events are sealed", func() bool { return number(t, db, "SELECT COUNT(*) FROM unsealed_events") == 0 })
	s.Run("", "audit", "verify")
	if _, err := db.ExecContext(t.Context(), "DELETE FROM events"); err == nil || !strings.Contains(err.Error(), "permission denied") {
		t.Errorf("the service's role deletes events: %v", err)
	}
	s.Stop()
	change(t, owner.beneath(), "DELETE FROM schema_migrations WHERE name = (SELECT MAX(name) FROM schema_migrations)")
	if _, errors, code := service.Try("", "serve", "--listen", service.listen); code != 1 || !strings.Contains(errors, "run portal migrate") {
		t.Errorf("on an old schema: exit %d, %q", code, errors)
	}
}

// A role from which no right can be kept is refused, and keeps what it has; a
// service that lacks rights on what a migration made is named (CF-04).
func TestServiceRolesThatCannotBe(t *testing.T) {
	t.Parallel()
	owner := install(t)
	owner.Database = testkit.Postgres(t)
	wantLine(t, owner.Run("", "migrate"), "The schema is up to date.")
	db := owner.beneath()
	role, _ := testkit.ServiceRole(t, owner.Database)
	member, _ := testkit.ServiceRole(t, owner.Database)
	change(t, db, "GRANT portal_test TO "+member)
	for name, says := range map[string]string{"portal_test": "make one for the service", member: "make one for the service", "nobody_at_all": "there is no role"} {
		if out, errors, code := owner.Try("", "migrate", "--service-role", name); code != 1 || !strings.Contains(strings.ToLower(errors), says) || strings.Contains(out, "may run the portal") {
			t.Errorf("%s: exit %d, %q, %q", name, code, out, errors)
		}
	}
	owner.Run("", "customer", "list")
	owner.Run("", "migrate", "--service-role", role)
	if _, errors, _ := owner.Try("", "migrate"); strings.Contains(errors, "WARNING") {
		t.Errorf("with all rights: %q", errors)
	}
	change(t, db, "REVOKE ALL ON moves FROM "+role)
	if _, errors, code := owner.Try("", "migrate"); code != 0 || !strings.Contains(errors, "portal migrate --service-role "+role) || strings.Contains(errors, member) {
		t.Errorf("exit %d, %q", code, errors)
	}
}

// The operator prunes on the host; what is left verifies.
func TestAuditPrune(t *testing.T) {
	t.Parallel()
	in := install(t)
	in.Run("", "customer", "add", "Acme")
	in.Advance(450 * 24 * time.Hour)
	in.Run("", "customer", "add", "Beta")
	if _, errors, code := in.Try("", "audit", "prune", "--before", "2999-01-01"); code != 1 || !strings.Contains(errors, "future") {
		t.Errorf("exit %d, %q", code, errors)
	}
	out := in.Run("", "audit", "prune")
	wantLine(t, out, `Acme: 1 events before 20\d\d-\d\d-01 are gone\.`)
	wantLine(t, out, `Beta: 0 events before`)
	wantLine(t, in.Run("", "audit", "verify"), `Acme: 1 events sealed, 0 waiting; last seal 2 of`)
	wantLine(t, in.Run("", "audit", "export", "--customer", "Acme"), `.*"action":"Audit trail pruned","result":"done","actor_kind":"host"`)
}

// A clock far ahead prunes nothing, by the running portal or on the host: what
// is pruned cannot be brought back (OT-04).
func TestAWrongClockPrunesNothing(t *testing.T) {
	t.Parallel()
	in := install(t)
	in.Database = testkit.Postgres(t)
	s := in.Serve()
	s.Run("", "customer", "add", "Acme")
	db := s.beneath()
	s.until("all events are sealed", func() bool { return number(t, db, "SELECT COUNT(*) FROM unsealed_events") == 0 })
	s.Advance(450 * 24 * time.Hour)
	for _, job := range []string{"prune the audit trail", "remind of the 2FA policy"} {
		s.until("the log says that a job waits for the right time: "+job, func() bool {
			return strings.Contains(s.Log(), `"msg":"a job failed and will be tried again","job":"`+job+`"`)
		})
	}
	if _, errors, code := s.Try("", "audit", "prune"); code != 1 || !strings.Contains(errors, "nothing was pruned: the clock of this machine is") {
		t.Errorf("on the host: exit %d, %q", code, errors)
	}
	s.Advance(-450 * 24 * time.Hour)
	wantLine(t, s.Run("", "audit", "export", "--customer", "Acme"), `.*"action":"Customer added"`)
}
