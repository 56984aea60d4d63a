package admin_test

import (
	"context"
	"testing"

	"portal"
	"portal/internal/admin"
	"portal/internal/auth"
	"portal/internal/testkit/house"
)

// deeds are all use cases on one user.
func (s scene) deeds() map[string]func(context.Context, portal.Actor, portal.UserID) error {
	return map[string]func(context.Context, portal.Actor, portal.UserID) error{
		"user": func(ctx context.Context, a portal.Actor, id portal.UserID) error {
			_, err := s.Admin.User(ctx, a, id)
			return err
		},
		"invite": func(ctx context.Context, a portal.Actor, id portal.UserID) error {
			_, err := s.Admin.Invite(ctx, a, id, password())
			return err
		},
		"withdraw": func(ctx context.Context, a portal.Actor, id portal.UserID) error {
			_, err := s.Admin.WithdrawInvitation(ctx, a, id, password())
			return err
		},
		"edit": func(ctx context.Context, a portal.Actor, id portal.UserID) error {
			_, err := s.Admin.EditUser(ctx, a, id, edit("x", portal.RoleUser), password())
			return err
		},
		"suspend": func(ctx context.Context, a portal.Actor, id portal.UserID) error {
			_, err := s.Admin.Suspend(ctx, a, id, password())
			return err
		},
		"reactivate": func(ctx context.Context, a portal.Actor, id portal.UserID) error {
			_, err := s.Admin.Reactivate(ctx, a, id, password())
			return err
		},
		"thaw": func(ctx context.Context, a portal.Actor, id portal.UserID) error {
			_, err := s.Admin.Thaw(ctx, a, id, password())
			return err
		},
		"unlock": func(ctx context.Context, a portal.Actor, id portal.UserID) error {
			_, err := s.Admin.Unlock(ctx, a, id, password())
			return err
		},
		"dismiss help": func(ctx context.Context, a portal.Actor, id portal.UserID) error {
			return s.Admin.DismissHelp(ctx, a, id)
		},
		"end sessions": func(ctx context.Context, a portal.Actor, id portal.UserID) error {
			_, err := s.Admin.EndSessions(ctx, a, id, password())
			return err
		},
		"demand a password": func(ctx context.Context, a portal.Actor, id portal.UserID) error {
			_, err := s.Admin.DemandPassword(ctx, a, id, "stolen", password())
			return err
		},
		"delete 2FA": func(ctx context.Context, a portal.Actor, id portal.UserID) error {
			_, err := s.Admin.DeleteTwoFactor(ctx, a, id, "lost phone", password())
			return err
		},
	}
}

// A foreign user is answered exactly like a missing one, and nothing happens
// to them (AZ-05, AZ-06).
func TestForeignUsersAreMissing(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		ada := s.administrator(t, s.acme, "ada")
		victim, id := s.protected(t, s.other, "victim")
		before := len(s.events(t, s.other, admin.EventQuery{}))
		for name, deed := range s.deeds() {
			sameRefusal(t, name, deed(t.Context(), ada.Actor(), id), deed(t.Context(), ada.Actor(), "missing"))
		}
		if !victim.Signed() || victim.State() != portal.TwoFactorEnabled {
			t.Error("something happened to the foreign user")
		}
		if after := len(s.events(t, s.other, admin.EventQuery{})); after != before {
			t.Errorf("%d foreign events, before %d", after, before)
		}
	})
}

// Two customers with equal names share nothing: lists, search, counts, trail.
func TestCustomersDoNotMix(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		ada, bob := s.administrator(t, s.acme, "same.a"), s.administrator(t, s.other, "same.b")
		s.protected(t, s.other, "same.c")
		for login, c := range map[string]struct {
			actor portal.Actor
			users int
		}{"same.a": {ada.Actor(), 1}, "same.b": {bob.Actor(), 2}} {
			for _, search := range []string{"", "same", "Name of same"} {
				page, err := s.Admin.Users(t.Context(), c.actor, admin.UserQuery{Search: search})
				if err != nil || len(page.Users) != c.users {
					t.Errorf("%s, search %q: %d users, %v; want %d", login, search, len(page.Users), err, c.users)
				}
				var sum int64
				for _, n := range page.Counts {
					sum += n
				}
				if sum != int64(c.users) {
					t.Errorf("%s: counts %v, want %d in all", login, page.Counts, c.users)
				}
			}
			for _, e := range s.events(t, c.actor, admin.EventQuery{}) {
				if e.CustomerID != c.actor.CustomerID {
					t.Errorf("%s sees the foreign event %+v", login, e)
				}
			}
		}
		foreign := s.events(t, ada.Actor(), admin.EventQuery{Person: "same.b"})
		missing := s.events(t, ada.Actor(), admin.EventQuery{Person: "nobody at all"})
		if len(foreign) != 0 || len(missing) != 0 {
			t.Errorf("%d events of a foreign person, %d of nobody", len(foreign), len(missing))
		}
	})
}

// Every use case is refused to whoever lacks the right: a stranger is asked to
// sign in, everybody else finds nothing (AZ-02).
func TestRightsAreAsked(t *testing.T) {
	s := func() scene {
		h := house.New(t, "")
		return scene{h, h.Customer(t, "Acme"), h.Customer(t, "Other")}
	}()
	ada := s.administrator(t, s.acme, "ada")
	s.User(t, s.acme, portal.RoleUser, "wendy")
	s.User(t, s.Host(), portal.RoleOperator, "op")
	user, operator := s.Person(t, "wendy"), s.Person(t, "op")
	deeds := s.deeds()
	more := s.otherUseCases()
	for name, deed := range more {
		deeds[name] = func(ctx context.Context, a portal.Actor, _ portal.UserID) error { return deed(ctx, a) }
	}
	for name, deed := range deeds {
		id := user.Actor().UserID
		refused(t, name+" by a stranger", deed(t.Context(), portal.Stranger(house.Origin()), id), portal.CodeSignIn)
		refused(t, name+" by a user", deed(t.Context(), user.Actor(), id), portal.CodeNotFound)
		refused(t, name+" by an operator's session", deed(t.Context(), operator.Actor(), id), portal.CodeNotFound)
		forged := ada.Actor()
		forged.Kind = portal.ActorStranger
		refused(t, name+" by an administrator who proved nothing", deed(t.Context(), forged, id), portal.CodeSignIn)
	}
	for name, deed := range s.hostUseCases() {
		refused(t, name+" by an administrator", deed(t.Context(), ada.Actor()), portal.CodeNotFound)
	}
}

type useCase = func(context.Context, portal.Actor) error

func (s scene) otherUseCases() map[string]useCase {
	all := map[string]useCase{
		"users": func(ctx context.Context, a portal.Actor) error {
			_, err := s.Admin.Users(ctx, a, admin.UserQuery{})
			return err
		},
		"events": func(ctx context.Context, a portal.Actor) error {
			_, err := s.Admin.Events(ctx, a, admin.EventQuery{})
			return err
		},
		"add user": func(ctx context.Context, a portal.Actor) error {
			_, err := s.Admin.AddUser(ctx, a, admin.NewUser{}, auth.Proof{})
			return err
		},
		"policy": func(ctx context.Context, a portal.Actor) error { _, _, err := s.Admin.Policy(ctx, a); return err },
		"preview policy": func(ctx context.Context, a portal.Actor) error {
			_, err := s.Admin.PreviewPolicy(ctx, a, admin.PolicyChange{})
			return err
		},
		"set policy": func(ctx context.Context, a portal.Actor) error {
			_, err := s.Admin.SetPolicy(ctx, a, admin.PolicyChange{}, auth.Proof{})
			return err
		},
		"export": func(ctx context.Context, a portal.Actor) error {
			_, err := s.Admin.ExportEvents(ctx, a, admin.EventQuery{}, admin.CSV)
			return err
		},
		"help list": func(ctx context.Context, a portal.Actor) error { _, err := s.Admin.HelpRequests(ctx, a); return err },
		"edit with bad input": func(ctx context.Context, a portal.Actor) error {
			_, err := s.Admin.EditUser(ctx, a, "x", admin.Edit{}, auth.Proof{})
			return err
		},
	}
	for name, deed := range s.hostUseCases() {
		all[name] = deed
	}
	return all
}

// hostUseCases are for the host alone, or for the portal itself.
func (s scene) hostUseCases() map[string]useCase {
	return map[string]useCase{
		"add customer": func(ctx context.Context, a portal.Actor) error {
			_, err := s.Admin.AddCustomer(ctx, a, "X")
			return err
		},
		"customers": func(ctx context.Context, a portal.Actor) error { _, err := s.Admin.Customers(ctx, a); return err },
		"as":        func(ctx context.Context, a portal.Actor) error { _, err := s.Admin.As(ctx, a, "Other"); return err },
		"find":      func(ctx context.Context, a portal.Actor) error { _, _, err := s.Admin.Find(ctx, a, "ada"); return err },
		"add customer under a policy": func(ctx context.Context, a portal.Actor) error {
			_, err := s.Admin.AddCustomerUnder(ctx, a, "X", portal.DefaultPolicies())
			return err
		},
		"remind":      func(ctx context.Context, a portal.Actor) error { return s.Admin.RemindOfPolicy(ctx, a) },
		"set-up link": func(ctx context.Context, a portal.Actor) error { _, err := s.Admin.SetUpLink(ctx, a); return err },
		"add with password": func(ctx context.Context, a portal.Actor) error {
			_, err := s.Admin.AddUserWithPassword(ctx, a, admin.NewUser{}, house.Password)
			return err
		},
		"suspend customer": s.Admin.SuspendCustomer,
		"reopen customer":  s.Admin.ReopenCustomer,
		"end all sessions": func(ctx context.Context, a portal.Actor) error { _, err := s.Admin.EndAllSessions(ctx, a); return err },
		"end all everywhere": func(ctx context.Context, a portal.Actor) error {
			_, err := s.Admin.EndSessionsEverywhere(ctx, a)
			return err
		},
		"set e-mail": func(ctx context.Context, a portal.Actor) error { return s.Admin.SetEmail(ctx, a, "x", "x@example.com") },
		"add with link": func(ctx context.Context, a portal.Actor) error {
			_, err := s.Admin.AddUserWithLink(ctx, a, admin.NewUser{})
			return err
		},
	}
}
