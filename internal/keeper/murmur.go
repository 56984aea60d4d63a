package keeper

import (
	"context"
	"log/slog"
	"time"

	"portal"
)

// How long the log stays silent about a failure that lasts: twice as long each
// time, within these bounds.
const (
	firstSilence   = 10 * time.Second
	longestSilence = 5 * time.Minute
)

// murmur tells the log of something that fails again and again: of the first
// failure, then less and less often, and of the end. It belongs to one
// goroutine.
type murmur struct {
	log  *slog.Logger
	now  portal.Clock
	what []any // what fails, as attributes

	failures int
	since    time.Time
	said     time.Time
	silence  time.Duration
}

// failed counts a failure and tells of it where it is time to.
func (m *murmur) failed(ctx context.Context, words string, err error) {
	m.failures++
	now := m.now()
	if m.failures > 1 && now.Sub(m.said).Abs() < m.silence {
		m.log.DebugContext(ctx, words, append(m.what, "error", err)...)
		return
	}
	if m.failures == 1 {
		m.since = now
	}
	m.said, m.silence = now, min(max(2*m.silence, firstSilence), longestSilence)
	m.log.WarnContext(ctx, words, append(m.what, "error", err, "failures", m.failures, "since", m.since)...)
}

// worked tells of the end of what has failed.
func (m *murmur) worked(ctx context.Context) {
	if m.failures == 0 {
		return
	}
	m.log.InfoContext(ctx, "works again", append(m.what, "failures", m.failures, "since", m.since)...)
	m.failures, m.silence = 0, 0
}
