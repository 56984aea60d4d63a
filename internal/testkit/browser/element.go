package browser

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// Element is one thing to act on.
type Element struct{ place }

// act is a step that does something to the element and waits for rest.
func (e *Element) act(what string, do func(ctx context.Context, id cdp.BackendNodeID) error) {
	e.page.t.Helper()
	e.page.step(what+" "+e.String(), func(ctx context.Context) error {
		id, err := e.node(ctx)
		if err != nil {
			return err
		}
		if err := do(ctx, id); err != nil {
			return err
		}
		return e.page.settle(ctx)
	})
}

// Press clicks the middle of the element with the mouse and waits for the
// navigation that this starts, if any.
func (e *Element) Press() {
	e.page.t.Helper()
	e.act("press", click)
}

// Fill clicks into the field, selects what is in it and writes over it.
func (e *Element) Fill(text string) {
	e.page.t.Helper()
	e.act("fill", func(ctx context.Context, id cdp.BackendNodeID) error {
		if err := click(ctx, id); err != nil {
			return err
		}
		focused, err := invoke[bool](ctx, id, `function() { return this === document.activeElement && !this.readOnly }`)
		if err != nil {
			return err
		}
		if !focused {
			return errors.New("it takes no text: it is disabled or read-only, or the focus went elsewhere")
		}
		return overwrite(ctx, text)
	})
}

// overwrite replaces the content of the focused field.
func overwrite(ctx context.Context, text string) error {
	all := input.DispatchKeyEventParams{Type: input.DispatchKeyEventTypeRawKeyDown, Commands: []string{"selectAll"}}
	if err := chromedp.Do(ctx, command(input.DispatchKeyEvent, all)); err != nil {
		return err
	}
	if text == "" {
		return chromedp.Do(ctx, chromedp.KeyEvent(kb.Delete))
	}
	return chromedp.Do(ctx, command(input.InsertText, input.InsertTextParams{Text: text}))
}

// Choose picks the option with that text. The list of a selection is drawn
// outside the page, where no click reaches; so the option is set, and the
// page is told as if a person had done it.
func (e *Element) Choose(option string) {
	e.page.t.Helper()
	e.act("choose "+option+" in", func(ctx context.Context, id cdp.BackendNodeID) error {
		_, err := invoke[bool](ctx, id, `function(text) {
			const found = [...this.options || []].filter(o => o.text === text && !o.disabled)
			if (this.disabled || found.length != 1) throw new Error('it has ' + found.length + ' options of that text to choose')
			this.focus()
			this.value = found[0].value
			this.dispatchEvent(new Event('input', {bubbles: true}))
			this.dispatchEvent(new Event('change', {bubbles: true}))
			return true
		}`, option)
		return err
	})
}

// Value is what stands in the field.
func (e *Element) Value() string {
	e.page.t.Helper()
	return read[string](&e.place, "read the value of", `function() { return this.value }`)
}

// Checked tells if a switch, checkbox or radio button is on.
func (e *Element) Checked() bool {
	e.page.t.Helper()
	return e.property(accessibility.PropertyNameChecked) == "true"
}

// Disabled tells if the element cannot be used.
func (e *Element) Disabled() bool {
	e.page.t.Helper()
	return e.property(accessibility.PropertyNameDisabled) == "true"
}

// Invalid tells if the field is marked as wrong.
func (e *Element) Invalid() bool {
	e.page.t.Helper()
	return e.property(accessibility.PropertyNameInvalid) == "true"
}

// Expanded tells if the menu or part that the element controls is open.
func (e *Element) Expanded() bool {
	e.page.t.Helper()
	return e.property(accessibility.PropertyNameExpanded) == "true"
}

// Description is the accessible description, such as the error of a field.
func (e *Element) Description() string {
	e.page.t.Helper()
	return plain(e.tree().Description)
}

func (e *Element) property(name accessibility.PropertyName) string {
	e.page.t.Helper()
	return property(e.tree(), name)
}

// tree is what the accessibility tree holds about the element.
func (e *Element) tree() *accessibility.Node {
	e.page.t.Helper()
	var node *accessibility.Node
	e.page.steady("look at "+e.String(), func(ctx context.Context) error {
		id, err := e.node(ctx)
		if err == nil {
			node, err = describe(ctx, id)
		}
		return err
	})
	return node
}

// PressKey presses a key where the focus is: a letter, or Tab, Enter, Escape,
// Space, Home, End, Delete, Backspace or an Arrow; with "Shift+" before it if
// need be. It waits like a click does.
func (p *Page) PressKey(key string) {
	p.t.Helper()
	p.step("press the key "+key, func(ctx context.Context) error {
		name, shifted := strings.CutPrefix(key, "Shift+")
		code, err := keyCode(name)
		if err != nil {
			return err
		}
		var options []chromedp.KeyOption
		if shifted {
			options = append(options, chromedp.KeyModifiers(chromedp.ModifierShift))
		}
		if err := chromedp.Do(ctx, chromedp.KeyEvent(code, options...)); err != nil {
			return err
		}
		return p.settle(ctx)
	})
}

func keyCode(name string) (string, error) {
	code, known := map[string]string{
		"Tab": kb.Tab, "Enter": kb.Enter, "Escape": kb.Escape, "Space": " ",
		"Home": kb.Home, "End": kb.End, "Delete": kb.Delete, "Backspace": kb.Backspace,
		"ArrowUp": kb.ArrowUp, "ArrowDown": kb.ArrowDown, "ArrowLeft": kb.ArrowLeft, "ArrowRight": kb.ArrowRight,
	}[name]
	switch {
	case known:
		return code, nil
	case len([]rune(name)) == 1:
		return name, nil
	}
	return "", fmt.Errorf("%q is not a known key", name)
}

// Focused is the accessible name of the element that has the focus, "" if
// none has.
func (p *Page) Focused() string {
	p.t.Helper()
	var name string
	p.steady("find the focus", func(ctx context.Context) error {
		top, err := root(ctx)
		if err != nil {
			return err
		}
		id, err := reach(ctx, top, `function() { const e = document.activeElement; return e === document.body ? null : e }`)
		if err != nil || id == 0 {
			return err
		}
		node, err := describe(ctx, id)
		if err == nil {
			name = nameOf(node)
		}
		return err
	})
	return name
}
