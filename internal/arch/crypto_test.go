package arch

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// cryptography is what the inventory of keys and algorithms has to name.
var cryptography = regexp.MustCompile(`^(crypto|math/rand|hash|golang\.org/x/crypto|filippo\.io)(/|$)`)

// keysPage reads the page that says which keys and algorithms there are.
func keysPage(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(moduleRoot(t), "docs", "keys.md"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// listedImports are the rows of the page's table of imports: "import in folder".
func listedImports(page string) map[string]bool {
	quoted := regexp.MustCompile("`([^`]+)`")
	listed := map[string]bool{}
	for line := range strings.Lines(page) {
		cells := strings.Split(line, "|")
		if len(cells) != 5 || !strings.HasPrefix(strings.TrimSpace(cells[1]), "`") {
			continue
		}
		for _, path := range quoted.FindAllStringSubmatch(cells[1], -1) {
			for _, dir := range quoted.FindAllStringSubmatch(cells[2], -1) {
				if cryptography.MatchString(path[1]) {
					listed[path[1]+" in "+dir[1]] = true
				}
			}
		}
	}
	return listed
}

// onlyListed is the rule that every import of cryptography and randomness
// stands in the inventory, and that the inventory names no other.
func onlyListed(listed map[string]bool) rule {
	return func(t *tree) []string {
		var findings []string
		used := map[string]bool{}
		for _, p := range t.production() {
			for _, file := range p.files {
				all := imports(file)
				for _, path := range slices.Sorted(maps.Keys(all)) {
					row := path + " in " + p.dir
					if cryptography.MatchString(path) && !listed[row] {
						findings = append(findings, t.report(all[path], "docs/keys.md does not list %s", row))
					}
					used[row] = true
				}
			}
		}
		for _, row := range slices.Sorted(maps.Keys(listed)) {
			if !used[row] {
				findings = append(findings, "docs/keys.md lists what is not used: "+row)
			}
		}
		return findings
	}
}

// secretName is how a value is called that must be compared in constant time.
var secretName = regexp.MustCompile(`(?i)(secret|token|digest|password|hash|mac|tag|checkvalue|sum)$`)

// constantTime is the rule that secrets are not compared by what stops at the
// first difference. Comparing with a constant ("", nil, 0) tells nothing.
func constantTime(exempt []exemption) rule {
	return func(t *tree) []string {
		var findings []string
		for _, p := range t.production() {
			if p.dir == "internal/audit" { // the hashes of the chain are no secret: everybody who reads it can compute them
				continue
			}
			p.inspect(func(node ast.Node) {
				if what := p.comparesSecret(node); what != "" && !slices.ContainsFunc(exempt, func(e exemption) bool { return e.part == what }) {
					findings = append(findings, t.report(node.Pos(), "compares a secret: %s; use hmac.Equal", what))
				}
			})
		}
		return findings
	}
}

// comparesSecret returns a comparison that may stop early, and names a secret.
func (p *pkg) comparesSecret(node ast.Node) string {
	switch n := node.(type) {
	case *ast.BinaryExpr:
		if n.Op != token.EQL && n.Op != token.NEQ || p.isConstant(n.X) || p.isConstant(n.Y) {
			return ""
		}
		if secretName.MatchString(lastName(n.X)) || secretName.MatchString(lastName(n.Y)) {
			return types.ExprString(n)
		}
	case *ast.CallExpr:
		selector, ok := n.Fun.(*ast.SelectorExpr)
		if !ok {
			return ""
		}
		id, ok := selector.X.(*ast.Ident)
		early := ok && (p.imported(id) == "bytes" && (selector.Sel.Name == "Equal" || selector.Sel.Name == "Compare") ||
			p.imported(id) == "slices" && selector.Sel.Name == "Equal" || p.imported(id) == "reflect")
		if early && slices.ContainsFunc(n.Args, func(e ast.Expr) bool { return secretName.MatchString(lastName(e)) }) {
			return types.ExprString(n)
		}
	}
	return ""
}

// isConstant tells a literal, nil and a constant from what a variable holds.
func (p *pkg) isConstant(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.BasicLit:
		return true
	case *ast.Ident:
		c, ok := p.info.Uses[e].(*types.Const)
		return e.Name == "nil" || ok && c.Val().Kind() != constant.Unknown
	case *ast.SelectorExpr: // what a package exports; a rule of its own holds that no package variable changes
		id, ok := e.X.(*ast.Ident)
		return ok && p.imported(id) != ""
	}
	return false
}

// lastName is the name that an expression ends in: of a variable, a field, or
// the function that is called.
func lastName(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	case *ast.CallExpr:
		if len(e.Args) == 1 { // a conversion is called like what it converts
			return lastName(e.Args[0])
		}
		return lastName(e.Fun)
	case *ast.IndexExpr:
		return lastName(e.X)
	case *ast.SliceExpr:
		return lastName(e.X)
	}
	return ""
}

// The inventory names every purpose that a key is derived for, and no other
// (CR-01, CR-07).
func TestKeysPageNamesEveryPurpose(t *testing.T) {
	page := keysPage(t)
	var purposes []string
	for _, p := range load(t).packages {
		if p.dir != "internal/seal" {
			continue
		}
		p.inspect(func(node ast.Node) {
			spec, ok := node.(*ast.ValueSpec)
			if !ok || types.ExprString(spec.Type) != "purpose" {
				return
			}
			for _, value := range spec.Values {
				if literal, ok := value.(*ast.BasicLit); ok {
					purposes = append(purposes, strings.Trim(literal.Value, `"`))
				}
			}
		})
	}
	if len(purposes) < 5 {
		t.Fatalf("found the purposes %q only", purposes)
	}
	for _, purpose := range purposes {
		if !strings.Contains(page, fmt.Sprintf("\n| `%s` |", purpose)) {
			t.Errorf("docs/keys.md does not name the purpose %s", purpose)
		}
	}
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z-]+)` \\|.*derived").FindAllStringSubmatch(page, -1) {
		if !slices.Contains(purposes, row[1]) {
			t.Errorf("docs/keys.md names the purpose %s, which is gone", row[1])
		}
	}
}

// Cryptography and randomness come from where the inventory says (CR-01,
// CR-02, CR-05).
func TestKeysPageListsEveryImport(t *testing.T) {
	holds(t, onlyListed(listedImports(keysPage(t))))
	listed := listedImports("| `crypto/aes`, `crypto/cipher` | `internal/seal` | sealing |\n| `go.mod` | `x` | no |\n")
	finds(t, onlyListed(listed), []example{
		{"as listed", map[string]string{"internal/seal/a.go": `package seal; import (_ "crypto/aes"; _ "crypto/cipher"; _ "fmt")`}, nil},
		{"elsewhere, and another", map[string]string{
			"internal/seal/a.go": `package seal; import (_ "crypto/aes"; _ "crypto/des")`,
			"internal/web/a.go":  `package web; import (_ "crypto/cipher"; _ "math/rand")`,
		}, []string{
			"does not list crypto/des in internal/seal", "does not list crypto/cipher in internal/web",
			"does not list math/rand in internal/web", "lists what is not used: crypto/cipher in internal/seal",
		}},
	})
}

// Secrets are compared in constant time (CR-06).
func TestSecretsAreComparedInConstantTime(t *testing.T) {
	holds(t, constantTime([]exemption{
		{"now.PasswordHash != who.PasswordHash", "the same row, read twice: neither was typed"},
		{"a.digest != wanted[i].digest", "the digest of a migration is no secret"},
	}))
	finds(t, constantTime([]exemption{{"old.token != token", "both are names of routes"}}), []example{
		{"in constant time", map[string]string{"internal/auth/a.go": `package auth
			import "crypto/hmac"
			const none = ""
			func f(token string, digest, mac []byte) bool { return token == none || token != "" || digest == nil || hmac.Equal(digest, mac) }`}, nil},
		{"stopping early", map[string]string{"internal/auth/a.go": `package auth
			import "bytes"
			func f(a struct{token, x string}, digest, stored []byte) bool {
				return bytes.Equal(stored, digest) || a.x == a.token || string(digest) != string(stored)
			}`}, []string{"compares a secret: bytes.Equal(stored, digest)", "a.x == a.token", "string(digest) != string(stored)"}},
		{"exempt", map[string]string{"internal/auth/a.go": `package auth
			func f(old struct{token string}, token string) bool { return old.token != token }`}, nil},
	})
}
