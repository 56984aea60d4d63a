package auth_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"portal"
	"portal/internal/auth"
	"portal/internal/store"
	"portal/internal/testkit/house"
)

// aging puts one row of a kind into the database whose age counts from $1 on.
// $2 tells rows apart, as text; $3 is the same as bytes, $4 the customer, $5
// the user.
var aging = map[store.Aged]struct{ table, insert string }{
	store.AgedHalfSessions: {"half_sessions", `INSERT INTO half_sessions (digest, customer_id, user_id, security_version, tries, created_at, expires_at)
		SELECT $3, $4, $5, 1, 0, 0, $1 WHERE $2 <> ''`},
	store.AgedSessions:     {"sessions", session("$1", "99999999999999999")},
	store.AgedIdleSessions: {"sessions", session("99999999999999999", "$1")},
	store.AgedLinks: {"links", `INSERT INTO links (digest, customer_id, purpose, subject, security_version, address, made_by, created_at, expires_at)
		SELECT $3, $4, 'reset', $2, 1, '', '', 0, $1 WHERE $5 <> ''`},
	store.AgedAlarms: {"alarms", `INSERT INTO alarms (digest, customer_id, user_id, created_at, expires_at)
		SELECT $3, $4, $5, 0, $1 WHERE $2 <> ''`},
	store.AgedBrowsers: {"browsers", `INSERT INTO browsers (digest, customer_id, user_id, agent, created_at, last_used_at)
		SELECT $3, $4, $5, '', 0, $1 WHERE $2 <> ''`},
	store.AgedThrottles:    {"throttles", counter("throttles")},
	store.AgedUnknownNames: {"unknown_names", counter("unknown_names")},
	store.AgedMails: {"mails", `INSERT INTO mails (id, customer_id, user_id, kind, recipient, letter, state, tries, next_try_at, created_at, done_at, last_error)
		SELECT $2, $4, $5, 'x', '', $3, 'failed', 0, 0, 0, $1, ''`},
	store.AgedResetRequests: {"reset_requests", `INSERT INTO reset_requests (id, customer_id, user_id, created_at, address, agent, request_id)
		SELECT $2, $4, $5, $1, '', '', '' WHERE $3 IS NOT NULL`},
	store.AgedHelpRequests: {"help_requests", `INSERT INTO help_requests (customer_id, user_id, created_at, address, agent)
		SELECT $4, $5, $1, '', '' WHERE $2 <> '' AND $3 IS NOT NULL`},
	store.AgedNodes: {"nodes", `INSERT INTO nodes (id, host, keys, writes, started_at, seen_at)
		SELECT $2, '', '', '', 0, $1 WHERE $3 IS NOT NULL AND $4 <> '' AND $5 <> ''`},
	store.AgedPendings: {"authenticators", `INSERT INTO authenticators (id, customer_id, user_id, state, secret, serial, last_step, session_id,
			created_at, expires_at, confirmed_at, last_used_at)
		SELECT $2, $4, $5, 'pending', $3, 0, 0, '', 0, $1, 0, 0`},
}

func session(ends, seen string) string {
	return `INSERT INTO sessions (id, digest, customer_id, user_id, security_version, proofs, created_at, last_seen_at, expires_at, stepped_up_at, address, agent)
		SELECT $2, $3, $4, $5, 1, 'password', 0, ` + seen + ", " + ends + ", 0, '', ''"
}

func counter(table string) string {
	return "INSERT INTO " + table + " (bucket, hits, since, wait_until) SELECT $2, 1, $1, 0 WHERE $3 IS NOT NULL AND $4 <> '' AND $5 <> ''"
}

// Every kind that ages is forgotten on its day and not a second before, however
// many rows there are, by two nodes at once.
func TestAgedRowsAreForgotten(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		nodes := []*house.House{s.House, s.Again(t)}
		db := s.Outside(t)
		count := func(table string) (n int) {
			t.Helper()
			if err := db.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM "+table).Scan(&n); err != nil {
				t.Fatal(err)
			}
			return n
		}
		seen := 0
		for _, rule := range s.Auth.Rules() {
			rows, known := aging[rule.What]
			if !known {
				t.Fatalf("no row that ages: %s", rule.What)
			}
			put := func(name string, age time.Duration) {
				t.Helper()
				seen++
				user := s.User(t, s.acme, portal.RoleUser, fmt.Sprint("user", seen))
				_, err := db.ExecContext(t.Context(), placed(s.Database, rows.insert), s.Clock.Now().Add(-age).UnixMicro(), name, []byte(name), string(s.acme.CustomerID), string(user.ID))
				if err != nil {
					t.Fatalf("%s: %v", rule.What, err)
				}
			}
			before := count(rows.table)
			put("old "+string(rule.What), rule.Keep)
			put("young "+string(rule.What), rule.Keep-time.Second)
			house.AtOnce(len(nodes), func(i int) {
				if err := nodes[i].Auth.Forget(t.Context(), portal.Itself()); err != nil {
					t.Error(err)
				}
			})
			if n := count(rows.table); n != before+1 {
				t.Errorf("%s: %d rows before, %d after; want the old one gone and the young one there", rule.What, before, n)
			}
		}
		refused(t, "somebody else", s.Auth.Forget(t.Context(), s.acme), portal.CodeNotFound)
	})
}

// placed gives PostgreSQL the types that a bare parameter does not tell.
func placed(database, query string) string {
	if database == "" {
		return query
	}
	types := map[byte]string{'1': "BIGINT", '2': "TEXT", '3': "BYTEA", '4': "TEXT", '5': "TEXT"}
	out := ""
	for i := 0; i < len(query); i++ {
		if query[i] == '$' {
			out += "CAST(" + query[i:i+2] + " AS " + types[query[i+1]] + ")"
			i++
			continue
		}
		out += string(query[i])
	}
	return out
}

// More rows than one statement takes go in one run.
func TestManyAgedRowsAreForgotten(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		db := s.Outside(t)
		const many = `INSERT INTO throttles (bucket, hits, since, wait_until)
			SELECT 'x' || n, 1, 0, 0 FROM (WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 1300) SELECT n FROM c) AS all_n`
		if _, err := db.ExecContext(t.Context(), many); err != nil {
			t.Fatal(err)
		}
		if err := s.Auth.Forget(t.Context(), portal.Itself()); err != nil {
			t.Fatal(err)
		}
		var n int
		if err := db.QueryRowContext(t.Context(), "SELECT COUNT(*) FROM throttles WHERE since = 0").Scan(&n); err != nil || n != 0 {
			t.Errorf("%d are left, %v", n, err)
		}
	})
}

// A setup that is switched off is kept for 90 days: its owner is told two weeks
// before, it is of no use from the day on although no job ran, and the job of
// whichever node comes first ends it (OT-14).
func TestKeptSetupRunsOut(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		nodes := []*house.House{s.House, s.Again(t)}
		wendy, _ := s.protected(t, "wendy")
		bob, _ := s.protected(t, "bob")
		for _, p := range []*house.Person{wendy, bob} {
			p.Take(s.Auth.DisableTwoFactor(t.Context(), p.Actor(), p.Proof()))
		}
		off := s.Clock.Now()
		on := func(days int) {
			t.Helper()
			s.Clock.Advance(off.AddDate(0, 0, days).Add(time.Minute).Sub(s.Clock.Now()))
			house.AtOnce(len(nodes), func(i int) {
				if err := nodes[i].Auth.AgeSetups(t.Context(), portal.Itself()); err != nil {
					t.Error(err)
				}
			})
		}
		mails := func(login string, kind portal.MailKind, want int) {
			t.Helper()
			if n := len(s.to(t, login, kind)); n != want {
				t.Errorf("%s: %d mails %q, want %d", login, n, kind, want)
			}
		}
		on(75)
		mails("wendy", portal.MailFactorExpires, 0)
		on(77)
		on(78)
		mails("wendy", portal.MailFactorExpires, 1)

		bob.SignIn()
		again, err := s.Auth.EnableTwoFactor(t.Context(), bob.Actor(), bob.Proof())
		bob.Take(again.Renewed, err)
		bob.Take(s.Auth.DisableTwoFactor(t.Context(), bob.Actor(), bob.Proof()))

		s.Clock.Advance(12 * 24 * time.Hour) // and no job runs
		wendy.SignIn()
		account, err := s.Auth.Account(t.Context(), wendy.Actor())
		if err != nil || account.KeptUntil.After(s.Clock.Now()) {
			t.Errorf("kept until %v, %v", account.KeptUntil, err)
		}
		_, err = s.Auth.EnableTwoFactor(t.Context(), wendy.Actor(), wendy.Proof())
		refused(t, "a setup that ran out", err, portal.CodeConflict)

		on(91)
		if wendy.State() != portal.TwoFactorNone || bob.State() != portal.TwoFactorDisabled {
			t.Errorf("wendy %s, bob %s", wendy.State(), bob.State())
		}
		mails("wendy", portal.MailFactorExpired, 1)
		mails("bob", portal.MailFactorExpired, 0)
		wendy.SignIn()
		if e := s.firstOf(t, wendy, portal.SetupExpired); e.ActorKind != portal.ActorPortal || e.Outcome != portal.Done {
			t.Errorf("event %+v", e)
		}
		wendy.Key = nil
		wendy.Enable()
		on(78 + 77)
		mails("bob", portal.MailFactorExpires, 2)
		on(78 + 91)
		if bob.State() != portal.TwoFactorNone {
			t.Errorf("bob %s", bob.State())
		}
		refused(t, "somebody else", s.Auth.AgeSetups(t.Context(), s.acme), portal.CodeNotFound)
	})
}

// firstOf is the newest of the person's recent events that tells of an action.
func (s scene) firstOf(t *testing.T, p *house.Person, action portal.Action) portal.Event {
	t.Helper()
	account, err := s.Auth.Account(t.Context(), p.Actor())
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range account.Activity {
		if e.Action == action {
			return e
		}
	}
	t.Fatalf("no event %q", action)
	return portal.Event{}
}

// What is past its time is of no use, although nobody has cleared it away
// (DP-05, SE-05, LC-10).
func TestPastItsTimeNothingWorks(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		limits := portal.DefaultLimits()
		wendy, _ := s.protected(t, "wendy")
		invitation := s.invite(t, "ida")
		reset := s.forget(t, "wendy")
		half := s.half(t, "wendy")
		s.Clock.Advance(limits.HalfSession)
		_, err := s.Auth.SignInWithCode(t.Context(), house.Origin(), half, wendy.Code())
		refused(t, "half session", err, portal.CodeSignIn)

		wendy.SignIn()
		wendy.Take(s.Auth.StartReplacement(t.Context(), wendy.Actor(), wendy.Proof()))
		current := wendy.Key
		wendy.Scan()
		s.Clock.Advance(limits.Pending)
		_, err = s.Auth.ConfirmSetup(t.Context(), wendy.Actor(), wendy.Code())
		refused(t, "pending set-up", err, portal.CodeConflict)
		wendy.Key = current

		wendy.SignIn()
		s.Clock.Advance(limits.Idle)
		if wendy.Signed() {
			t.Error("an idle session works")
		}
		if err := s.reset(t, reset, auth.Proof{Code: wendy.Code()}); err == nil {
			t.Error("a reset link works after its time")
		}
		letters := len(s.LettersOf(t, "wendy", portal.MailReset))
		if err := s.Auth.AskReset(t.Context(), house.Origin(), "wendy"); err != nil {
			t.Fatal(err)
		}
		s.Clock.Advance(store.ResetRequestLife)
		s.answer(t)
		if now := len(s.LettersOf(t, "wendy", portal.MailReset)); now != letters {
			t.Error("a request for a new password is answered after its time")
		}
		s.Clock.Advance(limits.Invitation)
		if err := s.accept(t, invitation); err == nil {
			t.Error("an invitation works after its time")
		}
	})
}

// The page of data names every rule with its time, and no other (DP-05).
func TestDataPageNamesEveryRule(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "data.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "| after |\n|---|---|\n")
	table, _, _ = strings.Cut(table, "\n\n")
	rules := onSQLite(t).Auth.Rules()
	want := ""
	for _, rule := range rules {
		want += fmt.Sprintf("| %s | %s |\n", rule.What, inWords(rule.Keep))
	}
	if table+"\n" != want {
		t.Errorf("docs/data.md has\n%s\nwant\n%s", table, want)
	}
}

func inWords(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d == 0:
		return "at once"
	case d == day:
		return "1 day"
	case d > day:
		return fmt.Sprintf("%d days", d/day)
	}
	return fmt.Sprintf("%d minutes", d/time.Minute)
}
