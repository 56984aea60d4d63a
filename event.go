package portal

import "time"

// Action is what an event tells of.
type Action string

// The actions of the audit trail, worded as people read them.
const (
	SetUpCompleted     Action = "Set-up completed"
	CustomerAdded      Action = "Customer added"
	UserAdded          Action = "User added"
	UserInvited        Action = "Invitation link made"
	InvitationAccepted Action = "Invitation accepted"
	InvitationDropped  Action = "Invitation withdrawn"
	UserEdited         Action = "User edited"
	RoleChanged        Action = "Role changed"
	UserSuspendedEvent Action = "User suspended"
	UserReactivated    Action = "User reactivated"
	UserUnlocked       Action = "Wrong tries forgotten"
	SessionsEnded      Action = "Sessions ended"
	PasswordTried      Action = "Password entered"
	SignedIn           Action = "Sign-in"
	SecondFactorTried  Action = "Second factor entered"
	RecoveryCodeUsed   Action = "Recovery code used"
	SignInCancelled    Action = "Sign-in cancelled"
	SignedOut          Action = "Sign-out"
	SteppedUp          Action = "Step-up"
	SetupStarted       Action = "2FA set-up started"
	SetupCancelled     Action = "2FA set-up cancelled"
	SetupConfirmed     Action = "2FA enabled"
	TwoFactorDisable   Action = "2FA disabled"
	TwoFactorEnable    Action = "2FA re-enabled"
	SetupDeleted       Action = "2FA setup deleted"
	ReplacementStarted Action = "Authenticator replacement started"
	Replaced           Action = "Authenticator replaced"
	RecoveryIssued     Action = "Recovery codes issued"
	PasswordChanged    Action = "Password changed"
	ResetAsked         Action = "Password reset asked for"
	ResetDemanded      Action = "New password demanded"
	PasswordReset      Action = "Password reset"
	EmailAsked         Action = "E-mail change asked for"
	EmailConfirmed     Action = "E-mail address confirmed"
	EmailRemoved       Action = "E-mail address removed"
	AccountFrozen      Action = "Account frozen"
	AccountThawed      Action = "Account opened again"
	CodesBlocked       Action = "Codes blocked"
	HelpAsked          Action = "Help asked for"
	HelpDismissed      Action = "Help request dismissed"
	SetupExpired       Action = "Kept 2FA setup ran out"
	PolicyChanged      Action = "2FA policy changed"
	CustomerSuspended  Action = "Customer suspended"
	CustomerReopened   Action = "Customer reactivated"
	KeysRotated        Action = "Keys rotated"
	DataMoved          Action = "Data moved"
	MailFailed         Action = "Mail not delivered"
	MailRead           Action = "Mail read on the host"
	AuditExported      Action = "Audit trail exported"
	AuditPruned        Action = "Audit trail pruned"
	BackupMade         Action = "Backup made"
	DataRestored       Action = "Restored from a backup"
	RecoveryVoided     Action = "Recovery codes void"
)

// Actions lists every action in the order in which a filter shows them.
func Actions() []Action {
	return []Action{
		SignedIn, PasswordTried, SecondFactorTried, RecoveryCodeUsed, SignInCancelled, SignedOut, SteppedUp,
		SetupStarted, SetupCancelled, SetupConfirmed, TwoFactorDisable, TwoFactorEnable, SetupDeleted,
		ReplacementStarted, Replaced, SetupExpired, CodesBlocked, RecoveryIssued, RecoveryVoided, PasswordChanged,
		ResetAsked, ResetDemanded, PasswordReset, EmailAsked, EmailConfirmed, EmailRemoved,
		AccountFrozen, AccountThawed, HelpAsked, HelpDismissed, SessionsEnded,
		UserAdded, UserInvited, InvitationAccepted, InvitationDropped, UserEdited, RoleChanged, UserSuspendedEvent, UserReactivated, UserUnlocked,
		PolicyChanged, CustomerAdded, CustomerSuspended, CustomerReopened, SetUpCompleted,
		AuditExported, AuditPruned, BackupMade, DataRestored, KeysRotated, DataMoved, MailFailed, MailRead,
	}
}

// Outcome is how an action ended.
type Outcome string

// The outcomes: done; refused by a rule or a wrong proof; failed by a fault.
const (
	Done    Outcome = "done"
	Refused Outcome = "refused"
	Failed  Outcome = "failed"
)

// Event is one row of the audit trail. It holds no secret, and of what was
// typed nothing but a reason.
type Event struct {
	ID          int64
	At          time.Time
	CustomerID  CustomerID
	Action      Action
	Outcome     Outcome
	ActorKind   ActorKind
	ActorID     UserID
	ActorLabel  string // login ID or system user at that time
	TargetID    UserID
	TargetLabel string
	Detail      string // reason, factor, or what changed
	Origin      Origin
	Node        string // the machine that wrote it
}

// Did starts the event of something that the actor has done.
func (a Actor) Did(action Action) Event {
	return Event{
		Action: action, Outcome: Done, Origin: a.Origin,
		ActorKind: a.Kind, ActorID: a.UserID, ActorLabel: a.LoginID,
	}
}

// WasRefused starts the event of something that the actor tried in vain.
func (a Actor) WasRefused(action Action, why string) Event {
	e := a.Did(action)
	e.Outcome, e.Detail = Refused, why
	return e
}

// On names whom the event happened to.
func (e Event) On(u User) Event {
	e.TargetID, e.TargetLabel = u.ID, u.LoginID
	return e
}

// With adds a detail: a reason, a factor, or what changed.
func (e Event) With(detail string) Event {
	e.Detail = detail
	return e
}
