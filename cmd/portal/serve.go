package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"portal"
	"portal/internal/tracing"
	"portal/internal/web"
)

// serveCmd runs the portal.
type serveCmd struct {
	settings
	Drain          time.Duration `help:"How long a portal that is stopped goes on serving while /readyz says 503, so that a proxy notices. Longer than a proxy keeps an idle connection; Ctrl-C does without." default:"5s" env:"PORTAL_DRAIN" placeholder:"TIME"`
	DatabaseWait   time.Duration `help:"How long a start waits for a database that does not answer yet, before it gives up." default:"30s" env:"PORTAL_DATABASE_WAIT" placeholder:"TIME"`
	SourceFailures int           `help:"Failed sign-ins of one address in an hour, before it has to wait; people of one office share an address." default:"200" env:"PORTAL_SOURCE_FAILURES" placeholder:"NUMBER"`
	LogLevel       slog.Level    `help:"debug, info, warn or error." default:"info" env:"PORTAL_LOG_LEVEL" placeholder:"LEVEL"`
}

// How long one request may take, and how long requests that are under way have
// to end when the portal is stopped (AP-07).
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 15 * time.Second
	writeTimeout      = 30 * time.Second
	idleTimeout       = 2 * time.Minute
	maxHeaderBytes    = 32 << 10
	shutdownTimeout   = 20 * time.Second
	maxDrain          = 10 * time.Minute
)

// Validate is asked by the parser of the command line.
func (cmd *serveCmd) Validate() error {
	if cmd.SourceFailures < 1 {
		return fmt.Errorf("--source-failures %d: at least one failure has to be allowed", cmd.SourceFailures)
	}
	if cmd.Drain < 0 || cmd.Drain > maxDrain {
		return fmt.Errorf("--drain %s: give a time from 0s to 10m, longer than a proxy keeps an idle connection", cmd.Drain)
	}
	return cmd.apart(cmd.Listen, cmd.ListenHTTP)
}

// Run serves until the context ends.
func (cmd *serveCmd) Run(ctx context.Context, c *cli, w world) error {
	log := slog.New(tracing.Log(slog.NewJSONHandler(w.Err, &slog.HandlerOptions{Level: cmd.LogLevel}), web.RequestID))
	listener, err := open(ctx, cmd.Listen)
	if err != nil {
		return fmt.Errorf("cannot listen on %s; choose another address with --listen: %w", cmd.Listen, err)
	}
	defer listener.Close() //nolint:errcheck // the server closes it; this is for a start that fails
	base, err := cmd.settle(listener.Addr())
	if err != nil {
		return err
	}
	way, err := cmd.encrypted(listener, base, c.Data, w, log)
	if err != nil {
		return err
	}
	counts := cmd.meter()
	s, err := await(ctx, cmd.DatabaseWait, log, func(ctx context.Context) (*services, error) { return c.openMetered(ctx, w, log, counts) })
	if err != nil {
		return err
	}
	if err := s.weak.Load(); err != nil {
		return errors.Join(err, s.store.Close())
	}
	if err := s.refuseRestored(ctx, log); err != nil {
		return errors.Join(err, s.store.Close())
	}
	c.remember(ctx, base, s.store, log)
	if w.Getenv("GOMAXPROCS") == "" { // or else the operator has decided
		expectRush(s.hasher)
	}
	return errors.Join(cmd.serve(ctx, s, way, base, w, log), s.store.Close())
}

func (cmd *serveCmd) serve(ctx context.Context, s *services, way *wayIn, base *url.URL, w world, log *slog.Logger) error {
	n, leave := s.node(w, log), &departure{drain: cmd.Drain, world: w, log: log}
	if err := cmd.openPost(s, base, w, log); err != nil {
		return err
	}
	lastTraces, err := cmd.followRequests(ctx, s, n.ID, w, log)
	if err != nil {
		return err
	}
	defer lastTraces()
	ready := leave.ready(n.Ready)
	pages, err := cmd.pages(s, base, standing{ready, n.Held}, w, log)
	if err != nil {
		return err
	}
	hide, err := cmd.showMetrics(ctx, s, way, ready, w, log)
	if err != nil {
		return err
	}
	defer hide()
	stop, err := cmd.redirecting(ctx, base, w.Now, log)
	if err != nil {
		return err
	}
	defer stop()
	if err := announce(ctx, s, base, w); err != nil {
		return err
	}
	log.InfoContext(ctx, "serving", "address", way.Addr().String(), "base_url", base.String(), "database", s.store.Name(), "mail_server", s.post.Server.String())
	defer s.keep(ctx, n)()
	return leave.serveUntil(ctx, newServer(leave.answers(pages), log), way)
}

// standing is how the node stands: whether it may be sent visitors, and why it
// serves nobody.
type standing struct {
	ready func(context.Context) error
	held  func() error
}

// pages is the portal as browsers reach it.
func (cmd *serveCmd) pages(s *services, base *url.URL, node standing, w world, log *slog.Logger) (http.Handler, error) {
	proxies, err := cmd.proxies()
	if err != nil {
		return nil, err
	}
	limits := portal.DefaultLimits()
	return web.New(web.Config{
		Auth: s.auth, Admin: s.admin, BaseURL: base, Proxies: proxies, Log: log, Now: w.Now,
		Ready: node.ready, Held: node.held, Overall: limits.Overall, KnownBrowser: limits.KnownBrowser,
		Mail: s.post.Server != nil, Meter: s.meter, Tracer: s.tracer,
	})
}

// newServer is an HTTP server with the limits of the portal.
func newServer(handler http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler: handler, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		ReadHeaderTimeout: readHeaderTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout,
		IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaderBytes,
		DisableGeneralOptionsHandler: true, // it would answer OPTIONS * past the handler, its headers and its log
	}
}

// announce prints where the portal is, and the set-up link while there is no
// administrator: the only secret that is ever printed here.
func announce(ctx context.Context, s *services, base *url.URL, w world) error {
	token, err := s.admin.SetUpLink(ctx, host())
	if err != nil {
		return err
	}
	fmt.Fprintf(w.Out, "The portal is at %s\n", base)
	if token == "" {
		fmt.Fprintln(w.Out, "Sign in there. To stop the portal, press Ctrl-C.")
	} else {
		fmt.Fprintf(w.Out, "There is no administrator yet. Open this link once to set the portal up (valid for 24 hours):\n  %s/link/%s\n", base, token)
	}
	if s.post.Server == nil {
		fmt.Fprintln(w.Out, "No mail server is set up (--smtp-url): mails are kept. Read them with portal mail list and portal mail show.")
	}
	return nil
}
