package store

import (
	"context"
	"strings"
	"testing"
	"time"

	"portal/internal/testkit"
)

// onTwo runs a test on a database as an earlier program left it.
func onTwo(t *testing.T, test func(*testing.T, Config)) {
	for name, database := range map[string]func(testing.TB) string{
		"sqlite": func(testing.TB) string { return "" }, "postgres": testkit.Postgres,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, Config{Database: database(t), DataFolder: t.TempDir(), Now: func() time.Time { return time.Unix(1_800_000_000, 0) }})
		})
	}
}

// migrateTo makes the database as a program left it that knew so many of all
// migrations.
func migrateTo(t *testing.T, c Config, known int) {
	t.Helper()
	pools, err := openPools(c.Database, c.DataFolder)
	if err != nil {
		t.Fatal(err)
	}
	s := &Store{pools: pools, now: c.Now, statements: newStatements(false)}
	defer s.Close()
	all, err := s.migrations()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.migrateTo(t.Context(), all[:known]); err != nil {
		t.Fatal(err)
	}
}

// What a migration takes away goes only when each node that runs knows the
// migration since which nobody needs it (CF-09).
func TestContractWaitsForOldNodes(t *testing.T) {
	onTwo(t, func(t *testing.T, c Config) {
		ctx := t.Context()
		s, err := Open(ctx, c)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if err := s.ReportNode(ctx, Node{ID: "1", Host: "one.test"}); err != nil {
			t.Fatal(err)
		}
		all, err := s.migrations()
		if err != nil {
			t.Fatal(err)
		}
		const adds, takes = "-- expand\nCREATE TABLE newer (a BIGINT);", "-- contract since 8000_adds.sql\nDROP TABLE help_requests;"
		next := append(all, migration{name: "8000_adds.sql", text: adds}, migration{name: "9000_takes.sql", text: takes})
		for i := range next[len(all):] {
			next[len(all)+i].declare(next[len(all)+i].text)
		}
		want := func(word string) {
			t.Helper()
			err := s.migrateTo(ctx, next)
			if word == "" && err != nil || word != "" && (err == nil || !strings.Contains(err.Error(), word)) {
				t.Errorf("got %v, want %q", err, word)
			}
		}
		want("9000_takes.sql: it takes away what these running nodes still need: one.test")
		if have, err := appliedMigrations(ctx, s.reader); err != nil || len(have) != len(all) {
			t.Errorf("half of it is there: %v, %v", have, err)
		}
		if err := s.migrateTo(ctx, next[:len(all)+1]); err != nil {
			t.Fatal(err)
		}
		_, steps, err := s.plan(ctx, next)
		if err != nil || len(steps) != 1 || steps[0].Since != "8000_adds.sql" || strings.Join(steps[0].Behind, " ") != "one.test" {
			t.Errorf("the plan is %+v, %v", steps, err)
		}
		s.knows = "8000_adds.sql"
		if err := s.ReportNode(ctx, Node{ID: "1", Host: "one.test"}); err != nil {
			t.Fatal(err)
		}
		want("still need: one.test") // that process is still the old one
		if err := s.ForgetNode(ctx, "1"); err != nil {
			t.Fatal(err)
		}
		if err := s.ReportNode(ctx, Node{ID: "2", Host: "one.test"}); err != nil {
			t.Fatal(err)
		}
		want("")
	})
}

// A migration that finds a table in use gives way, again and again, so that
// nobody who comes after it is held up; it ends when the table is free.
func TestMigrationGivesWay(t *testing.T) {
	t.Parallel()
	c := Config{Database: testkit.Postgres(t), DataFolder: t.TempDir(), Now: time.Now}
	migrateTo(t, c, 4)
	pools, err := openPools(c.Database, "")
	if err != nil {
		t.Fatal(err)
	}
	defer pools.close()
	long, err := pools.writer.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer long.Rollback()
	if _, err := long.ExecContext(t.Context(), "LOCK TABLE nodes IN ACCESS SHARE MODE"); err != nil {
		t.Fatal(err)
	}
	opened := make(chan error, 1)
	go func() {
		s, err := Open(t.Context(), c)
		if err == nil {
			err = s.Close()
		}
		opened <- err
	}()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	const waiting = "SELECT COUNT(*) FROM pg_locks WHERE NOT granted AND relation = 'nodes'::regclass"
	for n := 0; n == 0; {
		if err := pools.reader.QueryRowContext(ctx, waiting).Scan(&n); err != nil {
			t.Fatal("the migration never waited: ", err)
		}
	}
	if _, err := pools.reader.ExecContext(ctx, "SELECT id FROM nodes"); err != nil {
		t.Error("a reader was held up by the migration that waits: ", err)
	}
	if err := long.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := <-opened; err != nil {
		t.Error("the migration never ended: ", err)
	}
}
