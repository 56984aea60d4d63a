package arch

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"
	"testing"
)

// clockFunctions are the functions of package time that look at the clock.
var clockFunctions = map[string]bool{"Now": true, "Since": true, "Until": true}

// injectedClock is the rule that only commands look at the clock; everyone
// else is given one.
func injectedClock(t *tree) []string {
	var findings []string
	for _, p := range t.production() {
		if within(p.dir, "cmd") {
			continue
		}
		p.inspect(func(node ast.Node) {
			selector, ok := node.(*ast.SelectorExpr)
			if !ok || !clockFunctions[selector.Sel.Name] {
				return
			}
			if id, ok := selector.X.(*ast.Ident); ok && p.imported(id) == "time" {
				findings = append(findings, t.report(node.Pos(), "time.%s: ask the injected clock", selector.Sel.Name))
			}
		})
		for _, file := range p.files {
			for _, spec := range file.Imports {
				if spec.Name != nil && spec.Name.Name == "." {
					findings = append(findings, t.report(spec.Pos(), "a dot import hides where names come from"))
				}
			}
		}
	}
	return findings
}

// noInit is the rule that importing a package does nothing.
func noInit(t *tree) []string {
	var findings []string
	for _, p := range t.production() {
		p.inspect(func(node ast.Node) {
			if f, ok := node.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" {
				findings = append(findings, t.report(f.Pos(), "func init: call it from where it is needed"))
			}
		})
	}
	return findings
}

// noState is the rule that a package remembers nothing. A package variable is a
// constant that Go has no notation for: it gets its value where it is declared,
// and nobody assigns to it or to a part of it, counts it up or takes its
// address. What is of no use unless it changes is refused at once: locks,
// atomics, channels, make, new.
func noState(t *tree) []string {
	var findings []string
	for _, p := range t.production() {
		for _, file := range p.files {
			for _, declaration := range file.Decls {
				if general, ok := declaration.(*ast.GenDecl); ok && general.Tok == token.VAR {
					findings = append(findings, p.declared(t, general)...)
				}
			}
		}
		p.inspect(func(node ast.Node) {
			for _, changed := range changedBy(node) {
				if name := p.packageVariable(changed); name != "" {
					findings = append(findings, t.report(changed.Pos(), "changes the package variable %s", name))
				}
			}
		})
	}
	return findings
}

// declared returns what is wrong with the variables of a declaration.
func (p *pkg) declared(t *tree, declaration *ast.GenDecl) []string {
	var findings []string
	for _, spec := range declaration.Specs {
		value := spec.(*ast.ValueSpec)
		name := value.Names[0]
		if len(value.Values) == 0 && !embedded(declaration.Doc, value.Doc) {
			findings = append(findings, t.report(name.Pos(), "the package variable %s has no value", name.Name))
		}
		ast.Inspect(value, func(node ast.Node) bool {
			if _, ok := node.(*ast.FuncLit); ok {
				return false
			}
			if what := p.mutable(node); what != "" {
				findings = append(findings, t.report(node.Pos(), "the package variable %s holds %s", name.Name, what))
			}
			return true
		})
	}
	return findings
}

// embedded tells whether the compiler fills the variables of a declaration.
func embedded(docs ...*ast.CommentGroup) bool {
	for _, doc := range docs {
		if doc != nil && slices.ContainsFunc(doc.List, func(c *ast.Comment) bool { return strings.HasPrefix(c.Text, "//go:embed ") }) {
			return true
		}
	}
	return false
}

// mutable names a part of a declaration that is of no use unless it changes.
func (p *pkg) mutable(node ast.Node) string {
	switch n := node.(type) {
	case *ast.ChanType:
		return "a channel"
	case *ast.CallExpr:
		if id, ok := n.Fun.(*ast.Ident); ok && (id.Name == "make" || id.Name == "new") {
			return id.Name + "(…)"
		}
	case *ast.SelectorExpr:
		id, ok := n.X.(*ast.Ident)
		if !ok {
			return ""
		}
		if path := p.imported(id); within(path, "sync") {
			return path + "." + n.Sel.Name
		}
	}
	return ""
}

// changedBy returns the expressions that a statement changes or lets others
// change.
func changedBy(node ast.Node) []ast.Expr {
	switch n := node.(type) {
	case *ast.AssignStmt:
		if n.Tok != token.DEFINE {
			return n.Lhs
		}
	case *ast.RangeStmt:
		if n.Tok == token.ASSIGN {
			return []ast.Expr{n.Key, n.Value}
		}
	case *ast.IncDecStmt:
		return []ast.Expr{n.X}
	case *ast.UnaryExpr:
		if n.Op == token.AND {
			return []ast.Expr{n.X}
		}
	case *ast.CallExpr:
		id, ok := n.Fun.(*ast.Ident)
		if ok && len(n.Args) > 0 && (id.Name == "delete" || id.Name == "clear" || id.Name == "copy") {
			return n.Args[:1]
		}
	}
	return nil
}

// packageVariable returns the name of the package variable, of this package or
// another one of the project, that an expression is or is a part of.
func (p *pkg) packageVariable(expression ast.Expr) string {
	for {
		switch e := expression.(type) {
		case *ast.ParenExpr:
			expression = e.X
		case *ast.IndexExpr:
			expression = e.X
		case *ast.SliceExpr:
			expression = e.X
		case *ast.StarExpr:
			expression = e.X
		case *ast.SelectorExpr:
			if id, ok := e.X.(*ast.Ident); ok && p.imported(id) != "" {
				return id.Name + "." + e.Sel.Name
			}
			expression = e.X
		case *ast.Ident:
			if v, ok := p.info.Uses[e].(*types.Var); ok && v.Parent() == p.types.Scope() {
				return e.Name
			}
			return ""
		default:
			return ""
		}
	}
}

// inspect visits every node of a package.
func (p *pkg) inspect(visit func(ast.Node)) {
	for _, file := range p.files {
		ast.Inspect(file, func(node ast.Node) bool {
			if node != nil {
				visit(node)
			}
			return true
		})
	}
}

func TestOnlyCommandsLookAtTheClock(t *testing.T) {
	holds(t, injectedClock)
	finds(t, injectedClock, []example{
		{"command", map[string]string{"cmd/portal/main.go": `package main; import "time"; var now = time.Now`}, nil},
		{"injected", map[string]string{"internal/auth/a.go": `package auth
			import "time"
			type config struct { Now func() time.Time }
			func f(c config) time.Time { return c.Now().Add(time.Hour) }
			func g(time config) { time.Now() }`}, nil},
		{"own look", map[string]string{"internal/auth/a.go": `package auth
			import clock "time"
			func f() { _ = clock.Since(clock.Now()); _ = clock.Until }`},
			[]string{"a.go:3:19: time.Since", "time.Now", "time.Until"}},
		{"dot import", map[string]string{"internal/otp/a.go": `package otp; import . "time"`}, []string{"dot import"}},
	})
}

func TestNoInit(t *testing.T) {
	holds(t, noInit)
	finds(t, noInit, []example{
		{"method", map[string]string{"a.go": `package portal; type t int; func (t) init() {}`}, nil},
		{"init", map[string]string{"a.go": `package portal; func init() {}`}, []string{"a.go:1:17: func init"}},
		{"in a command", map[string]string{"cmd/portal/a.go": `package main; func init() {}`}, []string{"func init"}},
	})
}

func TestNoMutablePackageVariables(t *testing.T) {
	holds(t, noState)
	finds(t, noState, []example{
		{"constants in all but name", map[string]string{"internal/web/a.go": `package web
			import ("embed"; "errors"; "regexp"; "portal")
			var errGone = errors.New("gone")
			var table = map[string][]int{"a": {1}}
			var gone = &portal.Error{Code: "gone"}
			var word = regexp.MustCompile("^a$")
			var _ error = (*t)(nil)
			//go:embed static
			var static embed.FS
			var (
				//go:embed page.css
				style string
			)
			func f() { table := map[string]int{}; table["a"] = 1; table["a"]++; word := 3; _ = &word }`}, nil},
		{"changed in another file", map[string]string{
			"internal/web/a.go": `package web; var n, m = 1, map[int]int{}; var s = []int{1}; var u = struct{ a int }{}`,
			"internal/web/b.go": `package web
				func f() {
					n = 2
					n++
					m[1] = 1
					delete(m, 1)
					_ = &s[0]
					u.a = 1
					for n = range 3 {
					}
					copy(s[1:], s)
				}`,
		}, []string{"b.go:3:6: changes the package variable n", "n", "m", "m", "s", "u", "n", "s"}},
		{"of another package", map[string]string{"cmd/portal/a.go": `package main; import ("net/http"; "portal")
			func f() { http.DefaultClient = nil; portal.Limit = 3 }`},
			[]string{"http.DefaultClient", "portal.Limit"}},
		{"made to change", map[string]string{"internal/web/a.go": `package web
			import ("sync"; "sync/atomic"; "bytes")
			var mu sync.Mutex
			var once = sync.OnceValue(func() int { return 1 })
			var hits = atomic.Int64{}
			var seen = make(map[string]bool)
			var queue = new(int)
			var done chan int
			var buffer bytes.Buffer`},
			[]string{"mu has no value", "mu holds sync.Mutex", "once holds sync.OnceValue", "hits holds sync/atomic.Int64",
				"seen holds make", "queue holds new", "done has no value", "done holds a channel", "buffer has no value"}},
	})
}
