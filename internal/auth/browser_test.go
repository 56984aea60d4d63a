package auth_test

import (
	"testing"
	"time"

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
