package store

import (
	"strings"
	"testing"
	"time"
)

// What is past its time is found by an index on its age, never by reading a
// whole table.
func TestForgettingWalksAnIndex(t *testing.T) {
	s, err := Open(t.Context(), Config{DataFolder: t.TempDir(), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	for kind, query := range forgetting {
		rows, err := s.reader.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+query, 0, 1)
		steps, err := scanAll(rows, err, func(r scanner) (step string, err error) {
			var id, parent, unused int64
			return step, r.Scan(&id, &parent, &unused, &step)
		})
		plan := strings.Join(steps, "\n")
		if err != nil || strings.Contains(plan, "SCAN") || strings.Contains(plan, "TEMP B-TREE") || !strings.Contains(plan, "SEARCH") {
			t.Errorf("%s: %v\n%s", kind, err, plan)
		}
	}
	if len(forgetting) < 13 {
		t.Errorf("only %d kinds are forgotten", len(forgetting))
	}
}
