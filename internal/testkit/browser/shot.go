package browser

import (
	"context"
	"fmt"
	"image"

	"github.com/chromedp/cdproto/cdp"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// Screenshot is a PNG picture of what the window shows.
func (p *Page) Screenshot() []byte {
	p.t.Helper()
	return p.picture("take a picture", func(context.Context) (*cdppage.Viewport, error) { return nil, nil })
}

// FullPage is a PNG picture of the whole page, also of what must be scrolled
// to.
func (p *Page) FullPage() []byte {
	p.t.Helper()
	return p.picture("take a picture of the whole page", func(ctx context.Context) (*cdppage.Viewport, error) {
		size, err := chromedp.Call(ctx, cdppage.GetLayoutMetrics, cdp.Empty{})
		if err != nil {
			return nil, err
		}
		return &cdppage.Viewport{Width: size.CSSContentSize.Width, Height: size.CSSContentSize.Height, Scale: 1}, nil
	})
}

// Screenshot is a PNG picture of the scope.
func (s *Scope) Screenshot() []byte {
	s.page.t.Helper()
	return s.ScreenshotOf(":scope")
}

// ScreenshotOf is a PNG picture of the one element in the scope that the CSS
// selector finds and that can be seen, pixel by pixel.
func (s *Scope) ScreenshotOf(css string) []byte {
	s.page.t.Helper()
	return s.page.picture("take a picture of "+css+" in "+s.String(), func(ctx context.Context) (*cdppage.Viewport, error) {
		id, err := s.node(ctx)
		if err != nil {
			return nil, err
		}
		box, err := invoke[cdppage.Viewport](ctx, id, boxOf, css)
		return &box, err
	})
}

// boxOf measures an element in whole pixels, cut as Chromium cuts what it
// draws, so that a picture of it is not blurred.
const boxOf = `function(css) {
	const all = css === ':scope' ? [this] : [...this.querySelectorAll(css)]
	const seen = all.filter(e => e.checkVisibility())
	if (seen.length != 1) throw new Error('there are ' + seen.length + ' to be seen, where one is meant')
	const box = seen[0].getBoundingClientRect()
	const x = Math.round(box.left + scrollX), y = Math.round(box.top + scrollY)
	return {x, y, width: Math.round(box.right + scrollX) - x, height: Math.round(box.bottom + scrollY) - y, scale: 1}
}`

// picture is a step that takes a picture of a part of the document, or of the
// window where the part is nil.
func (p *Page) picture(what string, part func(context.Context) (*cdppage.Viewport, error)) []byte {
	p.t.Helper()
	var png []byte
	p.steady(what, func(ctx context.Context) error {
		clip, err := part(ctx)
		if err != nil {
			return err
		}
		png, err = capture(ctx, clip)
		return err
	})
	return png
}

func capture(ctx context.Context, clip *cdppage.Viewport) ([]byte, error) {
	answer, err := chromedp.Call(ctx, cdppage.CaptureScreenshot, cdppage.CaptureScreenshotParams{
		Format: cdppage.CaptureScreenshotFormatPng, Clip: clip, CaptureBeyondViewport: new(clip != nil),
	})
	return answer.Data, err
}

// Box is where the one element that the CSS selector finds and that can be
// seen is drawn in the document, in CSS pixels.
func (p *Page) Box(css string) image.Rectangle {
	p.t.Helper()
	box := look[cdppage.Viewport](p, "measure "+css, fmt.Sprintf("(%s).call(document, %q)", boxOf, css))
	return image.Rect(int(box.X), int(box.Y), int(box.X+box.Width), int(box.Y+box.Height))
}
