package web

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"portal"
	"portal/internal/admin"
)

// The days left stand where people begin and where they set 2FA up, for people
// without it, and go when the day comes.
func TestReminderOnPages(t *testing.T) {
	home, account := homePage{}, accountPage{}
	coming := actorOf(wendy())
	coming.Stored = portal.TwoFactorNone
	coming.Policy = portal.Policy{Mode: portal.PolicyRequired, From: noon().Add(30 * time.Hour)}
	protected, recommended, operator := coming, coming, coming
	protected.Stored = portal.TwoFactorEnabled
	recommended.Policy = portal.Policy{Mode: portal.PolicyRecommended}
	operator.CustomerName = ""
	for _, c := range []struct {
		actor portal.Actor
		page  page
		now   time.Time
		want  string
	}{
		{coming, home, noon(), "Northwind Telecom requires two-factor authentication from 4 November 2026: 2 days left."},
		{coming, account, noon().Add(6 * time.Hour), "Northwind Telecom requires two-factor authentication from 4 November 2026: 1 day left."},
		{operator, home, noon(), "This portal requires two-factor authentication from 4 November 2026: 2 days left."},
		{coming, accessPage{}, noon(), ""}, {coming, home, noon().Add(30 * time.Hour), ""},
		{protected, home, noon(), ""}, {recommended, home, noon(), ""}, {portal.Actor{}, home, noon(), ""},
	} {
		if got := (view{Actor: c.actor, Page: c.page, Now: c.now}).Reminder(); got != c.want {
			t.Errorf("%s at %v: %q, want %q", c.page.file(), c.now, got, c.want)
		}
	}
}

// Home invites where 2FA is recommended, and does not nag where it is off.
func TestHomeSpeaksAsThePolicyWants(t *testing.T) {
	for _, one := range comingSamples() {
		html := drawn(t, one)
		if main := strings.Contains(html, `class="button main"`); strings.HasPrefix(one.name, "home") && main == (one.name == "home-off") {
			t.Errorf("%s presses: %v", one.name, main)
		}
		if says := strings.Contains(html, "recommends it"); says != (one.name == "home-recommended") {
			t.Errorf("%s recommends: %v", one.name, says)
		}
		if left := strings.Contains(html, "10 days left"); left != strings.HasSuffix(one.name, "-coming") {
			t.Errorf("%s counts the days: %v", one.name, left)
		}
	}
}

// The preview says in words whom the change touches, and how.
func TestPreviewWords(t *testing.T) {
	one := admin.PolicyEffect{RolePolicy: someRoles()[0], First: []portal.User{{Name: "Ada"}, {Name: "Bo"}}}
	one.To = portal.Policy{Mode: portal.PolicyRequired, From: noon().Add(time.Hour)}
	many := strings.Join(effectWords(one, noon()), " ")
	if !strings.HasPrefix(many, "From 3 November 2026, 116 people who have no 2FA will be led to set it up, and can do nothing else before: Ada, Bo and 114 more.") {
		t.Error(many)
	}
	one.Counts, one.First = map[portal.TwoFactorState]int64{portal.TwoFactorDisabled: 1}, one.First[:1]
	if single := strings.Join(effectWords(one, noon().Add(time.Hour)), " "); !strings.HasPrefix(single, "At once, 1 person who has no 2FA will be led to set it up, and can do nothing else before: Ada.") {
		t.Error(single)
	}
	one.Counts = nil
	if nobody := strings.Join(effectWords(one, noon()), " "); !strings.HasPrefix(nobody, "Everybody with this role has 2FA already.") {
		t.Error(nobody)
	}
}

func TestPolicyChangeIsRead(t *testing.T) {
	c, err := policyChange(fields{
		"user_policy": "off", "administrator_policy": "required", "administrator_from": "2026-12-01", "version": "v", "customer": "Other", "recovery": "1",
	})
	want := admin.PolicyChange{Version: "v", Policies: portal.Policies{
		User:          portal.Policy{Mode: portal.PolicyOff},
		Administrator: portal.Policy{Mode: portal.PolicyRequired, From: time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)},
	}}
	if err != nil || c != want {
		t.Errorf("%+v, %v", c, err)
	}
	for _, bad := range []fields{{"user_from": "1.12.2026"}, {"administrator_from": "2026-02-30"}, {"user_from": "0000-01-01"}} {
		if c, err := policyChange(bad); err == nil {
			t.Errorf("%v: %+v", bad, c)
		}
	}
}

// The way to the other field keeps what the page is about.
func TestSwitchKeepsTheAddress(t *testing.T) {
	v := newVisit(httptest.NewRecorder(), httptest.NewRequest("GET", https+"/administration/policy/set?user_policy=off&notice=saved", nil))
	if err := v.read(false); err != nil {
		t.Fatal(err)
	}
	p := proof{path: "/administration/policy/set", query: v.query}
	if got := p.Switch(); got != "/administration/policy/set?recovery=1&user_policy=off" {
		t.Error(got)
	}
	p.Ask.Recovery, p.Recovery, p.query["recovery"] = true, true, "1"
	if got := p.Switch(); got != "/administration/policy/set?user_policy=off" {
		t.Error(got)
	}
	if got := (proof{path: "/x", Ask: p.Ask, Recovery: true}).Switch(); got != "/x" {
		t.Error(got)
	}
}
