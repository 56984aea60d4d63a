package fill

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib" // and the driver "pgx"
	_ "modernc.org/sqlite"           // the driver "sqlite"
)

// each runs statements outside of transactions.
func each(ctx context.Context, c *sql.Conn, texts ...string) error {
	for _, text := range texts {
		if _, err := c.ExecContext(ctx, text); err != nil {
			return fmt.Errorf("%s: %w", text, err)
		}
	}
	return nil
}

// lite is SQLite. It checks foreign keys only where it is told to.
type lite struct{ conn *sql.Conn }

func (l lite) hurry(ctx context.Context) error {
	return each(ctx, l.conn, "PRAGMA busy_timeout=5000", "PRAGMA synchronous=OFF", "PRAGMA cache_size=-400000")
}

// settle brings everything to the disk.
func (l lite) settle(ctx context.Context) error {
	return each(ctx, l.conn, "PRAGMA synchronous=FULL", "PRAGMA wal_checkpoint(TRUNCATE)")
}

func (lite) slow(tables ...string) string {
	return `SELECT type, name, sql FROM sqlite_master
		WHERE type IN ('index', 'trigger') AND sql IS NOT NULL AND tbl_name IN ('` + strings.Join(tables, "', '") + `')`
}

func (l lite) load(ctx context.Context, t table, rows [][]any) (err error) {
	tx, err := l.conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, tx.Rollback())
		}
	}()
	values := strings.TrimSuffix(strings.Repeat("?, ", len(t.columns)), ", ")
	insert, err := tx.PrepareContext(ctx, "INSERT INTO "+t.name+" ("+strings.Join(t.columns, ", ")+") VALUES ("+values+")")
	if err != nil {
		return err
	}
	for _, row := range rows {
		if _, err := insert.ExecContext(ctx, row...); err != nil {
			return err
		}
	}
	return errors.Join(insert.Close(), tx.Commit())
}

// postgres is PostgreSQL.
type postgres struct{ conn *sql.Conn }

// hurry also switches triggers off, and with them the check of foreign keys.
func (p postgres) hurry(ctx context.Context) error {
	return each(ctx, p.conn, "SET session_replication_role = replica", "SET synchronous_commit = off", "SET maintenance_work_mem = '512MB'")
}

// settle leaves no work for later, when something is measured.
func (p postgres) settle(ctx context.Context) error {
	return each(ctx, p.conn, "VACUUM ANALYZE", "CHECKPOINT")
}

func (postgres) slow(tables ...string) string {
	return `SELECT 'index', indexname, indexdef FROM pg_indexes
		WHERE schemaname = current_schema() AND tablename IN ('` + strings.Join(tables, "', '") + `')
		AND indexname NOT IN (SELECT conname FROM pg_constraint)`
}

func (p postgres) load(ctx context.Context, t table, rows [][]any) error {
	return p.conn.Raw(func(driver any) error {
		_, err := driver.(*stdlib.Conn).Conn().CopyFrom(ctx, pgx.Identifier{t.name}, t.columns, pgx.CopyFromRows(rows))
		return err
	})
}

// Safety says in the database's own words whether it waits for the disk before
// it acknowledges a change: a throwaway server is often told not to.
func Safety(ctx context.Context, in Into) (words string, err error) {
	err = on(ctx, in, func(f filler) error {
		words, err = f.engine.safety(ctx)
		return err
	})
	return words, err
}

// safety is what the portal itself asks of SQLite, on each connection.
func (lite) safety(context.Context) (string, error) { return "synchronous=FULL", nil }

func (p postgres) safety(ctx context.Context) (string, error) {
	var fsync, commit string
	const query = "SELECT current_setting('fsync'), current_setting('synchronous_commit')"
	err := p.conn.QueryRowContext(ctx, query).Scan(&fsync, &commit)
	return "fsync=" + fsync + ", synchronous_commit=" + commit, err
}
