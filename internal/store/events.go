package store

import (
	"context"
	"time"

	"portal"
)

// Record writes the event that a change owes to the audit trail.
func (tx *Tx) Record(ctx context.Context, e portal.Event) error {
	const query = `INSERT INTO events (customer_id, at, action, outcome, actor_kind, actor_id, actor_label,
			target_id, target_label, detail, address, agent, request_id, node)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`
	_, err := tx.q.exec(ctx, query, tx.customer, micros(tx.Now), e.Action, e.Outcome, e.ActorKind, e.ActorID, e.ActorLabel,
		e.TargetID, e.TargetLabel, e.Detail, e.Origin.Address, e.Origin.Agent, e.Origin.RequestID, tx.node)
	*tx.recorded = *tx.recorded || err == nil
	return err
}

// EventQuery asks for one page of a customer's events, newest first: in the
// order in which they were recorded, or where days bound it and no person does,
// in that of their times.
type EventQuery struct {
	// Person keeps events that this user did or that were done to this user.
	Person portal.UserID
	Action portal.Action
	// From and Until keep events at or after, and before, a time.
	From, Until time.Time
	// Before pages by key: events older than this one; 0 means from the newest.
	Before int64
	Limit  int
}

const eventColumns = `e.id, e.customer_id, e.at, e.action, e.outcome, e.actor_kind, e.actor_id, e.actor_label,
	e.target_id, e.target_label, e.detail, e.address, e.agent, e.request_id, e.node`

// dated tells whether the page lies between days.
func (q EventQuery) dated() bool { return q.Person == "" && !(q.From.IsZero() && q.Until.IsZero()) }

const (
	eventsHead = `SELECT ` + eventColumns + ` FROM events e WHERE e.customer_id = $1 AND e.id < $2 `
	eventsTail = `ORDER BY e.id DESC LIMIT $3`

	datedHead = `SELECT ` + eventColumns + ` FROM events e WHERE e.customer_id = $1 AND (e.at, e.id) < ($2, $3) AND e.at >= $4 `
	datedTail = `ORDER BY e.at DESC, e.id DESC LIMIT $5`

	// Said as one row, the kind leads to the index that begins with it; said
	// apart, SQLite may walk all kinds between the days.
	datedOfKind = `SELECT ` + eventColumns + ` FROM events e WHERE e.customer_id = $1
		AND (e.action, e.at, e.id) < ($6, $2, $3) AND (e.action, e.at, e.id) >= ($6, $4, 0)
		ORDER BY e.action DESC, e.at DESC, e.id DESC LIMIT $5`

	// What a person did and what was done to a person are two walks along two
	// indexes, merged; an OR would walk the whole trail.
	eventsOfPerson = `SELECT ` + eventColumns + ` FROM (
		SELECT * FROM (SELECT * FROM events WHERE customer_id = $1 AND actor_id = $6 AND id < $2 AND at >= $3 AND at < $4
			AND ($7 = '' OR action = $7) ORDER BY id DESC LIMIT $5) AS a
		UNION
		SELECT * FROM (SELECT * FROM events WHERE customer_id = $1 AND target_id = $6 AND id < $2 AND at >= $3 AND at < $4
			AND ($7 = '' OR action = $7) ORDER BY id DESC LIMIT $5) AS b
		) AS e ORDER BY e.id DESC LIMIT $5`
)

// newest stands for "from the newest event on".
const newest = int64(1) << 62

// Events lists one page of the trail.
func (v View) Events(ctx context.Context, q EventQuery) ([]portal.Event, error) {
	if q.dated() {
		return v.datedEvents(ctx, q)
	}
	before, until := q.Before, micros(q.Until)
	if before <= 0 {
		before = newest
	}
	if until == 0 {
		until = newest
	}
	text, args := eventsHead+eventsTail, []any{v.customer, before, q.Limit}
	switch {
	case q.Person != "":
		text, args = eventsOfPerson, []any{v.customer, before, micros(q.From), until, q.Limit, q.Person, q.Action}
	case q.Action != "":
		text, args = eventsHead+"AND e.action = $4 "+eventsTail, append(args, q.Action)
	}
	rows, err := v.q.rows(ctx, text, args...)
	return scanAll(rows, err, scanEvent)
}

// datedEvents walks along the times. A page that is left at an event which has
// been pruned since has nothing behind it.
func (v View) datedEvents(ctx context.Context, q EventQuery) ([]portal.Event, error) {
	at, id := newest, int64(0)
	if !q.Until.IsZero() {
		at = micros(q.Until)
	}
	if q.Before > 0 {
		const left = "SELECT at FROM events WHERE customer_id = $1 AND id = $2"
		id = q.Before
		err := translate(v.q.row(ctx, left, v.customer, id).Scan(&at))
		if err == ErrNotFound {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
	}
	text, args := datedHead+datedTail, []any{v.customer, at, id, micros(q.From), q.Limit}
	if q.Action != "" {
		text, args = datedOfKind, append(args, q.Action)
	}
	rows, err := v.q.rows(ctx, text, args...)
	return scanAll(rows, err, scanEvent)
}

// EventsOn lists the newest events that were done to a user, newest first.
func (v View) EventsOn(ctx context.Context, user portal.UserID, limit int) ([]portal.Event, error) {
	const query = `SELECT ` + eventColumns + ` FROM events e WHERE e.customer_id = $1 AND e.target_id = $2 ORDER BY e.id DESC LIMIT $3`
	rows, err := v.q.rows(ctx, query, v.customer, user, limit)
	return scanAll(rows, err, scanEvent)
}

func scanEvent(r scanner) (e portal.Event, err error) {
	var at int64
	err = r.Scan(&e.ID, &e.CustomerID, &at, &e.Action, &e.Outcome, &e.ActorKind, &e.ActorID, &e.ActorLabel,
		&e.TargetID, &e.TargetLabel, &e.Detail, &e.Origin.Address, &e.Origin.Agent, &e.Origin.RequestID, &e.Node)
	e.At = fromMicros(at)
	return e, err
}

// LastSignIn tells when the user signed in last; zero where never.
func (v View) LastSignIn(ctx context.Context, id portal.UserID) (time.Time, error) {
	const query = `SELECT id, at FROM events WHERE customer_id = $1 AND actor_id = $2 AND action = $3
		ORDER BY id DESC LIMIT 1`
	var event, at int64
	err := translate(v.q.row(ctx, query, v.customer, id, portal.SignedIn).Scan(&event, &at))
	if err == ErrNotFound {
		return time.Time{}, nil
	}
	return fromMicros(at), err
}
