package store

import (
	"context"
	"errors"
	"time"
)

// Born is when the schema of this database was made, by which one is told from
// another: a backup of it, a standby and a restored one keep it. The zero time:
// no portal has written here yet.
func (s *Store) Born(ctx context.Context) (time.Time, error) {
	var there bool
	if err := s.reader.QueryRowContext(ctx, s.has, "schema_migrations").Scan(&there); err != nil || !there {
		return time.Time{}, translate(err)
	}
	var at int64
	err := translate(s.reader.QueryRowContext(ctx, "SELECT applied_at FROM schema_migrations ORDER BY name LIMIT 1").Scan(&at))
	if errors.Is(err, ErrNotFound) {
		err = nil
	}
	return fromMicros(at), err
}

// refuseOther keeps a program from working on another database than the one
// that was born at that moment, before it writes to it.
func (s *Store) refuseOther(born time.Time) func(context.Context) error {
	return func(ctx context.Context) error {
		if born.IsZero() {
			return nil
		}
		at, err := s.Born(ctx)
		if err == nil && !at.Equal(born) {
			err = ErrOther
		}
		return err
	}
}
