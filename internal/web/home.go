package web

import (
	"net/http"

	"portal"
	"portal/internal/admin"
)

// homePage greets and shows the own 2FA state and what to do next.
type homePage struct {
	Name       string
	Status     portal.TwoFactorStatus
	Administer bool
	// Last is what happened before this session began.
	Last portal.LastTime
	// Help is who asks the administrator for help.
	Help []admin.HelpRequest
	// Policy is what the customer wants: it tunes how the page speaks of 2FA.
	Policy portal.PolicyMode
	// Customer is who wants it; empty for operators.
	Customer string
}

func (homePage) file() string  { return "home" }
func (homePage) title() string { return "Home" }
func (homePage) bare() bool    { return false }

// Shape is the shape of the label of the 2FA state.
func (p homePage) Shape() string { return shapeOf(p.Status) }

// Nags tells whether the page presses for 2FA. Where the policy is off it only
// says how things stand.
func (p homePage) Nags() bool { return p.Shape() != "on" && p.Policy != portal.PolicyOff }

// Recommended tells whether the customer asks for it, and may be named.
func (p homePage) Recommended() bool { return p.Policy == portal.PolicyRecommended && p.Customer != "" }

// shapeOf names the shape and colour of a label; the word says the same.
func shapeOf(s portal.TwoFactorStatus) string {
	switch s.State {
	case portal.TwoFactorEnabled:
		return "on"
	case portal.TwoFactorDisabled:
		return "kept"
	}
	return "none"
}

func (s *site) showHome(v *visit) error {
	p := homeOf(v.actor)
	if v.actor.Holds(portal.HelpUsers) {
		var err error
		if p.Help, err = s.admin.HelpRequests(v.ctx(), v.actor); err != nil {
			return err
		}
	}
	return s.render(v, http.StatusOK, p)
}

func homeOf(actor portal.Actor) homePage {
	return homePage{
		Name: actor.Name, Status: portal.StatusOf(actor.Stored, false), Administer: actor.Holds(portal.SeeUsers),
		Policy: actor.Policy.Mode, Customer: actor.CustomerName, Last: actor.Last,
	}
}
