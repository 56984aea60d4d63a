package arch

import "testing"

// startsPrograms is the one package that starts others: pg_dump and pg_restore,
// for two commands on the host, with arguments that no input reaches. A fence
// keeps the edge away from it.
const startsPrograms = "internal/backup"

// noPrograms is the rule that the shipped program starts no other program
// (IN-13).
func noPrograms(t *tree) []string {
	var findings []string
	for _, p := range t.production() {
		if _, tool := tools[p.dir]; tool || p.dir == startsPrograms {
			continue
		}
		for _, file := range p.files {
			for path, at := range imports(file) {
				if within(path, "os/exec") || path == "plugin" {
					findings = append(findings, t.report(at, "imports %s: the portal starts no other program", path))
				}
			}
		}
	}
	return findings
}

func TestStartsNoOtherProgram(t *testing.T) {
	holds(t, noPrograms)
	finds(t, noPrograms, []example{
		{"none", map[string]string{"internal/web/a.go": `package web; import _ "os"`}, nil},
		{"backup", map[string]string{"internal/backup/a.go": `package backup; import _ "os/exec"`}, nil},
		{"bench", map[string]string{"cmd/bench/a.go": `package main; import _ "os/exec"`}, nil},
		{"program", map[string]string{"internal/web/a.go": `package web; import _ "os/exec"`}, []string{"imports os/exec: the portal starts no other program"}},
	})
}
