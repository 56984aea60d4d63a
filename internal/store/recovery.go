package store

import (
	"context"

	"portal"
)

// RecoveryCode is a recovery code as it is kept: a digest, and the key that the
// digest was made with.
type RecoveryCode struct {
	Digest []byte
	KeyID  string
}

// PutRecoveryCodes replaces the user's recovery codes by a new set.
func (tx *Tx) PutRecoveryCodes(ctx context.Context, user portal.UserID, codes []RecoveryCode) error {
	if err := tx.DeleteRecoveryCodes(ctx, user); err != nil {
		return err
	}
	const query = "INSERT INTO recovery_codes (digest, customer_id, user_id, created_at, key_id) VALUES ($1, $2, $3, $4, $5)"
	for _, code := range codes {
		if _, err := tx.q.exec(ctx, query, code.Digest, tx.customer, user, micros(tx.Now), code.KeyID); err != nil {
			return err
		}
	}
	return nil
}

// DeleteRecoveryCodes kills all recovery codes of the user.
func (tx *Tx) DeleteRecoveryCodes(ctx context.Context, user portal.UserID) error {
	const query = "DELETE FROM recovery_codes WHERE customer_id = $1 AND user_id = $2"
	_, err := tx.q.exec(ctx, query, tx.customer, user)
	return err
}

// SpendRecoveryCode uses up one code of this user. False means that it is not
// one, or not any more (RC-03).
func (tx *Tx) SpendRecoveryCode(ctx context.Context, user portal.UserID, digest []byte) (bool, error) {
	const query = "DELETE FROM recovery_codes WHERE customer_id = $1 AND user_id = $2 AND digest = $3"
	return exactlyOne(tx.q.exec(ctx, query, tx.customer, user, digest))
}

// RecoveryKeys names the keys that the user's unused codes were made with. Codes
// that know no key are the first one's.
func (v View) RecoveryKeys(ctx context.Context, user portal.UserID) ([]string, error) {
	const query = `SELECT DISTINCT COALESCE(NULLIF(key_id, ''), (SELECT id FROM key_checks ORDER BY created_at, id LIMIT 1), '')
		FROM recovery_codes WHERE customer_id = $1 AND user_id = $2`
	rows, err := v.q.rows(ctx, query, v.customer, user)
	return scanAll(rows, err, func(r scanner) (id string, err error) { return id, r.Scan(&id) })
}

// RecoveryCodesLeft counts the user's unused codes; there are ten at most.
func (v View) RecoveryCodesLeft(ctx context.Context, user portal.UserID) (int, error) {
	const query = "SELECT digest FROM recovery_codes WHERE customer_id = $1 AND user_id = $2"
	rows, err := v.q.rows(ctx, query, v.customer, user)
	left, err := scanAll(rows, err, func(r scanner) (d []byte, err error) { return d, r.Scan(&d) })
	return len(left), err
}
