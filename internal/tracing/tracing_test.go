package tracing

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
)

// Where nobody follows requests a part costs no memory.
func TestNoTraceCostsNothing(t *testing.T) {
	ctx, failed := t.Context(), errors.New("no")
	n := testing.AllocsPerRun(100, func() {
		var nobody *Tracer
		ctx, r := nobody.Request(ctx, nil)
		_, part := Begin(ctx, "part")
		part.Tries(1)
		part.End(failed)
		r.End(Answer{})
	})
	if n != 0 {
		t.Errorf("%v allocations where nobody looks", n)
	}
}

// The additions to a log's lines stay with the loggers that are made of it.
func TestLogKeepsItsAdditions(t *testing.T) {
	var out bytes.Buffer
	id := func(context.Context) string { return "r-1" }
	log := slog.New(Log(slog.NewTextHandler(&out, nil), id)).With("a", 1).WithGroup("g")
	log.InfoContext(t.Context(), "said", "b", 2)
	if got := out.String(); !strings.Contains(got, "a=1 g.b=2") || !strings.Contains(got, "request_id=r-1") || strings.Contains(got, "trace_id") {
		t.Errorf("the log says %s", got)
	}
}

// BenchmarkNoTrace is what a part costs where nobody looks.
func BenchmarkNoTrace(b *testing.B) {
	type key struct{}
	ctx := context.WithValue(context.WithValue(b.Context(), key{}, 1), key{}, 2)
	b.ReportAllocs()
	for b.Loop() {
		_, part := Begin(ctx, "part")
		part.End(nil)
	}
}
