package admin_test

import (
	"fmt"
	"testing"

	"portal"
	"portal/internal/admin"
	"portal/internal/auth"
	"portal/internal/store"
	"portal/internal/testkit/house"
)

// coup is a way for one administrator to get rid of another.
type coup func(s scene, t *testing.T, by portal.Actor, login string, id portal.UserID) error

func demote(s scene, t *testing.T, by portal.Actor, login string, id portal.UserID) error {
	_, err := s.Admin.EditUser(t.Context(), by, id, edit(login, portal.RoleUser), password())
	return err
}

func suspend(s scene, t *testing.T, by portal.Actor, _ string, id portal.UserID) error {
	_, err := s.Admin.Suspend(t.Context(), by, id, password())
	return err
}

// Two administrators who get rid of each other at the same moment leave one,
// whichever way they do it (LC-13).
func TestOneAdministratorStays(t *testing.T) {
	for name, coups := range map[string][2]coup{
		"demote-demote": {demote, demote}, "suspend-demote": {suspend, demote}, "suspend-suspend": {suspend, suspend},
	} {
		t.Run(name, func(t *testing.T) {
			house.OnEach(t, func(t *testing.T, h *house.House) {
				for round := range 50 {
					s := scene{House: h, acme: h.Customer(t, fmt.Sprint("Acme ", round))}
					s.getRidOfEachOther(t, round, coups)
				}
			})
		})
	}
}

func (s scene) getRidOfEachOther(t *testing.T, round int, coups [2]coup) {
	t.Helper()
	logins := [2]string{fmt.Sprint("ada", round), fmt.Sprint("bob", round)}
	var actors [2]portal.Actor
	for i, login := range logins {
		actors[i] = s.administrator(t, s.acme, login).Actor()
	}
	house.AtOnce(2, func(i int) {
		err := coups[i](s, t, actors[i], logins[1-i], actors[1-i].UserID)
		switch portal.ErrorCode(err) {
		case portal.CodeConflict, portal.CodeProof, portal.CodeSignIn:
		default:
			if err != nil {
				t.Errorf("round %d: %v", round, err)
			}
		}
	})
	if n := s.activeAdministrators(t, s.acme); n != 1 {
		t.Errorf("round %d: %d administrators stay, want 1", round, n)
	}
}

func (s scene) activeAdministrators(t *testing.T, in portal.Actor) (n int) {
	t.Helper()
	page, err := s.Admin.Users(t.Context(), in, admin.UserQuery{})
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range page.Users {
		if u.Role == portal.RoleAdministrator && u.State == portal.UserActive && !u.Invited {
			n++
		}
	}
	return n
}

// Of two commands on the host that suspend the last two operators at the same
// moment one is refused (LC-13).
func TestOneOperatorStays(t *testing.T) {
	house.OnEach(t, func(t *testing.T, h *house.House) {
		s := scene{House: h}
		for round := range 20 {
			var ids [2]portal.UserID
			for i := range ids {
				ids[i] = s.User(t, s.Host(), portal.RoleOperator, fmt.Sprint("op", round, "-", i)).ID
			}
			var suspended [2]error
			house.AtOnce(2, func(i int) {
				_, suspended[i] = s.Admin.Suspend(t.Context(), s.Host(), ids[i], auth.Proof{})
			})
			if (suspended[0] == nil) == (suspended[1] == nil) {
				t.Fatalf("round %d: %v, %v; want one refused", round, suspended[0], suspended[1])
			}
			stays := 0
			if suspended[0] == nil {
				stays = 1
			}
			refused(t, "the last operator", suspended[stays], portal.CodeConflict)
			s.retire(t, ids[stays])
		}
	})
}

// retire takes an operator away past the rules.
func (s scene) retire(t *testing.T, id portal.UserID) {
	t.Helper()
	err := s.Store.WriteUnaudited(t.Context(), portal.NoCustomer, "test", func(tx *store.Tx) error {
		_, err := tx.SetUserState(t.Context(), id, portal.UserSuspended)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// The last administrator stays, whoever asks: the host, or the administrator.
// One who is suspended, frozen or has no password yet is no help.
func TestLastAdministratorStays(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		ada := s.administrator(t, s.acme, "ada")
		id := ada.Actor().UserID
		s.administrator(t, s.other, "foreign")
		gone := s.User(t, s.acme, portal.RoleAdministrator, "gone")
		if _, err := s.Admin.Suspend(t.Context(), s.acme, gone.ID, auth.Proof{}); err != nil {
			t.Fatal(err)
		}
		frozen := s.User(t, s.acme, portal.RoleAdministrator, "cold")
		err := s.Store.WriteUnaudited(t.Context(), s.acme.CustomerID, "test", func(tx *store.Tx) error {
			_, err := tx.Freeze(t.Context(), frozen.ID)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		invited := admin.NewUser{LoginID: "new", Name: "New", Email: "new@example.com", Role: string(portal.RoleAdministrator)}
		if _, err := s.Admin.AddUserWithLink(t.Context(), s.acme, invited); err != nil {
			t.Fatal(err)
		}
		refused(t, "demoted by the host", demote(s, t, s.acme, "ada", id), portal.CodeConflict)
		refused(t, "suspended by the host", suspend(s, t, s.acme, "ada", id), portal.CodeConflict)
		refused(t, "demoted by oneself", demote(s, t, ada.Actor(), "ada", id), portal.CodeConflict)
		ada.SignIn()
		refused(t, "suspended by oneself", suspend(s, t, ada.Actor(), "ada", id), portal.CodeConflict)

		s.User(t, s.acme, portal.RoleAdministrator, "bob")
		ada.SignIn()
		if err := demote(s, t, ada.Actor(), "ada", id); err != nil {
			t.Errorf("with another administrator: %v", err)
		}
	})
}
