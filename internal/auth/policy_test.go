package auth_test

import (
	"context"
	"testing"
	"time"

	"portal"
	"portal/internal/admin"
	"portal/internal/auth"
	"portal/internal/testkit/house"
)

// require makes the customer require 2FA of its users from a moment on.
func (s scene) require(t *testing.T, from time.Time) {
	t.Helper()
	wanted := admin.PolicyChange{Policies: portal.DefaultPolicies()}
	wanted.User = portal.Policy{Mode: portal.PolicyRequired, From: from}
	if _, err := s.Admin.SetPolicy(t.Context(), s.acme, wanted, auth.Proof{}); err != nil {
		t.Fatal(err)
	}
}

// When the day comes, a running session of somebody without 2FA owes the setup
// at its next request: nothing else is open, and enrolment opens the rest, with
// the session's proof raised (AU-09, SE-12).
func TestPolicyHoldsInRunningSessions(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		wendy := s.person(t, "wendy")
		s.require(t, s.Clock.Now().Add(10*time.Minute))
		if owes := wendy.Actor().Owes; owes != portal.OwesNothing {
			t.Errorf("before the day %q is owed", owes)
		}
		s.Clock.Advance(10 * time.Minute)
		if owes := wendy.Actor().Owes; owes != portal.OwesSetup {
			t.Errorf("on the day %q is owed", owes)
		}
		for name, deed := range s.beyondSetup() {
			refused(t, name, deed(t.Context(), wendy.Actor()), portal.CodeOwed)
		}
		account, err := s.Auth.Account(t.Context(), wendy.Actor())
		if err != nil || len(account.Sessions)+len(account.Activity) != 0 {
			t.Errorf("the account shows %+v, %v", account, err)
		}
		wendy.Enable()
		if owes := wendy.Actor().Owes; owes != portal.OwesNothing {
			t.Errorf("after enrolment %q is owed", owes)
		}
		if account, err = s.Auth.Account(t.Context(), wendy.Actor()); err != nil || len(account.Sessions) != 1 {
			t.Errorf("the account shows %+v, %v", account, err)
		}
	})
}

// beyondSetup are use cases of the own account that are no way to a setup.
func (s scene) beyondSetup() map[string]func(context.Context, portal.Actor) error {
	return map[string]func(context.Context, portal.Actor) error{
		"change password": func(ctx context.Context, a portal.Actor) error {
			_, err := s.Auth.ChangePassword(ctx, a, password(), "another good battery")
			return err
		},
		"disable": func(ctx context.Context, a portal.Actor) error {
			_, err := s.Auth.DisableTwoFactor(ctx, a, password())
			return err
		},
		"replace": func(ctx context.Context, a portal.Actor) error {
			_, err := s.Auth.StartReplacement(ctx, a, password())
			return err
		},
		"recovery codes": func(ctx context.Context, a portal.Actor) error {
			_, err := s.Auth.IssueRecoveryCodes(ctx, a, password())
			return err
		},
		"end a session": func(ctx context.Context, a portal.Actor) error {
			_, err := s.Auth.EndSession(ctx, a, a.SessionID, password())
			return err
		},
		"end other sessions": func(ctx context.Context, a portal.Actor) error {
			_, err := s.Auth.EndOtherSessions(ctx, a, password())
			return err
		},
	}
}

// While 2FA is required nobody gives the own up, nothing is spent in trying,
// and the refusal explains; a policy that comes between look and deed counts.
func TestRequiredIsKept(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		wendy, _ := s.protected(t, "wendy")
		before := wendy.Actor()
		s.require(t, s.Clock.Now())
		for name, giveUp := range map[string]func(context.Context, portal.Actor, auth.Proof) (auth.Renewed, error){
			"disable": s.Auth.DisableTwoFactor, "delete": s.Auth.DeleteSetup,
		} {
			_, err := giveUp(t.Context(), wendy.Actor(), auth.Proof{})
			refused(t, name, err, portal.CodeConflict)
			renewed, err := giveUp(t.Context(), before, wendy.Proof())
			wendy.Renew(renewed)
			refused(t, name+" by an actor of a moment ago", err, portal.CodeConflict)
		}
		if wendy.State() != portal.TwoFactorEnabled {
			t.Errorf("2FA is %s", wendy.State())
		}
		wendy.Take(s.Auth.StartReplacement(t.Context(), wendy.Actor(), wendy.Proof()))
	})
}

// A kept setup is owed back: by its own code, or, where the app has lost it, by
// deleting it and setting up anew.
func TestKeptSetupPaysTheDebt(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		back, _ := s.protected(t, "back")
		anew, _ := s.protected(t, "anew")
		for _, p := range []*house.Person{back, anew} {
			p.Take(s.Auth.DisableTwoFactor(t.Context(), p.Actor(), p.Proof()))
		}
		s.require(t, s.Clock.Now())
		confirmed, err := s.Auth.EnableTwoFactor(t.Context(), back.Actor(), back.Proof())
		back.Take(confirmed.Renewed, err)
		anew.Take(s.Auth.DeleteSetup(t.Context(), anew.Actor(), password()))
		anew.Key = nil
		anew.Enable()
		for _, p := range []*house.Person{back, anew} {
			if p.Actor().Owes != portal.OwesNothing || p.State() != portal.TwoFactorEnabled {
				t.Errorf("%s owes %q", p.Login, p.Actor().Owes)
			}
		}
	})
}

// An administrator still helps who lost the phone: login ID and password open
// the account again, and lead to enrolment (LC-08, AU-09).
func TestHelpLeadsToEnrolment(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		wendy, _ := s.protected(t, "wendy")
		s.require(t, s.Clock.Now())
		if _, err := s.Admin.DeleteTwoFactor(t.Context(), s.acme, wendy.Actor().UserID, "lost phone", auth.Proof{}); err != nil {
			t.Fatal(err)
		}
		if wendy.Signed() {
			t.Error("the old session goes on")
		}
		wendy.Key = nil
		wendy.SignIn()
		if owes := wendy.Actor().Owes; owes != portal.OwesSetup {
			t.Errorf("%q is owed", owes)
		}
		wendy.Enable()
	})
}
