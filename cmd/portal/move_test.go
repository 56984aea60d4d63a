package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"portal/internal/testkit"
)

// movesTo runs a move that is killed where it says something, and tells what
// it has said.
func (in *installation) movesTo(database, killAt string) (said string, killed bool) {
	in.t.Helper()
	var kill func()
	end, stop := in.follow(func(line string) {
		said += line + "\n"
		if killAt != "" && strings.HasPrefix(line, killAt) {
			kill()
		}
	}, "move", "--to", database)
	kill = stop
	return said, end() != nil
}

// everything is what a database holds, table by table.
func (in *installation) everything() map[string]string {
	in.t.Helper()
	db := in.beneath()
	all := map[string]string{}
	for _, table := range []string{
		"customers", "customer_counts", "users", "user_terms", "authenticators", "recovery_codes", "sessions", "half_sessions", "links", "alarms",
		"browsers", "mails", "help_requests", "reset_requests", "throttles", "unknown_names", "key_checks", "leases", "audit_chains",
		"audit_seals", "events",
	} {
		lines := strings.Split(rowsOf(in.t, db, "SELECT * FROM "+table), "\n")
		slices.Sort(lines)
		all[table] = strings.Join(lines, "\n")
	}
	return all
}

// A portal on SQLite grows into one on PostgreSQL: everything is taken along,
// however often the move is killed, and at no moment can anybody write where it
// would be lost.
func TestMoveToPostgres(t *testing.T) {
	t.Parallel()
	in, database := install(t), testkit.Postgres(t)
	target := *in
	target.Database = database
	s := in.Serve()
	refuses := func(at *installation, says string, args ...string) {
		t.Helper()
		if _, errors, code := at.Try("", args...); code != 1 || !strings.Contains(errors, says) {
			t.Errorf("portal %s: exit %d, %q, want %q", args[0], code, errors, says)
		}
	}
	until(t, "the node says that it is there", func() bool { return number(t, in.beneath(), "SELECT COUNT(*) FROM nodes") == 1 })
	refuses(in, "a portal is running on this data", "move", "--to", database)
	wendy, codes, used := s.fullHouse()
	s.Stop()
	target.moved = in.moved

	said, killed := in.movesTo(database, "users:")
	if !killed {
		t.Fatalf("it was not killed:\n%s", said)
	}
	refuses(&target, "is not finished: run portal move", "serve", "--listen", in.listen)
	in.Run("", "customer", "add", "Between") // the source is still the place where things are done
	if said, killed = in.movesTo(database, "events:"); !killed || !strings.Contains(said, "events:") || !strings.Contains(said, "An earlier try is gone on with.") || !strings.Contains(said, "everything begins anew") {
		t.Fatalf("the second try says\n%s", said)
	}
	before := in.everything()
	in.movesTo(database, filepath.Join(in.Data, "portal.db")) // when the old place is closed and the new one perhaps not open
	if said, killed = in.movesTo(database, ""); killed || strings.Contains(said, "anew") {
		t.Fatalf("the last try fails (%t) and says\n%s", killed, said)
	}
	after := target.everything()
	for table, rows := range before {
		if after[table] != rows && (table != "events" || !strings.Contains(after[table], "Data moved")) {
			t.Errorf("%s differs:\n%s\nbecame\n%s", table, rows, after[table])
		}
	}
	wantMovedAway(t, in, database)
	wantNoneMissing(t, &target)
	livesOn(t, &target, wendy, codes, used)
}

// fullHouse lets people do things that leave rows in every table, and returns
// one of them with her recovery codes and a code that she has used.
func (s *server) fullHouse() (wendy *person, codes []string, used string) {
	s.t.Helper()
	s.Run("", "customer", "add", "Acme")
	wendy = s.join("Acme", "user", "wendy")
	wendy.signIn()
	codes = wendy.enable()
	used = wendy.code()
	wendy.enterPassword()
	wendy.Post("/sign-in/code", "code", used).wantRedirect(s.t, "/")
	s.person("nobody").Post("/sign-in", "login_id", "nobody", "password", "x")
	lost := s.person("wendy")
	lost.enterPassword() // half a session
	s.Run("", "user", "add", "--customer", "Acme", "--role", "administrator", "--name", "Ünal \"Ö\" 'Ä'", "--email", "u@example.com", "ünal")
	change(s.t, s.beneath(), "UPDATE mails SET letter = x'' WHERE id = (SELECT MAX(id) FROM mails)") // as of one that has gone out
	return wendy, codes, used
}

// wantMovedAway holds that the old place is closed to everybody.
func wantMovedAway(t *testing.T, in *installation, database string) {
	t.Helper()
	for _, args := range [][]string{{"serve", "--listen", in.listen}, {"customer", "list"}} {
		if _, errors, code := in.Try("", args...); code != 1 || !strings.Contains(errors, "has moved to postgres://portal_test@") || strings.Contains(errors, database) {
			t.Errorf("%s at the old place: exit %d, %q", args[0], code, errors)
		}
	}
	if _, err := in.beneath().ExecContext(t.Context(), "UPDATE users SET name = 'x'"); err == nil || !strings.Contains(err.Error(), "everything has moved") {
		t.Errorf("somebody who slept writes at the old place: %v", err)
	}
	if said, failed := in.movesTo(database, ""); failed || !strings.Contains(said, "already") {
		t.Errorf("the same move again: %t, %s", failed, said)
	}
	if said, failed := in.movesTo(testkit.Postgres(t), ""); !failed || !strings.Contains(said, "has moved to") {
		t.Errorf("another move: %t, %s", failed, said)
	}
}

// wantNoneMissing holds that the trail verifies, and goes on.
func wantNoneMissing(t *testing.T, target *installation) {
	t.Helper()
	last := number(t, target.beneath(), "SELECT MAX(id) FROM events")
	target.Run("", "customer", "add", "After")
	if next := number(t, target.beneath(), "SELECT MAX(id) FROM events"); next != last+1 {
		t.Errorf("the event after %d is %d", last, next)
	}
	target.Run("", "audit", "verify")
	trail := target.Run("", "audit", "export")
	if !regexp.MustCompile(`"Data moved".*\d+ rows, from .*portal\.db on `).MatchString(trail) {
		t.Errorf("no event tells of the move:\n%s", trail)
	}
}

// livesOn holds that people find everything as it was.
func livesOn(t *testing.T, target *installation, wendy *person, codes []string, used string) {
	t.Helper()
	s := target.Serve()
	wendy.server = s
	wendy.Get("/account").want(t, http.StatusOK) // the session of before
	again := s.person("wendy")
	again.enterPassword()
	again.Post("/sign-in/code", "code", used).want(t, http.StatusUnprocessableEntity)
	again.Post("/sign-in/code", "code", wendy.code()).wantRedirect(t, "/")
	last := s.person("wendy")
	last.enterPassword()
	last.Post("/sign-in/recovery-code", "recovery_code", codes[0]).wantRedirect(t, "/")
}

// A target that somebody uses already is left alone, and the password of the
// target stays out of the arguments.
func TestMoveWantsAnEmptyPlace(t *testing.T) {
	t.Parallel()
	in, other := install(t), install(t)
	other.Database = testkit.Postgres(t)
	other.Run("", "customer", "add", "Acme")
	in.Run("", "customer", "add", "Acme")
	before := fmt.Sprint(other.everything())
	file := filepath.Join(t.TempDir(), "target")
	must(t, os.WriteFile(file, []byte(other.Database), 0o600))
	cmd := in.command("move")
	cmd.Env = append(cmd.Env, "PORTAL_MOVE_TO_FILE="+file)
	out, _ := cmd.CombinedOutput()
	if cmd.ProcessState.ExitCode() != 1 || !strings.Contains(string(out), "is not empty (there are rows in customers); name an empty database. Nothing was changed") || strings.Contains(string(out), other.Database) {
		t.Errorf("exit %d, %s", cmd.ProcessState.ExitCode(), out)
	}
	if after := fmt.Sprint(other.everything()); after != before {
		t.Errorf("changed\n%s\ninto\n%s", before, after)
	}
	in.Run("", "customer", "list") // nothing has moved
	for says, args := range map[string][]string{
		"say with --to": {"move"}, "leave --database": {"move", "--to", other.Database, "--database", other.Database},
		"no SQLite database": {"move", "--to", other.Database, "--data", t.TempDir()},
	} {
		if _, errors, code := in.Try("", args...); code != 1 || !strings.Contains(errors, says) {
			t.Errorf("exit %d, %q, want %q", code, errors, says)
		}
	}
}
