package web

import (
	"net/http"

	"portal"
	"portal/internal/admin"
	"portal/internal/auth"
)

// badLinkPage says that a one-time link is used up, out of date or unknown.
type badLinkPage struct{}

func (badLinkPage) file() string  { return "badlink" }
func (badLinkPage) title() string { return "This link does not work" }
func (badLinkPage) bare() bool    { return true }

// followLink takes the secret out of the address at once: it moves into a
// cookie, and the form is at an address that anybody may see. Nothing is used
// up by opening a link, since mail programs do that, too (LC-10).
func (s *site) followLink(v *visit) error {
	token := v.r.PathValue("token")
	link, err := s.auth.OpenLink(v.ctx(), token)
	if err != nil {
		return s.linkFailed(v, err)
	}
	s.cookies.set(v.w, linkCookie, token)
	return v.redirect(formOf(link.Purpose))
}

// formOf is the one form that a link of a purpose opens.
func formOf(p auth.Purpose) string {
	switch p {
	case auth.ForSetUp:
		return "/set-up"
	case auth.ForInvitation:
		return "/invitation"
	case auth.ForReset:
		return "/reset-password"
	case auth.ForAddress, auth.ForSecondAddress:
		return "/confirm-address"
	}
	return "/sign-in"
}

// markField carries in each form behind a mailed link which link it was shown
// for. All tabs of a browser share the cookie with the token: without the mark a
// press would act on the account of the link that was opened last.
const markField = "link"

// token is the token of the link that a page or its form is about.
func (s *site) token(v *visit, cookie string) (string, error) {
	token := s.cookies.get(v.r, cookie)
	if v.form != nil && !auth.ShownFor(token, v.form[markField]) {
		return "", refusal{http.StatusConflict, "Another link was opened in this browser after this page, or this page has waited too long. Nothing was changed. Open your link again, and do it on the page that comes then."}
	}
	return token, nil
}

// opened is the link whose cookie the visitor has, if it opens this form.
func (s *site) opened(v *visit) (auth.Link, string, error) {
	token, err := s.token(v, linkCookie)
	if err != nil {
		return auth.Link{}, "", err
	}
	link, err := s.auth.OpenLink(v.ctx(), token)
	if err == nil && formOf(link.Purpose) != v.r.URL.Path {
		err = portal.NotFound()
	}
	return link, token, err
}

// linkFailed tells a bad link from other trouble.
func (s *site) linkFailed(v *visit, err error) error {
	switch portal.ErrorCode(err) {
	case portal.CodeNotFound, portal.CodeSignIn, portal.CodeConflict, portal.CodeMalformed:
	default:
		return err
	}
	v.trace.err = err
	return s.render(v, http.StatusNotFound, badLinkPage{})
}

// setUpPage makes the first administrator.
type setUpPage struct {
	Link    auth.Link
	Problem *problem
	typed   fields
}

func (setUpPage) file() string  { return "setup" }
func (setUpPage) title() string { return "Set up the portal" }
func (setUpPage) bare() bool    { return true }

// Require asks whether administrators need 2FA from the beginning.
func (p setUpPage) Require() check {
	return check{
		ID: "require", Name: requireField, Label: "Require two-factor authentication of administrators",
		Hint: "Recommended: an administrator can undo the protection of everybody else. Signing in leads administrators to set it up first, you too.",
		On:   p.typed[requireField] != "",
	}
}

// requireField is the checkbox, which is sent only where it is ticked.
const requireField = "require_2fa"

// Fields are its fields from top to bottom.
func (p setUpPage) Fields() []input {
	customer := p.field(portal.FieldCustomer, "Customer", "organization")
	customer.Hint = "The company that the accounts belong to."
	name := p.field(portal.FieldName, "Name", "name")
	name.Hint = "Your own, as colleagues know it."
	login := p.field(portal.FieldLoginID, "Login ID", "username")
	login.Hint = "What you will sign in with."
	email := p.field(portal.FieldEmail, "E-mail", "email")
	email.Mode = "email"
	password := newPasswordInput(portal.FieldPassword, "Password", portal.MinPassword, p.Problem)
	return []input{customer, name, login, email, password}
}

func (p setUpPage) field(f portal.Field, label, autocomplete string) input {
	i := textInput(f, label, p.typed.get(f), p.Problem)
	i.Autocomplete = autocomplete
	return i
}

func (s *site) showSetUp(v *visit) error {
	link, _, err := s.opened(v)
	if err != nil {
		return s.linkFailed(v, err)
	}
	return s.render(v, http.StatusOK, setUpPage{Link: link})
}

func (s *site) setUp(v *visit) error {
	link, token, err := s.opened(v)
	if err != nil {
		return s.linkFailed(v, err)
	}
	err = s.admin.SetUp(v.ctx(), v.origin(), token, admin.FirstAdministrator{
		Customer: v.form.get(portal.FieldCustomer), Name: v.form.get(portal.FieldName),
		LoginID: v.form.get(portal.FieldLoginID), Email: v.form.get(portal.FieldEmail),
		Password: v.form.get(portal.FieldPassword), Require: v.form[requireField] != "",
	})
	if err == nil {
		return v.redirect("/sign-in?notice=ready")
	}
	p := v.problem(err, portal.FieldCustomer, portal.FieldName, portal.FieldLoginID, portal.FieldEmail, portal.FieldPassword)
	if p == nil {
		return s.linkFailed(v, err)
	}
	return s.render(v, p.status, setUpPage{Link: link, Problem: p, typed: v.form})
}

// invitationPage lets an invited person choose a password.
type invitationPage struct {
	Link    auth.Link
	Problem *problem
}

func (invitationPage) file() string  { return "invitation" }
func (invitationPage) title() string { return "Choose your password" }
func (invitationPage) bare() bool    { return true }

// Password is its one field.
func (p invitationPage) Password() input {
	i := newPasswordInput(portal.FieldNewPassword, "New password", p.Link.LeastPassword, p.Problem)
	i.Focus = true
	return i
}

func (s *site) showInvitation(v *visit) error {
	link, _, err := s.opened(v)
	if err != nil {
		return s.linkFailed(v, err)
	}
	return s.render(v, http.StatusOK, invitationPage{Link: link})
}

func (s *site) acceptInvitation(v *visit) error {
	link, token, err := s.opened(v)
	if err != nil {
		return s.linkFailed(v, err)
	}
	err = s.auth.AcceptInvitation(v.ctx(), v.origin(), token, v.form.get(portal.FieldNewPassword))
	if err == nil {
		return v.redirect("/sign-in?notice=password-set")
	}
	p := v.problem(err, portal.FieldNewPassword)
	if p == nil {
		return s.linkFailed(v, err)
	}
	return s.render(v, p.status, invitationPage{Link: link, Problem: p})
}
