package store

import (
	"context"
	"database/sql"
	"time"

	"portal"
)

// Figures are how the installation stands, in numbers that name nobody.
type Figures struct {
	Users    map[portal.TwoFactorState]int64
	Mails    Queue // that wait to go out
	Unsealed Queue // events that wait for their seal
}

// Queue is what waits: how much, and since when. A long queue is not counted to
// its end.
type Queue struct {
	Length int64
	Oldest time.Time // zero where nothing waits
}

// Figures looks how the installation stands. It reads the counters of the
// customers and the beginning of both queues, and so costs little at any size.
func (s *Store) Figures(ctx context.Context) (f Figures, err error) {
	v := s.View("")
	if f.Users, err = v.counts(ctx, "SELECT twofa_state, CAST(SUM(users) AS BIGINT) FROM customer_counts GROUP BY twofa_state"); err != nil {
		return f, err
	}
	const mails = `SELECT COUNT(*), COALESCE(MIN(created_at), 0) FROM (
		SELECT created_at FROM mails WHERE state = 'waiting' ORDER BY next_try_at LIMIT 10000) waiting`
	if f.Mails, err = v.queue(ctx, mails); err != nil {
		return f, err
	}
	const unsealed = `SELECT COUNT(*), COALESCE(MIN(e.at), 0) FROM (SELECT customer_id, event_id FROM unsealed_events LIMIT 10000) w
		LEFT JOIN events e ON e.customer_id = w.customer_id AND e.id = w.event_id`
	f.Unsealed, err = v.queue(ctx, unsealed)
	return f, err
}

func (v View) queue(ctx context.Context, query string) (q Queue, err error) {
	var oldest int64
	err = translate(v.q.row(ctx, query).Scan(&q.Length, &oldest))
	q.Oldest = fromMicros(oldest)
	return q, err
}

// Pool is how a pool of connections to the database is used.
type Pool struct {
	Name             string
	Most, InUse      int
	Waits            int64 // for a free connection, so far
	WaitedAltogether time.Duration
}

// Pools tells how the connections are used.
func (s *Store) Pools() []Pool {
	all := []Pool{poolOf("writer", s.writer)}
	if s.reader != s.writer {
		all = append(all, poolOf("reader", s.reader))
	}
	return all
}

func poolOf(name string, db *sql.DB) Pool {
	now := db.Stats()
	return Pool{name, now.MaxOpenConnections, now.InUse, now.WaitCount, now.WaitDuration}
}
