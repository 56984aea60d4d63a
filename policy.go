package portal

import "time"

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
