package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"portal"
)

// MoveConfig says what moves where.
type MoveConfig struct {
	// From is SQLite, To is PostgreSQL; both were opened with Config.Moving, so
	// that this program has brought their schema up to date.
	From, To *Store
	// FromName and ToName tell people which they are, without a password.
	FromName, ToName string
	// ID names a new move.
	ID string
	// Tell says how far it is.
	Tell func(format string, args ...any)
	// Closed is called once the source is closed for good, before anything is
	// done at the target.
	Closed func() error
	// Done records the move in the transaction that opens the new place.
	Done func(tx *Tx, rows int64) error
}

// errChanged says that the source has changed since an earlier try.
var errChanged = errors.New("a table of an earlier try is not the source's")

// mover is a move under way.
type mover struct {
	MoveConfig
	held *sql.Tx // of the source: while it is open, nobody else writes there
	rows int64
}

// Move takes everything from SQLite to PostgreSQL: each row as it is, sealed
// values, digests and counters included. It may be cut off at any moment and run
// again: a table is there as a whole or not at all, and is compared by the number
// of rows and the digest of all of them, computed here on both sides. At no
// moment do both ends serve: the target does not until everything is there, and
// before it does the source is closed for good.
func Move(ctx context.Context, c MoveConfig) error {
	m := &mover{MoveConfig: c}
	if !c.To.owner {
		return errors.New("a move needs the database role that owns the target; see portal migrate for the role of the service")
	}
	id, err := m.begin(ctx)
	if err != nil {
		return err
	}
	m.held, err = m.From.writer.BeginTx(ctx, nil)
	if err != nil {
		return translate(err)
	}
	defer m.held.Rollback() //nolint:errcheck // after a commit it does nothing
	if err := m.quiet(ctx, m.held); err != nil {
		return err
	}
	done, err := m.claim(ctx, id)
	if err != nil || done {
		return err
	}
	if err := m.fill(ctx); err != nil {
		return err
	}
	if err := m.closeSource(ctx); err != nil {
		return err
	}
	m.Tell("%s is closed.", m.FromName)
	if err := m.Closed(); err != nil {
		return err
	}
	return m.openTarget(ctx, id)
}

// begin notes the move at the source, unless an earlier try has.
func (m *mover) begin(ctx context.Context) (id string, err error) {
	tx, err := m.From.writer.BeginTx(ctx, nil)
	if err != nil {
		return "", translate(err)
	}
	defer tx.Rollback() //nolint:errcheck // after a commit it does nothing
	if err := m.quiet(ctx, tx); err != nil {
		return "", err
	}
	note, err := m.From.moveNote(ctx, tx)
	switch {
	case err == nil && !note.Done.IsZero() && note.Other != m.ToName:
		return "", fmt.Errorf("everything in this database has moved to %s on %s", note.Other, note.Done.Format(time.DateTime))
	case err == nil && note.Place == moveSource:
		return note.ID, nil
	case err == nil:
		return "", errors.New("this database was itself the target of a move, which is not finished")
	case !errors.Is(err, ErrNotFound):
		return "", err
	}
	if err := m.note(ctx, tx, m.From, moveNote{ID: m.ID, Place: moveSource, Other: m.ToName}); err != nil {
		return "", err
	}
	return m.ID, tx.Commit()
}

func (m *mover) note(ctx context.Context, tx *sql.Tx, at *Store, n moveNote) error {
	const query = "INSERT INTO moves (id, place, other, started_at, done_at) VALUES ($1, $2, $3, $4, 0)"
	_, err := tx.ExecContext(ctx, query, n.ID, n.Place, n.Other, micros(at.now()))
	return translate(err)
}

// quiet holds that no server runs on the source: it would lose what it writes.
func (m *mover) quiet(ctx context.Context, tx *sql.Tx) error {
	const query = "SELECT host, seen_at FROM nodes WHERE seen_at > $1 ORDER BY seen_at DESC LIMIT 1"
	var host string
	var seen int64
	now := m.From.now()
	err := translate(tx.QueryRowContext(ctx, query, micros(now.Add(-Alive))).Scan(&host, &seen))
	switch {
	case errors.Is(err, ErrNotFound):
		return nil
	case err != nil:
		return err
	}
	return fmt.Errorf("a portal is running on this data (on %s, seen %s ago): stop it and start the move again. "+
		"One that was killed counts as running for a minute", host, now.Sub(fromMicros(seen)).Round(time.Second))
}

// claim makes the target this move's own. It has to be empty, or half filled by
// an earlier try. True means that the move is over already.
func (m *mover) claim(ctx context.Context, id string) (done bool, err error) {
	note, err := m.To.moveNote(ctx, m.To.writer)
	switch {
	case errors.Is(err, ErrNotFound):
		return false, m.claimEmpty(ctx, id)
	case err != nil:
		return false, err
	case note.ID != id || note.Place != moveTarget:
		return false, fmt.Errorf("%s belongs to another move (of %s); name an empty database", m.ToName, note.Other)
	case note.Done.IsZero():
		m.Tell("An earlier try is gone on with.")
		return false, nil
	}
	source, err := m.From.moveNote(ctx, m.held)
	if err == nil && source.Done.IsZero() {
		err = fmt.Errorf("everything has moved to %s on %s; this database is a copy of before", m.ToName, note.Done.Format(time.DateTime))
	}
	if err == nil {
		m.Tell("Everything has moved to %s already.", m.ToName)
	}
	return true, err
}

func (m *mover) claimEmpty(ctx context.Context, id string) error {
	for _, table := range movedTables() {
		if err := m.wantsEmpty(ctx, table); err != nil {
			return err
		}
	}
	tx, err := m.To.writer.BeginTx(ctx, nil)
	if err != nil {
		return translate(err)
	}
	defer tx.Rollback() //nolint:errcheck // after a commit it does nothing
	if err := m.clear(ctx, tx); err != nil {
		return err
	}
	if err := m.note(ctx, tx, m.To, moveNote{ID: id, Place: moveTarget, Other: m.FromName}); err != nil {
		return err
	}
	return translate(tx.Commit())
}

// wantsEmpty holds that nobody has used the target. The row of the installation
// itself comes with the schema.
func (m *mover) wantsEmpty(ctx context.Context, table string) error {
	condition := ""
	if table == "customers" {
		condition = " WHERE id <> 'installation'"
	}
	var used bool
	query := "SELECT EXISTS (SELECT 1 FROM " + table + condition + ")" // #nosec G202 -- the names are constants of this file
	if err := m.To.writer.QueryRowContext(ctx, query).Scan(&used); err != nil {
		return translate(err)
	}
	if used {
		return fmt.Errorf("%s is not empty (there are rows in %s); name an empty database. Nothing was changed", m.ToName, table)
	}
	return nil
}

// clear empties the target, past the triggers that keep an audit trail as it
// was written: this one is not written yet.
func (m *mover) clear(ctx context.Context, tx *sql.Tx) error {
	all := movedTables()
	texts := []string{"TRUNCATE " + strings.Join(all, ", ")}
	for _, table := range all {
		texts = append([]string{"ALTER TABLE " + table + " DISABLE TRIGGER USER"}, texts...)
		texts = append(texts, "ALTER TABLE "+table+" ENABLE TRIGGER USER")
	}
	for _, text := range texts {
		if _, err := tx.ExecContext(ctx, text); err != nil {
			return translate(err)
		}
	}
	return nil
}

// fill brings all tables over. Where the source has changed since an earlier
// try, all of them begin anew.
func (m *mover) fill(ctx context.Context) error {
	err := m.tables(ctx)
	if errors.Is(err, errChanged) {
		m.Tell("The source has changed since then: everything begins anew.")
		if err = m.startOver(ctx); err == nil {
			err = m.tables(ctx)
		}
	}
	if err == nil {
		err = m.serials(ctx)
	}
	if err == nil {
		_, err = m.To.writer.ExecContext(ctx, "ANALYZE")
	}
	return translate(err)
}

func (m *mover) startOver(ctx context.Context) error {
	tx, err := m.To.writer.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after a commit it does nothing
	if err := m.clear(ctx, tx); err != nil {
		return err
	}
	return tx.Commit()
}

// serials lets the target count on where the source has stopped, so that no
// number is given out twice, not even that of a pruned event.
func (m *mover) serials(ctx context.Context) error {
	for table, column := range movedSerials() {
		const last = "SELECT COALESCE((SELECT seq FROM sqlite_sequence WHERE name = $1), 0)"
		var n int64
		if err := m.held.QueryRowContext(ctx, last, table).Scan(&n); err != nil {
			return err
		}
		const query = "SELECT setval(pg_get_serial_sequence($1, $2), GREATEST($3::BIGINT, 1), $3::BIGINT > 0)"
		if _, err := m.To.writer.ExecContext(ctx, query, table, column, n); err != nil {
			return err
		}
	}
	return nil
}

// closeSource ends the writing at the source for good, whoever tries: also a
// server that was asleep all the time, or of a version that knows no moves.
func (m *mover) closeSource(ctx context.Context) error {
	note, err := m.From.moveNote(ctx, m.held)
	if err != nil || !note.Done.IsZero() {
		return err
	}
	word := strings.ReplaceAll("everything has moved to "+m.ToName, "'", "''")
	for _, table := range append(movedTables(), "nodes") {
		for _, deed := range []string{"INSERT", "UPDATE", "DELETE"} {
			text := fmt.Sprintf("CREATE TRIGGER moved_%s_%s BEFORE %s ON %s BEGIN SELECT RAISE(ABORT, '%s'); END", table, strings.ToLower(deed), deed, table, word) // #nosec G201 -- a name of a constant, and a quoted word
			if _, err := m.held.ExecContext(ctx, text); err != nil {
				return translate(err)
			}
		}
	}
	if _, err := m.held.ExecContext(ctx, "UPDATE moves SET other = $1, done_at = $2", m.ToName, micros(m.From.now())); err != nil {
		return translate(err)
	}
	return translate(m.held.Commit())
}

// openTarget lets the new place serve.
func (m *mover) openTarget(ctx context.Context, id string) error {
	return m.To.Write(ctx, portal.NoCustomer, func(tx *Tx) error {
		if err := mustOne(tx.q.exec(ctx, "UPDATE moves SET done_at = $2 WHERE id = $1", id, micros(tx.Now))); err != nil {
			return err
		}
		return m.Done(tx, m.rows)
	})
}
