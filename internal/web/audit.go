package web

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"portal"
	"portal/internal/admin"
)

// The fields of the filter that no use case knows.
const (
	fieldFrom  portal.Field = "from"
	fieldUntil portal.Field = "until"
)

// auditPage shows the customer's events, newest first.
type auditPage struct {
	Customer string
	Found    admin.EventPage
	Problem  *problem
	typed    fields
}

func (auditPage) file() string  { return "audit" }
func (auditPage) title() string { return "Audit" }
func (auditPage) bare() bool    { return false }

func (s *site) showAudit(v *visit) error {
	p := auditPage{Customer: v.actor.CustomerName, typed: v.query}
	q, err := eventQuery(v.query)
	if err == nil {
		p.Found, err = s.admin.Events(v.ctx(), v.actor, q)
	}
	if err == nil {
		return s.render(v, http.StatusOK, p)
	}
	if p.Problem = v.problem(err, fieldFrom, fieldUntil); p.Problem == nil {
		return err
	}
	return s.render(v, p.Problem.status, p)
}

// exportAudit sends what the filter finds, as a file. Once it has begun, a
// fault can only cut it off, which browsers show as a failed download.
func (s *site) exportAudit(v *visit) error {
	q, err := eventQuery(v.form)
	var export *admin.Export
	format := admin.Format(v.form["format"])
	if err == nil {
		export, err = s.admin.ExportEvents(v.ctx(), v.actor, q, format)
	}
	if err != nil {
		p := auditPage{Customer: v.actor.CustomerName, typed: v.form}
		if p.Problem = v.problem(err, fieldFrom, fieldUntil); p.Problem == nil {
			return err
		}
		return s.render(v, p.Problem.status, p)
	}
	v.w.Header().Set("Content-Type", exportTypes[format])
	v.w.Header().Set("Content-Disposition", fmt.Sprintf("attachment; filename=\"audit-%s.%s\"", s.now().UTC().Format(time.DateOnly), format))
	if err := export.To(v.ctx(), v.w); err != nil {
		v.trace.err = err
		panic(http.ErrAbortHandler)
	}
	return nil
}

// exportTypes are the content types of exports.
var exportTypes = map[admin.Format]string{admin.JSONLines: "application/jsonl; charset=utf-8", admin.CSV: "text/csv; charset=utf-8"}

func eventQuery(f fields) (q admin.EventQuery, err error) {
	q.Person, q.Action = f["person"], portal.Action(f["kind"])
	if q.Action != "" && !slices.Contains(portal.Actions(), q.Action) {
		return q, portal.Malformed("There is no such kind of event.")
	}
	if before := f["before"]; before != "" {
		if q.Before, err = strconv.ParseInt(before, 10, 64); err != nil || q.Before < 1 {
			return q, portal.Malformed("There is no such page of the audit trail.")
		}
	}
	if q.From, err = parseDay(fieldFrom, f); err != nil {
		return q, err
	}
	if q.Until, err = parseDay(fieldUntil, f); err != nil || q.Until.IsZero() {
		return q, err
	}
	if q.Until.Before(q.From) {
		return q, portal.Invalid(fieldUntil, "This day lies before the first one.")
	}
	q.Until = q.Until.AddDate(0, 0, 1) // the day itself belongs to it
	return q, nil
}

// parseDay reads a day in UTC as browsers send it; the zero time is no day.
func parseDay(name portal.Field, f fields) (time.Time, error) {
	text := f.get(name)
	if text == "" {
		return time.Time{}, nil
	}
	day, err := time.Parse(time.DateOnly, text)
	if err != nil || day.Year() < 1970 {
		return time.Time{}, portal.Invalid(name, "Enter a day like 2026-11-03.")
	}
	return day, nil
}

// Person is the field for a login ID.
func (p auditPage) Person() input {
	return input{ID: "person", Name: "person", Label: "Person", Type: "text", Value: p.typed["person"], Autocomplete: "off"}
}

// Kinds is the selection of an action.
func (p auditPage) Kinds() choice {
	c := choice{ID: "kind", Name: "kind", Label: "Kind", Options: []option{{Text: "Any"}}}
	for _, action := range portal.Actions() {
		c.Options = append(c.Options, option{string(action), string(action), string(action) == p.typed["kind"]})
	}
	return c
}

// From is the field for the first day.
func (p auditPage) From() input { return p.day(fieldFrom, "From (UTC)") }

// Until is the field for the last day.
func (p auditPage) Until() input { return p.day(fieldUntil, "Until (UTC)") }

func (p auditPage) day(f portal.Field, label string) input {
	i := textInput(f, label, p.typed.get(f), p.Problem)
	i.Type, i.Required = "date", false
	return i
}

// Filtered tells whether the list leaves events out.
func (p auditPage) Filtered() bool {
	return p.typed["person"]+p.typed["kind"]+p.typed.get(fieldFrom)+p.typed.get(fieldUntil) != ""
}

// Older is the address of the page after, empty where there is none.
func (p auditPage) Older() string {
	if p.Found.Next == 0 {
		return ""
	}
	q := url.Values{"before": {strconv.FormatInt(p.Found.Next, 10)}}
	for _, name := range []string{"person", "kind", string(fieldFrom), string(fieldUntil)} {
		if p.typed[name] != "" {
			q.Set(name, p.typed[name])
		}
	}
	return "/administration/audit?" + q.Encode()
}
