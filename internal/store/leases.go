package store

import (
	"context"
	"time"
)

// TakeLease lets one node do a job: true for the first that asks after the last
// lease has run out, who holds it until now plus life. The lease is also the
// timetable, since nobody gets the next one before. One that runs much longer
// than a life from now is of a clock that went back since, and holds nobody up.
func (s *Store) TakeLease(ctx context.Context, name, holder string, life time.Duration) (bool, error) {
	now := s.now()
	const held = "SELECT name FROM leases WHERE name = $1 AND until > $2 AND until <= $3"
	busy, err := found(s.View("").q.row(ctx, held, name, micros(now), micros(now.Add(life+slack))))
	if err != nil || busy {
		return false, err
	}
	const query = `INSERT INTO leases (name, holder, until, mark) VALUES ($1, $2, $3, 0)
		ON CONFLICT (name) DO UPDATE SET holder = $2, until = $3 WHERE leases.until <= $4 OR leases.until > $5`
	return exactlyOne(s.onWriter().exec(ctx, query, name, holder, micros(now.Add(life)), micros(now), micros(now.Add(life+slack))))
}

// EndLease gives a lease up before its time, so that the next node need not
// wait for a job that failed.
func (s *Store) EndLease(ctx context.Context, name, holder string, until time.Time) error {
	const query = "UPDATE leases SET until = $3 WHERE name = $1 AND holder = $2"
	_, err := s.onWriter().exec(ctx, query, name, holder, micros(until))
	return err
}

// Mark tells how far a job got; 0 where it has not begun.
func (v View) Mark(ctx context.Context, name string) (mark int64, err error) {
	err = translate(v.q.row(ctx, "SELECT mark FROM leases WHERE name = $1", name).Scan(&mark))
	if err == ErrNotFound {
		return 0, nil
	}
	return mark, err
}

// SetMark notes how far a job got, in the transaction of what it did.
func (tx *Tx) SetMark(ctx context.Context, name string, mark int64) error {
	const query = `INSERT INTO leases (name, holder, until, mark) VALUES ($1, '', 0, $2)
		ON CONFLICT (name) DO UPDATE SET mark = $2`
	_, err := tx.q.exec(ctx, query, name, mark)
	return err
}
