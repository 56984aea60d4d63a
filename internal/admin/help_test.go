package admin_test

import (
	"testing"
	"time"

	"portal"
	"portal/internal/admin"
	"portal/internal/auth"
	"portal/internal/store"
	"portal/internal/testkit/house"
)

// half is a half session of somebody with 2FA.
func (s scene) half(t *testing.T, login string) string {
	t.Helper()
	earned, err := s.enter(t, login)
	if err != nil || earned.Half == "" {
		t.Fatalf("the first step of %s: %+v, %v", login, earned, err)
	}
	return earned.Half
}

// requests are who asks for help, as an administrator sees it.
func (s scene) requests(t *testing.T, as *house.Person) []admin.HelpRequest {
	t.Helper()
	list, err := s.Admin.HelpRequests(t.Context(), as.Actor())
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// "I lost my phone" tells the administrators by mail and on their start page,
// once; it changes nothing by itself, and the deletion of the setup closes it.
func TestAskForHelp(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		ada, eve := s.administrator(t, s.acme, "ada"), s.administrator(t, s.other, "eve")
		p, id := s.protected(t, s.acme, "wendy")
		half := s.half(t, "wendy")
		for range 2 {
			if err := s.Auth.AskHelp(t.Context(), house.Origin(), half); err != nil {
				t.Fatal(err)
			}
		}
		open := s.requests(t, ada)
		if len(open) != 1 || open[0].User.ID != id || open[0].Address != house.Origin().Address || !open[0].At.Equal(s.Clock.Now()) {
			t.Fatalf("the start page lists %+v", open)
		}
		if len(s.requests(t, eve)) != 0 {
			t.Error("another customer's administrator sees the request")
		}
		if told := s.LettersOf(t, "ada", portal.MailHelpAsked); len(told) != 1 || told[0].AboutID != id || told[0].Alarm != "" {
			t.Errorf("the administrator reads %+v", told)
		}
		if told := s.LettersOf(t, "wendy", portal.MailHelpAskedForYou); len(told) != 1 || told[0].Alarm == "" {
			t.Errorf("the person reads %+v", told)
		}
		if n := len(s.LettersOf(t, "eve", portal.MailHelpAsked)); n != 0 {
			t.Error("another customer's administrator is told")
		}
		if e := s.events(t, s.acme, admin.EventQuery{Action: portal.HelpAsked}); len(e) != 1 || e[0].TargetID != id {
			t.Errorf("recorded %+v", e)
		}
		if !p.Signed() || p.State() != portal.TwoFactorEnabled {
			t.Error("asking for help has changed the account")
		}
		_, err := s.Admin.DeleteTwoFactor(t.Context(), ada.Actor(), id, "lost phone", password())
		if err != nil {
			t.Fatal(err)
		}
		ada.SignIn()
		if len(s.requests(t, ada)) != 0 {
			t.Error("the request is open though the setup is gone")
		}
	})
}

// Three times a day; dismissed requests count.
func TestHelpIsLimited(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		ada := s.administrator(t, s.acme, "ada")
		_, id := s.protected(t, s.acme, "wendy")
		ask := func() error { return s.Auth.AskHelp(t.Context(), house.Origin(), s.half(t, "wendy")) }
		for i := range 3 {
			if err := ask(); err != nil {
				t.Fatalf("request %d: %v", i, err)
			}
			if err := s.Admin.DismissHelp(t.Context(), ada.Actor(), id); err != nil {
				t.Fatal(err)
			}
		}
		refused(t, "dismissed before", s.Admin.DismissHelp(t.Context(), ada.Actor(), id), portal.CodeConflict)
		refused(t, "the fourth", ask(), portal.CodeThrottled)
		if e := s.events(t, s.acme, admin.EventQuery{Action: portal.HelpAsked}); len(e) != 4 || e[0].Outcome != portal.Refused {
			t.Errorf("recorded %+v", e)
		}
		if n := len(s.LettersOf(t, "ada", portal.MailHelpAsked)); n != 3 {
			t.Errorf("the administrator reads %d mails", n)
		}
		s.Clock.Advance(24 * time.Hour)
		if err := ask(); err != nil {
			t.Errorf("a day later: %v", err)
		}
	})
}

// After a month a request is over, whether it was cleared away or not: nobody
// reads it, and a new one can be made (DP-05).
func TestHelpIsOverAfterAMonth(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		ada := s.administrator(t, s.acme, "ada")
		_, id := s.protected(t, s.acme, "wendy")
		ask := func() {
			t.Helper()
			if err := s.Auth.AskHelp(t.Context(), house.Origin(), s.half(t, "wendy")); err != nil {
				t.Fatal(err)
			}
			ada.SignIn()
		}
		ask()
		s.Clock.Advance(store.HelpRequestLife)
		ada.SignIn()
		detail, err := s.Admin.User(t.Context(), ada.Actor(), id)
		if err != nil || !detail.HelpAskedAt.IsZero() || len(s.requests(t, ada)) != 0 {
			t.Errorf("after a month: asked at %v, %v, listed %+v", detail.HelpAskedAt, err, s.requests(t, ada))
		}
		ask()
		if list := s.requests(t, ada); len(list) != 1 || !list[0].At.Equal(s.Clock.Now()) {
			t.Errorf("asked anew: %+v", list)
		}
		if n := len(s.LettersOf(t, "ada", portal.MailHelpAsked)); n != 2 {
			t.Errorf("the administrator reads %d mails", n)
		}
	})
}

// Nobody is told where nobody can help, and help begins behind a password.
func TestWhoCanBeAskedForHelp(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		ada := s.administrator(t, s.acme, "ada")
		ada.Enable()
		half := s.half(t, "ada")
		helpers, err := s.Auth.Helpers(t.Context(), half)
		if err != nil || len(helpers.Administrators) != 0 || !helpers.AskedAt.IsZero() {
			t.Errorf("the page tells %+v, %v", helpers, err)
		}
		refused(t, "the only administrator", s.Auth.AskHelp(t.Context(), house.Origin(), half), portal.CodeConflict)
		refused(t, "no half session", s.Auth.AskHelp(t.Context(), house.Origin(), "x"), portal.CodeSignIn)
		refused(t, "a session's token", s.Auth.AskHelp(t.Context(), house.Origin(), ada.Token), portal.CodeSignIn)

		eve := s.administrator(t, s.other, "eve")
		sameRefusal(t, "dismiss", s.Admin.DismissHelp(t.Context(), eve.Actor(), ada.Actor().UserID), s.Admin.DismissHelp(t.Context(), eve.Actor(), "missing"))
		user := s.User(t, s.acme, portal.RoleUser, "uli")
		uli := s.Person(t, user.LoginID)
		refused(t, "a user dismisses", s.Admin.DismissHelp(t.Context(), uli.Actor(), user.ID), portal.CodeNotFound)
		_, err = s.Admin.HelpRequests(t.Context(), uli.Actor())
		refused(t, "a user looks", err, portal.CodeNotFound)
	})
}

// Whoever comes back alone, by a recovery code and a new app, needs no help any
// more.
func TestHelpClosesWithNewAuthenticator(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		ada := s.administrator(t, s.acme, "ada")
		s.User(t, s.acme, portal.RoleUser, "wendy")
		p := s.Person(t, "wendy")
		recovery := p.Enable()
		if err := s.Auth.AskHelp(t.Context(), house.Origin(), s.half(t, "wendy")); err != nil {
			t.Fatal(err)
		}
		p.Take(s.Auth.StartReplacement(t.Context(), p.Actor(), auth.Proof{Password: house.Password, RecoveryCode: recovery[0]}))
		p.Scan()
		if len(s.requests(t, ada)) != 1 {
			t.Error("the request is closed before the new app is proven")
		}
		confirmed, err := s.Auth.ConfirmSetup(t.Context(), p.Actor(), p.Code())
		p.Take(confirmed.Renewed, err)
		if len(s.requests(t, ada)) != 0 {
			t.Error("the request is open")
		}
	})
}
