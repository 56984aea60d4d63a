package browser

import "context"

// settle waits until the page has come to rest: no navigation is under way,
// and none begins while two frames pass.
//
// A click that navigates says so before its frame is drawn: Chromium sends
// "requested navigation" while it handles the event, or in the task after it.
// So two frames are enough to tell a click that opens a menu from one that
// submits a form, however slow the machine is.
func (p *Page) settle(ctx context.Context) error {
	for {
		before, err := p.watch.idle(ctx)
		if err != nil {
			return err
		}
		err = p.watch.whileStill(ctx, before, p.frames)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err == nil && p.watch.count() == before {
			return nil
		}
		// An error means that the document went away under the call; the
		// news about that may still be on its way.
		if err != nil && p.watch.after(ctx, before) != nil {
			return err
		}
	}
}

// moving does what surely starts a navigation and waits for its end.
func (p *Page) moving(ctx context.Context, start func() error) error {
	before := p.watch.count()
	if err := start(); err != nil {
		return err
	}
	if err := p.watch.after(ctx, before); err != nil {
		return err
	}
	return p.settle(ctx)
}

// frames lets two frames pass. Without scripts no animation callback runs;
// there the accessibility tree is asked for, which Chromium answers once a
// frame, when the layout is done.
func (p *Page) frames(ctx context.Context) error {
	if !p.noScript {
		_, err := evaluate[bool](ctx,
			`new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))`)
		return err
	}
	for range 2 {
		top, err := root(ctx)
		if err != nil {
			return err
		}
		if _, err := query(ctx, top, []string{"document"}, ""); err != nil {
			return err
		}
	}
	return nil
}
