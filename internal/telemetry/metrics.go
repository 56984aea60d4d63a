// Package telemetry is how the portal is seen from outside: the metrics that
// somebody fetches, and the traces that are sent to a collector
// (docs/monitoring.md). Nobody reaches it through the pages, and it is not there
// unless the operator wants it.
package telemetry

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// atOnce is how many may fetch the metrics at once; nobody but a few servers
// that collect them has a reason to.
const atOnce = 4

// Metrics answers on the metrics' own address: GET /metrics, and nothing else.
func Metrics(c Config) (http.Handler, error) {
	registry := c.Meter.Registry()
	if err := registry.Register(&look{Config: c}); err != nil {
		return nil, err
	}
	metrics := promhttp.HandlerFor(registry, promhttp.HandlerOpts{
		ErrorHandling: promhttp.ContinueOnError, MaxRequestsInFlight: atOnce, Timeout: 10 * time.Second,
	})
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", metrics)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store")
		mux.ServeHTTP(w, r)
	}), nil
}
