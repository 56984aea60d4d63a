package portal

import "time"

// MailKind says what a mail is about, and so which text it has.
type MailKind string

// The kinds of mail. Each change is told to all confirmed addresses of the
// person it happened to (LC-04).
const (
	MailInvitation      MailKind = "invitation"
	MailReset           MailKind = "password reset link"
	MailResetDemanded   MailKind = "new password demanded"
	MailPasswordChanged MailKind = "password changed"
	MailConfirmAddress  MailKind = "confirm address"
	MailAddressAsked    MailKind = "address change asked for"
	MailAddressChanged  MailKind = "address changed"
	MailFactorEnabled   MailKind = "2fa enabled"
	MailFactorDisabled  MailKind = "2fa disabled"
	MailFactorDeleted   MailKind = "2fa deleted"
	MailFactorReplaced  MailKind = "authenticator replaced"
	MailFactorExpires   MailKind = "kept setup runs out"
	MailFactorExpired   MailKind = "kept setup ran out"
	MailRecoveryIssued  MailKind = "recovery codes issued"
	MailRecoveryUsed    MailKind = "recovery code used"
	MailDeletedByAdmin  MailKind = "2fa deleted by administrator"
	MailAdminDeleted    MailKind = "administrator deleted 2fa" // to the other administrators
	MailNewBrowser      MailKind = "sign-in from a new browser"
	MailWrongCodes      MailKind = "wrong codes behind the right password"
	MailManyFailures    MailKind = "sign-in after many failures"
	MailCodesBlocked    MailKind = "codes blocked"
	MailFrozen          MailKind = "account frozen"
	MailFrozenAdmin     MailKind = "account of a colleague frozen" // to the administrators
	MailThawed          MailKind = "account opened again"
	MailAccountChanged  MailKind = "account changed by administrator"
	MailHelpAsked       MailKind = "help asked for" // to the administrators
	MailHelpAskedForYou MailKind = "help asked for in your name"
	MailPolicyReminder  MailKind = "2fa will be required"
	MailPolicyChanged   MailKind = "2fa policy changed" // to the other administrators
	MailRecoveryVoided  MailKind = "recovery codes void"
	MailRestored        MailKind = "restored from a backup" // to the administrators
)

// Letter is what a mail tells, before it is put into words. It may hold the
// tokens of links, so it is stored sealed only.
type Letter struct {
	Kind     MailKind `json:"kind"`
	To       string   `json:"to"` // the address
	Name     string   `json:"name"`
	LoginID  string   `json:"login_id"`
	Customer string   `json:"customer"`

	At      time.Time `json:"at"`
	By      string    `json:"by,omitempty"`    // who did it, where it was somebody else
	About   string    `json:"about,omitempty"` // whom it is about, in a letter to an administrator
	AboutID UserID    `json:"about_id,omitempty"`
	Detail  string    `json:"detail,omitempty"`  // reason, new address, what changed
	Address string    `json:"address,omitempty"` // where the request came from
	Agent   string    `json:"agent,omitempty"`

	// Token opens what the mail invites to do; Until is how long.
	Token string    `json:"token,omitempty"`
	Until time.Time `json:"until,omitzero"`
	// Alarm is the token of "this was not me"; empty where that makes no sense.
	Alarm string `json:"alarm,omitempty"`
	// Left is a number that the text needs: recovery codes left, days left.
	Left int `json:"left,omitempty"`
	// Invited says that the reader has no password yet; Told that administrators
	// who can help have been told, too.
	Invited bool `json:"invited,omitempty"`
	Told    bool `json:"told,omitempty"`
}
