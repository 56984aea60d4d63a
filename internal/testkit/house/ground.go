package house

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"portal/internal/store"
	"portal/internal/testkit"
)

// Houses stand on databases that have all migrations already: to apply them
// costs more than most tests do. Tests that are about migrating begin with an
// empty database of testkit.

// Postgres makes a migrated PostgreSQL database and returns its URL.
func Postgres(t testing.TB) string {
	t.Helper()
	return migrated(t).Postgres(t)
}

// PostgresICU is Postgres with the order of testkit.PostgresICU.
func PostgresICU(t testing.TB) string {
	t.Helper()
	return migrated(t).PostgresICU(t)
}

func migrated(t testing.TB) testkit.Template {
	t.Helper()
	digest, err := storeDigest()
	if err != nil {
		t.Fatal(err)
	}
	return testkit.Template{Name: digest, Fill: func(ctx context.Context, database string) error {
		return migrate(ctx, store.Config{Database: database, Now: Start})
	}}
}

// migrate applies all migrations, as the start of the portal does.
func migrate(ctx context.Context, c store.Config) error {
	s, err := store.Open(ctx, c)
	if err != nil {
		return err
	}
	return s.Close()
}

// putSQLite puts a migrated SQLite database into a folder that has none.
func putSQLite(t testing.TB, folder string) {
	t.Helper()
	content, err := migratedSQLite()
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, "portal.db"), content, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// migratedSQLite is the content of a migrated database.
var migratedSQLite = sync.OnceValues(func() ([]byte, error) {
	folder, err := os.MkdirTemp("", "portal-migrated.")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	if err := migrate(context.Background(), store.Config{DataFolder: folder, Now: Start}); err != nil {
		return nil, err
	}
	return os.ReadFile(filepath.Join(folder, "portal.db"))
})

// storeDigest differs by what decides how a migrated database looks: the
// sources of the store.
var storeDigest = sync.OnceValues(func() (string, error) {
	folder, err := storeFolder()
	if err != nil {
		return "", err
	}
	all := sha256.New()
	for _, pattern := range []string{"*.go", "migrations/*.sql"} {
		files, err := filepath.Glob(filepath.Join(folder, pattern))
		if err != nil {
			return "", err
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			content, err := os.ReadFile(file)
			if err != nil {
				return "", err
			}
			fmt.Fprintf(all, "%s %d\n%s", filepath.Base(file), len(content), content)
		}
	}
	return fmt.Sprintf("%.16x", all.Sum(nil)), nil
})

// storeFolder is the store's folder, looked for above the folder that the test
// runs in.
func storeFolder() (string, error) {
	folder, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; folder != filepath.Dir(folder); folder = filepath.Dir(folder) {
		found := filepath.Join(folder, "internal", "store")
		if _, err := os.Stat(filepath.Join(found, "migrations")); err == nil {
			return found, nil
		}
	}
	return "", errors.New("there is no internal/store above the folder of the test")
}
