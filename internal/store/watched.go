package store

import (
	"context"
	"database/sql"
	"strings"
	"time"

	"portal/internal/meter"
)

// watched times each statement (docs/monitoring.md).
type watched struct {
	next querier
	s    *Store
}

// watch puts the clock before a querier, where somebody looks at it.
func (s *Store) watch(q querier) querier {
	if s.meter == nil {
		return q
	}
	return watched{q, s}
}

// work is a statement that is under way.
type work struct {
	s     *Store
	kind  meter.Operation
	began time.Time
}

func (w watched) begin(query string) work {
	kind := meter.Write
	if strings.HasPrefix(query, "SELECT ") {
		kind = meter.Read
	}
	return work{w.s, kind, w.s.now()}
}

func (w work) end() { w.s.meter.Database(w.kind, w.s.now().Sub(w.began)) }

func (w watched) exec(ctx context.Context, query string, args ...any) (int64, error) {
	defer w.begin(query).end()
	return w.next.exec(ctx, query, args...)
}

func (w watched) row(ctx context.Context, query string, args ...any) *sql.Row {
	defer w.begin(query).end()
	return w.next.row(ctx, query, args...)
}

func (w watched) rows(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	defer w.begin(query).end()
	return w.next.rows(ctx, query, args...)
}

// commit commits a transaction; what makes it last is timed apart.
func (s *Store) commit(tx *sql.Tx) error {
	if s.meter == nil {
		return tx.Commit()
	}
	defer work{s, meter.Commit, s.now()}.end()
	return tx.Commit()
}
