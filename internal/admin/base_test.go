package admin_test

import (
	"fmt"
	"testing"

	"portal"
	"portal/internal/admin"
	"portal/internal/auth"
	"portal/internal/testkit/house"
)

// scene is a house with two customers.
type scene struct {
	*house.House
	acme, other portal.Actor
}

func onEach(t *testing.T, test func(*testing.T, scene)) {
	t.Helper()
	house.OnEach(t, func(t *testing.T, h *house.House) {
		test(t, scene{h, h.Customer(t, "Acme"), h.Customer(t, "Other")})
	})
}

// onSQLite is a scene whose subject no database can change.
func onSQLite(t *testing.T) scene {
	t.Helper()
	h := house.New(t, "")
	return scene{h, h.Customer(t, "Acme"), h.Customer(t, "Other")}
}

// administrator is a new administrator of the customer, signed in.
func (s scene) administrator(t *testing.T, in portal.Actor, login string) *house.Person {
	t.Helper()
	s.User(t, in, portal.RoleAdministrator, login)
	return s.Person(t, login)
}

// protected is a new user of the customer with 2FA enabled.
func (s scene) protected(t *testing.T, in portal.Actor, login string) (p *house.Person, id portal.UserID) {
	t.Helper()
	s.User(t, in, portal.RoleUser, login)
	p = s.Person(t, login)
	p.Enable()
	return p, p.Actor().UserID
}

// password is the proof of somebody without a second factor.
func password() auth.Proof { return auth.Proof{Password: house.Password} }

// edit is what the edit form of a user sends.
func edit(login string, role portal.Role) admin.Edit {
	return admin.Edit{Name: "Name of " + login, Email: login + "@example.com", Role: string(role)}
}

// refused holds that an error has a code.
func refused(t *testing.T, what string, err error, code portal.Code) {
	t.Helper()
	if got := portal.ErrorCode(err); err == nil || got != code {
		t.Errorf("%s: %v, want %s", what, err, code)
	}
}

// events reads the newest events of a customer.
func (s scene) events(t *testing.T, in portal.Actor, q admin.EventQuery) []portal.Event {
	t.Helper()
	page, err := s.Admin.Events(t.Context(), in, q)
	if err != nil {
		t.Fatal(err)
	}
	return page.Events
}

// sameRefusal holds that two errors cannot be told apart.
func sameRefusal(t *testing.T, what string, foreign, missing error) {
	t.Helper()
	if foreign == nil || fmt.Sprint(foreign) != fmt.Sprint(missing) || portal.ErrorCode(foreign) != portal.CodeNotFound {
		t.Errorf("%s: foreign %v, missing %v; want the same not-found", what, foreign, missing)
	}
}
