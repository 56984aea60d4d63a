package admin_test

import (
	"sync/atomic"
	"testing"
	"time"

	"portal"
	"portal/internal/admin"
	"portal/internal/auth"
	"portal/internal/store"
	"portal/internal/testkit/house"
)

const chosen = "the password that was chosen"

// accept uses an invitation link.
func (s scene) accept(t *testing.T, token string) error {
	t.Helper()
	return s.Auth.AcceptInvitation(t.Context(), house.Origin(), token, chosen)
}

// The invitation goes to the address of the account, and the mail's link is
// the one that was shown.
func TestInvitationIsMailed(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		ada := s.administrator(t, s.acme, "ada")
		invited := s.add(t, ada, "wendy")
		letters := s.Letters(t, "wendy")
		if len(letters) != 1 {
			t.Fatalf("%d letters, want the invitation", len(letters))
		}
		l := letters[0]
		if l.Kind != portal.MailInvitation || l.To != "wendy@example.com" || l.Token != invited.Token || !l.Until.Equal(invited.ExpiresAt) || l.By != "Name of ada" {
			t.Errorf("letter: %+v", l)
		}
		if err := s.accept(t, l.Token); err != nil {
			t.Error(err)
		}
	})
}

// lapses are what ends an invitation that ada made for a user.
func (s scene) lapses(t *testing.T) map[string]func(ada *house.Person, id portal.UserID) error {
	host := auth.Proof{}
	adaID := func(ada *house.Person) portal.UserID { return ada.Actor().UserID }
	inStore := func(change func(*store.Tx) error) error {
		return s.Store.WriteUnaudited(t.Context(), s.acme.CustomerID, "test", change)
	}
	return map[string]func(*house.Person, portal.UserID) error{
		"withdrawn": func(ada *house.Person, id portal.UserID) error {
			renewed, err := s.Admin.WithdrawInvitation(t.Context(), ada.Actor(), id, password())
			ada.Renew(renewed)
			return err
		},
		"inviter suspended": func(ada *house.Person, _ portal.UserID) error {
			_, err := s.Admin.Suspend(t.Context(), s.acme, adaID(ada), host)
			return err
		},
		"inviter demoted": func(ada *house.Person, _ portal.UserID) error {
			_, err := s.Admin.EditUser(t.Context(), s.acme, adaID(ada), edit(ada.Login, portal.RoleUser), host)
			return err
		},
		"inviter frozen": func(ada *house.Person, _ portal.UserID) error {
			id := adaID(ada)
			return inStore(func(tx *store.Tx) error { _, err := tx.Freeze(t.Context(), id); return err })
		},
		"user suspended": func(_ *house.Person, id portal.UserID) error {
			_, err := s.Admin.Suspend(t.Context(), s.acme, id, host)
			return err
		},
		"user suspended and reactivated": func(_ *house.Person, id portal.UserID) error {
			if _, err := s.Admin.Suspend(t.Context(), s.acme, id, host); err != nil {
				return err
			}
			_, err := s.Admin.Reactivate(t.Context(), s.acme, id, host)
			return err
		},
		"other address": func(_ *house.Person, id portal.UserID) error {
			to := admin.Edit{Name: "X", Email: "new@example.com", Role: "user"}
			_, err := s.Admin.EditUser(t.Context(), s.acme, id, to, host)
			return err
		},
		"other role": func(_ *house.Person, id portal.UserID) error {
			_, err := s.Admin.EditUser(t.Context(), s.acme, id, edit("wendy", portal.RoleAdministrator), host)
			return err
		},
		"newer": func(ada *house.Person, id portal.UserID) error {
			invited, err := s.Admin.Invite(t.Context(), ada.Actor(), id, password())
			ada.Renew(invited.Renewed)
			return err
		},
		"run out": func(*house.Person, portal.UserID) error { s.Clock.Advance(72 * time.Hour); return nil },
	}
}

// An invitation lapses with the inviter's right, when it is withdrawn, when the
// account has changed, with time, and by a newer one (LC-10, LC-15). It is dead
// at opening and at accepting, and nothing has become of the account.
func TestInvitationLapses(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		s.administrator(t, s.acme, "keeper")
		number := 0
		for name, lapse := range s.lapses(t) {
			number++
			login := string(rune('a'+number)) + "-wendy"
			ada := s.administrator(t, s.acme, string(rune('a'+number))+"-ada")
			invited := s.add(t, ada, login)
			if err := lapse(ada, invited.User.ID); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			_, err := s.Auth.OpenLink(t.Context(), invited.Token)
			refused(t, name+": opening", err, portal.CodeNotFound)
			refused(t, name, s.accept(t, invited.Token), portal.CodeNotFound)
			if detail, err := s.Admin.User(t.Context(), s.acme, invited.User.ID); err != nil || !detail.User.Invited {
				t.Errorf("%s: %+v, %v; want the account still without a password", name, detail.User, err)
			}
		}
	})
}

// An invitation hangs on its own inviter: what becomes of a colleague does not
// touch it, nor one of the host.
func TestInvitationOfTheHostAndOfAColleagueStays(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		ada, bob := s.administrator(t, s.acme, "ada"), s.administrator(t, s.acme, "bob")
		fromHost, err := s.Admin.AddUserWithLink(t.Context(), s.acme, newUser("one"))
		if err != nil {
			t.Fatal(err)
		}
		fromBob := s.add(t, bob, "two")
		if _, err := s.Admin.Suspend(t.Context(), s.acme, ada.Actor().UserID, auth.Proof{}); err != nil {
			t.Fatal(err)
		}
		for _, token := range []string{fromHost.Token, fromBob.Token} {
			if err := s.accept(t, token); err != nil {
				t.Error(err)
			}
		}
	})
}

// Of a withdrawal and an acceptance at the same moment one comes first and the
// other is refused.
func TestWithdrawnAndAcceptedAtOnce(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		for i := range 10 {
			invited, err := s.Admin.AddUserWithLink(t.Context(), s.acme, newUser("w"+string(rune('a'+i))))
			if err != nil {
				t.Fatal(err)
			}
			var done atomic.Int64
			house.AtOnce(2, func(i int) {
				var err error
				if i == 0 {
					err = s.accept(t, invited.Token)
				} else {
					_, err = s.Admin.WithdrawInvitation(t.Context(), s.acme, invited.User.ID, auth.Proof{})
				}
				if err == nil {
					done.Add(1)
				}
			})
			if done.Load() != 1 {
				t.Errorf("%d of the two were done, want 1", done.Load())
			}
		}
	})
}

// What a page tells of an invitation: how long it is open, and that there is
// nothing to withdraw without one.
func TestOpenInvitationIsShown(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		ada := s.administrator(t, s.acme, "ada")
		invited := s.add(t, ada, "wendy")
		shown := func() time.Time {
			detail, err := s.Admin.User(t.Context(), ada.Actor(), invited.User.ID)
			if err != nil {
				t.Fatal(err)
			}
			return detail.InvitedUntil
		}
		if !shown().Equal(s.Clock.Now().Add(72 * time.Hour)) {
			t.Errorf("open until %v", shown())
		}
		ada.Take(s.Admin.WithdrawInvitation(t.Context(), ada.Actor(), invited.User.ID, password()))
		if !shown().IsZero() {
			t.Errorf("open until %v after it was withdrawn", shown())
		}
		renewed, err := s.Admin.WithdrawInvitation(t.Context(), ada.Actor(), invited.User.ID, password())
		ada.Renew(renewed)
		refused(t, "withdrawn twice", err, portal.CodeConflict)
		for _, e := range s.events(t, s.acme, admin.EventQuery{Action: portal.InvitationDropped}) {
			if e.TargetLabel != "wendy" || e.ActorLabel != "ada" {
				t.Errorf("event %+v", e)
			}
		}
	})
}

// An administrator sends a hundred invitations an hour; the host any number.
func TestInvitationsAreLimited(t *testing.T) {
	s := onSQLite(t)
	ada := s.administrator(t, s.acme, "ada")
	invited := s.add(t, ada, "wendy")
	for range 99 {
		again, err := s.Admin.Invite(t.Context(), ada.Actor(), invited.User.ID, auth.Proof{})
		ada.Take(again.Renewed, err)
	}
	_, err := s.Admin.Invite(t.Context(), ada.Actor(), invited.User.ID, auth.Proof{})
	refused(t, "the hundred and first", err, portal.CodeThrottled)
	if _, err := s.Admin.Invite(t.Context(), s.acme, invited.User.ID, auth.Proof{}); err != nil {
		t.Error(err)
	}
}
