package store

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// dataPage reads docs/data.md: the class of each column, and the classes.
func dataPage(t *testing.T) (columns map[string]string, classes []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "data.md"))
	if err != nil {
		t.Fatal(err)
	}
	quoted := regexp.MustCompile("`([^`]+)`")
	columns = map[string]string{}
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(line, "|")
		switch {
		case len(cells) == 8: // the classes
			classes = append(classes, strings.TrimSpace(cells[1]))
		case len(cells) == 5 && strings.HasPrefix(cells[1], " `"):
			for _, column := range quoted.FindAllStringSubmatch(cells[3], -1) {
				name := quoted.FindStringSubmatch(cells[1])[1] + "." + column[1]
				if columns[name] != "" {
					t.Errorf("%s stands in the page twice", name)
				}
				columns[name] = strings.TrimSpace(cells[2])
			}
		}
	}
	return columns, classes
}

// Every column of every table is of one class, and the page names no other
// column (DP-01).
func TestDataPageNamesEveryColumn(t *testing.T) {
	s, err := Open(t.Context(), Config{DataFolder: t.TempDir(), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	columns, classes := dataPage(t)
	const schema = `SELECT m.name || '.' || c.name FROM sqlite_master m, pragma_table_info(m.name) c
		WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'`
	rows, err := s.reader.QueryContext(t.Context(), schema)
	all, err := scanAll(rows, err, func(r scanner) (name string, err error) { return name, r.Scan(&name) })
	if err != nil || len(all) < 100 {
		t.Fatalf("%d columns, %v", len(all), err)
	}
	for _, name := range all {
		switch class := columns[name]; {
		case class == "":
			t.Errorf("docs/data.md does not name %s", name)
		case !slices.Contains(classes, class):
			t.Errorf("docs/data.md has %s in the class %q, which it does not explain", name, class)
		}
		delete(columns, name)
	}
	for name := range columns {
		t.Errorf("docs/data.md names %s, which is gone", name)
	}
}

// What is sealed on the page is what a rotation of keys seals anew, and the
// other way round.
func TestDataPageKnowsWhatIsSealed(t *testing.T) {
	columns, _ := dataPage(t)
	var sealed []string
	for name, class := range columns {
		if class == "sealed" {
			sealed = append(sealed, name)
		}
	}
	var walked []string
	for _, column := range SealedColumns() {
		walked = append(walked, string(column))
	}
	slices.Sort(sealed)
	slices.Sort(walked)
	if !slices.Equal(sealed, walked) {
		t.Errorf("the page has %q, a rotation walks %q", sealed, walked)
	}
}
