package main

import (
	"strings"
	"testing"
	"time"
)

// A running portal does its housekeeping by itself: the owner of a kept setup
// is told before it runs out, reads the day on the Account page, and has none
// when it is over (OT-14). Mails that nobody could send are given up.
func TestKeptSetupRunsOutByItself(t *testing.T) {
	t.Parallel()
	s := install(t).Serve()
	s.Run("", "customer", "add", "Acme")
	wendy := s.join("Acme", "user", "wendy")
	wendy.signIn()
	wendy.enable()
	wendy.Post("/account/2fa/disable", "password", wendy.password, "code", wendy.code()).want(t, 303)
	until90 := s.Now().AddDate(0, 0, 90).UTC().Format("2 January 2006")
	if page := visible(wendy.Get("/account").want(t, 200).Body); !strings.Contains(page, "your setup is kept until "+until90) {
		t.Errorf("the page does not say until when (%s):\n%s", until90, page)
	}
	s.Advance(77 * 24 * time.Hour)
	until(t, "the owner is warned", func() bool {
		return strings.Contains(s.Run("", "mail", "list"), "kept setup runs out")
	})
	until(t, "the mails of before are given up", func() bool {
		return strings.Contains(s.Run("", "mail", "list"), "it has waited for 30 days")
	})
	s.Advance(14 * 24 * time.Hour)
	until(t, "the setup is gone", func() bool {
		return strings.Contains(s.Run("", "user", "show", "wendy"), "2FA not Enabled")
	})
	wendy.signIn()
	if page := visible(wendy.Get("/account").want(t, 200).Body); !strings.Contains(page, "Kept 2FA setup ran out") {
		t.Errorf("the activity does not tell:\n%s", page)
	}
	wendy.enable()
}
