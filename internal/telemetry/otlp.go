package telemetry

import (
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	collector "go.opentelemetry.io/proto/slim/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/slim/otlp/common/v1"
	about "go.opentelemetry.io/proto/slim/otlp/resource/v1"
	trace "go.opentelemetry.io/proto/slim/otlp/trace/v1"
)

// request is a batch of spans as OTLP writes it. All spans are of this one
// program, and of one scope.
func request(spans []sdktrace.ReadOnlySpan) *collector.ExportTraceServiceRequest {
	if len(spans) == 0 {
		return &collector.ExportTraceServiceRequest{}
	}
	all := make([]*trace.Span, len(spans))
	for i, s := range spans {
		all[i] = spanOf(s)
	}
	first := spans[0]
	return &collector.ExportTraceServiceRequest{ResourceSpans: []*trace.ResourceSpans{{
		Resource:   &about.Resource{Attributes: attributes(first.Resource().Attributes())},
		ScopeSpans: []*trace.ScopeSpans{{Scope: &common.InstrumentationScope{Name: first.InstrumentationScope().Name}, Spans: all}},
	}}}
}

func spanOf(s sdktrace.ReadOnlySpan) *trace.Span {
	own := s.SpanContext()
	id, span := own.TraceID(), own.SpanID()
	t := &trace.Span{
		TraceId: id[:], SpanId: span[:], TraceState: own.TraceState().String(), Flags: uint32(own.TraceFlags()),
		Name: s.Name(), Kind: trace.Span_SpanKind(s.SpanKind()), Attributes: attributes(s.Attributes()), // #nosec G115 -- five kinds, numbered alike
		StartTimeUnixNano: uint64(s.StartTime().UnixNano()), EndTimeUnixNano: uint64(s.EndTime().UnixNano()), // #nosec G115 -- after 1970
		Status: &trace.Status{Code: statusOf(s.Status().Code)},
	}
	if parent := s.Parent(); parent.HasSpanID() {
		id := parent.SpanID()
		t.ParentSpanId = id[:]
	}
	return t
}

func statusOf(code codes.Code) trace.Status_StatusCode {
	switch code {
	case codes.Error:
		return trace.Status_STATUS_CODE_ERROR
	case codes.Ok:
		return trace.Status_STATUS_CODE_OK
	}
	return trace.Status_STATUS_CODE_UNSET
}

func attributes(all []attribute.KeyValue) []*common.KeyValue {
	out := make([]*common.KeyValue, len(all))
	for i, a := range all {
		out[i] = &common.KeyValue{Key: string(a.Key), Value: valueOf(a.Value)}
	}
	return out
}

// valueOf writes a number as a number, and everything else as text: ours are
// one or the other.
func valueOf(v attribute.Value) *common.AnyValue {
	if v.Type() == attribute.INT64 {
		return &common.AnyValue{Value: &common.AnyValue_IntValue{IntValue: v.AsInt64()}}
	}
	return &common.AnyValue{Value: &common.AnyValue_StringValue{StringValue: v.String()}}
}
