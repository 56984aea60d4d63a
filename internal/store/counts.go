package store

import (
	"context"
	"fmt"

	"portal"
)

// Counts tells how many users of the customer stand in which 2FA state.
func (v View) Counts(ctx context.Context) (map[portal.TwoFactorState]int64, error) {
	const query = "SELECT twofa_state, users FROM customer_counts WHERE customer_id = $1"
	return v.counts(ctx, query, v.customer)
}

// CountsOf tells the same of the users with a role.
func (v View) CountsOf(ctx context.Context, role portal.Role) (map[portal.TwoFactorState]int64, error) {
	const query = "SELECT twofa_state, users FROM customer_counts WHERE customer_id = $1 AND role = $2"
	return v.counts(ctx, query, v.customer, role)
}

func (v View) counts(ctx context.Context, query string, args ...any) (map[portal.TwoFactorState]int64, error) {
	rows, err := v.q.rows(ctx, query, args...)
	type count struct {
		state portal.TwoFactorState
		users int64
	}
	list, err := scanAll(rows, err, func(r scanner) (c count, err error) { return c, r.Scan(&c.state, &c.users) })
	counts := make(map[portal.TwoFactorState]int64)
	for _, c := range list {
		counts[c.state] += c.users
	}
	return counts, err
}

// standing is where a user is counted.
type standing struct {
	role  portal.Role
	state portal.TwoFactorState
}

// moveCount counts one user at another place than before.
func (tx *Tx) moveCount(ctx context.Context, from, to standing) error {
	if from == to {
		return nil
	}
	const query = "UPDATE customer_counts SET users = users - 1 WHERE customer_id = $1 AND role = $2 AND twofa_state = $3"
	if err := mustOne(tx.q.exec(ctx, query, tx.customer, from.role, from.state)); err != nil {
		return fmt.Errorf("count of %s, %s: %w", from.role, from.state, err)
	}
	return tx.countOne(ctx, to)
}

// countOne counts one user more.
func (tx *Tx) countOne(ctx context.Context, in standing) error {
	const query = `INSERT INTO customer_counts (customer_id, role, twofa_state, users) VALUES ($1, $2, $3, 1)
		ON CONFLICT (customer_id, role, twofa_state) DO UPDATE SET users = customer_counts.users + 1`
	_, err := tx.q.exec(ctx, query, tx.customer, in.role, in.state)
	return err
}
