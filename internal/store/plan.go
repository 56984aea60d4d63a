package store

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Step is a migration that is still to run.
type Step struct {
	Name string
	// Adds tells that programs which do not know it go on beside it. Since is set
	// where it takes something away: the migration from which on no program needs
	// that. Behind are the running nodes that still do; it would be refused.
	Adds   bool
	Since  string
	Behind []string
	// Statements are what it would say to this database, without comments.
	Statements []Statement
}

// Statement is one statement of a migration. Rows is about how many rows the
// table has that it changes; 0 where it is new, or nobody knows.
type Statement struct {
	Text, Table string
	Rows        int64
}

// Plan tells which migrations would run and how many have, and changes nothing.
func Plan(ctx context.Context, c Config) (applied int, steps []Step, err error) {
	pools, err := openPools(c.Database, c.DataFolder)
	if err != nil {
		return 0, nil, err
	}
	s := &Store{pools: pools, now: c.Now, statements: newStatements(false)}
	defer s.Close() //nolint:errcheck // it has only read
	wanted, err := s.migrations()
	if err != nil {
		return 0, nil, err
	}
	if c.Database == "" && !exists(filepath.Join(c.DataFolder, sqliteFile)) { // the first query would make it
		return 0, plain(wanted), nil
	}
	return s.plan(ctx, wanted)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

func (s *Store) plan(ctx context.Context, wanted []migration) (applied int, steps []Step, err error) {
	var there bool
	if err := s.reader.QueryRowContext(ctx, s.has, "schema_migrations").Scan(&there); err != nil {
		return 0, nil, translate(err)
	}
	if !there {
		return 0, plain(wanted), nil
	}
	have, err := appliedMigrations(ctx, s.reader)
	if err != nil {
		return 0, nil, err
	}
	if err := comparable(wanted, have); err != nil {
		return 0, nil, err
	}
	pending := wanted[len(have):]
	steps = plain(pending)
	for i, m := range pending {
		known := slices.ContainsFunc(have, func(h migration) bool { return h.name == m.since })
		if known { // else the nodes do not say yet how new they are
			steps[i].Behind, err = s.behind(ctx, s.reader, m)
		}
		if err := errors.Join(err, s.measure(ctx, steps[i].Statements)); err != nil {
			return 0, nil, err
		}
	}
	return len(have), steps, nil
}

// plain is what the files say by themselves.
func plain(pending []migration) (steps []Step) {
	for _, m := range pending {
		step := Step{Name: m.name, Adds: m.adds, Since: m.since}
		for _, text := range statementsOf(m.text) {
			step.Statements = append(step.Statements, Statement{Text: text, Table: tableOf(text)})
		}
		steps = append(steps, step)
	}
	return steps
}

// measure notes about how many rows the tables have, without counting them.
func (s *Store) measure(ctx context.Context, statements []Statement) error {
	for i, statement := range statements {
		var there bool
		err := s.reader.QueryRowContext(ctx, s.has, statement.Table).Scan(&there)
		if err == nil && there {
			query := strings.ReplaceAll(s.roughly, "{table}", statement.Table)
			err = s.reader.QueryRowContext(ctx, query).Scan(&statements[i].Rows)
		}
		if err != nil {
			return translate(err)
		}
	}
	return nil
}

// changesTable finds the table that a statement of a migration is about.
var changesTable = regexp.MustCompile(`^(?:CREATE TABLE|ALTER TABLE|DROP TABLE|INSERT INTO|DELETE FROM|UPDATE|CREATE (?:UNIQUE )?INDEX \w+ ON|CREATE TRIGGER .*? ON) (\w+)`)

func tableOf(statement string) string {
	found := changesTable.FindStringSubmatch(statement)
	if found == nil {
		return ""
	}
	return found[1]
}

// statementsOf takes a migration apart into statements, each on one line and
// without comments. What stands between BEGIN and END, or between $$ and $$,
// belongs to one statement.
func statementsOf(text string) (all []string) {
	var current []string
	quoted, block := false, false
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "--")
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		current = append(current, words...)
		if strings.Count(line, "$$")%2 == 1 {
			quoted = !quoted
		}
		block = !quoted && (block || words[0] == "BEGIN") && words[0] != "END;"
		if !quoted && !block && strings.HasSuffix(words[len(words)-1], ";") {
			all = append(all, strings.TrimSuffix(strings.Join(current, " "), ";"))
			current = nil
		}
	}
	return all
}
