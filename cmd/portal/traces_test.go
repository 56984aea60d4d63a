package main

import (
	"bytes"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/slim/otlp/collector/trace/v1"
	trace "go.opentelemetry.io/proto/slim/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"portal/internal/testkit"
)

// traceCollector takes traces as a real one does.
type traceCollector struct {
	*httptest.Server
	t      testing.TB
	mu     sync.Mutex
	raw    bytes.Buffer // all that came
	keys   []string     // the headers Authorization
	spans  []*trace.Span
	origin []string // attributes of the program
}

// newTraceCollector starts one; with a certificate of the authority where there
// is one.
func newTraceCollector(t testing.TB, authority *testkit.Authority) *traceCollector {
	t.Helper()
	c := &traceCollector{t: t}
	c.Server = httptest.NewUnstartedServer(http.HandlerFunc(c.take))
	if authority == nil {
		c.Start()
	} else {
		cert, key := authority.Issue(t, t.TempDir(), "127.0.0.1")
		pair, err := tls.LoadX509KeyPair(cert, key)
		must(t, err)
		c.TLS = &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}}
		c.StartTLS()
	}
	t.Cleanup(c.Close)
	return c
}

func (c *traceCollector) take(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var batch collector.ExportTraceServiceRequest
	if err == nil {
		err = proto.Unmarshal(body, &batch)
	}
	if err != nil || r.Method != http.MethodPost || r.URL.Path != "/v1/traces" || r.Header.Get("Content-Type") != "application/x-protobuf" {
		c.t.Errorf("no traces: %s %s, %s, %v", r.Method, r.URL, r.Header.Get("Content-Type"), err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.raw.Write(body)
	c.keys = append(c.keys, r.Header.Get("Authorization"))
	for _, about := range batch.ResourceSpans {
		for _, a := range about.Resource.Attributes {
			c.origin = append(c.origin, a.Key+"="+a.Value.GetStringValue())
		}
		for _, scope := range about.ScopeSpans {
			c.spans = append(c.spans, scope.Spans...)
		}
	}
}

// named are the spans with a name.
func (c *traceCollector) named(name string) (found []*trace.Span) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.spans {
		if s.Name == name {
			found = append(found, s)
		}
	}
	return found
}

// last waits for the given number of spans with a name, and is the last one.
func (c *traceCollector) last(name string, number int) (s *trace.Span) {
	c.t.Helper()
	until(c.t, name+" is traced", func() bool {
		found := c.named(name)
		if len(found) >= number {
			s = found[len(found)-1]
		}
		return s != nil
	})
	return s
}

// parts are the names of the parts of a trace, each once.
func (c *traceCollector) parts(of *trace.Span) (names []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.spans {
		if bytes.Equal(s.TraceId, of.TraceId) && bytes.Equal(s.ParentSpanId, of.SpanId) && !slices.Contains(names, s.Name) {
			names = append(names, s.Name)
		}
	}
	slices.Sort(names)
	return names
}

// attribute is what a span says of something, as text.
func attribute(s *trace.Span, key string) string {
	for _, a := range s.Attributes {
		if a.Key == key {
			return strings.Trim(strings.TrimPrefix(a.Value.String(), "string_value:"), `"`)
		}
	}
	return ""
}

// logLines are the lines of the log about a request, by its number.
func (s *server) logLines(requestID string) (lines []map[string]any) {
	s.t.Helper()
	for line := range strings.Lines(s.Log()) {
		var entry map[string]any
		if json.Unmarshal([]byte(line), &entry) == nil && entry["request_id"] == requestID {
			lines = append(lines, entry)
		}
	}
	return lines
}

// A sign-in is one trace: the request by its route, the wait for a core, the
// hash, the transactions. The log's lines of the request name the same trace,
// and nothing in the trace names anybody (LG-02, LG-03).
func TestTracesOfASignIn(t *testing.T) {
	t.Parallel()
	for name, database := range map[string]func(testing.TB) string{
		"sqlite": func(testing.TB) string { return "" }, "postgres": testkit.Postgres,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in, authority := install(t), testkit.NewAuthority(t)
			in.Database = database(t)
			c := newTraceCollector(t, authority)
			headers := filepath.Join(t.TempDir(), "headers")
			must(t, os.WriteFile(headers, []byte("authorization=Bearer%20secret%2C1\n"), 0o600))
			in.env = []string{"OTEL_BSP_SCHEDULE_DELAY=50", "OTEL_EXPORTER_OTLP_ENDPOINT=" + c.URL, "PORTAL_OTLP_HEADERS_FILE=" + headers, "PORTAL_OTLP_CA=" + authority.File}
			s := in.Serve()
			s.Run("", "customer", "add", "Zwiebelwerk")
			quirin := s.join("Zwiebelwerk", "user", "quirin")
			quirin.signIn()
			quirin.enable()
			again := s.person("quirin")
			again.enterPassword()
			change(t, s.beneath(), "UPDATE authenticators SET secret = $1", []byte("spoilt beneath"))
			answer := again.Post("/sign-in/code", "code", quirin.code())
			again.Get("/readyz")

			first := c.last("POST /sign-in", 2)
			for _, part := range []string{"database read", "password hash", "transaction", "wait for a core"} {
				until(t, part+" is a part of the sign-in", func() bool { return slices.Contains(c.parts(first), part) })
			}
			page := c.last("GET /account", 1)
			until(t, "a page is a part of its request", func() bool { return slices.Contains(c.parts(page), "page") })
			if first.Kind != trace.Span_SPAN_KIND_SERVER || len(first.ParentSpanId) != 0 || attribute(first, "http.route") != "/sign-in" ||
				attribute(first, "http.response.status_code") != "int_value:303" || first.EndTimeUnixNano <= first.StartTimeUnixNano {
				t.Errorf("the trace begins with %v", first)
			}
			second := c.last("POST /sign-in/code", 1)
			lines := s.logLines(answer.Header.Get("X-Request-Id"))
			if len(lines) < 2 || attribute(second, "portal.request_id") != answer.Header.Get("X-Request-Id") {
				t.Errorf("the log says of the request %v", lines)
			}
			for _, line := range lines {
				if line["trace_id"] != hex.EncodeToString(second.TraceId) {
					t.Errorf("this line is of the trace %x: %v", second.TraceId, line)
				}
			}
			c.namesNobody(s)
			if len(c.named("GET /readyz")) > 0 {
				t.Error("the health pages are traced")
			}
		})
	}
}

// namesNobody searches all that the collector got.
func (c *traceCollector) namesNobody(s *server) {
	c.t.Helper()
	var id string
	must(c.t, s.beneath().QueryRowContext(c.t.Context(), "SELECT id FROM users").Scan(&id))
	c.mu.Lock()
	defer c.mu.Unlock()
	got := strings.ToLower(c.raw.String())
	for _, name := range []string{"quirin", "zwiebelwerk", "@example", goodPassword, "127.0.0.1", "select ", id, "mozilla"} {
		if strings.Contains(got, strings.ToLower(name)) {
			c.t.Errorf("the traces name %q", name)
		}
	}
	if !slices.Contains(c.origin, "service.name=portal") || c.keys[0] != "Bearer secret,1" {
		c.t.Errorf("the traces come from %v with %q", c.origin, c.keys)
	}
}

// What headers say of a trace counts from named proxies, and from nobody else
// (AP-03).
func TestTraceparentCountsFromNamedProxies(t *testing.T) {
	t.Parallel()
	const theirs = "4bf92f3577b34da6a3ce929d0e0e4736"
	for proxy, counts := range map[string]bool{"127.0.0.1": true, "10.1.2.3": false, "": false} {
		t.Run(proxy, func(t *testing.T) {
			t.Parallel()
			c := newTraceCollector(t, nil)
			in := install(t)
			in.env = []string{"OTEL_BSP_SCHEDULE_DELAY=50"}
			args := []string{"--otlp-endpoint", c.URL + "/"}
			if proxy != "" {
				args = append(args, "--proxy", proxy)
			}
			visitor := newClient(t, in.Serve(args...).Base)
			r := visitor.request(http.MethodGet, "/sign-in", nil)
			r.Header.Set("traceparent", "00-"+theirs+"-00f067aa0ba902b7-01")
			visitor.do(r).want(t, http.StatusOK)
			span := c.last("GET /sign-in", 1)
			if got := hex.EncodeToString(span.TraceId) == theirs && hex.EncodeToString(span.ParentSpanId) == "00f067aa0ba902b7"; got != counts {
				t.Errorf("trace %x below %x", span.TraceId, span.ParentSpanId)
			}
		})
	}
}

// A collector that is away, or says no, is in nobody's way; what is lost is
// counted, and the log says so. An address to which traces would travel in
// clear is refused.
func TestTraceCollectorIsAway(t *testing.T) {
	t.Parallel()
	says := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(says.Close)
	for name, endpoint := range map[string]string{"away": "http://" + freeAddress(t), "no": says.URL} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := install(t)
			in.env = []string{"OTEL_BSP_SCHEDULE_DELAY=50"}
			w := in.watch("--otlp-endpoint", endpoint)
			visitor := newClient(t, w.Base)
			until(t, "lost traces are counted", func() bool {
				visitor.Get("/sign-in").want(t, http.StatusOK)
				return w.now()[`portal_trace_spans_total{outcome="lost"}`] > 0
			})
			if strings.Count(w.Log(), "the trace collector takes no traces") != 1 {
				t.Errorf("the log says\n%s", w.Log())
			}
		})
	}
	open := filepath.Join(t.TempDir(), "headers")
	must(t, os.WriteFile(open, []byte("authorization=secret"), 0o644))
	for says, env := range map[string][]string{
		"only on this machine":     {"PORTAL_OTLP_ENDPOINT=http://collector.example.com:4318"},
		"no address":               {"PORTAL_OTLP_ENDPOINT=collector.example.com:4318"},
		"chmod 600":                {"PORTAL_OTLP_ENDPOINT=http://127.0.0.1:4318", "PORTAL_OTLP_HEADERS_FILE=" + open},
		"look like name=value":     {"PORTAL_OTLP_ENDPOINT=http://127.0.0.1:4318", "PORTAL_OTLP_HEADERS=s3cr3t"},
		"OTEL_RESOURCE_ATTRIBUTES": {"PORTAL_OTLP_ENDPOINT=http://127.0.0.1:4318", "OTEL_RESOURCE_ATTRIBUTES=nonsense"},
	} {
		in := install(t)
		in.env = env
		if out, errors, code := in.Try("", "serve", "--listen", "127.0.0.1:0"); code != 1 || !strings.Contains(errors, says) || strings.Contains(errors, "s3cr3t") {
			t.Errorf("%v: exit %d, %q%q; want %q", env, code, out, errors, says)
		}
	}
}
