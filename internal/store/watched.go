package store

import (
	"context"
	"database/sql"
	"strings"
	"time"

	"portal/internal/meter"
	"portal/internal/tracing"
)

// watched times each statement, and makes it a part of the trace that its
// context brings, where it is not within a transaction, which is a part already
// (docs/monitoring.md).
type watched struct {
	next  querier
	s     *Store
	alone bool
}

// watch puts the clock before single statements, where somebody looks at it.
func (s *Store) watch(q querier) querier {
	if s.meter == nil {
		return q
	}
	return watched{q, s, true}
}

// watchTx does so for statements within a transaction.
func (s *Store) watchTx(q querier) querier {
	if s.meter == nil {
		return q
	}
	return watched{q, s, false}
}

// work is a statement that is under way.
type work struct {
	s     *Store
	kind  meter.Operation
	began time.Time
	part  tracing.Part
}

func (w watched) begin(ctx context.Context, query string) work {
	at := work{s: w.s, kind: meter.Write, began: w.s.now()}
	name := "database write"
	if strings.HasPrefix(query, "SELECT ") {
		at.kind, name = meter.Read, "database read"
	}
	if w.alone {
		_, at.part = tracing.Begin(ctx, name)
	}
	return at
}

func (w work) end() {
	w.s.meter.Database(w.kind, w.s.now().Sub(w.began))
	w.part.End(nil)
}

func (w watched) exec(ctx context.Context, query string, args ...any) (int64, error) {
	defer w.begin(ctx, query).end()
	return w.next.exec(ctx, query, args...)
}

func (w watched) row(ctx context.Context, query string, args ...any) *sql.Row {
	defer w.begin(ctx, query).end()
	return w.next.row(ctx, query, args...)
}

func (w watched) rows(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	defer w.begin(ctx, query).end()
	return w.next.rows(ctx, query, args...)
}

// commit commits a transaction; what makes it last is timed apart.
func (s *Store) commit(tx *sql.Tx) error {
	if s.meter == nil {
		return tx.Commit()
	}
	defer work{s: s, kind: meter.Commit, began: s.now()}.end()
	return tx.Commit()
}
