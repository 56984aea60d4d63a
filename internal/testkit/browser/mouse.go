package browser

import (
	"context"
	"fmt"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

// aim is a point to click, and what stands in the way there.
type aim struct {
	X, Y  float64
	Cover string
}

// findAim looks for the middle of an element, or of its first line where it
// breaks, and scrolls to it if need be. What is drawn at that point must be
// the element, a part of it, or its label.
const findAim = `function() {
	const look = () => {
		const box = [...this.getClientRects()].find(r => r.width > 0 && r.height > 0)
		if (!box) return {Cover: 'nothing: it has no size'}
		const x = box.left + box.width / 2, y = box.top + box.height / 2
		const hit = document.elementFromPoint(x, y)
		if (!hit) return {Cover: 'the edge of the window'}
		const own = [this, ...this.labels || []].some(e => e.contains(hit))
		return {X: x, Y: y, Cover: own ? '' : hit.cloneNode(false).outerHTML}
	}
	let aim = look()
	if (aim.Cover) {
		this.scrollIntoView({block: 'center', inline: 'center', behavior: 'instant'})
		aim = look()
	}
	if (!aim.Cover && visualViewport.scale != 1)
		aim.Cover = 'the zoom: the page does not fit the screen and is drawn at ' + visualViewport.scale
	return aim
}`

// click moves the mouse onto an element and presses its button there, as a
// person does. It refuses what a person could not click.
func click(ctx context.Context, id cdp.BackendNodeID) error {
	at, err := invoke[aim](ctx, id, findAim)
	if err != nil {
		return err
	}
	if at.Cover != "" {
		return fmt.Errorf("it cannot be clicked, in its place is %s", at.Cover)
	}
	return chromedp.Do(ctx,
		mouse(input.DispatchMouseEventTypeMouseMoved, at, input.MouseButtonNone),
		mouse(input.DispatchMouseEventTypeMousePressed, at, input.MouseButtonLeft),
		mouse(input.DispatchMouseEventTypeMouseReleased, at, input.MouseButtonLeft),
	)
}

func mouse(event input.DispatchMouseEventType, at aim, button input.MouseButton) chromedp.Action[chromedp.Void] {
	params := input.DispatchMouseEventParams{Type: event, X: at.X, Y: at.Y, Button: button}
	if button == input.MouseButtonLeft {
		params.ClickCount = 1
	}
	return command(input.DispatchMouseEvent, params)
}
