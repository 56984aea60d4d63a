package browser

import (
	"context"
	"slices"
	"sync"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
)

// watch keeps what the events of a page tell. Chromium's messages are seen in
// the order they were sent, so when a command has been answered, every event
// sent before the answer is in here.
type watch struct {
	mu      sync.Mutex
	main    cdp.FrameID   // the frame whose navigations count
	loading bool          // a navigation is asked for or under way
	moves   int           // counts the news about navigations
	news    chan struct{} // closed and replaced at each of them

	status    int
	documents map[network.RequestID]bool // the requests for main documents
	requests  []string
	console   []string
}

func newWatch() *watch {
	return &watch{news: make(chan struct{}), documents: map[network.RequestID]bool{}}
}

// follow names the main frame.
func (w *watch) follow(main cdp.FrameID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.main = main
}

// see takes one event. It runs in chromedp's reading loop and must not call.
func (w *watch) see(event any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch e := event.(type) {
	case *cdppage.EventFrameRequestedNavigation:
		w.move(e.FrameID, w.loading || e.Disposition == cdppage.ClientNavigationDispositionCurrentTab)
	case *cdppage.EventFrameStartedNavigating:
		w.move(e.FrameID, true)
	case *cdppage.EventFrameStartedLoading:
		w.move(e.FrameID, true)
	case *cdppage.EventFrameStoppedLoading:
		w.move(e.FrameID, false)
	case *cdppage.EventFrameNavigated:
		w.move(e.Frame.ID, w.loading)
	default:
		w.hear(event)
	}
}

// move notes news about a navigation of the main frame. Chromium reports it in
// this order: requested (by the page), started navigating, started loading,
// stopped loading. Stopping is always reported, also for downloads, answers
// without content, fragments and pages brought back from memory.
func (w *watch) move(frame cdp.FrameID, loading bool) {
	if frame != w.main {
		return
	}
	w.loading = loading
	w.moves++
	close(w.news)
	w.news = make(chan struct{})
}

// hear notes requests, answers and complaints.
func (w *watch) hear(event any) {
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		w.requests = append(w.requests, e.Request.URL)
		w.documents[e.RequestID] = e.Type == network.ResourceTypeDocument && e.FrameID == w.main
	case *network.EventResponseReceived:
		if w.documents[e.RequestID] {
			w.status = int(e.Response.Status)
		}
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeAssert {
			w.complain("script", logged(e.Args), "")
		}
	case *runtime.EventExceptionThrown:
		w.complain("exception", exception(e.ExceptionDetails), e.ExceptionDetails.URL)
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError && !w.ofMainDocument(e.Entry) {
			w.complain(e.Entry.Source.String(), e.Entry.Text, e.Entry.URL)
		}
	}
}

// ofMainDocument tells the entry that Chromium writes for each page answered
// with 4xx or 5xx; StatusCode speaks of that.
func (w *watch) ofMainDocument(entry *log.Entry) bool {
	return entry.Source == log.EntrySourceNetwork && w.documents[entry.NetworkRequestID]
}

func (w *watch) complain(source, text, url string) {
	if url != "" {
		text += " (" + url + ")"
	}
	w.console = append(w.console, source+": "+text)
}

func (w *watch) lastStatus() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.status
}

func (w *watch) asked() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.requests)
}

func (w *watch) complaints() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.console)
}

// idle waits until no navigation is under way, and returns the count of moves
// at that moment.
func (w *watch) idle(ctx context.Context) (int, error) {
	for {
		w.mu.Lock()
		loading, moves, news := w.loading, w.moves, w.news
		w.mu.Unlock()
		if !loading {
			return moves, nil
		}
		if err := await(ctx, news); err != nil {
			return 0, err
		}
	}
}

// after waits until something has moved since the count.
func (w *watch) after(ctx context.Context, count int) error {
	w.mu.Lock()
	moves, news := w.moves, w.news
	w.mu.Unlock()
	if moves != count {
		return nil
	}
	return await(ctx, news)
}

// whileStill runs something that a navigation would leave without an answer,
// and breaks it off when something moves.
func (w *watch) whileStill(ctx context.Context, count int, run func(context.Context) error) error {
	still, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		_ = w.after(still, count)
		cancel()
	}()
	return run(still)
}

// count is the present count of moves.
func (w *watch) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.moves
}

func await(ctx context.Context, news <-chan struct{}) error {
	select {
	case <-news:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
