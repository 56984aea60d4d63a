package web

import (
	"net/http"

	"portal"
	"portal/internal/auth"
)

// lostPhonePage says what to do without a phone and whom to ask.
type lostPhonePage struct {
	Helpers auth.Helpers
	NoMail  bool
	Problem *problem
}

func (lostPhonePage) file() string  { return "lostphone" }
func (lostPhonePage) title() string { return "I lost my phone" }
func (lostPhonePage) bare() bool    { return true }

func (s *site) showLostPhone(v *visit) error { return s.lostPhone(v, http.StatusOK, nil) }

func (s *site) lostPhone(v *visit, status int, wrong *problem) error {
	helpers, err := s.auth.Helpers(v.ctx(), v.half)
	if err != nil {
		return err
	}
	return s.render(v, status, lostPhonePage{helpers, !s.mail, wrong})
}

func (s *site) askHelp(v *visit) error {
	err := s.auth.AskHelp(v.ctx(), v.origin(), v.half)
	if err == nil {
		return v.redirect("/sign-in/lost-phone?notice=help-asked")
	}
	p := v.problem(err)
	if p == nil {
		return err
	}
	return s.lostPhone(v, p.status, p)
}

// dismissHelp closes a request. That it was closed already is as good.
func (s *site) dismissHelp(v *visit) error {
	err := s.admin.DismissHelp(v.ctx(), v.actor, v.userID())
	if err != nil && portal.ErrorCode(err) != portal.CodeConflict {
		return err
	}
	return v.redirect("/?notice=help-dismissed")
}
