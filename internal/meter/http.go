package meter

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// classes are what statuses are counted as: the hundreds.
var classes = [...]string{1: "1xx", 2: "2xx", 3: "3xx", 4: "4xx", 5: "5xx"}

func (m *Meter) countRequests() {
	m.requests = m.counters("portal_http_requests_total", "Requests that were answered.", "method", "route", "status")
	m.duration = m.histogram("portal_http_request_duration_seconds", "How long requests took.",
		[]float64{.001, .0025, .005, .01, .025, .1, .25, .5, 1, 2.5, 5, 15}, "method", "route")
	m.inFlight = prometheus.NewGauge(prometheus.GaugeOpts{Name: "portal_http_requests_in_flight", Help: "Requests that are under way."})
	m.registry.MustRegister(m.inFlight)
	m.panics = m.counter("portal_http_panics_total", "Requests that ended in a panic, a fault of ours.")
}

// Route counts the requests of one route. A nil Route counts nothing.
type Route struct {
	counters [len(classes)]prometheus.Counter
	took     func() prometheus.Observer // made with the first request
}

// Route finds the counters of a route once, so that a request need not look
// for them. The pattern is the route's own and never what somebody asked for.
func (m *Meter) Route(method, pattern string) *Route {
	if m == nil {
		return nil
	}
	r := &Route{took: sync.OnceValue(func() prometheus.Observer { return m.duration.WithLabelValues(method, pattern) })}
	for class := 2; class < len(classes); class++ {
		r.counters[class] = m.requests.WithLabelValues(method, pattern, classes[class])
	}
	return r
}

// Answered counts a request. No status means that no answer could be sent.
func (r *Route) Answered(status int, took time.Duration) {
	if r == nil {
		return
	}
	if class := status / 100; class >= 2 && class < len(classes) {
		r.counters[class].Inc()
	} else {
		r.counters[5].Inc()
	}
	r.took().Observe(took.Seconds())
}

// Begin counts a request as under way, End no longer.
func (m *Meter) Begin() {
	if m != nil {
		m.inFlight.Inc()
	}
}

// End is the end of what Begin has begun.
func (m *Meter) End() {
	if m != nil {
		m.inFlight.Dec()
	}
}

// Panicked counts a panic.
func (m *Meter) Panicked() {
	if m != nil {
		m.panics.Inc()
	}
}
