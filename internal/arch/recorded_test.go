package arch

import (
	"go/ast"
	"go/types"
	"strings"
	"testing"

	"portal"
)

// unrecorded is the rule that the list of actions is whole, and that each is
// recorded somewhere (LG-04).
func unrecorded(listed map[string]bool) rule {
	return func(t *tree) []string {
		constants, used := map[string]string{}, map[string]bool{}
		for _, p := range t.production() {
			for id, object := range p.info.Defs {
				if c, ok := object.(*types.Const); ok && p.dir == "." && strings.HasSuffix(c.Type().String(), ".Action") {
					constants[id.Name] = c.Val().ExactString()
				}
			}
			p.inspect(func(node ast.Node) {
				selector, ok := node.(*ast.SelectorExpr)
				if !ok {
					return
				}
				if id, ok := selector.X.(*ast.Ident); ok && p.imported(id) == module {
					used[selector.Sel.Name] = true
				}
			})
		}
		var findings []string
		for name, value := range constants {
			if !listed[strings.Trim(value, `"`)] {
				findings = append(findings, "the action "+name+" is missing in portal.Actions()")
			}
			if !used[name] {
				findings = append(findings, "nobody records the action "+name)
			}
		}
		return findings
	}
}

func TestEveryActionIsRecorded(t *testing.T) {
	listed := map[string]bool{}
	for _, action := range portal.Actions() {
		listed[string(action)] = true
	}
	holds(t, unrecorded(listed))
	const vocabulary = "package portal\ntype Action string\nconst (\nOne Action = \"One\"\nTwo Action = \"Two\"\n)\n"
	finds(t, unrecorded(map[string]bool{"One": true, "Two": true}), []example{
		{"recorded", map[string]string{"event.go": vocabulary, "internal/auth/a.go": "package auth\nimport \"portal\"\nvar a, b = portal.One, portal.Two"}, nil},
		{"nobody", map[string]string{"event.go": vocabulary, "internal/auth/a.go": "package auth\nimport \"portal\"\nvar a = portal.One"}, []string{"nobody records the action Two"}},
	})
	finds(t, unrecorded(map[string]bool{"One": true}), []example{
		{"unlisted", map[string]string{"event.go": vocabulary, "internal/auth/a.go": "package auth\nimport \"portal\"\nvar a, b = portal.One, portal.Two"}, []string{"Two is missing"}},
	})
}
