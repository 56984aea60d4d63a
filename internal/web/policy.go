package web

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"portal"
	"portal/internal/admin"
	"portal/internal/auth"
)

const policyPath = "/administration/policy"

// policyPage shows what the customer wants of each role, in a form that leads
// to a preview of the change.
type policyPage struct {
	Customer string
	Roles    []policyRole
	Version  string
	// Own tells whether the actor has 2FA, as whoever requires it must.
	Own     bool
	NoMail  bool
	Problem *problem
}

func (policyPage) file() string  { return "policy" }
func (policyPage) title() string { return "2FA policy" }
func (policyPage) bare() bool    { return false }

// policyRole is one role on the page.
type policyRole struct {
	admin.RolePolicy
	mode, from portal.Field
	typed      fields // nil: what holds now is shown
	problem    *problem
}

// People names those who have the role.
func (r policyRole) People() string { return r.Role.Label() + "s" }

// Adoption is how many of them have 2FA.
func (r policyRole) Adoption() adoption {
	return adoption{Enabled: r.Counts[portal.TwoFactorEnabled], Disabled: r.Counts[portal.TwoFactorDisabled], None: r.Counts[portal.TwoFactorNone]}
}

// Mode is the selection of what is wanted.
func (r policyRole) Mode() choice {
	chosen := r.Policy.Mode
	if r.typed != nil {
		chosen = portal.PolicyMode(r.typed.get(r.mode))
	}
	c := choice{ID: string(r.Role) + "-policy", Name: string(r.mode), Label: "Policy for " + strings.ToLower(r.People()), Problem: r.problem.at(r.mode)}
	c.Options = []option{
		{string(portal.PolicyOff), "Off", chosen == portal.PolicyOff},
		{string(portal.PolicyRecommended), "Recommended", chosen == portal.PolicyRecommended},
		{string(portal.PolicyRequired), "Required", chosen == portal.PolicyRequired},
	}
	return c
}

// From is the day from which it is required.
func (r policyRole) From() input {
	day := r.typed.get(r.from)
	if r.typed == nil && r.Policy.Mode == portal.PolicyRequired {
		day = r.Policy.From.UTC().Format(time.DateOnly)
	}
	i := textInput(r.from, "Required of "+strings.ToLower(r.People())+" from", day, r.problem)
	i.Type, i.Required = "date", false
	i.Hint = "Only with required. A day that has passed means at once."
	return i
}

func (s *site) showPolicy(v *visit) error { return s.policyForm(v, nil, nil) }

// policyForm shows the policy, with what is kept or what was typed.
func (s *site) policyForm(v *visit, wrong *problem, typed fields) error {
	if err := s.again(v); err != nil {
		return err
	}
	now, roles, err := s.admin.Policy(v.ctx(), v.actor)
	if err != nil {
		return err
	}
	p := policyPage{
		Customer: v.actor.CustomerName, Version: now.Version(), NoMail: !s.mail, Problem: wrong,
		Own: portal.StatusOf(v.actor.Stored, false).AsksCode(),
	}
	for _, role := range roles {
		mode, from := policyFields(role.Role)
		p.Roles = append(p.Roles, policyRole{role, mode, from, typed, wrong})
	}
	status := http.StatusOK
	if wrong != nil {
		status = wrong.status
	}
	return s.render(v, status, p)
}

// policyFields are the two fields of a role.
func policyFields(role portal.Role) (mode, from portal.Field) {
	if role == portal.RoleUser {
		return portal.FieldUserPolicy, portal.FieldUserFrom
	}
	return portal.FieldAdministratorPolicy, portal.FieldAdministratorFrom
}

// policyChange reads the form. It stands in the address of the preview, which
// changes nothing, so that the page can be reloaded and gone back to.
func policyChange(f fields) (c admin.PolicyChange, err error) {
	c.Version = f.get(portal.FieldVersion)
	for role, p := range map[portal.Role]*portal.Policy{portal.RoleUser: &c.User, portal.RoleAdministrator: &c.Administrator} {
		mode, from := policyFields(role)
		p.Mode = portal.PolicyMode(f.get(mode))
		if p.From, err = parseDay(from, f); err != nil {
			return c, err
		}
	}
	return c, nil
}

// changePolicy is the deed: its page is the preview.
func changePolicy() deed {
	return deed{
		need: auth.NeedProof, done: to(policyPath + "?notice=policy-saved"),
		page: func(s *site, v *visit) (stepUpPage, error) {
			wanted, err := policyChange(v.query)
			if err != nil {
				return stepUpPage{}, err
			}
			effects, err := s.admin.PreviewPolicy(v.ctx(), v.actor, wanted)
			return previewPage(effects, s.now(), s.mail), err
		},
		do: func(s *site, v *visit, p auth.Proof) (auth.Confirmed, error) {
			wanted, err := policyChange(v.query)
			if err != nil {
				return auth.Confirmed{}, err
			}
			return only(s.admin.SetPolicy(v.ctx(), v.actor, wanted, p))
		},
	}
}

func (s *site) askPolicy(v *visit) error { return s.orPolicyForm(v, s.ask(v, changePolicy())) }

func (s *site) setPolicy(v *visit) error { return s.orPolicyForm(v, s.act(v, changePolicy())) }

// orPolicyForm shows the form again where the change has no preview.
func (s *site) orPolicyForm(v *visit, err error) error {
	p := v.problem(err, portal.FieldUserPolicy, portal.FieldUserFrom, portal.FieldAdministratorPolicy, portal.FieldAdministratorFrom)
	if p == nil {
		return err
	}
	return s.policyForm(v, p, v.query)
}

func previewPage(effects []admin.PolicyEffect, now time.Time, mail bool) stepUpPage {
	p := stepUpPage{Heading: "Change the 2FA policy", Button: "Save policy", Cancel: policyPath}
	for _, e := range effects {
		p.Text = append(p.Text, fmt.Sprintf("%ss: %s → %s.", e.Role.Label(), e.Policy.Words(), e.To.Words()))
		p.Text = append(p.Text, effectWords(e, now)...)
	}
	if mail {
		p.Text = append(p.Text, "The other administrators are told by mail.")
	}
	return p
}

// effectWords say whom a change touches, and how.
func effectWords(e admin.PolicyEffect, now time.Time) []string {
	switch {
	case e.To.Mode == portal.PolicyOff:
		return []string{"Nobody is reminded of it. Everybody may still switch 2FA on, and keeps it."}
	case e.To.Mode == portal.PolicyRecommended:
		return []string{"People without 2FA are invited to set it up on their home page, and may leave it."}
	case e.Without() == 0:
		return []string{"Everybody with this role has 2FA already. From then on it can be neither disabled nor deleted."}
	}
	when := "At once"
	if e.To.Coming(now) {
		when = "From " + e.To.From.UTC().Format("2 January 2006")
	}
	return []string{
		fmt.Sprintf("%s, %s will be led to set it up, and can do nothing else before: %s.", when, people(e.Without()), names(e)),
		"Whoever has 2FA can then neither disable nor delete it.",
	}
}

// people counts those without 2FA.
func people(n int64) string {
	if n == 1 {
		return "1 person who has no 2FA"
	}
	return fmt.Sprintf("%d people who have no 2FA", n)
}

// names are the first of those without 2FA, and how many more there are.
func names(e admin.PolicyEffect) string {
	var all []string
	for _, u := range e.First {
		all = append(all, u.Name)
	}
	if more := e.Without() - int64(len(all)); more > 0 {
		return strings.Join(all, ", ") + " and " + fmt.Sprint(more) + " more"
	}
	return strings.Join(all, ", ")
}
