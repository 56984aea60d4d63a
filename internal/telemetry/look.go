package telemetry

import (
	"context"
	"runtime"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"portal"
	"portal/internal/meter"
	"portal/internal/seal"
	"portal/internal/store"
)

const (
	// fresh is how long what was looked up is told again: a storm of questions
	// reaches the database no more often.
	fresh = 5 * time.Second
	// patience is how long the database may take to tell; without it the rest is
	// told all the same.
	patience = 2 * time.Second
)

// Config is what is looked at when somebody asks for the metrics.
type Config struct {
	Meter  *meter.Meter
	Store  *store.Store
	Hasher *seal.Hasher
	Now    portal.Clock
	// Ready tells whether the node can serve.
	Ready func(context.Context) error
	// CertificateEnds is when the certificate of the portal's own TLS runs out;
	// zero where that is not known.
	CertificateEnds func() time.Time
	// Mail tells whether there is a mail server.
	Mail bool
	// Version and Revision are the build's.
	Version, Revision string
}

// look tells what is not counted as it happens, but found out when somebody
// asks. What cannot be found out is left out, and never makes the rest fail.
type look struct {
	Config
	mu   sync.Mutex
	last findings
}

// findings are what was found out at one moment.
type findings struct {
	at       time.Time
	ready    bool
	figures  store.Figures
	skew     time.Duration
	database error // why the database has told nothing
}

// The metrics that are found out.
func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

// Describe names none, which is allowed: which there are depends on what can be
// found out.
func (l *look) Describe(chan<- *prometheus.Desc) {}

// Collect tells all that can be found out.
func (l *look) Collect(to chan<- prometheus.Metric) {
	tell := func(d *prometheus.Desc, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	now := l.now()
	tell(describe("portal_build_info", "The program that runs, always 1.", "version", "revision", "go_version", "database"), 1,
		l.Version, l.Revision, runtime.Version(), l.Store.Name())
	tell(describe("portal_ready", "1 where the node can serve, as /readyz says it."), number(now.ready))
	tell(describe("portal_database_up", "1 where the database answers."), number(now.database == nil))
	tell(describe("portal_mail_server_configured", "1 where mails go out; otherwise they are kept."), number(l.Mail))
	if end := l.CertificateEnds(); !end.IsZero() {
		tell(describe("portal_certificate_expiry_timestamp_seconds", "When the certificate of the portal's own TLS runs out."), float64(end.Unix()))
	}
	l.hashes(tell)
	l.pools(to, tell)
	if now.database == nil {
		l.installation(now, tell)
	}
}

type teller func(d *prometheus.Desc, value float64, labels ...string)

func (l *look) hashes(tell teller) {
	working, waiting, slots, queue := l.Hasher.Load()
	tell(describe("portal_password_hash_running", "Password hashes at work."), float64(working))
	tell(describe("portal_password_hash_running_max", "Password hashes that may be at work at once."), float64(slots))
	tell(describe("portal_password_hash_waiting", "Passwords that wait for a free core."), float64(waiting))
	tell(describe("portal_password_hash_waiting_max", "Passwords that may wait; whoever comes then is told that the portal is busy."), float64(queue))
}

func (l *look) pools(to chan<- prometheus.Metric, tell teller) {
	use := describe("portal_database_connections_in_use", "Connections to the database that are in use.", "pool")
	most := describe("portal_database_connections_max", "Connections to the database that may be open.", "pool")
	waits := describe("portal_database_connection_waits_total", "How often a connection to the database was waited for.", "pool")
	waited := describe("portal_database_connection_wait_seconds_total", "How long connections to the database were waited for.", "pool")
	for _, p := range l.Store.Pools() {
		tell(use, float64(p.InUse), p.Name)
		tell(most, float64(p.Most), p.Name)
		to <- prometheus.MustNewConstMetric(waits, prometheus.CounterValue, float64(p.Waits), p.Name)
		to <- prometheus.MustNewConstMetric(waited, prometheus.CounterValue, p.WaitedAltogether.Seconds(), p.Name)
	}
}

// installation tells of the whole installation; each node tells the same.
func (l *look) installation(now findings, tell teller) {
	users := describe("portal_users", "Users of the whole installation, by the state of their 2FA.", "twofa")
	for _, state := range []portal.TwoFactorState{portal.TwoFactorNone, portal.TwoFactorEnabled, portal.TwoFactorDisabled} {
		tell(users, float64(now.figures.Users[state]), string(state))
	}
	tell(describe("portal_mails_waiting", "Mails that wait to go out, counted up to 10,000."), float64(now.figures.Mails.Length))
	tell(describe("portal_mails_oldest_waiting_seconds", "Age of the oldest mail that waits; 0 where none does."), now.age(now.figures.Mails))
	tell(describe("portal_audit_events_unsealed", "Events that wait for their seal, counted up to 10,000."), float64(now.figures.Unsealed.Length))
	tell(describe("portal_audit_oldest_unsealed_seconds", "Age of the oldest event that waits for its seal; 0 where none does."), now.age(now.figures.Unsealed))
	tell(describe("portal_clock_offset_seconds", "How far the node's clock is ahead of the database's; negative: behind."), now.skew.Seconds())
}

func (f findings) age(q store.Queue) float64 {
	if q.Oldest.IsZero() {
		return 0
	}
	return max(0, f.at.Sub(q.Oldest).Seconds())
}

func number(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// now finds out, or tells what was found out a moment ago. Who asks meanwhile
// waits for the same answer.
func (l *look) now() findings {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := l.Now()
	if !l.last.at.IsZero() && at.Sub(l.last.at).Abs() < fresh {
		return l.last
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	found := findings{at: at, ready: l.Ready(ctx) == nil}
	if found.figures, found.database = l.Store.Figures(ctx); found.database == nil {
		found.skew, found.database = l.Store.Skew(ctx)
	}
	l.last = found
	return found
}
