package telemetry

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"golang.org/x/net/http/httpguts"
	"google.golang.org/protobuf/proto"

	"portal"
	"portal/internal/meter"
	"portal/internal/tracing"
)

// sending is how long the collector may take to accept a batch.
const sending = 10 * time.Second

// Collector is where traces are sent: OTLP over HTTP, as protobuf. The exporter
// of OpenTelemetry itself does that too, with all of gRPC in its luggage
// (docs/decisions/0001-dependencies.md).
//
// What the collector does not accept is lost, counted, and never in the way of
// anybody's request.
type Collector struct {
	CollectorConfig
	client *http.Client
	said   *tracing.Seldom
}

// CollectorConfig says how a collector is reached.
type CollectorConfig struct {
	Endpoint *url.URL // see ParseEndpoint
	// Headers open the collector's door; they are secrets.
	Headers http.Header
	// Roots vouch for the collector; nil are the system's.
	Roots *x509.CertPool
	Meter *meter.Meter
	Log   *slog.Logger
	Now   portal.Clock
}

// ParseEndpoint reads where the collector is, and adds the path of traces. The
// way there is encrypted, unless it does not leave this machine.
func ParseEndpoint(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || (u.Scheme != "https" && u.Scheme != "http") {
		return nil, errors.New("this is no address of a trace collector; it looks like https://collector.example.com:4318")
	}
	if ip := net.ParseIP(u.Hostname()); u.Scheme == "http" && u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, errors.New("traces travel in clear only on this machine: use https://, or run a collector here and have it send them on")
	}
	return u.JoinPath("v1", "traces"), nil
}

// ParseHeaders reads headers as OpenTelemetry writes them: name=value, separated
// by commas, values escaped as in a URL.
func ParseHeaders(text string) (http.Header, error) {
	headers := http.Header{}
	for pair := range strings.SplitSeq(text, ",") {
		name, value, found := strings.Cut(strings.TrimSpace(pair), "=")
		plain, err := url.PathUnescape(value)
		switch {
		case pair == "" && text == "":
		case !found || err != nil || !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(plain):
			return nil, errors.New("the headers look like name=value,name=value") // and not what they are: they are secret
		default:
			headers.Set(name, plain)
		}
	}
	return headers, nil
}

// NewCollector makes the way to a collector. It follows no redirect and asks no
// proxy that the environment may name.
func NewCollector(c CollectorConfig) *Collector {
	return &Collector{CollectorConfig: c, said: &tracing.Seldom{Log: c.Log, Now: c.Now}, client: &http.Client{
		Timeout:       sending,
		Transport:     &http.Transport{TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: c.Roots}, ForceAttemptHTTP2: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// ExportSpans sends a batch. It fails for nobody: what is lost is lost, and the
// next batch is another try.
func (c *Collector) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	err := c.send(ctx, spans)
	c.Meter.Spans(len(spans), err == nil)
	if err != nil {
		c.said.Warn(ctx, "the trace collector takes no traces; what it does not take is lost, and nothing else", "collector", c.Endpoint.String(), "error", err)
	}
	return nil
}

func (c *Collector) send(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	body, err := proto.Marshal(request(spans))
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.Endpoint.String(), bytes.NewReader(body))
	if err != nil {
		return err
	}
	for name, values := range c.Headers {
		r.Header[name] = values
	}
	r.Header.Set("Content-Type", "application/x-protobuf")
	r.Header.Set("User-Agent", "portal")
	answer, err := c.client.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close() //nolint:errcheck // it was only read
	if _, err := io.Copy(io.Discard, io.LimitReader(answer.Body, 1<<20)); err != nil {
		return err
	}
	if answer.StatusCode/100 != 2 {
		return fmt.Errorf("it answers %s", answer.Status)
	}
	return nil
}

// Shutdown has nothing left to send.
func (c *Collector) Shutdown(context.Context) error {
	c.client.CloseIdleConnections()
	return nil
}
