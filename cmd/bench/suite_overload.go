package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"portal"
)

// How many sign in at once under overload: more than there are places to hash
// and to wait, so that some are told to come back.
const crowd = 160

// overload looks at signed-in pages while more people sign in than the portal
// can hash passwords for.
func (b *bench) overload(ctx context.Context) error {
	const lasting = 3 * time.Second
	idle, err := interleave(ctx, b.rounds, side{"idle", func(ctx context.Context, _ int) (outcome, error) { return b.visits(ctx, lasting) }})
	if err != nil {
		return err
	}
	busy, err := interleave(ctx, b.rounds, side{"busy", func(ctx context.Context, _ int) (outcome, error) { return b.visitsUnderLoad(ctx, lasting) }})
	if err != nil {
		return err
	}
	what := fmt.Sprintf("home, one visitor, while %d sign in at once", crowd)
	b.report.versus(what, "the same on an idle portal", "p99 µs", of(busy["busy"], lateOf), of(idle["idle"], lateOf), atMost(10))
	return nil
}

// visits has one person look at the home page again and again.
func (b *bench) visits(ctx context.Context, lasting time.Duration) (outcome, error) {
	return b.portal.put(ctx, load{workers: 1, lasting: lasting, want: 200, next: func(int) []byte {
		session := b.large.sessions[int(b.next.Add(1))%len(b.large.sessions)]
		return request(b.portal.base.Host, "GET", "/", cookie(session), "")
	}})
}

func (b *bench) visitsUnderLoad(ctx context.Context, lasting time.Duration) (o outcome, err error) {
	crowded := make(chan error, 1)
	go func() {
		l := b.signInLoad(b.portal, portal.TwoFactorNone, true, crowd, lasting+time.Second)
		l.also = 503
		_, err := b.portal.put(ctx, l)
		crowded <- err
	}()
	o, err = b.visits(ctx, lasting)
	return o, errors.Join(err, <-crowded)
}

func lateOf(o outcome) float64 { return float64(quantile(o.latency, 0.99).Nanoseconds()) / 1000 }
