package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/chromedp"
)

// place says how to find one node of the page. It holds the way and not the
// node, because a node does not survive a navigation.
type place struct {
	page   *Page
	within *place   // nil for the whole page
	what   string   // what it is called in messages
	roles  []string // what it may be; the first one names it
	name   string   // its accessible name; "" fits every name

	// climb, if set, leads from a node that fits to the node that is meant.
	climb string
}

// String tells the whole way, inside first.
func (pl *place) String() string {
	if pl.within == nil || pl.within.within == nil {
		return pl.what
	}
	return pl.what + " in " + pl.within.String()
}

// node finds the node. There must be exactly one.
func (pl *place) node(ctx context.Context) (cdp.BackendNodeID, error) {
	if pl.within == nil {
		return root(ctx)
	}
	scope, err := pl.within.node(ctx)
	if err != nil {
		return 0, err
	}
	found, err := pl.search(ctx, scope)
	if err != nil {
		return 0, err
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return 0, pl.missing(ctx, scope)
	}
	return 0, fmt.Errorf("there are %d of %s, where one is meant", len(found), pl)
}

// search finds all nodes that fit, in the order of the document.
func (pl *place) search(ctx context.Context, scope cdp.BackendNodeID) ([]cdp.BackendNodeID, error) {
	fitting, err := query(ctx, scope, pl.roles, pl.name)
	var found []cdp.BackendNodeID
	for i := 0; i < len(fitting) && err == nil; i++ {
		id := fitting[i].BackendDOMNodeID
		if pl.climb != "" {
			id, err = reach(ctx, id, pl.climb)
		}
		if id != 0 && !slices.Contains(found, id) {
			found = append(found, id)
		}
	}
	return found, err
}

// missing says what is there instead of what was looked for.
func (pl *place) missing(ctx context.Context, scope cdp.BackendNodeID) error {
	if len(pl.roles) == 0 {
		return fmt.Errorf("there is no %s", pl)
	}
	others, err := query(ctx, scope, pl.roles, "")
	if err != nil || len(others) == 0 {
		return fmt.Errorf("there is no %s, and nothing else with the role %s", pl, strings.Join(pl.roles, " or "))
	}
	return fmt.Errorf("there is no %s; there is %q", pl, names(others))
}

// query asks Chromium for the nodes below scope that a screen reader would
// find. No role or no name means any. Names are compared here, without blanks
// around them: some versions of Chromium leave one behind the text of a label.
func query(ctx context.Context, scope cdp.BackendNodeID, roles []string, name string) ([]*accessibility.Node, error) {
	params := accessibility.QueryAXTreeParams{BackendNodeID: scope}
	if len(roles) == 1 {
		params.Role = roles[0]
	}
	answer, err := chromedp.Call(ctx, accessibility.QueryAXTree, params)
	fits := func(n *accessibility.Node) bool {
		return !n.Ignored && n.BackendDOMNodeID != 0 && n.BackendDOMNodeID != scope &&
			(len(roles) == 0 || slices.Contains(roles, plain(n.Role))) && (name == "" || nameOf(n) == name)
	}
	return slices.DeleteFunc(answer.Nodes, func(n *accessibility.Node) bool { return !fits(n) }), err
}

// describe is the accessibility node of one node.
func describe(ctx context.Context, id cdp.BackendNodeID) (*accessibility.Node, error) {
	answer, err := chromedp.Call(ctx, accessibility.GetPartialAXTree,
		accessibility.GetPartialAXTreeParams{BackendNodeID: id, FetchRelatives: new(false)})
	if err != nil {
		return nil, err
	}
	if len(answer.Nodes) == 0 {
		return nil, fmt.Errorf("node %d is not in the accessibility tree", id)
	}
	return answer.Nodes[0], nil
}

// nameOf is the accessible name of a node.
func nameOf(n *accessibility.Node) string { return strings.TrimSpace(plain(n.Name)) }

func names(nodes []*accessibility.Node) []string {
	list := make([]string, len(nodes))
	for i, n := range nodes {
		list[i] = nameOf(n)
	}
	return list
}

// plain is the text of a value of the accessibility tree.
func plain(v *accessibility.Value) string {
	if v == nil {
		return ""
	}
	var text string
	if json.Unmarshal(v.Value, &text) != nil {
		return string(v.Value) // a number or truth value
	}
	return text
}

// property is a property of an accessibility node as text, "" if it has none.
func property(n *accessibility.Node, name accessibility.PropertyName) string {
	for _, p := range n.Properties {
		if p.Name == name {
			return plain(p.Value)
		}
	}
	return ""
}

// read is a step that calls a function on the node of a place.
func read[T any](pl *place, what, function string, args ...any) T {
	pl.page.t.Helper()
	var value T
	pl.page.steady(what+" "+pl.String(), func(ctx context.Context) error {
		id, err := pl.node(ctx)
		if err == nil {
			value, err = invoke[T](ctx, id, function, args...)
		}
		return err
	})
	return value
}

// Text is the text to be seen there, as it is drawn.
func (pl *place) Text() string {
	pl.page.t.Helper()
	return strings.TrimSpace(read[string](pl, "read", `function() { return this.innerText }`))
}

// HTML is the markup there.
func (pl *place) HTML() string {
	pl.page.t.Helper()
	return read[string](pl, "read the HTML of", `function() { return this.outerHTML }`)
}

// Attr is an attribute of the HTML element, "" if it has none.
func (pl *place) Attr(name string) string {
	pl.page.t.Helper()
	return read[string](pl, "read the attribute "+name+" of", `function(name) { return this.getAttribute(name) || '' }`, name)
}
