package main

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// aim is what a figure should be: at most or at least a bound; the zero aim
// asks nothing.
type aim struct {
	sign  string // "≤" or "≥"
	bound float64
}

func atMost(bound float64) aim  { return aim{"≤", bound} }
func atLeast(bound float64) aim { return aim{"≥", bound} }

func (a aim) String() string {
	if a.sign == "" {
		return "-"
	}
	return fmt.Sprintf("%s %.4g", a.sign, a.bound)
}

// verdict says whether a figure keeps to its aim, or by how much not.
func (a aim) verdict(value float64) string {
	switch {
	case a.sign == "":
		return ""
	case a.sign == "≤" && value <= a.bound, a.sign == "≥" && value >= a.bound:
		return "met"
	}
	return fmt.Sprintf("missed by %.0f %%", 100*abs(value/a.bound-1))
}

func abs(x float64) float64 { return max(x, -x) }

// report is the table that is printed.
type report struct{ table *tabwriter.Writer }

func newReport(out io.Writer) *report {
	r := &report{tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)}
	r.line("what", "unit", "portal", "floor", "ratio", "min–max", "aim", "verdict")
	return r
}

func (r *report) line(cells ...any) {
	for _, cell := range cells {
		fmt.Fprintf(r.table, "%v\t", cell)
	}
	fmt.Fprintln(r.table)
}

// versus prints two figures and their ratio, which has the aim.
func (r *report) versus(what, unit string, portal, floor []float64, a aim) {
	ratio := figureOf(ratios(portal, floor))
	r.line(what, unit, short(figureOf(portal).median), short(figureOf(floor).median), fmt.Sprintf("%.3f", ratio.median),
		fmt.Sprintf("%.3f–%.3f", ratio.low, ratio.high), a, a.verdict(ratio.median))
}

// alone prints a figure that has the aim itself.
func (r *report) alone(what, unit string, values []float64, a aim) {
	f := figureOf(values)
	r.line(what, unit, short(f.median), "", "", fmt.Sprintf("%s–%s", short(f.low), short(f.high)), a, a.verdict(f.median))
}

// short writes a number with three or four digits.
func short(x float64) string {
	switch {
	case x >= 100:
		return fmt.Sprintf("%.0f", x)
	case x >= 10:
		return fmt.Sprintf("%.1f", x)
	}
	return fmt.Sprintf("%.2f", x)
}
