package main

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"portal/internal/web"
)

// guards are the headers that stand on every answer, with a part that each must
// have (WF-01 to WF-03, WF-06, DP-02).
var guards = map[string]string{
	"Strict-Transport-Security":    "max-age=31536000; includeSubDomains",
	"Content-Security-Policy":      "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; object-src 'none'",
	"X-Content-Type-Options":       "nosniff",
	"Referrer-Policy":              "same-origin",
	"Cross-Origin-Opener-Policy":   "same-origin",
	"Cross-Origin-Resource-Policy": "same-origin",
	"Cache-Control":                "no-store",
	"X-Request-Id":                 "",
}

// unguarded says what is wrong with the headers of an answer, seen from outside.
func unguarded(a answer) (faults []string) {
	for name, part := range guards {
		if got := a.Header.Values(name); len(got) != 1 || !strings.Contains(got[0], part) {
			faults = append(faults, name+": "+strings.Join(got, " | "))
		}
	}
	for name := range a.Header {
		if strings.HasPrefix(name, "Access-Control-") || name == "Server" || name == "X-Powered-By" {
			faults = append(faults, name+" is sent")
		}
	}
	if kind := a.Header.Get("Content-Type"); a.Body != "" && !strings.HasSuffix(kind, "; charset=utf-8") {
		faults = append(faults, "Content-Type: "+kind)
	}
	for _, cookie := range (&http.Response{Header: a.Header}).Cookies() {
		if !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || cookie.Path != "/" || cookie.Domain != "" {
			faults = append(faults, "cookie "+cookie.String())
		}
	}
	slices.Sort(faults)
	return faults
}

// Every answer of every route to everybody carries the guards, errors too, and
// lets no other origin in, whatever it claims.
func TestEveryAnswerIsGuarded(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *server) {
		town := newTown(t, s)
		for _, visitor := range town.visitors() {
			for _, route := range leavingLast(web.Routes()) {
				if route.Pattern == "/static/{file}" {
					continue
				}
				r := visitor.request(route.Method, town.path(route.Pattern), nil)
				r.Header.Set("Origin", "https://evil.example")
				r.Header.Set("Access-Control-Request-Method", "POST")
				if faults := unguarded(visitor.do(r)); len(faults) > 0 {
					t.Errorf("%s %s as %s: %v", route.Method, route.Pattern, visitor.who, faults)
				}
			}
		}
	})
}

// A form that another site sends changes nothing on any route, signed in or
// not, with or without the headers that browsers send (WF-04).
func TestFormsOfOtherSitesAreRefused(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *server) {
		town := newTown(t, s)
		for _, route := range web.Routes() {
			if route.Method != http.MethodPost {
				continue
			}
			for name, headers := range map[string][]string{
				"another site": {"Sec-Fetch-Site", "cross-site"}, "a sibling": {"Sec-Fetch-Site", "same-site"}, "typed": {"Sec-Fetch-Site", "none"},
				"another origin": {"Origin", "https://evil.example"}, "null": {"Origin", "null"}, "neither": {},
				"both, unlike": {"Sec-Fetch-Site", "cross-site", "Origin", town.server.Base},
				"a token":      {"X-Csrf-Token", "x", "X-Requested-With", "XMLHttpRequest"},
			} {
				r := town.admin.request(route.Method, town.path(route.Pattern), strings.NewReader("password=x"))
				r.Header.Del("Sec-Fetch-Site")
				r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
				for i := 0; i+1 < len(headers); i += 2 {
					r.Header.Set(headers[i], headers[i+1])
				}
				if a := town.admin.do(r); a.Status != http.StatusForbidden || len(a.Header.Values("Set-Cookie")) > 0 {
					t.Errorf("%s from %s: %d", route.Pattern, name, a.Status)
				}
			}
		}
		if !strings.Contains(town.admin.Get("/").want(t, 200).Body, "Name of ada") {
			t.Error("the session did not outlive the forged forms")
		}
	})
}

// Only the declared methods are answered, no header overrides one, and HEAD
// changes nothing (AP-05).
func TestOnlyDeclaredMethods(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *server) {
		town := newTown(t, s)
		declared := map[string][]string{}
		for _, route := range web.Routes() {
			declared[route.Pattern] = append(declared[route.Pattern], route.Method)
			if route.Method == http.MethodGet {
				declared[route.Pattern] = append(declared[route.Pattern], http.MethodHead)
			}
		}
		for pattern, allowed := range declared {
			for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"} {
				if slices.Contains(allowed, method) {
					continue
				}
				r := town.admin.request(method, town.path(pattern), nil)
				r.Header.Set("X-Http-Method-Override", allowed[0])
				a := town.admin.do(r)
				if a.Status != http.StatusMethodNotAllowed || a.Header.Get("Allow") == "" {
					t.Errorf("%s %s: %d, Allow %q", method, pattern, a.Status, a.Header.Get("Allow"))
				}
				if faults := unguarded(a); len(faults) > 0 {
					t.Errorf("%s %s: %v", method, pattern, faults)
				}
			}
		}
		before := town.events(t)
		for _, route := range web.Routes() {
			if route.Method == http.MethodGet {
				town.admin.do(town.admin.request(http.MethodHead, town.path(route.Pattern), nil))
			}
		}
		if after := town.events(t); after != before {
			t.Error("HEAD has left an event")
		}
	})
}

// events is the customer's trail as its administrator sees it.
func (town *town) events(t *testing.T) string {
	t.Helper()
	_, table, _ := strings.Cut(town.admin.Get("/administration/audit").want(t, 200).Body, "<table")
	return visible(table)
}

// What other programs leave lying about is not here (AP-09, CF-02).
func TestNothingLiesAbout(t *testing.T) {
	t.Parallel()
	s := install(t).Serve()
	c := newClient(t, s.Base)
	for _, path := range []string{
		"/debug/pprof/", "/debug/vars", "/metrics", "/.git/config", "/.env", "/static/", "/static/style.css", "/robots.txt", "/api", "/api/v1/users",
		"/server-status", "/swagger.json", "/openapi.json", "/graphql", "/test", "/admin", "/administration", "/templates/home.html",
		"/static/..%2f..%2fweb.go", "/static/%2e%2e/web.go", "/portal.db", "/keyring.json", "/version", "/actuator/health",
	} {
		a := c.Get(path).want(t, http.StatusNotFound)
		if faults := unguarded(a); len(faults) > 0 {
			t.Errorf("%s: %v", path, faults)
		}
	}
}

// Signing out has the browser forget what it kept, on every page there is a way
// to do so, and what was open is closed (SE-07, SE-13, SE-05).
func TestSignOutLeavesNothingOpen(t *testing.T) {
	t.Parallel()
	town := newTown(t, install(t).Serve())
	for _, route := range web.Routes() {
		if _, session := route.Level.Right(); !session || route.Method != http.MethodGet {
			continue
		}
		if a := town.admin.Get(town.path(route.Pattern)); a.Status == 200 && strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") &&
			!strings.Contains(a.Body, `action="/sign-out"`) {
			t.Errorf("%s has no way to sign out", route.Pattern)
		}
	}
	before := town.admin.cookies()
	out := town.admin.Post("/sign-out")
	if got := out.Header.Get("Clear-Site-Data"); got != `"cache", "storage"` {
		t.Errorf("Clear-Site-Data: %s", got)
	}
	late := newClient(t, town.server.Base)
	for _, cookie := range before {
		if cookie.Name == sessionCookie {
			late.useSession(cookie.Value)
		}
	}
	late.Get("/account").wantRedirect(t, "/sign-in")
}
