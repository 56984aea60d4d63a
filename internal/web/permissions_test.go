package web

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// docs/permissions.md lists every route with what it asks for, and no other
// (AZ-01): whoever adds a route says there who may reach it.
func TestRoutesAreDocumented(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "permissions.md"))
	if err != nil {
		t.Fatal(err)
	}
	written := regexp.MustCompile("(?m)^\\| (?:GET|POST) \\| `.*$").FindAllString(string(text), -1)
	if len(written) < 20 {
		t.Fatalf("the document has only %d routes", len(written))
	}
	var real []string
	for _, route := range Routes() {
		real = append(real, routeRow(route))
		if !slices.Contains(written, routeRow(route)) {
			t.Errorf("docs/permissions.md lacks the row\n%s", routeRow(route))
		}
	}
	for _, row := range written {
		if !slices.Contains(real, row) {
			t.Errorf("docs/permissions.md has a row for no route:\n%s", row)
		}
	}
}

// routeRow is how the document writes a route.
func routeRow(r Route) string {
	asks, session := r.Level.Right()
	if !session {
		return "| " + r.Method + " | `" + r.Pattern + "` | " + string(r.Level) + " |"
	}
	return strings.Join([]string{"| " + r.Method, "`" + r.Pattern + "`", "*" + string(asks) + "* |"}, " | ")
}
