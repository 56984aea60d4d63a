package main

import (
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"testing"
	"time"
)

// tokenOf is the session that a browser holds.
func (c *client) tokenOf() string {
	c.t.Helper()
	for _, cookie := range c.cookies() {
		if cookie.Name == sessionCookie {
			return cookie.Value
		}
	}
	return ""
}

// A session's token comes from the portal alone, long and random, and changes
// at each step: what was planted before a sign-in opens nothing after it
// (SE-01, SE-02).
func TestSessionTokensComeFromThePortal(t *testing.T) {
	t.Parallel()
	s := install(t).Serve()
	s.Run("", "customer", "add", "Acme")
	ada := s.join("Acme", "user", "ada")
	planted := make([]byte, 32)
	rand.Read(planted)
	invented := base64.RawURLEncoding.EncodeToString(planted)
	ada.useSession(invented)
	ada.Get("/account").wantRedirect(t, "/sign-in")
	ada.signIn()
	first := ada.tokenOf()
	random, err := base64.RawURLEncoding.DecodeString(first)
	if err != nil || len(random) != 32 || first == invented {
		t.Fatalf("the token %q is not 32 random bytes of the portal's own: %v", first, err)
	}
	ada.enable()
	second := ada.tokenOf()
	ada.signIn()
	third := ada.tokenOf()
	for _, dead := range []string{invented, first, second} {
		late := newClient(t, s.Base)
		late.useSession(dead)
		late.Get("/account").wantRedirect(t, "/sign-in")
	}
	if second == first || third == second {
		t.Error("a token has outlived a step")
	}
	ada.Get("/account").want(t, http.StatusOK)
}

// A session ends by itself when it is not used, and after a working day however
// much it is used; on another node it ends as well (SE-03, SE-05).
func TestSessionsEndOnEachNode(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *server) {
		s.Run("", "customer", "add", "Acme")
		other := *s.installation
		other.listen = freeAddress(t)
		node := other.Serve()
		on := func(p *person, base string) *client {
			c := newClient(t, base)
			c.useSession(p.tokenOf())
			return c
		}
		idle, busy := s.join("Acme", "user", "idle"), s.join("Acme", "user", "busy")
		idle.signIn()
		busy.signIn()
		on(idle, node.Base).Get("/account").want(t, http.StatusOK)
		for range 26 {
			s.Advance(25 * time.Minute)
			on(busy, node.Base).Get("/account").want(t, http.StatusOK)
		}
		on(idle, node.Base).Get("/account").wantRedirect(t, "/sign-in")
		idle.Get("/account").wantRedirect(t, "/sign-in")
		for range 3 {
			s.Advance(25 * time.Minute)
			busy.Get("/account")
		}
		on(busy, node.Base).Get("/account").wantRedirect(t, "/sign-in")
		busy.Get("/account").wantRedirect(t, "/sign-in")

		out := s.join("Acme", "user", "out")
		out.signIn()
		elsewhere := on(out, node.Base)
		elsewhere.Get("/account").want(t, http.StatusOK)
		out.Post("/sign-out")
		elsewhere.Get("/account").wantRedirect(t, "/sign-in")
	})
}
