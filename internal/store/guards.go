package store

import (
	"context"
	"regexp"
	"slices"
	"strings"
)

// What the migrations say of triggers, and of the functions that PostgreSQL's
// run.
var (
	guardNamed = regexp.MustCompile(`^CREATE TRIGGER (\w+) (?:.* EXECUTE FUNCTION (\w+)\(\)$)?`)
	guardDeeds = regexp.MustCompile(`^CREATE FUNCTION (\w+)\(\) .*? AS \$\$(.*)\$\$$`)
)

// GuardsGone names the triggers of this program's schema that are not there,
// are switched off, or do something else than the migrations say. PostgreSQL
// keeps the condition of a trigger in words of its own, which are not compared.
func (s *Store) GuardsGone(ctx context.Context) ([]string, error) {
	wanted, err := s.guardsWanted()
	if err != nil {
		return nil, err
	}
	rows, err := s.reader.QueryContext(ctx, s.guards)
	there, err := scanAll(rows, err, func(r scanner) (g guard, err error) { return g, r.Scan(&g.name, &g.deed) })
	if err != nil {
		return nil, err
	}
	for i, g := range there {
		there[i].deed = oneLine(g.deed)
	}
	var gone []string
	for _, g := range wanted {
		if !slices.Contains(there, g) {
			gone = append(gone, g.name)
		}
	}
	return gone, nil
}

// guard is a trigger, and what it does: SQLite's whole statement, or the body
// of PostgreSQL's function.
type guard struct{ name, deed string }

func (s *Store) guardsWanted() (wanted []guard, err error) {
	all, err := s.migrations()
	deeds := map[string]string{}
	for _, m := range all {
		for _, statement := range statementsOf(m.text) {
			if f := guardDeeds.FindStringSubmatch(statement); f != nil {
				deeds[f[1]] = oneLine(f[2])
			}
			if f := guardNamed.FindStringSubmatch(statement); f != nil {
				deed := statement
				if f[2] != "" {
					deed = deeds[f[2]]
				}
				wanted = append(wanted, guard{f[1], deed})
			}
		}
	}
	return wanted, err
}

// oneLine is how statementsOf writes a text.
func oneLine(text string) string {
	var words []string
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "--")
		words = append(words, strings.Fields(line)...)
	}
	return strings.Join(words, " ")
}
