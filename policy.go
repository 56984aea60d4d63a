package portal

import (
	"fmt"
	"time"
)

// PolicyMode says how much a customer wants two-factor authentication of a role.
type PolicyMode string

// The modes. Off only means that nobody is reminded: everybody may always
// switch 2FA on.
const (
	PolicyOff         PolicyMode = "off"
	PolicyRecommended PolicyMode = "recommended"
	PolicyRequired    PolicyMode = "required"
)

// Policy is what a customer wants of one role (AU-09).
type Policy struct {
	Mode PolicyMode
	// From is when required begins; before it people are reminded.
	From time.Time
}

// Requires tells whether the policy demands 2FA at a moment. An unknown mode
// demands it: in doubt the stronger rule holds.
func (p Policy) Requires(now time.Time) bool {
	switch p.Mode {
	case PolicyOff, PolicyRecommended:
		return false
	}
	return !now.Before(p.From)
}

// DefaultPolicies are those of a new customer: everybody may choose.
func DefaultPolicies() Policies {
	return Policies{User: Policy{Mode: PolicyRecommended}, Administrator: Policy{Mode: PolicyRecommended}}
}

// Coming tells whether 2FA will be required later than at a moment.
func (p Policy) Coming(now time.Time) bool { return p.Mode == PolicyRequired && !p.Requires(now) }

// DaysLeft is how many days it takes until required begins, begun ones counted.
func (p Policy) DaysLeft(now time.Time) int { return int((p.From.Sub(now) + day - 1) / day) }

// Reminder is since when the newest reminder of a coming requirement is due:
// 14, 7, 3 and 1 days before. False means that none is due.
func (p Policy) Reminder(now time.Time) (since time.Time, due bool) {
	for _, days := range []time.Duration{1, 3, 7, 14} {
		since = p.From.Add(-days * day)
		if p.Coming(now) && !now.Before(since) {
			return since, true
		}
	}
	return time.Time{}, false
}

// FirstReminder is how long before a requirement the first reminder goes out.
const FirstReminder = 14 * day

// Words are the policy as people read it.
func (p Policy) Words() string {
	if p.Mode != PolicyRequired {
		return string(p.Mode)
	}
	return "required from " + p.From.UTC().Format("2 January 2006")
}

// Policies are the policies of a customer, one for each role that it has.
type Policies struct{ User, Administrator Policy }

// Of returns the policy of a role. Operators, who belong to no customer, are
// under the administrators' policy of the installation.
func (p Policies) Of(r Role) Policy {
	if r == RoleUser {
		return p.User
	}
	return p.Administrator
}

// farthest is how far ahead required may begin; more is a slip of the year.
const farthest = 2 * 365 * day

// Checked holds wanted policies against the rules, in which mode and day belong
// together (IN-02), and against the present ones: a day in the past means now,
// and what is in force already stays so from when it was.
func (p Policies) Checked(wanted Policies, now time.Time) (Policies, error) {
	var err error
	if wanted.User, err = p.User.checked(wanted.User, now, FieldUserPolicy, FieldUserFrom); err != nil {
		return p, err
	}
	wanted.Administrator, err = p.Administrator.checked(wanted.Administrator, now, FieldAdministratorPolicy, FieldAdministratorFrom)
	return wanted, err
}

func (p Policy) checked(wanted Policy, now time.Time, mode, from Field) (Policy, error) {
	if err := wanted.fits(now, mode, from); err != nil {
		return p, err
	}
	switch {
	case !wanted.begun(now):
		return wanted, nil
	case p.begun(now):
		return p, nil
	}
	return Policy{PolicyRequired, now.UTC().Truncate(time.Microsecond)}, nil // as it is stored
}

// begun tells whether required is in force.
func (p Policy) begun(now time.Time) bool { return p.Mode == PolicyRequired && p.Requires(now) }

// fits holds a wanted policy against the rules of its two fields.
func (p Policy) fits(now time.Time, mode, from Field) error {
	required := p.Mode == PolicyRequired
	switch {
	case !required && p.Mode != PolicyOff && p.Mode != PolicyRecommended:
		return Invalid(mode, "Choose off, recommended or required.")
	case required && p.From.IsZero():
		return Invalid(from, "Enter the day from which 2FA is required. Today means at once.")
	case !required && !p.From.IsZero():
		return Invalid(from, "A day goes with required only. Take it out, or choose required.")
	case p.From.After(now.Add(farthest)):
		return Invalid(from, "This is more than two years ahead. Look at the year again.")
	}
	return nil
}

// Changed lists the roles whose policy is another one.
func (p Policies) Changed(from Policies) (roles []Role) {
	for _, role := range []Role{RoleUser, RoleAdministrator} {
		if p.Of(role) != from.Of(role) {
			roles = append(roles, role)
		}
	}
	return roles
}

// Version names the policies as a form has shown them.
func (p Policies) Version() string {
	return fmt.Sprintf("%s.%d.%s.%d", p.User.Mode, p.User.From.UnixMicro(), p.Administrator.Mode, p.Administrator.From.UnixMicro())
}

// Debt is what somebody has to do before anything else is open to them.
type Debt string

// The debts. A password comes first.
const (
	OwesNothing  Debt = ""
	OwesPassword Debt = "a new password"
	OwesSetup    Debt = "a 2FA setup"
)

// DebtOf computes what a signed-in user owes at a moment. Besides a password
// that somebody else knows, one that has come to stand alone and is too short
// for that has to be replaced: an administrator deleted the 2FA setup, or the
// policy that had allowed it no longer demands one (PW-01).
func DebtOf(u User, p Policy, now time.Time) Debt {
	unprotected := !u.TwoFactor().AsksCode()
	switch {
	case u.MustReset, unprotected && u.ShortPassword && !p.Requires(now):
		return OwesPassword
	case unprotected && p.Requires(now):
		return OwesSetup
	}
	return OwesNothing
}
