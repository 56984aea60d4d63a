package main

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"portal"
	"portal/internal/web"
)

// Who owes a 2FA setup reaches the steps to it and the way out, on every route
// of the table; everything else leads there (AU-09).
func TestRequiredOpensNothingButSetup(t *testing.T) {
	t.Parallel()
	town := newTown(t, install(t).Serve())
	uli := town.settle("user without 2FA", "Acme", portal.RoleUser, "uli")
	town.server.Run("", "customer", "policy", "Acme", "--users", "required", "--administrators", "required")
	for _, visitor := range []visitor{uli, town.admin} {
		for _, route := range leavingLast(web.Routes()) {
			right, session := route.Level.Right()
			if !session || route.Pattern == "/sign-out" {
				continue
			}
			answer := visitor.ask(route.Method, town.path(route.Pattern))
			led := answer.Status == http.StatusSeeOther && answer.Location == "/account"
			switch actor := (portal.Actor{Kind: portal.ActorUser, Role: visitor.role, Owes: portal.OwesSetup}); {
			case actor.Holds(right):
				if answer.Status >= 400 && answer.Status != http.StatusUnprocessableEntity && answer.Status != http.StatusConflict {
					t.Errorf("%s %s as %s: %d", route.Method, route.Pattern, visitor.who, answer.Status)
				}
			case visitor.may(route.Level) != led:
				t.Errorf("%s %s as %s: %d → %q", route.Method, route.Pattern, visitor.who, answer.Status, answer.Location)
			}
		}
	}
}

// The whole way: led to enrolment after the password, nothing else on the page,
// the rest opens with the first code, and the setup has to stay.
func TestEnrolmentByPolicy(t *testing.T) {
	t.Parallel()
	s := install(t).Serve()
	s.Run("", "customer", "add", "Acme", "--require-2fa", "everybody")
	wendy := s.join("Acme", "user", "wendy")
	if next := wendy.enterPassword(); next != "/" {
		t.Fatalf("the password leads to %s", next)
	}
	wendy.Get("/").wantRedirect(t, "/account")
	page := wendy.Get("/account").want(t, 200).Body
	if !strings.Contains(page, "requires two-factor authentication") || strings.Contains(page, "Change password") || strings.Contains(page, "Sessions") {
		t.Errorf("the page shows\n%s", visible(page))
	}
	wendy.enable()
	if page := wendy.Get("/account").want(t, 200).Body; !strings.Contains(page, "Change password") {
		t.Errorf("after enrolment the page shows\n%s", visible(page))
	}
	wendy.Get("/").want(t, 200)
	for _, deed := range []string{"/account/2fa/disable", "/account/2fa/delete"} {
		for _, answer := range []answer{wendy.Get(deed), wendy.Post(deed, "password", goodPassword, "code", wendy.code())} {
			if page := answer.want(t, 409).Body; !strings.Contains(page, "neither disabled nor deleted") || !strings.Contains(page, `role="status" class="tag on">Enabled<`) {
				t.Errorf("%s answers\n%s", deed, visible(page))
			}
		}
	}
	s.Run("", "user", "delete-2fa", "--reason", "lost phone", "wendy")
	again := s.person("wendy")
	if next := again.enterPassword(); next != "/" {
		t.Fatalf("the password leads to %s", next)
	}
	again.Get("/administration/access").want(t, 404)
	again.Get("/").wantRedirect(t, "/account")
}

// The first administrator can require 2FA from the beginning, of oneself too.
func TestSetUpCanRequire(t *testing.T) {
	t.Parallel()
	s := install(t).Serve()
	gary := s.person("gary")
	gary.Get(strings.TrimPrefix(s.Link, s.Base)).wantRedirect(t, "/set-up")
	gary.Submit("/set-up", "customer", "Acme", "name", "Gary", "login_id", "gary", "email", "gary@acme.example",
		"password", goodPassword, "require_2fa", "yes").wantRedirect(t, "/sign-in?notice=ready")
	gary.enterPassword()
	gary.Get("/administration/access").wantRedirect(t, "/account")
	gary.enable()
	gary.Get("/administration/access").want(t, 200)
	if out := s.Run("", "customer", "policy", "Acme"); !strings.Contains(out, "required from") || !strings.Contains(out, "0 of 1") {
		t.Errorf("the policy is\n%s", out)
	}
}

// The host's commands say what is wrong with a policy, and change nothing then.
func TestPolicyCommands(t *testing.T) {
	t.Parallel()
	in := install(t)
	in.Run("", "customer", "add", "Acme", "--require-2fa", "administrators", "--from", in.Now().AddDate(0, 1, 0).Format("2006-01-02"))
	before := in.Run("", "customer", "policy", "acme")
	if !strings.Contains(before, "recommended") || !strings.Contains(before, "required from "+in.Now().AddDate(0, 1, 0).UTC().Format("2 January 2006")) {
		t.Errorf("the policy is\n%s", before)
	}
	for _, wrong := range [][]string{
		{"customer", "policy", "acme", "--from", "2026-12-01"}, {"customer", "policy", "acme", "--users", "sometimes"},
		{"customer", "policy", "acme", "--users", "required", "--from", "tomorrow"}, {"customer", "policy", "nobody"},
		{"customer", "policy", "acme", "--users", "required", "--from", "2206-12-01"}, {"customer", "add", "B", "--from", "2026-12-01"},
	} {
		if _, said, code := in.Try("", wrong...); code == 0 || said == "" {
			t.Errorf("%v: exit %d, %q", wrong, code, said)
		}
	}
	if after := in.Run("", "customer", "policy", "acme"); after != before {
		t.Errorf("the policy has changed:\n%s", after)
	}
	if after := in.Run("", "customer", "policy", "acme", "--users", "off", "--administrators", "recommended"); strings.Contains(after, "required") || !strings.Contains(after, "off") {
		t.Errorf("the policy is\n%s", after)
	}
}

// The host requires 2FA of operators, who are told, reminded and led to the
// set-up like everybody else; nothing else changes.
func TestOperatorsPolicy(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *server) {
		s.Run("", "customer", "add", "Acme")
		customers := s.Run("", "customer", "policy", "Acme")
		olga := s.join("", "operator", "olga")
		if out := s.Run("", "operator", "policy"); !strings.Contains(out, "recommended") || !strings.Contains(out, "1 of 1") || strings.Contains(out, "User") {
			t.Errorf("the policy is\n%s", out)
		}
		for _, wrong := range [][]string{{"--from", "2026-12-01"}, {"off", "--from", "2026-12-01"}, {"sometimes"}, {"required", "--from", "2206-12-01"}} {
			if _, errors, code := s.Try("", append([]string{"operator", "policy"}, wrong...)...); code == 0 || errors == "" {
				t.Errorf("%v: exit %d, %q", wrong, code, errors)
			}
		}
		soon := s.Now().UTC().AddDate(0, 0, 5)
		wantLine(t, s.Run("", "operator", "policy", "required", "--from", soon.Format("2006-01-02")), "Operator +required from "+soon.Format("2 January 2006")+" +1 of 1")
		olga.signIn()
		olga.Get("/").want(t, 200)
		mails := s.mailsTo(t, "olga@example.com")
		if !strings.Contains(mails[0].Text, "Operator: recommended → required from") {
			t.Errorf("the operator is told\n%s", mails[0].Text)
		}
		s.Run("", "operator", "policy", "required")
		olga.Get("/").wantRedirect(t, "/account")
		if page := visible(olga.Get("/account").want(t, 200).Body); !strings.Contains(page, "requires two-factor authentication") {
			t.Errorf("the page says\n%s", page)
		}
		olga.enable()
		olga.Get("/").want(t, 200)
		wantLine(t, s.Run("", "operator", "policy", "off"), "Operator +off +0 of 1")
		if after := s.Run("", "customer", "policy", "Acme"); after != customers {
			t.Errorf("the customer's policy has changed:\n%s", after)
		}
		wantLine(t, s.Run("", "audit", "export"), `.*"action":"2FA policy changed".*Operator: required from .* → off`)
	})
}

// An administrator sees whom a policy touches before it is saved, and saves it
// with a proof; people see the days that are left (AU-09).
func TestAdministratorSetsThePolicy(t *testing.T) {
	t.Parallel()
	s := install(t).Serve()
	s.Run("", "customer", "add", "Acme")
	ada, wendy := s.join("Acme", "administrator", "ada"), s.join("Acme", "user", "wendy")
	ada.signIn()
	wendy.signIn()
	page := ada.Get("/administration/policy").want(t, 200).Body
	if !strings.Contains(ada.Get("/").Body, `<a href="/administration/policy">2FA policy</a>`) || !strings.Contains(visible(page), "you need a working one yourself") {
		t.Errorf("the page says\n%s", visible(page))
	}
	set := "/administration/policy/set?administrator_policy=recommended&version=" + versionOn(t, page) + "&user_policy="
	day := s.Now().UTC().AddDate(0, 0, 10)
	required := set + "required&user_from=" + day.Format("2006-01-02")
	if page := ada.Get(required).want(t, 409).Body; !strings.Contains(page, "Enable yours on your Account page, then come back.") {
		t.Errorf("without own 2FA:\n%s", visible(page))
	}
	ada.enable()
	for query, want := range map[string]string{
		set + "required": "Enter the day from which", set + "off&user_from=2026-12-01": "A day goes with required only", set + "x": "Choose off, recommended or required", set + "recommended": "stands already",
	} {
		for _, answer := range []answer{ada.Get(query), ada.Post(query, "password", goodPassword)} {
			if page := visible(answer.Body); (answer.Status != 422 && answer.Status != 409) || !strings.Contains(page, want) || !strings.Contains(page, "What it means") {
				t.Errorf("%s: %d\n%s", query, answer.Status, page)
			}
		}
	}
	preview := visible(ada.Get(required).want(t, 200).Body)
	if !strings.Contains(preview, "From "+day.Format("2 January 2006")+", 1 person who has no 2FA will be led to set it up, and can do nothing else before: Name of wendy.") {
		t.Errorf("the preview says\n%s", preview)
	}
	ada.Post(required).want(t, 200)
	ada.Post(required, "password", goodPassword).want(t, 422)
	ada.Post(required, "password", goodPassword, "code", ada.code()).wantRedirect(t, "/administration/policy?notice=policy-saved")
	if stale := ada.Get(set+"off").want(t, 409).Body; !strings.Contains(stale, "has changed since this page was shown") {
		t.Errorf("from an old form:\n%s", visible(stale))
	}
	for _, page := range []string{"/", "/account"} {
		if body := visible(wendy.Get(page).want(t, 200).Body); !strings.Contains(body, "days left") {
			t.Errorf("%s says\n%s", page, body)
		}
	}
	if strings.Contains(ada.Get("/").Body, "days left") {
		t.Error("who has 2FA is reminded")
	}
}

// versionOn is the hidden version in a form.
func versionOn(t *testing.T, page string) string {
	t.Helper()
	found := regexp.MustCompile(`name="version" value="([^"]+)"`).FindStringSubmatch(page)
	if found == nil {
		t.Fatalf("the page has no version:\n%s", page)
	}
	return url.QueryEscape(html.UnescapeString(found[1]))
}

// The running portal reminds by itself, once.
func TestServerReminds(t *testing.T) {
	t.Parallel()
	in := install(t)
	in.Run("", "customer", "add", "Acme", "--require-2fa", "everybody", "--from", in.Now().AddDate(0, 0, 5).Format("2006-01-02"))
	in.Run(goodPassword+"\n", "user", "add", "--customer", "Acme", "--name", "Wendy", "--email", "wendy@example.com", "--password-stdin", "wendy")
	s := in.Serve()
	reminded := func() int { return strings.Count(s.Run("", "mail", "list"), string(portal.MailPolicyReminder)) }
	until(t, "a reminder is in the outbox", func() bool { return reminded() > 0 })
	s.Advance(2 * time.Hour)
	if n := reminded(); n != 1 {
		t.Errorf("%d reminders", n)
	}
}
