package arch

import (
	"go/ast"
	"slices"
	"strings"
	"testing"
)

// dialers are what opens a connection to somewhere else, as package.Name.
var dialers = []string{
	"net.Dial", "net.DialTimeout", "net.Dialer", "crypto/tls.Dial", "crypto/tls.Dialer", "net/http.Client", "net/http.Transport",
	"net/http.Get", "net/http.Post", "net/http.PostForm", "net/http.Head", "net/http.DefaultClient", "net/http.DefaultTransport", "net/smtp.Dial",
}

// mayDial are the files that open connections, each with where to: nothing else
// may call home (CF-05). Databases are the drivers' affair.
var mayDial = map[string]string{
	"internal/mail/server.go": "the mail server, where --smtp-url names one",
	"cmd/portal/transport.go": "the certificate authority, where --acme asks for it",
}

// noWayOut is the rule that the shipped program starts no other program (IN-13)
// and opens no connections but the ones above.
func noWayOut(t *tree) []string {
	var findings []string
	for _, p := range t.production() {
		if _, tool := tools[p.dir]; tool {
			continue
		}
		for _, file := range p.files {
			for path, at := range imports(file) {
				if within(path, "os/exec") || path == "plugin" {
					findings = append(findings, t.report(at, "imports %s: the portal starts no other program", path))
				}
			}
		}
		p.inspect(func(node ast.Node) {
			selector, ok := node.(*ast.SelectorExpr)
			if !ok {
				return
			}
			id, ok := selector.X.(*ast.Ident)
			if !ok || !slices.Contains(dialers, p.imported(id)+"."+selector.Sel.Name) {
				return
			}
			report := t.report(node.Pos(), "%s.%s opens a connection: say in mayDial where to", id.Name, selector.Sel.Name)
			name, _, _ := strings.Cut(report, ":")
			if mayDial[name] == "" {
				findings = append(findings, report)
			}
		})
	}
	return findings
}

func TestNoOtherWayOut(t *testing.T) {
	holds(t, noWayOut)
	finds(t, noWayOut, []example{
		{"none", map[string]string{"internal/web/a.go": `package web; import "net/http"; var _ = http.StatusOK`}, nil},
		{"named", map[string]string{"cmd/portal/transport.go": `package main; import "net/http"; var _ http.Client`}, nil},
		{"bench", map[string]string{"cmd/bench/a.go": `package main; import "os/exec"; var _ = exec.Command`}, nil},
		{"program", map[string]string{"internal/web/a.go": `package web; import _ "os/exec"`}, []string{"imports os/exec: the portal starts no other program"}},
		{"connection", map[string]string{"internal/web/a.go": `package web; import "net/http"; var _, _ = http.Get("http://x")`},
			[]string{"http.Get opens a connection"}},
		{"dialer", map[string]string{"internal/web/a.go": `package web; import dial "net"; var _ dial.Dialer`}, []string{"dial.Dialer opens a connection"}},
	})
}
