package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"portal"
	"portal/internal/web"
)

// Bad input over every route and field: a clear 4xx where it is malformed,
// never a fault of the server, on both databases.
func TestBadInput(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *server) {
		visitor := newPoker(t, s)
		for _, route := range web.Routes() {
			if route.Method == http.MethodPost && route.Pattern != "/sign-out" {
				visitor.poke(route)
			}
		}
		visitor.Get("/account").want(t, 200)
	})
}

// poker is an administrator who types rubbish, also behind a half session.
type poker struct {
	*person
	half   *person
	target string
}

func newPoker(t *testing.T, s *server) *poker {
	t.Helper()
	s.Run("", "customer", "add", "Acme")
	ada := s.join("Acme", "administrator", "ada")
	ada.signIn()
	s.join("Acme", "administrator", "eve").signIn()
	hal := s.join("Acme", "user", "hal")
	hal.signIn()
	hal.enable()
	half := s.person("hal")
	half.enterPassword()
	link := userLink(t, ada.Get("/administration/access?search=hal").Body)
	return &poker{person: ada, half: half, target: strings.TrimPrefix(link, "/administration/access/")}
}

// fields are all that any form has.
func fields() []portal.Field {
	return []portal.Field{
		portal.FieldLoginID, portal.FieldName, portal.FieldEmail, portal.FieldRole, portal.FieldCustomer,
		portal.FieldPassword, portal.FieldCurrent, portal.FieldNewPassword, portal.FieldCode,
		portal.FieldRecoveryCode, portal.FieldReason, "codes", "unknown",
	}
}

// malformed bodies have no reading at all; odd ones can be read and break a
// rule or do no harm.
var (
	malformed = map[string]string{
		"invalid UTF-8": "%ff%fe", "NUL": "a%00b", "control character": "a%1bb", "broken escape": "%zz",
	}
	odd = map[string]string{
		"empty": "", "overlong": strings.Repeat("x", 60_000), "full-width digits": url.QueryEscape("１２３４５６"),
		"two spaces in a code": "12++3456", "spaces": "+++", "markup": url.QueryEscape(`"><script>alert(1)</script>`),
		"SQL": url.QueryEscape(`' OR 1=1; --`), "right-to-left": url.QueryEscape("a\u202eb"), "emoji": url.QueryEscape("👩‍💻"),
	}
)

func (p *poker) poke(route web.Route) {
	path := strings.NewReplacer("{id}", p.target, "{token}", "x").Replace(route.Pattern)
	for _, field := range fields() {
		for what, value := range malformed {
			p.expect(route, path, string(field)+"="+value, what, 400, 400)
		}
		for what, value := range odd {
			p.expect(route, path, string(field)+"="+value, what, 200, 499)
		}
		p.expect(route, path, string(field)+"=a&"+string(field)+"=b", "doubled field", 400, 400)
	}
	p.expect(route, path, "name="+strings.Repeat("x", 70_000), "body over 64 KiB", 413, 413)
	p.wrongType(route, path)
}

// sender is whose session the route needs.
func (p *poker) sender(route web.Route) *person {
	if route.Level != web.HalfSession {
		return p.person
	}
	if p.half.Get("/sign-in/code").Status != 200 {
		p.half.enterPassword()
	}
	return p.half
}

func (p *poker) expect(route web.Route, path, body, what string, low, high int) {
	p.t.Helper()
	sender := p.sender(route)
	r := sender.request(http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if a := sender.do(r); a.Status < low || a.Status > high {
		p.t.Errorf("POST %s with %.40q (%s): %d, want %d to %d", path, body, what, a.Status, low, high)
	}
}

func (p *poker) wrongType(route web.Route, path string) {
	p.t.Helper()
	sender := p.sender(route)
	for _, kind := range []string{"", "application/json", "multipart/form-data; boundary=x", "text/plain"} {
		r := sender.request(http.MethodPost, path, strings.NewReader("a=b"))
		if kind != "" {
			r.Header.Set("Content-Type", kind)
		}
		if a := sender.do(r); a.Status != http.StatusUnsupportedMediaType {
			p.t.Errorf("POST %s as %q: %d, want 415", path, kind, a.Status)
		}
	}
}
