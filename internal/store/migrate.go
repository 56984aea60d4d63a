package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
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

// migrate applies all missing migrations in one transaction, under a lock
// that lets one program at a time do so. It refuses a database that a newer
// program has changed, and one whose applied files differ from ours.
func (s *Store) migrate(ctx context.Context) error {
	wanted, err := s.migrations()
	if err != nil {
		return err
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

func (s *Store) migrations() ([]migration, error) {
	names, err := fs.Glob(migrationFiles, "migrations/*.sql")
	if err != nil {
		return nil, err
	}
	var all []migration
	for _, name := range names {
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

func appliedMigrations(ctx context.Context, tx *sql.Tx) ([]migration, error) {
	rows, err := tx.QueryContext(ctx, "SELECT name, digest FROM schema_migrations ORDER BY name")
	return scanAll(rows, err, func(r scanner) (m migration, err error) {
		return m, r.Scan(&m.name, &m.digest)
	})
}
