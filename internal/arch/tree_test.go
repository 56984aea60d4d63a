package arch

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// module is the import path of the root package.
const module = "portal"

// tree is the production source of the project.
type tree struct {
	files    *token.FileSet
	packages []*pkg
}

// pkg is one package of it.
type pkg struct {
	dir   string // "." for the root package
	files []*ast.File
	types *types.Package
	info  *types.Info
}

// rule is what this package is about: it returns one line for each offence.
type rule func(*tree) []string

// report writes a finding that an editor can jump to.
func (t *tree) report(at token.Pos, format string, args ...any) string {
	return fmt.Sprintf("%s: %s", t.files.Position(at), fmt.Sprintf(format, args...))
}

// production returns the packages that become part of a program.
func (t *tree) production() []*pkg {
	return slices.DeleteFunc(slices.Clone(t.packages), func(p *pkg) bool { return testSupport(p.dir) })
}

// testSupport tells whether only tests may import the package in dir.
func testSupport(dir string) bool {
	return dir == "internal/arch" || within(dir, "internal/testkit")
}

// within tells whether dir is root or below it.
func within(dir, root string) bool {
	return dir == root || strings.HasPrefix(dir, root+"/")
}

// imports returns the paths that a file imports, each with its place.
func imports(file *ast.File) map[string]token.Pos {
	all := map[string]token.Pos{}
	for _, spec := range file.Imports {
		all[strings.Trim(spec.Path.Value, `"`)] = spec.Pos()
	}
	return all
}

// imported returns the path of the package that an identifier stands for, or
// "" where it stands for anything else.
func (p *pkg) imported(id *ast.Ident) string {
	if name, ok := p.info.Uses[id].(*types.PkgName); ok {
		return name.Imported().Path()
	}
	return ""
}

// load parses the production files of the whole project.
func load(t *testing.T) *tree {
	t.Helper()
	sources := map[string]string{}
	root := moduleRoot(t)
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		if entry.IsDir() {
			return enter(name, relative)
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		source, err := os.ReadFile(name)
		sources[filepath.ToSlash(relative)] = string(source)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, sources)
}

// enter leaves out what is not part of this module.
func enter(name, relative string) error {
	base := filepath.Base(name)
	_, err := os.Stat(filepath.Join(name, "go.mod"))
	switch {
	case relative == ".":
		return nil
	case err == nil, base == "node_modules", base == "testdata", strings.HasPrefix(base, "."):
		return filepath.SkipDir
	}
	return nil
}

// moduleRoot returns the folder of the project's go.mod.
func moduleRoot(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("there is no go.mod above this test")
		}
	}
}

// parse makes a tree from sources, each under its path in the project.
func parse(t *testing.T, sources map[string]string) *tree {
	t.Helper()
	parsed := &tree{files: token.NewFileSet()}
	byDir := map[string]*pkg{}
	for _, name := range slices.Sorted(maps.Keys(sources)) {
		file, err := parser.ParseFile(parsed.files, name, sources[name], parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		dir := path.Dir(name)
		if byDir[dir] == nil {
			byDir[dir] = &pkg{dir: dir}
			parsed.packages = append(parsed.packages, byDir[dir])
		}
		byDir[dir].files = append(byDir[dir].files, file)
	}
	for _, p := range parsed.packages {
		p.resolve(parsed.files)
	}
	return parsed
}

// resolve finds out what each identifier stands for. It looks into no other
// package, so errors are expected; what is declared in this package, and which
// name is an import, comes out right all the same.
func (p *pkg) resolve(files *token.FileSet) {
	p.info = &types.Info{Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{}}
	config := types.Config{Importer: hollow{}, Error: func(error) {}}
	p.types, _ = config.Check(p.dir, files, p.files, p.info)
}

// hollow imports every package as an empty one.
type hollow struct{}

func (hollow) Import(importPath string) (*types.Package, error) {
	imported := types.NewPackage(importPath, packageName(importPath))
	imported.MarkComplete()
	return imported, nil
}

var majorVersion = regexp.MustCompile(`^v[0-9]+$`)

// packageName guesses the name of a package from its path.
func packageName(importPath string) string {
	base := path.Base(importPath)
	if majorVersion.MatchString(base) {
		base = path.Base(path.Dir(importPath))
	}
	return base
}

// holds fails the test where the project breaks a rule.
func holds(t *testing.T, check rule) {
	t.Helper()
	for _, finding := range check(load(t)) {
		t.Error(finding)
	}
}

// example is a small project, and what a rule should say about it: one part of
// each finding, in order.
type example struct {
	name    string
	sources map[string]string
	want    []string
}

// finds fails the test where a rule overlooks an offence of an example or
// invents one.
func finds(t *testing.T, check rule, examples []example) {
	t.Helper()
	for _, example := range examples {
		t.Run(example.name, func(t *testing.T) {
			got := check(parse(t, example.sources))
			if !slices.EqualFunc(got, example.want, strings.Contains) {
				t.Errorf("got %q, want %q", got, example.want)
			}
		})
	}
}

func TestLoadReadsTheProject(t *testing.T) {
	var dirs []string
	for _, p := range load(t).packages {
		dirs = append(dirs, p.dir)
	}
	for _, dir := range []string{".", "internal/store", "internal/testkit"} {
		if !slices.Contains(dirs, dir) {
			t.Errorf("%s is not among %q", dir, dirs)
		}
	}
	if slices.Contains(dirs, "tools") {
		t.Error("tools is a module of its own")
	}
}
