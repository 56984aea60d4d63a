package store

import (
	"context"
	"database/sql"
	"math/rand/v2"
	"time"

	"portal"
	"portal/internal/tracing"
)

// View reads the rows of one customer.
type View struct {
	q        querier
	customer portal.CustomerID
	// Now is the time of this view or transaction; one now for all of it.
	Now time.Time
}

// Tx also changes them. It exists only inside Write and WriteUnaudited.
type Tx struct {
	View
	recorded *bool
	node     string
	alone    bool // nobody else can write before it ends
}

// Enter binds the same transaction to another customer. Only the set-up needs
// it, which spends a link of no customer and makes the first customer.
func (tx *Tx) Enter(customer portal.CustomerID) *Tx {
	view := tx.View
	view.customer = customer
	return &Tx{View: view, recorded: tx.recorded, node: tx.node, alone: tx.alone}
}

// tries is how often a transaction that lost a race or its connection runs
// again, before the caller is told that the portal is busy. A long one, such as
// a set-up that is confirmed, loses most of its races against short ones while
// many sign in to a small database, where all rows are on the same few pages.
// With the pauses this is some two seconds.
const tries = 24

// View returns a view for single reads outside a transaction.
func (s *Store) View(customer portal.CustomerID) View {
	return View{q: s.watch(onPool{s.reader, s.statements}), customer: customer, Now: s.now()}
}

// Write runs a change of one customer's rows and commits it if fn returns nil
// and has recorded an event (LG-07). fn may run more than once.
func (s *Store) Write(ctx context.Context, customer portal.CustomerID, fn func(*Tx) error) error {
	return s.transact(ctx, customer, s.writeOptions, func(tx *Tx) error {
		if err := fn(tx); err != nil {
			return err
		}
		if !*tx.recorded {
			return ErrUnaudited
		}
		return nil
	})
}

// WriteUnaudited is for housekeeping that nobody did and nobody needs to read
// about; why names it for the reader of the code.
func (s *Store) WriteUnaudited(ctx context.Context, customer portal.CustomerID, why string, fn func(*Tx) error) error {
	return s.transact(ctx, customer, s.writeOptions, fn)
}

func (s *Store) transact(ctx context.Context, customer portal.CustomerID, how *sql.TxOptions, fn func(*Tx) error) (err error) {
	ctx, part := tracing.Begin(ctx, "transaction")
	defer func() { part.End(err) }()
	for try := range tries {
		part.Tries(try + 1)
		err = s.attempt(ctx, customer, how, fn)
		if !again(err) {
			return translate(err)
		}
		if pause(ctx, try) != nil {
			break
		}
		s.meter.Retried()
	}
	s.meter.GaveUp()
	return portal.Unavailable(err)
}

func (s *Store) attempt(ctx context.Context, customer portal.CustomerID, how *sql.TxOptions, fn func(*Tx) error) error {
	tx, err := s.writer.BeginTx(ctx, how)
	if err != nil {
		return err
	}
	var missed []string
	defer func() { s.statements.prepareAll(ctx, s.writer, missed) }()
	defer tx.Rollback() //nolint:errcheck // after a commit it does nothing; after a failure the first error counts
	view := View{q: s.watchTx(onTx{tx, s.writer, s.statements, &missed}), customer: customer, Now: s.now()}
	if err := fn(&Tx{View: view, recorded: new(bool), node: s.node, alone: s.alone}); err != nil {
		return err
	}
	return committed(s.commit(tx))
}

// pause waits a growing, jittered moment before the next try.
func pause(ctx context.Context, try int) error {
	longest := time.Duration(1<<min(try, 6)) * 2 * time.Millisecond
	timer := time.NewTimer(rand.N(longest) + time.Millisecond) // #nosec G404 -- a moment to wait is no secret
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// scanAll reads all rows with scan, which is handed each row in turn.
func scanAll[T any](rows *sql.Rows, err error, scan func(scanner) (T, error)) ([]T, error) {
	if err != nil {
		return nil, translate(err)
	}
	defer rows.Close() //nolint:errcheck // rows.Err below tells what went wrong
	var all []T
	for rows.Next() {
		one, err := scan(rows)
		if err != nil {
			return nil, translate(err)
		}
		all = append(all, one)
	}
	return all, translate(rows.Err())
}

// scanner is a row, alone or of many.
type scanner interface{ Scan(into ...any) error }

// exactlyOne turns the row count of a conditional change into its verdict.
func exactlyOne(n int64, err error) (bool, error) { return n == 1, err }

// mustOne is for a change of a row that has to be there.
func mustOne(n int64, err error) error {
	if err == nil && n != 1 {
		return ErrNotFound
	}
	return err
}
