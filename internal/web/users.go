package web

import (
	"net/http"
	"time"

	"portal"
	"portal/internal/admin"
	"portal/internal/auth"
)

// userFields are the fields of the forms that make and edit a user.
func userFields() []portal.Field {
	return append(proofFields(), portal.FieldLoginID, portal.FieldName, portal.FieldEmail, portal.FieldRole)
}

func nameInput(value string, p *problem) input {
	i := textInput(portal.FieldName, "Name", value, p)
	i.Autocomplete = "off"
	return i
}

func emailInput(value string, p *problem) input {
	i := textInput(portal.FieldEmail, "E-mail", value, p)
	i.Autocomplete, i.Mode = "off", "email"
	return i
}

// addUserPage makes a user.
type addUserPage struct {
	NoMail  bool // the link has to be passed on by hand
	Proof   proof
	Problem *problem
	typed   admin.NewUser
}

func (addUserPage) file() string  { return "adduser" }
func (addUserPage) title() string { return "Add a user" }
func (addUserPage) bare() bool    { return false }

// LoginID is its first field.
func (p addUserPage) LoginID() input {
	i := textInput(portal.FieldLoginID, "Login ID", p.typed.LoginID, p.Problem)
	i.Autocomplete, i.Hint = "off", "What the person signs in with: letters, digits and . _ - @ +"
	return i
}

// Name is the field for the person's name.
func (p addUserPage) Name() input { return nameInput(p.typed.Name, p.Problem) }

// Email is the field for the e-mail address.
func (p addUserPage) Email() input { return emailInput(p.typed.Email, p.Problem) }

// Role is the selection of the role.
func (p addUserPage) Role() choice { return roleChoice(p.typed.Role, p.Problem) }

func (s *site) showAddUser(v *visit) error {
	return s.addUserForm(v, admin.NewUser{Role: string(portal.RoleUser)}, nil)
}

func (s *site) addUserForm(v *visit, typed admin.NewUser, wrong *problem) error {
	if err := s.again(v); err != nil {
		return err
	}
	status := http.StatusOK
	if wrong != nil {
		status = wrong.status
	}
	return s.render(v, status, addUserPage{NoMail: !s.mail, Proof: s.proofOf(v, auth.NeedFresh, wrong), Problem: wrong, typed: typed})
}

func (s *site) addUser(v *visit) error {
	in := admin.NewUser{
		LoginID: v.form.get(portal.FieldLoginID), Name: v.form.get(portal.FieldName),
		Email: v.form.get(portal.FieldEmail), Role: v.form.get(portal.FieldRole),
	}
	invited, err := s.admin.AddUser(v.ctx(), v.actor, in, v.form.proof())
	s.renew(v, invited.Session)
	switch {
	case err == nil && invited.Again:
		return v.redirect(userPath + string(invited.User.ID) + "?notice=just-added")
	case err == nil:
		return s.showInvited(v, invited)
	}
	p := v.problem(err, userFields()...)
	if p == nil {
		return err
	}
	return s.addUserForm(v, in, p)
}

// invitedPage shows an invitation link, once.
type invitedPage struct {
	NoMail    bool
	User      portal.User
	Link      string
	ExpiresAt time.Time
}

func (invitedPage) file() string  { return "invited" }
func (invitedPage) title() string { return "Invitation link" }
func (invitedPage) bare() bool    { return false }

func (s *site) showInvited(v *visit, in admin.Invited) error {
	if err := s.again(v); err != nil {
		return err
	}
	return s.render(v, http.StatusOK, invitedPage{NoMail: !s.mail,
		User: in.User, Link: s.place.origin() + "/link/" + in.Token, ExpiresAt: in.ExpiresAt,
	})
}

// userPage shows one user to an administrator and lets the administrator edit.
type userPage struct {
	Detail  admin.UserDetail
	Own     bool
	NoMail  bool
	Proof   proof
	Problem *problem
	typed   admin.Edit
}

func (userPage) file() string    { return "user" }
func (p userPage) title() string { return p.Detail.User.Name }
func (userPage) bare() bool      { return false }

// Path is the address of the page.
func (p userPage) Path() string { return userPath + string(p.Detail.User.ID) }

// Shape is the shape of the label of the 2FA status.
func (p userPage) Shape() string { return shapeOf(p.Detail.User.TwoFactor()) }

// Name is the field for the person's name.
func (p userPage) Name() input { return nameInput(p.typed.Name, p.Problem) }

// Email is the field for the e-mail address.
func (p userPage) Email() input {
	i := emailInput(p.typed.Email, p.Problem)
	switch {
	case p.Detail.User.Invited && p.NoMail:
		i.Hint = "A new address ends the open invitation. Make a new invitation link then."
	case p.Detail.User.Invited:
		i.Hint = "A new invitation goes to a new address."
	case p.NoMail:
		i.Hint = "A new address counts once the person has opened its link. Mails are not set up in this portal: ask whoever runs it for the link."
	default:
		i.Hint = "A new address counts once the person has opened the link that is mailed to it."
	}
	return i
}

// Role is the selection of the role.
func (p userPage) Role() choice { return roleChoice(p.typed.Role, p.Problem) }

// Activity is what happened to the user lately.
func (p userPage) Activity() activity { return activity{p.Detail.User.LoginID, p.Detail.Activity} }

// MayDemand tells whether there is a password that could be replaced.
func (p userPage) MayDemand() bool {
	u := p.Detail.User
	return u.State == portal.UserActive && !u.Invited && !u.Frozen && !u.MustReset
}

// Suspended tells which way the account can be switched.
func (p userPage) Suspended() bool { return p.Detail.User.State == portal.UserSuspended }

func (s *site) showUser(v *visit) error {
	return s.userForm(v, nil, func(u portal.User) admin.Edit { return admin.Edit{Name: u.Name, Email: u.Email, Role: string(u.Role)} })
}

// userForm shows the page of a user, with what is kept or what was typed.
func (s *site) userForm(v *visit, wrong *problem, typed func(portal.User) admin.Edit) error {
	if err := s.again(v); err != nil {
		return err
	}
	detail, err := s.admin.User(v.ctx(), v.actor, v.userID())
	if err != nil {
		return err
	}
	if v.query["notice"] == "thawed" && detail.User.Invited {
		v.query["notice"] = thawedInvited
	}
	status := http.StatusOK
	if wrong != nil {
		status = wrong.status
	}
	return s.render(v, status, userPage{
		Detail: detail, Own: detail.User.ID == v.actor.UserID, NoMail: !s.mail, Problem: wrong,
		Proof: s.proofOf(v, auth.NeedFresh, wrong), typed: typed(detail.User),
	})
}

func (s *site) editUser(v *visit) error {
	in := admin.Edit{
		Name: v.form.get(portal.FieldName), Email: v.form.get(portal.FieldEmail), Role: v.form.get(portal.FieldRole),
		Version: v.form.get(portal.FieldVersion),
	}
	renewed, err := s.admin.EditUser(v.ctx(), v.actor, v.userID(), in, v.form.proof())
	s.renew(v, renewed.Session)
	switch {
	case err == nil && v.userID() == v.actor.UserID && in.Role != string(v.actor.Role):
		return v.redirect("/") // this page is not the actor's to see any more
	case err == nil:
		return v.redirect(v.r.URL.Path + "?notice=saved")
	}
	p := v.problem(err, userFields()...)
	if p == nil {
		return err
	}
	return s.userForm(v, p, func(portal.User) admin.Edit { return in })
}
