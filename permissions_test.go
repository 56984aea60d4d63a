package portal

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// docs/permissions.md has the permission table, right by right, as it is in
// force, and no right more (AZ-01).
func TestPermissionsAreDocumented(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("docs", "permissions.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "## Who holds which right\n")
	section, _, _ = strings.Cut(section, "\n## ")
	var written []string
	for line := range strings.Lines(section) {
		if strings.HasPrefix(line, "| *") {
			written = append(written, strings.TrimSpace(line))
		}
	}
	rights := everyRight()
	if len(written) != len(rights) {
		t.Errorf("the document has %d rights, the code %d", len(written), len(rights))
	}
	for _, right := range rights {
		if row := rightRow(right); !slices.Contains(written, row) {
			t.Errorf("docs/permissions.md lacks the row\n%s", row)
		}
	}
}

// everyRight is each right that somebody holds.
func everyRight() (all []Right) {
	for _, rights := range permissions {
		all = append(all, rights...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// rightRow is how the document writes a right.
func rightRow(r Right) string {
	row := "| *" + string(r) + "* |"
	for _, holder := range []bearer{bearer(RoleUser), bearer(RoleAdministrator), bearer(RoleOperator), host, itself} {
		row += yes(slices.Contains(permissions[holder], r))
	}
	for _, debt := range []Debt{OwesPassword, OwesSetup} {
		row += yes(slices.Contains(indebted[debt], r))
	}
	return row
}

func yes(b bool) string {
	if b {
		return " yes |"
	}
	return " – |"
}
