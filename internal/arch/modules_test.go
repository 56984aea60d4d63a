package arch

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// goMod is what the tests ask of a go.mod.
type goMod struct {
	Require []struct {
		Path, Version string
		Indirect      bool
	}
	Tool []struct{ Path string }
}

// version returns the version in which a module is required.
func (m goMod) version(path string) string {
	for _, r := range m.Require {
		if r.Path == path {
			return r.Version
		}
	}
	return ""
}

// readGoMod reads the go.mod of a folder.
func readGoMod(t *testing.T, dir string) goMod {
	t.Helper()
	var m goMod
	fromJSON(t, goCommand(t, "mod", "edit", "-json", filepath.Join(dir, "go.mod")), &m)
	return m
}

// goCommand returns what a go command prints.
func goCommand(t *testing.T, args ...string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), "go", args...)
	command.Stderr = t.Output()
	out, err := command.Output()
	if err != nil {
		t.Fatalf("go %s: %v", strings.Join(args, " "), err)
	}
	return strings.TrimSpace(string(out))
}

func fromJSON(t *testing.T, text string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), into); err != nil {
		t.Fatal(err)
	}
}

// dependencies returns the names of all that the project depends on directly:
// modules, tools, and npm packages of the tests.
func dependencies(ours, tools goMod, npm map[string]string) []string {
	var names []string
	for _, r := range ours.Require {
		if !r.Indirect {
			names = append(names, r.Path)
		}
	}
	for _, tool := range tools.Tool {
		names = append(names, tool.Path)
	}
	return append(names, slices.Sorted(maps.Keys(npm))...)
}

// undecided returns the names that no decision mentions.
func undecided(names []string, decisions string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		return strings.Contains(decisions, "`"+name+"`")
	})
}

// readDecisions returns the text of all decisions.
func readDecisions(t *testing.T) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(moduleRoot(t), "docs", "decisions", "*.md"))
	if err != nil || len(files) == 0 {
		t.Fatalf("there is no decision in docs/decisions (%v)", err)
	}
	var all strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	return all.String()
}

// npmPackages returns the npm packages that the tests want, with versions.
func npmPackages(t *testing.T) map[string]string {
	t.Helper()
	var manifest struct{ Dependencies map[string]string }
	fromJSON(t, readAxe(t, "package.json"), &manifest)
	return manifest.Dependencies
}

// readAxe returns a file of the folder that npm installs into.
func readAxe(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(moduleRoot(t), "internal", "testkit", "axe", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestNpmPackagesArePinned(t *testing.T) {
	for name, version := range npmPackages(t) {
		if strings.Trim(version, "0123456789.") != "" {
			t.Errorf("%s: %q is a range; name one version", name, version)
		}
	}
	lock := readAxe(t, "package-lock.json")
	if !strings.Contains(lock, `"integrity"`) {
		t.Error("package-lock.json has no digest")
	}
	if strings.Contains(lock, `"resolved"`) {
		t.Error("package-lock.json names a registry; npm's omit-lockfile-registry-resolved leaves that out")
	}
}

func TestEveryDependencyIsADecision(t *testing.T) {
	root := moduleRoot(t)
	names := dependencies(readGoMod(t, root), readGoMod(t, filepath.Join(root, "tools")), npmPackages(t))
	for _, name := range undecided(names, readDecisions(t)) {
		t.Errorf("no file in docs/decisions tells why we depend on `%s`", name)
	}
}

func TestUndecidedDependenciesAreFound(t *testing.T) {
	var ours, tools goMod
	fromJSON(t, `{"Require": [{"Path": "a.org/known"}, {"Path": "a.org/new"}, {"Path": "a.org/far", "Indirect": true}]}`, &ours)
	fromJSON(t, `{"Require": [{"Path": "a.org/tool", "Indirect": true}], "Tool": [{"Path": "a.org/tool/cmd/check"}]}`, &tools)
	names := dependencies(ours, tools, map[string]string{"rules": "1.0.0"})
	got := undecided(names, "| a need | `a.org/known` | and not `a.org/newer` |")
	if want := []string{"a.org/new", "a.org/tool/cmd/check", "rules"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// SQLite's driver is C translated to Go, and works only with the very libc that
// it was translated against; an update of all modules takes a newer one.
func TestLibcIsTheOneOfSQLite(t *testing.T) {
	const libc = "modernc.org/libc"
	ours := readGoMod(t, moduleRoot(t)).version(libc)
	theirs := readGoMod(t, goCommand(t, "list", "-m", "-f", "{{.Dir}}", "modernc.org/sqlite")).version(libc)
	if ours == "" || ours != theirs {
		t.Errorf("go.mod has %s %q, modernc.org/sqlite wants %q", libc, ours, theirs)
	}
}

func TestVersionOfARequirement(t *testing.T) {
	var m goMod
	fromJSON(t, `{"Require": [{"Path": "a.org/b/v2", "Version": "v2.0.1"}, {"Path": "a.org/b", "Version": "v1.2.3"}]}`, &m)
	if got := m.version("a.org/b"); got != "v1.2.3" {
		t.Errorf("got %q", got)
	}
	if got := m.version("a.org/c"); got != "" {
		t.Errorf("of a module that is not required: %q", got)
	}
}
