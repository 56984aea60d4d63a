package tracing

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// silence is between two words in the log about what fails again and again.
const silence = time.Minute

// Seldom tells the log of a failure that comes again and again: once a minute.
type Seldom struct {
	Log *slog.Logger
	Now func() time.Time

	mu   sync.Mutex
	told time.Time
}

// Warn says it, unless that was done less than a minute ago. A clock that went
// back keeps it from nothing.
func (s *Seldom) Warn(ctx context.Context, what string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := s.Now(); s.told.IsZero() || now.Sub(s.told).Abs() >= silence {
		s.told = now
		s.Log.WarnContext(ctx, what, args...)
	}
}
