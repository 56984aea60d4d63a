package auth

import (
	"time"

	"portal"
	"portal/internal/store"
)

// Proof is what somebody types to prove who they are: the password, and where
// the account has 2FA either the code of the app or a recovery code.
type Proof struct {
	Password     string
	Code         string
	RecoveryCode string
}

// Ask tells a form which proofs it has to ask for now.
type Ask struct {
	Password bool
	// Code asks for the 6-digit code, or a recovery code where Recovery is set.
	Code     bool
	Recovery bool
}

// SignedIn is what a step of signing in has earned: the token of a session and
// the one by which the browser is known from now on, or the token of a half
// session that still owes the second factor.
type SignedIn struct {
	Session string
	Browser string
	Half    string
}

// Renewed carries the new token of the acting session, which every step-up and
// every security change gives it. It is valid even where an error comes with
// it: the proof may have been right and the change refused. Empty means that
// the token has not changed.
type Renewed struct{ Session string }

// Confirmed is the answer to an enabled setup: recovery codes, shown once.
type Confirmed struct {
	Renewed
	RecoveryCodes []string
}

// Account is everything that the Account page shows.
type Account struct {
	User      portal.User
	TwoFactor portal.TwoFactorStatus
	// Setup is the pending set-up of this session, nil where there is none.
	Setup *Setup
	// Authenticator describes the proven app, nil where there is none.
	Authenticator *Authenticator
	// KeptUntil is how long a setup that is switched off is kept.
	KeptUntil    time.Time
	RecoveryLeft int
	Addresses    Addresses
	Sessions     []Session
	Activity     []portal.Event
}

// Addresses are where mail to a user goes, and where it shall go.
type Addresses = store.Addresses

// Setup is what a pending set-up shows to its owner, and to nobody else.
type Setup struct {
	URI       string // the key URI, for the QR code
	Key       string // the secret in groups of four, for typing
	ExpiresAt time.Time
}

// Authenticator is what may be told of a proven authenticator app.
type Authenticator struct {
	ConfirmedAt time.Time
	LastUsedAt  time.Time
	Blocked     bool // after too many wrong codes in a row
}

// Session is a signed-in browser as its owner sees it.
type Session struct {
	ID         portal.SessionID
	SignedInAt time.Time
	LastSeenAt time.Time
	Address    string
	Agent      string
	Current    bool
}

// Link is what a one-time link may tell to whoever opens it.
type Link struct {
	Purpose Purpose
	// Mark tells the link from others on the page that it opens; it is no secret.
	Mark string
	// Whom it is for; empty in the link that makes the first administrator.
	LoginID, Name, CustomerName string
	Address                     string // that it went to
	LeastPassword               int    // characters that a password chosen behind it needs
	// Ask is what the form of a reset link has to ask beside the new password.
	Ask       Ask
	ExpiresAt time.Time
}
