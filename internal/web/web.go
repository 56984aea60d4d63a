// Package web is the HTML edge of the portal: it turns requests into calls of
// use cases, and what they answer into pages.
//
// A handler decodes, calls one use case, picks a page or a redirect, and
// returns the error. It holds no rule: who may do what is asked of the use
// cases, and the table in routes.go says what a visitor must have proven to
// reach a handler at all. One place (fail.go) turns errors into answers, one
// (edge.go) writes the line in the log.
//
// A page is a Go struct with a template of its own, rendered into a buffer, so
// that a visitor gets a whole page or a whole error. Every page works without
// scripts; the one script only makes some things easier.
package web

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"portal"
	"portal/internal/admin"
	"portal/internal/auth"
	"portal/internal/meter"
	"portal/internal/tracing"
)

// Config is what the pages stand on.
type Config struct {
	Auth  *auth.Service
	Admin *admin.Service
	// BaseURL is where people find the portal. Host, origin, links and the
	// attributes of cookies follow from it, never from a request.
	BaseURL *url.URL
	// Proxies are the peers whose forwarding headers count; see ParseProxies.
	Proxies []netip.Prefix
	Log     *slog.Logger
	Now     portal.Clock
	// Ready tells whether the portal can serve, for GET /readyz.
	Ready func(context.Context) error
	// Held is why nobody is to be served now, nil where nothing is; it is asked at
	// each request.
	Held func() error
	// Overall is the life of a session; its cookie lives no longer.
	Overall time.Duration
	// KnownBrowser is how long a browser is known after a sign-in.
	KnownBrowser time.Duration
	// Mail tells whether mails go out; otherwise pages say so.
	Mail bool
	// Meter counts requests; nil counts nothing.
	Meter *meter.Meter
	// Tracer begins the trace of each request; nil begins none.
	Tracer *tracing.Tracer
}

// site is the portal as the browser sees it.
type site struct {
	auth    *auth.Service
	admin   *admin.Service
	log     *slog.Logger
	now     portal.Clock
	ready   func(context.Context) error
	held    func() error
	mail    bool // mails go out
	place   place
	proxies proxies
	cookies cookies
	press
	blank   []byte // the sign-in page, as everybody sees it at first
	mux     *http.ServeMux
	meter   *meter.Meter
	tracer  *tracing.Tracer
	nowhere *meter.Route // counts what no route has answered
}

// New makes the handler of all pages. It fails where a route does not say who
// may reach it, or a template is broken.
func New(c Config) (http.Handler, error) { return build(c, Routes()) }

func build(c Config, routes []Route) (http.Handler, error) {
	if c.Log == nil || c.Now == nil || c.Ready == nil || c.Held == nil {
		return nil, errors.New("web: a log, a clock, a readiness check and what may hold it back are needed")
	}
	where, err := placeOf(c.BaseURL)
	if err != nil {
		return nil, err
	}
	printing, err := newPress()
	if err != nil {
		return nil, err
	}
	blank, err := printing.print(printing.viewOf(signInPage{}, portal.Actor{}, "/sign-in", c.Now()))
	if err != nil {
		return nil, err
	}
	s := &site{
		auth: c.Auth, admin: c.Admin, log: c.Log, now: c.Now, ready: c.Ready, held: c.Held, mail: c.Mail,
		place: where, proxies: c.Proxies, cookies: cookies{plain: where.plain(), life: c.Overall, known: c.KnownBrowser},
		press: printing, blank: blank, mux: http.NewServeMux(),
		meter: c.Meter, tracer: c.Tracer, nowhere: c.Meter.Route("any", "none"),
	}
	if err := s.register(routes); err != nil {
		return nil, err
	}
	return s.traced(secured(s.recovered(s.checkedHost(s.checkedTransport(s.checkedFraming(s.unlessHeld(http.HandlerFunc(s.route)))))))), nil
}
