package main

import (
	"regexp"
	"strings"
	"testing"
)

// "This was not me" over HTTP: opening the link of the mail changes nothing,
// the button ends every session, and only a recovery code or an administrator
// opens the account again.
func TestThisWasNotMe(t *testing.T) {
	t.Parallel()
	s := install(t).Serve()
	s.Run("", "customer", "add", "Acme")
	ada := s.join("Acme", "administrator", "ada")
	ada.signIn()
	wendy := s.join("Acme", "user", "wendy")
	wendy.signIn()
	recovery := wendy.enable()
	mails := s.mailsTo(t, "wendy@example.com")
	link := mails[len(mails)-1].link(t, "/alarm/")

	mailbox := s.person("wendy") // another browser, not signed in
	mailbox.Get(link).wantRedirect(t, "/alarm")
	page := mailbox.Get("/alarm").want(t, 200)
	if !strings.Contains(page.Body, "Freeze the account") || strings.Contains(page.Body, strings.TrimPrefix(link, "/alarm/")) {
		t.Errorf("the page is\n%s", page.Body)
	}
	wendy.Get("/account").want(t, 200)
	mailbox.Submit("/alarm").wantRedirect(t, "/alarm/frozen")
	mailbox.Get("/alarm/frozen").want(t, 200)
	wendy.Get("/account").wantRedirect(t, "/sign-in")
	mailbox.Post("/alarm", "link", linkMark(page)).wantRedirect(t, "/alarm/frozen") // a second click
	later := s.person("wendy")
	later.Get(link).wantRedirect(t, "/alarm")
	later.Get("/alarm").wantRedirect(t, "/alarm/frozen")

	if to := wendy.enterPassword(); to != "/sign-in/code" {
		t.Fatalf("the password leads to %s", to)
	}
	wendy.Get("/sign-in/code").wantRedirect(t, "/sign-in/recovery-code")
	if body := wendy.Get("/sign-in/recovery-code").want(t, 200).Body; !strings.Contains(body, "frozen") {
		t.Errorf("the page does not tell that the account is frozen:\n%s", visible(body))
	}
	wendy.Post("/sign-in/code", "code", wendy.code()).want(t, 422)
	wendy.Post("/sign-in/recovery-code", "recovery_code", recovery[0]).want(t, 303)
	later.Get(link).want(t, 404)
	later.Get("/alarm").want(t, 404)
	mailbox.Post("/alarm", "link", linkMark(page)).want(t, 404)
	if got := wendy.Get("/account"); got.Status == 200 {
		t.Error("the account is open before there is a new password")
	}
	same := wendy.Post("/account/password", "current_password", goodPassword, "new_password", goodPassword, "code", wendy.code()).want(t, 422)
	if !strings.Contains(same.Body, "Choose another one") {
		t.Errorf("the password that somebody else may know is refused with:\n%s", visible(same.Body))
	}
	s.Run("", "user", "show", "wendy")
	if _, says, code := s.Try("", "user", "thaw", "wendy"); code != 1 || !strings.Contains(says, "not frozen") {
		t.Errorf("thaw again: exit %d, %q", code, says)
	}
}

// Two mails "this was not me" that are open in two tabs: the button freezes the
// account that its page names, or none.
func TestTwoAlarmsInOneBrowser(t *testing.T) {
	t.Parallel()
	s := install(t).Serve()
	s.Run("", "customer", "add", "Acme")
	browser := s.person("gary")
	open := func(login string) (mark string) {
		t.Helper()
		who := s.join("Acme", "user", login)
		who.signIn()
		who.enable()
		mails := s.mailsTo(t, login+"@example.com")
		browser.Get(mails[len(mails)-1].link(t, "/alarm/")).wantRedirect(t, "/alarm")
		return linkMark(browser.Get("/alarm").want(t, 200))
	}
	gary, wendy := open("gary"), open("wendy")
	for _, pairs := range [][]string{{"link", gary}, nil} {
		if says := visible(browser.Post("/alarm", pairs...).want(t, 409).Body); !strings.Contains(says, "Nothing was changed. Open your link again") {
			t.Errorf("the other page says\n%s", says)
		}
	}
	wantLine(t, s.Run("", "user", "show", "wendy"), `State +Active`)
	browser.Post("/alarm", "link", wendy).wantRedirect(t, "/alarm/frozen")
	wantLine(t, s.Run("", "user", "show", "wendy"), `State +Frozen`)
	wantLine(t, s.Run("", "user", "show", "gary"), `State +Active`)
}

// Whoever has no recovery codes reads behind the right password whom to ask; an
// administrator opens the account on the person's page.
func TestAdministratorOpensFrozenAccount(t *testing.T) {
	t.Parallel()
	s := install(t).Serve()
	s.Run("", "customer", "add", "Acme")
	ada := s.join("Acme", "administrator", "ada")
	ada.signIn()
	wendy := s.join("Acme", "user", "wendy")
	wendy.signIn()
	wendy.Post("/account/password", "current_password", goodPassword, "new_password", "another good long password").want(t, 303)
	wendy.password = "another good long password"
	mailbox := s.person("wendy")
	mails := s.mailsTo(t, "wendy@example.com")
	mailbox.Get(mails[len(mails)-1].link(t, "/alarm/")).wantRedirect(t, "/alarm")
	mailbox.Submit("/alarm").wantRedirect(t, "/alarm/frozen")

	told := visible(wendy.Post("/sign-in", "login_id", "wendy", "password", wendy.password).want(t, 422).Body)
	stranger := visible(wendy.Post("/sign-in", "login_id", "wendy", "password", "not the password").want(t, 422).Body)
	if !strings.Contains(told, "frozen") || strings.Contains(stranger, "frozen") {
		t.Errorf("behind the right password: %s\nbehind a wrong one: %s", told, stranger)
	}
	user := userLink(t, ada.Get("/administration/access?search=wendy").want(t, 200).Body)
	if body := ada.Get(user).want(t, 200).Body; !strings.Contains(visible(body), "Frozen") {
		t.Errorf("the person's page does not tell:\n%s", visible(body))
	}
	ada.Get(user+"/thaw").want(t, 200)
	ada.Post(user+"/thaw", "password", goodPassword).wantRedirect(t, user+"?notice=thawed")
	if body := visible(ada.Get(user).want(t, 200).Body); strings.Contains(body, "Frozen") {
		t.Error("the account is still frozen")
	}
}

// freezes presses "this was not me" in the newest mail to an address that has
// it, and returns the mail that tells of it.
func (s *server) freezes(t *testing.T, address string) letter {
	t.Helper()
	var link string
	for _, l := range s.mailsTo(t, address) {
		if strings.Contains(l.Text, "/alarm/") {
			link = l.link(t, "/alarm/")
		}
	}
	mailbox := s.person("x")
	mailbox.Get(link).wantRedirect(t, "/alarm")
	mailbox.Submit("/alarm").wantRedirect(t, "/alarm/frozen")
	mails := s.mailsTo(t, address)
	return mails[len(mails)-1]
}

// Who was invited and has no password yet cannot forget it: mails, pages and the
// command say that a new invitation is the way back, and it is.
func TestInvitedAccountIsFrozenAndOpenedAgain(t *testing.T) {
	t.Parallel()
	s := install(t).Serve()
	s.Run("", "customer", "add", "Acme")
	ada := s.join("Acme", "administrator", "ada")
	ada.signIn()
	ada.Post("/administration/access/add", "login_id", "ivy", "name", "Ivy", "email", "ivy@example.com", "role", "user", "password", goodPassword).want(t, 200)
	ivy := userLink(t, ada.Get("/administration/access?search=ivy").want(t, 200).Body)
	never := func(where, text string) {
		t.Helper()
		if text = strings.Join(strings.Fields(text), " "); strings.Contains(text, "Forgot your password") || !strings.Contains(text, "invitation") {
			t.Errorf("%s says\n%s", where, text)
		}
	}
	ada.Post(ivy, "name", "Ivy Green", "email", "ivy@example.com", "role", "user").want(t, 303)
	never("the mail", s.freezes(t, "ivy@example.com").Text)
	ada.Post(ivy+"/invite").want(t, 409)
	never("the page that asks", visible(ada.Get(ivy+"/thaw").want(t, 200).Body))
	ada.Post(ivy+"/thaw").wantRedirect(t, ivy+"?notice=thawed")
	page := ada.Get(ivy+"?notice=thawed").want(t, 200).Body
	never("the page", visible(page))
	if !strings.Contains(page, `action="`+ivy+`/invite"`) {
		t.Errorf("no way to a new invitation in\n%s", page)
	}
	open := s.mailAbout("ivy@example.com", "open again", 1)
	never("the mail of the end", open.Text)
	s.freezes(t, "ivy@example.com")
	never("the command", s.Run("", "user", "thaw", "ivy"))
	guest := s.person("ivy")
	guest.Get(regexp.MustCompile(`/link/\S+`).FindString(s.Run("", "user", "invite", "--base-url", s.Base, "ivy"))).wantRedirect(t, "/invitation")
	guest.Submit("/invitation", "new_password", goodPassword).want(t, 303)
	guest.signIn()
	guest.Get("/account").want(t, 200)
}

// The mail about a frozen account names ways that there are: a recovery code
// where there is one, an administrator where there is another one.
func TestFrozenMailNamesRealWays(t *testing.T) {
	t.Parallel()
	s := install(t).Serve()
	s.Run("", "customer", "add", "Acme")
	says := func(login string, want ...bool) {
		t.Helper()
		told := strings.Join(strings.Fields(s.freezes(t, login+"@example.com").Text), " ")
		for i, phrase := range []string{"and a recovery code", "Your administrators have been told", "whoever runs this portal"} {
			if strings.Contains(told, phrase) != want[i] {
				t.Errorf("%s reads %t of %q in\n%s", login, !want[i], phrase, told)
			}
		}
	}
	alarmed := func(login, role string) *person {
		t.Helper()
		who := s.join("Acme", role, login)
		who.signIn()
		who.Post("/account/password", "current_password", goodPassword, "new_password", "another good long password").want(t, 303)
		return who
	}
	alarmed("ada", "administrator")
	says("ada", false, false, true)
	s.Run("", "user", "thaw", "ada")
	s.join("Acme", "administrator", "bea")
	says("ada", false, true, false)
	wendy := alarmed("wendy", "user")
	wendy.password = "another good long password"
	wendy.enable()
	says("wendy", true, true, false)
}

// "I lost my phone" over HTTP: one click, the administrators' start page, and
// away with it.
func TestLostPhone(t *testing.T) {
	t.Parallel()
	s := install(t).Serve()
	s.Run("", "customer", "add", "Acme")
	ada := s.join("Acme", "administrator", "ada")
	ada.signIn()
	wendy := s.join("Acme", "user", "wendy")
	wendy.signIn()
	wendy.enable()
	lost := s.person("wendy")
	if to := lost.enterPassword(); to != "/sign-in/code" {
		t.Fatalf("the password leads to %s", to)
	}
	if body := lost.Get("/sign-in/lost-phone").want(t, 200).Body; !strings.Contains(visible(body), "Name of ada") {
		t.Errorf("nobody is named:\n%s", visible(body))
	}
	lost.Post("/sign-in/lost-phone").wantRedirect(t, "/sign-in/lost-phone?notice=help-asked")
	if body := lost.Get("/sign-in/lost-phone").want(t, 200).Body; strings.Contains(body, "Ask them for help") || !strings.Contains(visible(body), "Their start page shows since") {
		t.Errorf("the page asks again:\n%s", visible(body))
	}
	mails := s.mailsTo(t, "ada@example.com")
	if last := mails[len(mails)-1]; !strings.Contains(last.Subject, "asks for help") {
		t.Errorf("the administrator reads %q", last.Subject)
	}
	home := ada.Get("/").want(t, 200).Body
	user := userLink(t, home)
	if !strings.Contains(visible(home), "Name of wendy") {
		t.Errorf("the start page lists nobody:\n%s", visible(home))
	}
	ada.Post(user+"/dismiss-help").wantRedirect(t, "/?notice=help-dismissed")
	ada.Post(user+"/dismiss-help").wantRedirect(t, "/?notice=help-dismissed")
	if strings.Contains(ada.Get("/").want(t, 200).Body, "Name of wendy") {
		t.Error("the request is still there")
	}
	wendy.Get("/account").want(t, 200)
}

// Behind the password of a frozen account, which somebody else may know, the
// page names nobody and calls nobody; it says how the account opens again.
func TestLostPhoneOfAFrozenAccount(t *testing.T) {
	t.Parallel()
	s := install(t).Serve()
	s.Run("", "customer", "add", "Acme")
	s.join("Acme", "administrator", "ada")
	wendy := s.join("Acme", "user", "wendy")
	wendy.signIn()
	recovery := wendy.enable()
	mails := s.mailsTo(t, "wendy@example.com")
	mailbox := s.person("wendy")
	mailbox.Get(mails[len(mails)-1].link(t, "/alarm/")).wantRedirect(t, "/alarm")
	mailbox.Submit("/alarm").wantRedirect(t, "/alarm/frozen")

	thief := s.person("wendy")
	thief.enterPassword()
	before := len(s.mailsTo(t, "ada@example.com"))
	for _, page := range []string{thief.Get("/sign-in/lost-phone").want(t, 200).Body, thief.Post("/sign-in/lost-phone").want(t, 409).Body} {
		text := visible(page)
		if strings.Contains(text, "ada") || strings.Contains(text, "Acme") || strings.Contains(page, "Ask them for help") {
			t.Errorf("the page tells a stranger:\n%s", text)
		}
		if !strings.Contains(text, "frozen") || !strings.Contains(page, `href="/sign-in/recovery-code"`) {
			t.Errorf("the page does not help the owner:\n%s", text)
		}
	}
	if after := len(s.mailsTo(t, "ada@example.com")); after != before {
		t.Error("the administrator was asked for help")
	}
	thief.Post("/sign-in/recovery-code", "recovery_code", recovery[0]).want(t, 303)
}

// Who gives the own 2FA up is told that it is done, and what that means.
func TestGivingUpIsConfirmed(t *testing.T) {
	t.Parallel()
	s := install(t).Serve()
	s.Run("", "customer", "add", "Acme")
	wendy := s.join("Acme", "user", "wendy")
	wendy.signIn()
	wendy.enable()
	says := func(deed, want string) {
		t.Helper()
		done := wendy.Post("/account/2fa/"+deed, "password", goodPassword, "code", wendy.code()).want(t, 303)
		if page := visible(wendy.Get(done.Location).want(t, 200).Body); !strings.HasPrefix(done.Location, "/account?notice=") || !strings.Contains(page, want) {
			t.Errorf("%s leads to %s, which says\n%s", deed, done.Location, page)
		}
	}
	says("disable", "Two-factor authentication is disabled. Your setup is kept")
	wendy.Post("/account/2fa/enable", "password", goodPassword, "code", wendy.code()).want(t, 200)
	says("delete", "Your 2FA setup is deleted.")
}

// The use of a recovery code is told with the number that is left, the account
// offers new ones when few are, and 2FA stays on (RC-06).
func TestRecoveryCodeUseIsTold(t *testing.T) {
	t.Parallel()
	s := install(t).Serve()
	s.Run("", "customer", "add", "Acme")
	wendy := s.join("Acme", "user", "wendy")
	wendy.signIn()
	recovery := wendy.enable()
	for i, code := range recovery[:8] {
		if to := wendy.enterPassword(); to != "/sign-in/code" {
			t.Fatalf("sign-in %d leads to %s", i, to)
		}
		wendy.Post("/sign-in/recovery-code", "recovery_code", code).wantRedirect(t, "/")
	}
	if page := visible(wendy.Get("/account").want(t, 200).Body); !strings.Contains(page, "Only  2 recovery codes  left") {
		t.Errorf("the account does not warn:\n%s", page)
	}
	var last string
	used := 0
	for _, m := range s.mailsTo(t, "wendy@example.com") {
		if m.Subject == "A recovery code was used" {
			used, last = used+1, m.Text
		}
	}
	if used != 8 || !strings.Contains(last, "2 are left") {
		t.Errorf("%d mails, the last one:\n%s", used, last)
	}
}
