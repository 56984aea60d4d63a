package main

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"portal/internal/doctor"
	"portal/internal/testkit"
)

// doctor runs portal doctor in this process, which takes a tenth of the time,
// and returns its diagnosis and exit code. None of the secrets may be in it.
func (in *installation) doctor(args ...string) (d diagnosis, code int) {
	in.t.Helper()
	var out, errors bytes.Buffer
	args = append([]string{"doctor", "--json", "--data", in.Data, "--database", in.Database}, args...)
	getenv := func(name string) (value string) {
		for _, set := range in.env {
			if v, found := strings.CutPrefix(set, name+"="); found {
				value = v
			}
		}
		return value
	}
	code = run(in.t.Context(), args, world{In: strings.NewReader(""), Out: &out, Err: &errors, Now: movedClock(in.clock), Getenv: getenv})
	if err := json.Unmarshal(out.Bytes(), &d); err != nil {
		in.t.Fatalf("portal %v: exit %d, %v\n%s%s", args, code, err, &out, &errors)
	}
	if (code != 0) != (doctor.Worst(d.Findings) == doctor.Error) || d.Worst != doctor.Worst(d.Findings) || d.Schema != diagnosisSchema {
		in.t.Errorf("exit %d, the worst is said to be %s in\n%s", code, d.Worst, &out)
	}
	if said := out.String() + errors.String(); strings.Contains(said, topSecret) || strings.Contains(said, testkit.MailPassword) {
		in.t.Errorf("portal doctor prints a secret:\n%s", said)
	}
	return d, code
}

// topSecret is the password of a database that nobody may read in a diagnosis.
const topSecret = "hunter2hunter2"

// codes are what was found, in order, each once; what was not looked at because
// of it is left out.
func (d diagnosis) codes() (codes []doctor.Code) {
	for _, f := range d.Findings {
		if f.Code != doctor.AllWell && f.Code != doctor.NotLooked && !slices.Contains(codes, f.Code) {
			codes = append(codes, f.Code)
		}
	}
	return codes
}

// wantFound holds that the doctor finds exactly these things, each with what to
// do about it, beside what is usual here.
func (in *installation) wantFound(t *testing.T, what string, usual, want []doctor.Code, args ...string) {
	t.Helper()
	d, _ := in.doctor(args...)
	got := slices.DeleteFunc(d.codes(), func(c doctor.Code) bool { return slices.Contains(usual, c) && !slices.Contains(want, c) })
	if !slices.Equal(got, want) {
		t.Errorf("%s: found %q, want %q\n%+v", what, got, want, d.Findings)
	}
	for _, f := range d.Findings {
		if f.What == "" || (f.Severity != doctor.OK && f.Code != doctor.NotLooked && f.Do == "") {
			t.Errorf("%s: %+v does not say what is wrong, or what to do", what, f)
		}
	}
}

// house is a customer with two administrators, a user with 2FA, and a set-up
// that waits.
func (s *server) house() (wendy *person) {
	s.Run("", "customer", "add", "Acme")
	s.join("Acme", "administrator", "gary")
	s.join("Acme", "administrator", "ada")
	wendy = s.join("Acme", "user", "wendy")
	wendy.signIn()
	wendy.enable()
	ulla := s.join("Acme", "user", "ulla")
	ulla.signIn()
	ulla.Post("/account/2fa/start").wantRedirect(s.t, "/account")
	s.Advance(-s.moved) // the phone had to wait for a code
	return wendy
}

// separated gives the service a role of its own, where the database has roles.
func (in *installation) separated(t *testing.T) (owner *installation) {
	owner = install(t)
	*owner = *in
	if in.Database == "" {
		return owner
	}
	role, address := testkit.ServiceRole(t, in.Database)
	in.Run("", "migrate", "--service-role", role)
	in.Database = address
	return owner
}

// A healthy installation that serves is found to be healthy, and is left as it
// was to the last row.
func TestDoctorFindsNothing(t *testing.T) {
	t.Parallel()
	installedOnBoth(t, func(t *testing.T, in *installation) {
		in.separated(t)
		flags := append(throughMail(testkit.SMTP(t)), "--listen", in.listen)
		s := in.Serve(flags...)
		s.house()
		before := in.stands()
		var d diagnosis
		s.until("nothing is found", func() bool { // a second after its last event the trail is sealed
			d, _ = in.doctor(flags...)
			return len(d.codes()) == 0 || t.Context().Err() != nil
		})
		for _, f := range d.Findings {
			if f.Severity != doctor.OK || f.Code != doctor.AllWell {
				t.Errorf("found in a healthy house: %+v", f)
			}
		}
		if after := in.stands(); after != before {
			t.Errorf("the doctor has changed something:\n%s\nbecame\n%s", before, after)
		}
		if out := in.Run("", append([]string{"doctor", "--quick"}, flags...)...); strings.Count(out, string(doctor.LeftOut)) != 2 || !strings.Contains(out, "ok       clock: ") {
			t.Errorf("in short:\n%s", out)
		}
	})
}

// disease is something that is broken in the real thing, and what is to be
// found then.
type disease struct {
	name  string
	harm  func()
	want  []doctor.Code
	mend  func()
	flags []string
}

// suffer breaks one thing after the other and holds that exactly that is found.
func (in *installation) suffer(t *testing.T, usual []doctor.Code, all []disease) {
	t.Helper()
	for _, d := range all {
		d.harm()
		in.wantFound(t, d.name, usual, d.want, d.flags...)
		if d.mend != nil {
			d.mend()
		}
	}
	in.wantFound(t, "all mended", usual, nil)
}

func codes(all ...doctor.Code) []doctor.Code { return all }

// What is changed beneath the portal is found, and nothing else.
func TestDoctorLooksIntoTheDatabase(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *server) {
		s.house()
		in := s.installation
		s.Stop()
		in.Run("", "customer", "list") // seals what the server has left
		db := in.beneath()
		usual := codes(doctor.NodesNone, doctor.MailNone, doctor.DatabaseOwner)
		sql := func(statements ...string) func() {
			return func() {
				t.Helper()
				for _, statement := range statements {
					change(t, db, statement)
				}
			}
		}
		off, on := "DROP TRIGGER events_updated", `CREATE TRIGGER events_updated BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'the audit trail stays as it was written'); END`
		idle, away := "CREATE TRIGGER events_updated BEFORE UPDATE ON events BEGIN SELECT 1; END", off
		if in.Database != "" {
			off, on = "ALTER TABLE events DISABLE TRIGGER events_updated", "ALTER TABLE events ENABLE TRIGGER events_updated"
			idle = "CREATE OR REPLACE FUNCTION portal_event_stays() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END'"
			away = "CREATE OR REPLACE FUNCTION portal_event_stays() RETURNS trigger LANGUAGE plpgsql AS $$\n" + eventStays + "$$"
		}
		witness := filepath.Join(in.Data, "newest-event.json")
		const copied = "INSERT INTO authenticators SELECT * FROM kept"
		in.suffer(t, usual, []disease{
			{name: "a counter", harm: sql("UPDATE customer_counts SET users = users + 1 WHERE role = 'user' AND twofa_state = 'none'"), want: codes(doctor.CountsWrong), mend: sql(countAnew(t)...)},
			{name: "no counters", harm: sql("DELETE FROM customer_counts"), want: codes(doctor.CountsWrong), mend: sql(countAnew(t)...)},
			{name: "a counter of nobody", harm: sql("INSERT INTO customer_counts SELECT id, 'user', 'disabled', 7 FROM customers WHERE name = 'Acme'"), want: codes(doctor.CountsWrong), mend: sql(countAnew(t)...)},
			{name: "an event", harm: sql(off, "UPDATE events SET address = address || '1' WHERE id = 2"), want: codes(doctor.GuardsGone, doctor.AuditBroken), mend: sql("UPDATE events SET address = SUBSTR(address, 1, LENGTH(address) - 1) WHERE id = 2", on)},
			{name: "an idle trigger", harm: sql(off, idle), want: codes(doctor.GuardsGone), mend: sql(away, on)},
			{name: "an expired set-up", harm: sql("UPDATE authenticators SET expires_at = 1000000 WHERE state = 'pending'"), want: codes(doctor.SetupsExpired), mend: sql("DELETE FROM authenticators WHERE state = 'pending'")},
			{name: "a set-up of nobody", harm: sql("CREATE TABLE kept AS SELECT * FROM authenticators", "UPDATE kept SET id = 'x', user_id = (SELECT id FROM users WHERE login_id = 'ulla')", copied),
				want: codes(doctor.SetupsOrphaned), mend: sql("DELETE FROM authenticators WHERE id = 'x'", "DROP TABLE kept")},
			{name: "a lost set-up", harm: sql("CREATE TABLE kept AS SELECT * FROM authenticators", "DELETE FROM authenticators"), want: codes(doctor.SetupsLost), mend: sql(copied, "DROP TABLE kept")},
			{name: "one administrator", harm: sql("UPDATE users SET state = 'suspended' WHERE login_id = 'gary'"), want: codes(doctor.AdministratorSingle)},
			{name: "no administrator", harm: sql("UPDATE users SET frozen_at = 1 WHERE login_id = 'ada'"), want: codes(doctor.AdministratorNone)},
			{name: "a suspended customer", harm: sql("UPDATE customers SET suspended_at = 1 WHERE name = 'Acme'"), mend: sql("UPDATE customers SET suspended_at = 0", "UPDATE users SET frozen_at = 0, state = 'active'")},
			{name: "a mail that was given up", harm: sql("UPDATE mails SET state = 'failed', created_at = 1"), want: codes(doctor.MailsFailed), mend: sql("UPDATE mails SET state = 'waiting'")},
			{name: "a rotation cut short", harm: sql("INSERT INTO leases (name, holder, until, mark) VALUES ('re-seal', '', 0, 1)"), want: codes(doctor.RotationStuck), mend: sql("DELETE FROM leases WHERE name = 're-seal'")},
			{name: "a restore that is not settled", harm: sql("INSERT INTO leases (name, holder, until, mark) VALUES ('post-restore, owed since', '', 0, 1000000)"), want: codes(doctor.RestoreOwed), mend: sql("DELETE FROM leases WHERE name = 'post-restore, owed since'")},
			{name: "an older database", harm: func() {
				must(t, os.WriteFile(witness, []byte(`{"event": 999999, "at": "2026-01-02T03:04:05Z"}`), 0o600))
			},
				want: codes(doctor.DatabaseOlder), mend: func() { must(t, os.Remove(witness)) }},
			{name: "an older schema", harm: sql("CREATE TABLE kept AS SELECT * FROM schema_migrations", "DELETE FROM schema_migrations WHERE name = (SELECT MAX(name) FROM schema_migrations)"),
				want: codes(doctor.SchemaPending), mend: sql("DELETE FROM schema_migrations", "INSERT INTO schema_migrations SELECT * FROM kept")},
			{name: "a newer schema", harm: sql("INSERT INTO schema_migrations (name, digest, applied_at) VALUES ('9999_future.sql', 'x', 1)"), want: codes(doctor.SchemaForeign), mend: sql("DELETE FROM schema_migrations WHERE name = '9999_future.sql'")},
			{name: "a move that is not finished", harm: sql("INSERT INTO moves (id, place, other, started_at, done_at) VALUES ('m', 'target', 'x', 1, 0)"), want: codes(doctor.DataElsewhere), mend: sql("DELETE FROM moves")},
			{name: "another schema", harm: sql("UPDATE schema_migrations SET digest = 'x'"), want: codes(doctor.SchemaForeign), mend: sql("DELETE FROM schema_migrations", "INSERT INTO schema_migrations SELECT * FROM kept", "DROP TABLE kept")},
		})
		if in.Database != "" {
			in.suffer(t, usual, []disease{{name: "half a restore", harm: sql("CREATE TABLE portal_restoring (since BIGINT)"), want: codes(doctor.RestoreCutShort), mend: sql("DROP TABLE portal_restoring")}})
		}
		in.sufferNodes(t, db)
	})
}

// sufferNodes breaks what concerns running portals, of which one is invented.
func (in *installation) sufferNodes(t *testing.T, db *sql.DB) {
	t.Helper()
	now := time.Now().UnixMicro()
	change(t, db, "INSERT INTO nodes (id, host, keys, writes, started_at, seen_at) SELECT 'a', 'one', ' ' || id || ' ', id, $1, $1 FROM key_checks", now)
	change(t, db, "UPDATE leases SET until = $1", now)
	usual := codes(doctor.MailNone, doctor.DatabaseOwner)
	late := "UPDATE leases SET until = until - 3600000000"
	in.suffer(t, usual, []disease{
		{name: "late jobs", harm: func() { change(t, db, late) }, want: codes(doctor.JobsLate), mend: func() { change(t, db, "UPDATE leases SET until = $1", now) }},
		{name: "a node without keys", harm: func() { change(t, db, "UPDATE nodes SET keys = ' k-00000000 '") }, want: codes(doctor.NodeKeys), mend: func() { change(t, db, "UPDATE nodes SET keys = ' ' || writes || ' '") }},
	})
	change(t, db, "INSERT INTO nodes (id, host, keys, writes, started_at, seen_at) SELECT 'b', 'two', keys, writes, started_at, seen_at FROM nodes")
	if in.Database == "" {
		in.wantFound(t, "two machines", usual, codes(doctor.NodesOnSQLite))
		in.Advance(-time.Hour)
		in.wantFound(t, "a clock that went back", append(usual, doctor.NodesOnSQLite), codes(doctor.ClockBehind))
		return
	}
	in.wantFound(t, "two machines", usual, nil)
	for _, off := range []time.Duration{12 * time.Second, -12 * time.Second} {
		in.Advance(off)
		in.wantFound(t, "a clock that is off", usual, codes(doctor.ClockOff))
		in.Advance(3 * off)
		in.wantFound(t, "a clock that is wrong", usual, codes(doctor.ClockWrong))
		in.Advance(-4 * off)
	}
}

// countAnew is what docs/doctor.md says to do about wrong counters.
func countAnew(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "doctor.md"))
	must(t, err)
	block := regexp.MustCompile("(?s)```sql\n(.*?)```").FindStringSubmatch(string(text))
	if block == nil {
		t.Fatal("docs/doctor.md does not say how to count anew")
	}
	return slices.DeleteFunc(strings.Split(block[1], ";\n"), func(s string) bool { return strings.TrimSpace(s) == "" })
}

// eventStays is the body of PostgreSQL's function of that name.
const eventStays = `BEGIN
  IF OLD.id > COALESCE((SELECT pruned_through FROM audit_chains WHERE customer_id = OLD.customer_id), 0) THEN
    RAISE EXCEPTION 'the audit trail stays as it was written';
  END IF;
  RETURN OLD;
END `
