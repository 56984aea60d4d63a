package arch

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// requirements are the numbers of lines in each section of the security
// requirements: PW-01 to PW-15, and so on.
var requirements = map[string]int{
	"PW": 15, "AU": 15, "OT": 14, "RC": 6, "LC": 15, "PK": 6, "SE": 13, "AZ": 9, "IN": 13, "WF": 10, "AP": 9,
	"CR": 7, "CO": 3, "CF": 9, "DP": 5, "LG": 10,
}

// notYet are the requirements that docs/security.md gives a reason for in the
// place of a test. A line leaves this list and never comes back.
var notYet = []string{
	"PK-01", "PK-02", "PK-03", "PK-04", "PK-05", "PK-06", "AU-10", // passkeys
	"AP-08", // programs and their tokens
}

var (
	requirementRow = regexp.MustCompile(`^\| ([A-Z]{2}-\d\d) \| (.+) \| (.+) \|$`)
	testName       = regexp.MustCompile("^`((?:Test|Fuzz)[A-Za-z0-9_]+)`$")
)

// requirementFindings holds the table of docs/security.md against the list of
// requirements and the tests that there are.
func requirementFindings(table string, tests map[string]bool) (findings []string) {
	seen := map[string]bool{}
	for _, line := range strings.Split(table, "\n") {
		row := requirementRow.FindStringSubmatch(line)
		if row == nil {
			continue
		}
		id, shown := row[1], row[3]
		if seen[id] {
			findings = append(findings, id+": is there twice")
		}
		seen[id] = true
		findings = append(findings, rowFindings(id, shown, tests)...)
	}
	for section, lines := range requirements {
		for n := range lines {
			if id := fmt.Sprintf("%s-%02d", section, n+1); !seen[id] {
				findings = append(findings, id+": is missing")
			}
			delete(seen, fmt.Sprintf("%s-%02d", section, n+1))
		}
	}
	for id := range seen {
		findings = append(findings, id+": is no requirement")
	}
	slices.Sort(findings)
	return findings
}

// rowFindings looks at what is said to show one requirement.
func rowFindings(id, shown string, tests map[string]bool) (findings []string) {
	reason, later := strings.CutPrefix(shown, "not yet: ")
	if slices.Contains(notYet, id) != later {
		return []string{id + ": has either tests or a reason and a place in notYet"}
	}
	if later {
		if len(reason) < 20 {
			findings = append(findings, id+": says too little why")
		}
		return findings
	}
	for _, name := range strings.Split(shown, ", ") {
		found := testName.FindStringSubmatch(name)
		if found == nil || !tests[found[1]] {
			findings = append(findings, id+": there is no test "+name)
		}
	}
	return findings
}

// testsOf finds the names of all tests of the project.
func testsOf(t *testing.T, root string) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			if d != nil && d.IsDir() && (d.Name() == "node_modules" || d.Name() == ".git") {
				return filepath.SkipDir
			}
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil {
				names[f.Name.Name] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// Each security requirement stands in docs/security.md with the tests that show
// it, and each of these tests exists.
func TestSecurityRequirements(t *testing.T) {
	table, err := os.ReadFile("../../docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, finding := range requirementFindings(string(table), testsOf(t, "../..")) {
		t.Error(finding)
	}
}

// The check finds what it is there for.
func TestSecurityRequirementsCheck(t *testing.T) {
	tests := map[string]bool{"TestThere": true}
	for want, row := range map[string]string{
		"PW-01: there is no test `TestGone`":                        "| PW-01 | how | `TestThere`, `TestGone` |",
		"PW-01: there is no test by review":                         "| PW-01 | how | by review |",
		"PW-01: is there twice":                                     "| PW-01 | how | `TestThere` |\n| PW-01 | how | `TestThere` |",
		"PW-16: is no requirement":                                  "| PW-16 | how | `TestThere` |",
		"PW-02: is missing":                                         "| PW-01 | how | `TestThere` |",
		"PW-01: has either tests or a reason and a place in notYet": "| PW-01 | how | not yet: it is too much work for us now |",
		"PK-01: has either tests or a reason and a place in notYet": "| PK-01 | how | `TestThere` |",
		"PK-01: says too little why":                                "| PK-01 | how | not yet: later |",
	} {
		if got := requirementFindings(row, tests); !slices.Contains(got, want) {
			t.Errorf("%s: %v", want, got)
		}
	}
	if got := requirementFindings("| PW-01 | how | `TestThere` |", tests); slices.ContainsFunc(got, func(s string) bool { return strings.HasPrefix(s, "PW-01") }) {
		t.Errorf("a good row is refused: %v", got)
	}
}
