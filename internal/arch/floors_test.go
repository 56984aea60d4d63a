package arch

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// floorOf tells on which floor a package stands. Imports go down only, never
// to a sibling. Commands all stand on floor 5.
var floorOf = map[string]int{
	"internal/web":       4,
	"internal/api":       4,
	"internal/telemetry": 4,
	"internal/admin":     3,
	"internal/doctor":    3,
	"internal/auth":      2,
	"internal/mail":      2,
	"internal/keeper":    2,
	"internal/audit":     2,
	"internal/backup":    2,
	"internal/store":     1,
	".":                  0,
	"internal/otp":       0,
	"internal/seal":      0,
	"internal/weak":      0,
	"internal/meter":     0,
	"internal/tracing":   0,
}

// tools are commands that are run from the source and never shipped, each with
// the test support that it may import: to measure the portal on a million
// people it needs them, and the portal itself has no use for such a hurry.
var tools = map[string]string{"cmd/bench": "internal/testkit/fill", "cmd/sbom": ""}

// floor returns the floor of the package in dir, if it has one.
func floor(dir string) (int, bool) {
	if within(dir, "cmd") {
		return 5, true
	}
	n, ok := floorOf[dir]
	return n, ok
}

// projectDir returns the folder of a package of this project.
func projectDir(importPath string) (string, bool) {
	if importPath == module {
		return ".", true
	}
	return strings.CutPrefix(importPath, module+"/")
}

// floors is the rule that imports go down.
func floors(t *tree) []string {
	var findings []string
	for _, p := range t.production() {
		own, ok := floor(p.dir)
		if !ok {
			findings = append(findings, p.dir+": give it a floor (floorOf in internal/arch)")
			continue
		}
		for _, file := range p.files {
			all := imports(file)
			for _, path := range slices.Sorted(maps.Keys(all)) {
				dir, ours := projectDir(path)
				below, _ := floor(dir)
				switch {
				case !ours:
				case tools[p.dir] == dir:
				case testSupport(dir):
					findings = append(findings, t.report(all[path], "only tests may import %s", path))
				case below >= own:
					findings = append(findings, t.report(all[path], "floor %d imports %s of floor %d", own, path, below))
				}
			}
		}
	}
	return findings
}

// fence is a rule about who may import what.
type fence struct {
	path    string // of a package, with all below it
	allowed func(dir string) bool
	why     string
}

func only(dirs ...string) func(string) bool {
	return func(dir string) bool { return slices.Contains(dirs, dir) }
}

func fromFloor(n int) func(string) bool {
	return func(dir string) bool {
		own, _ := floor(dir)
		return own >= n
	}
}

// notEdge is the two packages that people and programs reach from outside.
func notEdge(dir string) bool { return dir != "internal/web" && dir != "internal/api" }

var fences = []fence{
	{"database/sql", only("internal/store"), "only store knows SQL"},
	{"github.com/jackc/pgx", only("internal/store"), "only store knows a database"},
	{"modernc.org/sqlite", only("internal/store"), "only store knows a database"},
	{"net/http", fromFloor(4), "HTTP begins on floor 4"},
	{"github.com/wneessen/go-mail", only("internal/mail"), "only mail talks to a mail server"},
	{"github.com/prometheus", only("internal/meter", "internal/telemetry"), "rooms say what happened; meter counts it, and telemetry shows it"},
	{"go.opentelemetry.io", only("internal/tracing", "internal/telemetry"), "rooms say what part of a request they are; tracing follows it, and telemetry sends it"},
	{"html/template", only("internal/web", "internal/mail"), "only web and mail make HTML"},
	{module + "/internal/store", notEdge, "web and api ask auth and admin"},
	{module + "/internal/otp", notEdge, "web and api ask auth and admin"},
	{module + "/internal/seal", notEdge, "web and api ask auth and admin"},
	{module + "/internal/mail", notEdge, "web and api ask auth and admin"},
	{module + "/internal/keeper", notEdge, "web and api ask auth and admin"},
	{module + "/internal/doctor", notEdge, "only the host looks the installation over"},
	{module + "/internal/backup", only("cmd/portal"), "it starts programs, which nobody from outside may reach"},
}

// fenced is the rule that the fences stand.
func fenced(t *tree) []string {
	var findings []string
	for _, p := range t.production() {
		for _, file := range p.files {
			all := imports(file)
			for _, path := range slices.Sorted(maps.Keys(all)) {
				for _, fence := range fences {
					if within(path, fence.path) && !fence.allowed(p.dir) {
						findings = append(findings, t.report(all[path], "imports %s: %s", path, fence.why))
					}
				}
			}
		}
	}
	return findings
}

func TestImportsGoDown(t *testing.T) {
	holds(t, floors)
	finds(t, floors, []example{
		{"down", map[string]string{
			"cmd/portal/main.go":      `package main; import (_ "portal"; _ "portal/internal/web"; _ "portal/internal/store")`,
			"internal/admin/admin.go": `package admin; import (_ "fmt"; _ "portal/internal/auth"; _ "portal/internal/store")`,
		}, nil},
		{"up", map[string]string{"internal/store/a.go": `package store; import _ "portal/internal/auth"`},
			[]string{"internal/store/a.go:1:23: floor 1 imports portal/internal/auth of floor 2"}},
		{"sibling", map[string]string{"internal/auth/a.go": `package auth; import _ "portal/internal/mail"`},
			[]string{"floor 2 imports portal/internal/mail of floor 2"}},
		{"ground floor", map[string]string{
			"internal/otp/a.go":  `package otp; import _ "portal"`,
			"internal/seal/a.go": `package seal; import _ "portal/internal/otp"`,
			"portal.go":          `package portal; import _ "portal/internal/otp"`,
		}, []string{"floor 0 imports portal of floor 0", "floor 0 imports portal/internal/otp", "floor 0 imports portal/internal/otp"}},
		{"command imports command", map[string]string{"cmd/portal/main.go": `package main; import _ "portal/cmd/bench"`},
			[]string{"floor 5 imports portal/cmd/bench of floor 5"}},
		{"unknown", map[string]string{"internal/util/a.go": `package util`}, []string{"internal/util: give it a floor"}},
		{"test support", map[string]string{
			"internal/auth/a.go":            `package auth; import _ "portal/internal/testkit"`,
			"internal/testkit/browser/b.go": `package browser; import (_ "portal/internal/testkit"; _ "database/sql")`,
			"cmd/bench/main.go":             `package main; import (_ "portal/internal/testkit"; _ "portal/internal/testkit/fill")`,
			"cmd/portal/main.go":            `package main; import _ "portal/internal/testkit/fill"`,
		}, []string{
			"cmd/bench/main.go:1:23: only tests may import portal/internal/testkit", "cmd/portal/main.go:1:22: only tests may import portal/internal/testkit/fill",
			"only tests may import portal/internal/testkit",
		}},
	})
}

func TestFencesStand(t *testing.T) {
	holds(t, fenced)
	finds(t, fenced, []example{
		{"within", map[string]string{
			"internal/store/a.go": `package store; import (_ "database/sql"; _ "github.com/jackc/pgx/v5/pgconn"; _ "modernc.org/sqlite")`,
			"internal/web/a.go":   `package web; import (_ "net/http"; _ "html/template"; _ "portal/internal/auth"; _ "portal/internal/admin")`,
			"cmd/portal/main.go":  `package main; import (_ "net/http"; _ "portal/internal/seal")`,
			"internal/mail/a.go":  `package mail; import _ "html/template"`,
		}, nil},
		{"database", map[string]string{
			"cmd/portal/main.go":  `package main; import _ "database/sql"`,
			"internal/admin/a.go": `package admin; import _ "modernc.org/sqlite/lib"`,
			"internal/auth/a.go":  `package auth; import _ "github.com/jackc/pgx/v5"`,
		}, []string{"imports database/sql: only store", "imports modernc.org/sqlite/lib", "imports github.com/jackc/pgx/v5"}},
		{"HTTP", map[string]string{"internal/auth/a.go": `package auth; import _ "net/http/cookiejar"`}, []string{"HTTP begins on floor 4"}},
		{"metrics", map[string]string{"internal/auth/a.go": `package auth; import _ "github.com/prometheus/client_golang/prometheus"`}, []string{"meter counts it"}},
		{"traces", map[string]string{"internal/web/a.go": `package web; import _ "go.opentelemetry.io/otel/trace"`}, []string{"tracing follows it"}},
		{"HTML", map[string]string{"cmd/portal/a.go": `package main; import _ "html/template"`}, []string{"only web and mail"}},
		{"edge", map[string]string{
			"internal/api/a.go": `package api; import (_ "portal/internal/otp"; _ "portal/internal/seal")`,
			"internal/web/a.go": `package web; import _ "portal/internal/store"`,
		}, []string{"portal/internal/otp: web and api", "portal/internal/seal: web and api", "portal/internal/store: web and api"}},
	})
}
