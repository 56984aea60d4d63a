package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
)

// Content is what a database holds, as a backup says it: enough to tell before
// a restore whether it fits, and after it whether all of it is there.
type Content struct {
	// Database is sqlite or postgres.
	Database string `json:"database"`
	// Schema are the migrations that made it, in order.
	Schema []Migration `json:"schema"`
	// Rows counts the rows of each table.
	Rows map[string]int64 `json:"rows"`
	// Keys are the keys that it was written with, by check value.
	Keys []KeyCheck `json:"keys"`
}

// Migration names an applied migration.
type Migration struct {
	Name   string `json:"name"`
	Digest string `json:"digest"`
}

// Accepts refuses content that this program and this database cannot take:
// of the other database, of a newer program, or of a different one. An older
// schema is accepted; it is migrated.
func (s *Store) Accepts(c Content) error {
	if c.Database != s.name {
		return fmt.Errorf("it is a backup of a portal on %s, and the place to restore to is %s", c.Database, s.name)
	}
	wanted, err := s.migrations()
	if err != nil {
		return err
	}
	var applied []migration
	for _, m := range c.Schema {
		applied = append(applied, migration{name: m.Name, digest: m.Digest})
	}
	return comparable(wanted, applied)
}

// content describes the database as a transaction or a pool sees it.
func (s *Store) content(ctx context.Context, q querier, from asker) (c Content, err error) {
	c.Database, c.Rows = s.name, map[string]int64{}
	applied, err := appliedMigrations(ctx, from)
	if err != nil {
		return c, err
	}
	for _, m := range applied {
		c.Schema = append(c.Schema, Migration{m.name, m.digest})
	}
	if c.Keys, err = keyChecks(ctx, q); err != nil {
		return c, err
	}
	tables, err := s.tableNames(ctx, from)
	for _, table := range tables {
		var n int64
		count := "SELECT COUNT(*) FROM " + quoted(table) // #nosec G202 -- a name out of the database's own catalogue, quoted
		if err := q.row(ctx, count).Scan(&n); err != nil {
			return c, translate(err)
		}
		c.Rows[table] = n
	}
	return c, err
}

// tableNames lists the tables of the portal's schema, but for the note of a
// restore that is under way.
func (s *Store) tableNames(ctx context.Context, from asker) ([]string, error) {
	rows, err := from.QueryContext(ctx, s.tables)
	return scanAll(rows, err, func(r scanner) (name string, err error) { return name, r.Scan(&name) })
}

func quoted(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// CopyTo writes one moment of an SQLite database to a new file, compacted, so
// that nothing deleted is left in it. It reads over a connection of its own, so
// that neither readers nor the writer wait for it.
func (s *Store) CopyTo(ctx context.Context, path string) error {
	db, err := sql.Open("sqlite", sqliteDSN(s.place, nil, "_pragma", "busy_timeout(5000)"))
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, "VACUUM INTO $1", path)
	return errors.Join(err, db.Close())
}

// Content describes the database as it stands.
func (s *Store) Content(ctx context.Context) (Content, error) {
	return s.content(ctx, onPool{s.reader, s.statements}, s.reader)
}

// Check lets SQLite look whether the file is sound.
func (s *Store) Check(ctx context.Context) error {
	var found string
	if err := s.reader.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&found); err != nil {
		return err
	}
	if found != "ok" {
		return fmt.Errorf("the copied database is not sound: %s", found)
	}
	return nil
}

// Export describes one moment of a PostgreSQL database and keeps that moment,
// under a name by which another connection can see it too, while fn runs.
func (s *Store) Export(ctx context.Context, fn func(Moment) error) error {
	tx, err := s.reader.BeginTx(ctx, s.readOptions)
	if err != nil {
		return translate(err)
	}
	defer tx.Rollback() //nolint:errcheck // it has only read
	var m Moment
	const query = "SELECT pg_export_snapshot(), current_schema(), CAST(current_setting('server_version_num') AS INTEGER) / 10000"
	if err := tx.QueryRowContext(ctx, query).Scan(&m.Name, &m.Schema, &m.Server); err != nil {
		return translate(err)
	}
	var missed []string
	if m.Content, err = s.content(ctx, onTx{tx, s.reader, s.statements, &missed}, tx); err != nil {
		return err
	}
	return fn(m)
}

// Moment is one moment of a PostgreSQL database.
type Moment struct {
	Name    string // for pg_dump --snapshot
	Schema  string // where the portal's tables are
	Server  int    // major version
	Content Content
}
