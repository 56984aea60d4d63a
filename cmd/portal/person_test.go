package main

import (
	"html"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"portal/internal/testkit"
)

// person uses the portal over HTTP: a client, a password, and a phone.
type person struct {
	*client
	server   *server
	login    string
	password string
	secrets  []string // keys that the phone has scanned, newest last
}

const goodPassword = "one good long password"

// join adds a user on the host and returns the person, not signed in yet.
func (s *server) join(customer, role, login string) *person {
	s.t.Helper()
	args := []string{"user", "add", "--role", role, "--name", "Name of " + login, "--email", login + "@example.com", "--password-stdin", login}
	if customer != "" {
		args = append(args, "--customer", customer)
	}
	s.Run(goodPassword+"\n", args...)
	return s.person(login)
}

// person is somebody who has an account already, in front of a new browser.
func (s *server) person(login string) *person {
	return &person{client: newClient(s.t, s.Base), server: s, login: login, password: goodPassword}
}

// signIn signs in, with a code where one is owed.
func (p *person) signIn() {
	p.t.Helper()
	if p.enterPassword() == "/sign-in/code" {
		p.Post("/sign-in/code", "code", p.code()).wantRedirect(p.t, "/")
	}
}

// enterPassword takes the first step and returns where it leads.
func (p *person) enterPassword() string {
	p.t.Helper()
	return p.Post("/sign-in", "login_id", p.login, "password", p.password).want(p.t, http.StatusSeeOther).Location
}

// code waits for the next time step and reads the newest entry of the phone.
func (p *person) code() string {
	p.t.Helper()
	p.server.Advance(30 * time.Second)
	return p.codeOf(p.secrets[len(p.secrets)-1])
}

func (p *person) codeOf(secret string) string {
	return testkit.OathCode(p.t, secret, p.server.Now())
}

// scan reads the key of the set-up that the account page shows.
func (p *person) scan(page string) {
	p.t.Helper()
	key := typedKey(page)
	if key == "" {
		p.t.Fatalf("no set-up is shown:\n%s", page)
	}
	p.keep(key)
}

// keep puts a key at the end of the phone's list, where it is the newest.
func (p *person) keep(key string) {
	p.secrets = slices.DeleteFunc(p.secrets, func(have string) bool { return have == key })
	p.secrets = append(p.secrets, key)
}

// typedKey finds the key for typing in a page, as the app wants it.
func typedKey(page string) string {
	found := regexp.MustCompile(`(?:[A-Z2-7]{4} ){7}[A-Z2-7]{4}`).FindString(visible(page))
	return strings.ReplaceAll(found, " ", "")
}

// enable lives through the set-up and returns the recovery codes.
func (p *person) enable() []string {
	p.t.Helper()
	p.Post("/account/2fa/start").wantRedirect(p.t, "/account")
	p.scan(p.Get("/account").want(p.t, 200).Body)
	done := p.Post("/account/2fa/confirm", "code", p.code()).want(p.t, 200)
	return recoveryCodes(done.Body)
}

func recoveryCodes(page string) []string {
	return regexp.MustCompile(`\b[A-Z2-7]{5}(?:-[A-Z2-7]{5}){4}\b`).FindAllString(visible(page), -1)
}

// visible is the text of a page without its tags.
func visible(page string) string {
	return html.UnescapeString(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(page, " "))
}

// must is for steps of a test's stage that cannot fail.
func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// posts sends a form and tells whether there was an answer. An answer is never
// a fault of the server.
func (p *person) posts(path string, pairs ...string) bool {
	p.t.Helper()
	a, err := p.tryPost(path, pairs...)
	if err == nil && a.Status >= 500 {
		p.t.Fatalf("%s answers %d\n%s", path, a.Status, a.Body)
	}
	return err == nil
}

// stateOn reads the 2FA state off an account page: none, kept or enabled.
func stateOn(page string) string {
	text := visible(page)
	switch {
	case strings.Contains(page, `action="/account/2fa/disable"`):
		return "enabled"
	case strings.Contains(text, "your setup is kept"):
		return "kept"
	}
	return "none"
}

// reachEveryState goes around the state table until every state was there.
func (p *person) reachEveryState() {
	p.t.Helper()
	seen := map[string]bool{}
	for range 100 {
		page := p.Get("/account").want(p.t, 200).Body
		seen[stateOn(page)] = true
		if len(seen) == 3 {
			return
		}
		if !p.oneStep() {
			p.t.Fatal("the server is gone")
		}
	}
	p.t.Fatalf("only these states were reached: %v\n%s", seen, visible(p.Get("/account").Body))
}
