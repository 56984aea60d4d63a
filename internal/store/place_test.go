package store

import (
	"slices"
	"strings"
	"testing"
	"time"

	"portal/internal/testkit"
)

// A database of the first release is taken by a restore, brought up to date
// and marked; one of a newer program, or of the other kind, is not taken.
func TestRestoreOfAnotherSchema(t *testing.T) {
	for name, database := range map[string]func(testing.TB) string{"sqlite": func(testing.TB) string { return "" }, "postgres": testkit.Postgres} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			now := time.Unix(1_800_000_000, 0).UTC()
			c := Config{Database: database(t), DataFolder: t.TempDir(), Now: func() time.Time { return now }}
			released(t, c)
			place, err := OpenPlace(c)
			if err != nil {
				t.Fatal(err)
			}
			defer place.Close()
			content, err := place.Content(t.Context())
			if err != nil || len(content.Schema) != 1 || content.Rows["users"] != 4 || place.Accepts(content) != nil {
				t.Fatalf("the first release is not taken: %+v, %v, %v", content, err, place.Accepts(content))
			}
			refusesOtherContent(t, place, content)
			if c.Database != "" {
				if _, there, err := place.BeginRestore(t.Context()); err != nil || !there {
					t.Fatalf("begun: %t, %v", there, err)
				}
				if _, err := Open(t.Context(), c); err == nil || !strings.Contains(err.Error(), "portal restore again") {
					t.Errorf("a portal starts on half a restore: %v", err)
				}
			}
			if err := place.EndRestore(t.Context(), now.Add(-time.Hour)); err != nil {
				t.Fatal(err)
			}
			s, err := Open(t.Context(), c)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			checkUpgraded(t.Context(), t, s)
			if r, err := s.Restored(t.Context()); err != nil || (r != Restored{Since: now, MadeAt: now.Add(-time.Hour)}) {
				t.Errorf("the data remembers %+v, %v", r, err)
			}
		})
	}
}

func refusesOtherContent(t *testing.T, place *Store, content Content) {
	t.Helper()
	newer, other, foreign := content, content, content
	newer.Schema = nil
	known, err := place.migrations()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range known {
		newer.Schema = append(newer.Schema, Migration{m.name, m.digest})
	}
	newer.Schema = append(newer.Schema, Migration{"9999_new.sql", "x"})
	other.Database = "another"
	foreign.Schema = slices.Clone(content.Schema)
	foreign.Schema[0].Digest = "x"
	for want, c := range map[string]Content{"newer than this program": newer, "a backup of a portal on another": other, "by a different program": foreign} {
		if err := place.Accepts(c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("accepted, or not %q: %v", want, err)
		}
	}
}

// PostgreSQL's own programs learn by their environment what the URL says, and
// trust whom this program trusts.
func TestEnvironmentOfPostgresPrograms(t *testing.T) {
	for database, want := range map[string]string{
		"postgres://owner:s%3Acret@127.0.0.1:5433/portal?sslmode=disable": "PGHOST=127.0.0.1 PGPORT=5433 PGUSER=owner PGPASSWORD=s:cret PGDATABASE=portal PGSSLMODE=disable",
		"postgres://owner@db.example.com/portal?sslmode=verify-full&sslrootcert=/x&connect_timeout=3&search_path=p": "PGHOST=db.example.com PGPORT=5432 PGUSER=owner PGPASSWORD= PGDATABASE=portal " +
			"PGOPTIONS=-c search_path=p PGCONNECT_TIMEOUT=3 PGSSLMODE=verify-full PGSSLROOTCERT=/x",
	} {
		// The certificate file must be there for pgx to read.
		got, err := environmentOf(strings.Replace(database, "/x", "/etc/ssl/certs/ca-certificates.crt", 1))
		if text := strings.ReplaceAll(strings.Join(got, " "), "/etc/ssl/certs/ca-certificates.crt", "/x"); err != nil || text != want {
			t.Errorf("%s:\n%s, %v, want\n%s", database, text, err, want)
		}
	}
	got, err := environmentOf("postgres://owner@db.example.com/portal?sslmode=verify-full")
	if err != nil || !slices.ContainsFunc(got, func(v string) bool { return strings.HasPrefix(v, "PGSSLROOTCERT=/etc/") }) {
		t.Errorf("no certificates to trust: %v, %v", got, err)
	}
}
