package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// migration is one file of the folder, in the words of one dialect.
type migration struct {
	name   string
	text   string
	digest string
}

const createMigrations = `CREATE TABLE IF NOT EXISTS schema_migrations (
  name {key} PRIMARY KEY, digest {key} NOT NULL, applied_at BIGINT NOT NULL) {strict}`

// askOwner finds out whether this role may change the schema.
func (s *Store) askOwner(ctx context.Context) error {
	if s.owns == "" {
		s.owner = true
		return nil
	}
	return translate(s.writer.QueryRowContext(ctx, s.owns).Scan(&s.owner))
}

// OwnsSchema tells whether this database role may change the schema and prune
// the audit trail.
func (s *Store) OwnsSchema() bool { return s.owner }

// migrate applies all missing migrations in one transaction, under a lock
// that lets one program at a time do so. It refuses a database that a newer
// program has changed, and one whose applied files differ from ours. A role
// that may not change the schema only compares (CF-04).
func (s *Store) migrate(ctx context.Context) error {
	wanted, err := s.migrations()
	if err != nil {
		return err
	}
	if !s.owner {
		return s.compare(ctx, wanted)
	}
	tx, err := s.writer.BeginTx(ctx, nil)
	if err != nil {
		return translate(err)
	}
	defer tx.Rollback() //nolint:errcheck // after a commit it does nothing
	if err := s.applyMissing(ctx, tx, wanted); err != nil {
		return err
	}
	return tx.Commit()
}

// compare holds that the owner has applied everything that this program needs.
func (s *Store) compare(ctx context.Context, wanted []migration) error {
	applied, err := appliedMigrations(ctx, s.writer)
	if err != nil {
		return fmt.Errorf("the schema of the database cannot be read by this role; run portal migrate with the role that owns the database: %w", err)
	}
	if err := comparable(wanted, applied); err != nil {
		return err
	}
	if len(applied) < len(wanted) {
		return fmt.Errorf("the schema of the database is older than this program (it lacks %s), and this role may not change it; "+
			"run portal migrate with the role that owns the database, and start again", wanted[len(applied)].name)
	}
	return nil
}

func (s *Store) applyMissing(ctx context.Context, tx *sql.Tx, wanted []migration) error {
	if s.lock != "" {
		if _, err := tx.ExecContext(ctx, s.lock); err != nil {
			return err
		}
	}
	if _, err := tx.ExecContext(ctx, s.tokens.Replace(createMigrations)); err != nil {
		return err
	}
	applied, err := appliedMigrations(ctx, tx)
	if err != nil {
		return err
	}
	if err := comparable(wanted, applied); err != nil {
		return err
	}
	for _, m := range wanted[len(applied):] {
		if err := s.apply(ctx, tx, m); err != nil {
			return fmt.Errorf("migration %s: %w", m.name, err)
		}
	}
	return nil
}

func (s *Store) apply(ctx context.Context, tx *sql.Tx, m migration) error {
	if _, err := tx.ExecContext(ctx, m.text); err != nil {
		return err
	}
	const note = "INSERT INTO schema_migrations (name, digest, applied_at) VALUES ($1, $2, $3)"
	_, err := tx.ExecContext(ctx, note, m.name, m.digest, micros(s.now()))
	return err
}

// comparable checks that what is applied is a beginning of what we want.
func comparable(wanted, applied []migration) error {
	if len(applied) > len(wanted) {
		return fmt.Errorf("the database is newer than this program (it has %s); start the newer program", applied[len(wanted)].name)
	}
	for i, a := range applied {
		if a.name != wanted[i].name || a.digest != wanted[i].digest {
			return fmt.Errorf("the database was made by a different program: its migration %s does not match", a.name)
		}
	}
	return nil
}

// migrations are the files in order. One that ends in .sqlite.sql or
// .postgres.sql is for that database only.
func (s *Store) migrations() ([]migration, error) {
	names, err := fs.Glob(migrationFiles, "migrations/*.sql")
	if err != nil {
		return nil, err
	}
	var all []migration
	for _, name := range names {
		if only := path.Ext(strings.TrimSuffix(name, ".sql")); only != "" && only != "."+s.name {
			continue
		}
		raw, err := migrationFiles.ReadFile(name)
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(raw)
		all = append(all, migration{
			name:   strings.TrimPrefix(name, "migrations/"),
			text:   s.tokens.Replace(string(raw)),
			digest: hex.EncodeToString(sum[:]),
		})
	}
	return all, nil
}

// asker is what a pool and a transaction of it have in common.
type asker interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

func appliedMigrations(ctx context.Context, from asker) ([]migration, error) {
	rows, err := from.QueryContext(ctx, "SELECT name, digest FROM schema_migrations ORDER BY name")
	return scanAll(rows, err, func(r scanner) (m migration, err error) {
		return m, r.Scan(&m.name, &m.digest)
	})
}
