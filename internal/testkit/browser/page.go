package browser

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/storage"
	"github.com/chromedp/chromedp"
)

// Page is one tab of one visitor. As a [Scope] it is the whole document.
// Its steps end the test it was made for, so they belong into that test and not
// into a subtest of it.
type Page struct {
	Scope

	t        testing.TB
	ctx      context.Context
	target   *chromedp.Context
	watch    *watch
	noScript bool
	shots    int
}

// Storage counts what scripts have kept in the browser.
type Storage struct {
	Local, Session int
}

// Context is the chromedp context of the page, for the rare test that needs
// more of the protocol, such as a virtual authenticator.
func (p *Page) Context() context.Context { return p.ctx }

// Open goes to the URL and waits for the page.
func (p *Page) Open(url string) {
	p.t.Helper()
	p.step("open "+url, func(ctx context.Context) error {
		answer, err := chromedp.Call(ctx, cdppage.Navigate, cdppage.NavigateParams{URL: url})
		if err == nil && answer.ErrorText != "" {
			err = errors.New(answer.ErrorText)
		}
		if err != nil {
			return err
		}
		return p.settle(ctx)
	})
}

// Reload loads the page again.
func (p *Page) Reload() {
	p.t.Helper()
	p.step("reload", func(ctx context.Context) error {
		return p.moving(ctx, func() error {
			_, err := chromedp.Call(ctx, cdppage.Reload, cdppage.ReloadParams{})
			return err
		})
	})
}

// Back goes one page back in the history of the tab, as the back button does;
// Chromium may bring the old page back from memory, without a request.
func (p *Page) Back() {
	p.t.Helper()
	p.step("go back", func(ctx context.Context) error {
		history, err := chromedp.Call(ctx, cdppage.GetNavigationHistory, cdp.Empty{})
		if err != nil {
			return err
		}
		if history.CurrentIndex < 1 {
			return errors.New("there is no page to go back to")
		}
		earlier := history.Entries[history.CurrentIndex-1].ID
		return p.moving(ctx, func() error {
			_, err := chromedp.Call(ctx, cdppage.NavigateToHistoryEntry, cdppage.NavigateToHistoryEntryParams{EntryID: earlier})
			return err
		})
	})
}

// Until waits for what a script brings about later, such as the page after a
// passkey: it asks done after each frame, and fails when patience is over.
func (p *Page) Until(what string, done func() bool) {
	p.t.Helper()
	p.step("wait until "+what, func(ctx context.Context) error {
		for !done() {
			if err := p.settle(ctx); err != nil {
				return err
			}
		}
		return p.settle(ctx)
	})
}

// Title is the title of the document.
func (p *Page) Title() string {
	p.t.Helper()
	return look[string](p, "read the title", `document.title`)
}

// URL is the address of the document.
func (p *Page) URL() string {
	p.t.Helper()
	return look[string](p, "read the URL", `location.href`)
}

// Path is the path of the address, without query and fragment.
func (p *Page) Path() string {
	p.t.Helper()
	return look[string](p, "read the path", `location.pathname`)
}

// StatusCode is the HTTP status of the last answer to a navigation of the
// page, 0 before the first. A page brought back from memory has no answer.
func (p *Page) StatusCode() int { return p.watch.lastStatus() }

// Requests are the URLs the page has asked for since it was made, in order,
// also those that were refused or failed.
func (p *Page) Requests() []string {
	p.t.Helper()
	p.rest("list the requests")
	return p.watch.asked()
}

// Console is what the pages have complained about so far: errors logged or
// thrown by scripts, refusals by the content security policy, and resources
// that failed. The status of the page itself is not among them.
func (p *Page) Console() []string {
	p.t.Helper()
	p.rest("read the console")
	return p.watch.complaints()
}

// rest waits until the page is idle, so that the events of the last step have
// all been seen.
func (p *Page) rest(step string) {
	p.t.Helper()
	p.step(step, p.settle)
}

// Cookies are all cookies of the visitor, those hidden from scripts included,
// sorted by name.
func (p *Page) Cookies() []*network.Cookie {
	p.t.Helper()
	var jar []*network.Cookie
	p.step("read the cookies", func(ctx context.Context) error {
		answer, err := chromedp.CallBrowser(ctx, storage.GetCookies,
			storage.GetCookiesParams{BrowserContextID: p.target.BrowserContextID})
		jar = answer.Cookies
		return err
	})
	slices.SortFunc(jar, func(a, b *network.Cookie) int { return strings.Compare(a.Name, b.Name) })
	return jar
}

// Storage counts the entries in local and session storage of this origin.
func (p *Page) Storage() Storage {
	p.t.Helper()
	return look[Storage](p, "count the storage", `({Local: localStorage.length, Session: sessionStorage.length})`)
}

// step runs one bounded step and ends the test if it fails.
func (p *Page) step(what string, run func(context.Context) error) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, patience)
	defer cancel()
	err := run(ctx)
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		err = fmt.Errorf("not done within %s: %w", patience, err)
	}
	if err != nil {
		p.fail(what, err)
	}
}

// steady is a step that only reads. Where a script has led the page away under
// it, it reads again when the next page has come.
func (p *Page) steady(what string, run func(context.Context) error) {
	p.t.Helper()
	p.step(what, func(ctx context.Context) error {
		for {
			before, err := p.watch.idle(ctx)
			if err != nil {
				return err
			}
			err = p.watch.whileStill(ctx, before, run)
			if err == nil || ctx.Err() != nil || p.watch.count() == before {
				return err
			}
		}
	})
}

// look is a step that evaluates an expression in the document.
func look[T any](p *Page, what, expression string) T {
	p.t.Helper()
	var value T
	p.steady(what, func(ctx context.Context) (err error) {
		value, err = evaluate[T](ctx, expression)
		return err
	})
	return value
}
