package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"portal"
	"portal/internal/meter"
)

// Errors that a caller may turn into something else.
var (
	// ErrNotFound says that there is no such row for this customer.
	ErrNotFound = errors.New("no such row")
	// ErrConflict says that a unique rule is broken: the name is taken.
	ErrConflict = errors.New("not unique")
	// ErrUnaudited says that a change recorded no event; it was not committed.
	ErrUnaudited = errors.New("a change without its event is refused")
	// ErrOther says that this is not the database that was expected here.
	ErrOther = errors.New("this is another database")
)

// Config says where the data is.
type Config struct {
	// Database is a postgres:// URL; empty means SQLite in DataFolder.
	Database   string
	DataFolder string
	Now        portal.Clock
	// Node names this process in the events that it writes.
	Node string
	// Meter times the database; nil times nothing.
	Meter *meter.Meter
	// Moving opens either end of a move, which is closed to everybody else.
	Moving bool
	// Born is when the database was made that is expected here, as Store.Born
	// tells it; another one is refused, and left as it is. The zero time expects
	// nothing.
	Born time.Time
}

// Store is the open database.
type Store struct {
	pools
	now        portal.Clock
	node       string
	owner      bool   // the role may change the schema
	knows      string // the newest migration of this program
	statements *statements
	meter      *meter.Meter
	file       fs.FileInfo // of SQLite, as it was opened
}

// Open opens the database, checks what must hold of it, and applies the
// migrations that are missing, where its role may. It is safe when several
// programs start at once.
func Open(ctx context.Context, c Config) (*Store, error) {
	pools, err := openPools(c.Database, c.DataFolder)
	if err != nil {
		return nil, err
	}
	s := &Store{pools: pools, now: c.Now, node: c.Node, statements: newStatements(pools.prepare), meter: c.Meter}
	steps := []func(context.Context) error{s.selfTest, s.settled, s.refuseCutShort, s.refuseOther(c.Born), s.askOwner, s.migrate, s.noteFile}
	if c.Moving {
		steps = slices.Delete(steps, 1, 2)
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return nil, errors.Join(err, s.Close())
		}
	}
	return s, nil
}

// Close ends all connections.
func (s *Store) Close() error { return errors.Join(s.statements.close(), s.close()) }

// Name tells which database is underneath, for the log.
func (s *Store) Name() string { return s.name }

// Ping tells whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	var one int64
	return translate(s.reader.QueryRowContext(ctx, "SELECT 1").Scan(&one))
}

// Skew tells by how much this node's clock is ahead of the database's, as far
// as the way there and back allows to say; negative where it is behind (OT-04).
func (s *Store) Skew(ctx context.Context) (time.Duration, error) {
	if s.clock == "" {
		return 0, s.Ping(ctx)
	}
	var there int64
	before := s.now()
	err := s.reader.QueryRowContext(ctx, s.clock).Scan(&there)
	after := s.now()
	return before.Add(after.Sub(before) / 2).Sub(fromMicros(there)), translate(err)
}

// agreed is the time by which all nodes go where they judge each other: the
// database's, or on SQLite, which has no clock, that of this process.
func (s *Store) agreed(ctx context.Context, from asker) (time.Time, error) {
	if s.clock == "" {
		return s.now(), nil
	}
	rows, err := from.QueryContext(ctx, s.clock)
	at, err := scanAll(rows, err, func(r scanner) (at int64, err error) { return at, r.Scan(&at) })
	if err != nil {
		return time.Time{}, err
	}
	return fromMicros(at[0]), nil // such a question has one answer
}

// selfTest proves that placeholders go by number, not by first appearance: a
// driver that got this wrong would write wrong rows without an error.
func (s *Store) selfTest(ctx context.Context) error {
	var a, b string
	err := s.firstAnswer(ctx, &a, &b)
	if err != nil && !TurnedAway(err) {
		err = translate(err)
	}
	if err != nil {
		return fmt.Errorf("the database cannot be opened: %w", err)
	}
	if a != "two" || b != "one" {
		return errors.New("this database driver mixes up numbered parameters; the portal does not start on it")
	}
	return nil
}

// firstAnswer asks the database something for the first time. Of several
// programs that make one empty SQLite file theirs at the same moment, SQLite
// sends some away at once, without the wait that is set: they ask again.
func (s *Store) firstAnswer(ctx context.Context, into ...any) error {
	const query = "SELECT CAST($2 AS TEXT), CAST($1 AS TEXT)"
	patience, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	for try := 0; ; try++ {
		err := s.writer.QueryRowContext(ctx, query, "one", "two").Scan(into...)
		if !locked(err) || pause(patience, try) != nil {
			return err
		}
	}
}

// querier is what a pool and a transaction have in common.
type querier interface {
	exec(ctx context.Context, query string, args ...any) (int64, error)
	row(ctx context.Context, query string, args ...any) *sql.Row
	rows(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// onPool runs single statements, each its own transaction.
type onPool struct {
	db         *sql.DB
	statements *statements
}

func (p onPool) exec(ctx context.Context, query string, args ...any) (int64, error) {
	prepared, err := p.statements.get(ctx, p.db, query)
	if err != nil {
		return 0, translate(err)
	}
	if prepared == nil {
		return affected(p.db.ExecContext(ctx, query, storable(args)...))
	}
	return affected(prepared.ExecContext(ctx, storable(args)...))
}

func (p onPool) row(ctx context.Context, query string, args ...any) *sql.Row {
	prepared, err := p.statements.get(ctx, p.db, query)
	if err != nil || prepared == nil {
		return p.db.QueryRowContext(ctx, query, storable(args)...)
	}
	return prepared.QueryRowContext(ctx, storable(args)...)
}

func (p onPool) rows(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	prepared, err := p.statements.get(ctx, p.db, query)
	if err != nil || prepared == nil {
		return p.db.QueryContext(ctx, query, storable(args)...)
	}
	return prepared.QueryContext(ctx, storable(args)...)
}

// onTx runs statements inside one transaction, prepared where they are kept. A
// text that is not kept yet is noted and prepared when the transaction is over:
// the pool may have no other connection now.
type onTx struct {
	tx         *sql.Tx
	db         *sql.DB
	statements *statements
	missed     *[]string
}

func (t onTx) exec(ctx context.Context, query string, args ...any) (int64, error) {
	if prepared := t.prepared(ctx, query); prepared != nil {
		return affected(prepared.ExecContext(ctx, storable(args)...))
	}
	return affected(t.tx.ExecContext(ctx, query, storable(args)...))
}

func (t onTx) row(ctx context.Context, query string, args ...any) *sql.Row {
	if prepared := t.prepared(ctx, query); prepared != nil {
		return prepared.QueryRowContext(ctx, storable(args)...)
	}
	return t.tx.QueryRowContext(ctx, query, storable(args)...)
}

func (t onTx) rows(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if prepared := t.prepared(ctx, query); prepared != nil {
		return prepared.QueryContext(ctx, storable(args)...)
	}
	return t.tx.QueryContext(ctx, query, storable(args)...)
}

// prepared returns the kept statement on this transaction's connection.
func (t onTx) prepared(ctx context.Context, query string) *sql.Stmt {
	kept, keeps := t.statements.have(statementKey{t.db, query})
	if kept == nil {
		if keeps {
			*t.missed = append(*t.missed, query)
		}
		return nil
	}
	return t.tx.StmtContext(ctx, kept)
}

// storable replaces in the texts among args what PostgreSQL refuses and SQLite
// would keep: NUL and broken UTF-8. No stored name has the replacement sign, so
// that a look-up by such a text finds nothing, alike on both databases.
func storable(args []any) []any {
	for i, arg := range args {
		v := reflect.ValueOf(arg)
		if v.Kind() == reflect.String {
			args[i] = strings.ReplaceAll(strings.ToValidUTF8(v.String(), "\uFFFD"), "\x00", "\uFFFD")
		}
	}
	return args
}

// affected is the row count of a change, which is often its verdict.
func affected(result sql.Result, err error) (int64, error) {
	if err != nil {
		return 0, translate(err)
	}
	return result.RowsAffected()
}

// statements keeps prepared statements by pool and text. All texts are
// constants of this package, so their number is bounded.
type statements struct {
	mu   sync.RWMutex
	kept map[statementKey]*sql.Stmt // nil where nothing is to be kept
}

type statementKey struct {
	db   *sql.DB
	text string
}

func newStatements(keep bool) *statements {
	if !keep {
		return &statements{}
	}
	return &statements{kept: make(map[statementKey]*sql.Stmt)}
}

// get returns the prepared statement, or nil where none is kept.
func (s *statements) get(ctx context.Context, db *sql.DB, text string) (*sql.Stmt, error) {
	if s.kept == nil {
		return nil, nil
	}
	key := statementKey{db, text}
	if have, _ := s.have(key); have != nil {
		return have, nil
	}
	return s.add(ctx, key)
}

// have returns the prepared statement where it is kept, and whether any are.
func (s *statements) have(key statementKey) (kept *sql.Stmt, keeps bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.kept[key], s.kept != nil
}

// prepareAll prepares what a transaction has missed. Where it fails, the next
// transaction runs unprepared again.
func (s *statements) prepareAll(ctx context.Context, db *sql.DB, texts []string) {
	for _, text := range texts {
		_, _ = s.get(ctx, db, text)
	}
}

// add prepares without holding the lock: the one connection of the pool may
// belong to a transaction that is waiting for that lock.
func (s *statements) add(ctx context.Context, key statementKey) (*sql.Stmt, error) {
	made, err := key.db.PrepareContext(ctx, key.text)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if have := s.kept[key]; have != nil {
		return have, made.Close()
	}
	s.kept[key] = made
	return made, nil
}

func (s *statements) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []error
	for _, statement := range s.kept {
		all = append(all, statement.Close())
	}
	return errors.Join(all...)
}

// micros is how a time is stored; the zero time is stored as 0.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// flag is how a yes or no is stored.
func flag(yes bool) int64 {
	if yes {
		return 1
	}
	return 0
}

// fromMicros is the way back.
func fromMicros(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.UnixMicro(n).UTC()
}
