package admin_test

import (
	"strings"
	"testing"
	"time"

	"portal"
	"portal/internal/admin"
	"portal/internal/auth"
	"portal/internal/testkit/house"
)

// want is a change of the policy: the mode of users and of administrators.
func want(user, administrator portal.Policy) admin.PolicyChange {
	return admin.PolicyChange{Policies: portal.Policies{User: user, Administrator: administrator}}
}

func off() portal.Policy         { return portal.Policy{Mode: portal.PolicyOff} }
func recommended() portal.Policy { return portal.Policy{Mode: portal.PolicyRecommended} }

func requiredFrom(at time.Time) portal.Policy {
	return portal.Policy{Mode: portal.PolicyRequired, From: at}
}

// setOnHost sets a policy as the host, who needs no proof.
func (s scene) setOnHost(t *testing.T, in portal.Actor, wanted admin.PolicyChange) {
	t.Helper()
	if _, err := s.Admin.SetPolicy(t.Context(), in, wanted, auth.Proof{}); err != nil {
		t.Fatal(err)
	}
}

// policies reads what a customer wants.
func (s scene) policies(t *testing.T, in portal.Actor) portal.Policies {
	t.Helper()
	now, _, err := s.Admin.Policy(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return now
}

// A policy is set under a proof, recorded old → new, told to the other
// administrators, and holds for the own customer alone (AU-09).
func TestPolicyIsSet(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		ada := s.administrator(t, s.acme, "ada")
		s.User(t, s.acme, portal.RoleAdministrator, "second")
		s.User(t, s.other, portal.RoleAdministrator, "foreign")
		ada.Enable()
		wanted := want(requiredFrom(s.Clock.Now().AddDate(0, 0, 30)), off())
		_, err := s.Admin.SetPolicy(t.Context(), ada.Actor(), wanted, auth.Proof{})
		refused(t, "without a proof", err, portal.CodeProof)
		_, err = s.Admin.SetPolicy(t.Context(), ada.Actor(), wanted, password())
		refused(t, "with the password alone", err, portal.CodeProof)
		ada.Take(s.Admin.SetPolicy(t.Context(), ada.Actor(), wanted, ada.Proof()))
		if got := s.policies(t, s.acme); got != wanted.Policies {
			t.Errorf("the policy is %+v", got)
		}
		if got := s.policies(t, s.other); got != (portal.Policies{User: recommended(), Administrator: recommended()}) {
			t.Errorf("the policy of another customer is %+v", got)
		}
		trail := s.events(t, s.acme, admin.EventQuery{Action: portal.PolicyChanged})
		if len(trail) != 1 || trail[0].ActorLabel != "ada" || trail[0].Detail != "User: recommended → required from 24 December 2026; Administrator: recommended → off" {
			t.Errorf("the trail says %+v", trail)
		}
		if told := s.mails(t, portal.MailPolicyChanged); strings.Join(told, " ") != "second@example.com" {
			t.Errorf("told are %v", told)
		}
	})
}

// Whoever requires 2FA has a working one; the host may always. What stands
// against it is said before a proof is spent.
func TestWhoRequiresHasIt(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		ada := s.administrator(t, s.acme, "ada")
		wanted := want(recommended(), requiredFrom(s.Clock.Now().AddDate(0, 0, 30)))
		_, err := s.Admin.SetPolicy(t.Context(), ada.Actor(), wanted, auth.Proof{})
		refused(t, "required without own 2FA", err, portal.CodeConflict)
		ada.Take(s.Admin.SetPolicy(t.Context(), ada.Actor(), want(off(), off()), ada.Proof()))
		ada.Enable()
		s.block(t, ada)
		_, err = s.Admin.PreviewPolicy(t.Context(), ada.Actor(), wanted)
		refused(t, "required with blocked codes", err, portal.CodeConflict)
		s.setOnHost(t, s.acme, wanted)
		if s.policies(t, s.acme) != wanted.Policies {
			t.Error("the host may not require 2FA")
		}
	})
}

// block gives an authenticator as many wrong codes as block it.
func (s scene) block(t *testing.T, p *house.Person) {
	t.Helper()
	s.change(t, "UPDATE authenticators SET failures = $1 WHERE user_id = $2", portal.DefaultLimits().CodesInRow, string(p.Actor().UserID))
}

// A form that is out of date overwrites nothing, and nothing is not a change.
func TestPolicyFormsAreFresh(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		ada := s.administrator(t, s.acme, "ada")
		shown := s.policies(t, s.acme).Version()
		s.setOnHost(t, s.acme, want(off(), recommended()))
		stale := want(recommended(), off())
		stale.Version = shown
		_, err := s.Admin.SetPolicy(t.Context(), ada.Actor(), stale, password())
		refused(t, "from an old form", err, portal.CodeConflict)
		_, err = s.Admin.SetPolicy(t.Context(), ada.Actor(), want(off(), recommended()), password())
		refused(t, "what holds already", err, portal.CodeConflict)
		_, err = s.Admin.SetPolicy(t.Context(), ada.Actor(), want(portal.Policy{Mode: portal.PolicyRequired}, off()), password())
		refused(t, "required without a day", err, portal.CodeInvalid)
		_, err = s.Admin.SetPolicy(t.Context(), ada.Actor(), want(portal.Policy{Mode: portal.PolicyOff, From: s.Clock.Now()}, off()), password())
		refused(t, "a day without required", err, portal.CodeInvalid)
	})
}

// The preview counts and names whom a change touches: the own customer's
// people of that role without 2FA, kept setups among them (AZ-05).
func TestPolicyPreview(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		ada := s.administrator(t, s.acme, "ada")
		ada.Enable()
		for _, login := range []string{"same.2", "same.1"} {
			s.User(t, s.acme, portal.RoleUser, login)
			s.User(t, s.other, portal.RoleUser, "other."+login)
		}
		kept, _ := s.protected(t, s.acme, "same.3")
		kept.Take(s.Auth.DisableTwoFactor(t.Context(), kept.Actor(), kept.Proof()))
		s.protected(t, s.acme, "same.4")
		effects, err := s.Admin.PreviewPolicy(t.Context(), ada.Actor(), want(requiredFrom(s.Clock.Now()), recommended()))
		if err != nil || len(effects) != 1 || effects[0].Role != portal.RoleUser {
			t.Fatalf("%+v, %v", effects, err)
		}
		var names []string
		for _, u := range effects[0].First {
			names = append(names, u.LoginID)
		}
		if effects[0].Without() != 3 || effects[0].Total() != 4 || strings.Join(names, " ") != "same.1 same.2 same.3" {
			t.Errorf("%d of %d: %v", effects[0].Without(), effects[0].Total(), names)
		}
		s.mustBeOf(t, ada, kept)
	})
}

// mustBeOf holds that counts follow a change of role.
func (s scene) mustBeOf(t *testing.T, ada, promoted *house.Person) {
	t.Helper()
	_, err := s.Admin.EditUser(t.Context(), s.acme, promoted.Actor().UserID, edit("same.3", portal.RoleAdministrator), auth.Proof{})
	if err != nil {
		t.Fatal(err)
	}
	_, roles, err := s.Admin.Policy(t.Context(), ada.Actor())
	if err != nil || roles[0].Without() != 2 || roles[0].Total() != 3 || roles[1].Without() != 1 || roles[1].Total() != 2 {
		t.Errorf("%+v, %v", roles, err)
	}
}
