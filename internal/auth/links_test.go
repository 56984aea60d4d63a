package auth_test

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"portal"
	"portal/internal/auth"
	"portal/internal/testkit/house"
)

const chosen = "the password that was chosen"

// accept uses an invitation link.
func (s scene) accept(t *testing.T, token string) error {
	t.Helper()
	return s.Auth.AcceptInvitation(t.Context(), house.Origin(), token, chosen)
}

// Opening a link changes nothing, however often; accepting uses it up and
// signs nobody in (LC-10, AU-13).
func TestInvitation(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		token := s.invite(t, "wendy")
		for range 3 {
			link, err := s.Auth.OpenLink(t.Context(), token)
			if err != nil || link.LoginID != "wendy" || link.CustomerName != "Acme" || link.Purpose != auth.ForInvitation {
				t.Fatalf("%+v, %v", link, err)
			}
		}
		refused(t, "weak password", s.Auth.AcceptInvitation(t.Context(), house.Origin(), token, "short"), portal.CodeInvalid)
		if err := s.accept(t, token); err != nil {
			t.Fatal(err)
		}
		refused(t, "again", s.accept(t, token), portal.CodeNotFound)
		_, err := s.Auth.OpenLink(t.Context(), token)
		refused(t, "opened again", err, portal.CodeNotFound)
		if earned, err := s.Auth.SignIn(t.Context(), house.Origin(), "wendy", chosen); err != nil || earned.Session == "" {
			t.Errorf("%+v, %v", earned, err)
		}
	})
}

// What never was a link, and a link cut or stretched, opens nothing.
func TestForgedLinks(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		token := s.invite(t, "wendy")
		for _, forged := range []string{"", "x", token + "A", token[1:], strings.Repeat("A", len(token))} {
			refused(t, "forged", s.accept(t, forged), portal.CodeNotFound)
			_, err := s.Auth.OpenLink(t.Context(), forged)
			refused(t, "forged, opened", err, portal.CodeNotFound)
		}
	})
}

// Of many who accept at once one does.
func TestInvitationAtOnce(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		token := s.invite(t, "wendy")
		var accepted atomic.Int64
		house.AtOnce(16, func(int) {
			if err := s.accept(t, token); err == nil {
				accepted.Add(1)
			} else {
				refused(t, "late", err, portal.CodeNotFound)
			}
		})
		if accepted.Load() != 1 {
			t.Errorf("accepted %d times", accepted.Load())
		}
	})
}

// Sessions end by idleness and by age, stay by use, and note their use at most
// once a minute (SE-03).
func TestSessionLife(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		idle, active := s.person(t, "idle"), s.person(t, "active")
		for range 28 { // for 11 h 40 min
			s.Clock.Advance(25 * time.Minute)
			active.Actor()
		}
		if idle.Signed() || !active.Signed() {
			t.Errorf("idle %v, active %v", idle.Signed(), active.Signed())
		}
		s.Clock.Advance(20 * time.Minute)
		if active.Signed() {
			t.Error("a session of twelve hours lives")
		}
	})
}

func TestSessionUseIsNotedOnceAMinute(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		p := s.person(t, "wendy")
		seen := func() time.Duration {
			account, err := s.Auth.Account(t.Context(), p.Actor())
			if err != nil || len(account.Sessions) != 1 || !account.Sessions[0].Current {
				t.Fatalf("%+v, %v", account.Sessions, err)
			}
			return account.Sessions[0].LastSeenAt.Sub(house.Start())
		}
		for _, c := range []struct{ step, want time.Duration }{
			{59 * time.Second, 0}, {time.Second, time.Minute}, {30 * time.Second, time.Minute}, {30 * time.Second, 2 * time.Minute},
		} {
			s.Clock.Advance(c.step)
			if got := seen(); got != c.want {
				t.Errorf("noted at %v, want %v", got, c.want)
			}
		}
	})
}

// One's own sessions can be ended, somebody else's cannot: they are not found.
func TestEndSession(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		p := s.person(t, "wendy")
		second, stranger := s.Person(t, "wendy"), s.person(t, "stranger")
		_, foreign := s.Auth.EndSession(t.Context(), p.Actor(), stranger.Actor().SessionID, password())
		p.SignIn()
		_, missing := s.Auth.EndSession(t.Context(), p.Actor(), "missing", password())
		refused(t, "foreign", foreign, portal.CodeNotFound)
		if foreign.Error() != missing.Error() || !stranger.Signed() {
			t.Errorf("foreign %v, missing %v", foreign, missing)
		}
		p.SignIn()
		p.Take(s.Auth.EndSession(t.Context(), p.Actor(), second.Actor().SessionID, password()))
		if second.Signed() || !p.Signed() {
			t.Errorf("second %v, acting %v", second.Signed(), p.Signed())
		}
		if err := s.Auth.SignOut(t.Context(), p.Actor()); err != nil || p.Signed() {
			t.Errorf("signed out: %v, still signed in: %v", err, p.Signed())
		}
	})
}

// Every use case of the own account is refused to a stranger, and to the host,
// who has none (AZ-02).
func TestOwnAccountNeedsASession(t *testing.T) {
	s := onSQLite(t)
	wendy := s.person(t, "wendy")
	forged := wendy.Actor()
	forged.Kind = portal.ActorStranger
	for name, use := range map[string]func(portal.Actor) error{
		"account": func(a portal.Actor) error { _, err := s.Auth.Account(t.Context(), a); return err },
		"start":   func(a portal.Actor) error { _, err := s.Auth.StartSetup(t.Context(), a, password()); return err },
		"cancel":  func(a portal.Actor) error { return s.Auth.CancelSetup(t.Context(), a) },
		"confirm": func(a portal.Actor) error { _, err := s.Auth.ConfirmSetup(t.Context(), a, ""); return err },
		"disable": func(a portal.Actor) error { _, err := s.Auth.DisableTwoFactor(t.Context(), a, password()); return err },
		"enable":  func(a portal.Actor) error { _, err := s.Auth.EnableTwoFactor(t.Context(), a, password()); return err },
		"delete":  func(a portal.Actor) error { _, err := s.Auth.DeleteSetup(t.Context(), a, password()); return err },
		"replace": func(a portal.Actor) error { _, err := s.Auth.StartReplacement(t.Context(), a, password()); return err },
		"issue": func(a portal.Actor) error {
			_, err := s.Auth.IssueRecoveryCodes(t.Context(), a, password())
			return err
		},
		"password": func(a portal.Actor) error {
			_, err := s.Auth.ChangePassword(t.Context(), a, auth.Proof{}, "")
			return err
		},
		"address": func(a portal.Actor) error {
			_, err := s.Auth.ChangeAddress(t.Context(), a, auth.FirstAddress, "x@example.org", password())
			return err
		},
		"remove address": func(a portal.Actor) error {
			_, err := s.Auth.RemoveSecondAddress(t.Context(), a, password())
			return err
		},
		"give address up": func(a portal.Actor) error { return s.Auth.GiveAddressUp(t.Context(), a, auth.FirstAddress) },
		"sign out":        func(a portal.Actor) error { return s.Auth.SignOut(t.Context(), a) },
		"end session": func(a portal.Actor) error {
			_, err := s.Auth.EndSession(t.Context(), a, wendy.Actor().SessionID, password())
			return err
		},
		"end others": func(a portal.Actor) error { _, err := s.Auth.EndOtherSessions(t.Context(), a, password()); return err },
	} {
		refused(t, name+" by a stranger", use(portal.Stranger(house.Origin())), portal.CodeSignIn)
		refused(t, name+" by a forged actor", use(forged), portal.CodeSignIn)
		refused(t, name+" by the host", use(s.acme), portal.CodeNotFound)
	}
}
