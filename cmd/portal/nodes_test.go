package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"portal/internal/testkit"
)

// twoNodes are two running portals over one PostgreSQL, and a customer.
func twoNodes(t *testing.T) (one, two *server) {
	t.Helper()
	in := install(t)
	in.Database = testkit.Postgres(t)
	in.Run("", "customer", "add", "Acme")
	return in.Serve(), in.second().Serve()
}

// No request needs the node of the one before it: a browser whose requests go
// to two nodes in turn lives through everything, from the sign-in over set-up
// and both kinds of code to the deletion.
func TestNoStickySessions(t *testing.T) {
	t.Parallel()
	one, two := twoNodes(t)
	wendy := one.join("Acme", "user", "wendy")
	wendy.alternate(one.Base, two.Base)
	wendy.signIn()
	codes := wendy.enable()
	wendy.Get("/").want(t, http.StatusOK)
	for _, again := range [][]string{{"/sign-in/code", "code", ""}, {"/sign-in/recovery-code", "recovery_code", codes[0]}} {
		wendy.Post("/sign-out")
		if to := wendy.enterPassword(); to != "/sign-in/code" {
			t.Fatalf("the password leads to %s", to)
		}
		if again[2] == "" {
			again[2] = wendy.code()
		}
		wendy.Post(again[0], again[1:]...).wantRedirect(t, "/")
	}
	for _, node := range []*server{one, two} { // what was spent at the one is spent at the other
		late := node.person("wendy")
		late.enterPassword()
		late.Post("/sign-in/recovery-code", "recovery_code", codes[0]).want(t, http.StatusUnprocessableEntity)
		late.Post("/sign-in/code", "code", wendy.codeOf(wendy.secrets[0])).want(t, http.StatusUnprocessableEntity)
	}
	for _, deed := range []string{"disable", "enable", "delete"} {
		wendy.Post("/account/2fa/"+deed, "password", wendy.password, "code", wendy.code())
	}
	if state := stateOn(wendy.Get("/account").want(t, http.StatusOK).Body); state != "none" {
		t.Errorf("after the deletion the state is %s", state)
	}
}

// What is taken away at one node is gone at the other with the next request:
// sessions, half sessions and links.
func TestRevokedOnEachNode(t *testing.T) {
	t.Parallel()
	one, two := twoNodes(t)
	ada := one.join("Acme", "administrator", "ada")
	ada.signIn()
	for login, revoke := range map[string]func(p *person, path string){
		"suspended": func(_ *person, path string) { ada.Post(path+"/suspend", "password", goodPassword).want(t, 303) },
		"ended":     func(_ *person, path string) { ada.Post(path+"/end-sessions", "password", goodPassword).want(t, 303) },
		"deleted": func(_ *person, path string) {
			ada.Post(path+"/delete-2fa", "password", goodPassword, "reason", "lost").want(t, 303)
		},
		"demanded": func(p *person, _ string) { one.Run("", "user", "demand-password", p.login) },
		"changed": func(p *person, _ string) {
			p.Post("/account/password", "current_password", goodPassword, "new_password", goodPassword+" again", "code", p.code()).want(t, 303)
		},
		"all": func(p *person, _ string) {
			p.Post("/account/sessions/end-others", "password", goodPassword, "code", p.code()).want(t, 303)
		},
	} {
		here := one.join("Acme", "user", login)
		here.signIn()
		here.enable()
		there, half := two.person(login), two.person(login)
		there.enterPassword()
		there.Post("/sign-in/code", "code", here.code()).wantRedirect(t, "/") // one clock rules both nodes
		there.Get("/account").want(t, http.StatusOK)
		half.enterPassword()
		revoke(here, userLink(t, ada.Get("/administration/access?search="+login).want(t, 200).Body))
		there.Get("/account").wantRedirect(t, "/sign-in")
		if login != "all" {
			a := half.Post("/sign-in/code", "code", here.code())
			if a.Status == http.StatusSeeOther && !strings.HasPrefix(a.Location, "/sign-in") {
				t.Errorf("%s: half a session of the other node leads to %s", login, a.Location)
			}
		}
	}
}

// A URL may name several hosts; one that is dead is passed over.
func TestSecondHostOfTheDatabase(t *testing.T) {
	t.Parallel()
	in := install(t)
	database, err := url.Parse(testkit.Postgres(t))
	must(t, err)
	database.Host = freeAddress(t) + "," + database.Host
	query := database.Query()
	query.Set("target_session_attrs", "read-write")
	database.RawQuery = query.Encode()
	in.Database = database.String()
	s := in.Serve()
	if !s.ready() {
		t.Error("the node is not ready")
	}
	s.Run("", "customer", "add", "Acme")
	wendy := s.join("Acme", "user", "wendy")
	wendy.signIn()
	wendy.enable()
	if strings.Contains(s.Log(), "portal_test:") {
		t.Error("the password of the database is in the log")
	}
}
