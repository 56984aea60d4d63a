package web

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"portal"
	"portal/internal/meter"
	"portal/internal/tracing"
)

// patience is how long one request may take.
const patience = 15 * time.Second

// trace is what the log will say about a request. It holds the route and not
// the address: the address of a link is a secret.
type trace struct {
	requestID string
	address   string // of the client, as far as it can be trusted
	pattern   string
	counted   *meter.Route
	userID    portal.UserID
	err       error
}

type traceKey struct{}

func traceOf(ctx context.Context) *trace {
	t, ok := ctx.Value(traceKey{}).(*trace)
	if !ok {
		return &trace{}
	}
	return t
}

// traced names each request, bounds its time and writes its line in the log.
func (s *site) traced(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begin := s.now()
		t := &trace{requestID: rand.Text(), address: s.proxies.client(r), pattern: "none", counted: s.nowhere}
		ctx, cancel := context.WithTimeout(context.WithValue(r.Context(), traceKey{}, t), patience)
		defer cancel()
		ctx, followed := s.follow(ctx, r)
		w.Header().Set("X-Request-Id", t.requestID)
		answer := &recorder{ResponseWriter: w}
		s.meter.Begin()
		defer func() {
			took := s.now().Sub(begin)
			t.counted.Answered(answer.status, took)
			s.meter.End()
			followed.End(tracing.Answer{
				Method: knownMethod(r.Method), Route: t.pattern, RequestID: t.requestID, Status: answer.status, Kind: kindOf(t.err),
			})
			s.logVisit(ctx, r.Method, t, answer.status, took)
		}()
		next.ServeHTTP(answer, r.WithContext(ctx))
	})
}

// follow begins the trace of a request. What its headers say of a trace counts
// where they come from a named proxy. The health pages are asked all the time
// by machines, and nobody wants to read of it.
func (s *site) follow(ctx context.Context, r *http.Request) (context.Context, *tracing.Request) {
	if s.tracer == nil || isHealth(r.URL.Path) {
		return ctx, nil
	}
	var trusted http.Header
	if s.proxies.trust(peerOf(r)) {
		trusted = r.Header
	}
	return s.tracer.Request(ctx, trusted)
}

// RequestID finds the number of the request that a context belongs to.
func RequestID(ctx context.Context) string { return traceOf(ctx).requestID }

// logVisit writes the line of a request. Its number comes from the context, as
// with every line.
func (s *site) logVisit(ctx context.Context, method string, t *trace, status int, took time.Duration) {
	level := slog.LevelInfo
	switch {
	case errors.Is(t.err, context.Canceled): // the visitor went away
	case status == http.StatusServiceUnavailable:
		level = slog.LevelWarn
	case status >= http.StatusInternalServerError:
		level = slog.LevelError
	}
	attrs := []slog.Attr{
		slog.String("method", knownMethod(method)), slog.String("route", t.pattern), slog.Int("status", status),
		slog.Duration("took", took),
	}
	if t.userID != "" {
		attrs = append(attrs, slog.String("user_id", string(t.userID)))
	}
	if t.err != nil {
		attrs = append(attrs, slog.String("error", t.err.Error()))
	}
	s.log.LogAttrs(ctx, level, "request", attrs...)
}

// knownMethod keeps invented methods out of the log.
func knownMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch,
		http.MethodDelete, http.MethodOptions, http.MethodConnect, http.MethodTrace:
		return method
	}
	return "other"
}

// recorder remembers the status that was answered.
type recorder struct {
	http.ResponseWriter
	status int
}

// WriteHeader notes the first status.
func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

// Write answers 200 where no status was set.
func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	return r.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the real writer.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// recovered turns a panic into a 500; the process lives on (LG-10).
func (s *site) recovered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			what := recover()
			if what == nil {
				return
			}
			s.meter.Panicked()
			v := newVisit(w, r)
			err := fmt.Errorf("panic: %v\n%s", what, debug.Stack())
			if sent, ok := w.(*recorder); what == http.ErrAbortHandler || (ok && sent.status != 0) {
				v.trace.err = err
				panic(http.ErrAbortHandler) // nothing whole can be sent any more
			}
			s.fail(v, err)
		}()
		next.ServeHTTP(w, r)
	})
}

const contentSecurityPolicy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'; object-src 'none'; connect-src 'none'"

// secured puts the security headers on every answer (WF-01 to WF-06, DP-02).
func secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
		h.Set("Content-Security-Policy", contentSecurityPolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=(), clipboard-write=(self)")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// plainText answers where no page is needed.
func plainText(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text) // #nosec G705 -- plain text, with nosniff; an error is a visitor who is gone
}

// health says that the process is alive.
func (s *site) health(v *visit) error {
	plainText(v.w, http.StatusOK, "alive\n")
	return nil
}

// readiness says whether the portal can serve. Why not is for the log.
func (s *site) readiness(v *visit) error {
	if err := s.ready(v.ctx()); err != nil {
		v.trace.err = err
		plainText(v.w, http.StatusServiceUnavailable, "not ready\n")
		return nil
	}
	plainText(v.w, http.StatusOK, "ready\n")
	return nil
}
