package store

import (
	"context"
	"time"

	"portal"
)

// UnprotectedQuery asks for one page of the users with a role whose 2FA is not
// enabled.
type UnprotectedQuery struct {
	Role portal.Role
	// After is the last user of the page before; the zero User for the first.
	After portal.User
	Limit int
}

// Unprotected lists them by name. It reads no more rows than it returns.
func (v View) Unprotected(ctx context.Context, q UnprotectedQuery) ([]portal.User, error) {
	const query = `SELECT ` + userColumns + ` FROM users u WHERE u.customer_id = $1 AND u.role = $2 AND u.twofa_state <> 'enabled'
		AND (u.name_key, u.id) > ($3, $4) ORDER BY u.name_key, u.id LIMIT $5`
	rows, err := v.q.rows(ctx, query, v.customer, q.Role, portal.FoldKey(q.After.Name), q.After.ID, q.Limit)
	return scanAll(rows, err, scanUser)
}

// Remind notes that a user is reminded of a day now; false means that there is
// nothing to say, or that it was said since the mark. Where another day was said
// it is said again, unless a program of before did not note which one it was.
func (tx *Tx) Remind(ctx context.Context, id portal.UserID, of, mark time.Time) (bool, error) {
	const query = `UPDATE users SET reminded_at = $3, reminded_of = $4 WHERE customer_id = $1 AND id = $2
		AND (reminded_at < $5 OR (reminded_of <> $4 AND reminded_of <> 0))
		AND twofa_state <> 'enabled' AND state = 'active' AND password_hash <> ''`
	return exactlyOne(tx.q.exec(ctx, query, tx.customer, id, micros(tx.Now), micros(of), micros(mark)))
}
