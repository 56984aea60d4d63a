package tracing

import (
	"context"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/sdk/trace"
	api "go.opentelemetry.io/otel/trace"
)

// Whatever a trusted header says, a request has a trace: the one that is told,
// written out in it, or one of its own. Without trusted headers it is its own.
func FuzzTraceparent(f *testing.F) {
	const id = "4bf92f3577b34da6a3ce929d0e0e4736"
	for _, parent := range []string{
		"", "00-" + id + "-00f067aa0ba902b7-01", "00-" + id + "-00f067aa0ba902b7-00", "ff-" + id + "-00f067aa0ba902b7-01",
		"cc-" + id + "-00f067aa0ba902b7-01-more", "00-" + strings.Repeat("0", 32) + "-00f067aa0ba902b7-01", "00-" + strings.ToUpper(id) + "-00F067AA0BA902B7-01", "00-" + id,
	} {
		f.Add(parent, "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE")
	}
	drawn := own{}.trace()
	tracer := New(trace.NewTracerProvider(trace.WithSampler(trace.AlwaysSample()), trace.WithIDGenerator(own{})))
	f.Fuzz(func(t *testing.T, parent, state string) {
		told := map[string][]string{"Traceparent": {parent}, "Tracestate": {state}}
		if id := traceOf(t, tracer, told); id != drawn && !strings.Contains(parent, id.String()) {
			t.Fatalf("%q makes the trace %v", parent, id)
		}
		if id := traceOf(t, tracer, nil); id != drawn {
			t.Fatalf("without a header the trace is %v", id)
		}
	})
}

// traceOf is the trace that a request belongs to.
func traceOf(t *testing.T, tracer *Tracer, trusted map[string][]string) api.TraceID {
	ctx, r := tracer.Request(t.Context(), trusted)
	r.End(Answer{Status: 200})
	got := api.SpanContextFromContext(ctx)
	if !got.IsValid() || got.IsRemote() {
		t.Fatalf("%q makes the trace %v", trusted, got)
	}
	return got.TraceID()
}

// own are the numbers that the program draws itself: always the same.
type own struct{}

func (own) trace() api.TraceID { return api.TraceID{1} }

func (o own) NewIDs(context.Context) (api.TraceID, api.SpanID) { return o.trace(), api.SpanID{1} }

func (own) NewSpanID(context.Context, api.TraceID) api.SpanID { return api.SpanID{2} }
