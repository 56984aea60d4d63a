package store

import (
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// dialect is the only place that knows which database is underneath.
type dialect struct {
	name string
	// tokens are replaced in the migrations.
	tokens *strings.Replacer
	// writeOptions open a writing transaction; SQLite's writer pool begins
	// immediate by its DSN instead.
	writeOptions *sql.TxOptions
	// alone says that one transaction writes at a time, whatever its rows are.
	alone bool
	// sealOptions and readOptions open transactions that see one moment; SQLite's
	// always do.
	sealOptions, readOptions *sql.TxOptions
	// lock makes programs that migrate at once wait for each other; SQLite's
	// immediate transaction is such a lock already. yield lets a migration that
	// finds a table in use give way, rather than hold up everybody who comes
	// after it: it is shorter than the time after which PostgreSQL looks for a
	// deadlock, so that the migration steps back and never a request.
	lock, yield string
	// owns asks whether the role of the connection may change the schema: it owns
	// what is there, or may make the first table. Empty: it always may.
	owns string
	// has asks whether there is a table, roughly how many rows {table} has.
	has, roughly string
	// prepare keeps prepared statements; pgx has a cache of its own.
	prepare bool
	// clock asks for the database's time in microseconds; empty where the
	// database runs in this process and has no clock of its own.
	clock string
	// guards lists the triggers that are in force, with what each does.
	guards string
	// tables lists the tables of the portal's schema.
	tables string
	// begun asks whether a restore has begun and did not end; empty where one is
	// there as a whole or not at all.
	begun string
}

func sqliteDialect() dialect {
	return dialect{
		name: "sqlite", prepare: true, alone: true,
		guards: "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'",
		tables: "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name",
		tokens: strings.NewReplacer(
			"{key}", "TEXT", "{text}", "TEXT", "{bytes}", "BLOB", "{strict}", "STRICT",
			"{identity}", "INTEGER PRIMARY KEY AUTOINCREMENT", "BIGINT", "INTEGER",
		),
		has:     "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = $1)",
		roughly: "SELECT COALESCE(MAX(rowid), 0) FROM {table}",
	}
}

func postgresDialect() dialect {
	return dialect{
		name: "postgres",
		guards: `SELECT t.tgname, p.prosrc FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid JOIN pg_class c ON c.oid = t.tgrelid
			WHERE NOT t.tgisinternal AND t.tgenabled IN ('O', 'A') AND c.relnamespace = current_schema()::regnamespace`,
		tokens: strings.NewReplacer(
			"{key}", `TEXT COLLATE "C"`, "{text}", `TEXT COLLATE "C"`, "{bytes}", "BYTEA", "{strict}", "",
			"{identity}", "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
		),
		writeOptions: &sql.TxOptions{Isolation: sql.LevelSerializable},
		sealOptions:  &sql.TxOptions{Isolation: sql.LevelRepeatableRead},
		readOptions:  &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true},
		lock:         "SELECT pg_advisory_xact_lock(7067411)",
		yield:        "SET LOCAL lock_timeout = '500ms'",
		has:          "SELECT to_regclass($1) IS NOT NULL",
		roughly:      "SELECT GREATEST(reltuples, 0)::BIGINT FROM pg_class WHERE oid = to_regclass('{table}')",
		tables:       "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() AND tablename <> '" + restoring + "' ORDER BY tablename",
		begun:        "SELECT to_regclass('" + restoring + "') IS NOT NULL",
		clock:        "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)",
		owns: `SELECT COALESCE(CASE WHEN to_regclass('schema_migrations') IS NULL THEN has_schema_privilege(current_schema(), 'CREATE')
			ELSE pg_has_role((SELECT relowner FROM pg_class WHERE oid = to_regclass('schema_migrations')), 'USAGE') END, FALSE)`,
	}
}

// sqliteFile is the database in the data folder.
const sqliteFile = "portal.db"

// pools are the two ways into the database: one that writes, one that reads.
type pools struct {
	dialect
	place          string // the file, or the URL
	writer, reader *sql.DB
}

// openPools opens the database that the URL names; without a URL it is the
// SQLite file portal.db in the data folder.
func openPools(database, dataFolder string) (pools, error) {
	switch {
	case database == "":
		return openSQLite(filepath.Join(dataFolder, sqliteFile))
	case isPostgres(database):
		return openPostgres(database)
	}
	return pools{}, fmt.Errorf("the database %q is not known: leave it empty for SQLite or give postgres://…", Place(database))
}

func isPostgres(database string) bool {
	return strings.HasPrefix(database, "postgres://") || strings.HasPrefix(database, "postgresql://")
}

func openSQLite(path string) (pools, error) {
	pragmas := []string{
		"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)", "cache_size(-4000)",
	}
	base := url.Values{"_pragma": pragmas, "_defensive": {"1"}}
	writer, err := sql.Open("sqlite", sqliteDSN(path, base, "_txlock", "immediate"))
	if err != nil {
		return pools{}, err
	}
	reader, err := sql.Open("sqlite", sqliteDSN(path, base, "_pragma", "query_only(1)"))
	if err != nil {
		return pools{}, err
	}
	writer.SetMaxOpenConns(1)
	reader.SetMaxOpenConns(4)
	reader.SetMaxIdleConns(4)
	return pools{dialect: sqliteDialect(), place: path, writer: writer, reader: reader}, nil
}

func sqliteDSN(path string, base url.Values, key, value string) string {
	values := url.Values{}
	for k, v := range base {
		values[k] = append(values[k], v...)
	}
	values.Add(key, value)
	return (&url.URL{Scheme: "file", Opaque: escapePath(path), RawQuery: values.Encode()}).String()
}

// escapePath keeps a path's slashes and escapes what a URI would misread.
func escapePath(path string) string {
	return strings.ReplaceAll(url.PathEscape(path), "%2F", "/")
}

func openPostgres(database string) (pools, error) {
	database, err := protected(database)
	if err != nil {
		return pools{}, err
	}
	config, err := reaching(database)
	if err != nil {
		return pools{}, err
	}
	db := stdlib.OpenDB(*config)
	db.SetMaxOpenConns(20)
	db.SetMaxIdleConns(20)
	return pools{dialect: postgresDialect(), place: database, writer: db, reader: db}, nil
}

func (p pools) close() error {
	if p.reader == p.writer {
		return p.writer.Close()
	}
	return errors.Join(p.reader.Close(), p.writer.Close())
}

// conflict tells whether a unique rule of the database was broken.
func conflict(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code == "23505"
	}
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		return lite.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || lite.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY
	}
	return false
}
