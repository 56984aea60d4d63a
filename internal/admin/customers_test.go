package admin_test

import (
	"testing"

	"portal"
	"portal/internal/admin"
	"portal/internal/auth"
	"portal/internal/testkit/house"
)

// Suspending a customer ends sessions, half sessions and links of its people at
// once, and of nobody else; reactivating brings none of them back (SE-06).
func TestSuspendCustomer(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		ada, eve := s.administrator(t, s.acme, "ada"), s.administrator(t, s.other, "eve")
		s.protected(t, s.acme, "wendy")
		half := s.half(t, "wendy")
		invited, err := s.Admin.AddUserWithLink(t.Context(), s.acme, admin.NewUser{LoginID: "new", Name: "New", Email: "new@example.com", Role: "user"})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Admin.SuspendCustomer(t.Context(), s.acme); err != nil {
			t.Fatal(err)
		}
		closed := func(when string) {
			if ada.Signed() {
				t.Errorf("%s: the session lives", when)
			}
			refused(t, when+": half session", s.Auth.HalfSession(t.Context(), half), portal.CodeSignIn)
			_, err := s.Auth.OpenLink(t.Context(), invited.Token)
			refused(t, when+": invitation", err, portal.CodeNotFound)
		}
		closed("suspended")
		_, right := s.enter(t, "wendy")
		_, unknown := s.enter(t, "nobody")
		if right == nil || right.Error() != unknown.Error() {
			t.Errorf("sign-in: %v; to an unknown account: %v", right, unknown)
		}
		if !eve.Signed() {
			t.Error("another customer's session has ended")
		}
		refused(t, "again", s.Admin.SuspendCustomer(t.Context(), s.acme), portal.CodeConflict)
		if err := s.Admin.ReopenCustomer(t.Context(), s.acme); err != nil {
			t.Fatal(err)
		}
		refused(t, "open again", s.Admin.ReopenCustomer(t.Context(), s.acme), portal.CodeConflict)
		closed("reactivated")
		ada.SignIn()
		for action, n := range map[portal.Action]int{portal.CustomerSuspended: 1, portal.CustomerReopened: 1} {
			if e := s.events(t, s.acme, admin.EventQuery{Action: action}); len(e) != n || e[0].ActorKind != portal.ActorHost {
				t.Errorf("%s: recorded %+v", action, e)
			}
		}
	})
}

// The host ends the sessions of one customer or of everybody (SE-08); nobody
// else may, whatever the role.
func TestEndAllSessions(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		ada, eve := s.administrator(t, s.acme, "ada"), s.administrator(t, s.other, "eve")
		s.User(t, s.Host(), portal.RoleOperator, "otto")
		otto := s.Person(t, "otto")
		s.protected(t, s.acme, "wendy")
		half := s.half(t, "wendy")
		if n, err := s.Admin.EndAllSessions(t.Context(), s.acme); err != nil || n != 2 {
			t.Fatalf("ended %d, %v", n, err)
		}
		refused(t, "half session", s.Auth.HalfSession(t.Context(), half), portal.CodeSignIn)
		if ada.Signed() || !eve.Signed() || !otto.Signed() {
			t.Errorf("signed in: ada %t, eve %t, otto %t", ada.Signed(), eve.Signed(), otto.Signed())
		}
		if n, err := s.Admin.EndSessionsEverywhere(t.Context(), s.Host()); err != nil || n != 2 || eve.Signed() || otto.Signed() {
			t.Errorf("ended %d, %v; signed in: eve %t, otto %t", n, err, eve.Signed(), otto.Signed())
		}
		if e := s.events(t, s.other, admin.EventQuery{Action: portal.SessionsEnded}); len(e) != 1 || e[0].ActorLabel != "root" {
			t.Errorf("recorded %+v", e)
		}
		for _, p := range []*house.Person{ada, otto} {
			p.SignIn()
			_, err := s.Admin.EndAllSessions(t.Context(), p.Actor())
			refused(t, p.Login, err, portal.CodeNotFound)
			_, err = s.Admin.EndSessionsEverywhere(t.Context(), p.Actor())
			refused(t, p.Login+" everywhere", err, portal.CodeNotFound)
			refused(t, p.Login+" suspends", s.Admin.SuspendCustomer(t.Context(), p.Actor()), portal.CodeNotFound)
		}
		refused(t, "no customer", s.Admin.SuspendCustomer(t.Context(), s.Host()), portal.CodeInvalid)
	})
}

// An administrator ends the sessions of one user of the own customer, and of
// nobody else (SE-08).
func TestEndSessionsOfOne(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		ada := s.administrator(t, s.acme, "ada")
		p, id := s.protected(t, s.acme, "wendy")
		bob, _ := s.protected(t, s.acme, "bob")
		half := s.half(t, "wendy")
		ada.SignIn()
		ada.Take(s.Admin.EndSessions(t.Context(), ada.Actor(), id, password()))
		if p.Signed() || !bob.Signed() || !ada.Signed() {
			t.Errorf("signed in: wendy %t, bob %t, ada %t", p.Signed(), bob.Signed(), ada.Signed())
		}
		refused(t, "half session", s.Auth.HalfSession(t.Context(), half), portal.CodeSignIn)
	})
}

// A lost factor is revoked at once, on every node: by the owner with a recovery
// code, by an administrator, by the host (LC-06).
func TestRevokedFactorFailsAtOnce(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		other := s.Again(t)
		ada := s.administrator(t, s.acme, "ada")
		for login, revoke := range map[string]func(p *house.Person, recovery string) (auth.Renewed, error){
			"by-owner": func(p *house.Person, recovery string) (auth.Renewed, error) {
				return s.Auth.DeleteSetup(t.Context(), p.Actor(), auth.Proof{Password: house.Password, RecoveryCode: recovery})
			},
			"by-administrator": func(p *house.Person, _ string) (auth.Renewed, error) {
				ada.SignIn()
				return s.Admin.DeleteTwoFactor(t.Context(), ada.Actor(), p.Actor().UserID, "lost phone", password())
			},
			"by-host": func(p *house.Person, _ string) (auth.Renewed, error) {
				return s.Admin.DeleteTwoFactor(t.Context(), s.acme, p.Actor().UserID, "lost phone", auth.Proof{})
			},
		} {
			s.User(t, s.acme, portal.RoleUser, login)
			p := s.Person(t, login)
			recovery := p.Enable()
			half := s.half(t, login)
			if _, err := revoke(p, recovery[0]); err != nil {
				t.Fatalf("%s: %v", login, err)
			}
			_, err := other.Auth.SignInWithCode(t.Context(), house.Origin(), half, p.Code())
			refused(t, login+": the old code on another node", err, portal.CodeSignIn)
			_, err = other.Auth.SignInWithRecoveryCode(t.Context(), house.Origin(), half, recovery[1])
			refused(t, login+": an old recovery code on another node", err, portal.CodeSignIn)
			if earned, err := other.Auth.SignIn(t.Context(), house.Origin(), login, house.Password); err != nil || earned.Session == "" {
				t.Errorf("%s: the way back: %+v, %v", login, earned, err)
			}
		}
	})
}

// Of an authenticator columns and trail tell when and from where it was bound,
// used, changed and ended, over its whole life (LC-12).
func TestAuthenticatorLifeIsRecorded(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		s.User(t, s.acme, portal.RoleUser, "wendy")
		p := s.Person(t, "wendy")
		p.Enable()
		bound := s.Clock.Now()
		id := p.Actor().UserID
		p.SignIn()
		used := s.Clock.Now()
		app, err := s.Store.View(s.acme.CustomerID).Current(t.Context(), id)
		if err != nil || !app.ConfirmedAt.Equal(bound) || !app.LastUsedAt.Equal(used) || app.CreatedAt.IsZero() || app.SessionID == "" {
			t.Errorf("the row is %+v, %v; bound %v, used %v", app, err, bound, used)
		}
		p.Take(s.Auth.DisableTwoFactor(t.Context(), p.Actor(), p.Proof()))
		on, err := s.Auth.EnableTwoFactor(t.Context(), p.Actor(), p.Proof())
		p.Take(on.Renewed, err)
		p.Take(s.Auth.StartReplacement(t.Context(), p.Actor(), p.Proof()))
		p.Scan()
		next, err := s.Auth.ConfirmSetup(t.Context(), p.Actor(), p.Code())
		p.Take(next.Renewed, err)
		p.Take(s.Auth.DeleteSetup(t.Context(), p.Actor(), p.Proof()))
		var life []portal.Action
		for _, e := range s.events(t, s.acme, admin.EventQuery{Person: "wendy"}) {
			switch e.Action {
			case portal.SetupStarted, portal.SetupConfirmed, portal.TwoFactorDisable, portal.TwoFactorEnable, portal.ReplacementStarted, portal.Replaced, portal.SetupDeleted:
				life = append(life, e.Action)
				if e.At.IsZero() || e.Origin != house.Origin() || e.ActorID != id || e.Outcome != portal.Done {
					t.Errorf("recorded %+v", e)
				}
			}
		}
		want := []portal.Action{portal.SetupDeleted, portal.Replaced, portal.ReplacementStarted, portal.TwoFactorEnable, portal.TwoFactorDisable, portal.SetupConfirmed, portal.SetupStarted}
		if len(life) != len(want) {
			t.Fatalf("recorded %v, want %v", life, want)
		}
		for i := range want {
			if life[i] != want[i] {
				t.Errorf("recorded %v, want %v", life, want)
			}
		}
	})
}
