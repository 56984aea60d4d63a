package main

import (
	"context"
	"errors"
	"slices"
)

// nodes compares two nodes with one, under the same number of visitors.
func (b *bench) nodes(ctx context.Context) error {
	second, err := b.startPortal(ctx, b.large)
	if err != nil {
		return err
	}
	const workers = 32
	one := b.get("one", b.portal, "/account", true, workers)
	samples, err := interleave(ctx, b.rounds, one, side{"two", func(ctx context.Context, round int) (outcome, error) {
		return atOnce(ctx, round, b.get("first", b.portal, "/account", true, workers/2), b.get("second", second, "/account", true, workers/2))
	}})
	if err := errors.Join(err, second.stop()); err != nil {
		return err
	}
	b.report.versus("account, c=32, over two nodes", "one node", "req/s", of(samples["two"], rateOf), of(samples["one"], rateOf), atLeast(1.8))
	return nil
}

// atOnce runs two sides at the same time and adds what they did.
func atOnce(ctx context.Context, round int, one, other side) (outcome, error) {
	type result struct {
		outcome
		err error
	}
	done := make(chan result, 1)
	go func() {
		o, err := other.sample(ctx, round)
		done <- result{o, err}
	}()
	first, err := one.sample(ctx, round)
	second := <-done
	latency := append(first.latency, second.latency...)
	slices.Sort(latency)
	return outcome{rate: first.rate + second.rate, cpu: (first.cpu + second.cpu) / 2, latency: latency}, errors.Join(err, second.err)
}
