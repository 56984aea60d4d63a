package store

import (
	"maps"
	"slices"
	"testing"
	"time"

	"portal/internal/testkit"
)

// Every table is taken along by a move or left behind with a reason, each after
// those that it points at, and what counts up by itself is known: a new table
// cannot be forgotten.
func TestMoveTakesEveryTable(t *testing.T) {
	t.Parallel()
	s, err := Open(t.Context(), Config{Database: testkit.Postgres(t), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	list := func(query string) [][2]string {
		t.Helper()
		rows, err := s.reader.QueryContext(t.Context(), query)
		all, err := scanAll(rows, err, func(r scanner) (pair [2]string, err error) { return pair, r.Scan(&pair[0], &pair[1]) })
		if err != nil || len(all) == 0 {
			t.Fatalf("%s: %d rows, %v", query, len(all), err)
		}
		return all
	}
	moved, staying := movedTables(), stayingTables()
	for _, table := range list("SELECT tablename, '' FROM pg_tables WHERE schemaname = current_schema()") {
		if slices.Contains(moved, table[0]) == (staying[table[0]] != "") {
			t.Errorf("%s: is it moved, or is there a reason why not? (moved.go)", table[0])
		}
	}
	const points = "SELECT conrelid::regclass::text, confrelid::regclass::text FROM pg_constraint WHERE contype = 'f'"
	for _, p := range list(points) {
		if slices.Index(moved, p[0]) < slices.Index(moved, p[1]) {
			t.Errorf("%s is moved before %s, which it points at", p[0], p[1])
		}
	}
	serials := map[string]string{}
	for _, c := range list("SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = current_schema() AND (is_identity = 'YES' OR column_default LIKE 'nextval%')") {
		serials[c[0]] = c[1]
	}
	if !maps.Equal(serials, movedSerials()) {
		t.Errorf("the database counts up %v, a move knows of %v", serials, movedSerials())
	}
}

// The digest of a table is the same in whatever order its rows come, and
// another one whatever differs.
func TestTally(t *testing.T) {
	t.Parallel()
	of := func(rows ...[]any) *tally {
		t.Helper()
		sum := &tally{}
		for _, row := range rows {
			if err := sum.add(row); err != nil {
				t.Fatal(err)
			}
		}
		return sum
	}
	one, two := []any{"a", int64(1), []byte("x"), nil}, []any{"b", int64(2), []byte{}, "y"}
	if !of(one, two).same(of(two, one)) {
		t.Error("the order of the rows counts")
	}
	for _, other := range []*tally{
		of(one), of(one, two, two), of(one, one), of(one, []any{"b", int64(2), nil, "y"}), of(one, []any{"b", int64(2), "", "y"}),
		of(one, []any{"b", int64(3), []byte{}, "y"}), of(one, []any{"by", int64(2), []byte{}, ""}), of(one, []any{"b", "2", []byte{}, "y"}),
	} {
		if other.same(of(one, two)) {
			t.Errorf("no difference is seen to %+v", other)
		}
	}
	if err := (&tally{}).add([]any{1.5}); err == nil {
		t.Error("an unknown type is taken")
	}
}
