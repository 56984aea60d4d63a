package arch

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"portal"
)

// auditPage is the page of what is written down.
func auditPage(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "audit.md"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Every action has its line in docs/audit.md, and the page tells of no other
// (LG-01).
func TestAuditPageListsEveryAction(t *testing.T) {
	_, table, found := strings.Cut(auditPage(t), "### Events")
	if !found {
		t.Fatal("docs/audit.md has no part \"Events\"")
	}
	table, _, _ = strings.Cut(table, "\n## ")
	known := map[string]bool{}
	for _, action := range portal.Actions() {
		known[string(action)] = true
		if !strings.Contains(table, "\n| "+string(action)+" | ") {
			t.Errorf("docs/audit.md does not tell of the event %q: add a line to its table", action)
		}
	}
	for _, line := range strings.Split(table, "\n") {
		cells := strings.Split(line, " | ")
		name := strings.TrimPrefix(cells[0], "| ")
		if len(cells) == 2 && name != "action" && !known[name] {
			t.Errorf("docs/audit.md tells of the event %q, which there is not", name)
		}
	}
}
