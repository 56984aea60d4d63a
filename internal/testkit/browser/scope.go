package browser

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// Scope is a part of the page to which steps can be confined: a region, a
// dialog, a row, or the whole [Page].
type Scope struct{ place }

// part makes a place inside the scope.
func (s *Scope) part(role, name string, others ...string) place {
	what := role
	if name != "" {
		what = fmt.Sprintf("%s %q", role, name)
	}
	return place{page: s.page, within: &s.place, what: what, roles: append([]string{role}, others...), name: name}
}

// scope makes a part of the scope and makes sure that it is there.
func (s *Scope) scope(pl place) *Scope {
	s.page.t.Helper()
	s.page.steady("look for "+pl.String(), func(ctx context.Context) error {
		_, err := pl.node(ctx)
		return err
	})
	return &Scope{pl}
}

// Within is the part of the scope with that role and accessible name, such as
// "dialog" or "navigation". An empty name fits the only one of its role.
func (s *Scope) Within(role, name string) *Scope {
	s.page.t.Helper()
	return s.scope(s.part(role, name))
}

// Region is the section with that name.
func (s *Scope) Region(name string) *Scope {
	s.page.t.Helper()
	return s.Within("region", name)
}

// Row is the table row in which something is named exactly so, a cell or a
// link in it. It works on tables that are drawn as cards, too.
func (s *Scope) Row(name string) *Scope {
	s.page.t.Helper()
	return s.scope(place{
		page: s.page, within: &s.place, what: fmt.Sprintf("row with %q", name), name: name,
		climb: `function() { return (this.closest ? this : this.parentElement).closest('tr, [role=row]') }`,
	})
}

// Element is the element with that role and accessible name.
func (s *Scope) Element(role, name string) *Element {
	s.page.t.Helper()
	return &Element{s.scope(s.part(role, name)).place}
}

// Button is the button with that name.
func (s *Scope) Button(name string) *Element {
	s.page.t.Helper()
	return s.Element("button", name)
}

// Link is the link with that name.
func (s *Scope) Link(name string) *Element {
	s.page.t.Helper()
	return s.Element("link", name)
}

// Switch is the switch with that name.
func (s *Scope) Switch(name string) *Element {
	s.page.t.Helper()
	return s.Element("switch", name)
}

// Field is the text field or selection with that label.
func (s *Scope) Field(name string) *Element {
	s.page.t.Helper()
	field := s.part("textbox", name, "searchbox", "spinbutton", "combobox")
	field.what = fmt.Sprintf("field %q", name)
	return &Element{s.scope(field).place}
}

// Press clicks the button with that name.
func (s *Scope) Press(button string) {
	s.page.t.Helper()
	s.Button(button).Press()
}

// Follow clicks the link with that name.
func (s *Scope) Follow(link string) {
	s.page.t.Helper()
	s.Link(link).Press()
}

// Fill writes the text into the field with that label, in place of what was
// there.
func (s *Scope) Fill(field, text string) {
	s.page.t.Helper()
	s.Field(field).Fill(text)
}

// Choose picks the option with that text in the selection with that label.
func (s *Scope) Choose(field, option string) {
	s.page.t.Helper()
	s.Field(field).Choose(option)
}

// Has demands that the text is to be seen. Runs of space count as one.
func (s *Scope) Has(text string) {
	s.page.t.Helper()
	if !strings.Contains(oneLine(s.Text()), oneLine(text)) {
		s.page.fail(fmt.Sprintf("look for %q in %s", text, s), fmt.Errorf("it says %q", shorten(s.Text())))
	}
}

// Lacks demands that the text is not to be seen.
func (s *Scope) Lacks(text string) {
	s.page.t.Helper()
	if strings.Contains(oneLine(s.Text()), oneLine(text)) {
		s.page.fail(fmt.Sprintf("make sure that %s lacks %q", s, text), fmt.Errorf("it says %q", shorten(s.Text())))
	}
}

// Names are the accessible names of everything with that role, in the order
// of the document. It is how to say that something is not there.
func (s *Scope) Names(role string) []string {
	s.page.t.Helper()
	list := []string{}
	s.page.steady("list each "+role+" in "+s.String(), func(ctx context.Context) error {
		scope, err := s.node(ctx)
		if err != nil {
			return err
		}
		nodes, err := query(ctx, scope, []string{role}, "")
		list = append(list[:0], names(nodes)...)
		return err
	})
	return list
}

// Status is the whole text of the one status element. It must be there.
func (s *Scope) Status() string {
	s.page.t.Helper()
	return s.Element("status", "").Text()
}

// Alert is the text of the alert, "" if there is none. Several are joined by
// line breaks.
func (s *Scope) Alert() string {
	s.page.t.Helper()
	var texts []string
	s.page.steady("read the alerts in "+s.String(), func(ctx context.Context) error {
		texts = nil
		scope, err := s.node(ctx)
		if err != nil {
			return err
		}
		alerts, err := query(ctx, scope, []string{"alert"}, "")
		for i := 0; i < len(alerts) && err == nil; i++ {
			var text string
			text, err = invoke[string](ctx, alerts[i].BackendDOMNodeID, `function() { return this.innerText }`)
			texts = append(texts, strings.TrimSpace(text))
		}
		return err
	})
	return strings.Join(slices.DeleteFunc(texts, func(s string) bool { return s == "" }), "\n")
}

// Table is the text of the one table to be seen, row by row, headings
// included.
func (s *Scope) Table() [][]string {
	s.page.t.Helper()
	return read[[][]string](&s.place, "read the table in", `function() {
		const seen = [...this.querySelectorAll('table')].filter(t => t.checkVisibility())
		if (seen.length != 1) throw new Error('there are ' + seen.length + ' tables, where one is meant')
		const rows = [...seen[0].rows].filter(r => r.checkVisibility())
		return rows.map(r => [...r.cells].map(c => c.innerText.trim()))
	}`)
}

func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
