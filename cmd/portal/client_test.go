package main

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

// client is a browser without a screen: cookies, and forms posted from the
// portal's own pages. It follows no redirect by itself.
type client struct {
	t    testing.TB
	base string
	http *http.Client
}

// answer is what came back.
type answer struct {
	Status   int
	Location string
	Body     string
	Header   http.Header
}

func newClient(t testing.TB, base string) *client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &client{t: t, base: base, http: &http.Client{
		Jar: jar, Timeout: time.Minute,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Get asks for a page; a path or a whole URL of this portal.
func (c *client) Get(path string) answer {
	c.t.Helper()
	return c.do(c.request(http.MethodGet, path, nil))
}

// Post sends a form as the portal's own page does.
func (c *client) Post(path string, pairs ...string) answer {
	c.t.Helper()
	a, err := c.tryPost(path, pairs...)
	if err != nil {
		c.t.Fatalf("POST %s: %v", path, err)
	}
	return a
}

// Submit sends the form of a page behind a mailed link, with the mark of the
// link that the page was shown for.
func (c *client) Submit(path string, pairs ...string) answer {
	c.t.Helper()
	return c.Post(path, append(pairs, "link", linkMark(c.Get(path)))...)
}

// linkMark is the mark of the link that a page was shown for.
func linkMark(page answer) string {
	if found := regexp.MustCompile(`name="link" value="([^"]+)"`).FindStringSubmatch(page.Body); found != nil {
		return found[1]
	}
	return ""
}

// tryPost is Post for requests that a test lets fail.
func (c *client) tryPost(path string, pairs ...string) (answer, error) {
	c.t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	r := c.request(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return c.try(r)
}

// request is a request from one of the portal's own pages.
func (c *client) request(method, path string, body io.Reader) *http.Request {
	c.t.Helper()
	if !strings.HasPrefix(path, "http") {
		path = c.base + path
	}
	r, err := http.NewRequestWithContext(c.t.Context(), method, path, body)
	if err != nil {
		c.t.Fatal(err)
	}
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/156.0 Safari/537.36")
	return r
}

func (c *client) do(r *http.Request) answer {
	c.t.Helper()
	a, err := c.try(r)
	if err != nil {
		c.t.Fatalf("%s %s: %v", r.Method, r.URL.Path, err)
	}
	return a
}

// try is do for requests that a test lets fail.
func (c *client) try(r *http.Request) (answer, error) {
	response, err := c.http.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, response.Header.Get("Location"), string(body), response.Header}, err
}

// want ends the test where the answer has another status.
func (a answer) want(t testing.TB, status int) answer {
	t.Helper()
	if a.Status != status {
		t.Fatalf("status %d, want %d\n%s", a.Status, status, a.Body)
	}
	return a
}

// wantRedirect ends the test where the answer does not lead to the path.
func (a answer) wantRedirect(t testing.TB, path string) {
	t.Helper()
	if a.Status != http.StatusSeeOther || a.Location != path {
		t.Fatalf("status %d to %q, want a redirect to %q\n%s", a.Status, a.Location, path, a.Body)
	}
}

// sessionCookie is the name of the session's cookie on http://localhost.
const sessionCookie = "portal-session"

// cookies are what the browser holds for the portal.
func (c *client) cookies() []*http.Cookie {
	c.t.Helper()
	base, err := url.Parse(c.base)
	must(c.t, err)
	return c.http.Jar.Cookies(base)
}

// cookie is the value of one of them, empty where it is not there.
func (c *client) cookie(name string) string {
	c.t.Helper()
	for _, cookie := range c.cookies() {
		if cookie.Name == name {
			return cookie.Value
		}
	}
	return ""
}

// useSession puts a session into the browser.
func (c *client) useSession(token string) {
	c.t.Helper()
	base, err := url.Parse(c.base)
	must(c.t, err)
	c.http.Jar.SetCookies(base, []*http.Cookie{{Name: sessionCookie, Value: token, Path: "/"}})
}

// alternate sends each request to the next of several nodes in turn, as a proxy
// does that knows nothing of sessions.
func (c *client) alternate(bases ...string) {
	c.t.Helper()
	var hosts []string
	for _, base := range bases {
		u, err := url.Parse(base)
		must(c.t, err)
		hosts = append(hosts, u.Host)
	}
	c.http.Transport = &inTurn{hosts: hosts}
}

// inTurn is the way to several hosts, one after the other.
type inTurn struct {
	hosts []string
	sent  int
}

// RoundTrip sends a request to the host whose turn it is.
func (w *inTurn) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Host = w.hosts[w.sent%len(w.hosts)]
	r.URL.Host = r.Host
	w.sent++
	return http.DefaultTransport.RoundTrip(r)
}
