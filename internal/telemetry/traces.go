package telemetry

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"portal/internal/tracing"
)

// Identity is what traces say of the program that they come from.
type Identity struct{ Version, Instance string }

// Traces begins traces and sends them to a collector. How many of the requests
// are followed, and how patiently they are gathered, is said by OpenTelemetry's
// own variables (OTEL_TRACES_SAMPLER, OTEL_BSP_…, OTEL_RESOURCE_ATTRIBUTES). The
// returned function sends what is left.
func Traces(ctx context.Context, id Identity, to *Collector) (*tracing.Tracer, func(context.Context) error, error) {
	about, err := resource.New(ctx,
		resource.WithAttributes(
			attribute.String("service.name", "portal"), attribute.String("service.version", id.Version),
			attribute.String("service.instance.id", id.Instance),
		),
		resource.WithTelemetrySDK(), resource.WithFromEnv())
	if err != nil {
		return nil, nil, fmt.Errorf("OTEL_RESOURCE_ATTRIBUTES cannot be read; it looks like key=value,key=value: %w", err)
	}
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(to), sdktrace.WithResource(about))
	return tracing.New(provider), provider.Shutdown, nil
}
