package web

import (
	"net/http"

	"portal"
	"portal/internal/auth"
)

// signInPage asks for login ID and password.
type signInPage struct {
	Problem *problem
	typed   string // the login ID
}

func (signInPage) file() string  { return "signin" }
func (signInPage) title() string { return "Sign in" }
func (signInPage) bare() bool    { return true }

// LoginID is its first field.
func (p signInPage) LoginID() input {
	i := textInput(portal.FieldLoginID, "Login ID", p.typed, p.Problem)
	i.Autocomplete, i.Focus = "username", p.typed == ""
	return i
}

// Password is its second field.
func (p signInPage) Password() input {
	i := passwordInput(portal.FieldPassword, "Password", "current-password", p.Problem)
	i.Focus = p.typed != ""
	return i
}

// showSignIn leads who is signed in already to the start page.
func (s *site) showSignIn(v *visit) error {
	if s.cookies.get(v.r, sessionCookie) != "" {
		err := s.session(v)
		switch {
		case err == nil:
			return v.redirect("/")
		case portal.ErrorCode(err) != portal.CodeSignIn:
			return err
		}
	}
	if v.query["notice"] == "" { // no template for the page that strangers ask for most
		send(v, http.StatusOK, s.blank)
		return nil
	}
	return s.render(v, http.StatusOK, signInPage{})
}

func (s *site) signIn(v *visit) error {
	login := v.form.get(portal.FieldLoginID)
	earned, err := s.auth.SignIn(v.ctx(), v.origin(), login, v.form.get(portal.FieldPassword))
	if err != nil {
		p := v.problem(err, portal.FieldLoginID, portal.FieldPassword)
		if p == nil {
			return err
		}
		return s.render(v, p.status, signInPage{Problem: p, typed: login})
	}
	return s.signedIn(v, earned)
}

// signedIn hands over what a step of signing in has earned.
func (s *site) signedIn(v *visit, earned auth.SignedIn) error {
	if earned.Half != "" {
		s.cookies.set(v.w, halfCookie, earned.Half)
		return v.redirect("/sign-in/code")
	}
	if err := s.leave(v); err != nil {
		return afterwards(err)
	}
	s.cookies.set(v.w, sessionCookie, earned.Session)
	s.cookies.set(v.w, browserCookie, earned.Browser)
	if s.cookies.get(v.r, halfCookie) != "" {
		s.cookies.remove(v.w, halfCookie)
	}
	return v.redirect("/")
}

// leave ends the session that this browser was in before, whoever's it was.
func (s *site) leave(v *visit) error {
	before, err := s.auth.Authenticate(v.ctx(), v.origin(), s.cookies.get(v.r, sessionCookie))
	if portal.ErrorCode(err) == portal.CodeSignIn {
		return nil
	}
	if err != nil {
		return err
	}
	return s.auth.SignOut(v.ctx(), before)
}

// codePage asks for the code of the app.
type codePage struct {
	Clock   clock
	Problem *problem
}

func (codePage) file() string  { return "code" }
func (codePage) title() string { return "Enter your code" }
func (codePage) bare() bool    { return true }

// Code is its one field.
func (p codePage) Code() input {
	i := codeInput("6-digit code", p.Problem)
	i.Focus = true
	return i
}

// showCode leads on where the app cannot help.
func (s *site) showCode(v *visit) error {
	step, err := s.auth.SecondStep(v.ctx(), v.half)
	switch {
	case err != nil:
		return err
	case step.RecoveryOnly():
		return v.redirect("/sign-in/recovery-code")
	}
	return s.render(v, http.StatusOK, codePage{Clock: clock(s.now())})
}

func (s *site) signInWithCode(v *visit) error {
	earned, err := s.auth.SignInWithCode(v.ctx(), v.origin(), v.half, v.form.get(portal.FieldCode))
	if err == nil {
		return s.signedIn(v, earned)
	}
	return s.secondStepFailed(v, err, func(p *problem) page { return codePage{clock(s.now()), p} })
}

// secondStepFailed shows the page again, or the first one where the half
// session has ended meanwhile.
func (s *site) secondStepFailed(v *visit, err error, again func(*problem) page) error {
	if portal.ErrorCode(err) == portal.CodeSignIn {
		v.trace.err = err
		s.cookies.remove(v.w, halfCookie)
		return v.redirect("/sign-in?notice=again")
	}
	p := v.problem(err, portal.FieldCode, portal.FieldRecoveryCode)
	if p == nil {
		return err
	}
	return s.render(v, p.status, again(p))
}

// recoveryPage asks for a recovery code instead.
type recoveryPage struct {
	Step    auth.SecondStep
	Problem *problem
}

func (recoveryPage) file() string  { return "recovery" }
func (recoveryPage) title() string { return "Use a recovery code" }
func (recoveryPage) bare() bool    { return true }

// Code is its one field.
func (p recoveryPage) Code() input {
	i := recoveryInput(p.Problem)
	i.Focus = true
	return i
}

func (s *site) showRecoveryCode(v *visit) error {
	step, err := s.auth.SecondStep(v.ctx(), v.half)
	if err != nil {
		return err
	}
	return s.render(v, http.StatusOK, recoveryPage{Step: step})
}

func (s *site) signInWithRecoveryCode(v *visit) error {
	step, err := s.auth.SecondStep(v.ctx(), v.half)
	if err != nil {
		return err
	}
	earned, err := s.auth.SignInWithRecoveryCode(v.ctx(), v.origin(), v.half, v.form.get(portal.FieldRecoveryCode))
	if err == nil {
		return s.signedIn(v, earned)
	}
	return s.secondStepFailed(v, err, func(p *problem) page { return recoveryPage{step, p} })
}

func (s *site) cancelSignIn(v *visit) error {
	if err := s.auth.CancelSignIn(v.ctx(), v.origin(), v.half); err != nil {
		return err
	}
	s.cookies.remove(v.w, halfCookie)
	return v.redirect("/sign-in")
}

// signOut ends the session and has the browser forget what it kept. It keeps
// the other cookies, of which none opens anything (SE-13).
func (s *site) signOut(v *visit) error {
	if err := s.auth.SignOut(v.ctx(), v.actor); err != nil {
		return err
	}
	s.cookies.remove(v.w, sessionCookie)
	v.w.Header().Set("Clear-Site-Data", `"cache", "storage"`)
	return v.redirect("/sign-in?notice=signed-out")
}
