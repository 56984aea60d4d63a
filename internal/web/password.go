package web

import (
	"net/http"

	"portal"
	"portal/internal/auth"
)

// passwordRegion is the form for changing the own password.
type passwordRegion struct {
	Ask      auth.Ask
	Recovery bool
	LoginID  string
	Least    int // characters that the new one needs
	Clock    clock
	Problem  *problem
}

// passwordOf is the form as it fits the actor.
func (s *site) passwordOf(v *visit, wrong *problem) passwordRegion {
	owner := portal.PasswordOwner{Protected: v.actor.Policy.Requires(s.now())}
	return passwordRegion{
		Ask: s.auth.Asks(v.actor, auth.NeedProof), Recovery: v.wantsRecovery(),
		LoginID: v.actor.LoginID, Least: owner.MinLength(), Clock: clock(s.now()), Problem: wrong,
	}
}

// Current is the field for the present password.
func (r passwordRegion) Current() input {
	return passwordInput(portal.FieldCurrent, "Current password", "current-password", r.Problem)
}

// New is the field for the new one.
func (r passwordRegion) New() input {
	return newPasswordInput(portal.FieldNewPassword, "New password", r.Least, r.Problem)
}

// ByRecovery tells whether a recovery code is asked for.
func (r passwordRegion) ByRecovery() bool { return r.Ask.Recovery && r.Recovery }

// Second is the field for the second factor.
func (r passwordRegion) Second() input {
	if r.ByRecovery() {
		return recoveryInput(r.Problem)
	}
	return codeInput("6-digit code", r.Problem)
}

// passwordPage is where somebody who owes a new password pays, with nothing
// else in reach but the way out.
type passwordPage struct {
	passwordRegion
	Why string
}

func (passwordPage) file() string  { return "password" }
func (passwordPage) title() string { return "Choose a new password" }
func (passwordPage) bare() bool    { return true }

// whyPassword tells what the new password is needed for.
func whyPassword(a portal.Actor) string {
	if a.ShortPassword {
		return "Your password opens your account by itself now, without a code, and is too short for that. Choose a longer one to go on."
	}
	return "Somebody else may know your password. Choose a new one to go on; nothing else of your account is open until then."
}

// showPassword is for who owes a new password; everybody else changes it on the
// Account page.
func (s *site) showPassword(v *visit) error {
	if v.actor.Owes != portal.OwesPassword {
		return v.redirect("/account")
	}
	return s.render(v, http.StatusOK, passwordPage{s.passwordOf(v, nil), whyPassword(v.actor)})
}

func (s *site) changePassword(v *visit) error {
	owes := v.actor.Owes
	proof := v.form.proof()
	proof.Password = v.form.get(portal.FieldCurrent)
	renewed, err := s.auth.ChangePassword(v.ctx(), v.actor, proof, v.form.get(portal.FieldNewPassword))
	s.renew(v, renewed.Session)
	switch {
	case err == nil && owes == portal.OwesNothing:
		return v.redirect("/account?notice=password-changed")
	case err == nil:
		return v.redirect("/?notice=password-changed")
	}
	p := v.problem(err, portal.FieldCurrent, portal.FieldNewPassword, portal.FieldCode, portal.FieldRecoveryCode)
	switch {
	case p == nil:
		return err
	case owes == portal.OwesNothing:
		return s.accountWith(v, accountNews{password: p})
	}
	if err := s.again(v); err != nil {
		return err
	}
	return s.render(v, p.status, passwordPage{s.passwordOf(v, p), whyPassword(v.actor)})
}
