package testkit

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"os"
	"slices"
	"strings"
	"sync/atomic"
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

func TestTemplateIsFilledOnce(t *testing.T) {
	var filled atomic.Int64
	m := Template{Name: strings.ToLower(rand.Text()), Fill: func(ctx context.Context, database string) error {
		filled.Add(1)
		db, err := sql.Open("pgx", database)
		if err != nil {
			return err
		}
		defer db.Close()
		_, err = db.ExecContext(ctx, "CREATE TABLE words (word TEXT); INSERT INTO words VALUES ('a_b'), ('Z')")
		return err
	}}
	t.Cleanup(func() {
		onServer(t, postgresURL(t), "DROP DATABASE template_"+m.Name)
		onServer(t, postgresURL(t), "DROP DATABASE template_icu_"+m.Name)
	})
	t.Run("copies", func(t *testing.T) {
		for range 3 {
			for _, test := range []struct {
				database func(testing.TB) string
				want     []string
			}{{m.Postgres, []string{"Z", "a_b"}}, {m.PostgresICU, []string{"a_b", "Z"}}} {
				t.Run("", func(t *testing.T) {
					t.Parallel()
					const mine = "DELETE FROM words RETURNING word"
					got := query(t, test.database(t), "WITH mine AS ("+mine+") SELECT word FROM mine ORDER BY word")
					if !slices.Equal(got, test.want) {
						t.Errorf("got %q, want %q", got, test.want)
					}
				})
			}
		}
	})
	if n := filled.Load(); n != 2 {
		t.Errorf("filled %d times, want once for each locale", n)
	}
}

func TestTemplateSaysWhyItCannotBeFilled(t *testing.T) {
	m := Template{Name: strings.ToLower(rand.Text()), Fill: func(context.Context, string) error { return errors.New("no ink") }}
	t.Cleanup(func() { onServer(t, postgresURL(t), "DROP DATABASE template_"+m.Name+"_unready") })
	for range 2 { // what is left of the first try is in nobody's way
		if message := fatal(t, func(t testing.TB) { m.Postgres(t) }); !strings.Contains(message, "no ink") {
			t.Errorf("the failure does not say why: %q", message)
		}
	}
}
