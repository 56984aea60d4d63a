package store

import (
	"context"
	"errors"
	"time"
)

// Budget allows so many hits within a window.
type Budget struct {
	Bucket string
	Limit  int
	Window time.Duration
}

// Backoff lets the first Free hits in a row pass freely, then makes each next
// one wait: First, twice that, and so on up to Longest. After Forget without a
// hit it begins anew.
type Backoff struct {
	Bucket         string
	Free           int
	First, Longest time.Duration
	Forget         time.Duration
}

// ChargeBudgets counts a hit on each budget before what is guarded is looked
// at. Where one is used up none is counted, and the time until which to wait
// comes back; the zero time means that the hit may go on.
func (s *Store) ChargeBudgets(ctx context.Context, budgets ...Budget) (until time.Time, err error) {
	err = s.charge(ctx, func(q querier, now time.Time) (err error) {
		until, err = chargeBudgets(ctx, q, now, budgets)
		return err
	})
	return until, err
}

// errUsedUp undoes the charges that came before the one that was refused.
var errUsedUp = errors.New("a budget is used up")

// charge runs charges in one short transaction of its own, all or none. It
// reads what others have committed a moment ago: no serialisable transaction,
// nothing to retry.
func (s *Store) charge(ctx context.Context, fn func(q querier, now time.Time) error) error {
	tx, err := s.writer.BeginTx(ctx, nil)
	if err != nil {
		return translate(err)
	}
	var missed []string
	defer func() { s.statements.prepareAll(ctx, s.writer, missed) }()
	defer tx.Rollback() //nolint:errcheck // after a commit it does nothing; after a failure the first error counts
	err = fn(onTx{tx, s.writer, s.statements, &missed}, s.now())
	if errors.Is(err, errUsedUp) {
		return nil
	}
	if err != nil {
		return translate(err)
	}
	return translate(tx.Commit())
}

func chargeBudgets(ctx context.Context, q querier, now time.Time, budgets []Budget) (time.Time, error) {
	const query = `INSERT INTO throttles (bucket, hits, since, wait_until) VALUES ($1, 1, $2, 0)
		ON CONFLICT (bucket) DO UPDATE SET
			hits = CASE WHEN throttles.since <= $3 THEN 1 ELSE throttles.hits + 1 END,
			since = CASE WHEN throttles.since <= $3 THEN $2 ELSE throttles.since END
		WHERE throttles.since <= $3 OR throttles.hits < $4
		RETURNING hits`
	for _, b := range budgets {
		charged, err := found(q.row(ctx, query, b.Bucket, micros(now), micros(now.Add(-b.Window)), b.Limit))
		if err != nil {
			return time.Time{}, err
		}
		if !charged {
			since, _, err := throttle(ctx, q, b.Bucket, now)
			return since.Add(b.Window), errors.Join(errUsedUp, err)
		}
	}
	return time.Time{}, nil
}

const giveBack = "UPDATE throttles SET hits = hits - 1 WHERE bucket = $1 AND hits > 0"

// RefundBudget gives a hit back, after the secret was right.
func (s *Store) RefundBudget(ctx context.Context, bucket string) error {
	_, err := s.onWriter().exec(ctx, giveBack, bucket)
	return err
}

// RefundBudget gives a hit back in the transaction that the right secret
// opened the way for.
func (tx *Tx) RefundBudget(ctx context.Context, bucket string) error {
	_, err := tx.q.exec(ctx, giveBack, bucket)
	return err
}

// ChargeBackoff counts a hit before what is guarded is looked at. The hit that
// leaves the free ones behind starts the wait for the next one. The zero time
// means that the hit may go on.
func (s *Store) ChargeBackoff(ctx context.Context, b Backoff) (time.Time, error) {
	const query = `INSERT INTO throttles (bucket, hits, since, wait_until) VALUES ($1, 1, $2, 0)
		ON CONFLICT (bucket) DO UPDATE SET
			hits = CASE WHEN throttles.since <= $7 THEN 1 ELSE throttles.hits + 1 END,
			since = $2,
			wait_until = CASE
				WHEN throttles.since <= $7 OR throttles.hits + 1 < $3 THEN 0
				WHEN throttles.hits + 1 - $3 >= $4 THEN $2 + CAST($6 AS BIGINT)
				ELSE $2 + (CAST($5 AS BIGINT) << CAST(throttles.hits + 1 - $3 AS INTEGER)) END
		WHERE throttles.wait_until <= $2
		RETURNING hits`
	now := micros(s.now())
	charged, err := found(s.onWriter().row(ctx, query, b.Bucket, now, int64(b.Free), b.doublings(), b.First.Microseconds(), b.Longest.Microseconds(), now-b.Forget.Microseconds()))
	if err != nil || charged {
		return time.Time{}, err
	}
	_, wait, err := throttle(ctx, s.onWriter(), b.Bucket, s.now())
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

// ForgetThrottle forgets a bucket, in the transaction of what made its hits
// meaningless: the right secret, or an administrator's help.
func (tx *Tx) ForgetThrottle(ctx context.Context, bucket string) error {
	const query = "DELETE FROM throttles WHERE bucket = $1"
	_, err := tx.q.exec(ctx, query, bucket)
	return err
}

// throttle reads a bucket as it stands on the writer's side.
func throttle(ctx context.Context, q querier, bucket string, now time.Time) (since, wait time.Time, err error) {
	var from, until int64
	const query = "SELECT since, wait_until FROM throttles WHERE bucket = $1"
	err = translate(q.row(ctx, query, bucket).Scan(&from, &until))
	if err == ErrNotFound { // cleared in between: nothing to wait for but a moment
		return now, now, nil
	}
	return fromMicros(from), fromMicros(until), err
}
