package auth_test

import (
	"testing"
	"time"

	"portal"
	"portal/internal/auth"
	"portal/internal/otp"
	"portal/internal/testkit/house"
)

// A pending set-up lasts 15 minutes; the code comes too late then (OT-07).
func TestPendingRunsOut(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		p := s.bring(t, "wendy", pending)
		s.Clock.Advance(15*time.Minute - time.Microsecond)
		if got := s.place(t, p); got != pending {
			t.Errorf("a moment before its end: %s", got)
		}
		s.Clock.Advance(time.Microsecond)
		if got := s.place(t, p); got != none {
			t.Errorf("at its end: %s", got)
		}
		_, err := s.Auth.ConfirmSetup(t.Context(), p.Actor(), otp.Code(p.shown, otp.Step(s.Clock.Now())))
		refused(t, "too late", err, portal.CodeConflict)
		want(t, p.Person, portal.TwoFactorNone)
	})
}

// Wrong codes, reloads and starting again keep the key; a foreign and an old
// code do not confirm.
func TestPendingSurvivesTypos(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		p := s.bring(t, "wendy", pending)
		key := string(p.shown)
		p.Key = p.shown
		for _, code := range []string{s.wrong(p.Person), "x", s.codeAt(p.Person, -2), s.codeAt(p.Person, 2)} {
			_, err := s.Auth.ConfirmSetup(t.Context(), p.Actor(), code)
			refused(t, code, err, portal.CodeInvalid)
		}
		p.Take(s.Auth.StartSetup(t.Context(), p.Actor(), auth.Proof{}))
		p.peek()
		if string(p.shown) != key {
			t.Error("starting again shows another key")
		}
		confirmed, err := s.Auth.ConfirmSetup(t.Context(), p.Actor(), p.Code())
		p.Take(confirmed.Renewed, err)
		want(t, p.Person, portal.TwoFactorEnabled)
	})
}

// Another session of the same person neither sees nor confirms it; starting
// there begins anew with another key.
func TestPendingIsBoundToItsSession(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		p := s.bring(t, "wendy", pending)
		other := &subject{Person: s.Person(t, "wendy")}
		if got := s.place(t, other); got != none {
			t.Errorf("the other session sees %s", got)
		}
		_, err := s.Auth.ConfirmSetup(t.Context(), other.Actor(), otp.Code(p.shown, otp.Step(s.Clock.Now())))
		refused(t, "other session", err, portal.CodeConflict)
		other.Take(s.Auth.StartSetup(t.Context(), other.Actor(), auth.Proof{}))
		other.peek()
		if string(other.shown) == string(p.shown) {
			t.Error("two sessions share a key")
		}
		_, err = s.Auth.ConfirmSetup(t.Context(), p.Actor(), otp.Code(p.shown, otp.Step(s.Clock.Now())))
		refused(t, "replaced", err, portal.CodeConflict)
	})
}

// A new setup after a deletion has a new key, and while pending it changes
// nothing about signing in.
func TestNewSetupHasANewKey(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		p, _ := s.protected(t, "wendy")
		old := string(p.Key)
		p.Take(s.Auth.DeleteSetup(t.Context(), p.Actor(), p.Proof()))
		p.Take(s.Auth.StartSetup(t.Context(), p.Actor(), password()))
		p.Scan()
		if string(p.Key) == old {
			t.Error("the deleted key is back")
		}
		if earned, err := s.Auth.SignIn(t.Context(), house.Origin(), "wendy", house.Password); err != nil || earned.Session == "" {
			t.Errorf("a pending set-up changes the sign-in: %+v, %v", earned, err)
		}
	})
}

// The secret is shown while pending and never again (OT-08).
func TestSecretIsShownWhilePendingOnly(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		for _, place := range []string{none, pending, enabled, replacing, disabled} {
			p := s.bring(t, "user-"+string(place[0])+string(place[len(place)-1]), place)
			account, err := s.Auth.Account(t.Context(), p.Actor())
			if err != nil {
				t.Fatal(err)
			}
			if shown, want := account.Setup != nil, place == pending || place == replacing; shown != want {
				t.Errorf("%s: shown %v, want %v", place, shown, want)
			}
		}
	})
}
