package portal

import (
	"slices"
	"time"
)

// Role is what an account is for.
type Role string

// The roles. An operator belongs to no customer and is made on the host only.
const (
	RoleUser          Role = "user"
	RoleAdministrator Role = "administrator"
	RoleOperator      Role = "operator"
)

// Label is the role as people read it.
func (r Role) Label() string {
	switch r {
	case RoleUser:
		return "User"
	case RoleAdministrator:
		return "Administrator"
	case RoleOperator:
		return "Operator"
	}
	return string(r)
}

// Origin is where a request came from. It is recorded, never trusted.
type Origin struct {
	Address   string // address of the peer, without port
	Agent     string // user agent, cleaned and cut
	RequestID string
	// Browser is the token of a known browser, if the request brought one. It
	// selects a budget against guessing and grants nothing (AU-14); it is never
	// recorded.
	Browser string
}

// ActorKind tells by what right somebody acts.
type ActorKind string

// The kinds of actor.
const (
	ActorStranger ActorKind = "stranger" // nobody has been proven
	ActorUser     ActorKind = "user"     // a session
	ActorHost     ActorKind = "host"     // the command line on the host
	ActorPortal   ActorKind = "portal"   // the portal itself: a job that runs on time
)

// Actor is who acts. It comes from a session or from the host's command line,
// never from the request itself.
type Actor struct {
	Kind         ActorKind
	UserID       UserID
	CustomerID   CustomerID
	CustomerName string
	LoginID      string
	Name         string
	Role         Role
	Origin       Origin

	// The session that the actor acts in; empty for the host.
	SessionID   SessionID
	SignedInAt  time.Time
	SteppedUpAt time.Time // zero: not stepped up
	Stored      TwoFactorState
	// ShortPassword says that the password cannot stand alone (PW-01).
	ShortPassword bool
	// Policy is what the customer wants of the role; Owes is what has to be
	// done before anything else is open.
	Policy Policy
	Owes   Debt
	// Last is what happened to the account before the session.
	Last LastTime
}

// LastTime is what happened to an account before a session began: the sign-in
// before it, and the wrong tries since. At is zero where there was none.
type LastTime struct {
	At             time.Time
	Address, Agent string
	NewBrowser     bool // it came from a browser that was new then
	WrongTries     int
}

// Suspicious tells whether the owner should look twice.
func (l LastTime) Suspicious() bool { return l.NewBrowser || l.WrongTries > 0 }

// Stranger is the actor of a request that proved nothing.
func Stranger(o Origin) Actor {
	return Actor{Kind: ActorStranger, CustomerID: NoCustomer, Origin: o}
}

// Host is the actor behind the command line: whoever may read the data folder.
// systemUser is recorded as the name (LC-14).
func Host(systemUser, hostName string) Actor {
	return Actor{
		Kind: ActorHost, CustomerID: NoCustomer, LoginID: systemUser, Name: systemUser,
		Origin: Origin{Address: hostName, Agent: commandLine},
	}
}

// Itself is the portal as the actor of its own jobs.
func Itself() Actor {
	return Actor{Kind: ActorPortal, CustomerID: NoCustomer, LoginID: "portal", Name: "the portal", Origin: Origin{Agent: portalsJob}}
}

// Right is something that an actor may be allowed to do.
type Right string

// The rights. What is not in the table below is not allowed to anybody.
const (
	SignOut         Right = "sign out"
	Enrol           Right = "set up own 2FA"
	RenewPassword   Right = "change own password"
	UseAccount      Right = "use own account"
	SeeUsers        Right = "see users"
	AddUsers        Right = "add users"
	EditUsers       Right = "edit users"
	SuspendUsers    Right = "suspend users"
	EndUserSessions Right = "end sessions of users"
	DeleteUser2FA   Right = "delete the 2FA setup of users"
	ReadAudit       Right = "read the audit trail"
	AddCustomers    Right = "add customers"
	AddOperators    Right = "add operators"
	SetAddresses    Right = "set e-mail addresses of users"
	DemandPassword  Right = "demand a new password of users" // #nosec G101 -- the name of a right
	SetPolicy       Right = "set the 2FA policy"
	HelpUsers       Right = "see who asks for help"
	ReadMail        Right = "read the outbox"
	RotateKeys      Right = "rotate keys"
	KeepAudit       Right = "verify and prune the audit trail"
	BackUp          Right = "back up and restore"
	MoveData        Right = "move everything to another database"
	CloseCustomers  Right = "suspend customers and end all sessions"
	KeepHouse       Right = "do what is due"
)

// bearer is who can hold a right: a role in a session, the host, or the portal
// itself.
type bearer string

const (
	host   bearer = "host"
	itself bearer = "portal"
)

// permissions is the whole permission table (AZ-01, AZ-02). An administrator's
// rights reach the users of the own customer only: every query is bound to it.
var permissions = map[bearer][]Right{
	bearer(RoleUser): {SignOut, Enrol, RenewPassword, UseAccount},
	bearer(RoleAdministrator): {
		SignOut, Enrol, RenewPassword, UseAccount,
		SeeUsers, AddUsers, EditUsers, SuspendUsers, EndUserSessions, DeleteUser2FA, DemandPassword, HelpUsers, SetPolicy, ReadAudit,
	},
	bearer(RoleOperator): {SignOut, Enrol, RenewPassword, UseAccount},
	host: {
		SeeUsers, AddUsers, EditUsers, SuspendUsers, EndUserSessions, DeleteUser2FA, DemandPassword, SetPolicy, ReadAudit,
		AddCustomers, AddOperators, SetAddresses, CloseCustomers, ReadMail, RotateKeys, KeepAudit, BackUp, MoveData,
	},
	itself: {KeepHouse},
}

// indebted is all that is left of somebody's rights until a debt is paid.
var indebted = map[Debt][]Right{
	OwesPassword: {SignOut, RenewPassword},
	OwesSetup:    {SignOut, Enrol},
}

// Can returns nil where the actor holds the right. A stranger is asked to sign
// in, and who owes something to do that first; everybody else learns no more
// than "not found".
func (a Actor) Can(r Right) error {
	switch {
	case a.Holds(r):
		return nil
	case a.Kind == ActorStranger:
		return SignInFirst()
	case a.Owes != OwesNothing && slices.Contains(permissions[a.bearer()], r):
		return &Error{Code: CodeOwed, Message: "Before anything else your account needs " + string(a.Owes) + "."}
	}
	return NotFound()
}

// Holds tells whether the actor holds the right, for pages that show or hide.
func (a Actor) Holds(r Right) bool {
	if a.Owes != OwesNothing && !slices.Contains(indebted[a.Owes], r) {
		return false
	}
	return slices.Contains(permissions[a.bearer()], r)
}

func (a Actor) bearer() bearer {
	switch a.Kind {
	case ActorUser:
		if b := bearer(a.Role); b != host && b != itself { // no role of an account, whatever its name, is one of these
			return b
		}
	case ActorHost:
		return host
	case ActorPortal:
		return itself
	}
	return ""
}
