package admin_test

import (
	"testing"
	"time"

	"portal"
	"portal/internal/admin"
	"portal/internal/auth"
	"portal/internal/testkit/house"
)

// moved is what the edit form sends for another address.
func moved(login, email string) admin.Edit {
	in := edit(login, portal.RoleUser)
	in.Email = email
	return in
}

// An administrator's new address counts once the person has confirmed it by the
// mailed link; the old address is told (LC-11). The link lapses with the
// administrator's right.
func TestAddressByAnAdministrator(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		ada, bob := s.administrator(t, s.acme, "ada"), s.administrator(t, s.acme, "bob")
		for login, by := range map[string]*house.Person{"wendy": ada, "will": bob} {
			id := s.User(t, s.acme, portal.RoleUser, login).ID
			by.Take(s.Admin.EditUser(t.Context(), by.Actor(), id, moved(login, "new@example.org"), password()))
			detail, err := s.Admin.User(t.Context(), ada.Actor(), id)
			if err != nil || detail.User.Email != login+"@example.com" || detail.Addresses.PendingFirst != "new@example.org" {
				t.Fatalf("%s: %+v, %v", login, detail.Addresses, err)
			}
			if told := s.LettersOf(t, login, portal.MailAddressAsked); len(told) != 1 || told[0].To != login+"@example.com" || told[0].Alarm == "" || told[0].By == "" {
				t.Errorf("told: %+v", told)
			}
		}
		if _, err := s.Admin.Suspend(t.Context(), s.acme, bob.Actor().UserID, auth.Proof{}); err != nil {
			t.Fatal(err)
		}
		confirm := func(login string) error {
			letters := s.LettersOf(t, login, portal.MailConfirmAddress)
			if len(letters) != 1 || letters[0].To != "new@example.org" {
				t.Fatalf("letters: %+v", letters)
			}
			return s.Auth.ConfirmAddress(t.Context(), house.Origin(), letters[0].Token)
		}
		refused(t, "asked by somebody who is suspended", confirm("will"), portal.CodeNotFound)
		if err := confirm("wendy"); err != nil {
			t.Error(err)
		}
	})
}

// An administrator's own address takes a proof each time, which the edit form
// does not ask for: there it stays as it is, whatever is sent (LC-01).
func TestOwnAddressIsNotEdited(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		ada := s.administrator(t, s.acme, "ada")
		id := ada.Actor().UserID
		own := edit("ada", portal.RoleAdministrator)
		ada.Take(s.Admin.EditUser(t.Context(), ada.Actor(), id, own, password())) // and the step-up is fresh now
		for range 11 {
			own.Email = "evil@example.org"
			_, err := s.Admin.EditUser(t.Context(), ada.Actor(), id, own, password())
			refused(t, "the own address", err, portal.CodeConflict)
		}
		detail, err := s.Admin.User(t.Context(), ada.Actor(), id)
		if err != nil || detail.User.Email != "ada@example.com" || detail.Addresses.PendingFirst != "" || len(s.LettersOf(t, "ada", portal.MailConfirmAddress)) != 0 {
			t.Errorf("%+v, %+v, %v", detail.User, detail.Addresses, err)
		}
		ada.Take(s.Auth.ChangeAddress(t.Context(), ada.Actor(), auth.FirstAddress, "new@example.org", password()))
	})
}

// Who has not chosen a password yet gets a new invitation at the new address,
// and the old one is void.
func TestAddressOfTheInvited(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		ada := s.administrator(t, s.acme, "ada")
		invited := s.add(t, ada, "wendy")
		ada.Take(s.Admin.EditUser(t.Context(), ada.Actor(), invited.User.ID, moved("wendy", "right@example.org"), password()))
		letters := s.LettersOf(t, "wendy", portal.MailInvitation)
		if len(letters) != 2 || letters[1].To != "right@example.org" {
			t.Fatalf("invitations: %+v", letters)
		}
		refused(t, "the old invitation", s.accept(t, letters[0].Token), portal.CodeNotFound)
		if err := s.accept(t, letters[1].Token); err != nil {
			t.Error(err)
		}
	})
}

// The host sets an address at once; old and new one are told, and the sessions
// end. Nobody else may.
func TestAddressByTheHost(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		ada := s.administrator(t, s.acme, "ada")
		id := s.User(t, s.acme, portal.RoleUser, "wendy").ID
		wendy := s.Person(t, "wendy")
		refused(t, "by an administrator", s.Admin.SetEmail(t.Context(), ada.Actor(), id, "new@example.org"), portal.CodeNotFound)
		refused(t, "no address", s.Admin.SetEmail(t.Context(), s.acme, id, "new"), portal.CodeInvalid)
		for _, same := range []string{"wendy@example.com", "Wendy@Example.COM"} {
			refused(t, same, s.Admin.SetEmail(t.Context(), s.acme, id, same), portal.CodeConflict)
		}
		if err := s.Admin.SetEmail(t.Context(), s.acme, id, "new@example.org"); err != nil {
			t.Fatal(err)
		}
		detail, err := s.Admin.User(t.Context(), s.acme, id)
		if err != nil || detail.User.Email != "new@example.org" || wendy.Signed() {
			t.Errorf("%+v, %v, signed in %v", detail.User, err, wendy.Signed())
		}
		to := map[string]bool{}
		for _, l := range s.LettersOf(t, "wendy", portal.MailAddressChanged) {
			to[l.To] = l.Alarm != ""
		}
		if !to["new@example.org"] || !to["wendy@example.com"] || len(to) != 2 {
			t.Errorf("told: %v", to)
		}
		e := s.events(t, s.acme, admin.EventQuery{Action: portal.UserEdited})[0]
		if e.ActorKind != portal.ActorHost || e.ActorLabel != "root" || e.Origin.Address != "host.test" || e.TargetLabel != "wendy" {
			t.Errorf("event: %+v", e)
		}
	})
}

// Administrators and the owner together ask for ten addresses an hour.
func TestAddressesAreLimited(t *testing.T) {
	s := onSQLite(t)
	ada := s.administrator(t, s.acme, "ada")
	id := s.User(t, s.acme, portal.RoleUser, "wendy").ID
	for range 10 {
		ada.Take(s.Admin.EditUser(t.Context(), ada.Actor(), id, moved("wendy", "new@example.org"), password()))
	}
	_, err := s.Admin.EditUser(t.Context(), ada.Actor(), id, moved("wendy", "new@example.org"), password())
	refused(t, "the eleventh", err, portal.CodeThrottled)
	ada.Take(s.Admin.EditUser(t.Context(), ada.Actor(), id, edit("wendy", portal.RoleUser), password()))
	s.Clock.Advance(time.Hour)
	ada.SignIn()
	ada.Take(s.Admin.EditUser(t.Context(), ada.Actor(), id, moved("wendy", "new@example.org"), password()))
}
