package auth_test

import (
	"fmt"
	"testing"
	"time"

	"portal"
	"portal/internal/admin"
	"portal/internal/auth"
	"portal/internal/store"
	"portal/internal/testkit/house"
)

// from is an origin of its own for each number, so that no source is limited.
func from(n int) portal.Origin {
	o := house.Origin()
	o.Address = fmt.Sprintf("198.51.100.%d", n)
	return o
}

// answer lets the house answer who forgot a password.
func (s scene) answer(t *testing.T) {
	t.Helper()
	if err := s.Auth.AnswerResets(t.Context(), portal.Itself()); err != nil {
		t.Fatal(err)
	}
}

// forget asks for a new password and returns the token that the newest mail
// brings.
func (s scene) forget(t *testing.T, login string) string {
	t.Helper()
	before := len(s.LettersOf(t, login, portal.MailReset))
	if err := s.Auth.AskReset(t.Context(), house.Origin(), login); err != nil {
		t.Fatal(err)
	}
	s.answer(t)
	letters := s.LettersOf(t, login, portal.MailReset)
	if len(letters) == before {
		t.Fatalf("no mail came for %s", login)
	}
	return letters[len(letters)-1].Token
}

// silent are people whom no reset link is mailed to, and why.
func (s scene) silent(t *testing.T) map[string]string {
	t.Helper()
	suspended, frozen := s.User(t, s.acme, portal.RoleUser, "suspended"), s.User(t, s.acme, portal.RoleUser, "frozen")
	if _, err := s.Admin.Suspend(t.Context(), s.acme, suspended.ID, auth.Proof{}); err != nil {
		t.Fatal(err)
	}
	s.change(t, func(tx *store.Tx) error { _, err := tx.Freeze(t.Context(), frozen.ID); return err })
	s.invite(t, "invited")
	return map[string]string{
		"nobody": "unknown login ID", "suspended": "account is suspended", "frozen": "account is frozen",
		"invited": "invitation is not accepted yet",
	}
}

// change changes something of Acme past the use cases.
func (s scene) change(t *testing.T, do func(*store.Tx) error) {
	t.Helper()
	if err := s.Store.WriteUnaudited(t.Context(), s.acme.CustomerID, "test", do); err != nil {
		t.Fatal(err)
	}
}

// Whoever is asked for, the answer is the same, and so is the limit: three an
// hour (AU-07, IN-03). Only who can use a link gets one; the trail knows why
// somebody else did not.
func TestForgottenPasswordsAreAnsweredAlike(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		s.User(t, s.acme, portal.RoleUser, "wendy")
		reasons := s.silent(t)
		reasons["wendy"] = ""
		refusals := map[string]bool{}
		source := 0
		for login, why := range reasons {
			source++
			for range 3 {
				if err := s.Auth.AskReset(t.Context(), from(source), login); err != nil {
					t.Errorf("%s: %v", login, err)
				}
			}
			err := s.Auth.AskReset(t.Context(), from(source), login)
			refused(t, login+" a fourth time", err, portal.CodeThrottled)
			refusals[fmt.Sprint(err)] = true
			s.answer(t)
			want := 0
			if why == "" {
				want = 3
			}
			if got := len(s.LettersOf(t, login, portal.MailReset)); got != want {
				t.Errorf("%s: %d links, want %d", login, got, want)
			}
			s.wantAnswer(t, login, why)
		}
		if len(refusals) != 1 {
			t.Errorf("the limit tells people apart: %v", refusals)
		}
	})
}

// wantAnswer holds what the trail says of a request that was answered.
func (s scene) wantAnswer(t *testing.T, login, why string) {
	t.Helper()
	in := s.acme
	if login == "nobody" {
		in = s.Host()
		login = ""
	}
	page, err := s.Admin.Events(t.Context(), in, admin.EventQuery{Action: portal.ResetAsked})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range page.Events {
		if e.TargetLabel == login && e.Detail == why && (e.Outcome == portal.Done) == (why == "") && e.Origin.RequestID == "r-1" {
			return
		}
	}
	t.Errorf("%q: the trail has no answer %q: %+v", login, why, page.Events)
}

// One source asks for thirty links an hour, whatever the names; a /64 is one.
func TestForgottenPasswordsPerSource(t *testing.T) {
	s := onSQLite(t)
	ask := func(i int, address string) error {
		return s.Auth.AskReset(t.Context(), portal.Origin{Address: address}, fmt.Sprint("name", i))
	}
	for i := range 30 {
		if err := ask(i, fmt.Sprintf("2001:db8:1:2::%x", i)); err != nil {
			t.Fatal(i, err)
		}
	}
	refused(t, "the thirty-first of a /64", ask(30, "2001:db8:1:2:ffff::1"), portal.CodeThrottled)
	for i, address := range []string{"2001:db8:1:3::1", "192.0.2.1"} {
		if err := ask(31+i, address); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
	s.Clock.Advance(time.Hour)
	if err := ask(33, "2001:db8:1:2::1"); err != nil {
		t.Error(err)
	}
}

// Two nodes that answer at the same moment mail one link.
func TestForgottenPasswordIsAnsweredOnce(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		s.User(t, s.acme, portal.RoleUser, "wendy")
		other := scene{s.Again(t), s.acme}
		if err := s.Auth.AskReset(t.Context(), house.Origin(), "WENDY"); err != nil {
			t.Fatal(err)
		}
		house.AtOnce(4, func(i int) { []scene{s, other}[i%2].answer(t) })
		if letters := s.LettersOf(t, "wendy", portal.MailReset); len(letters) != 1 || letters[0].To != "wendy@example.com" || letters[0].Address != house.Origin().Address {
			t.Errorf("letters: %+v", letters)
		}
	})
}

// A request whose mail cannot be written waits for its answer.
func TestForgottenPasswordOutlivesAFault(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		s.User(t, s.acme, portal.RoleUser, "wendy")
		if err := s.Auth.AskReset(t.Context(), house.Origin(), "wendy"); err != nil {
			t.Fatal(err)
		}
		s.Without(t, "mails", func() {
			if err := s.Auth.AnswerResets(t.Context(), portal.Itself()); err == nil {
				t.Error("answered without a mail")
			}
		})
		s.answer(t)
		if letters := s.LettersOf(t, "wendy", portal.MailReset); len(letters) != 1 {
			t.Errorf("letters: %+v", letters)
		}
	})
}

// Only the portal itself answers; who asks has to name somebody.
func TestForgottenPasswordRules(t *testing.T) {
	s := onSQLite(t)
	p := s.person(t, "wendy")
	refused(t, "answered by a user", s.Auth.AnswerResets(t.Context(), p.Actor()), portal.CodeNotFound)
	refused(t, "answered by a stranger", s.Auth.AnswerResets(t.Context(), portal.Stranger(house.Origin())), portal.CodeSignIn)
	mustBeAbout(t, "no name", s.Auth.AskReset(t.Context(), house.Origin(), "  "), portal.FieldLoginID)
}
