package admin_test

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"portal"
	"portal/internal/admin"
	"portal/internal/auth"
	"portal/internal/testkit/house"
)

func newUser(login string) admin.NewUser {
	return admin.NewUser{LoginID: login, Name: "Name of " + login, Email: login + "@example.com", Role: string(portal.RoleUser)}
}

// A taken login ID, in whatever spelling and of whatever customer, is
// answered, recorded, and may be asked for thirty times an hour.
func TestTakenLoginID(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		ada := s.administrator(t, s.acme, "ada")
		s.User(t, s.other, portal.RoleUser, "taken")
		renewed, err := s.Auth.StepUp(t.Context(), ada.Actor(), auth.NeedFresh, password())
		ada.Take(renewed, err)
		for range 10 { // free ones do not count
			s.add(t, ada, fmt.Sprint("free", s.Clock.Now().UnixNano()))
			s.Clock.Advance(time.Nanosecond)
		}
		for i := range 30 {
			_, err := s.Admin.AddUser(t.Context(), ada.Actor(), newUser([]string{"taken", "TAKEN"}[i%2]), auth.Proof{})
			refused(t, "taken", err, portal.CodeInvalid)
		}
		_, err = s.Admin.AddUser(t.Context(), ada.Actor(), newUser("another"), auth.Proof{})
		refused(t, "thirty-first", err, portal.CodeThrottled)
		var recorded int
		for _, e := range s.events(t, s.acme, admin.EventQuery{Action: portal.UserAdded}) {
			if e.Outcome == portal.Refused && e.ActorLabel == "ada" {
				recorded++
			}
		}
		if recorded != 30 {
			t.Errorf("%d refusals are recorded, want 30", recorded)
		}
	})
}

func (s scene) add(t *testing.T, by *house.Person, login string) admin.Invited {
	t.Helper()
	invited, err := s.Admin.AddUser(t.Context(), by.Actor(), newUser(login), password())
	by.Take(invited.Renewed, err)
	return invited
}

// A changed role ends the user's sessions; a changed name does not, nor an
// address that the person has not confirmed yet.
func TestEditEndsSessions(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		ada := s.administrator(t, s.acme, "ada")
		for login, c := range map[string]struct {
			edit admin.Edit
			ends bool
		}{
			"name":  {admin.Edit{Name: "New", Email: "name@example.com", Role: "user"}, false},
			"email": {admin.Edit{Name: "Name of email", Email: "new@example.com", Role: "user"}, false},
			"role":  {admin.Edit{Name: "Name of role", Email: "role@example.com", Role: "administrator"}, true},
		} {
			id := s.User(t, s.acme, portal.RoleUser, login).ID
			p := s.Person(t, login)
			ada.Take(s.Admin.EditUser(t.Context(), ada.Actor(), id, c.edit, password()))
			if p.Signed() == c.ends {
				t.Errorf("%s: signed in %v, want %v", login, p.Signed(), !c.ends)
			}
		}
		for _, bad := range []admin.Edit{
			{Name: "", Email: "a@example.com", Role: "user"}, {Name: "A", Email: "a", Role: "user"},
			{Name: "A", Email: "a@example.com", Role: "operator"}, {Name: "A", Email: "a@example.com"},
		} {
			_, err := s.Admin.EditUser(t.Context(), ada.Actor(), ada.Actor().UserID, bad, password())
			refused(t, fmt.Sprint(bad), err, portal.CodeInvalid)
		}
	})
}

// Suspending ends sessions at once and the account stays closed until it is
// reactivated.
func TestSuspend(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		ada := s.administrator(t, s.acme, "ada")
		p, id := s.protected(t, s.acme, "wendy")
		ada.Take(s.Admin.Suspend(t.Context(), ada.Actor(), id, password()))
		if p.Signed() {
			t.Error("the session lives")
		}
		_, err := s.Auth.SignIn(t.Context(), house.Origin(), "wendy", house.Password)
		refused(t, "suspended", err, portal.CodeInvalid)
		_, err = s.Admin.Suspend(t.Context(), ada.Actor(), id, password())
		refused(t, "twice", err, portal.CodeConflict)
		ada.SignIn()
		ada.Take(s.Admin.Reactivate(t.Context(), ada.Actor(), id, password()))
		p.SignIn()
		if p.State() != portal.TwoFactorEnabled {
			t.Error("2FA is gone")
		}
	})
}

// The list pages forwards and back again, fifty a page, each user once; a page
// that is left at somebody unknown begins anew.
func TestUserPages(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		for i := range 120 {
			if _, err := s.Admin.AddUserWithLink(t.Context(), s.acme, newUser(fmt.Sprintf("user%03d", i))); err != nil {
				t.Fatal(err)
			}
		}
		for _, search := range []string{"", "user"} {
			var there, back []portal.UserID
			var q admin.UserQuery
			q.Search = search
			var page admin.UserPage
			for first := true; first || page.Next != ""; first = false {
				q.After = page.Next
				page = s.list(t, q)
				there = append(there, ids(page)...)
			}
			last := page
			q.After = ""
			for back = ids(last); page.Previous != ""; {
				q.Before = page.Previous
				page = s.list(t, q)
				back = append(ids(page), back...)
			}
			if len(there) != 120 || !slices.Equal(there, back) {
				t.Errorf("search %q: forwards %d, backwards %d users", search, len(there), len(back))
			}
			for _, lost := range []admin.UserQuery{
				{After: "missing"}, {Before: "missing"}, {Before: there[0]}, {After: there[len(there)-1]},
			} {
				lost.Search = search
				page := s.list(t, lost)
				if len(page.Users) != 50 || page.Users[0].ID != there[0] || page.Previous != "" || page.Next != there[49] {
					t.Errorf("%+v: %d users, previous %q, next %q; want the first page", lost, len(page.Users), page.Previous, page.Next)
				}
			}
		}
	})
}

func (s scene) list(t *testing.T, q admin.UserQuery) admin.UserPage {
	t.Helper()
	page, err := s.Admin.Users(t.Context(), s.acme, q)
	if err != nil {
		t.Fatal(err)
	}
	return page
}

func ids(page admin.UserPage) (all []portal.UserID) {
	for _, u := range page.Users {
		all = append(all, u.ID)
	}
	return all
}

func first(customer, login string) admin.FirstAdministrator {
	return admin.FirstAdministrator{Customer: customer, Name: "First", LoginID: login, Email: login + "@example.com", Password: house.Password}
}

// Of many set-ups at once one goes through; nothing of the others stays.
func TestSetUpAtOnce(t *testing.T) {
	house.OnEach(t, func(t *testing.T, h *house.House) {
		token, err := h.Admin.SetUpLink(t.Context(), h.Host())
		if err != nil {
			t.Fatal(err)
		}
		var done atomic.Int64
		house.AtOnce(8, func(i int) {
			err := h.Admin.SetUp(t.Context(), house.Origin(), token, first(fmt.Sprint("Customer ", i), fmt.Sprint("first", i)))
			if err == nil {
				done.Add(1)
			} else {
				refused(t, "late", err, portal.CodeNotFound)
			}
		})
		customers, err := h.Admin.Customers(t.Context(), h.Host())
		if err != nil || done.Load() != 1 || len(customers) != 1 {
			t.Errorf("%d set-ups, %d customers, %v; want one", done.Load(), len(customers), err)
		}
	})
}

// The set-up link is the newest only, opens without being used up, runs out,
// and is void for ever once an administrator exists, by whatever way.
func TestSetUpLink(t *testing.T) {
	house.OnEach(t, func(t *testing.T, h *house.House) {
		link := func() string {
			token, err := h.Admin.SetUpLink(t.Context(), h.Host())
			if err != nil {
				t.Fatal(err)
			}
			return token
		}
		closed := func(what, token string) {
			t.Helper()
			_, err := h.Auth.OpenLink(t.Context(), token)
			refused(t, what+": opening", err, portal.CodeNotFound)
			refused(t, what, h.Admin.SetUp(t.Context(), house.Origin(), token, first("X", "x")), portal.CodeNotFound)
		}
		old, token := link(), link()
		closed("older", old)
		for range 3 {
			if l, err := h.Auth.OpenLink(t.Context(), token); err != nil || l.Purpose != auth.ForSetUp {
				t.Fatalf("%+v, %v", l, err)
			}
		}
		refused(t, "weak password", h.Admin.SetUp(t.Context(), house.Origin(), token, admin.FirstAdministrator{
			Customer: "X", Name: "X", LoginID: "x", Email: "x@example.com", Password: "short",
		}), portal.CodeInvalid)
		h.Clock.Advance(24 * time.Hour)
		closed("run out", token)
		token = link()
		h.User(t, h.Customer(t, "Acme"), portal.RoleAdministrator, "ada")
		closed("after an administrator of the host", token)
		if again := link(); again != "" {
			t.Error("there is a link although there is an administrator")
		}
	})
}
