package doctor

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

// docs/doctor.md explains every finding, with its severity, and no other.
func TestDoctorPage(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "doctor.md"))
	if err != nil {
		t.Fatal(err)
	}
	said := map[Code]Severity{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z0-9-]+)` \\| (ok|note|warning|error) \\|").FindAllStringSubmatch(string(text), -1) {
		said[Code(row[1])] = Severity(row[2])
	}
	for code, severity := range Codes() {
		if said[code] != severity {
			t.Errorf("%s is of severity %s; the page says %q", code, severity, said[code])
		}
		delete(said, code)
	}
	for code := range said {
		t.Errorf("the page explains %s, which is never found", code)
	}
}

// A finding is one of the catalogue, and the worst counts.
func TestWorst(t *testing.T) {
	for worst, all := range map[Severity][]Code{
		OK: {AllWell}, Note: {AllWell, MailNone}, Warning: {ClockOff, MailNone}, Error: {ClockOff, ClockWrong, AllWell},
	} {
		var r Report
		for _, code := range all {
			r.Found(code, "seen")
		}
		if got := Worst(r.findings); got != worst {
			t.Errorf("the worst of %v is %s", all, got)
		}
	}
}
