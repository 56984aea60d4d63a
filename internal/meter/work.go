package meter

import "time"

func (m *Meter) countDatabase() {
	h := m.histogram("portal_database_operation_duration_seconds", "How long the database took for a statement that reads, one that writes, or a commit.",
		[]float64{.0001, .00025, .0005, .001, .0025, .005, .01, .05, .25, 1, 5}, "operation")
	for operation, name := range map[Operation]string{Read: "read", Write: "write", Commit: "commit"} {
		m.database[operation] = h.WithLabelValues(name)
	}
	m.retries = m.counter("portal_database_retries_total", "Transactions that lost a race and were run again.")
	m.conflicts = m.counter("portal_database_retries_exhausted_total", "Transactions that lost so many races that they were given up.")
}

// Database counts an operation of the database.
func (m *Meter) Database(operation Operation, took time.Duration) {
	if m != nil {
		m.database[operation].Observe(took.Seconds())
	}
}

// Retried counts a transaction that is run again.
func (m *Meter) Retried() {
	if m != nil {
		m.retries.Inc()
	}
}

// GaveUp counts a transaction that has been run again too often.
func (m *Meter) GaveUp() {
	if m != nil {
		m.conflicts.Inc()
	}
}

func (m *Meter) countHashes() {
	buckets := []float64{.001, .01, .025, .05, .1, .25, .5, 1, 2.5, 5}
	m.hashWait = m.histogram("portal_password_hash_wait_seconds", "How long a password waited for a free core.", buckets).WithLabelValues()
	m.hashWork = m.histogram("portal_password_hash_duration_seconds", "How long a password hash took, without the wait.", buckets).WithLabelValues()
	m.hashRefused = m.counter("portal_password_hash_refused_total", "Password hashes that were not begun: the queue was full, or the wait too long.")
}

// HashWaited counts the wait for a core.
func (m *Meter) HashWaited(took time.Duration) {
	if m != nil {
		m.hashWait.Observe(took.Seconds())
	}
}

// HashRefused counts a hash that was not begun.
func (m *Meter) HashRefused() {
	if m != nil {
		m.hashRefused.Inc()
	}
}

// Hashed counts the work of a hash.
func (m *Meter) Hashed(took time.Duration) {
	if m != nil {
		m.hashWork.Observe(took.Seconds())
	}
}
