package main

import (
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// extras are fields that no form of the portal has, or that belong to another
// form: whoever adds them to a form of the own gets nothing for it.
func extras(customer, user string) url.Values {
	all := url.Values{}
	for name, value := range map[string]string{
		"customer": customer, "customer_id": customer, "user_id": user, "id": user, "actor": user, "target": user,
		"role": "administrator", "state": "suspended", "twofa_state": "none", "two_factor": "none", "stored": "none",
		"password_hash": "x", "security_version": "99", "frozen_at": "1", "must_reset_at": "1", "owes": "", "admin": "1",
		"second_email": "evil@example.com", "pending_email": "evil@example.com", "user_policy": "off", "session": "x", "host": "1",
	} {
		all.Set(name, value)
	}
	return all
}

// Only the fields that a deed lists are read: any others have no effect,
// in the form or in the address (AZ-04).
func TestExtraFieldsHaveNoEffect(t *testing.T) {
	t.Parallel()
	town := newTown(t, install(t).Serve())
	uli := town.settle("user", "Acme", "user", "uli")
	rob := town.settle("user of another customer", "Rival", "user", "rita")
	plain := func(login string) string {
		kept := strings.Split(town.server.Run("", "user", "show", login), "\n")
		return strings.Join(slices.DeleteFunc(kept, func(line string) bool {
			return strings.HasPrefix(line, "Sessions") || strings.HasPrefix(line, "Last sign-in")
		}), "\n")
	}
	before := map[string]string{}
	for _, login := range []string{"uli", "tess", "ada", "rob", rob.login} {
		before[login] = plain(login)
	}
	more := extras("Rival", town.target)
	send := func(v visitor, path string, status int, pairs ...string) {
		t.Helper()
		form := maps.Clone(more)
		for i := 0; i < len(pairs); i += 2 {
			form.Set(pairs[i], pairs[i+1])
		}
		var all []string
		for name := range form {
			all = append(all, name, form.Get(name))
		}
		v.Post(path+"?"+more.Encode(), all...).want(t, status)
	}
	send(uli, "/account/2fa/start", 303)
	send(uli, "/account/2fa/cancel", 303)
	send(uli, "/account/sessions/end-others", 303, "password", goodPassword)
	send(uli, "/account/password", 303, "current_password", goodPassword, "new_password", "another good long password")
	user := "/administration/access/" + town.target
	send(town.admin, user, 303, "name", "Name of tess", "email", "tess@example.com", "role", "user", "password", goodPassword)
	send(town.admin, user+"/end-sessions", 303, "password", goodPassword)
	for login, was := range before {
		if now := plain(login); now != was {
			t.Errorf("%s was\n%s\nand is\n%s", login, was, now)
		}
	}
	added := town.admin.Post("/administration/access/add", "login_id", "newby", "name", "Newby", "email", "newby@example.com", "role", "user",
		"customer", "Rival", "customer_id", "Rival", "twofa_state", "enabled", "password", goodPassword, "password_hash", "x").want(t, 200)
	if shown := plain("newby"); !strings.Contains(shown, "Acme") || !strings.Contains(shown, "Invited") || !strings.Contains(shown, "2FA not Enabled") || added.Body == "" {
		t.Errorf("the new user is\n%s", shown)
	}
	town.admin.Post("/administration/access/add", "login_id", "boss", "name", "Boss", "email", "boss@example.com", "role", "operator", "password", goodPassword).want(t, 422)
}
