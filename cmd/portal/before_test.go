package main

import (
	"net/http"
	"strings"
	"testing"

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
	for _, route := range leavingLast(web.Routes()) {
		if _, needsSession := route.Level.Right(); needsSession || route.Pattern == "/sign-in/cancel" {
			continue
		}
		path := strings.NewReplacer("{token}", alarm, "{file}", "none.css").Replace(route.Pattern)
		if route.Method != http.MethodPost {
			thief.Get(path)
			continue
		}
		thief.enterPassword()
		thief.Post(path, fields...)
	}
	wantLine(t, s.Run("", "user", "show", "wendy"), `Two factor +2FA Enabled`)
	s.Run("", "user", "thaw", "wendy") // the alarm was among the routes
}
