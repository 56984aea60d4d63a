package main

import (
	"crypto/rand"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"portal/internal/testkit"
)

// setUpPostgres runs deploy/postgres/roles.sql by psql, with names of its own,
// and returns the address of the new database as its owner, as the service, and
// as a role that it does not know.
func setUpPostgres(t *testing.T) (owner, service *url.URL, stranger string) {
	t.Helper()
	super, err := url.Parse(testkit.Postgres(t))
	must(t, err)
	suffix := strings.ToLower(rand.Text())
	database := "portal_" + suffix
	as := func(name, password string) *url.URL {
		u := *super
		u.User, u.Path = url.UserPassword(name+suffix, password), "/"+database
		return &u
	}
	owner, service = as("portal_owner_", "owner's own"), as("portal_service_", "the \\service's")
	server := super.String()
	psql := func(args ...string) {
		t.Helper()
		cmd := exec.Command("psql", append([]string{"-X", "-q", "-d", server}, args...)...)
		ownerPassword, _ := owner.User.Password()
		servicePassword, _ := service.User.Password()
		cmd.Env = append(os.Environ(), "PORTAL_OWNER_PASSWORD="+ownerPassword, "PORTAL_SERVICE_PASSWORD="+servicePassword)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("psql: %v\n%s", err, out)
		}
	}
	t.Cleanup(func() {
		psql("-c", "DROP DATABASE IF EXISTS "+database+" WITH (FORCE)", "-c", "DROP ROLE IF EXISTS "+owner.User.Username(), "-c", "DROP ROLE IF EXISTS "+service.User.Username())
	})
	psql("-v", "owner="+owner.User.Username(), "-v", "service="+service.User.Username(), "-v", "database="+database,
		"-f", filepath.Join("..", "..", "deploy", "postgres", "roles.sql"))
	super.Path = "/" + database
	_, stranger = testkit.ServiceRole(t, super.String())
	return owner, service, stranger
}

// The two roles that deploy/postgres makes are enough: one migrates, the other
// serves, and can change neither tables nor the audit trail. Nobody else gets
// into the database (CF-04).
func TestPostgresSetUp(t *testing.T) {
	t.Parallel()
	ownersURL, servicesURL, stranger := setUpPostgres(t)
	owner, other := install(t), install(t)
	owner.Database = ownersURL.String()
	wantLine(t, owner.Run("", "migrate", "--service-role", servicesURL.User.Username()), "The role .* may not change the schema or the audit trail")

	in := install(t)
	in.Database = servicesURL.String()
	s := in.Serve()
	gary := s.setUpByLink()
	gary.signIn()
	gary.enable()
	gary.Get("/administration/audit").want(t, 200)
	db := in.beneath()
	for _, attempt := range []string{
		"ALTER TABLE users ADD COLUMN a BIGINT", "CREATE TABLE mine (a BIGINT)", "CREATE TEMPORARY TABLE mine (a BIGINT)", "CREATE SCHEMA mine",
		"DROP TABLE events", "UPDATE events SET detail = 'x'", "DELETE FROM events", "UPDATE schema_migrations SET digest = ''",
	} {
		if _, err := db.ExecContext(t.Context(), attempt); err == nil || !strings.Contains(err.Error(), "permission denied") && !strings.Contains(err.Error(), "must be owner") {
			t.Errorf("the service's role: %s: %v", attempt, err)
		}
	}
	other.Database = stranger
	if _, errors, code := other.Try("", "customer", "list"); code != 1 || !strings.Contains(errors, "permission denied for database") {
		t.Errorf("a role that the database does not know: exit %d, %q", code, errors)
	}
}
