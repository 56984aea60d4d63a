package testkit

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

// A Template is what databases begin with instead of being empty. It is filled
// once on a server, for whichever test asks first, and then copied.
type Template struct {
	// Name tells apart what is filled differently: lower case, as in SQL.
	Name string
	// Fill fills the empty database that it is given the URL of, and leaves no
	// connection open.
	Fill func(ctx context.Context, database string) error
}

// Postgres is like the function Postgres, with a copy of the template.
func (m Template) Postgres(t testing.TB) string {
	t.Helper()
	return m.copied(t, "template_"+m.Name, byCodePoint)
}

// PostgresICU is like the function PostgresICU, with a copy of the template.
func (m Template) PostgresICU(t testing.TB) string {
	t.Helper()
	return m.copied(t, "template_icu_"+m.Name, asAmericansRead)
}

func (m Template) copied(t testing.TB, template, locale string) string {
	t.Helper()
	server := postgresURL(t)
	address, err := newDatabase(t, server, template)
	if missing(err) {
		if err := m.prepare(server, template, locale); err != nil {
			t.Fatalf("making the database %s: %v", template, err)
		}
		address, err = newDatabase(t, server, template)
	}
	if err != nil {
		t.Fatalf("copying the database %s: %v", template, err)
	}
	return address
}

// missing tells whether a database is not there.
func missing(err error) bool {
	var refused *pgconn.PgError
	return errors.As(err, &refused) && refused.Code == "3D000"
}

// prepare makes the template, unless another test did while this one waited for
// the lock.
func (m Template) prepare(server *url.URL, template, locale string) error {
	ctx := context.Background() // others wait for it, whatever becomes of this test
	db, err := sql.Open("pgx", server.String())
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1) // the lock is the connection's
	if _, err := db.ExecContext(ctx, "SELECT pg_advisory_lock(7067412)"); err != nil {
		return err
	}
	var there bool
	const look = "SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1)"
	if err := db.QueryRowContext(ctx, look, template).Scan(&there); err != nil || there {
		return err
	}
	return m.fill(ctx, db, template, locale, server)
}

// fill makes and fills the template. It gets its name last, so that nobody
// copies half of it.
func (m Template) fill(ctx context.Context, db *sql.DB, template, locale string, server *url.URL) error {
	unready := template + "_unready"
	if _, err := db.ExecContext(ctx, "DROP DATABASE IF EXISTS "+unready); err != nil {
		return err
	}
	if _, err := db.ExecContext(ctx, "CREATE DATABASE "+unready+" TEMPLATE template0"+locale); err != nil {
		return err
	}
	if err := m.Fill(ctx, at(server, unready)); err != nil {
		return err
	}
	_, err := db.ExecContext(ctx, "ALTER DATABASE "+unready+" RENAME TO "+template)
	return err
}
