package auth_test

import (
	"testing"
	"time"

	"portal"
	"portal/internal/testkit/house"
)

// A browser is known by its own token to who signed in with it; the token stays
// for that person and is a new one whenever somebody else signs in, who may not
// have chosen it. All who use the browser are known by the new one.
func TestBrowserTokens(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		wendy, carl := s.person(t, "wendy"), s.person(t, "carl")
		first := wendy.Browser
		if len(first) != 43 || first == carl.Browser {
			t.Fatalf("tokens %q and %q", first, carl.Browser)
		}
		wendy.SignIn()
		if wendy.Browser != first {
			t.Error("a known browser gets another token")
		}
		carl.Browser = first // carl sits down at wendy's browser
		carl.SignIn()
		if carl.Browser == first {
			t.Error("a token that carl's browser brought along is adopted")
		}
		wendy.Browser = carl.Browser
		wendy.SignIn()
		if wendy.Browser != carl.Browser {
			t.Error("wendy's browser is no longer hers after carl has used it")
		}
		for _, foreign := range []string{first, "", "x", house.Password} {
			wendy.Browser = foreign
			if wendy.SignIn(); wendy.Browser == foreign {
				t.Errorf("%q is adopted", foreign)
			}
		}
	})
}

// sitDown has a new person sign in at a browser that somebody else uses too.
func (s scene) sitDown(t *testing.T, login string, at *house.Person) {
	t.Helper()
	other := s.person(t, login)
	other.Browser = at.Browser
	other.SignIn()
	at.Browser = other.Browser
}

// Signing in to other accounts at a known browser gives it another token, and no
// new tries at the password of who is known there (AU-03).
func TestOtherAccountsBringNoPasswords(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		wendy := s.person(t, "wendy")
		for range 5 {
			s.guess(t, wendy.Origin(), "wendy") // what the browser has of its own
		}
		s.sitDown(t, "carl", wendy)
		for i, want := range []portal.Code{5: portal.CodeThrottled} {
			if want == "" {
				want = portal.CodeInvalid
			}
			if got := s.guess(t, wendy.Origin(), "wendy"); got != want {
				t.Errorf("try %d after another account: %s, want %s", i+1, got, want)
			}
		}
	})
}

// The same holds of second factors, in half sessions from before as well (AU-06).
func TestOtherAccountsBringNoCodes(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		wendy, _ := s.protected(t, "wendy")
		wendy.SignIn()
		begin := func() string {
			earned, err := s.Auth.SignIn(t.Context(), wendy.Origin(), "wendy", house.Password)
			if err != nil {
				t.Fatal(err)
			}
			return earned.Half
		}
		try := func(half string) error {
			_, err := s.Auth.SignInWithCode(t.Context(), wendy.Origin(), half, s.wrong(wendy))
			return err
		}
		own, early := begin(), begin()
		for range 5 {
			refused(t, "of the browser's own", try(own), portal.CodeInvalid)
		}
		s.sitDown(t, "carl", wendy)
		for range 2 { // the common ones
			for half := begin(); s.Auth.HalfSession(t.Context(), half) == nil; {
				refused(t, "common", try(half), portal.CodeInvalid)
			}
		}
		refused(t, "all are used up", try(begin()), portal.CodeThrottled)
		refused(t, "in a half session from before", try(early), portal.CodeThrottled)
	})
}

// A browser that was not used for 180 days is a stranger's again.
func TestKnownBrowserAges(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		wendy := s.person(t, "wendy")
		token := wendy.Browser
		s.Clock.Advance(180*24*time.Hour - time.Second)
		wendy.SignIn()
		if wendy.Browser != token {
			t.Error("forgotten too early")
		}
		s.Clock.Advance(180 * 24 * time.Hour)
		wendy.SignIn()
		if wendy.Browser == token {
			t.Error("known for ever")
		}
	})
}

// The token opens nothing: not as a session, not as a half session, and the
// second factor is asked for in a known browser as in any other (AU-14).
func TestKnownBrowserOpensNothing(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		wendy, _ := s.protected(t, "wendy")
		wendy.SignIn()
		earned, err := s.Auth.SignIn(t.Context(), wendy.Origin(), "wendy", house.Password)
		if err != nil || earned.Session != "" || earned.Half == "" || earned.Browser != "" {
			t.Errorf("%+v, %v; want a half session and nothing else", earned, err)
		}
		if _, err := s.Auth.Authenticate(t.Context(), wendy.Origin(), wendy.Browser); err == nil {
			t.Error("the browser's token is a session")
		}
		if s.Auth.HalfSession(t.Context(), wendy.Browser) == nil {
			t.Error("the browser's token is a half session")
		}
	})
}
