package main

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
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
		return "–"
	}
	return fmt.Sprintf("%s %v", a.sign, a.bound)
}

// met tells whether a figure keeps to its aim.
func (a aim) met(value float64) bool {
	return a.sign == "≤" && value <= a.bound || a.sign == "≥" && value >= a.bound
}

// verdict says so in words, or by how much not.
func (a aim) verdict(value float64) string {
	switch {
	case a.sign == "":
		return ""
	case a.met(value):
		return "met"
	}
	return fmt.Sprintf("missed by %.0f %%", 100*abs(value/a.bound-1))
}

func abs(x float64) float64 { return max(x, -x) }

// report prints tables, as text or as Markdown, and counts the aims.
type report struct {
	out       io.Writer
	markdown  bool
	rows      [][]string // of the table that is being collected
	aims, met int
}

// heading begins a part of the report.
func (r *report) heading(level int, text string) {
	mark := ""
	if r.markdown {
		mark = strings.Repeat("#", level) + " "
	}
	fmt.Fprintf(r.out, "\n%s%s\n\n", mark, text)
}

// versus adds two figures and their ratio, which has the aim.
func (r *report) versus(what, beside, unit string, portal, other []float64, a aim) {
	ratio := figureOf(ratios(portal, other))
	r.add(ratio.median, a, what, beside, unit, short(figureOf(portal).median), short(figureOf(other).median),
		fmt.Sprintf("%.3f", ratio.median), fmt.Sprintf("%.3f–%.3f", ratio.low, ratio.high))
}

// alone adds a figure that has the aim itself.
func (r *report) alone(what, unit string, values []float64, a aim) {
	f := figureOf(values)
	r.add(f.median, a, what, "–", unit, short(f.median), "–", "–", fmt.Sprintf("%s–%s", short(f.low), short(f.high)))
}

func (r *report) add(value float64, a aim, cells ...string) {
	if a.sign != "" {
		r.aims++
	}
	if a.met(value) {
		r.met++
	}
	r.rows = append(r.rows, append(cells, a.String(), a.verdict(value)))
}

// textColumns are the first ones, which stand to the left; numbers, which
// follow them, to the right; the verdict to the left again.
const textColumns = 3

// flush prints the table.
func (r *report) flush() {
	rows := append([][]string{{"what", "beside it", "unit", "portal", "beside", "ratio", "min–max", "aim", "verdict"}}, r.rows...)
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	r.line(rows[0], widths)
	if r.markdown {
		r.rule(widths)
	}
	for _, row := range rows[1:] {
		r.line(row, widths)
	}
	r.rows = nil
}

func (r *report) line(row []string, widths []int) {
	cells := make([]string, len(row))
	for i, cell := range row {
		space := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
		cells[i] = space + cell
		if leftColumn(i, widths) {
			cells[i] = cell + space
		}
	}
	r.cells(cells, " ")
}

// rule is the line under a Markdown table's head.
func (r *report) rule(widths []int) {
	cells := make([]string, len(widths))
	for i, width := range widths {
		cells[i] = strings.Repeat("-", width+1) + ":"
		if leftColumn(i, widths) {
			cells[i] = strings.Repeat("-", width+2)
		}
	}
	r.cells(cells, "")
}

func leftColumn(i int, widths []int) bool { return i < textColumns || i == len(widths)-1 }

func (r *report) cells(cells []string, margin string) {
	if !r.markdown {
		fmt.Fprintln(r.out, strings.TrimRight(strings.Join(cells, "  "), " "))
		return
	}
	fmt.Fprintln(r.out, "|"+margin+strings.Join(cells, margin+"|"+margin)+margin+"|")
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
