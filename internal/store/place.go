package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"portal"
)

// restoring is a table that stands in a PostgreSQL database from before the
// first row is restored until after the last one: while it is there, no portal
// starts on it.
const restoring = "portal_restoring"

// Vacant refuses a place where something is already. A restore never writes
// over anything.
func Vacant(ctx context.Context, c Config) error {
	if c.Database == "" {
		return vacantFolder(c.DataFolder)
	}
	s, err := OpenPlace(c)
	if err != nil {
		return err
	}
	return errors.Join(s.vacant(ctx), s.Close())
}

func vacantFolder(folder string) error {
	for _, name := range []string{"portal.db", "portal.db-wal", "portal.db-shm", "portal.db-journal"} {
		_, err := os.Lstat(filepath.Join(folder, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = fmt.Errorf("there is a %s in %s already, and a restore writes over nothing; name another folder with --data, or move that database away", name, folder)
		}
		return err
	}
	return nil
}

// vacant accepts an empty database, and one in which a restore was cut short.
func (s *Store) vacant(ctx context.Context) error {
	tables, err := s.tableNames(ctx, s.reader)
	if err != nil || len(tables) == 0 {
		return err
	}
	if cut, err := s.cutShort(ctx); err != nil || cut {
		return err
	}
	return fmt.Errorf("the database has tables already (%s), and a restore writes over nothing; make an empty database (createdb) and name it with --database", tables[0])
}

// OpenPlace opens a database as it is, for a restore: it asks for no schema and
// brings none up to date.
func OpenPlace(c Config) (*Store, error) {
	pools, err := openPools(c.Database, c.DataFolder)
	if err != nil {
		return nil, err
	}
	return &Store{pools: pools, now: c.Now, node: c.Node, statements: newStatements(false)}, nil
}

// cutShort tells whether a restore has begun here and did not end.
func (s *Store) cutShort(ctx context.Context) (cut bool, err error) {
	if s.begun == "" {
		return false, nil
	}
	return cut, translate(s.reader.QueryRowContext(ctx, s.begun).Scan(&cut))
}

// refuseCutShort keeps a portal from starting on half a restore.
func (s *Store) refuseCutShort(ctx context.Context) error {
	cut, err := s.cutShort(ctx)
	if err == nil && cut {
		err = Held{restoreUnderWay}
	}
	return err
}

// BeginRestore notes in an empty PostgreSQL database that a restore has begun.
// It tells the schema and the major version of the server, and whether the rows
// are there: an earlier restore was cut short right before its end.
func (s *Store) BeginRestore(ctx context.Context) (m Moment, there bool, err error) {
	const query = "SELECT current_schema(), CAST(current_setting('server_version_num') AS INTEGER) / 10000"
	if err := s.writer.QueryRowContext(ctx, query).Scan(&m.Schema, &m.Server); err != nil {
		return m, false, translate(err)
	}
	if _, err := s.writer.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS "+restoring+" (since BIGINT)"); err != nil {
		return m, false, translate(err)
	}
	tables, err := s.tableNames(ctx, s.reader)
	return m, len(tables) > 0, err
}

// Restored is what is known of a restore.
type Restored struct {
	// Since is when post-restore became owed; the zero time: it is not owed.
	Since time.Time
	// MadeAt is the moment of the backup; zero where it is not known.
	MadeAt time.Time
	// Done is when a post-restore was last finished.
	Done time.Time
}

// The marks by which the data remembers its last restore. They stand among the
// jobs, for that is what they are: one is owed, and nobody signs in before.
const (
	owedMark   = "post-restore, owed since"
	backupMark = "post-restore, of the backup made"
	doneMark   = "post-restore, done"
)

// EndRestore brings the restored schema up to date, marks the data as restored
// and takes the note away that the restore is under way.
func (s *Store) EndRestore(ctx context.Context, madeAt time.Time) error {
	for _, step := range []func(context.Context) error{s.selfTest, s.askOwner, s.migrate} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	const why = "what was restored is marked; post-restore records it"
	return s.WriteUnaudited(ctx, portal.NoCustomer, why, func(tx *Tx) error {
		if err := errors.Join(tx.SetMark(ctx, owedMark, micros(tx.Now)), tx.SetMark(ctx, backupMark, micros(madeAt))); err != nil {
			return err
		}
		if _, err := tx.q.exec(ctx, "DELETE FROM nodes"); err != nil || s.begun == "" {
			return err
		}
		_, err := tx.q.exec(ctx, "DROP TABLE "+restoring)
		return err
	})
}

// Restored reads what the data remembers of its last restore.
func (s *Store) Restored(ctx context.Context) (r Restored, err error) {
	v := s.View(portal.NoCustomer)
	for name, into := range map[string]*time.Time{owedMark: &r.Since, backupMark: &r.MadeAt, doneMark: &r.Done} {
		mark, err := v.Mark(ctx, name)
		if err != nil {
			return r, err
		}
		*into = fromMicros(mark)
	}
	return r, nil
}
