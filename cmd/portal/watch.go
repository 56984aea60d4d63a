package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/acme"

	"portal"
	"portal/internal/meter"
	"portal/internal/seal"
	"portal/internal/telemetry"
)

// watchFlags say how the portal is seen from outside.
type watchFlags struct {
	MetricsListen string `help:"Address for Prometheus: GET /metrics, and nothing else. Without a host, as :9464, it is reached from this machine only." env:"PORTAL_METRICS_LISTEN" placeholder:"ADDRESS"`
}

// meter counts where somebody is to see it; otherwise it is nil and costs
// nothing.
func (f watchFlags) meter() *meter.Meter {
	if f.MetricsListen == "" {
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
	s.hasher.Watched(func(context.Context) seal.Watch { return &hashWatch{meter: s.meter, now: w.Now, since: w.Now()} })
	c := telemetry.Config{
		Meter: s.meter, Store: s.store, Hasher: s.hasher, Now: w.Now, Ready: ready, CertificateEnds: way.certificate.ends, Mail: s.post.Server != nil,
	}
	c.Version, c.Revision = build()
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

// build is which program this is, as far as the build has noted it.
func build() (version, revision string) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "", ""
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			revision = s.Value
		}
	}
	return info.Main.Version, revision
}

// hashWatch looks on at one password hash.
type hashWatch struct {
	meter *meter.Meter
	now   portal.Clock
	since time.Time // of the wait, then of the work
}

// Begun is the end of the wait.
func (h *hashWatch) Begun(err error) {
	if err != nil {
		h.meter.HashRefused()
		return
	}
	now := h.now()
	h.meter.HashWaited(now.Sub(h.since))
	h.since = now
}

// Done is the end of the work.
func (h *hashWatch) Done() { h.meter.Hashed(h.now().Sub(h.since)) }

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
	if err == nil && shown.Leaf != nil && (hello == nil || !slices.Contains(hello.SupportedProtos, acme.ALPNProto)) {
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
