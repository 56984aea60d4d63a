package store

import (
	"context"

	"portal"
)

// SealedColumn is a column that holds sealed values.
type SealedColumn string

// The columns that hold sealed values.
const (
	SealedSecrets SealedColumn = "authenticators.secret"
	SealedLetters SealedColumn = "mails.letter"
)

// SealedColumns lists every column that holds sealed values.
func SealedColumns() []SealedColumn { return []SealedColumn{SealedSecrets, SealedLetters} }

// Sealed is a sealed value and the place that it belongs to.
type Sealed struct {
	Customer portal.CustomerID
	User     portal.UserID
	Row      string
	Value    []byte
}

// SealedAfter reads the sealed values of a column in the order of their rows,
// of all customers, for who holds the keys.
func (s *Store) SealedAfter(ctx context.Context, column SealedColumn, row string, limit int) ([]Sealed, error) {
	query := "SELECT customer_id, user_id, id, secret FROM authenticators WHERE id > $1 ORDER BY id LIMIT $2"
	if column == SealedLetters {
		query = "SELECT customer_id, user_id, id, letter FROM mails WHERE id > $1 ORDER BY id LIMIT $2"
	}
	rows, err := s.View(portal.NoCustomer).q.rows(ctx, query, row, limit)
	return scanAll(rows, err, func(r scanner) (v Sealed, err error) {
		return v, r.Scan(&v.Customer, &v.User, &v.Row, &v.Value)
	})
}

// Resealed is a sealed value and what takes its place.
type Resealed struct {
	Sealed
	New []byte
}

// Reseal puts new values in the place of old ones, where the old ones still
// stand, and returns how many did.
func (s *Store) Reseal(ctx context.Context, column SealedColumn, all []Resealed) (n int64, err error) {
	query := "UPDATE authenticators SET secret = $4 WHERE customer_id = $1 AND id = $2 AND secret = $3"
	if column == SealedLetters {
		query = "UPDATE mails SET letter = $4 WHERE customer_id = $1 AND id = $2 AND letter = $3"
	}
	err = s.WriteUnaudited(ctx, portal.NoCustomer, "the values stay the same; the rotation as a whole is recorded", func(tx *Tx) error {
		n = 0
		for _, v := range all {
			changed, err := tx.q.exec(ctx, query, v.Customer, v.Row, v.Value, v.New)
			if err != nil {
				return err
			}
			n += changed
		}
		return nil
	})
	return n, err
}

// AnyChainUnder tells whether the end of an audit chain is marked with a key.
func (s *Store) AnyChainUnder(ctx context.Context, key string) (bool, error) {
	return found(s.View(portal.NoCustomer).q.row(ctx, "SELECT customer_id FROM audit_chains WHERE key_id = $1 LIMIT 1", key))
}

// HoldersOfCodes lists, after the given one, the users who have recovery codes
// whose digest was made with a key. The key "" is that of codes older than the
// memory of keys.
func (s *Store) HoldersOfCodes(ctx context.Context, key string, after portal.UserID, limit int) ([]portal.UserID, error) {
	const query = "SELECT DISTINCT user_id FROM recovery_codes WHERE key_id = $1 AND user_id > $2 ORDER BY user_id LIMIT $3"
	rows, err := s.View(portal.NoCustomer).q.rows(ctx, query, key, after, limit)
	return scanAll(rows, err, func(r scanner) (id portal.UserID, err error) { return id, r.Scan(&id) })
}
