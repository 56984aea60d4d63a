package portal

// TwoFactorState is a state of a user's two-factor authentication (2FA).
type TwoFactorState string

// The states. Only none, enabled and disabled are stored with the user; a
// pending set-up is a row of its own that counts for nothing until confirmed.
const (
	TwoFactorNone     TwoFactorState = "none"
	TwoFactorPending  TwoFactorState = "pending"
	TwoFactorEnabled  TwoFactorState = "enabled"
	TwoFactorDisabled TwoFactorState = "disabled"
)

// TwoFactorStatus is the one answer to "how does this user's 2FA stand?".
// Label, filter, sign-in and command line all ask it.
type TwoFactorStatus struct {
	State TwoFactorState
	// Replacing is true while a replacement waits beside the enabled setup.
	Replacing bool
	// Blocked is true where codes are refused after too many wrong ones in a row.
	// It is a mark on enabled and on disabled; the labels stay.
	Blocked bool
}

// StatusOf computes the status from the stored state and from whether a
// set-up is pending. An unknown stored state counts as enabled: in doubt the
// second factor is asked for (fail closed).
func StatusOf(stored TwoFactorState, pending bool) TwoFactorStatus {
	switch stored {
	case TwoFactorNone:
		if pending {
			return TwoFactorStatus{State: TwoFactorPending}
		}
		return TwoFactorStatus{State: TwoFactorNone}
	case TwoFactorDisabled:
		return TwoFactorStatus{State: TwoFactorDisabled}
	}
	return TwoFactorStatus{State: TwoFactorEnabled, Replacing: pending}
}

// AsksCode tells whether a sign-in owes a second factor.
func (s TwoFactorStatus) AsksCode() bool { return s.State == TwoFactorEnabled }

// HasSetup tells whether there is a 2FA setup to delete.
func (s TwoFactorStatus) HasSetup() bool {
	return s.State == TwoFactorEnabled || s.State == TwoFactorDisabled
}

// AccountLabel is the label on the owner's Account page.
func (s TwoFactorStatus) AccountLabel() string {
	if s.State == TwoFactorEnabled {
		return "Enabled"
	}
	return "Disabled"
}

// AdminLabel is the label in Administration and Access.
func (s TwoFactorStatus) AdminLabel() string {
	switch s.State {
	case TwoFactorEnabled:
		return "2FA Enabled"
	case TwoFactorDisabled:
		return "2FA Disabled"
	}
	return "2FA not Enabled"
}
