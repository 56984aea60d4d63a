package portal

import "time"

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
}

// ActorKind tells by what right somebody acts.
type ActorKind string

// The kinds of actor.
const (
	ActorStranger ActorKind = "stranger" // nobody has been proven
	ActorUser     ActorKind = "user"     // a session
	ActorHost     ActorKind = "host"     // the command line on the host
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
}

// Stranger is the actor of a request that proved nothing.
func Stranger(o Origin) Actor {
	return Actor{Kind: ActorStranger, CustomerID: NoCustomer, Origin: o}
}

// Host is the actor behind the command line: whoever may read the data folder.
// systemUser is recorded as the name (LC-14).
func Host(systemUser, hostName string) Actor {
	return Actor{
		Kind: ActorHost, CustomerID: NoCustomer, LoginID: systemUser, Name: systemUser,
		Origin: Origin{Address: hostName, Agent: "command line"},
	}
}

// Right is something that an actor may be allowed to do.
type Right string

// The rights. What is not in the table below is not allowed to anybody.
const (
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
)

// bearer is who can hold a right: a role in a session, or the host.
type bearer string

const host bearer = "host"

// permissions is the whole permission table (AZ-01, AZ-02). An administrator's
// rights reach the users of the own customer only: every query is bound to it.
var permissions = map[bearer][]Right{
	bearer(RoleUser): {UseAccount},
	bearer(RoleAdministrator): {
		UseAccount, SeeUsers, AddUsers, EditUsers, SuspendUsers, EndUserSessions, DeleteUser2FA, ReadAudit,
	},
	bearer(RoleOperator): {UseAccount},
	host: {
		SeeUsers, AddUsers, EditUsers, SuspendUsers, EndUserSessions, DeleteUser2FA, ReadAudit, AddCustomers, AddOperators,
	},
}

// Can returns nil where the actor holds the right. A stranger is asked to sign
// in; everybody else learns no more than "not found".
func (a Actor) Can(r Right) error {
	if a.Holds(r) {
		return nil
	}
	if a.Kind == ActorStranger {
		return SignInFirst()
	}
	return NotFound()
}

// Holds tells whether the actor holds the right, for pages that show or hide.
func (a Actor) Holds(r Right) bool {
	for _, have := range permissions[a.bearer()] {
		if have == r {
			return true
		}
	}
	return false
}

func (a Actor) bearer() bearer {
	switch a.Kind {
	case ActorUser:
		if bearer(a.Role) != host { // no role of an account, whatever its name, is the host
			return bearer(a.Role)
		}
	case ActorHost:
		return host
	}
	return ""
}
