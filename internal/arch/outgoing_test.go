package arch

import (
	"go/ast"
	"slices"
	"testing"
)

// goesOut are the names of the standard library that connect to another
// machine.
var goesOut = map[string][]string{
	"net":               {"Dial", "DialTimeout", "DialTCP", "DialUDP", "DialIP", "DialUnix", "Dialer"},
	"crypto/tls":        {"Dial", "DialWithDialer", "Dialer", "Client"},
	"net/http":          {"Get", "Head", "Post", "PostForm", "Client", "Transport", "DefaultClient", "DefaultTransport"},
	"net/http/httputil": {"ReverseProxy", "NewSingleHostReverseProxy"},
	"net/smtp":          {"Dial", "NewClient", "SendMail"},
	"log/syslog":        {"Dial", "New"},
}

// ways are the places that may connect, and to what.
var ways = map[string]string{
	"internal/mail":      "the mail server",
	"internal/telemetry": "the trace collector",
	"cmd/portal":         "the certificate authority (ACME)",
	"cmd/bench":          "the portal that it measures; never shipped",
	"internal/store":     "the database, with connections that notice when it is gone",
}

// outgoing is the rule that the program connects to nothing but what it was
// told of: the database (by its drivers, which only store may import), the mail
// server, the certificate authority and the trace collector (CF-05).
func outgoing(t *tree) []string {
	var findings []string
	for _, p := range t.production() {
		if ways[p.dir] != "" {
			continue
		}
		p.inspect(func(node ast.Node) {
			selector, ok := node.(*ast.SelectorExpr)
			if !ok {
				return
			}
			if id, ok := selector.X.(*ast.Ident); ok && slices.Contains(goesOut[p.imported(id)], selector.Sel.Name) {
				findings = append(findings, t.report(node.Pos(), "%s.%s: connects to another machine; see ways in internal/arch", id.Name, selector.Sel.Name))
			}
		})
	}
	return findings
}

func TestOutgoingConnections(t *testing.T) {
	holds(t, outgoing)
	finds(t, outgoing, []example{
		{"told of", map[string]string{
			"internal/mail/a.go": `package mail; import "net"; var d net.Dialer`,
			"internal/web/a.go":  `package web; import ("net"; "net/http"); func f(l net.Listener) { http.NewServeMux(); net.ParseIP("") }`,
		}, nil},
		{"home", map[string]string{
			"internal/web/a.go":   `package web; import "net/http"; func f() { http.Get("https://example.com") }`,
			"internal/admin/a.go": `package admin; import other "net"; var d other.Dialer`,
		}, []string{"other.Dialer", "internal/web/a.go:1:44: http.Get: connects to another machine"}},
	})
}
