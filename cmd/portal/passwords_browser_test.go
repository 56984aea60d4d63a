package main

import (
	"strings"
	"testing"

	"portal/internal/testkit/browser"
)

// A person who owes a new password, in a real browser: led to the page, told
// why the first choice is refused, shown how far the next one has got, and let
// in with it. An administrator's way to demand one is looked at as well.
func TestNewPasswordInABrowser(t *testing.T) {
	t.Parallel()
	s := install(t).Serve()
	s.Run("", "customer", "add", "Acme", "--require-2fa", "everybody")
	logins := map[string]browser.View{"desk": {Width: 1280, Height: 900}, "phone": {Width: 360, Height: 740, Dark: true}}
	for login := range logins {
		s.Run("eight xy\n", "user", "add", "--customer", "Acme", "--name", "Name of "+login, "--email", login+"@example.com", "--password-stdin", login)
	}
	s.Run("", "customer", "policy", "Acme", "--users", "off", "--administrators", "off")
	ada := s.join("Acme", "administrator", "ada")
	ada.signIn()
	g := &gallery{server: s}
	b := browser.Start(t)
	for login, view := range logins {
		p := b.Page(t, view)
		p.Open(s.Base + "/sign-in")
		signIn(p, login, "eight xy")
		g.check(t, p)
		if p.Path() != "/account/password" {
			t.Fatalf("%s is led to %s", login, p.Path())
		}
		p.Fill("Current password", "eight xy")
		p.Fill("New password", "passwordpassword")
		p.Has("Long enough")
		p.Press("Change password")
		p.Has("tried first")
		g.check(t, p)
		p.Fill("Current password", "eight xy")
		p.Fill("New password", "geese go e\u0301t")
		p.Has("11 of 15")
		p.Fill("New password", "geese go to "+login+" at night")
		p.Press("Change password")
		p.Has("Your password is changed")
		g.check(t, p)

		path := userLink(t, ada.Get("/administration/access?search="+login).want(t, 200).Body)
		p.Press("Name of " + login)
		p.Press("Sign out")
		signIn(p, "ada", goodPassword)
		for _, page := range []string{path, path + "/demand-password"} {
			p.Open(s.Base + page)
			g.check(t, p)
		}
		if said := p.Console(); len(said) > 0 {
			t.Errorf("the console says: %s", strings.Join(said, "\n"))
		}
	}
}
