package main

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"portal/internal/web"
)

// Nothing that can be reached before a sign-in is complete changes 2FA: not for
// a stranger, not for who has the password (LC-07).
func TestNothingBeforeSignInChangesTwoFactor(t *testing.T) {
	t.Parallel()
	s := install(t).Serve()
	s.Run("", "customer", "add", "Acme")
	s.join("Acme", "administrator", "ada")
	wendy := s.join("Acme", "user", "wendy")
	wendy.signIn()
	wendy.enable()
	mails := s.mailsTo(t, "wendy@example.com")
	alarm := strings.TrimPrefix(mails[len(mails)-1].link(t, "/alarm/"), "/alarm/")
	thief := s.person("wendy") // has the password and the mailbox
	fields := []string{
		"login_id", "wendy", "password", goodPassword, "current_password", goodPassword, "new_password", "another good long password",
		"code", "000000", "recovery_code", "AAAAA-AAAAA-AAAAA-AAAAA-AAAAA", "reason", "lost my phone",
	}
	mark := regexp.MustCompile(`name="link" value="([^"]+)"`)
	marks := map[string]string{} // of the links whose forms were seen
	for _, route := range leavingLast(web.Routes()) {
		if _, needsSession := route.Level.Right(); needsSession || route.Pattern == "/sign-in/cancel" {
			continue
		}
		path := strings.NewReplacer("{token}", alarm, "{file}", "none.css").Replace(route.Pattern)
		if route.Method != http.MethodPost {
			if seen := mark.FindStringSubmatch(thief.Get(path).Body); seen != nil {
				marks[path] = seen[1]
			}
			continue
		}
		thief.enterPassword()
		thief.Post(path, append(fields, "link", marks[path])...)
	}
	wantLine(t, s.Run("", "user", "show", "wendy"), `Two factor +2FA Enabled`)
	s.Run("", "user", "thaw", "wendy") // the alarm was among the routes
}

// A session without a fresh proof changes nothing that guards an account: six
// minutes after the sign-in every form is sent without one, and no letter and
// no new state tells of a change (LC-01, SE-10).
func TestBareSessionChangesNothing(t *testing.T) {
	t.Parallel()
	s := install(t).Serve()
	s.Run("", "customer", "add", "Acme")
	ada := s.join("Acme", "administrator", "ada")
	ada.signIn()
	ada.enable()
	elsewhere := s.person("ada")
	elsewhere.secrets = ada.secrets
	elsewhere.signIn()
	wendy := s.join("Acme", "user", "wendy")
	wendy.signIn()
	wendy.enable()
	user := userLink(t, ada.Get("/administration/access?search=wendy").want(t, 200).Body)
	session := regexp.MustCompile(`/account/sessions/[0-9a-f-]{36}`).FindString(ada.Get("/account").want(t, 200).Body)
	s.Advance(6 * time.Minute)
	told, before := s.Run("", "mail", "list"), s.Run("", "user", "list", "--customer", "Acme")
	fields := []string{
		"new_password", "another good long password", "name", "Another Name", "email", "new@example.org", "role", "administrator",
		"reason", "lost phone", "login_id", "another",
	}
	policy := versionOn(t, ada.Get("/administration/policy").want(t, 200).Body)
	for _, route := range web.Routes() {
		_, needsSession := route.Level.Right()
		if !needsSession || route.Method != http.MethodPost || route.Pattern == "/sign-out" {
			continue
		}
		path := strings.NewReplacer("/administration/access/{id}", user, "/account/sessions/{id}", session).Replace(route.Pattern)
		if path == "/administration/policy/set" {
			path += "?user_policy=recommended&administrator_policy=recommended&version=" + policy
		}
		if a := ada.Post(path, fields...); a.Status >= 500 {
			t.Errorf("%s answers %d", path, a.Status)
		}
	}
	ada.Get("/account").want(t, 200)
	elsewhere.Get("/account").want(t, 200)
	wendy.Get("/account").want(t, 200)
	if now := versionOn(t, ada.Get("/administration/policy").want(t, 200).Body); now != policy {
		t.Errorf("the policy was changed: version %s, then %s", policy, now)
	}
	if now := s.Run("", "mail", "list"); now != told {
		t.Errorf("mails before\n%safter\n%s", told, now)
	}
	if now := s.Run("", "user", "list", "--customer", "Acme"); now != before {
		t.Errorf("users before\n%safter\n%s", before, now)
	}
}
