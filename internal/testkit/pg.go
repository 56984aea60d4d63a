package testkit

import (
	"crypto/rand"
	"database/sql"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver named "pgx"
)

// postgresVariable names the address of a superuser of the test server.
const postgresVariable = "PORTAL_TEST_POSTGRES"

// The locales of test databases.
const (
	byCodePoint     = ""
	asAmericansRead = " LOCALE_PROVIDER icu ICU_LOCALE 'en-US'"
)

// Postgres makes an empty PostgreSQL database and returns its URL. The database
// sorts by code point, as Debian's C.UTF-8 does, and is dropped with everything
// that is still connected to it when the test ends.
func Postgres(t testing.TB) string {
	t.Helper()
	return emptyDatabase(t, byCodePoint)
}

// PostgresICU is Postgres with a database that sorts as an American reads
// (a_b before aB before Z): an order that a query gets unless it asks for
// another one.
func PostgresICU(t testing.TB) string {
	t.Helper()
	return emptyDatabase(t, asAmericansRead)
}

// emptyDatabase makes a database from template0, which nobody is ever connected
// to, so that packages that are tested side by side do not get in each other's
// way.
func emptyDatabase(t testing.TB, locale string) string {
	t.Helper()
	address, err := newDatabase(t, postgresURL(t), "template0"+locale)
	if err != nil {
		t.Fatalf("making a database: %v", err)
	}
	return address
}

// newDatabase makes a database from a template and returns its URL.
func newDatabase(t testing.TB, server *url.URL, template string) (string, error) {
	t.Helper()
	name := "test_" + strings.ToLower(rand.Text())
	if err := tryOnServer(server, "CREATE DATABASE "+name+" TEMPLATE "+template); err != nil {
		return "", err
	}
	t.Cleanup(func() { onServer(t, server, "DROP DATABASE "+name+" WITH (FORCE)") })
	return at(server, name), nil
}

// at is the URL of a database on the server.
func at(server *url.URL, name string) string {
	database := *server
	database.Path = "/" + name
	return database.String()
}

// postgresURL returns the address of the test server.
func postgresURL(t testing.TB) *url.URL {
	t.Helper()
	address := os.Getenv(postgresVariable)
	if address == "" {
		t.Fatalf("%s is not set: run make test, or scripts/with-postgres.sh go test …", postgresVariable)
	}
	server, err := url.Parse(address)
	if err != nil {
		t.Fatalf("%s is not a URL", postgresVariable) // err would print its password
	}
	return server
}

// onServer runs one statement on the server.
func onServer(t testing.TB, server *url.URL, statement string) {
	t.Helper()
	if err := tryOnServer(server, statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func tryOnServer(server *url.URL, statement string) error {
	db, err := pool(server.String())
	if err != nil {
		return err
	}
	_, err = db.Exec(statement) // no context: in a cleanup the test's has ended
	return err
}

// pool keeps connections to the server as long as the process lives: to sign in
// takes longer than to make a database.
func pool(server string) (*sql.DB, error) {
	if kept, found := pools.Load(server); found {
		return kept.(*sql.DB), nil
	}
	db, err := sql.Open("pgx", server)
	if err != nil {
		return nil, err
	}
	kept, _ := pools.LoadOrStore(server, db)
	return kept.(*sql.DB), nil
}

var pools sync.Map

// ServiceRole makes a login that may do nothing in the database yet, and
// returns its name and the database's URL with it.
func ServiceRole(t testing.TB, database string) (role, address string) {
	t.Helper()
	as, err := url.Parse(database)
	if err != nil {
		t.Fatal("the database's address is not a URL")
	}
	owner := *as
	role = "service_" + strings.ToLower(rand.Text())
	onServer(t, &owner, "CREATE ROLE "+role+" LOGIN PASSWORD 'pw'")
	t.Cleanup(func() {
		onServer(t, &owner, "DROP OWNED BY "+role)
		onServer(t, &owner, "DROP ROLE "+role)
	})
	as.User = url.UserPassword(role, "pw")
	return role, as.String()
}
