package store

import (
	"context"
	"errors"
	"time"

	"portal/internal/tracing"
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
	Unknown        bool // for a login ID that nobody has; kept apart (AU-04)
	Free           int
	First, Longest time.Duration
	Forget         time.Duration
}

// Toll is what one try is charged to: to Own where that has a hit left, or else
// to all the rest. What has no bucket is not there.
type Toll struct {
	Own    Budget
	Delay  Backoff
	Common []Budget
	// Source counts the tries of one address on all accounts. It is charged last
	// and given back alone, since others wait for its row.
	Source Budget
}

// Charged tells what a try was charged to, so that it can be given back.
type Charged struct {
	// Until is set where something was used up and nothing was charged: how
	// long to wait. UsedUp is the bucket that it was.
	Until  time.Time
	UsedUp string
	Delay  Backoff
	Hits   []Hit
	Source string
}

// Hit is a hit on a budget: the how-manieth of its window.
type Hit struct {
	Bucket string
	Count  int64
}

// Charge counts a try before what is guarded is looked at, in a commit of its
// own (AU-05).
func (s *Store) Charge(ctx context.Context, t Toll) (c Charged, err error) {
	err = s.charge(ctx, func(q querier, now time.Time) (err error) {
		c, err = t.charge(ctx, q, now)
		return err
	})
	return c, err
}

// ChargeBudgets counts a hit on each budget, or none where one is used up.
func (s *Store) ChargeBudgets(ctx context.Context, budgets ...Budget) (Charged, error) {
	return s.Charge(ctx, Toll{Common: budgets})
}

// errUsedUp undoes the charges that came before the one that was refused.
var errUsedUp = errors.New("a budget is used up")

// charge runs charges in one short transaction of its own, all or none. It
// reads what others have committed a moment ago: no serialisable transaction,
// nothing to retry.
func (s *Store) charge(ctx context.Context, fn func(q querier, now time.Time) error) (err error) {
	ctx, part := tracing.Begin(ctx, "transaction")
	defer func() { part.End(err) }()
	tx, err := s.writer.BeginTx(ctx, nil)
	if err != nil {
		return translate(err)
	}
	var missed []string
	defer func() { s.statements.prepareAll(ctx, s.writer, missed) }()
	defer tx.Rollback() //nolint:errcheck // after a commit it does nothing; after a failure the first error counts
	err = fn(s.watchTx(onTx{tx, s.writer, s.statements, &missed}), s.now())
	if errors.Is(err, errUsedUp) {
		return nil
	}
	if err != nil {
		return translate(err)
	}
	return translate(s.commit(tx))
}

func (t Toll) charge(ctx context.Context, q querier, now time.Time) (c Charged, err error) {
	if t.Own.Bucket != "" {
		c, err = chargeBudgets(ctx, q, now, t.Own)
		if !errors.Is(err, errUsedUp) || t.onlyOwn() {
			return c, err
		}
	}
	if t.Delay.Bucket != "" {
		if until, err := t.Delay.charge(ctx, q, now); err != nil {
			return Charged{Until: until, UsedUp: t.Delay.Bucket}, err
		}
	}
	c, err = chargeBudgets(ctx, q, now, t.Common...)
	if err != nil || t.Source.Bucket == "" {
		c.Delay = t.Delay
		return c, err
	}
	source, err := chargeBudgets(ctx, q, now, t.Source)
	return Charged{Until: source.Until, UsedUp: source.UsedUp, Delay: t.Delay, Hits: c.Hits, Source: t.Source.Bucket}, err
}

func (t Toll) onlyOwn() bool {
	return t.Delay.Bucket == "" && len(t.Common) == 0 && t.Source.Bucket == ""
}

// slack is by how much the clocks of nodes may differ, and more. What begins
// later than that from now is of a clock that went back since, and has ended.
const slack = time.Minute

// chargeBudgets counts a hit on each budget, or none where one is used up. A
// window begins with the first hit. What was counted in it counts on in the one
// that follows, so that no time as long as a window sees more hits than the limit,
// wherever it begins; all is forgotten once there was none for so long.
func chargeBudgets(ctx context.Context, q querier, now time.Time, budgets ...Budget) (c Charged, err error) {
	const (
		gone  = "(t.since > $5 OR (t.since <= $3 AND (t.latest <= $3 OR t.since <= $6)))"
		query = `INSERT INTO throttles AS t (bucket, hits, since, wait_until, earlier, latest) VALUES ($1, 1, $2, 0, 0, $2)
		ON CONFLICT (bucket) DO UPDATE SET
			earlier = CASE WHEN ` + gone + ` THEN 0 WHEN t.since <= $3 THEN t.hits ELSE t.earlier END,
			hits = CASE WHEN t.since > $5 OR t.since <= $3 THEN 1 ELSE t.hits + 1 END,
			since = CASE WHEN ` + gone + ` THEN $2 WHEN t.since <= $3 THEN t.since + $7 ELSE t.since END,
			latest = $2
		WHERE ` + gone + ` OR (t.since <= $3 AND t.hits < $4) OR (t.since > $3 AND t.earlier + t.hits < $4)
		RETURNING earlier + hits`
	)
	for _, b := range budgets {
		hit := Hit{Bucket: b.Bucket}
		err := translate(q.row(ctx, query, b.Bucket, micros(now), micros(now.Add(-b.Window)), b.Limit, micros(now.Add(slack)),
			micros(now.Add(-2*b.Window)), b.Window.Microseconds()).Scan(&hit.Count))
		if err == ErrNotFound {
			until, err := b.until(ctx, q, now)
			return Charged{Until: until, UsedUp: b.Bucket}, errors.Join(errUsedUp, err)
		}
		if err != nil {
			return Charged{}, err
		}
		c.Hits = append(c.Hits, hit)
	}
	return c, nil
}

// until is when a budget that refused a hit allows one again; now where the
// bucket was cleared in between, so that there is nothing to wait for but a moment.
func (b Budget) until(ctx context.Context, q querier, now time.Time) (time.Time, error) {
	const query = "SELECT hits, since, latest FROM throttles WHERE bucket = $1"
	var hits, since, latest int64
	err := translate(q.row(ctx, query, b.Bucket).Scan(&hits, &since, &latest))
	switch {
	case err == ErrNotFound:
		return now, nil
	case err != nil:
		return now, err
	}
	next := fromMicros(since).Add(b.Window)
	if hits < int64(b.Limit) && next.After(now) { // what is used up is the window before
		return next, nil
	}
	return fromMicros(min(max(since, latest), since+b.Window.Microseconds())).Add(b.Window), nil
}

// moment reads a time of a backoff that refused a hit; now where it was cleared
// in between.
func moment(r scanner, now time.Time) (time.Time, error) {
	var at int64
	err := translate(r.Scan(&at))
	if err == ErrNotFound {
		return now, nil
	}
	return fromMicros(at), err
}

// charge counts a hit. The one that leaves the free ones behind starts the wait
// for the next one. A wait that began later than now is of a clock that went back
// since, and over.
func (b Backoff) charge(ctx context.Context, q querier, now time.Time) (until time.Time, err error) {
	const hit = ` AS t (bucket, hits, since, wait_until) VALUES ($1, 1, $2, 0)
		ON CONFLICT (bucket) DO UPDATE SET
			hits = CASE WHEN t.since <= $7 THEN 1 ELSE t.hits + 1 END,
			since = $2,
			wait_until = CASE
				WHEN t.since <= $7 OR t.hits + 1 < $3 THEN 0
				WHEN t.hits + 1 - $3 >= $4 THEN $2 + CAST($6 AS BIGINT)
				ELSE $2 + (CAST($5 AS BIGINT) << CAST(t.hits + 1 - $3 AS INTEGER)) END
		WHERE t.wait_until <= $2 OR t.since > $8
		RETURNING hits`
	query, wait := "INSERT INTO throttles"+hit, "SELECT wait_until FROM throttles WHERE bucket = $1"
	if b.Unknown {
		query, wait = "INSERT INTO unknown_names"+hit, "SELECT wait_until FROM unknown_names WHERE bucket = $1"
	}
	at := micros(now)
	charged, err := found(q.row(ctx, query, b.Bucket, at, int64(b.Free), b.doublings(), b.First.Microseconds(), b.Longest.Microseconds(), at-b.Forget.Microseconds(), micros(now.Add(slack))))
	if err != nil || charged {
		return time.Time{}, err
	}
	until, err = moment(q.row(ctx, wait, b.Bucket), now)
	return until, errors.Join(errUsedUp, err)
}

// Refund gives a try back: the secret was right, or nothing was compared.
func (s *Store) Refund(ctx context.Context, c Charged) error {
	err := c.refund(ctx, s.onWriter())
	return errors.Join(err, s.RefundSource(ctx, c))
}

// Refund gives a try back in the transaction that the right secret opened the
// way for, in the order in which it was charged, so that the two never wait for
// each other. The source is left: see RefundSource.
func (tx *Tx) Refund(ctx context.Context, c Charged) error { return c.refund(ctx, tx.q) }

// RefundSource gives back what a try was charged to its source, where nobody
// waits longer for that row because of it. It returns what is left to give back
// once the transaction has ended.
func (tx *Tx) RefundSource(ctx context.Context, c Charged) (left Charged, err error) {
	if !tx.alone || c.Source == "" {
		return Charged{Source: c.Source}, nil
	}
	_, err = tx.q.exec(ctx, giveBack, c.Source)
	return Charged{}, err
}

// RefundSource gives back what a try was charged to its source.
func (s *Store) RefundSource(ctx context.Context, c Charged) error {
	if c.Source == "" {
		return nil
	}
	_, err := s.onWriter().exec(ctx, giveBack, c.Source)
	return err
}

const giveBack = "UPDATE throttles SET hits = hits - 1 WHERE bucket = $1 AND hits > 0"

func (c Charged) refund(ctx context.Context, q querier) error {
	const endWait = " SET hits = hits - 1, wait_until = 0 WHERE bucket = $1 AND hits > 0"
	query := "UPDATE throttles" + endWait
	if c.Delay.Unknown {
		query = "UPDATE unknown_names" + endWait
	}
	if c.Delay.Bucket != "" {
		if _, err := q.exec(ctx, query, c.Delay.Bucket); err != nil {
			return err
		}
	}
	for _, hit := range c.Hits {
		if _, err := q.exec(ctx, giveBack, hit.Bucket); err != nil {
			return err
		}
	}
	return nil
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

// Once tells, in the transaction of what should be done once in a window,
// whether this is the first time.
func (tx *Tx) Once(ctx context.Context, bucket string, window time.Duration) (bool, error) {
	_, err := chargeBudgets(ctx, tx.q, tx.Now, Budget{Bucket: bucket, Limit: 1, Window: window})
	if errors.Is(err, errUsedUp) {
		return false, nil
	}
	return err == nil, err
}

// ForgetThrottles forgets all buckets whose names begin alike.
func (tx *Tx) ForgetThrottles(ctx context.Context, prefix string) error {
	const query = "DELETE FROM throttles WHERE bucket >= $1 AND bucket < $2"
	_, err := tx.q.exec(ctx, query, prefix, prefix+"~")
	return err
}
