package admin_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"portal"
	"portal/internal/admin"
	"portal/internal/store"
	"portal/internal/testkit/house"
)

// exportOf is an export as text.
func exportOf(t *testing.T, h *house.House, actor portal.Actor, q admin.EventQuery, format admin.Format) string {
	t.Helper()
	export, err := h.Admin.ExportEvents(t.Context(), actor, q, format)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := export.To(t.Context(), &out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// record writes events with these details.
func record(t *testing.T, h *house.House, in portal.Actor, details ...string) {
	t.Helper()
	for _, detail := range details {
		h.Clock.Advance(time.Second)
		err := h.Store.Write(t.Context(), in.CustomerID, func(tx *store.Tx) error {
			return tx.Record(t.Context(), in.Did(portal.UserEdited).With(detail))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// Nothing that a spreadsheet would reckon stands in a CSV export, and every
// cell comes back as it was (IN-09).
func TestCSVIsSafeForSpreadsheets(t *testing.T) {
	h := house.New(t, "")
	acme := h.Customer(t, "Acme")
	details := []string{
		"=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "\u00a0=1", "＝1", "＋1", "－1", "＠1",
		"=HYPERLINK(\"http://evil.example\",\"click\")", `plain "quoted", with comma`, "two\nlines", "1-1", "", "ünïcode 漢字",
	}
	record(t, h, acme, details...)
	text := exportOf(t, h, acme, admin.EventQuery{Action: portal.UserEdited}, admin.CSV)
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil || len(rows) != len(details)+1 {
		t.Fatalf("%d rows, %v\n%s", len(rows), err, text)
	}
	for i, row := range rows[1:] {
		want := details[len(details)-1-i]
		if have := strings.ReplaceAll(row[11], "\r", ""); strings.TrimPrefix(have, "'") != strings.ReplaceAll(want, "\r", "") {
			t.Errorf("%q came back as %q", want, have)
		}
		for _, cell := range row {
			if first := strings.TrimLeft(cell, " \u00a0"); first != "" && strings.ContainsAny(string([]rune(first)[:1]), "=+-@\t\r\n＝＋－＠") {
				t.Errorf("a spreadsheet reckons with %q", cell)
			}
		}
	}
}

// An export has each event that the filter finds once, with all that is
// recorded of it (LG-02), however many pages that takes, and nothing of
// another customer, whose people have the same names.
func TestExport(t *testing.T) {
	house.OnEach(t, func(t *testing.T, h *house.House) {
		acme, other := h.Customer(t, "Acme"), h.Customer(t, "Beta")
		h.User(t, acme, portal.RoleUser, "wendy")
		start := h.Clock.Now()
		err := h.Store.Write(t.Context(), acme.CustomerID, func(tx *store.Tx) error {
			for i := range 1200 {
				if err := tx.Record(t.Context(), acme.Did(portal.PasswordChanged).With(fmt.Sprint("acme ", i))); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		record(t, h, other, "beta only")
		lines := strings.Split(strings.TrimSpace(exportOf(t, h, acme, admin.EventQuery{}, admin.JSONLines)), "\n")
		if len(lines) != 1200+3 { // customer added, user added, this export
			t.Fatalf("%d lines", len(lines))
		}
		seen := map[string]bool{}
		for _, line := range lines {
			var e map[string]any
			if err := json.Unmarshal([]byte(line), &e); err != nil {
				t.Fatal(err)
			}
			for _, field := range []string{
				"id", "time", "customer", "customer_id", "action", "result", "actor_kind", "actor", "actor_id", "target", "target_id",
				"detail", "source", "agent", "node", "request_id",
			} {
				if _, ok := e[field]; !ok {
					t.Fatalf("no %s in %s", field, line)
				}
			}
			if at, err := time.Parse(time.RFC3339Nano, e["time"].(string)); err != nil || at.Before(start) || !strings.HasSuffix(e["time"].(string), "Z") {
				t.Errorf("the time of %s: %v", line, err)
			}
			if e["customer"] != "Acme" || e["customer_id"] != string(acme.CustomerID) || seen[fmt.Sprint(e["id"])] {
				t.Errorf("foreign, or twice: %s", line)
			}
			seen[fmt.Sprint(e["id"])] = true
		}
		if text := exportOf(t, h, acme, admin.EventQuery{Person: "WENDY"}, admin.JSONLines); strings.Count(text, "\n") != 1 || !strings.Contains(text, "User added") {
			t.Errorf("of wendy:\n%s", text)
		}
		if text := exportOf(t, h, other, admin.EventQuery{Person: "wendy"}, admin.CSV); strings.Count(text, "\n") != 1 {
			t.Errorf("a foreign person:\n%s", text)
		}
		if _, err := h.Admin.ExportEvents(t.Context(), acme, admin.EventQuery{}, "xml"); portal.ErrorCode(err) != portal.CodeMalformed {
			t.Errorf("as XML: %v", err)
		}
	})
}

// An administrator exports so often in an hour and no more; each export, and
// each refusal, is in the trail.
func TestExportsAreLimited(t *testing.T) {
	house.OnEach(t, func(t *testing.T, h *house.House) {
		acme := h.Customer(t, "Acme")
		h.User(t, acme, portal.RoleAdministrator, "ada")
		ada := h.Person(t, "ada").Actor()
		for range 20 {
			exportOf(t, h, ada, admin.EventQuery{}, admin.CSV)
		}
		if _, err := h.Admin.ExportEvents(t.Context(), ada, admin.EventQuery{}, admin.CSV); portal.ErrorCode(err) != portal.CodeThrottled {
			t.Errorf("the 21st: %v", err)
		}
		page, err := h.Admin.Events(t.Context(), ada, admin.EventQuery{Action: portal.AuditExported})
		if err != nil || len(page.Events) != 21 || page.Events[0].Outcome != portal.Refused || page.Events[1].Outcome != portal.Done {
			t.Errorf("%d events, %v", len(page.Events), err)
		}
		h.Clock.Advance(time.Hour)
		exportOf(t, h, ada, admin.EventQuery{}, admin.CSV)
		for _, actor := range []portal.Actor{portal.Stranger(house.Origin()), {Kind: portal.ActorUser, Role: portal.RoleUser}, {Kind: portal.ActorUser, Role: portal.RoleOperator}} {
			if _, err := h.Admin.ExportEvents(t.Context(), actor, admin.EventQuery{}, admin.CSV); err == nil {
				t.Errorf("%s %s exports", actor.Kind, actor.Role)
			}
		}
	})
}
