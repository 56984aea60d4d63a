package admin_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"portal"
	"portal/internal/admin"
	"portal/internal/auth"
	"portal/internal/testkit/house"
)

// strongDeeds manage others: one for each way of asking for a proof.
func (s scene) strongDeeds() map[string]func(context.Context, portal.Actor, portal.UserID, auth.Proof) (auth.Renewed, error) {
	return map[string]func(context.Context, portal.Actor, portal.UserID, auth.Proof) (auth.Renewed, error){
		"end sessions": s.Admin.EndSessions,
		"delete 2FA": func(ctx context.Context, a portal.Actor, id portal.UserID, p auth.Proof) (auth.Renewed, error) {
			return s.Admin.DeleteTwoFactor(ctx, a, id, "lost phone", p)
		},
		"policy": func(ctx context.Context, a portal.Actor, _ portal.UserID, p auth.Proof) (auth.Renewed, error) {
			return s.Admin.SetPolicy(ctx, a, want(off(), off()), p)
		},
	}
}

// Administration is layered: take any one layer away, and the deed is refused
// though all the others are there (AZ-08).
func TestAdministrationIsLayered(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		ada := s.administrator(t, s.acme, "ada")
		ada.Enable()
		_, id := s.protected(t, s.acme, "wendy")
		_, foreign := s.protected(t, s.other, "foreign")
		stranger, demoted, owing := ada.Actor(), ada.Actor(), ada.Actor()
		stranger.Kind, demoted.Role, owing.Owes = portal.ActorStranger, portal.RoleUser, portal.OwesSetup
		for name, deed := range s.strongDeeds() {
			for layer, c := range map[string]struct {
				actor portal.Actor
				proof auth.Proof
				code  portal.Code
			}{
				"session":       {stranger, auth.Proof{}, portal.CodeSignIn},
				"role":          {demoted, auth.Proof{}, portal.CodeNotFound},
				"own 2FA":       {owing, auth.Proof{}, portal.CodeOwed},
				"step-up":       {ada.Actor(), auth.Proof{}, portal.CodeProof},
				"second factor": {ada.Actor(), password(), portal.CodeProof},
				"password":      {ada.Actor(), auth.Proof{Code: ada.Code()}, portal.CodeProof},
			} {
				_, err := deed(t.Context(), c.actor, id, c.proof)
				refused(t, name+" without the layer "+layer, err, c.code)
			}
			if name == "policy" {
				continue
			}
			renewed, err := deed(t.Context(), ada.Actor(), foreign, ada.Proof())
			ada.Renew(renewed)
			refused(t, name+" of a foreign user", err, portal.CodeNotFound)
		}
		s.mustBeCharged(t, ada, id)
		s.mustBeToldAndRecorded(t, ada, id)
	})
}

// mustBeCharged holds that wrong proofs of an administrator use a budget up,
// which closes the deed to the right one.
func (s scene) mustBeCharged(t *testing.T, ada *house.Person, id portal.UserID) {
	t.Helper()
	guesser := s.anotherBrowser(t, ada)
	var err error
	for range portal.DefaultLimits().StepUpsPerHour + 1 {
		_, err = s.Admin.EndSessions(t.Context(), guesser.Actor(), id, auth.Proof{Password: "wrong", Code: guesser.Code()})
	}
	refused(t, "a guess too many", err, portal.CodeThrottled)
	_, err = s.Admin.EndSessions(t.Context(), guesser.Actor(), id, guesser.Proof())
	refused(t, "the right proof behind it", err, portal.CodeThrottled)
}

// anotherBrowser is the same person in another browser.
func (s scene) anotherBrowser(t *testing.T, p *house.Person) *house.Person {
	t.Helper()
	other := *p
	other.SignIn()
	return &other
}

// mustBeToldAndRecorded does what all layers allow: it is in the trail, the
// person is told, and so are the other administrators.
func (s scene) mustBeToldAndRecorded(t *testing.T, ada *house.Person, id portal.UserID) {
	t.Helper()
	s.User(t, s.acme, portal.RoleAdministrator, "second")
	ada.Take(s.Admin.DeleteTwoFactor(t.Context(), ada.Actor(), id, "lost phone", ada.Proof()))
	trail := s.events(t, s.acme, admin.EventQuery{Action: portal.SetupDeleted})
	if len(trail) != 1 || trail[0].ActorLabel != "ada" || trail[0].TargetLabel != "wendy" || !strings.Contains(trail[0].Detail, "lost phone") {
		t.Errorf("the trail says %+v", trail)
	}
	if len(s.LettersOf(t, "wendy", portal.MailDeletedByAdmin)) != 1 || len(s.LettersOf(t, "second", portal.MailAdminDeleted)) != 1 {
		t.Errorf("told are %v and %v", s.mails(t, portal.MailDeletedByAdmin), s.mails(t, portal.MailAdminDeleted))
	}
}

// What one node changes of role, customer, state, 2FA or policy holds at the
// very next request on another (AZ-07).
func TestChangesHoldOnOtherNodes(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		other := s.Again(t)
		ask := func(p *house.Person) (portal.Actor, error) {
			return other.Auth.Authenticate(t.Context(), house.Origin(), p.Token)
		}
		ends := func(what string, p *house.Person, change func(portal.UserID) error) {
			t.Helper()
			before, err := ask(p)
			if err != nil {
				t.Fatal(err)
			}
			if err := change(before.UserID); err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			_, err = ask(p)
			refused(t, "the session after "+what, err, portal.CodeSignIn)
		}
		s.administrator(t, s.acme, "stays")
		ends("a change of role", s.administrator(t, s.acme, "demoted"), func(id portal.UserID) error {
			_, err := s.Admin.EditUser(t.Context(), s.acme, id, edit("demoted", portal.RoleUser), auth.Proof{})
			return err
		})
		if now, err := ask(s.Person(t, "demoted")); err != nil || now.Holds(portal.SeeUsers) {
			t.Errorf("signed in again: %+v, %v", now, err)
		}
		ends("a suspension", s.administrator(t, s.acme, "suspended"), func(id portal.UserID) error {
			_, err := s.Admin.Suspend(t.Context(), s.acme, id, auth.Proof{})
			return err
		})
		helped, _ := s.protected(t, s.acme, "helped")
		ends("a deletion of 2FA", helped, func(id portal.UserID) error {
			_, err := s.Admin.DeleteTwoFactor(t.Context(), s.acme, id, "lost phone", auth.Proof{})
			return err
		})
		s.User(t, s.acme, portal.RoleUser, "owing")
		owing := s.Person(t, "owing")
		s.setOnHost(t, s.acme, want(requiredFrom(s.Clock.Now()), recommended()))
		if now, err := ask(owing); err != nil || now.Owes != portal.OwesSetup {
			t.Errorf("after a policy: %q, %v", now.Owes, err)
		}
		ends("the end of the customer", owing, func(portal.UserID) error { return s.Admin.SuspendCustomer(t.Context(), s.acme) })
	})
}

// namesakes fills both customers with people of the same names, and returns an
// administrator of each.
func (s scene) namesakes(t *testing.T) (a, b *house.Person) {
	t.Helper()
	for i, in := range []portal.Actor{s.acme, s.other} {
		for _, role := range []portal.Role{portal.RoleAdministrator, portal.RoleUser} {
			login := fmt.Sprintf("%s.%d", role, i)
			_, err := s.Admin.AddUserWithPassword(t.Context(), in, admin.NewUser{
				LoginID: login, Name: "Same " + role.Label(), Email: "same@example.com", Role: string(role),
			}, house.Password)
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	return s.Person(t, "administrator.0"), s.Person(t, "administrator.1")
}

// Two customers full of people with equal names: every list, search, count,
// preview, export, help list and mail shows the own ones alone (AZ-05).
func TestNamesakesDoNotMix(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		a, b := s.namesakes(t)
		wendy := s.Person(t, "user.1")
		wendy.Enable()
		if err := s.Auth.AskHelp(t.Context(), house.Origin(), s.half(t, "user.1")); err != nil {
			t.Fatal(err)
		}
		b.Enable()
		s.setOnHost(t, s.other, want(off(), off()))
		for _, c := range []struct {
			who             *house.Person
			own             string // how the login IDs of the own customer end
			without, asking int
		}{{a, ".0", 1, 0}, {b, ".1", 0, 1}} {
			s.mustSeeOwn(t, c.who.Actor(), c.own)
			_, roles, err := s.Admin.Policy(t.Context(), c.who.Actor())
			if err != nil || roles[0].Total() != 1 || roles[1].Total() != 1 || roles[0].Without() != int64(c.without) || roles[1].Without() != int64(c.without) {
				t.Errorf("%s counts %+v, %v", c.own, roles, err)
			}
			if asking := s.requests(t, c.who); len(asking) != c.asking {
				t.Errorf("%s is asked for help: %+v", c.own, asking)
			}
		}
		for kind, login := range map[portal.MailKind]string{portal.MailHelpAsked: "administrator.1", portal.MailPolicyChanged: "administrator.1"} {
			if own, all := s.LettersOf(t, login, kind), s.mails(t, kind); len(own) != 1 || len(all) != 1 {
				t.Errorf("%s goes to %v", kind, all)
			}
		}
	})
}

// mustSeeOwn holds that lists, search, preview and export of an administrator
// name nobody else's people.
func (s scene) mustSeeOwn(t *testing.T, actor portal.Actor, own string) {
	t.Helper()
	for _, search := range []string{"", "same", "same user", "user", "same@example.com"} {
		page, err := s.Admin.Users(t.Context(), actor, admin.UserQuery{Search: search})
		if err != nil || len(page.Users) == 0 {
			t.Errorf("%s searches %q: %d, %v", own, search, len(page.Users), err)
		}
		for _, u := range page.Users {
			if !strings.HasSuffix(u.LoginID, own) {
				t.Errorf("%s searches %q and sees %s", own, search, u.LoginID)
			}
		}
	}
	effects, err := s.Admin.PreviewPolicy(t.Context(), actor, want(recommended(), off()))
	if portal.ErrorCode(err) == portal.CodeConflict {
		effects, err = s.Admin.PreviewPolicy(t.Context(), actor, want(off(), recommended()))
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, effect := range effects {
		for _, u := range effect.First {
			if !strings.HasSuffix(u.LoginID, own) {
				t.Errorf("the preview of %s names %s", own, u.LoginID)
			}
		}
	}
	foreign := map[string]string{".0": ".1", ".1": ".0"}[own]
	for _, format := range []admin.Format{admin.CSV, admin.JSONLines} {
		if text := exportOf(t, s.House, actor, admin.EventQuery{}, format); !strings.Contains(text, "user"+own) || strings.Contains(text, "user"+foreign) || strings.Contains(text, "administrator"+foreign) {
			t.Errorf("the export of %s says\n%s", own, text)
		}
	}
}
