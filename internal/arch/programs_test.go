package arch

import "testing"

// noPrograms is the rule that the shipped program starts no other program
// (IN-13).
func noPrograms(t *tree) []string {
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
	}
	return findings
}

func TestStartsNoOtherProgram(t *testing.T) {
	holds(t, noPrograms)
	finds(t, noPrograms, []example{
		{"none", map[string]string{"internal/web/a.go": `package web; import _ "os"`}, nil},
		{"bench", map[string]string{"cmd/bench/a.go": `package main; import _ "os/exec"`}, nil},
		{"program", map[string]string{"internal/web/a.go": `package web; import _ "os/exec"`}, []string{"imports os/exec: the portal starts no other program"}},
	})
}
