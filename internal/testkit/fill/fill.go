// Package fill puts very many people and events into a new database at once, so
// that a measurement can begin: a million people in about a minute, where adding
// them one by one as the portal does would take hours. It writes the rows that the portal
// would have written, past the portal: no event, no waiting for the disk, no
// check of a foreign key, and indexes only at the end. A database that it did
// not finish is to be thrown away.
package fill

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"time"

	"portal"
)

// Into says what to fill: a database that the portal has made, as store.Config
// names it, with customers who have nobody yet.
type Into struct {
	// Database is the postgres:// URL of a superuser; empty means SQLite in
	// DataFolder.
	Database, DataFolder string
	Now                  time.Time
}

// Person is a user with a password and a 2FA state.
type Person struct {
	portal.User
	PasswordHash string
	// Authenticator and its sealed secret belong to every state but none.
	Authenticator portal.AuthenticatorID
	Secret        []byte
	// Browser is the digest of the token of a browser that the account knows;
	// nil is none.
	Browser []byte
}

// Session is a signed-in browser of a person.
type Session struct {
	ID       portal.SessionID
	Customer portal.CustomerID
	User     portal.UserID
	Digest   []byte
	Proofs   string
	Expires  time.Time
	Address  string
	Agent    string
}

// batch is how many people share a transaction. Their search terms are written
// in order, so that a page of the index is visited once for a batch.
const batch = 100_000

// engine is one of the two databases, on one connection.
type engine interface {
	// hurry gives up what makes a change safe, settle ends that.
	hurry(ctx context.Context) error
	settle(ctx context.Context) error
	// slow is a query for all that makes adding rows to the tables slow and can be
	// made again: what it is, its name, its definition. That is every index that
	// belongs to no constraint, and a trigger where it cannot be silenced.
	slow(tables ...string) string
	// load adds rows to a table.
	load(ctx context.Context, t table, rows [][]any) error
	// safety is the answer to Safety.
	safety(ctx context.Context) (string, error)
}

// Users adds all people.
func Users(ctx context.Context, in Into, all iter.Seq[Person]) error {
	return on(ctx, in, func(f filler) error { return f.fill(ctx, all) })
}

// Sessions signs people in.
func Sessions(ctx context.Context, in Into, all iter.Seq[Session]) error {
	return on(ctx, in, func(f filler) error {
		if err := f.engine.hurry(ctx); err != nil {
			return err
		}
		var rows [][]any
		for s := range all {
			rows = append(rows, sessionRow(in, s))
		}
		return errors.Join(f.engine.load(ctx, sessionsTable(), rows), f.engine.settle(ctx))
	})
}

// Events adds events to the trail. They wait for no seal: the trail as a whole
// cannot be verified afterwards.
func Events(ctx context.Context, in Into, all iter.Seq[portal.Event]) error {
	return on(ctx, in, func(f filler) error {
		return f.quickly(ctx, []string{"events"}, func() error { return f.events(ctx, all) })
	})
}

// on opens the database for as long as work takes.
func on(ctx context.Context, in Into, work func(filler) error) (err error) {
	driver, address := in.source()
	db, err := sql.Open(driver, address)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	c, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	f := filler{Into: in, conn: c, engine: lite{c}}
	if in.Database != "" {
		f.engine = postgres{c}
	}
	return work(f)
}

// source is the driver and its name for the database.
func (in Into) source() (driver, address string) {
	if in.Database != "" {
		return "pgx", in.Database
	}
	return "sqlite", filepath.Join(in.DataFolder, "portal.db")
}

// filler fills one database.
type filler struct {
	Into
	conn   *sql.Conn
	engine engine
}

func (f filler) fill(ctx context.Context, all iter.Seq[Person]) error {
	return f.quickly(ctx, []string{"users", "user_terms", "authenticators", "browsers"}, func() error { return f.people(ctx, all) })
}

// quickly adds rows to tables while nothing of them is slow.
func (f filler) quickly(ctx context.Context, tables []string, add func() error) error {
	if err := f.engine.hurry(ctx); err != nil {
		return err
	}
	definitions, err := f.dropSlow(ctx, tables)
	if err != nil {
		return err
	}
	if err := add(); err != nil {
		return err
	}
	for _, definition := range definitions {
		if _, err := f.conn.ExecContext(ctx, definition); err != nil {
			return fmt.Errorf("%s: %w", definition, err)
		}
	}
	return f.engine.settle(ctx)
}

// dropSlow drops what can be made again in its own words, and returns these
// words. To sort once costs a fraction of keeping order all along.
func (f filler) dropSlow(ctx context.Context, tables []string) (definitions []string, err error) {
	rows, err := f.conn.QueryContext(ctx, f.engine.slow(tables...))
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // Err tells what went wrong
	var names []string
	for rows.Next() {
		var kind, name, definition string
		if err := rows.Scan(&kind, &name, &definition); err != nil {
			return nil, err
		}
		names, definitions = append(names, kind+" "+name), append(definitions, definition)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, err
	}
	for _, name := range names {
		if _, err := f.conn.ExecContext(ctx, "DROP "+name); err != nil {
			return nil, err
		}
	}
	return definitions, nil
}

// people writes the people batch by batch, and then how many there are.
func (f filler) people(ctx context.Context, all iter.Seq[Person]) error {
	counts := map[standing]int64{}
	some := make([]Person, 0, batch)
	for p := range all {
		counts[standing{p.CustomerID, p.Role, p.Stored}]++
		if some = append(some, p); len(some) == batch {
			if err := f.write(ctx, some); err != nil {
				return err
			}
			some = some[:0]
		}
	}
	if err := f.write(ctx, some); err != nil {
		return err
	}
	return f.engine.load(ctx, countsTable(), countRows(counts))
}

// events writes the events batch by batch.
func (f filler) events(ctx context.Context, all iter.Seq[portal.Event]) error {
	rows := make([][]any, 0, batch)
	for e := range all {
		if rows = append(rows, eventRow(e)); len(rows) == batch {
			if err := f.engine.load(ctx, eventsTable(), rows); err != nil {
				return err
			}
			rows = rows[:0]
		}
	}
	return f.engine.load(ctx, eventsTable(), rows)
}

// write adds the rows that some people have in each table.
func (f filler) write(ctx context.Context, some []Person) error {
	for _, t := range tables() {
		var rows [][]any
		for _, p := range some {
			rows = append(rows, t.rows(f.Into, p)...)
		}
		sortByTerm(rows)
		if err := f.engine.load(ctx, t.table, rows); err != nil {
			return fmt.Errorf("%s: %w", t.name, err)
		}
	}
	return nil
}
