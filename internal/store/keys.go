package store

import (
	"context"
	"crypto/hmac"
	"errors"
	"time"

	"portal"
)

// KeyCheck lets the database recognise a key without knowing it. A key writes
// from the moment the database knows it, and until it knows a newer one: so
// all nodes change over at one statement.
type KeyCheck struct {
	ID    string    `json:"id"`
	Value []byte    `json:"check_value"`
	Since time.Time `json:"since"`
}

// Errors about the key ring that the data was written with.
var (
	// ErrKeyMissing says that the data needs a key which the ring lacks.
	ErrKeyMissing = errors.New("the key ring lacks a key that this database was written with")
	// ErrKeyWrong says that a key of the ring has the right name and the wrong content.
	ErrKeyWrong = errors.New("a key of the key ring is not the one that this database was written with")
)

// Keys lists the keys that the database knows; the last one writes.
func (s *Store) Keys(ctx context.Context) ([]KeyCheck, error) {
	return keyChecks(ctx, s.View(portal.NoCustomer).q)
}

func keyChecks(ctx context.Context, q querier) ([]KeyCheck, error) {
	rows, err := q.rows(ctx, "SELECT id, check_value, created_at FROM key_checks ORDER BY created_at, id")
	return scanAll(rows, err, func(r scanner) (k KeyCheck, err error) {
		var since int64
		err = r.Scan(&k.ID, &k.Value, &since)
		k.Since = fromMicros(since)
		return k, err
	})
}

// CheckKeys compares a ring, its check values by key id, with the keys that the
// database knows, and returns the key that writes: "" where it knows none yet.
func (s *Store) CheckKeys(ctx context.Context, ring map[string][]byte) (writes string, err error) {
	known, err := s.Keys(ctx)
	for _, k := range known {
		have, ok := ring[k.ID]
		switch {
		case !ok:
			return "", ErrKeyMissing
		case !hmac.Equal(have, k.Value):
			return "", ErrKeyWrong
		}
		writes = k.ID
	}
	return writes, err
}

// FirstKey makes the first key of an installation known; where one is known
// already nothing changes. Where nothing was ever recorded, begin is done in the
// same transaction.
func (s *Store) FirstKey(ctx context.Context, id string, value []byte, begin func(*Tx) error) error {
	return s.WriteUnaudited(ctx, portal.NoCustomer, "the first check value is no change that anybody made", func(tx *Tx) error {
		known, err := keyChecks(ctx, tx.q)
		if err != nil || len(known) > 0 {
			return err
		}
		newest, err := s.Newest(ctx)
		if err == nil && newest.Event == 0 {
			err = begin(tx)
		}
		if err != nil {
			return err
		}
		return tx.PutKey(ctx, KeyCheck{id, value, tx.Now})
	})
}

// Keys lists the keys that the database knows, inside the transaction.
func (tx *Tx) Keys(ctx context.Context) ([]KeyCheck, error) { return keyChecks(ctx, tx.q) }

// PutKey makes a key known, and so the one that writes.
func (tx *Tx) PutKey(ctx context.Context, k KeyCheck) error {
	const query = "INSERT INTO key_checks (id, check_value, created_at) VALUES ($1, $2, $3)"
	_, err := tx.q.exec(ctx, query, k.ID, k.Value, micros(k.Since))
	return err
}

// ForgetKey makes a key unknown; false means that it was.
func (tx *Tx) ForgetKey(ctx context.Context, id string) (bool, error) {
	return exactlyOne(tx.q.exec(ctx, "DELETE FROM key_checks WHERE id = $1", id))
}

// Node is a running portal and the keys that it has at hand.
type Node struct {
	ID, Host string
	Keys     string // ids with a space before and after each
	Writes   string // the key that it writes with
	SeenAt   time.Time
}

// ReportNode notes that a node is running, and how new its program is. Whether
// it is there goes by the database's time, so that nobody's wrong clock hides
// it.
func (s *Store) ReportNode(ctx context.Context, n Node) error {
	now, err := s.agreed(ctx, s.reader)
	if err != nil {
		return err
	}
	const query = `INSERT INTO nodes (id, host, keys, writes, started_at, seen_at, knows) VALUES ($1, $2, $3, $4, $5, $5, $6)
		ON CONFLICT (id) DO UPDATE SET keys = $3, writes = $4, seen_at = $5`
	_, err = s.onWriter().exec(ctx, query, n.ID, n.Host, n.Keys, n.Writes, micros(now), s.knows)
	return err
}

// ForgetNode notes that a node has stopped.
func (s *Store) ForgetNode(ctx context.Context, id string) error {
	_, err := s.onWriter().exec(ctx, "DELETE FROM nodes WHERE id = $1", id)
	return err
}

// Nodes lists the running nodes: those that have been seen within Alive.
func (s *Store) Nodes(ctx context.Context) ([]Node, error) {
	now, err := s.agreed(ctx, s.reader)
	if err != nil {
		return nil, err
	}
	const query = "SELECT id, host, keys, writes, seen_at FROM nodes WHERE seen_at > $1 ORDER BY host, id"
	rows, err := s.View(portal.NoCustomer).q.rows(ctx, query, micros(now.Add(-Alive)))
	return scanAll(rows, err, func(r scanner) (n Node, err error) {
		var seen int64
		err = r.Scan(&n.ID, &n.Host, &n.Keys, &n.Writes, &seen)
		n.SeenAt = fromMicros(seen)
		return n, err
	})
}
