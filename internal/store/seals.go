package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"portal"
)

// Chain is both ends of a customer's chain of seals: the newest seal, and the
// last one that was pruned. Mark is keyed, under the key of KeyID.
type Chain struct {
	Number        int64
	Hash          []byte
	PrunedNumber  int64
	PrunedThrough int64 // the highest pruned event
	PrunedHash    []byte
	KeyID         string
	Mark          []byte
}

// Seal closes a batch of a customer's events.
type Seal struct {
	Number      int64
	First, Last int64 // the lowest and the highest event in it
	Entries     []byte
	Previous    []byte
	Hash        []byte
	SealedAt    time.Time
}

// NextUnsealed names the first customer after another, by identifier, who has
// events that stand in no seal; empty where there is none.
func (s *Store) NextUnsealed(ctx context.Context, after portal.CustomerID) (next portal.CustomerID, err error) {
	const query = "SELECT customer_id FROM unsealed_events WHERE customer_id > $1 ORDER BY customer_id LIMIT 1"
	err = translate(s.View("").q.row(ctx, query, after).Scan(&next))
	if errors.Is(err, ErrNotFound) {
		return "", nil
	}
	return next, err
}

// ChainsUnderOtherKeys lists customers whose chain is marked with another key.
func (s *Store) ChainsUnderOtherKeys(ctx context.Context, key string, limit int) ([]portal.CustomerID, error) {
	const query = "SELECT customer_id FROM audit_chains WHERE key_id < $1 OR key_id > $1 LIMIT $2"
	rows, err := s.View("").q.rows(ctx, query, key, limit)
	return scanAll(rows, err, func(r scanner) (id portal.CustomerID, err error) { return id, r.Scan(&id) })
}

// WriteSeal runs a change of the chain. It sees one moment of the database, so
// that an event which is committed meanwhile simply waits for the next seal.
func (s *Store) WriteSeal(ctx context.Context, customer portal.CustomerID, fn func(*Tx) error) error {
	return s.transact(ctx, customer, s.sealOptions, fn)
}

// Snapshot reads one moment of the database, for as long as fn runs.
func (s *Store) Snapshot(ctx context.Context, customer portal.CustomerID, fn func(View) error) error {
	tx, err := s.reader.BeginTx(ctx, s.readOptions)
	if err != nil {
		return translate(err)
	}
	var missed []string
	defer tx.Rollback() //nolint:errcheck // it has only read
	return fn(View{q: s.watchTx(onTx{tx, s.reader, s.statements, &missed}), customer: customer, Now: s.now()})
}

// Chain reads both ends of the customer's chain, which is there before anything
// is sealed; ErrNotFound where it is not.
func (v View) Chain(ctx context.Context) (c Chain, err error) {
	const query = `SELECT number, hash, pruned_number, pruned_through, pruned_hash, key_id, mark
		FROM audit_chains WHERE customer_id = $1`
	err = v.q.row(ctx, query, v.customer).Scan(&c.Number, &c.Hash, &c.PrunedNumber, &c.PrunedThrough, &c.PrunedHash, &c.KeyID, &c.Mark)
	if c.Hash == nil { // as SQLite's driver hands over bytes that are none
		c.Hash = []byte{}
	}
	return c, translate(err)
}

// Seals reads the customer's seals in order, from the one after a number.
func (v View) Seals(ctx context.Context, after int64, limit int) ([]Seal, error) {
	const query = `SELECT number, first_event, last_event, entries, previous, hash, sealed_at
		FROM audit_seals WHERE customer_id = $1 AND number > $2 ORDER BY number LIMIT $3`
	rows, err := v.q.rows(ctx, query, v.customer, after, limit)
	return scanAll(rows, err, func(r scanner) (s Seal, err error) {
		var at int64
		err = r.Scan(&s.Number, &s.First, &s.Last, &s.Entries, &s.Previous, &s.Hash, &at)
		s.SealedAt = fromMicros(at)
		return s, err
	})
}

// EventsAfter reads the customer's events in the order of their ids.
func (v View) EventsAfter(ctx context.Context, after int64, limit int) ([]portal.Event, error) {
	const query = "SELECT " + eventColumns + " FROM events e WHERE e.customer_id = $1 AND e.id > $2 ORDER BY e.id LIMIT $3"
	rows, err := v.q.rows(ctx, query, v.customer, after, limit)
	return scanAll(rows, err, scanEvent)
}

// UnsealedEvents reads the customer's events that stand in no seal, in the
// order of their ids, from the one after an id.
func (v View) UnsealedEvents(ctx context.Context, after int64, limit int) ([]portal.Event, error) {
	const query = "SELECT " + eventColumns + ` FROM unsealed_events w JOIN events e ON e.customer_id = w.customer_id AND e.id = w.event_id
		WHERE w.customer_id = $1 AND w.event_id > $2 ORDER BY w.event_id LIMIT $3`
	rows, err := v.q.rows(ctx, query, v.customer, after, limit)
	return scanAll(rows, err, scanEvent)
}

// WaitsForSeal tells whether an event stands in no seal yet.
func (v View) WaitsForSeal(ctx context.Context, event int64) (bool, error) {
	return found(v.q.row(ctx, "SELECT event_id FROM unsealed_events WHERE customer_id = $1 AND event_id = $2", v.customer, event))
}

// GoneUnsealed lists events that were written, and are gone without a seal.
func (v View) GoneUnsealed(ctx context.Context, limit int) ([]int64, error) {
	const query = `SELECT w.event_id FROM unsealed_events w WHERE w.customer_id = $1
		AND NOT EXISTS (SELECT e.id FROM events e WHERE e.customer_id = $1 AND e.id = w.event_id) ORDER BY w.event_id LIMIT $2`
	rows, err := v.q.rows(ctx, query, v.customer, limit)
	return scanAll(rows, err, func(r scanner) (id int64, err error) { return id, r.Scan(&id) })
}

// PutSeal adds a seal. ErrConflict says that another node was faster.
func (tx *Tx) PutSeal(ctx context.Context, s Seal) error {
	const query = `INSERT INTO audit_seals (customer_id, number, first_event, last_event, entries, previous, hash, sealed_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`
	_, err := tx.q.exec(ctx, query, tx.customer, s.Number, s.First, s.Last, s.Entries, s.Previous, s.Hash, micros(s.SealedAt))
	return err
}

// PutChain writes down where the chain ends now. What was pruned is not this
// statement's to say.
func (tx *Tx) PutChain(ctx context.Context, c Chain) error {
	const query = `INSERT INTO audit_chains (customer_id, number, hash, key_id, mark) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (customer_id) DO UPDATE SET number = $2, hash = $3, key_id = $4, mark = $5`
	_, err := tx.q.exec(ctx, query, tx.customer, c.Number, c.Hash, c.KeyID, c.Mark)
	return err
}

// BeginChain writes down that the customer's chain is empty; one that is there
// stays.
func (tx *Tx) BeginChain(ctx context.Context, c Chain) error {
	const query = `INSERT INTO audit_chains (customer_id, number, hash, key_id, mark) VALUES ($1, 0, $2, $3, $4)
		ON CONFLICT (customer_id) DO NOTHING`
	_, err := tx.q.exec(ctx, query, tx.customer, c.Hash, c.KeyID, c.Mark)
	return err
}

// Unchained lists customers who have neither a chain nor a seal.
func (s *Store) Unchained(ctx context.Context, limit int) ([]portal.CustomerID, error) {
	const query = `SELECT c.id FROM customers c WHERE NOT EXISTS (SELECT a.number FROM audit_chains a WHERE a.customer_id = c.id)
		AND NOT EXISTS (SELECT s.number FROM audit_seals s WHERE s.customer_id = c.id) LIMIT $1`
	rows, err := s.View(portal.NoCustomer).q.rows(ctx, query, limit)
	return scanAll(rows, err, func(r scanner) (id portal.CustomerID, err error) { return id, r.Scan(&id) })
}

// Sealed takes the events after an id and up to another out of those that
// wait, and returns how many they were. One that was deleted before it was
// sealed stays, and is found there.
func (tx *Tx) Sealed(ctx context.Context, after, through int64) (int64, error) {
	const query = `DELETE FROM unsealed_events WHERE customer_id = $1 AND event_id > $2 AND event_id <= $3
		AND EXISTS (SELECT e.id FROM events e WHERE e.customer_id = $1 AND e.id = unsealed_events.event_id)`
	return tx.q.exec(ctx, query, tx.customer, after, through)
}

// AnyLate tells whether an event of a seal after the given one, or one that
// waits, has an id up to through.
func (v View) AnyLate(ctx context.Context, after, through int64) (bool, error) {
	const query = `SELECT number FROM audit_seals WHERE customer_id = $1 AND first_event <= $3 AND number > $2
		UNION ALL SELECT event_id FROM unsealed_events WHERE customer_id = $1 AND event_id <= $3 LIMIT 1`
	return found(v.q.row(ctx, query, v.customer, after, through))
}

// Prune moves the beginning of the chain and takes away what stands before it:
// so many events, and their seals. The database refuses to delete any other.
func (tx *Tx) Prune(ctx context.Context, c Chain, events int64) error {
	const query = `UPDATE audit_chains SET pruned_number = $2, pruned_through = $3, pruned_hash = $4, key_id = $5, mark = $6
		WHERE customer_id = $1`
	if err := mustOne(tx.q.exec(ctx, query, tx.customer, c.PrunedNumber, c.PrunedThrough, c.PrunedHash, c.KeyID, c.Mark)); err != nil {
		return err
	}
	gone, err := tx.q.exec(ctx, "DELETE FROM events WHERE customer_id = $1 AND id <= $2", tx.customer, c.PrunedThrough)
	if err == nil && gone != events {
		err = fmt.Errorf("%d events were to be pruned and %d are gone", events, gone)
	}
	if err != nil {
		return err
	}
	_, err = tx.q.exec(ctx, "DELETE FROM audit_seals WHERE customer_id = $1 AND number <= $2", tx.customer, c.PrunedNumber)
	return err
}
