package web

import (
	"time"

	"portal"
	"portal/internal/admin"
)

// someRoles are the roles of a customer that will require 2FA of administrators.
func someRoles() []admin.RolePolicy {
	return []admin.RolePolicy{
		{
			Role: portal.RoleUser, Policy: portal.Policy{Mode: portal.PolicyRecommended},
			Counts: map[portal.TwoFactorState]int64{portal.TwoFactorEnabled: 308, portal.TwoFactorDisabled: 21, portal.TwoFactorNone: 95},
		},
		{
			Role: portal.RoleAdministrator, Policy: portal.Policy{Mode: portal.PolicyRequired, From: noon().AddDate(0, 1, 0)},
			Counts: map[portal.TwoFactorState]int64{portal.TwoFactorEnabled: 4, portal.TwoFactorNone: 1},
		},
	}
}

func policySample(own bool, wrong *problem, typed fields) policyPage {
	p := policyPage{Customer: "Northwind Telecom", Version: "v", Own: own, Problem: wrong}
	for _, role := range someRoles() {
		mode, from := policyFields(role.Role)
		p.Roles = append(p.Roles, policyRole{role, mode, from, typed, wrong})
	}
	return p
}

// effectsOf are the effects of one policy on both roles.
func effectsOf(to portal.Policy) (all []admin.PolicyEffect) {
	for _, role := range someRoles() {
		all = append(all, admin.PolicyEffect{RolePolicy: role, To: to, First: []portal.User{gary(), wendy(), {Name: "Eve <b> Moss"}}})
	}
	return all
}

func addPolicySamples(add func(string, page)) {
	add("policy", policySample(true, nil, nil))
	unmailed := policySample(true, nil, nil)
	unmailed.NoMail, unmailed.Roles[0].Counts = true, nil // and nobody there yet
	add("policy-without-mail", unmailed)
	add("policy-without-own", policySample(false, nil, nil))
	add("policy-wrong", policySample(true, badProblem(portal.FieldUserFrom, "A day goes with required only. Take it out, or choose required."),
		fields{"user_policy": "off", "user_from": "2026-12-01", "administrator_policy": "required", "administrator_from": "2026-12-01"}))
	add("policy-conflict", policySample(true, badProblem("", "The policy has changed since this page was shown. Look again before you save."), nil))
	for name, to := range map[string]portal.Policy{
		"off": {Mode: portal.PolicyOff}, "recommended": {Mode: portal.PolicyRecommended},
		"now": {Mode: portal.PolicyRequired, From: noon()}, "later": {Mode: portal.PolicyRequired, From: noon().AddDate(0, 0, 28)},
	} {
		preview := previewPage(effectsOf(to), noon(), true)
		preview.Proof = fullProof(name == "off", nil)
		add("stepup-policy-"+name, preview)
	}
}

// comingSamples are what people see before 2FA is required of them.
func comingSamples() []sample {
	actor := actorOf(wendy())
	actor.Stored = portal.TwoFactorNone
	actor.Policy = portal.Policy{Mode: portal.PolicyRequired, From: noon().Add(10 * 24 * time.Hour)}
	none := portal.StatusOf(portal.TwoFactorNone, false)
	return []sample{
		{name: "home-coming", page: homePage{Name: "Wendy Okafor", Status: none, Policy: portal.PolicyRequired, Customer: "Northwind Telecom"}, actor: actor},
		{name: "account-coming", page: accountSample(none, nil, accountNews{}), actor: actor},
		{name: "home-off", page: homePage{Name: "Wendy Okafor", Status: none, Policy: portal.PolicyOff, Customer: "Northwind Telecom"}, actor: actorOf(wendy())},
		{name: "home-recommended", page: homePage{Name: "Wendy Okafor", Status: none, Policy: portal.PolicyRecommended, Customer: "Northwind Telecom"}, actor: actorOf(wendy())},
	}
}
