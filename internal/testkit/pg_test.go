package testkit

import (
	"database/sql"
	"os"
	"slices"
	"strings"
	"testing"
)

// query returns the strings that a statement selects.
func query(t *testing.T, address, statement string, args ...any) []string {
	t.Helper()
	db, err := sql.Open("pgx", address)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.QueryContext(t.Context(), statement, args...)
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestPostgresGivesEachTestItsOwnDatabase(t *testing.T) {
	const name = "SELECT current_database()"
	first, second := query(t, Postgres(t), name), query(t, Postgres(t), name)
	if len(first) != 1 || len(second) != 1 || first[0] == second[0] {
		t.Errorf("got databases %q and %q, want two different ones", first, second)
	}
}

func TestPostgresDropsTheDatabaseThoughStillConnected(t *testing.T) {
	var name string
	t.Run("inner", func(t *testing.T) {
		address := Postgres(t)
		name = query(t, address, "SELECT current_database()")[0]
		left, err := sql.Open("pgx", address)
		if err != nil {
			t.Fatal(err)
		}
		if err := left.PingContext(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
	still := query(t, os.Getenv(postgresVariable), "SELECT datname FROM pg_database WHERE datname = $1", name)
	if len(still) != 0 {
		t.Errorf("the database %s is still there", still)
	}
}

func TestPostgresOrders(t *testing.T) {
	const sorted = `SELECT c FROM (VALUES ('a_b'), ('Z'), ('ab'), ('aB')) AS v (c) ORDER BY c`
	for _, test := range []struct {
		name, address string
		want          []string
	}{
		{"plain", Postgres(t), []string{"Z", "aB", "a_b", "ab"}},
		{"ICU", PostgresICU(t), []string{"a_b", "ab", "aB", "Z"}},
	} {
		if got := query(t, test.address, sorted); !slices.Equal(got, test.want) {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}

func TestPostgresFailsWithoutServer(t *testing.T) {
	t.Setenv(postgresVariable, "")
	message := fatal(t, func(t testing.TB) { Postgres(t) })
	if !strings.Contains(message, "scripts/with-postgres.sh") {
		t.Errorf("the failure does not say what to do: %q", message)
	}
}
