package main

import (
	"net/http"
	"strings"
	"testing"
)

// browserCookie is the name of the cookie of a known browser on http://localhost.
const browserCookie = "portal-browser"

// The cookie of a known browser comes with a complete sign-in and not before,
// lives for 180 days, and stays when its user signs out (AU-03, SE-13).
func TestKnownBrowserCookie(t *testing.T) {
	t.Parallel()
	s := install(t).Serve()
	s.Run("", "customer", "add", "Acme")
	wendy := s.join("Acme", "user", "wendy")
	answer := wendy.Post("/sign-in", "login_id", "wendy", "password", goodPassword).want(t, http.StatusSeeOther)
	if set := strings.Join(answer.Header.Values("Set-Cookie"), "\n"); !strings.Contains(set, browserCookie+"=") || !strings.Contains(set, "Max-Age=15552000; HttpOnly; SameSite=Lax") {
		t.Errorf("after a sign-in: %s", set)
	}
	wendy.enable()
	token := wendy.cookie(browserCookie)
	wendy.Post("/sign-out").want(t, http.StatusSeeOther)
	if wendy.cookie(browserCookie) != token || wendy.cookie(sessionCookie) != "" {
		t.Errorf("after sign-out the browser holds %v", wendy.cookies())
	}
	other := s.person("wendy")
	other.secrets = wendy.secrets
	if other.enterPassword() != "/sign-in/code" || other.cookie(browserCookie) != "" {
		t.Error("a half session makes a browser known")
	}
	wendy.signIn()
	if wendy.cookie(browserCookie) != token {
		t.Error("a known browser got another token")
	}
	if strings.Contains(s.Log(), token) {
		t.Error("the log holds the token")
	}
}
