package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"portal"
	"portal/internal/meter"
	"portal/internal/seal"
	"portal/internal/telemetry"
	"portal/internal/tracing"
)

// watchFlags say how the portal is seen from outside.
type watchFlags struct {
	MetricsListen string `help:"Address for Prometheus: GET /metrics, and nothing else. Without a host, as :9464, it is reached from this machine only." env:"PORTAL_METRICS_LISTEN" placeholder:"ADDRESS"`
	OTLPEndpoint  string `name:"otlp-endpoint" help:"Trace collector (OpenTelemetry, OTLP over HTTP), for example http://127.0.0.1:4318; https:// beyond this machine. Headers that it wants come from PORTAL_OTLP_HEADERS or from the file that PORTAL_OTLP_HEADERS_FILE names." env:"PORTAL_OTLP_ENDPOINT,OTEL_EXPORTER_OTLP_ENDPOINT" placeholder:"URL"`
	OTLPCA        string `name:"otlp-ca" help:"File with the certificates (PEM) that vouch for the trace collector, in place of the system's." env:"PORTAL_OTLP_CA" placeholder:"FILE"`
}

// meter counts where somebody is to see it; otherwise it is nil and costs
// nothing.
func (f watchFlags) meter() *meter.Meter {
	if f.MetricsListen == "" && f.OTLPEndpoint == "" {
		return nil
	}
	return meter.New()
}

// apart refuses an address that serves something else already: who may read the
// metrics and who may reach the portal are two questions.
func (f watchFlags) apart(others ...string) error {
	if f.MetricsListen == "" {
		return nil
	}
	host, port, err := net.SplitHostPort(f.MetricsListen)
	if err != nil {
		return fmt.Errorf("--metrics-listen %q is no address; it looks like 127.0.0.1:9464 or :9464", f.MetricsListen)
	}
	for _, other := range others {
		otherHost, otherPort, err := net.SplitHostPort(other)
		if err == nil && port == otherPort && port != "0" && overlap(orLoopback(host), otherHost) {
			return fmt.Errorf("--metrics-listen %s: the portal itself listens on %s; give the metrics an address of their own, such as 127.0.0.1:9464", f.MetricsListen, other)
		}
	}
	return nil
}

// orLoopback is the host to listen on: this machine, unless another is named.
func orLoopback(host string) string {
	if host == "" {
		return "127.0.0.1"
	}
	return host
}

// overlap tells whether two hosts can be the same address of this machine.
func overlap(a, b string) bool {
	all := func(host string) bool {
		ip := net.ParseIP(host)
		return host == "" || (ip != nil && ip.IsUnspecified())
	}
	return a == b || all(a) || all(b) || (isLoopback(a) && isLoopback(b))
}

// showMetrics serves the metrics until the returned function is called: longer
// than the portal itself, so that its leave is seen.
func (f watchFlags) showMetrics(ctx context.Context, s *services, way *wayIn, ready func(context.Context) error, w world, log *slog.Logger) (stop func(), err error) {
	if f.MetricsListen == "" {
		return func() {}, nil
	}
	c := telemetry.Config{
		Meter: s.meter, Store: s.store, Hasher: s.hasher, Now: w.Now, Ready: ready, CertificateEnds: way.certificate.ends, Mail: s.post.Server != nil, Version: version, Revision: cmp.Or(commit, builtFrom()),
	}
	handler, err := telemetry.Metrics(c)
	if err != nil {
		return nil, err
	}
	host, port, _ := net.SplitHostPort(f.MetricsListen)
	listener, err := open(ctx, net.JoinHostPort(orLoopback(host), port))
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s; choose another address with --metrics-listen: %w", f.MetricsListen, err)
	}
	server := newServer(handler, log)
	server.MaxHeaderBytes = 4 << 10
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			log.Error("the metrics are not answered any more", "error", err)
		}
	}()
	log.InfoContext(ctx, "metrics are answered", "address", listener.Addr().String())
	return func() { _ = server.Close() }, nil
}

// farewellToTraces is how long the last traces may take to be sent.
const farewellToTraces = 5 * time.Second

// followRequests sends traces to the collector of the flags, until the returned
// function has sent the last ones.
func (f watchFlags) followRequests(ctx context.Context, s *services, instance string, w world, log *slog.Logger) (stop func(), err error) {
	if s.meter != nil {
		s.hasher.Watched(func(ctx context.Context) seal.Watch { return watchHash(ctx, s.meter, w.Now) })
	}
	if f.OTLPEndpoint == "" {
		return func() {}, nil
	}
	to, err := f.collector(w)
	if err != nil {
		return nil, err
	}
	to.Meter, to.Log, to.Now = s.meter, log, w.Now
	tracer, shutdown, err := telemetry.Traces(ctx, telemetry.Identity{Version: version, Instance: instance}, telemetry.NewCollector(to))
	s.tracer = tracer
	return func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), farewellToTraces)
		defer cancel()
		_ = shutdown(ctx) // the collector tells the log itself
	}, err
}

// collector is where traces go, and what opens the door there.
func (f watchFlags) collector(w world) (to telemetry.CollectorConfig, err error) {
	if f.OTLPEndpoint == "" {
		return to, nil
	}
	if to.Endpoint, err = telemetry.ParseEndpoint(f.OTLPEndpoint); err != nil {
		return to, fmt.Errorf("--otlp-endpoint %q: %w", f.OTLPEndpoint, err)
	}
	if to.Headers, err = otlpHeaders(w); err != nil {
		return to, err
	}
	if f.OTLPCA != "" {
		if to.Roots, err = rootsOf(f.OTLPCA); err != nil {
			return to, fmt.Errorf("--otlp-ca: %w", err)
		}
	}
	return to, nil
}

// otlpHeaders reads what opens the collector's door, from the environment or
// from a file that nobody else may read (CF-01).
func otlpHeaders(w world) (http.Header, error) {
	const variable = "PORTAL_OTLP_HEADERS"
	text := cmp.Or(w.Getenv(variable), w.Getenv("OTEL_EXPORTER_OTLP_HEADERS"))
	if path := w.Getenv(variable + "_FILE"); path != "" {
		var err error
		if text, err = w.secretFile(variable+"_FILE", path); err != nil {
			return nil, err
		}
	}
	headers, err := telemetry.ParseHeaders(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", variable, err)
	}
	return headers, nil
}

// hashWatch looks on at one password hash.
type hashWatch struct {
	meter *meter.Meter
	now   portal.Clock
	ctx   context.Context // of the request that the hash is for
	since time.Time       // of the wait, then of the work
	part  tracing.Part    // the same, of the trace
}

func watchHash(ctx context.Context, m *meter.Meter, now portal.Clock) *hashWatch {
	h := &hashWatch{meter: m, now: now, ctx: ctx, since: now()}
	_, h.part = tracing.Begin(ctx, "wait for a core")
	return h
}

// Begun is the end of the wait.
func (h *hashWatch) Begun(err error) {
	h.part.End(err)
	if err != nil {
		h.meter.HashRefused()
		return
	}
	now := h.now()
	h.meter.HashWaited(now.Sub(h.since))
	h.since = now
	_, h.part = tracing.Begin(h.ctx, "password hash")
}

// Done is the end of the work.
func (h *hashWatch) Done() {
	h.part.End(nil)
	h.meter.Hashed(h.now().Sub(h.since))
}

// validity notes until when the certificate is good that visitors are shown.
type validity struct {
	get     func(*tls.ClientHelloInfo) (*tls.Certificate, error)
	inFiles bool // known without a visitor
	until   atomic.Int64
}

// certificate hands a certificate out. One that only proves a host to its
// authority is none that visitors are shown.
func (v *validity) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	shown, err := v.get(hello)
	if err == nil && shown.Leaf != nil && !proves(hello) {
		v.until.Store(shown.Leaf.NotAfter.Unix())
	}
	return shown, err
}

// ends is when the certificate runs out; zero where that is not known.
func (v *validity) ends() time.Time {
	if v == nil {
		return time.Time{}
	}
	if v.inFiles {
		_, _ = v.certificate(nil)
	}
	if until := v.until.Load(); until != 0 {
		return time.Unix(until, 0)
	}
	return time.Time{}
}
