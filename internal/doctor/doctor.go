// Package doctor looks an installation over, says what is wrong with it, and
// what to do about each thing. It changes nothing, works beside a portal that
// serves, and goes on where a part of the house cannot be opened.
//
// A check is a name and a function; a finding is one of the catalogue. Whoever
// adds a check adds its findings there, and docs/doctor.md explains them.
package doctor

import (
	"context"
	"errors"
	"fmt"

	"portal"
)

// Severity is how bad a finding is.
type Severity string

// The severities. Only an error makes portal doctor fail.
const (
	OK      Severity = "ok"      // looked at, nothing found
	Note    Severity = "note"    // good to know
	Warning Severity = "warning" // works, and will not for ever or not well
	Error   Severity = "error"   // does not work, or is not safe
)

// weight puts severities in order.
var weight = map[Severity]int{OK: 0, Note: 1, Warning: 2, Error: 3}

// Finding is what a check has seen. Its form is part of what programs read.
type Finding struct {
	Check    string   `json:"check"`
	Code     Code     `json:"code"`
	Severity Severity `json:"severity"`
	What     string   `json:"what"`
	Do       string   `json:"do"` // empty where there is nothing to do
}

// Check is one thing to look at. An error of Look says that it could not.
type Check struct {
	Name string
	Look func(context.Context, *Report) error
}

// Report collects what the checks find.
type Report struct {
	check    string
	fine     string
	findings []Finding
}

// Found adds a finding of the catalogue.
func (r *Report) Found(code Code, format string, args ...any) {
	kind := catalogue[code]
	r.findings = append(r.findings, Finding{r.check, code, kind.severity, fmt.Sprintf(format, args...), kind.do})
}

// Fine is what the check says where it finds nothing.
func (r *Report) Fine(format string, args ...any) { r.fine = fmt.Sprintf(format, args...) }

// Run makes all checks, one after the other. Each leaves one finding at least.
func Run(ctx context.Context, checks []Check) []Finding {
	var r Report
	for _, c := range checks {
		r.check, r.fine = c.Name, ""
		before := len(r.findings)
		if err := c.Look(ctx, &r); err != nil {
			r.Found(CheckFailed, "%s", inWords(err))
		}
		if len(r.findings) == before {
			r.Found(AllWell, "%s", r.fine)
		}
	}
	return r.findings
}

// Worst is the severity of the worst finding.
func Worst(findings []Finding) Severity {
	worst := OK
	for _, f := range findings {
		if weight[f.Severity] > weight[worst] {
			worst = f.Severity
		}
	}
	return worst
}

// inWords is an error as the operator reads it: its cause, where it has a
// message that is meant for others.
func inWords(err error) string {
	var e *portal.Error
	if errors.As(err, &e) && e.Cause != nil {
		return e.Cause.Error()
	}
	return err.Error()
}
