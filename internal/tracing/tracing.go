// Package tracing follows one request through the house: its number in every
// line of the log, and, where a trace collector is configured, the parts that
// its time was spent on.
//
// A part hangs on the trace that its context brings. Without one it is nothing,
// so that no room needs to know whether somebody looks. Names and attributes
// are words of the program and numbers: nothing that a person typed, no user,
// no customer, no statement with its values.
package tracing

import (
	"context"
	"log/slog"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// scope is who has made the parts.
const scope = "portal"

// Tracer begins traces. A nil Tracer begins none.
type Tracer struct{ of trace.Tracer }

// New makes a tracer of a provider.
func New(p trace.TracerProvider) *Tracer { return &Tracer{p.Tracer(scope)} }

// Request is the trace of a request. A nil Request is none.
type Request struct{ span trace.Span }

// Request begins the trace of a request, or goes on with the one of which
// trusted headers tell (W3C Trace Context); nil headers tell nothing.
func (t *Tracer) Request(ctx context.Context, trusted map[string][]string) (context.Context, *Request) {
	if t == nil {
		return ctx, nil
	}
	if trusted != nil {
		ctx = propagation.TraceContext{}.Extract(ctx, propagation.HeaderCarrier(trusted))
	}
	ctx, span := t.of.Start(ctx, "request", trace.WithSpanKind(trace.SpanKindServer))
	return ctx, &Request{span}
}

// Answer is how a request ended.
type Answer struct {
	Method, Route, RequestID string
	Status                   int
	// Kind is what went wrong, in a word; empty where nothing did.
	Kind string
}

// End ends the trace of a request.
func (r *Request) End(a Answer) {
	if r == nil {
		return
	}
	r.span.SetName(a.Method + " " + a.Route)
	r.span.SetAttributes(
		attribute.String("http.request.method", a.Method), attribute.String("http.route", a.Route),
		attribute.Int("http.response.status_code", a.Status), attribute.String("portal.request_id", a.RequestID),
	)
	if a.Kind != "" {
		r.span.SetAttributes(attribute.String("error.type", a.Kind))
	}
	if a.Status >= 500 {
		r.span.SetStatus(codes.Error, "")
	}
	r.span.End()
}

// Part is a part of a trace. The zero Part is none.
type Part struct{ span trace.Span }

// Begin begins a part of the trace of a context, where there is one.
func Begin(ctx context.Context, name string) (context.Context, Part) {
	parent := trace.SpanFromContext(ctx)
	if !parent.IsRecording() {
		return ctx, Part{}
	}
	ctx, span := parent.TracerProvider().Tracer(scope).Start(ctx, name)
	return ctx, Part{span}
}

// Tries notes how often a part was tried.
func (p Part) Tries(n int) {
	if p.span != nil {
		p.span.SetAttributes(attribute.Int("portal.tries", n))
	}
}

// End ends a part. That it failed is noted, and why is not: an error may quote
// what somebody typed.
func (p Part) End(err error) {
	if p.span == nil {
		return
	}
	if err != nil {
		p.span.SetStatus(codes.Error, "")
	}
	p.span.End()
}

// Log adds to each line of a log the request and the trace that it belongs to;
// requestID finds the number of the request in a context.
func Log(next slog.Handler, requestID func(context.Context) string) slog.Handler {
	return logged{next, requestID}
}

type logged struct {
	slog.Handler
	requestID func(context.Context) string
}

// Handle adds what the context knows.
func (l logged) Handle(ctx context.Context, r slog.Record) error {
	if id := l.requestID(ctx); id != "" {
		r.AddAttrs(slog.String("request_id", id))
	}
	if span := trace.SpanContextFromContext(ctx); span.HasTraceID() {
		r.AddAttrs(slog.String("trace_id", span.TraceID().String()))
	}
	return l.Handler.Handle(ctx, r)
}

// WithAttrs keeps the additions.
func (l logged) WithAttrs(attrs []slog.Attr) slog.Handler {
	return logged{l.Handler.WithAttrs(attrs), l.requestID}
}

// WithGroup keeps the additions.
func (l logged) WithGroup(name string) slog.Handler {
	return logged{l.Handler.WithGroup(name), l.requestID}
}
