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
	// Help is who asks the administrator for help.
	Help []admin.HelpRequest
}

func (homePage) file() string  { return "home" }
func (homePage) title() string { return "Home" }
func (homePage) bare() bool    { return false }

// Shape is the shape of the label of the 2FA state.
func (p homePage) Shape() string { return shapeOf(p.Status) }

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

// showHome needs no more than Authenticate has read, but for who can help.
func (s *site) showHome(v *visit) error {
	p := homePage{
		Name: v.actor.Name, Status: portal.StatusOf(v.actor.Stored, false), Administer: v.actor.Holds(portal.SeeUsers),
	}
	if v.actor.Holds(portal.HelpUsers) {
		var err error
		if p.Help, err = s.admin.HelpRequests(v.ctx(), v.actor); err != nil {
			return err
		}
	}
	return s.render(v, http.StatusOK, p)
}
