package main

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"portal/internal/meter"
)

// BenchmarkPage asks for a page of somebody who is signed in, without and with
// metrics: what being watched costs, in time and memory.
func BenchmarkPage(b *testing.B) {
	in := install(b)
	s := in.Serve()
	s.Run("", "customer", "add", "Acme")
	wendy := s.join("Acme", "user", "wendy")
	wendy.signIn()
	token := wendy.cookie(sessionCookie)
	s.Kill()
	for name, m := range map[string]*meter.Meter{"unwatched": nil, "watched": meter.New()} {
		b.Run(name, func(b *testing.B) {
			page := in.inProcess(b, s.Base, m)
			r := httptest.NewRequest(http.MethodGet, s.Base+"/account", nil)
			r.AddCookie(&http.Cookie{Name: sessionCookie, Value: token})
			b.ReportAllocs()
			for b.Loop() {
				w := httptest.NewRecorder()
				page.ServeHTTP(w, r)
				if w.Code != http.StatusOK {
					b.Fatalf("status %d\n%s", w.Code, w.Body)
				}
			}
		})
	}
}

// inProcess is the portal's pages in this process.
func (in *installation) inProcess(b *testing.B, base string, m *meter.Meter) http.Handler {
	b.Helper()
	c := &cli{Data: in.Data}
	c.Serve.SourceFailures = 1
	world := world{Out: io.Discard, Err: io.Discard, Now: time.Now, Getenv: func(string) string { return "" }}
	log := slog.New(slog.NewJSONHandler(io.Discard, nil))
	s, err := c.openMetered(b.Context(), world, log, m)
	must(b, err)
	b.Cleanup(func() { must(b, s.store.Close()) })
	origin, err := url.Parse(base)
	must(b, err)
	must(b, c.Serve.openPost(s, origin, world, log))
	pages, err := c.Serve.pages(s, origin, standing{func(context.Context) error { return nil }, func() error { return nil }}, world, log)
	must(b, err)
	return pages
}
