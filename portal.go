// Package portal is the vocabulary of the Customer Administration Portal: the
// people who live in it, what each of them may do, the states of two-factor
// authentication, the events of the audit trail, and the rules that every
// surface (pages, command line, later the API) applies to what is typed in.
//
// It does no I/O and imports nothing of the project, so that every floor above
// can speak the same words.
package portal

import (
	"strings"
	"time"
)

// ProductName is how the portal names itself where no customer is known.
const ProductName = "Customer Administration Portal"

// Clock tells the time. It is handed in from the top, so that a test can move
// it and so that one transaction has one now.
type Clock func() time.Time

// Identifiers are opaque, never reused and safe to show in a URL.
type (
	// CustomerID names a customer, the unit of isolation.
	CustomerID string
	// UserID names a user of any customer.
	UserID string
	// SessionID names a session in lists; it opens nothing, unlike its token.
	SessionID string
	// AuthenticatorID names one authenticator app of one user.
	AuthenticatorID string
)

// NoCustomer is where accounts without a customer (operators) and events that
// concern no customer live. It is a reserved row that no list shows.
const NoCustomer CustomerID = "installation"

// Customer is a company that the portal serves.
type Customer struct {
	ID        CustomerID
	Name      string
	CreatedAt time.Time
	// Suspended customers' users cannot sign in.
	Suspended bool
	Policies  Policies
}

// StateLabel is the word that lists show for the customer.
func (c Customer) StateLabel() string {
	if c.Suspended {
		return "Suspended"
	}
	return "Active"
}

// User is a person with an account. It carries nothing secret: password
// hashes and authenticator secrets have their own types, below this floor.
type User struct {
	ID         UserID
	CustomerID CustomerID
	LoginID    string
	Name       string
	Email      string
	Role       Role
	State      UserState
	// Invited is true until the person has chosen a password.
	Invited bool
	// Stored is the kept part of the 2FA state; ask TwoFactor for the status.
	Stored TwoFactorState
	// Frozen is set by "this was not me" until an administrator or a recovery
	// code opens the account again.
	Frozen bool
	// MustReset says that the password is known to somebody else (PW-09).
	MustReset bool
	// ShortPassword says that the password is too short to stand without a
	// second factor (PW-01).
	ShortPassword bool
	// SecurityVersion grows with every security change; whatever was issued
	// under an older one (session, half session, link) is void (LC-03).
	SecurityVersion int64
	CreatedAt       time.Time
}

// UserState tells whether an account may be used.
type UserState string

// The two states of an account. Suspending is undone by reactivating.
const (
	UserActive    UserState = "active"
	UserSuspended UserState = "suspended"
)

// TwoFactor is the user's 2FA status as everybody but the owner's set-up page
// sees it: a pending set-up counts for nothing yet.
func (u User) TwoFactor() TwoFactorStatus { return StatusOf(u.Stored, false) }

// StateLabel is the word that lists show for the account itself.
func (u User) StateLabel() string {
	switch {
	case u.State == UserSuspended:
		return "Suspended"
	case u.Frozen:
		return "Frozen"
	case u.Invited:
		return "Invited"
	case u.MustReset:
		return "Needs a new password"
	}
	return "Active"
}

// SearchTerms are what a search finds the user by, folded: the login ID, the
// e-mail address, the name, and the name from each further word on ("ada
// lovelace", "lovelace"). A term may be there twice.
func (u User) SearchTerms() []string {
	terms := []string{FoldKey(u.LoginID), FoldKey(u.Email)}
	for rest := FoldKey(u.Name); rest != ""; {
		terms = append(terms, rest)
		_, rest, _ = strings.Cut(rest, " ")
	}
	return terms
}

// Limits are the times and numbers that guard accounts. The defaults are those
// of the security requirements; a value may be made stricter, never weaker.
type Limits struct {
	HalfSession      time.Duration // a half session's life
	HalfSessionTries int           // wrong second factors in one half session
	Pending          time.Duration // a set-up that waits for its first code
	StepUp           time.Duration // how long a step-up stays fresh
	Idle             time.Duration // a session without use
	Overall          time.Duration // a session's whole life
	Sessions         int           // parallel sessions of one user
	Invitation       time.Duration // an invitation link's life
	SetUpLink        time.Duration // the set-up link's life
	CodesPerHour     int           // wrong second factors of one user, unknown browsers
	CodesPerDay      int           // the same over 24 h
	StepUpsPerHour   int           // wrong proofs of one kind in one session
	KnownPerHour     int           // wrong proofs of one kind in a known browser
	ResetsPerHour    int           // refused tries behind a mailed reset link
	SourcePerHour    int           // failures of one source address (IPv6: /64)
	CodesInRow       int           // wrong codes in a row that block an authenticator
	TellAfter        int           // wrong codes behind a right password until a mail
	ResetLink        time.Duration // a reset link's life
	AddressLink      time.Duration // the life of a link that confirms an address
	Alarm            time.Duration // the life of "this was not me"
	KeptSetup        time.Duration // a disabled setup is kept so long
	KnownBrowser     time.Duration // a browser is known so long after its last sign-in
	Audit            time.Duration // events are kept so long
}

const day = 24 * time.Hour

// DefaultLimits returns the values that the security requirements name.
func DefaultLimits() Limits {
	return Limits{
		HalfSession: 5 * time.Minute, HalfSessionTries: 5,
		Pending: 15 * time.Minute, StepUp: 5 * time.Minute,
		Idle: 30 * time.Minute, Overall: 12 * time.Hour, Sessions: 20,
		Invitation: 72 * time.Hour, SetUpLink: 24 * time.Hour,
		CodesPerHour: 10, CodesPerDay: 30, StepUpsPerHour: 5,
		KnownPerHour: 5, ResetsPerHour: 5, SourcePerHour: 200, CodesInRow: 100, TellAfter: 3,
		ResetLink: 30 * time.Minute, AddressLink: 24 * time.Hour, Alarm: 7 * day,
		KeptSetup: 90 * day, KnownBrowser: 180 * day, Audit: 400 * day,
	}
}
