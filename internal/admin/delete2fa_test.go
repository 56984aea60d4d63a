package admin_test

import (
	"testing"
	"time"

	"portal"
	"portal/internal/admin"
	"portal/internal/auth"
	"portal/internal/testkit/house"
)

// The administrator's deletion: everything of the target ends, the password
// alone signs in afterwards, and the trail tells who, whom, why and from where
// (LC-08).
func TestDeleteTwoFactor(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		ada := s.administrator(t, s.acme, "ada")
		ada.Enable()
		for login, off := range map[string]bool{"enabled": false, "disabled": true} {
			p, id := s.protected(t, s.acme, login)
			if off {
				p.Take(s.Auth.DisableTwoFactor(t.Context(), p.Actor(), p.Proof()))
			}
			ada.SignIn()
			ada.Take(s.Admin.DeleteTwoFactor(t.Context(), ada.Actor(), id, " lost   phone ", ada.Proof()))
			if p.Signed() {
				t.Errorf("%s: the target's session lives", login)
			}
			if !ada.Signed() {
				t.Errorf("%s: the administrator's session has ended", login)
			}
			earned, err := s.Auth.SignIn(t.Context(), house.Origin(), login, house.Password)
			if err != nil || earned.Session == "" {
				t.Errorf("%s: sign-in by password alone: %+v, %v", login, earned, err)
			}
			e := s.events(t, s.acme, admin.EventQuery{Action: portal.SetupDeleted})[0]
			if e.ActorLabel != "ada" || e.ActorID != ada.Actor().UserID || e.TargetID != id || e.TargetLabel != login ||
				e.Detail != "lost phone" || e.Origin != house.Origin() || e.Outcome != portal.Done {
				t.Errorf("recorded %+v", e)
			}
			_, err = s.Admin.DeleteTwoFactor(t.Context(), ada.Actor(), id, "again", ada.Proof())
			ada.SignIn()
			refused(t, login+" again", err, portal.CodeConflict)
		}
	})
}

// A missing reason, oneself and a foreign user are refused before any proof is
// spent: the same code still works afterwards.
func TestRefusedDeletionSpendsNoProof(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		ada := s.administrator(t, s.acme, "ada")
		ada.Enable()
		_, target := s.protected(t, s.acme, "target")
		_, foreign := s.protected(t, s.other, "foreign")
		proof := ada.Proof()
		try := func(id portal.UserID, reason string) error {
			_, err := s.Admin.DeleteTwoFactor(t.Context(), ada.Actor(), id, reason, proof)
			return err
		}
		refused(t, "no reason", try(target, " \t"), portal.CodeInvalid)
		refused(t, "overlong reason", try(target, string(make([]rune, 301))), portal.CodeInvalid)
		refused(t, "oneself", try(ada.Actor().UserID, "lost phone"), portal.CodeConflict)
		sameRefusal(t, "delete", try(foreign, "lost phone"), try("missing", "lost phone"))
		ada.Take(s.Admin.DeleteTwoFactor(t.Context(), ada.Actor(), target, "lost phone", proof))
	})
}

// Without the administrator's own proof nothing happens; a fresh step-up is
// not enough, and a wrong code is counted.
func TestDeletionNeedsItsOwnProof(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		ada := s.administrator(t, s.acme, "ada")
		ada.Enable()
		target, id := s.protected(t, s.acme, "target")
		ada.SignIn()
		renewed, err := s.Auth.StepUp(t.Context(), ada.Actor(), auth.NeedFresh, ada.Proof())
		ada.Take(renewed, err)
		for name, proof := range map[string]auth.Proof{
			"nothing": {}, "password alone": password(), "wrong password": {Password: "wrong", Code: ada.Code()},
			"code alone": {Code: ada.Code()}, "target's code": {Password: house.Password, Code: target.Code()},
		} {
			_, err := s.Admin.DeleteTwoFactor(t.Context(), ada.Actor(), id, "lost phone", proof)
			refused(t, name, err, portal.CodeProof)
		}
		if target.State() != portal.TwoFactorEnabled {
			t.Error("the setup is gone")
		}
		for range 5 {
			_, err := s.Admin.DeleteTwoFactor(t.Context(), ada.Actor(), id, "lost phone", auth.Proof{Password: house.Password, Code: "x"})
			if portal.ErrorCode(err) == portal.CodeThrottled {
				return
			}
			refused(t, "wrong code", err, portal.CodeProof)
		}
		_, err = s.Admin.DeleteTwoFactor(t.Context(), ada.Actor(), id, "lost phone", ada.Proof())
		refused(t, "after five wrong ones", err, portal.CodeThrottled)
	})
}

// Many administrators who delete at once delete once.
func TestDeletionAtOnce(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		_, id := s.protected(t, s.acme, "target")
		actors := make([]portal.Actor, 6)
		for i := range actors {
			actors[i] = s.administrator(t, s.acme, "ada"+string(rune('a'+i))).Actor()
		}
		house.AtOnce(len(actors), func(i int) {
			if _, err := s.Admin.DeleteTwoFactor(t.Context(), actors[i], id, "lost phone", password()); err != nil {
				refused(t, "late", err, portal.CodeConflict)
			}
		})
		if n := len(s.events(t, s.acme, admin.EventQuery{Action: portal.SetupDeleted})); n != 1 {
			t.Errorf("deleted %d times", n)
		}
		counts, err := s.Admin.Users(t.Context(), s.acme, admin.UserQuery{})
		if err != nil || counts.Counts[portal.TwoFactorNone] != int64(len(actors)+1) || counts.Counts[portal.TwoFactorEnabled] != 0 {
			t.Errorf("counts %v, %v", counts.Counts, err)
		}
		s.Clock.Advance(time.Minute)
	})
}

// What cannot be done is said before a proof is spent: the same code still
// works for what can be done.
func TestImpossibleDeedsSpendNoProof(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		ada := s.administrator(t, s.acme, "ada")
		ada.Enable()
		bob := s.User(t, s.acme, portal.RoleUser, "bob")
		proof := ada.Proof()
		for what, deed := range map[string]func() (auth.Renewed, error){
			"nothing to delete": func() (auth.Renewed, error) {
				return s.Admin.DeleteTwoFactor(t.Context(), ada.Actor(), bob.ID, "lost phone", proof)
			},
			"active already": func() (auth.Renewed, error) { return s.Admin.Reactivate(t.Context(), ada.Actor(), bob.ID, proof) },
			"needs no invitation": func() (auth.Renewed, error) {
				invited, err := s.Admin.Invite(t.Context(), ada.Actor(), bob.ID, proof)
				return invited.Renewed, err
			},
		} {
			renewed, err := deed()
			refused(t, what, err, portal.CodeConflict)
			ada.Renew(renewed)
		}
		ada.Take(s.Admin.Suspend(t.Context(), ada.Actor(), bob.ID, proof))
	})
}
