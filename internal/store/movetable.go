package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// movedStep is after how many rows a move says how far it is.
const movedStep = 100_000

// tally counts rows and adds up their digests. The order in which they come
// does not matter, and what differs in one row differs in the sum.
type tally struct {
	rows  int64
	total [sha256.Size / 8]uint64
	row   []byte
}

// add takes one more row in.
func (t *tally) add(values []any) error {
	t.row = t.row[:0]
	for _, value := range values {
		switch v := value.(type) {
		case nil:
			t.row = append(t.row, 'n')
		case int64:
			t.row = binary.BigEndian.AppendUint64(append(t.row, 'i'), uint64(v)) // #nosec G115 -- only the bits count
		case string:
			t.row = append(binary.BigEndian.AppendUint64(append(t.row, 's'), uint64(len(v))), v...)
		case []byte:
			t.row = append(binary.BigEndian.AppendUint64(append(t.row, 'b'), uint64(len(v))), v...)
		default:
			return fmt.Errorf("a value of the type %T cannot be moved", value)
		}
	}
	digest := sha256.Sum256(t.row)
	for i := range t.total {
		t.total[i] += binary.BigEndian.Uint64(digest[8*i:])
	}
	t.rows++
	return nil
}

func (t *tally) same(other *tally) bool { return t.rows == other.rows && t.total == other.total }

// String is how people compare two of them.
func (t *tally) String() string { return fmt.Sprintf("%016x", t.total[0]) }

// table is one table on its way.
type table struct {
	name    string
	columns []string
}

func (t table) query() string {
	return "SELECT " + strings.Join(t.columns, ", ") + " FROM " + t.name // #nosec G202 -- the names are of the schema
}

// tables brings over what is not there yet, and compares each.
func (m *mover) tables(ctx context.Context) error {
	m.rows = 0
	for _, name := range movedTables() {
		t, err := m.describe(ctx, name)
		if err == nil {
			err = m.table(ctx, t)
		}
		if err != nil {
			return fmt.Errorf("the table %s: %w", name, err)
		}
	}
	return nil
}

func (m *mover) describe(ctx context.Context, name string) (table, error) {
	rows, err := m.held.QueryContext(ctx, "SELECT name FROM pragma_table_info($1) ORDER BY cid", name)
	columns, err := scanAll(rows, err, func(r scanner) (name string, err error) { return name, r.Scan(&name) })
	return table{name, columns}, err
}

func (m *mover) table(ctx context.Context, t table) error {
	there, err := m.count(ctx, m.To.writer, t)
	if err != nil {
		return err
	}
	how, source := "was there already", there
	if there.rows > 0 {
		source, err = m.count(ctx, m.held, t)
	} else {
		how = "moved"
		if source, err = m.bring(ctx, t); err == nil {
			there, err = m.count(ctx, m.To.writer, t)
		}
	}
	switch {
	case err != nil:
		return err
	case !there.same(source) && how != "moved":
		return errChanged
	case !there.same(source):
		return fmt.Errorf("it has arrived with %d rows (digest %s) of %d (digest %s); the target is not used. Run the move again, into another database", there.rows, there, source.rows, source)
	}
	m.rows += source.rows
	m.Tell("%s: %d rows, %s, the same on both sides (digest %s)", t.name, source.rows, how, source)
	return nil
}

// count reads a whole table.
func (m *mover) count(ctx context.Context, from asker, t table) (*tally, error) {
	source, err := t.read(ctx, from)
	if err != nil {
		return nil, err
	}
	defer source.rows.Close() //nolint:errcheck // Err tells what went wrong
	for source.Next() {
		if _, err := source.Values(); err != nil {
			return nil, err
		}
	}
	return source.tally, translate(source.Err())
}

// bring copies a table in one transaction. The triggers of the target are off
// in it: what they would add is in the source already.
func (m *mover) bring(ctx context.Context, t table) (*tally, error) {
	source, err := t.read(ctx, m.held)
	if err != nil {
		return nil, err
	}
	defer source.rows.Close() //nolint:errcheck // Err tells what went wrong
	source.tell = func() { m.Tell("%s: %d rows so far", t.name, source.tally.rows) }
	conn, err := m.To.writer.Conn(ctx)
	if err != nil {
		return nil, translate(err)
	}
	defer conn.Close() //nolint:errcheck // it only goes back into the pool
	err = conn.Raw(func(driver any) error {
		own, ok := driver.(*stdlib.Conn)
		if !ok {
			return fmt.Errorf("the target is %T, not PostgreSQL", driver)
		}
		return pgx.BeginFunc(ctx, own.Conn(), func(tx pgx.Tx) error { return t.copy(ctx, tx, source) })
	})
	return source.tally, translate(err)
}

func (t table) copy(ctx context.Context, tx pgx.Tx, source *tableRows) error {
	if _, err := tx.Exec(ctx, "ALTER TABLE "+t.name+" DISABLE TRIGGER USER"); err != nil {
		return err
	}
	if _, err := tx.CopyFrom(ctx, pgx.Identifier{t.name}, t.columns, source); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, "ALTER TABLE "+t.name+" ENABLE TRIGGER USER")
	return err
}

// tableRows are the rows of a table one after the other, tallied as they pass.
type tableRows struct {
	rows  *sql.Rows
	tally *tally
	into  []any
	row   []any
	tell  func()
}

func (t table) read(ctx context.Context, from asker) (*tableRows, error) {
	rows, err := from.QueryContext(ctx, t.query())
	if err != nil {
		return nil, translate(err)
	}
	r := &tableRows{rows: rows, tally: &tally{}, row: make([]any, len(t.columns)), into: make([]any, len(t.columns))}
	for i := range r.row {
		r.into[i] = &r.row[i]
	}
	return r, nil
}

// Next goes on to the next row.
func (r *tableRows) Next() bool { return r.rows.Next() }

// Values is that row.
func (r *tableRows) Values() ([]any, error) {
	if err := r.rows.Scan(r.into...); err != nil {
		return nil, err
	}
	for i, value := range r.row {
		if bytes, ok := value.([]byte); ok && bytes == nil { // as SQLite's driver hands over bytes that are none
			r.row[i] = []byte{}
		}
	}
	if err := r.tally.add(r.row); err != nil {
		return nil, err
	}
	if r.tell != nil && r.tally.rows%movedStep == 0 {
		r.tell()
	}
	return r.row, nil
}

// Err tells why there was no next row.
func (r *tableRows) Err() error { return r.rows.Err() }
