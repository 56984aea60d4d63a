package web

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"portal"
	"portal/internal/auth"
)

// input is one field of a form as the template "field" draws it.
type input struct {
	ID, Name, Label, Type, Value string
	Autocomplete, Mode           string
	Class, Hint                  string
	Least                        int // characters of a new password
	Required, Focus              bool
	Problem                      string // what is wrong with it, if anything
}

// Plain tells whether a field takes names or signs that no browser should
// correct or begin with a capital.
func (i input) Plain() bool { return i.Type != "search" && i.Type != "date" && i.Name != "reason" }

// Described is what a screen reader reads with the field.
func (i input) Described() string {
	var ids []string
	if i.Problem != "" {
		ids = append(ids, i.ID+"-problem")
	}
	if i.Hint != "" {
		ids = append(ids, i.ID+"-hint")
	}
	return strings.Join(ids, " ")
}

// textInput is a field that keeps what was typed when the form comes back.
func textInput(f portal.Field, label, value string, p *problem) input {
	return input{
		ID: strings.ReplaceAll(string(f), "_", "-"), Name: string(f), Label: label, Type: "text", Value: value,
		Required: true, Problem: p.at(f), Focus: p.at(f) != "",
	}
}

// passwordInput is a field that always comes back empty.
func passwordInput(f portal.Field, label, autocomplete string, p *problem) input {
	i := textInput(f, label, "", p)
	i.Type, i.Autocomplete = "password", autocomplete
	return i
}

// newPasswordInput is a field for a password that is being chosen. Its hint
// tells the rule before it is broken, and a way to fulfil it.
func newPasswordInput(f portal.Field, label string, least int, p *problem) input {
	i := passwordInput(f, label, "new-password", p)
	i.Least = least
	i.Hint = fmt.Sprintf("At least %d characters, of any kind. A few words that only you would put together are easy to remember.", least)
	return i
}

// clock is the portal's time, which the phone's has to agree with.
type clock time.Time

// Time is it as a template shows times.
func (c clock) Time() time.Time { return time.Time(c) }

// codeInput asks for the code of the app, in one field.
func codeInput(label string, p *problem) input {
	i := textInput(portal.FieldCode, label, "", p)
	i.Autocomplete, i.Mode, i.Class = "one-time-code", "numeric", "code"
	return i
}

// recoveryInput stands in the place of the code's field; what is wrong with
// either is said here.
func recoveryInput(p *problem) input {
	i := textInput(portal.FieldRecoveryCode, "Recovery code", "", p)
	i.Problem = p.at(portal.FieldRecoveryCode, portal.FieldCode)
	i.Focus = i.Problem != ""
	i.Autocomplete, i.Class = "off", "recovery"
	i.Hint = "Five groups of five letters and digits. Each code works once."
	return i
}

// proof is the part of a form that asks who is there.
type proof struct {
	Ask     auth.Ask
	LoginID string // for the password manager
	// Recovery shows the field for a recovery code in place of the app's code.
	Recovery bool
	path     string // of the page
	query    fields // of its address, which say what is asked about
	problem  *problem
	now      time.Time
}

// proofFields are the fields that a proof may show.
func proofFields() []portal.Field {
	return []portal.Field{portal.FieldPassword, portal.FieldCode, portal.FieldRecoveryCode}
}

// proofOf is the proof that a form on this page asks for now.
func (s *site) proofOf(v *visit, need auth.Need, p *problem) proof {
	return proof{
		Ask: s.auth.Asks(v.actor, need), LoginID: v.actor.LoginID,
		Recovery: v.wantsRecovery(), path: v.r.URL.Path, query: v.query, problem: p, now: s.now(),
	}
}

// wantsRecovery tells whether the visitor follows "Use a recovery code", or
// has just posted one.
func (v *visit) wantsRecovery() bool {
	return v.query["recovery"] != "" || v.form.has(portal.FieldRecoveryCode)
}

// Needed tells whether there is anything to ask for.
func (p proof) Needed() bool { return p.Ask.Password || p.Ask.Code }

// Password is the field for the password.
func (p proof) Password() input {
	return passwordInput(portal.FieldPassword, "Password", "current-password", p.problem)
}

// Second is the field for the second factor.
func (p proof) Second() input {
	if p.ByRecovery() {
		return recoveryInput(p.problem)
	}
	return codeInput("6-digit code", p.problem)
}

// Clock is the time to compare the phone's with.
func (p proof) Clock() clock { return clock(p.now) }

// ByRecovery tells whether a recovery code is asked for.
func (p proof) ByRecovery() bool { return p.Ask.Recovery && p.Recovery }

// Switch is the address of the page with the other field.
func (p proof) Switch() string {
	q := url.Values{}
	for name, value := range p.query {
		q.Set(name, value)
	}
	q.Del("notice")
	q.Del("recovery")
	if !p.ByRecovery() {
		q.Set("recovery", "1")
	}
	if len(q) == 0 {
		return p.path
	}
	return p.path + "?" + q.Encode()
}

// check is a checkbox as the template "check" draws it.
type check struct {
	ID, Name, Label, Hint string
	On                    bool
}

// choice is a selection as the template "select" draws it.
type choice struct {
	ID, Name, Label string
	Options         []option
	Problem         string
}

type option struct {
	Value, Text string
	Selected    bool
}

func roleChoice(chosen string, p *problem) choice {
	c := choice{ID: "role", Name: string(portal.FieldRole), Label: "Role", Problem: p.at(portal.FieldRole)}
	for _, r := range []portal.Role{portal.RoleUser, portal.RoleAdministrator} {
		c.Options = append(c.Options, option{string(r), r.Label(), string(r) == chosen})
	}
	return c
}
