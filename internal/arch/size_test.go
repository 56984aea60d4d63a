package arch

import (
	"fmt"
	"go/ast"
	"go/token"
	"slices"
	"strings"
	"testing"
)

// The sizes that code which people can read keeps to.
const (
	medianLines      = 12
	p95Lines         = 45
	functionLines    = 80
	functionBranches = 12
	fileLines        = 400
)

// function is the measure of one function.
type function struct {
	at              token.Pos
	name            string
	lines, branches int
}

// functions measures every function that has a body.
func functions(t *tree) []function {
	var all []function
	for _, p := range t.production() {
		p.inspect(func(node ast.Node) {
			if f, ok := node.(*ast.FuncDecl); ok && f.Body != nil {
				lines := t.files.Position(f.End()).Line - t.files.Position(f.Pos()).Line + 1
				all = append(all, function{f.Pos(), f.Name.Name, lines, branches(f.Body)})
			}
		})
	}
	return all
}

// branches returns the cyclomatic complexity: one and the decisions, those of
// the function literals inside included.
func branches(body *ast.BlockStmt) int {
	count := 1
	ast.Inspect(body, func(node ast.Node) bool {
		switch n := node.(type) {
		case *ast.IfStmt, *ast.ForStmt, *ast.RangeStmt:
			count++
		case *ast.CaseClause:
			if n.List != nil {
				count++
			}
		case *ast.CommClause:
			if n.Comm != nil {
				count++
			}
		case *ast.BinaryExpr:
			if n.Op == token.LAND || n.Op == token.LOR {
				count++
			}
		}
		return true
	})
	return count
}

// sizes is the rule that each function and file can be read.
func sizes(t *tree) []string {
	var findings []string
	for _, f := range functions(t) {
		if f.lines > functionLines {
			findings = append(findings, t.report(f.at, "%s has %d lines, at most %d", f.name, f.lines, functionLines))
		}
		if f.branches > functionBranches {
			findings = append(findings, t.report(f.at, "%s has a cyclomatic complexity of %d, at most %d", f.name, f.branches, functionBranches))
		}
	}
	for _, p := range t.production() {
		for _, file := range p.files {
			if lines := t.files.File(file.Pos()).LineCount(); lines > fileLines {
				findings = append(findings, t.report(file.Pos(), "the file has %d lines, at most %d", lines, fileLines))
			}
		}
	}
	return findings
}

// usualSizes is the rule that long functions are the exception.
func usualSizes(t *tree) []string {
	var findings []string
	for percentile, most := range map[int]int{50: medianLines, 95: p95Lines} {
		if lines := percentileLines(functions(t), percentile); lines > most {
			findings = append(findings, fmt.Sprintf("%d of 100 functions have up to %d lines, want %d", percentile, lines, most))
		}
	}
	slices.Sort(findings)
	return findings
}

// percentileLines returns how many lines the given share of all functions
// stays within.
func percentileLines(all []function, percentile int) int {
	if len(all) == 0 {
		return 0
	}
	slices.SortFunc(all, func(a, b function) int { return a.lines - b.lines })
	return all[(len(all)*percentile+99)/100-1].lines
}

// lines returns a function of the given number of lines.
func lines(name string, n int) string {
	return "func " + name + "() {" + strings.Repeat("\n", n-1) + "}\n"
}

func TestSizes(t *testing.T) {
	holds(t, sizes)
	const header = "package web\n"
	finds(t, sizes, []example{
		{"just small enough", map[string]string{
			"internal/web/a.go":  header + lines("f", 80) + "func g() { " + strings.Repeat("if a && b { }; ", 5) + "for range c { } }\n",
			"internal/web/b.go":  header + strings.Repeat("//\n", 399),
			"internal/web/c.go":  header + "func h() { switch a {" + strings.Repeat("case 1:; ", 11) + "default: } }",
			"internal/arch/d.go": "package arch\n" + lines("f", 81),
		}, nil},
		{"long function", map[string]string{"internal/web/a.go": header + lines("f", 81)}, []string{"a.go:2:1: f has 81 lines"}},
		{"long file", map[string]string{"internal/web/a.go": header + strings.Repeat("//\n", 400)}, []string{"the file has 401 lines"}},
		{"many branches", map[string]string{
			"internal/web/a.go": header + "func f() { " + strings.Repeat("if a || b { }; ", 6) + "}",
			"internal/web/b.go": header + "func g() { _ = func() { select { " + strings.Repeat("case <-a:; ", 12) + "default: } } }",
		}, []string{"f has a cyclomatic complexity of 13", "g has a cyclomatic complexity of 13"}},
	})
}

func TestUsualSizes(t *testing.T) {
	holds(t, usualSizes)
	many := func(short, middle, long int) map[string]string {
		return map[string]string{"internal/web/a.go": "package web\n" + strings.Repeat(lines("_", 3), short) +
			strings.Repeat(lines("_", 13), middle) + strings.Repeat(lines("_", 46), long)}
	}
	finds(t, usualSizes, []example{
		{"mostly short", many(50, 45, 5), nil},
		{"median", many(49, 46, 5), []string{"50 of 100 functions have up to 13 lines, want 12"}},
		{"long ones", many(50, 44, 6), []string{"95 of 100 functions have up to 46 lines, want 45"}},
		{"none", nil, nil},
	})
}
