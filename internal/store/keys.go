package store

import (
	"bytes"
	"context"
	"errors"
)

// KeyCheck lets the database recognise a key without knowing it.
type KeyCheck struct {
	ID    string
	Value []byte
}

// Errors about the key ring that the data was written with.
var (
	// ErrKeyMissing says that the data needs a key which the ring lacks.
	ErrKeyMissing = errors.New("the key ring lacks a key that this database was written with")
	// ErrKeyWrong says that a key of the ring has the right name and the wrong content.
	ErrKeyWrong = errors.New("a key of the key ring is not the one that this database was written with")
)

// HasKeys tells whether any data was written under a key: then a missing key
// ring must never be replaced by a new one (CR-07).
func (s *Store) HasKeys(ctx context.Context) (bool, error) {
	return found(s.onWriter().row(ctx, "SELECT id FROM key_checks LIMIT 1"))
}

// CheckKeys compares the ring with the check values in the database; write is
// the key that new data is written under and is added where it is unknown.
func (s *Store) CheckKeys(ctx context.Context, ring map[string][]byte, write string) error {
	return s.WriteUnaudited(ctx, "installation", "a check value is no change that anybody made", func(tx *Tx) error {
		rows, err := tx.q.rows(ctx, "SELECT id, check_value FROM key_checks ORDER BY id")
		known, err := scanAll(rows, err, func(r scanner) (k KeyCheck, err error) { return k, r.Scan(&k.ID, &k.Value) })
		if err != nil {
			return err
		}
		if err := compareKeys(known, ring); err != nil {
			return err
		}
		const query = "INSERT INTO key_checks (id, check_value, created_at) VALUES ($1, $2, $3) ON CONFLICT (id) DO NOTHING"
		_, err = tx.q.exec(ctx, query, write, ring[write], micros(tx.Now))
		return err
	})
}

func compareKeys(known []KeyCheck, ring map[string][]byte) error {
	for _, k := range known {
		have, ok := ring[k.ID]
		switch {
		case !ok:
			return ErrKeyMissing
		case !bytes.Equal(have, k.Value):
			return ErrKeyWrong
		}
	}
	return nil
}
