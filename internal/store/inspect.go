package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"net/url"
	"path/filepath"
)

// Inspect opens the database to look at it, whatever its schema: nothing is
// made or migrated, and a SQLite file is opened so that it cannot be written.
// What Schema does not find in order must not be read any further.
func Inspect(ctx context.Context, c Config) (*Store, error) {
	pools, err := openToRead(c)
	if err != nil {
		return nil, err
	}
	s := &Store{pools: pools, now: c.Now, node: c.Node, statements: newStatements(false)}
	if err := cmp.Or(s.Ping(ctx), s.refuseOther(c.Born)(ctx), s.askOwner(ctx)); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func openToRead(c Config) (pools, error) {
	if c.Database != "" {
		return openPools(c.Database, c.DataFolder)
	}
	path := filepath.Join(c.DataFolder, sqliteFile)
	options := url.Values{"_pragma": {"busy_timeout(5000)", "query_only(1)", "cache_size(-4000)"}}
	db, err := sql.Open("sqlite", sqliteDSN(path, options, "mode", "ro"))
	if err != nil {
		return pools{}, err
	}
	return pools{dialect: sqliteDialect(), writer: db, reader: db}, nil
}

// SchemaState is how the schema stands to this program.
type SchemaState struct {
	// CutShort: a restore has begun here and did not end.
	CutShort bool
	// Absent: no portal has written to this database yet.
	Absent bool
	// Pending are the migrations that it lacks.
	Pending []string
	// Foreign says why another program's schema cannot be used.
	Foreign error
	// Elsewhere says why the data is not here: it has moved, or not come yet.
	Elsewhere string
}

// Current tells whether this program can read what is there.
func (s SchemaState) Current() bool {
	return !s.CutShort && !s.Absent && len(s.Pending) == 0 && s.Foreign == nil && s.Elsewhere == ""
}

// Schema compares the schema with what this program wants, and changes nothing.
func (s *Store) Schema(ctx context.Context) (state SchemaState, err error) {
	if state.CutShort, err = s.cutShort(ctx); err != nil || state.CutShort {
		return state, err
	}
	var there bool
	if err := s.reader.QueryRowContext(ctx, s.has, "schema_migrations").Scan(&there); err != nil {
		return state, translate(err)
	}
	if !there {
		return SchemaState{Absent: true}, nil
	}
	wanted, err := s.migrations()
	if err != nil {
		return state, err
	}
	applied, err := appliedMigrations(ctx, s.reader)
	if err != nil {
		return state, err
	}
	if state.Foreign = comparable(wanted, applied); state.Foreign != nil {
		return state, nil
	}
	for _, m := range wanted[len(applied):] {
		state.Pending = append(state.Pending, m.name)
	}
	state.Elsewhere, err = s.elsewhere(ctx)
	return state, err
}

// HasRoles tells whether the database knows roles with rights of their own.
func (s *Store) HasRoles() bool { return s.owns != "" }
