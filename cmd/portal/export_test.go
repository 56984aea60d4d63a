package main

import (
	"encoding/csv"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// An administrator exports what the filter finds; control characters and
// formulas that a stranger sends stay text in one entry (LG-05, IN-09), and of
// another customer whose people look alike nothing is told.
func TestExportTheAudit(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *server) {
		for _, customer := range []string{"Acme", "Rival"} {
			s.Run("", "customer", "add", customer)
		}
		ada, rob := s.join("Acme", "administrator", "ada"), s.join("Rival", "administrator", "rob")
		s.join("Rival", "user", "wendy.r")
		wendy := s.join("Acme", "user", "wendy")
		forged := wendy.request(http.MethodPost, "/sign-in", strings.NewReader("login_id=wendy&password=wrong+guess+of+mine"))
		forged.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		forged.Header.Set("User-Agent", "=cmd|' /C calc'!A0\t{\"action\":\"Sign-in\"}")
		wendy.do(forged).want(t, http.StatusUnprocessableEntity)
		s.Run("", "user", "suspend", "wendy")
		ada.signIn()
		rob.signIn()

		lines := ada.Post("/administration/audit/export", "format", "jsonl").want(t, 200)
		for header, want := range map[string]string{
			"Content-Type": "application/jsonl; charset=utf-8", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
			"Content-Disposition": `attachment; filename="audit-` + s.Now().UTC().Format("2006-01-02") + `.jsonl"`,
		} {
			if lines.Header.Get(header) != want {
				t.Errorf("%s: %q, want %q", header, lines.Header.Get(header), want)
			}
		}
		for _, line := range strings.Split(strings.TrimSpace(lines.Body), "\n") {
			var e map[string]any
			if err := json.Unmarshal([]byte(line), &e); err != nil || e["customer"] != "Acme" || e["node"] == "" || e["source"] == "" {
				t.Errorf("%v: %s", err, line)
			}
		}
		for _, foreign := range []string{"rob", "wendy.r", "Rival"} {
			if strings.Contains(lines.Body, foreign) {
				t.Errorf("the export tells of %s:\n%s", foreign, lines.Body)
			}
		}
		sheet := ada.Post("/administration/audit/export", "format", "csv", "person", "wendy", "kind", "Password entered").want(t, 200)
		rows, err := csv.NewReader(strings.NewReader(sheet.Body)).ReadAll()
		if err != nil || len(rows) != 2 || !strings.HasPrefix(rows[1][13], "'=cmd|") {
			t.Errorf("%v, %q", err, rows)
		}
		if theirs := rob.Post("/administration/audit/export", "format", "csv", "person", "wendy").want(t, 200); strings.Count(theirs.Body, "\n") != 1 {
			t.Errorf("a foreign person:\n%s", theirs.Body)
		}
		ada.Post("/administration/audit/export", "format", "csv", "from", "yesterday").want(t, http.StatusUnprocessableEntity)
		ada.Post("/administration/audit/export", "format", "xls").want(t, http.StatusBadRequest)
		for range 18 {
			ada.Post("/administration/audit/export", "format", "csv").want(t, 200)
		}
		ada.Post("/administration/audit/export", "format", "csv").want(t, http.StatusTooManyRequests)

		host := s.Run("", "audit", "export", "--customer", "Acme", "--format", "csv", "--from", s.Now().UTC().Format("2006-01-02"))
		if rows, err := csv.NewReader(strings.NewReader(host)).ReadAll(); err != nil || len(rows) < 25 {
			t.Errorf("on the host: %d rows, %v", len(rows), err)
		}
		if _, errors, code := s.Try("", "audit", "export", "--customer", "Nix"); code != 1 || !strings.Contains(errors, "There is no customer") {
			t.Errorf("of nobody: exit %d, %q", code, errors)
		}
	})
}
