package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"portal/internal/testkit"
)

// secureInstallation is a portal with TLS of its own and plain HTTP beside it.
type secureInstallation struct {
	*server
	authority *testkit.Authority
	folder    string // of the certificate
	plain     string // base of plain HTTP
}

func serveTLS(t *testing.T) secureInstallation {
	t.Helper()
	in := install(t)
	s := secureInstallation{authority: testkit.NewAuthority(t), folder: t.TempDir(), plain: freeAddress(t)}
	cert, key := s.authority.Issue(t, s.folder, "localhost")
	_, port, err := net.SplitHostPort(in.listen)
	must(t, err)
	s.server = in.Serve("--base-url", "https://localhost:"+port, "--tls-cert", cert, "--tls-key", key, "--listen-http", s.plain)
	s.plain = "http://" + s.plain
	return s
}

// browser is a client that trusts the authority and speaks these versions.
func (s secureInstallation) browser(t *testing.T, least, most uint16) *client {
	t.Helper()
	c := newClient(t, s.Base)
	config := &tls.Config{MinVersion: least, MaxVersion: most, RootCAs: s.authority.Pool()}
	c.http.Transport = &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true}
	return c
}

// A portal with a certificate of its own speaks TLS 1.2 and 1.3 and nothing
// older, and only sends on what comes to it in clear.
func TestTLSOfItsOwn(t *testing.T) {
	t.Parallel()
	s := serveTLS(t)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		s.browser(t, version, version).Get("/sign-in").want(t, 200)
	}
	old := s.browser(t, tls.VersionTLS10, tls.VersionTLS11)
	if _, err := old.try(old.request(http.MethodGet, "/sign-in", nil)); err == nil {
		t.Error("TLS 1.1 is spoken")
	}
	plain := newClient(t, s.plain)
	for path, to := range map[string]string{"/account?a=b": s.Base + "/account?a=b", "//evil.example/": s.Base + "//evil.example/"} {
		if a := plain.Get(path); a.Status != http.StatusPermanentRedirect || a.Location != to || len(unguarded(a)) > 0 {
			t.Errorf("%s in clear: %d to %q, want a redirect to %q; %v", path, a.Status, a.Location, to, unguarded(a))
		}
	}
	refused := plain.Post("/sign-in", "login_id", "ada", "password", goodPassword).want(t, http.StatusForbidden)
	if faults := unguarded(refused); len(faults) > 0 || len(refused.Header.Values("Set-Cookie")) > 0 {
		t.Errorf("the refusal in clear has the headers %v: %v", refused.Header, faults)
	}
	for _, line := range []string{`"method":"GET","route":"plain HTTP","status":308`, `"method":"POST","route":"plain HTTP","status":403`} {
		until(t, "the log has "+line, func() bool { return strings.Contains(s.Log(), line) })
	}
	s.Run("", "customer", "add", "Acme")
	ada := s.join("Acme", "user", "ada")
	ada.client = s.browser(t, tls.VersionTLS12, tls.VersionTLS13)
	a := ada.Post("/sign-in", "login_id", "ada", "password", goodPassword)
	a.wantRedirect(t, "/")
	for _, cookie := range a.Header.Values("Set-Cookie") {
		if !strings.HasPrefix(cookie, "__Host-portal-") || !strings.Contains(cookie, "; Secure") || !strings.Contains(cookie, "; HttpOnly") ||
			!strings.Contains(cookie, "; SameSite=Lax") || !strings.Contains(cookie, "Path=/;") || strings.Contains(cookie, "Domain") {
			t.Errorf("cookie %s", cookie)
		}
	}
	ada.Get("/account").want(t, 200)
}

// A renewed certificate is used without a restart; one that cannot be read
// leaves the old one in place.
func TestCertificateIsRenewed(t *testing.T) {
	t.Parallel()
	s := serveTLS(t)
	first := s.serial(t)
	cert, _ := s.authority.Issue(t, s.folder, "localhost")
	later := time.Now().Add(time.Minute)
	must(t, os.Chtimes(cert, later, later))
	if second := s.serial(t); second == first {
		t.Errorf("the old certificate %s is still in use", second)
	}
	must(t, os.WriteFile(cert, []byte("half written"), 0o600))
	must(t, os.Chtimes(cert, later.Add(time.Minute), later.Add(time.Minute)))
	s.browser(t, tls.VersionTLS12, tls.VersionTLS13).Get("/sign-in").want(t, 200)
	if !strings.Contains(s.Log(), "the old one stays in use") {
		t.Error("nobody is told that the new certificate cannot be read")
	}
}

// serial is the number of the certificate that is shown now.
func (s secureInstallation) serial(t *testing.T) string {
	t.Helper()
	c, err := tls.Dial("tcp", s.listen, &tls.Config{MinVersion: tls.VersionTLS12, ServerName: "localhost", RootCAs: s.authority.Pool()})
	must(t, err)
	defer c.Close()
	return c.ConnectionState().PeerCertificates[0].SerialNumber.String()
}

// What would let secrets travel in clear stops the start, with what to do.
func TestInsecureCombinationsDoNotStart(t *testing.T) {
	t.Parallel()
	in := install(t)
	cert, key := testkit.NewAuthority(t).Issue(t, t.TempDir(), "portal.example.com")
	open := t.TempDir() + "/open.key"
	text, err := os.ReadFile(key)
	must(t, err)
	must(t, os.WriteFile(open, text, 0o644))
	const base = "https://portal.example.com"
	for says, args := range map[string][]string{
		"name the proxy":          {"--listen", "0.0.0.0:0", "--base-url", base},
		"belong together":         {"--base-url", base, "--tls-cert", cert},
		"begins with https":       {"--tls-cert", cert, "--tls-key", key},
		"choose one":              {"--base-url", base, "--tls-cert", cert, "--tls-key", key, "--acme"},
		"--proxy names nobody":    {"--base-url", base, "--tls-cert", cert, "--tls-key", key, "--proxy", "10.0.0.1"},
		"this machine only":       {"--listen", "0.0.0.0:0", "--base-url", "http://localhost:8080"},
		"takes plain HTTP":        {"--listen", ":0", "--base-url", "http://127.0.0.1:8080", "--proxy", "10.0.0.1"},
		"asked over TLS":          {"--base-url", base, "--acme", "--acme-directory", "http://ca.example.com/directory"},
		"--acme-directory \"ca\"": {"--base-url", base, "--acme", "--acme-directory", "ca"},
		"for 192.0.2.1":           {"--base-url", "https://192.0.2.1", "--acme"},
		"for 2001:db8::1":         {"--base-url", "https://[2001:db8::1]", "--acme"},
		"for localhost":           {"--base-url", "https://localhost", "--acme"},
		"bring one":               {"--base-url", base, "--acme", "--tls-key", key},
		"--acme-ca: open":         {"--base-url", base, "--acme", "--acme-ca", "/nowhere"},
		"give --acme as well":     {"--base-url", base, "--tls-cert", cert, "--tls-key", key, "--acme-ca", cert},
		"--acme-email, ":          {"--acme-email", "ada@example.com"},
		"neither an address":      {"--base-url", base, "--proxy", "0.0.0.0/0"},
		"neither an address nor":  {"--base-url", base, "--proxy", "proxy.example.com"},
		"0644":                    {"--base-url", base, "--tls-cert", cert, "--tls-key", open},
		"use --listen":            {"--base-url", base, "--listen-http", "127.0.0.1:0"},
	} {
		out, errors, code := in.Try("", append([]string{"serve", "--listen", "127.0.0.1:0"}, args...)...)
		if code != 1 || !strings.Contains(errors, says) {
			t.Errorf("%v: exit %d, %q%q; want %q", args, code, out, errors, says)
		}
	}
}

// from makes a client whose connections come from an address of this machine.
func from(c *client, address string) *client {
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
	c.http.Transport = &http.Transport{DialContext: func(ctx context.Context, network, to string) (net.Conn, error) {
		_, port, err := net.SplitHostPort(to)
		if err != nil {
			return nil, err
		}
		return dialer.DialContext(ctx, network, "127.0.0.1:"+port)
	}}
	return c
}

// forwarded is what a request looks like that comes through proxies.
func (c *client) forwarded(method, path, form string, headers ...string) answer {
	c.t.Helper()
	r := c.request(method, path, strings.NewReader(form))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return c.do(r)
}

const wrongSignIn = "login_id=ada&password=wrong+and+long+enough"

// Forwarding headers count from a named proxy and from nobody else.
func TestForwardingHeadersCountFromNamedProxies(t *testing.T) {
	t.Parallel()
	in := install(t)
	_, port, err := net.SplitHostPort(in.listen)
	must(t, err)
	base := "https://localhost:" + port
	s := in.Serve("--base-url", base, "--proxy", "127.0.0.2,192.0.2.0/24")
	s.Base = "http://localhost:" + port // as the proxy reaches it
	s.Run("", "customer", "add", "Acme")
	ada := s.join("Acme", "administrator", "ada")

	neighbour := from(newClient(t, s.Base), "127.0.0.1")
	forged := []string{"X-Forwarded-Proto", "https", "X-Forwarded-For", "198.51.100.66", "X-Forwarded-Host", "evil.example"}
	if a := neighbour.forwarded(http.MethodGet, "/sign-in", "", forged...); a.Status != http.StatusPermanentRedirect || a.Location != base+"/sign-in" {
		t.Errorf("a page through nobody's proxy: %d to %q", a.Status, a.Location)
	}
	neighbour.forwarded(http.MethodPost, "/sign-in", wrongSignIn, forged...).want(t, http.StatusForbidden)
	neighbour.Get("/readyz").want(t, 200)

	proxy := from(newClient(t, s.Base), "127.0.0.2")
	proxy.forwarded(http.MethodPost, "/sign-in", wrongSignIn, "X-Forwarded-Proto", "http").want(t, http.StatusForbidden)
	proxy.forwarded(http.MethodPost, "/sign-in", wrongSignIn).want(t, http.StatusForbidden)
	for _, hops := range []string{"198.51.100.1", "1.2.3.4, 198.51.100.2, 192.0.2.9", "nonsense, 198.51.100.3", "198.51.100.4, nonsense", "2001:db8::5"} {
		proxy.forwarded(http.MethodPost, "/sign-in", wrongSignIn, "X-Forwarded-Proto", "https", "X-Forwarded-For", hops).want(t, 422)
		s.Advance(2 * time.Hour)
	}
	ada.client = from(newClient(t, s.Base), "127.0.0.2")
	ada.http.Jar = nil // it would judge by the scheme in front of the proxy
	signed := ada.forwarded(http.MethodPost, "/sign-in", "login_id=ada&password="+strings.ReplaceAll(goodPassword, " ", "+"), "X-Forwarded-Proto", "https", "X-Forwarded-For", "198.51.100.9")
	signed.wantRedirect(t, "/")
	r := ada.request(http.MethodGet, "/administration/audit", nil)
	r.Header.Set("X-Forwarded-Proto", "https")
	for _, cookie := range (&http.Response{Header: signed.Header}).Cookies() {
		r.AddCookie(cookie)
	}
	trail := visible(ada.do(r).want(t, 200).Body)
	for _, address := range []string{"198.51.100.1", "198.51.100.2", "198.51.100.3", "127.0.0.2", "2001:db8::5", "198.51.100.9"} {
		if !strings.Contains(trail, address) {
			t.Errorf("no event comes from %s", address)
		}
	}
	for _, address := range []string{"198.51.100.66", "1.2.3.4", "198.51.100.4", "nonsense"} {
		if strings.Contains(trail, address) {
			t.Errorf("an event comes from %s, which somebody claimed", address)
		}
	}
}

// rawly sends bytes as they are and returns everything that comes back until
// the portal closes the connection.
func (s *server) rawly(t *testing.T, text string) string {
	t.Helper()
	c, err := net.Dial("tcp", s.listen)
	must(t, err)
	defer c.Close()
	must(t, c.SetDeadline(time.Now().Add(time.Minute)))
	_, err = io.WriteString(c, strings.ReplaceAll(text, "\n", "\r\n"))
	must(t, err)
	answer, _ := io.ReadAll(c) // a reset is an end, too
	return string(answer)
}

// A request whose end two parsers could see in different places is refused, and
// what was hidden behind it is never answered (AP-06).
func TestAmbiguousFramingIsRefused(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *server) {
		host := strings.TrimPrefix(s.Base, "http://")
		const hidden = "GET /healthz HTTP/1.1\nHost: x\nConnection: close\n\n"
		post := "POST /sign-in HTTP/1.1\nHost: " + host + "\nSec-Fetch-Site: same-origin\nContent-Type: application/x-www-form-urlencoded\n"
		for name, text := range map[string]string{
			"length and chunks":     post + "Content-Length: 4\nTransfer-Encoding: chunked\n\n0\n\n" + hidden,
			"chunks":                post + "Transfer-Encoding: chunked\n\n0\n\n" + hidden,
			"two lengths":           post + "Content-Length: 0\nContent-Length: 60\n\n" + hidden,
			"list of lengths":       post + "Content-Length: 0, 60\n\n" + hidden,
			"odd encoding":          post + "Transfer-Encoding: xchunked\nContent-Length: 0\n\n" + hidden,
			"space before colon":    post + "Content-Length : 60\n\n" + hidden,
			"negative length":       post + "Content-Length: -1\n\n" + hidden,
			"signed length":         post + "Content-Length: +0\n\n" + hidden,
			"two hosts":             "GET /sign-in HTTP/1.1\nHost: " + host + "\nHost: evil.example\n\n" + hidden,
			"no host":               "GET /sign-in HTTP/1.1\n\n" + hidden,
			"header without a name": "GET /sign-in HTTP/1.1\nHost: " + host + "\n: x\n\n" + hidden,
		} {
			answer := s.rawly(t, text)
			status, _, _ := strings.Cut(answer, "\r\n")
			if strings.Contains(answer, "alive") || !strings.HasPrefix(status, "HTTP/1.1 4") && !strings.HasPrefix(status, "HTTP/1.1 501") {
				t.Errorf("%s: %.300s", name, answer)
			}
		}
	})
}

// A question about the server as a whole is answered by the portal's pages,
// with their headers and in the log, and not by the server underneath (AP-05).
func TestQuestionsAboutTheServer(t *testing.T) {
	t.Parallel()
	s := install(t).Serve()
	text := s.rawly(t, "OPTIONS * HTTP/1.1\nHost: "+strings.TrimPrefix(s.Base, "http://")+"\nConnection: close\n\n")
	response, err := http.ReadResponse(bufio.NewReader(strings.NewReader(text)), nil)
	must(t, err)
	body, err := io.ReadAll(response.Body)
	must(t, err)
	if faults := unguarded(answer{response.StatusCode, "", string(body), response.Header}); response.StatusCode != http.StatusNotFound || len(faults) > 0 {
		t.Errorf("status %d: %v", response.StatusCode, faults)
	}
	until(t, "the log has it", func() bool { return strings.Contains(s.Log(), `"method":"OPTIONS","route":"none","status":404`) })
}

// Visitors who send their headers slowly are cut off, and nobody else waits
// for them meanwhile.
func TestSlowVisitorsHoldNobodyUp(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *server) {
		ends := make(chan error)
		const slow = 100
		for range slow {
			c, err := net.Dial("tcp", s.listen)
			must(t, err)
			defer c.Close()
			must(t, c.SetDeadline(time.Now().Add(time.Minute)))
			_, err = io.WriteString(c, "GET /sign-in HTTP/1.1\r\nHost: x\r\nX-Slow: ")
			must(t, err)
			go func() {
				_, err := io.ReadAll(c)
				ends <- err
			}()
		}
		newClient(t, s.Base).Get("/sign-in").want(t, 200)
		for range slow {
			must(t, <-ends)
		}
	})
}

// More than a form holds is refused before it is read.
func TestLimitsOfARequest(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *server) {
		c := newClient(t, s.Base)
		c.Post("/sign-in", "login_id", strings.Repeat("x", 70<<10)).want(t, http.StatusRequestEntityTooLarge)
		r := c.request(http.MethodGet, "/sign-in", nil)
		r.Header.Set("X-Large", strings.Repeat("x", 64<<10))
		c.do(r).want(t, http.StatusRequestHeaderFieldsTooLarge)
		c.Get("/sign-in?x="+strings.Repeat("x", 3000)).want(t, http.StatusRequestURITooLong)
		c.Get("/sign-in").want(t, 200)
	})
}
