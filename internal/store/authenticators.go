package store

import (
	"context"
	"time"

	"portal"
)

// Authenticator is one authenticator app of a user: pending until its first
// code, then current. Secret is sealed; this floor cannot open it.
type Authenticator struct {
	ID       portal.AuthenticatorID
	UserID   portal.UserID
	State    AuthenticatorState
	Secret   []byte
	Serial   int64 // 0: a first setup; else the so-manieth replacement of it
	LastStep int64 // the last accepted time step, for ever spent
	ToldStep int64 // a coming step whose code was told to be one; spent
	Failures int64 // wrong codes in a row
	// UsedBy is the digest of the browser's token that the last code came with.
	UsedBy      []byte
	SessionID   portal.SessionID
	CreatedAt   time.Time
	ExpiresAt   time.Time // of a pending one
	ConfirmedAt time.Time
	LastUsedAt  time.Time
	// Begun is how many setups the user has begun, ever. A pending one is the
	// newest of them: the number tells its label from all others.
	Begun int64
}

// AuthenticatorState tells a proven authenticator from an unproven one.
type AuthenticatorState string

// The states of an authenticator.
const (
	PendingAuthenticator AuthenticatorState = "pending"
	CurrentAuthenticator AuthenticatorState = "current"
)

// PutPending keeps a as the user's only pending authenticator, and counts it
// among all that were begun, which is never set back. Of two at once
// the later runs again: DO NOTHING makes PostgreSQL say that it lost a race and
// not that a rule is broken.
func (tx *Tx) PutPending(ctx context.Context, a Authenticator) error {
	if _, err := tx.DeletePending(ctx, a.UserID); err != nil {
		return err
	}
	// Programs of before counted replacements only.
	const count = `UPDATE users SET setups = CASE WHEN setups < $3 THEN $3 ELSE setups END + 1 WHERE customer_id = $1 AND id = $2`
	if err := mustOne(tx.q.exec(ctx, count, tx.customer, a.UserID, a.Serial)); err != nil {
		return err
	}
	const query = `INSERT INTO authenticators (id, customer_id, user_id, state, secret, serial, last_step, session_id,
			created_at, expires_at, confirmed_at, last_used_at)
		VALUES ($1, $2, $3, 'pending', $4, $5, 0, $6, $7, $8, 0, 0)
		ON CONFLICT (user_id, state) DO NOTHING`
	return mustOne(tx.q.exec(ctx, query, a.ID, tx.customer, a.UserID, a.Secret, a.Serial, a.SessionID, micros(tx.Now), micros(a.ExpiresAt)))
}

// DeletePending forgets the pending authenticator; false means there was none.
func (tx *Tx) DeletePending(ctx context.Context, user portal.UserID) (bool, error) {
	const query = "DELETE FROM authenticators WHERE customer_id = $1 AND user_id = $2 AND state = 'pending'"
	return exactlyOne(tx.q.exec(ctx, query, tx.customer, user))
}

// Pending reads the pending set-up that was started in this session and has
// not run out; another session's set-up is not found (OT-07).
func (v View) Pending(ctx context.Context, user portal.UserID, session portal.SessionID) (Authenticator, error) {
	const query = authenticatorHead + "AND a.state = 'pending' AND a.session_id = $3 AND a.expires_at > $4"
	return scanAuthenticator(v.q.row(ctx, query, v.customer, user, session, micros(v.Now)))
}

// Current reads the proven authenticator of a user, enabled or disabled.
func (v View) Current(ctx context.Context, user portal.UserID) (Authenticator, error) {
	const query = authenticatorHead + "AND a.state = 'current' AND u.authenticator_id = a.id"
	return scanAuthenticator(v.q.row(ctx, query, v.customer, user))
}

const authenticatorHead = `SELECT a.id, a.user_id, a.state, a.secret, a.serial, a.last_step, a.session_id,
		a.created_at, a.expires_at, a.confirmed_at, a.last_used_at, a.told_step, a.failures, a.used_by,
		CASE WHEN u.setups > a.serial THEN u.setups ELSE a.serial + 1 END
	FROM authenticators a JOIN users u ON u.customer_id = a.customer_id AND u.id = a.user_id
	WHERE a.customer_id = $1 AND a.user_id = $2 `

func scanAuthenticator(r scanner) (a Authenticator, err error) {
	var created, expires, confirmed, used int64
	err = r.Scan(&a.ID, &a.UserID, &a.State, &a.Secret, &a.Serial, &a.LastStep, &a.SessionID,
		&created, &expires, &confirmed, &used, &a.ToldStep, &a.Failures, &a.UsedBy, &a.Begun)
	a.CreatedAt, a.ExpiresAt = fromMicros(created), fromMicros(expires)
	a.ConfirmedAt, a.LastUsedAt = fromMicros(confirmed), fromMicros(used)
	return a, translate(err)
}

// SpendStep marks a time step as used by a browser, and forgets the wrong codes
// before it. False means that this step or a later one has been used already:
// whoever gets false has no valid code (OT-02).
func (tx *Tx) SpendStep(ctx context.Context, id portal.AuthenticatorID, step int64, by []byte) (bool, error) {
	const query = `UPDATE authenticators SET last_step = $3, last_used_at = $4, failures = 0, used_by = $5
		WHERE customer_id = $1 AND id = $2 AND last_step < $3 AND told_step <> $3`
	return exactlyOne(tx.q.exec(ctx, query, tx.customer, id, step, micros(tx.Now), by))
}

// TellStep spends a coming step, since its code is told to be one. False means
// that another such step is still to come: no second one is told.
func (tx *Tx) TellStep(ctx context.Context, id portal.AuthenticatorID, step, past int64) (bool, error) {
	const query = "UPDATE authenticators SET told_step = $3 WHERE customer_id = $1 AND id = $2 AND told_step < $4"
	return exactlyOne(tx.q.exec(ctx, query, tx.customer, id, step, past))
}

// CountFailure counts a wrong code and tells how many there were in a row.
func (tx *Tx) CountFailure(ctx context.Context, id portal.AuthenticatorID) (failures int64, err error) {
	const query = "UPDATE authenticators SET failures = failures + 1 WHERE customer_id = $1 AND id = $2 RETURNING failures"
	err = translate(tx.q.row(ctx, query, tx.customer, id).Scan(&failures))
	return failures, err
}

// Confirm makes the pending authenticator the user's current one and enables
// 2FA: from none as the first setup, from enabled as the replacement of the
// old one, which is gone with it. False means that another change came first.
func (tx *Tx) Confirm(ctx context.Context, a Authenticator, from portal.TwoFactorState) (bool, error) {
	moved, err := tx.moveTwoFactor(ctx, twoFactorMove{a.UserID, from, portal.TwoFactorEnabled, a.ID})
	if err != nil || !moved {
		return false, err
	}
	const old = "DELETE FROM authenticators WHERE customer_id = $1 AND user_id = $2 AND state = 'current'"
	if _, err := tx.q.exec(ctx, old, tx.customer, a.UserID); err != nil {
		return false, err
	}
	const query = `UPDATE authenticators SET state = 'current', confirmed_at = $3
		WHERE customer_id = $1 AND id = $2 AND state = 'pending'`
	return exactlyOne(tx.q.exec(ctx, query, tx.customer, a.ID, micros(tx.Now)))
}

// Switch turns 2FA off or on again with the setup kept. False means that
// another change came first.
func (tx *Tx) Switch(ctx context.Context, a Authenticator, from, to portal.TwoFactorState) (bool, error) {
	return tx.moveTwoFactor(ctx, twoFactorMove{a.UserID, from, to, a.ID})
}

// DeleteSetup removes every second factor of a user, pending ones too, without
// reading any secret. False means that the user no longer stood in from.
func (tx *Tx) DeleteSetup(ctx context.Context, user portal.UserID, from portal.TwoFactorState) (bool, error) {
	moved, err := tx.moveTwoFactor(ctx, twoFactorMove{user, from, portal.TwoFactorNone, nil})
	if err != nil || !moved {
		return false, err
	}
	if err := tx.DeleteRecoveryCodes(ctx, user); err != nil {
		return false, err
	}
	const query = "DELETE FROM authenticators WHERE customer_id = $1 AND user_id = $2"
	_, err = tx.q.exec(ctx, query, tx.customer, user)
	return true, err
}
