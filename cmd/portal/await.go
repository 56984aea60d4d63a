package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"portal"
)

// askAgain is how often a database that does not answer yet is asked again.
const askAgain = 500 * time.Millisecond

// await opens the house, and waits for a database that does not answer yet: a
// machine may start the portal before it, and a standby may be about to take
// over. What no waiting mends, such as a wrong password, ends the start at once.
func await(ctx context.Context, patience time.Duration, log *slog.Logger, open func(context.Context) (*services, error)) (*services, error) {
	within, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	ticker := time.NewTicker(askAgain)
	defer ticker.Stop()
	for said := false; ; said = true {
		s, err := open(within)
		if portal.ErrorCode(err) != portal.CodeUnavailable {
			return s, err
		}
		if !said {
			log.WarnContext(ctx, "the database does not answer; waiting for it", "wait", patience.String(), "error", err)
		}
		select {
		case <-within.Done():
			return nil, fmt.Errorf("the database did not answer within %s (--database-wait). See that it runs and takes connections, or correct --database, and start again: %s", patience, inWords(err))
		case <-ticker.C:
		}
	}
}
