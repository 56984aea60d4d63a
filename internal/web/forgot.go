package web

import (
	"net/http"

	"portal"
	"portal/internal/auth"
)

// forgotPage asks whose password is forgotten.
type forgotPage struct {
	NoMail  bool
	Problem *problem
	typed   string
}

func (forgotPage) file() string  { return "forgot" }
func (forgotPage) title() string { return "Forgot your password?" }
func (forgotPage) bare() bool    { return true }

// LoginID is its one field.
func (p forgotPage) LoginID() input {
	i := textInput(portal.FieldLoginID, "Login ID", p.typed, p.Problem)
	i.Autocomplete, i.Focus = "username", true
	return i
}

// forgotSentPage says the same to everybody: a stranger learns nothing (AU-07).
type forgotSentPage struct{ NoMail bool }

func (forgotSentPage) file() string { return "forgotsent" }
func (forgotSentPage) bare() bool   { return true }

func (p forgotSentPage) title() string {
	if p.NoMail {
		return "Ask for your link"
	}
	return "Look at your mail"
}

func (s *site) showForgot(v *visit) error {
	return s.render(v, http.StatusOK, forgotPage{NoMail: !s.mail})
}

func (s *site) askReset(v *visit) error {
	login := v.form.get(portal.FieldLoginID)
	err := s.auth.AskReset(v.ctx(), v.origin(), login)
	if err == nil {
		return v.redirect("/forgot-password/sent")
	}
	p := v.problem(err, portal.FieldLoginID)
	if p == nil {
		return err
	}
	return s.render(v, p.status, forgotPage{NoMail: !s.mail, Problem: p, typed: login})
}

func (s *site) showForgotSent(v *visit) error {
	return s.render(v, http.StatusOK, forgotSentPage{NoMail: !s.mail})
}

// resetPage sets a new password behind a mailed link.
type resetPage struct {
	Link     auth.Link
	Recovery bool // shows the field for a recovery code
	Clock    clock
	Problem  *problem
}

func (resetPage) file() string  { return "reset" }
func (resetPage) title() string { return "Set a new password" }
func (resetPage) bare() bool    { return true }

// New is the field for the new password.
func (p resetPage) New() input {
	i := newPasswordInput(portal.FieldNewPassword, "New password", p.Link.LeastPassword, p.Problem)
	i.Focus = p.Problem == nil || p.Problem.at(portal.FieldNewPassword) != ""
	return i
}

// ByRecovery tells whether a recovery code is asked for.
func (p resetPage) ByRecovery() bool { return p.Link.Ask.Recovery && (p.Recovery || p.Blocked()) }

// Blocked tells that codes of the app are blocked.
func (p resetPage) Blocked() bool { return p.Link.Ask.Recovery && !p.Link.Ask.Code }

// Second is the field for the second factor, where the account has one.
func (p resetPage) Second() input {
	if p.ByRecovery() {
		return recoveryInput(p.Problem)
	}
	return codeInput("6-digit code", p.Problem)
}

func (s *site) showReset(v *visit) error {
	link, _, err := s.opened(v)
	if err != nil {
		return s.linkFailed(v, err)
	}
	return s.render(v, http.StatusOK, resetPage{Link: link, Recovery: v.wantsRecovery(), Clock: clock(s.now())})
}

func (s *site) resetPassword(v *visit) error {
	link, token, err := s.opened(v)
	if err != nil {
		return s.linkFailed(v, err)
	}
	err = s.auth.ResetPassword(v.ctx(), v.origin(), token, v.form.get(portal.FieldNewPassword), v.form.proof())
	if err == nil {
		return v.redirect("/sign-in?notice=password-reset")
	}
	p := v.problem(err, portal.FieldNewPassword, portal.FieldCode, portal.FieldRecoveryCode)
	if p == nil {
		return s.linkFailed(v, err)
	}
	return s.render(v, p.status, resetPage{Link: link, Recovery: v.wantsRecovery(), Clock: clock(s.now()), Problem: p})
}
