package store

import (
	"context"
	"time"
)

// Budget allows so many hits within a window.
type Budget struct {
	Bucket string
	Limit  int
	Window time.Duration
}

// Backoff lets the first Free hits in a row pass freely, then makes each next
// one wait: First, twice that, and so on up to Longest.
type Backoff struct {
	Bucket         string
	Free           int
	First, Longest time.Duration
}

// ChargeBudget counts a hit before what is guarded is looked at. Where the
// budget is used up nothing is counted and the time until which to wait comes
// back; the zero time means that the hit may go on.
func (s *Store) ChargeBudget(ctx context.Context, b Budget) (time.Time, error) {
	const query = `INSERT INTO throttles (bucket, hits, since, wait_until) VALUES ($1, 1, $2, 0)
		ON CONFLICT (bucket) DO UPDATE SET
			hits = CASE WHEN throttles.since <= $3 THEN 1 ELSE throttles.hits + 1 END,
			since = CASE WHEN throttles.since <= $3 THEN $2 ELSE throttles.since END
		WHERE throttles.since <= $3 OR throttles.hits < $4
		RETURNING hits`
	now := s.now()
	charged, err := found(s.onWriter().row(ctx, query, b.Bucket, micros(now), micros(now.Add(-b.Window)), b.Limit))
	if err != nil || charged {
		return time.Time{}, err
	}
	since, _, err := s.throttle(ctx, b.Bucket)
	return since.Add(b.Window), err
}

// RefundBudget gives a hit back, after the secret was right.
func (s *Store) RefundBudget(ctx context.Context, bucket string) error {
	const query = "UPDATE throttles SET hits = hits - 1 WHERE bucket = $1 AND hits > 0"
	_, err := s.onWriter().exec(ctx, query, bucket)
	return err
}

// ChargeBackoff counts a hit before what is guarded is looked at. The hit that
// leaves the free ones behind starts the wait for the next one. The zero time
// means that the hit may go on.
func (s *Store) ChargeBackoff(ctx context.Context, b Backoff) (time.Time, error) {
	const query = `INSERT INTO throttles (bucket, hits, since, wait_until) VALUES ($1, 1, $2, 0)
		ON CONFLICT (bucket) DO UPDATE SET
			hits = throttles.hits + 1,
			since = $2,
			wait_until = CASE
				WHEN throttles.hits + 1 < $3 THEN 0
				WHEN throttles.hits + 1 - $3 >= $4 THEN $2 + CAST($6 AS BIGINT)
				ELSE $2 + (CAST($5 AS BIGINT) << CAST(throttles.hits + 1 - $3 AS INTEGER)) END
		WHERE throttles.wait_until <= $2
		RETURNING hits`
	now := micros(s.now())
	charged, err := found(s.onWriter().row(ctx, query, b.Bucket, now, int64(b.Free), b.doublings(), b.First.Microseconds(), b.Longest.Microseconds()))
	if err != nil || charged {
		return time.Time{}, err
	}
	_, wait, err := s.throttle(ctx, b.Bucket)
	return wait, err
}

// doublings is how often First doubles before Longest is reached.
func (b Backoff) doublings() int64 {
	n := int64(0)
	for wait := b.First; wait < b.Longest; wait *= 2 {
		n++
	}
	return n
}

// ClearBackoff forgets the hits in a row, after the secret was right.
func (s *Store) ClearBackoff(ctx context.Context, bucket string) error {
	const query = "DELETE FROM throttles WHERE bucket = $1"
	_, err := s.onWriter().exec(ctx, query, bucket)
	return err
}

// throttle reads a bucket as it stands on the writer's side.
func (s *Store) throttle(ctx context.Context, bucket string) (since, wait time.Time, err error) {
	var from, until int64
	const query = "SELECT since, wait_until FROM throttles WHERE bucket = $1"
	err = translate(s.onWriter().row(ctx, query, bucket).Scan(&from, &until))
	if err == ErrNotFound { // cleared in between: nothing to wait for but a moment
		return s.now(), s.now(), nil
	}
	return fromMicros(from), fromMicros(until), err
}
