package store_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"portal/internal/store"
	"portal/internal/testkit"
	"portal/internal/testkit/house"
)

// databases are the ways to an empty database; the empty name means SQLite.
func databases() map[string]func(testing.TB) string {
	return map[string]func(testing.TB) string{
		"sqlite": func(testing.TB) string { return "" }, "postgres": testkit.Postgres, "postgres-icu": testkit.PostgresICU,
	}
}

// Eight programs that start on one empty database at once all start, and the
// migrations are applied once.
func TestOpenAtOnce(t *testing.T) {
	for name, database := range databases() {
		t.Run(name, func(t *testing.T) {
			config := store.Config{Database: database(t), DataFolder: t.TempDir(), Now: house.Start}
			house.AtOnce(8, func(i int) {
				s, err := store.Open(t.Context(), config)
				if err != nil {
					t.Errorf("program %d: %v", i, err)
					return
				}
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			})
			b := base{House: &house.House{Database: config.Database, Folder: config.DataFolder}}
			files, err := filepath.Glob("migrations/*.sql")
			files = slices.DeleteFunc(files, func(name string) bool {
				return strings.HasSuffix(name, ".postgres.sql") && config.Database == "" || strings.HasSuffix(name, ".sqlite.sql") && config.Database != ""
			})
			if err != nil || len(files) == 0 {
				t.Fatalf("%d migrations, %v", len(files), err)
			}
			if n := b.number(t, "SELECT COUNT(*) FROM schema_migrations"); n != int64(len(files)) {
				t.Errorf("%d migrations are noted, want %d", n, len(files))
			}
			if n := b.number(t, "SELECT COUNT(*) FROM customers"); n != 1 {
				t.Errorf("%d customers, want the reserved one", n)
			}
		})
	}
}

// A database that a newer or a different program has made is left alone.
func TestOpenRefusesAnotherSchema(t *testing.T) {
	onEach(t, func(t *testing.T, b base) {
		for _, c := range []struct{ change, undo, want string }{
			{"INSERT INTO schema_migrations (name, digest, applied_at) VALUES ('9999_new.sql', 'x', 0)",
				"DELETE FROM schema_migrations WHERE name = '9999_new.sql'", "newer"},
			{"UPDATE schema_migrations SET name = '0001_other.sql' WHERE name = '0001_start.sql'",
				"UPDATE schema_migrations SET name = '0001_start.sql' WHERE name = '0001_other.sql'", "different program"},
			{"UPDATE schema_migrations SET digest = 'x' || digest", "UPDATE schema_migrations SET digest = SUBSTR(digest, 2)", "different program"},
		} {
			b.run(t, c.change)
			config := store.Config{Database: b.Database, DataFolder: b.Folder, Now: house.Start}
			_, err := store.Open(t.Context(), config)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %v, want %q", c.change, err, c.want)
			}
			b.run(t, c.undo)
			again, err := store.Open(t.Context(), config)
			if err != nil {
				t.Fatal(err)
			}
			if err := again.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}

// run changes something past the store.
func (b base) run(t *testing.T, statement string) {
	t.Helper()
	if _, err := b.outside(t).ExecContext(t.Context(), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// A data folder may have any name.
func TestOpenInOddFolders(t *testing.T) {
	for _, name := range []string{"a b", "a?b=c", "a#b", "100%", "%41", "ä", "a&_pragma=query_only(1)"} {
		folder := filepath.Join(t.TempDir(), name)
		if err := os.Mkdir(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		s, err := store.Open(t.Context(), store.Config{DataFolder: folder, Now: house.Start})
		if err != nil {
			t.Errorf("%q: %v", name, err)
			continue
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(filepath.Join(folder, "portal.db")); err != nil {
			t.Errorf("%q: the data is somewhere else: %v", name, err)
		}
	}
}

func TestOpenRefusesAnUnknownDatabase(t *testing.T) {
	_, err := store.Open(t.Context(), store.Config{Database: "mysql://u:secret@h/d", DataFolder: t.TempDir(), Now: house.Start})
	if err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("got %v, want a refusal without the password", err)
	}
}

// A database server that cannot prove to be the one is not talked to (CO-02).
func TestWrongCertificateStopsTheDatabase(t *testing.T) {
	authority := testkit.NewAuthority(t)
	for name, c := range map[string]struct {
		host    string
		trusted *testkit.Authority
		opens   bool
	}{
		"the right one":      {"localhost", authority, true},
		"for another host":   {"other.example", authority, false},
		"of a stranger's CA": {"localhost", testkit.NewAuthority(t), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			database := testkit.PostgresTLS(t, authority, c.host)
			database = strings.Replace(database, authority.File, c.trusted.File, 1) + "&sslmode=verify-full"
			s := opened(t, store.Config{Database: database, DataFolder: t.TempDir(), Now: house.Start})
			if (s != nil) != c.opens {
				t.Errorf("opened: %t, want %t", s != nil, c.opens)
			}
		})
	}
}

// opened opens a store, or returns nil where the certificate is refused; it
// waits for a server that is still starting.
func opened(t *testing.T, config store.Config) *store.Store {
	t.Helper()
	for {
		s, err := store.Open(t.Context(), config)
		switch {
		case err == nil:
			t.Cleanup(func() { _ = s.Close() })
			return s
		case strings.Contains(err.Error(), "certificate"):
			return nil
		case !strings.Contains(err.Error(), "starting up"):
			t.Fatal(err)
		}
	}
}
