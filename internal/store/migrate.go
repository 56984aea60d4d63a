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
	"time"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// migration is one file of the folder, in the words of one dialect.
type migration struct {
	name   string
	text   string
	digest string
	// What the file says of itself in its first line (docs/upgrades.md): that it
	// only adds, or that it takes something away that no program needs which knows
	// the migration since. The files of before the first release say nothing.
	adds  bool
	since string
}

// How the first line of a file begins.
const (
	expands   = "-- expand"
	contracts = "-- contract since "
)

const (
	// Alive is how long a node that has not been seen counts as running.
	Alive = time.Minute
	// migrateTries is how often a migration that found its tables in use begins
	// anew; with lockTimeout that is about a minute.
	migrateTries = 100
)

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
	s.knows = wanted[len(wanted)-1].name
	if !s.owner {
		return s.compare(ctx, wanted)
	}
	return s.migrateTo(ctx, wanted)
}

// migrateTo begins anew where somebody uses the tables; meanwhile it lets them
// through.
func (s *Store) migrateTo(ctx context.Context, wanted []migration) (err error) {
	for try := range migrateTries {
		err = s.migrateOnce(ctx, wanted)
		if !inUse(err) {
			return err
		}
		if pause(ctx, try) != nil {
			break
		}
	}
	return fmt.Errorf("the schema could not be changed, since its tables are in use all the time; "+
		"let long-running work (an export, a verification, a backup) end and start again: %w", err)
}

func (s *Store) migrateOnce(ctx context.Context, wanted []migration) error {
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
		return fmt.Errorf("the schema of the database cannot be read by this role; run portal migrate --service-role ROLE with the role that owns the database, where ROLE is this one: %w", err)
	}
	if err := comparable(wanted, applied); err != nil {
		return err
	}
	if len(applied) < len(wanted) {
		return fmt.Errorf("the schema of the database is older than this program (it lacks %s), and this role may not change it; "+
			"run portal migrate --service-role ROLE with the role that owns the database, where ROLE is this one, and start again", wanted[len(applied)].name)
	}
	return nil
}

func (s *Store) applyMissing(ctx context.Context, tx *sql.Tx, wanted []migration) error {
	for _, first := range []string{s.lock, s.yield, s.tokens.Replace(createMigrations)} {
		if first == "" {
			continue
		}
		if _, err := tx.ExecContext(ctx, first); err != nil {
			return err
		}
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
	if err := s.mayContract(ctx, tx, m); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, m.text); err != nil {
		return err
	}
	const note = "INSERT INTO schema_migrations (name, digest, applied_at) VALUES ($1, $2, $3)"
	_, err := tx.ExecContext(ctx, note, m.name, m.digest, micros(s.now()))
	return err
}

// mayContract holds that nobody needs any more what a migration takes away.
func (s *Store) mayContract(ctx context.Context, from asker, m migration) error {
	behind, err := s.behind(ctx, from, m)
	if err == nil && len(behind) > 0 {
		err = fmt.Errorf("it takes away what these running nodes still need: %s. Upgrade them to a release in between, "+
			"or stop them all (a node that was killed counts as running for a minute), and start again", strings.Join(behind, ", "))
	}
	return err
}

// behind lists the running nodes whose program is older than a migration that
// takes something away supposes.
func (s *Store) behind(ctx context.Context, from asker, m migration) ([]string, error) {
	if m.since == "" {
		return nil, nil
	}
	now, err := s.agreed(ctx, from)
	if err != nil {
		return nil, err
	}
	const query = "SELECT host FROM nodes WHERE seen_at > $1 AND knows < $2 ORDER BY host, id"
	rows, err := from.QueryContext(ctx, query, micros(now.Add(-Alive)), m.since)
	return scanAll(rows, err, func(r scanner) (host string, err error) { return host, r.Scan(&host) })
}

// comparable checks that what is applied is a beginning of what we want.
func comparable(wanted, applied []migration) error {
	if len(applied) > len(wanted) {
		return fmt.Errorf("the database is newer than this program (it has %s, of which this program knows nothing); "+
			"start the newer program. Nothing was changed", applied[len(wanted)].name)
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
		all[len(all)-1].declare(string(raw))
	}
	return all, nil
}

// declare reads what the first line of a file says.
func (m *migration) declare(text string) {
	line, _, _ := strings.Cut(text, "\n")
	m.adds = line == expands
	if since, found := strings.CutPrefix(line, contracts); found {
		m.since = since
	}
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
