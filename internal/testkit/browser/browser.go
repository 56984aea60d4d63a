// Package browser lets a test use the portal as a person does: it opens pages
// in a real Chromium, finds things by their role and accessible name, clicks
// where they are drawn, and reads what is to be seen.
//
//	b := browser.Start(t)
//	p := b.Page(t, browser.View{})
//	p.Open(base + "/sign-in")
//	p.Fill("Login ID", "wendy")
//	p.Fill("Password", "correct horse battery")
//	p.Press("Sign in")
//
// Three promises make such steps readable and steady:
//
//   - Names come from Chromium's own accessibility tree. What a screen reader
//     does not find, no step finds; a name that fits twice is refused.
//   - A step that fails ends the test. It says what it looked for, where it
//     was, what the page said, and where it left a picture.
//   - A step returns when the page has come to rest: the navigation it caused
//     has finished, or two frames passed without one. Nothing ever sleeps.
//     What a script does later than that is awaited with [Page.Until].
//
// Regions, rows and elements are looked up anew each time they are used, so
// they survive the navigation that a step inside them causes.
package browser

import (
	"context"
	"testing"
	"time"

	cdpbrowser "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

const (
	// patience bounds every step, so that a test that hangs ends and says why.
	// It is generous: test machines are small and busy.
	patience = 30 * time.Second

	// startPatience bounds the start of Chromium.
	startPatience = 2 * time.Minute
)

// Browser is one Chromium process without pages.
type Browser struct {
	ctx context.Context
}

// View is how a visitor looks at the pages. The zero value is a light desktop
// window of 1280 by 900 with scripts.
type View struct {
	Width, Height int  // CSS pixels; a width below 500 is a phone
	Dark          bool // prefers-color-scheme: dark
	NoScript      bool // the pages run no JavaScript
}

// Start starts Chromium and stops it when the test is over. It reaches the
// loopback addresses and nothing else.
func Start(t testing.TB) *Browser {
	t.Helper()
	// The profile folder is chromedp's own: it alone waits for the last child
	// process before it removes the folder, which t.TempDir would not.
	alloc, release := chromedp.NewExecAllocator(context.Background(), flags()...)
	ctx, cancel := chromedp.NewContext(alloc)
	t.Cleanup(func() {
		closing, done := context.WithTimeout(ctx, patience)
		defer done()
		_ = chromedp.Cancel(closing) // asks first; release kills what is left
		release()
	})
	if err := begin(ctx, cancel); err != nil {
		t.Fatalf("browser: Chromium does not start: %v", err)
	}
	return &Browser{ctx: ctx}
}

// flags are the command line of Chromium. Name resolution stops at loopback:
// a page that asks for anything foreign fails at once, on any machine.
func flags() []chromedp.ExecAllocatorOption {
	return append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.NoSandbox, // the pages are our own, and root needs it
		chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("no-proxy-server", true),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1, EXCLUDE ::1"),
		chromedp.Flag("lang", "en-US"),
		// chromedp's own, and no renderer in reserve: with every page one would
		// be started that no page ever gets.
		chromedp.Flag("disable-features", "Translate,BlinkGenPropertyTrees,SpareRendererForSitePerProcess"),
	)
}

// begin makes the first call on a context. That call ties the life of the
// process or page to the context it is given, so the context itself must have
// no deadline; a timer bounds the call instead.
func begin(ctx context.Context, cancel context.CancelFunc) error {
	timer := time.AfterFunc(startPatience, cancel)
	defer timer.Stop()
	return chromedp.Do(ctx)
}

// Page opens an empty page in a browser context of its own: no cookie or
// storage is shared with any other page. It closes when t is over.
func (b *Browser) Page(t testing.TB, view View) *Page {
	t.Helper()
	p := &Page{t: t, watch: newWatch(), noScript: view.NoScript}
	p.Scope = Scope{place{page: p, what: "the page"}}
	ctx, cancel := chromedp.NewContext(b.ctx,
		chromedp.WithNewBrowserContext(), chromedp.WithListener(p.watch.see))
	t.Cleanup(cancel)
	if err := begin(ctx, cancel); err != nil {
		t.Fatalf("browser: no page: %v", err)
	}
	p.ctx, p.target = ctx, chromedp.FromContext(ctx)
	p.watch.follow(cdp.FrameID(p.target.Target.TargetID)) // a main frame bears its target's name
	p.step("set up the view", func(ctx context.Context) error {
		return p.dress(ctx, view)
	})
	return p
}

// dress gives the page its size, colours and manners. Reduced motion is asked
// for, because a thing that moves is not where it is clicked; downloads are
// refused, because nobody would clear them away.
func (p *Page) dress(ctx context.Context, view View) error {
	if view.Width == 0 {
		view.Width, view.Height = 1280, 900
	}
	scheme := "light"
	if view.Dark {
		scheme = "dark"
	}
	size := emulation.SetDeviceMetricsOverrideParams{
		Width: int64(view.Width), Height: int64(view.Height),
		DeviceScaleFactor: 1, Mobile: view.Width < 500,
	}
	media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme},
		{Name: "prefers-reduced-motion", Value: "reduce"},
	}}
	return chromedp.Do(ctx,
		command(emulation.SetDeviceMetricsOverride, size),
		command(emulation.SetEmulatedMedia, media),
		command(emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true}),
		command(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: view.NoScript}),
		chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
			_, err := chromedp.CallBrowser(ctx, cdpbrowser.SetDownloadBehavior, cdpbrowser.SetDownloadBehaviorParams{
				Behavior: cdpbrowser.SetDownloadBehaviorBehaviorDeny, BrowserContextID: p.target.BrowserContextID,
			})
			return err
		}),
	)
}

// command makes a step of a protocol command whose answer does not matter.
func command[P, R any](cmd cdp.Command[P, R], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, cmd, params)
		return err
	})
}
