package web

import (
	"net/http"

	"portal"
)

// homePage greets and shows the own 2FA state and what to do next.
type homePage struct {
	Name       string
	Status     portal.TwoFactorStatus
	Administer bool
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

// showHome needs no more than Authenticate has read.
func (s *site) showHome(v *visit) error {
	return s.render(v, http.StatusOK, homePage{
		Name: v.actor.Name, Status: portal.StatusOf(v.actor.Stored, false), Administer: v.actor.Holds(portal.SeeUsers),
	})
}
