package main

import (
	"database/sql"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// fails makes the running portal's database fail at each change of a kind
// (INSERT or UPDATE) to a table, beneath the portal, until mended.
func (in *installation) fails(table string, kinds ...string) (mend func()) {
	in.t.Helper()
	db := in.beneath()
	if in.Database != "" {
		change(in.t, db, "CREATE OR REPLACE FUNCTION fault() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''the disk under the table broke''; END'")
	}
	for _, kind := range kinds {
		trigger := fmt.Sprintf("CREATE TRIGGER fault_%s BEFORE %s ON %s ", kind, kind, table)
		if in.Database == "" {
			trigger += "BEGIN SELECT RAISE(ABORT, 'the disk under the table broke'); END"
		} else {
			trigger += "FOR EACH ROW EXECUTE FUNCTION fault()"
		}
		change(in.t, db, trigger)
	}
	return func() {
		in.t.Helper()
		for _, kind := range kinds {
			drop := "DROP TRIGGER fault_" + kind
			if in.Database != "" {
				drop += " ON " + table
			}
			change(in.t, db, drop)
		}
	}
}

// stands is everything that a refused request must leave as it is: all rows
// of the accounts, what they hold, and the trail. What merely counts tries or
// tells when a session was last used is not in it.
func (in *installation) stands() (all string) {
	in.t.Helper()
	db := in.beneath()
	for _, query := range []string{
		"SELECT * FROM users", "SELECT id, state, secret, last_step, confirmed_at FROM authenticators", "SELECT * FROM recovery_codes",
		"SELECT id, digest, proofs, stepped_up_at FROM sessions", "SELECT digest, user_id FROM half_sessions", "SELECT * FROM links",
		"SELECT * FROM events", "SELECT id, kind, recipient FROM mails", "SELECT * FROM customers", "SELECT * FROM alarms",
	} {
		all += rowsOf(in.t, db, query+" ORDER BY 1, 2")
	}
	return all
}

func rowsOf(t testing.TB, db *sql.DB, query string) (all string) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	must(t, err)
	defer rows.Close()
	columns, err := rows.Columns()
	must(t, err)
	for rows.Next() {
		values, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		must(t, rows.Scan(into...))
		all += fmt.Sprintf("%s %v\n", query, values)
	}
	must(t, rows.Err())
	return all
}

// The database fails exactly when the counter, the step memory, the session or
// the event is written: the sign-in is refused, nothing is half done, and the
// very same proofs work afterwards (LG-07, LG-10, IN-04).
func TestTheDatabaseFailsDuringSignIn(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *server) {
		s.Run("", "customer", "add", "Acme")
		walter := s.join("Acme", "user", "walter") // without 2FA
		wendy := s.join("Acme", "user", "wendy")
		wendy.signIn()
		wendy.enable()
		for _, fault := range []struct {
			what, table string
			kinds       []string
			second      bool // only the second step needs it
		}{
			{"the counter", "throttles", []string{"INSERT", "UPDATE"}, false},
			{"the step memory", "authenticators", []string{"UPDATE"}, true},
			{"the session", "sessions", []string{"INSERT"}, false},
			{"the event", "events", []string{"INSERT"}, false},
		} {
			half := s.person("wendy")
			half.enterPassword()
			code := wendy.code()
			before := s.stands()
			mend := s.fails(fault.table, fault.kinds...)
			refuses(t, fault.what, half, "/sign-in/code", "code", code)
			if !fault.second {
				refuses(t, fault.what, s.person("walter"), "/sign-in", "login_id", "walter", "password", goodPassword)
			}
			if after := s.stands(); after != before {
				t.Errorf("%s: something is half done:\n%s\nbecame\n%s", fault.what, before, after)
			}
			mend()
			half.Post("/sign-in/code", "code", code).wantRedirect(t, "/")
			walter.signIn()
		}
	})
}

// requestID is random, so that once in a while there is a word in it.
var requestID = regexp.MustCompile(`\b[A-Z2-7]{26}\b`)

// refuses holds that an answer is a refusal that tells nothing and opens
// nothing.
func refuses(t *testing.T, what string, p *person, path string, pairs ...string) {
	t.Helper()
	a := p.Post(path, pairs...)
	if a.Status != http.StatusInternalServerError && a.Status != http.StatusServiceUnavailable {
		t.Errorf("%s fails: %s answers %d", what, path, a.Status)
	}
	if text := requestID.ReplaceAllString(visible(a.Body), "the number"); strings.Contains(text, "disk") || strings.Contains(text, "SQL") || strings.Contains(text, "fault") {
		t.Errorf("%s fails: the page tells of it:\n%s", what, text)
	}
	if strings.Contains(strings.Join(a.Header.Values("Set-Cookie"), ";"), sessionCookie+"=") {
		t.Errorf("%s fails: there is a session", what)
	}
}

// A change whose event cannot be written is taken back, whoever makes it
// (LG-07).
func TestNoChangeWithoutItsEvent(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *server) {
		s.Run("", "customer", "add", "Acme")
		ada, wendy := s.join("Acme", "administrator", "ada"), s.join("Acme", "user", "wendy")
		ada.signIn()
		wendy.signIn()
		wendy.enable()
		path := userLink(t, ada.Get("/administration/access?search=wendy").want(t, 200).Body)
		for _, deed := range [][]string{
			{"/account/2fa/disable", "password", goodPassword},
			{"/account/2fa/delete", "password", goodPassword},
			{"/account/2fa/replace", "password", goodPassword},
			{"/account/recovery-codes", "password", goodPassword},
			{"/account/password", "current_password", goodPassword, "new_password", goodPassword + " again"},
			{"/account/sessions/end-others", "password", goodPassword},
			{"/sign-out"},
		} {
			s.refusesUnrecorded(t, wendy, deed[0], append(deed[1:], "code", wendy.code())...)
			s.Advance(25 * time.Minute) // the budgets of a session
			ada.Get("/").want(t, 200)   // a session left idle would be cleared away in between
		}
		for _, deed := range [][]string{
			{path + "/delete-2fa", "password", goodPassword, "reason", "lost phone"},
			{path + "/suspend", "password", goodPassword},
			{path + "/end-sessions", "password", goodPassword},
			{"/administration/access/add", "login_id", "new.one", "name", "New", "email", "n@acme.example", "role", "user", "password", goodPassword},
			{"/administration/audit/export", "format", "csv"},
		} {
			s.refusesUnrecorded(t, ada, deed[0], deed[1:]...)
		}
		ada.Post(path+"/delete-2fa", "password", goodPassword, "reason", "lost phone").want(t, http.StatusSeeOther)
	})
}

// refusesUnrecorded holds that a deed is refused as a whole while no event can
// be written, and that the session is as good as before.
func (s *server) refusesUnrecorded(t *testing.T, p *person, path string, pairs ...string) {
	t.Helper()
	before := s.stands()
	mend := s.fails("events", "INSERT")
	refuses(t, "the event", p, path, pairs...)
	mend()
	if after := s.stands(); after != before {
		t.Errorf("%s: something was changed without its event:\n%s\nbecame\n%s", path, before, after)
	}
	p.Get("/account").want(t, 200)
}

// The disk is full: refused, nothing half done, and well again alone as soon
// as there is room (LG-10). The disk is a small one of memory, mounted for this
// test.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	in := install(t)
	must(t, os.MkdirAll(in.Data, 0o700))
	if err := syscall.Mount("tmpfs", in.Data, "tmpfs", 0, "size=12m,mode=0700"); err != nil {
		t.Fatalf("a small disk cannot be mounted; run the tests as root: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(in.Data, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	s := in.Serve()
	s.Run("", "customer", "add", "Acme")
	wendy := s.join("Acme", "user", "wendy")
	wendy.signIn()
	before := s.stands()
	filler := filepath.Join(in.Data, "filler")
	fill(t, filler)
	for range 3 {
		s.person("wendy").Post("/sign-in", "login_id", "wendy", "password", goodPassword).want(t, http.StatusServiceUnavailable)
		wendy.Post("/account/2fa/start", "password", goodPassword).want(t, http.StatusServiceUnavailable)
	}
	if after := s.stands(); after != before {
		t.Errorf("something is half done:\n%s\nbecame\n%s", before, after)
	}
	newClient(t, s.Base).Get("/healthz").want(t, 200)
	elsewhere := t.TempDir()
	backup := []string{"backup", filepath.Join(elsewhere, "backup"), "--passphrase-file", passphraseFile(t, backupPassphrase)}
	if out, errors, code := s.Try("", backup...); code != 1 || out != "" {
		t.Errorf("a backup that cannot be recorded ends with %d:\n%s%s", code, out, errors)
	}
	if left, err := os.ReadDir(elsewhere); err != nil || len(left) > 0 {
		t.Errorf("a backup that is not recorded leaves %v, %v", left, err)
	}
	must(t, os.Remove(filler))
	s.Run("", backup...)
	s.Advance(time.Hour) // a try that could not be given back stays charged
	again := s.person("wendy")
	again.signIn()
	again.enable()
	db := s.beneath()
	s.until("all events are sealed", func() bool { return number(t, db, "SELECT COUNT(*) FROM unsealed_events") == 0 })
	s.Run("", "audit", "verify")
}

// fill writes a file until nothing more fits.
func fill(t *testing.T, path string) {
	t.Helper()
	file, err := os.Create(path)
	must(t, err)
	defer file.Close()
	for size := 1 << 20; size > 0; size /= 2 {
		for err == nil {
			_, err = file.Write(make([]byte, size))
		}
		err = nil
	}
}

// The clock goes back by an hour and forth again: no code works a second time,
// nobody waits longer than the limits say, and sessions, recovery codes and
// the sealer go on.
func TestTheClockGoesBack(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *server) {
		s.Run("", "customer", "add", "Acme")
		walter, wendy := s.join("Acme", "user", "walter"), s.join("Acme", "user", "wendy")
		wendy.signIn()
		codes := wendy.enable()
		used := wendy.code()
		again := s.person("wendy")
		again.enterPassword()
		again.Post("/sign-in/code", "code", used).wantRedirect(t, "/")
		walter.guess(5)
		walter.Post("/sign-in", "login_id", "walter", "password", goodPassword).want(t, http.StatusTooManyRequests)

		s.Advance(-time.Hour)
		wendy.Get("/account").want(t, 200)
		s.person("walter").signIn() // the wait of half a minute has not become an hour and a half
		early := s.person("wendy")
		early.enterPassword()
		early.Post("/sign-in/code", "code", wendy.codeOf(wendy.secrets[0])).want(t, http.StatusUnprocessableEntity)
		early.Post("/sign-in/recovery-code", "recovery_code", codes[0]).wantRedirect(t, "/")
		db := s.beneath()
		s.until("all events are sealed", func() bool { return number(t, db, "SELECT COUNT(*) FROM unsealed_events") == 0 })

		s.Advance(time.Hour)
		late := s.person("wendy")
		late.enterPassword()
		late.Post("/sign-in/code", "code", used).want(t, http.StatusUnprocessableEntity)
		late.Post("/sign-in/code", "code", wendy.code()).wantRedirect(t, "/")
		s.Run("", "audit", "verify")
	})
}

// The clock goes forth by an hour: what has run out has, and no more.
func TestTheClockGoesForth(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *server) {
		s.Run("", "customer", "add", "Acme")
		wendy := s.join("Acme", "user", "wendy")
		wendy.signIn()
		wendy.enable()
		half := s.person("wendy")
		half.enterPassword()
		code := wendy.code()
		s.Advance(time.Hour)
		wendy.Get("/account").wantRedirect(t, "/sign-in") // idle for too long
		if a := half.Post("/sign-in/code", "code", code); a.Status == http.StatusSeeOther && !strings.HasPrefix(a.Location, "/sign-in") {
			t.Errorf("a half session of an hour ago opens %q", a.Location)
		}
		again := s.person("wendy")
		again.secrets = wendy.secrets
		again.signIn()
		s.Advance(-time.Hour)
		again.Get("/account").want(t, 200)
	})
}
