// Package meter counts what the portal does, for whoever watches it from
// outside (docs/monitoring.md). It is the only place that knows how metrics are
// kept; the rooms of the house say what happened, in their own words.
//
// Labels are words of the program: a route, an outcome, the name of a job.
// Nothing that a person typed, and no customer, user or address, ever is one,
// so that the number of series is bounded and the metrics may be shown to
// anybody who runs machines.
//
// A nil Meter counts nothing and costs nothing.
package meter

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// Step is one step of signing in.
type Step string

// The steps: the first, and the two ways to take the second.
const (
	Password     Step = "password"
	Code         Step = "code"
	RecoveryCode Step = "recovery_code"
)

// Outcome is what came of a step.
type Outcome string

// What can come of a step of signing in.
const (
	SignedIn  Outcome = "signed_in"
	CodeAsked Outcome = "second_step_asked"
	Refused   Outcome = "refused"
	Throttled Outcome = "throttled"
	Busy      Outcome = "busy"   // too many passwords wait to be hashed
	Outage    Outcome = "outage" // the database does not answer
	Failed    Outcome = "failed" // a fault of ours
)

// TaskOutcome is what came of a run of a job.
type TaskOutcome string

// The outcomes of runs of jobs.
const (
	TaskDone   TaskOutcome = "done"
	TaskOutage TaskOutcome = "outage" // the database does not answer
	TaskFailed TaskOutcome = "failed"
)

// MailOutcome is what came of a try to hand a mail over.
type MailOutcome string

// What can come of a mail.
const (
	MailSent      MailOutcome = "sent"
	MailPostponed MailOutcome = "postponed"
	MailGivenUp   MailOutcome = "given_up"
)

// Operation is a kind of work of the database.
type Operation int

// The kinds of work: a statement that reads, one that changes, and the commit
// of a transaction.
const (
	Read Operation = iota
	Write
	Commit
	operations
)

// Meter holds the counters. All methods may be called by many goroutines.
type Meter struct {
	registry *prometheus.Registry

	steps     *prometheus.CounterVec
	throttled *prometheus.CounterVec
	mails     *prometheus.CounterVec
	spans     *prometheus.CounterVec

	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	inFlight prometheus.Gauge
	panics   prometheus.Counter

	database  [operations]prometheus.Observer
	retries   prometheus.Counter
	conflicts prometheus.Counter

	hashWait, hashWork prometheus.Observer
	hashRefused        prometheus.Counter

	runs        *prometheus.CounterVec
	lastSuccess *prometheus.GaugeVec
}

// New makes a meter that also tells of the process and of Go's runtime.
func New() *Meter {
	m := &Meter{registry: prometheus.NewRegistry()}
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	m.countSignIns()
	m.countRequests()
	m.countDatabase()
	m.countHashes()
	m.countJobs()
	return m
}

// Registry is where the metrics are gathered, and where others are added that
// are looked up when somebody asks.
func (m *Meter) Registry() *prometheus.Registry { return m.registry }

func (m *Meter) counters(name, help string, labels ...string) *prometheus.CounterVec {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	m.registry.MustRegister(c)
	return c
}

func (m *Meter) counter(name, help string) prometheus.Counter {
	c := prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	m.registry.MustRegister(c)
	return c
}

func (m *Meter) histogram(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
	m.registry.MustRegister(h)
	return h
}

// countSignIns begins all counters at zero, so that the first refusal is an
// increase that somebody can see.
func (m *Meter) countSignIns() {
	m.steps = m.counters("portal_sign_in_steps_total", "Steps of signing in, by what came of them.", "step", "outcome")
	for _, outcome := range []Outcome{SignedIn, CodeAsked, Refused, Throttled, Busy, Outage, Failed} {
		for _, step := range []Step{Password, Code, RecoveryCode} {
			if step == Password || outcome != CodeAsked {
				m.steps.WithLabelValues(string(step), string(outcome))
			}
		}
	}
	m.throttled = m.counters("portal_throttled_total", "Tries that a used-up budget has turned away, by the kind of budget.", "budget")
	m.mails = m.counters("portal_mails_total", "Mails that were handed to the mail server, put off, or given up.", "outcome")
	for _, outcome := range []MailOutcome{MailSent, MailPostponed, MailGivenUp} {
		m.mails.WithLabelValues(string(outcome))
	}
	m.spans = m.counters("portal_trace_spans_total", "Parts of traces that the trace collector took, or that were lost.", "outcome")
	for _, outcome := range []string{"sent", "lost"} {
		m.spans.WithLabelValues(outcome)
	}
}

// SignIn counts a step of signing in.
func (m *Meter) SignIn(step Step, outcome Outcome) {
	if m != nil {
		m.steps.WithLabelValues(string(step), string(outcome)).Inc()
	}
}

// Budgets begins the counters of what a try can be charged to.
func (m *Meter) Budgets(kinds ...string) {
	if m == nil {
		return
	}
	for _, kind := range kinds {
		m.throttled.WithLabelValues(kind)
	}
}

// Throttled counts a try that a used-up budget has turned away.
func (m *Meter) Throttled(kind string) {
	if m != nil {
		m.throttled.WithLabelValues(kind).Inc()
	}
}

// Mail counts a try to hand a mail over.
func (m *Meter) Mail(outcome MailOutcome) {
	if m != nil {
		m.mails.WithLabelValues(string(outcome)).Inc()
	}
}

// Spans counts parts of traces.
func (m *Meter) Spans(n int, sent bool) {
	if m == nil {
		return
	}
	outcome := "lost"
	if sent {
		outcome = "sent"
	}
	m.spans.WithLabelValues(outcome).Add(float64(n))
}

func (m *Meter) countJobs() {
	m.runs = m.counters("portal_task_runs_total", "Runs of the jobs that the portal does by itself.", "task", "outcome")
	m.lastSuccess = prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "portal_task_last_success_timestamp_seconds", Help: "When this node last did a job well.",
	}, []string{"task"})
	m.registry.MustRegister(m.lastSuccess)
}

// Tasks begins the counters of a job.
func (m *Meter) Tasks(name string) {
	if m == nil {
		return
	}
	for _, outcome := range []TaskOutcome{TaskDone, TaskOutage, TaskFailed} {
		m.runs.WithLabelValues(name, string(outcome))
	}
}

// Task counts a run of a job that ended now.
func (m *Meter) Task(name string, now time.Time, outcome TaskOutcome) {
	if m == nil {
		return
	}
	m.runs.WithLabelValues(name, string(outcome)).Inc()
	if outcome == TaskDone {
		m.lastSuccess.WithLabelValues(name).Set(float64(now.UnixMilli()) / 1000)
	}
}
