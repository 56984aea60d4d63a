package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/user"
	"slices"
	"strings"
	"testing"
)

// mailAbout waits for the newest of n mails to an address with a subject; a job
// of the server writes some of them a moment later.
func (s *server) mailAbout(address, subject string, n int) letter {
	s.t.Helper()
	for range 200 {
		var found []letter
		for _, l := range s.mailsTo(s.t, address) {
			if strings.Contains(l.Subject, subject) {
				found = append(found, l)
			}
		}
		if len(found) >= n {
			return found[len(found)-1]
		}
	}
	s.t.Fatalf("no %d mails to %s about %q in\n%v", n, address, subject, s.mailsTo(s.t, address))
	return letter{}
}

// Whether a login ID is known, unknown, suspended or invited: a stranger who
// says that its password is forgotten cannot tell, neither from the answer nor
// from its headers nor from the limit (AU-07).
func TestForgottenPasswordTellsNothing(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *server) {
		s.Run("", "customer", "add", "Acme")
		s.join("Acme", "user", "wendy")
		s.join("Acme", "user", "suspended")
		s.Run("", "user", "suspend", "suspended")
		s.Run("", "user", "add", "--customer", "Acme", "--name", "Ivy", "--email", "ivy@example.com", "invited")
		seen := map[string][]string{}
		for _, login := range []string{"wendy", "nobody", "suspended", "invited"} {
			stranger := s.person(login)
			var answers []string
			for range 4 {
				a := stranger.Post("/forgot-password", "login_id", login)
				a.Header.Del("Date")
				a.Header.Del("X-Request-Id")
				a.Header.Del("Retry-After") // counts the seconds on
				answers = append(answers, fmt.Sprint(a.Status, a.Location, a.Header, strings.ReplaceAll(a.Body, login, "…")))
			}
			seen[login] = answers
			if want := []string{"303", "303", "303", "429"}; !slices.EqualFunc(answers, want, strings.HasPrefix) {
				t.Errorf("%s: %v", login, answers)
			}
		}
		for login, answers := range seen {
			if !slices.Equal(answers[:3], seen["nobody"][:3]) {
				t.Errorf("%s is answered\n%v, nobody\n%v", login, answers, seen["nobody"])
			}
		}
		s.person("x").Get("/forgot-password/sent").want(t, 200)
		s.person("x").Post("/forgot-password", "login_id", " ").want(t, http.StatusUnprocessableEntity)
	})
}

// The way back for a forgotten password, as a person with 2FA goes it: mail,
// link, form with a code, ordinary sign-in. The link's token stands in its own
// address only; it opens no other form and no session (LC-09, AU-13, DP-03).
func TestForgottenPassword(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *server) {
		s.Run("", "customer", "add", "Acme")
		wendy := s.join("Acme", "user", "wendy")
		wendy.signIn()
		wendy.enable()
		wendy.Get("/sign-in")
		mailbox := s.person("wendy")
		mailbox.Post("/forgot-password", "login_id", "WENDY").wantRedirect(t, "/forgot-password/sent")
		link := s.mailAbout("wendy@example.com", "Set a new password", 1).link(t, "/link/")
		token := strings.TrimPrefix(link, "/link/")

		mailbox.Get(link).wantRedirect(t, "/reset-password")
		form := mailbox.Get("/reset-password").want(t, 200)
		if strings.Contains(form.Body, token) || !strings.Contains(form.Body, "6-digit code") || !strings.Contains(form.Body, `clock: <time datetime="20`) {
			t.Errorf("the form is\n%s", form.Body)
		}
		mailbox.Get("/reset-password?recovery=1").want(t, 200)
		for _, other := range []string{"/invitation", "/set-up", "/confirm-address"} {
			mailbox.Post(other, "new_password", "another good long password", "link", linkMark(form)).want(t, http.StatusNotFound)
		}
		mailbox.Submit("/reset-password", "new_password", "short", "code", wendy.code()).want(t, 422)
		mailbox.Submit("/reset-password", "new_password", "another good long password").want(t, 422)
		mailbox.Submit("/reset-password", "new_password", "another good long password", "code", "000000").want(t, 422)
		wendy.Get("/account").want(t, 200)
		mailbox.Submit("/reset-password", "new_password", "another good long password", "code", wendy.code()).
			wantRedirect(t, "/sign-in?notice=password-reset")
		mailbox.Get("/account").wantRedirect(t, "/sign-in")
		wendy.Get("/account").wantRedirect(t, "/sign-in")
		mailbox.Get(link).want(t, http.StatusNotFound)

		wendy.password = "another good long password"
		if step := wendy.enterPassword(); step != "/sign-in/code" {
			t.Errorf("after the reset the password leads to %s", step)
		}
		if strings.Contains(s.Log(), token) {
			t.Error("the log holds the token")
		}
	})
}

// An invitation fixes customer, role and address: what else the form brings is
// ignored (LC-15). It signs nobody in, and no generated password exists
// (PW-13).
func TestInvitationFixesWhoItIsFor(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *server) {
		for _, customer := range []string{"Acme", "Rival"} {
			s.Run("", "customer", "add", customer)
		}
		ada := s.join("Acme", "administrator", "ada")
		ada.signIn()
		ada.Post("/administration/access/add", "login_id", "wendy", "name", "Wendy", "email", "wendy@example.com", "role", "user", "password", goodPassword).want(t, 200)
		invited := s.person("wendy")
		invited.Get(s.mailAbout("wendy@example.com", "Your account", 1).link(t, "/link/")).wantRedirect(t, "/invitation")
		invited.Submit("/invitation", "new_password", goodPassword, "role", "administrator", "customer", "Rival",
			"email", "evil@example.com", "login_id", "root", "name", "Root").wantRedirect(t, "/sign-in?notice=password-set")
		invited.Get("/account").wantRedirect(t, "/sign-in")
		shown := s.Run("", "user", "show", "wendy")
		for _, want := range []string{`Name +Wendy`, `E-mail +wendy@example\.com`, `Customer +Acme`, `Role +User`, `State +Active`} {
			wantLine(t, shown, want)
		}
		invited.signIn()
	})
}

// Two links that are open in two tabs: a press acts for the link that its page
// was shown for, or for none; the other page stays as good as it was, and so
// does the link behind the first (AU-13, LC-10).
func TestTwoLinksInOneBrowser(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *server) {
		s.Run("", "customer", "add", "Acme")
		browser := s.person("wendy")
		open := func(login, subject, form string) (link, mark string) {
			t.Helper()
			link = s.mailAbout(login+"@example.com", subject, 1).link(t, "/link/")
			browser.Get(link).wantRedirect(t, form)
			return link, linkMark(browser.Get(form).want(t, 200))
		}
		refused := func(form string, pairs ...string) {
			t.Helper()
			if says := visible(browser.Post(form, pairs...).want(t, http.StatusConflict).Body); !strings.Contains(says, "Nothing was changed. Open your link again") {
				t.Errorf("%s says\n%s", form, says)
			}
		}
		s.Run("", "user", "add", "--customer", "Acme", "--name", "Ivy", "--email", "ivy@example.com", "ivy")
		s.Run("", "user", "add", "--customer", "Acme", "--name", "Tom", "--email", "tom@example.com", "tom")
		s.join("Acme", "user", "wendy")
		s.Run("", "user", "demand-password", "wendy")
		ivys, ivy := open("ivy", "Your account", "/invitation")
		_, wendy := open("wendy", "", "/reset-password")
		_, tom := open("tom", "Your account", "/invitation")

		refused("/invitation", "new_password", "a password of ivy alone", "link", ivy)
		refused("/reset-password", "new_password", "a password of wendy alone", "link", wendy)
		refused("/invitation", "new_password", "a password of nobody here")
		wantLine(t, s.Run("", "user", "show", "tom"), `State +Invited`)
		browser.Post("/invitation", "new_password", "a password of tom alone", "link", tom).wantRedirect(t, "/sign-in?notice=password-set")
		browser.Post("/invitation", "new_password", "a password of tom alone", "link", tom).want(t, http.StatusNotFound)
		refused("/invitation", "new_password", "a password of ivy alone", "link", ivy)
		browser.Get(ivys).wantRedirect(t, "/invitation")
		browser.Post("/invitation", "new_password", "a password of ivy alone", "link", ivy).wantRedirect(t, "/sign-in?notice=password-set")
		for _, login := range []string{"tom", "ivy"} {
			guest := s.person(login)
			guest.password = "a password of " + login + " alone"
			guest.signIn()
			guest.Get("/account").want(t, 200)
		}
	})
}

// A new e-mail address: asked for under step-up, confirmed behind its link by
// whoever reads the mail there, without a session; the old address is told.
func TestNewAddressByMail(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *server) {
		s.Run("", "customer", "add", "Acme")
		wendy := s.join("Acme", "user", "wendy")
		wendy.signIn()
		wendy.Get("/account/email").want(t, 200)
		wendy.Post("/account/email", "email", "new@example.org").want(t, http.StatusOK)
		wendy.Post("/account/email", "email", "no address", "password", goodPassword).want(t, 422)
		wendy.Post("/account/email", "email", "new@example.org", "password", goodPassword).wantRedirect(t, "/account?notice=address-asked")
		wendy.Post("/account/second-email", "email", "second@example.org", "password", goodPassword).wantRedirect(t, "/account?notice=address-asked")
		s.mailAbout("wendy@example.com", "A new e-mail address was asked for", 2)
		account := visible(wendy.Get("/account").want(t, 200).Body)
		if !strings.Contains(account, "new@example.org") || !strings.Contains(account, "waits until") {
			t.Errorf("the account does not tell what waits:\n%s", account)
		}
		for _, address := range []string{"second@example.org", "new@example.org"} {
			link := s.mailAbout(address, "Confirm this e-mail address", 1).link(t, "/link/")
			mailbox := s.person("wendy")
			mailbox.Get(link).wantRedirect(t, "/confirm-address")
			page := mailbox.Get("/confirm-address").want(t, 200).Body
			if !strings.Contains(page, address) || strings.Contains(page, strings.TrimPrefix(link, "/link/")) {
				t.Errorf("the page is\n%s", page)
			}
			mailbox.Submit("/confirm-address").wantRedirect(t, "/sign-in?notice=address-confirmed")
			mailbox.Get("/account").wantRedirect(t, "/sign-in")
			wendy.Get("/account").wantRedirect(t, "/sign-in")
			wendy.signIn()
			if address == "second@example.org" { // the change has voided the other link: ask again
				wendy.Post("/account/email", "email", "new@example.org", "password", goodPassword).want(t, 303)
				s.mailAbout("new@example.org", "Confirm this e-mail address", 2)
			}
		}
		wantLine(t, s.Run("", "user", "show", "wendy"), `E-mail +new@example\.org`)
		s.mailAbout("wendy@example.com", "Your e-mail address was changed", 2)
		wendy.Post("/account/second-email/remove", "password", goodPassword).wantRedirect(t, "/account?notice=address-removed")
		s.mailAbout("second@example.org", "Your e-mail address was changed", 3)
	})
}

// What is done on the host stands in the trail with the system user and the
// machine (LC-14).
func TestHostIsOnRecord(t *testing.T) {
	t.Parallel()
	s := install(t)
	s.Run("", "customer", "add", "Acme")
	s.Run(goodPassword, "user", "add", "--customer", "Acme", "--name", "W", "--email", "w@example.com", "--password-stdin", "wendy")
	for _, command := range [][]string{
		{"suspend", "wendy"}, {"reactivate", "wendy"}, {"unlock", "wendy"}, {"set-email", "wendy", "new@example.com"},
		{"demand-password", "wendy"},
	} {
		s.Run("", append([]string{"user"}, command...)...)
	}
	who, err := user.Current()
	must(t, err)
	machine, err := os.Hostname()
	must(t, err)
	done := map[string]bool{}
	for line := range strings.Lines(s.Run("", "audit", "export", "--customer", "Acme", "--format", "jsonl")) {
		var e map[string]any
		must(t, json.Unmarshal([]byte(line), &e))
		done[fmt.Sprint(e["action"])] = true
		if fmt.Sprint(e["actor"]) != who.Username || fmt.Sprint(e["source"]) != machine {
			t.Errorf("not on record as %s on %s: %s", who.Username, machine, line)
		}
	}
	for _, action := range []string{"User added", "User suspended", "User reactivated", "Wrong tries forgotten", "User edited", "New password demanded"} {
		if !done[action] {
			t.Errorf("%q is not on record: %v", action, done)
		}
	}
}
