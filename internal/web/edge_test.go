package web

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"portal"
	"portal/internal/tracing"
)

// edge is the portal without use cases: everything that is decided before one
// is called.
type edge struct {
	http.Handler
	log *bytes.Buffer
}

func newEdge(t *testing.T, base string, more ...Route) edge {
	t.Helper()
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	h, err := build(Config{
		BaseURL: u, Log: slog.New(tracing.Log(slog.NewTextHandler(&log, nil), RequestID)), Now: noon, Overall: 12 * time.Hour, KnownBrowser: 180 * 24 * time.Hour,
		Ready: func(context.Context) error { return nil }, Held: func() error { return nil },
	}, append(Routes(), more...))
	if err != nil {
		t.Fatal(err)
	}
	return edge{h, &log}
}

const https = "https://portal.example"

// ask sends a request; headers are pairs of name and value.
func (e edge) ask(method, target, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	e.ServeHTTP(w, r)
	return w
}

// form sends a form as a page of the portal would.
func (e edge) form(target, body string) *httptest.ResponseRecorder {
	return e.ask("POST", target, body, "Content-Type", "application/x-www-form-urlencoded", "Sec-Fetch-Site", "same-origin")
}

// echoes is a route that answers every form that can be read.
func echoes() Route {
	return Route{"POST", "/echo", Open, func(_ *site, v *visit) error {
		plainText(v.w, 200, v.form["a"])
		return nil
	}}
}

func fails(err error) Route {
	return Route{"GET", "/fails", Open, func(*site, *visit) error { return err }}
}

func TestSecurityHeadersOnEveryAnswer(t *testing.T) {
	boom := Route{"GET", "/boom", Open, func(*site, *visit) error { panic("boom") }}
	e := newEdge(t, https, echoes(), boom)
	files, err := loadAssets()
	if err != nil {
		t.Fatal(err)
	}
	for what, answer := range map[string]*httptest.ResponseRecorder{
		"page": e.ask("GET", https+"/sign-in", ""), "static": e.ask("GET", https+files.Style, ""),
		"404": e.ask("GET", https+"/nowhere", ""), "405": e.ask("PUT", https+"/sign-in", ""),
		"421": e.ask("GET", "https://other.example/", ""), "403": e.ask("POST", https+"/sign-in", ""),
		"415": e.ask("POST", https+"/echo", "", "Sec-Fetch-Site", "same-origin"),
		"414": e.ask("GET", https+"/sign-in?"+strings.Repeat("x", 3000), ""),
		"500": e.ask("GET", https+"/boom", ""), "health": e.ask("GET", https+"/healthz", ""),
		"to sign-in": e.ask("GET", https+"/sign-in/code", ""),
	} {
		for header, want := range map[string]string{
			"Strict-Transport-Security": "max-age=31536000; includeSubDomains", "Content-Security-Policy": contentSecurityPolicy,
			"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin",
			"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
		} {
			if got := answer.Header().Get(header); got != want {
				t.Errorf("%s: %s is %q", what, header, got)
			}
		}
		kept := answer.Header().Get("Cache-Control")
		if (what == "static") != (kept == "public, max-age=31536000, immutable") || (what != "static") != (kept == "no-store") {
			t.Errorf("%s: Cache-Control is %q", what, kept)
		}
		if len(answer.Header().Get("X-Request-Id")) < 16 {
			t.Errorf("%s: no request id", what)
		}
	}
}

func TestHost(t *testing.T) {
	for _, c := range []struct {
		base, method, url string
		status            int
		location          string
	}{
		{https, "GET", "https://portal.example/sign-in", 200, ""},
		{https, "GET", "https://PORTAL.example:443/sign-in", 200, ""},
		{https, "GET", "https://portal.example:444/sign-in", 421, ""},
		{https, "GET", "https://evil.example/sign-in", 421, ""},
		{https, "GET", "http://127.0.0.1/sign-in", 421, ""},
		{https, "GET", "http://127.0.0.1/healthz", 200, ""},
		{https, "GET", "http://anything/readyz", 200, ""},
		{"http://localhost:8080", "GET", "http://localhost:8080/sign-in", 200, ""},
		{"http://localhost:8080", "GET", "http://127.0.0.1:8080/sign-in?a=b", 307, "http://localhost:8080/sign-in?a=b"},
		{"http://localhost:8080", "HEAD", "http://[::1]:8080/", 307, "http://localhost:8080/"},
		{"http://127.0.0.1:8080", "GET", "http://localhost:8080/x", 307, "http://127.0.0.1:8080/x"},
		{"http://localhost:8080", "POST", "http://127.0.0.1:8080/sign-in", 421, ""},
		{"http://localhost:8080", "GET", "http://127.0.0.1:9090/sign-in", 421, ""},
		{"http://localhost:8080", "GET", "http://localhost.evil.example:8080/sign-in", 421, ""},
		{"http://localhost:8080", "GET", "http://127.0.0.1:8080//evil.example/", 307, "http://localhost:8080//evil.example/"},
	} {
		answer := newEdge(t, c.base).ask(c.method, c.url, "")
		if answer.Code != c.status || answer.Header().Get("Location") != c.location {
			t.Errorf("%s %s at %s: %d to %q, want %d to %q", c.method, c.url, c.base, answer.Code, answer.Header().Get("Location"), c.status, c.location)
		}
	}
}

func TestSameOrigin(t *testing.T) {
	e := newEdge(t, https, echoes())
	for _, c := range []struct {
		name    string
		headers []string
		status  int
	}{
		{"own page", []string{"Sec-Fetch-Site", "same-origin"}, 200},
		{"own page by origin", []string{"Origin", https}, 200},
		{"own page, both", []string{"Sec-Fetch-Site", "same-origin", "Origin", https}, 200},
		{"no header", nil, 403},
		{"cross-site", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"cross-site with our origin", []string{"Sec-Fetch-Site", "cross-site", "Origin", https}, 403},
		{"sibling", []string{"Sec-Fetch-Site", "same-site"}, 403},
		{"typed in", []string{"Sec-Fetch-Site", "none"}, 403},
		{"null origin", []string{"Origin", "null"}, 403},
		{"other origin", []string{"Origin", "https://evil.example"}, 403},
		{"other port", []string{"Origin", https + ":444"}, 403},
		{"plain http", []string{"Origin", "http://portal.example"}, 403},
		{"origin that begins alike", []string{"Origin", https + ".evil.example"}, 403},
	} {
		headers := append(c.headers, "Content-Type", "application/x-www-form-urlencoded")
		if answer := e.ask("POST", https+"/echo", "a=b", headers...); answer.Code != c.status {
			t.Errorf("%s: %d, want %d", c.name, answer.Code, c.status)
		}
	}
}

func TestMethodsAndPaths(t *testing.T) {
	e := newEdge(t, https, echoes())
	for _, c := range []struct {
		method, path string
		status       int
		allow        string
	}{
		{"GET", "/nowhere", 404, ""}, {"POST", "/nowhere", 404, ""}, {"GET", "/sign-in/", 404, ""},
		{"GET", "/administration", 404, ""}, {"GET", "/%ff", 404, ""}, {"GET", "/a%00b", 404, ""}, {"GET", "//evil.example", 404, ""},
		{"PUT", "/sign-in", 405, "GET, HEAD, POST"}, {"DELETE", "/account", 405, "GET, HEAD"},
		{"GET", "/echo", 405, "POST"}, {"POST", "/healthz", 405, "GET, HEAD"}, {"OPTIONS", "/sign-in", 405, "GET, HEAD, POST"},
		{"HEAD", "/sign-in", 200, ""}, {"GET", "/" + strings.Repeat("x", 2000), 414, ""},
		{"GET", "/sign-in?a=1&a=2", 400, ""}, {"GET", "/sign-in?a=%ff", 400, ""}, {"GET", "/sign-in?a=%0a", 400, ""}, {"GET", "/sign-in?a=%zz", 400, ""},
		{"GET", "/static/style.css", 404, ""}, {"GET", "/static/..%2fweb.go", 404, ""},
	} {
		answer := e.ask(c.method, https+c.path, "", "Sec-Fetch-Site", "same-origin", "Content-Type", "application/x-www-form-urlencoded")
		if answer.Code != c.status || answer.Header().Get("Allow") != c.allow {
			t.Errorf("%s %.40s: %d, Allow %q; want %d, %q", c.method, c.path, answer.Code, answer.Header().Get("Allow"), c.status, c.allow)
		}
	}
}

func TestBodies(t *testing.T) {
	e := newEdge(t, https, echoes())
	for kind, status := range map[string]int{
		"application/x-www-form-urlencoded": 200, "application/x-www-form-urlencoded; charset=UTF-8": 200,
		"application/x-www-form-urlencoded; charset=utf-16": 415, "application/json": 415, "text/plain": 415,
		"multipart/form-data; boundary=x": 415, "": 415, "application/x-www-form-urlencoded; charset": 415,
	} {
		if answer := e.ask("POST", https+"/echo", "a=b", "Sec-Fetch-Site", "same-origin", "Content-Type", kind); answer.Code != status {
			t.Errorf("a body of the type %q: %d, want %d", kind, answer.Code, status)
		}
	}
	if answer := e.form(https+"/echo", "a="+strings.Repeat("x", maxBody-2)); answer.Code != 200 {
		t.Errorf("a body of 64 KiB: %d", answer.Code)
	}
	if answer := e.form(https+"/echo", "a="+strings.Repeat("x", maxBody-1)); answer.Code != 413 {
		t.Errorf("a body of 64 KiB and a byte: %d", answer.Code)
	}
	if answer := e.form(https+"/echo?a=secret", "b=c"); answer.Body.String() != "" {
		t.Errorf("a field of the body was read from the query: %q", answer.Body)
	}
}

func TestErrorsBecomeAnswers(t *testing.T) {
	for _, c := range []struct {
		err    error
		status int
		says   string
		retry  string
	}{
		{portal.Malformed("Cannot be read."), 400, "Cannot be read.", ""},
		{portal.Invalid(portal.FieldName, "Enter a name."), 422, "Enter a name.", ""},
		{portal.NotFound(), 404, "Page not found", ""},
		{portal.Conflict("Moved on."), 409, "Moved on.", ""},
		{&portal.Error{Code: portal.CodeThrottled, Message: "Wait.", RetryAfter: 1500 * time.Millisecond}, 429, "Wait.", "2"},
		{portal.Unavailable(errors.New("the disk of node 7")), 503, "Nothing was changed", "5"},
		{context.DeadlineExceeded, 503, "Nothing was changed", "5"},
		{errors.New("sql: the table secrets is gone"), 500, "tell your administrator this number", ""},
		{&portal.Error{Code: portal.CodeInternal, Message: "the table secrets is gone"}, 500, "tell your administrator this number", ""},
	} {
		e := newEdge(t, https, fails(c.err))
		answer := e.ask("GET", https+"/fails", "")
		if answer.Code != c.status || !strings.Contains(answer.Body.String(), c.says) || answer.Header().Get("Retry-After") != c.retry {
			t.Errorf("%v: %d, Retry-After %q\n%s", c.err, answer.Code, answer.Header().Get("Retry-After"), answer.Body)
		}
		if strings.Contains(answer.Body.String(), "secrets") || strings.Contains(answer.Body.String(), "node 7") {
			t.Errorf("%v: the page tells what is for the log", c.err)
		}
		if !strings.Contains(e.log.String(), "request_id="+answer.Header().Get("X-Request-Id")) {
			t.Errorf("%v: the log does not know the request", c.err)
		}
	}
	answer := newEdge(t, https, fails(portal.SignInFirst())).ask("GET", https+"/fails", "")
	if answer.Code != 303 || answer.Header().Get("Location") != "/sign-in" {
		t.Errorf("without a session: %d to %q", answer.Code, answer.Header().Get("Location"))
	}
}

func TestPanicIsOneLostRequest(t *testing.T) {
	e := newEdge(t, https, Route{"GET", "/boom", Open, func(*site, *visit) error { panic("the table secrets") }})
	answer := e.ask("GET", https+"/boom", "")
	if answer.Code != 500 || strings.Contains(answer.Body.String(), "secrets") || !strings.Contains(answer.Body.String(), answer.Header().Get("X-Request-Id")) {
		t.Errorf("%d\n%s", answer.Code, answer.Body)
	}
	if !strings.Contains(e.log.String(), "panic: the table secrets") || !strings.Contains(e.log.String(), "level=ERROR") {
		t.Errorf("the log says %s", e.log)
	}
	if after := e.ask("GET", https+"/sign-in", ""); after.Code != 200 {
		t.Errorf("afterwards: %d", after.Code)
	}
}

func TestLogHasNoSecrets(t *testing.T) {
	e := newEdge(t, https, echoes(), Route{"GET", "/secret/{token}", Open, func(*site, *visit) error { return portal.NotFound() }})
	e.ask("GET", https+"/secret/s3cr3t-one", "")
	e.ask("GET", https+"/nowhere/s3cr3t-two?x=s3cr3t-three", "", "User-Agent", "s3cr3t-four")
	e.form(https+"/echo", "a=s3cr3t-five&a=s3cr3t-six")
	e.form(https+"/echo", "a=s3cr3t-seven%zz")
	e.ask("S3CR3T", https+"/", "")
	if strings.Contains(strings.ToLower(e.log.String()), "s3cr3t") {
		t.Errorf("the log says\n%s", e.log)
	}
	if !strings.Contains(e.log.String(), "route=/secret/{token} status=404") {
		t.Errorf("the log does not name the route:\n%s", e.log)
	}
}

func TestReadiness(t *testing.T) {
	u, _ := url.Parse(https)
	h, err := New(Config{
		BaseURL: u, Log: slog.New(slog.DiscardHandler), Now: noon,
		Ready: func(context.Context) error { return errors.New("the disk of node 7") }, Held: func() error { return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	e := edge{Handler: h}
	if answer := e.ask("GET", "http://10.0.0.1/readyz", ""); answer.Code != 503 || answer.Body.String() != "not ready\n" {
		t.Errorf("%d %q", answer.Code, answer.Body)
	}
	if answer := e.ask("GET", "http://10.0.0.1/healthz", ""); answer.Code != 200 || answer.Body.String() != "alive\n" {
		t.Errorf("%d %q", answer.Code, answer.Body)
	}
}

func TestRouteWithoutLevelDoesNotStart(t *testing.T) {
	u, _ := url.Parse(https)
	c := Config{BaseURL: u, Log: slog.New(slog.DiscardHandler), Now: noon, Ready: func(context.Context) error { return nil }, Held: func() error { return nil }}
	for _, level := range []Level{"", "admin", Session(""), "session:"} {
		if _, err := build(c, []Route{{"GET", "/x", level, (*site).health}}); err == nil {
			t.Errorf("a route of the level %q started", level)
		}
	}
	c.BaseURL = nil
	if _, err := New(c); err == nil {
		t.Error("it started without a base URL")
	}
}

func TestStrangersAreLedToSignIn(t *testing.T) {
	e := newEdge(t, https)
	for _, route := range Routes() {
		if route.Level == Open {
			continue
		}
		answer := e.ask(route.Method, https+strings.ReplaceAll(route.Pattern, "{$}", ""), "", "Sec-Fetch-Site", "same-origin")
		if answer.Code != 303 || answer.Header().Get("Location") != "/sign-in" {
			t.Errorf("%s %s: %d to %q", route.Method, route.Pattern, answer.Code, answer.Header().Get("Location"))
		}
	}
}
