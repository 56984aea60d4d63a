package main

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"time"

	"portal"
)

// asks is how often a page of the list is asked for in a round.
const asks = 40

// lists compares the user list of a large customer with that of a small one,
// and both with the bare query.
func (b *bench) lists(ctx context.Context) error {
	first := map[string][]outcome{}
	for _, page := range b.listPages() {
		samples, err := interleave(ctx, b.rounds,
			b.ask("large", b.portal, b.large, page.large), b.ask("small", b.smallPortal, b.small, page.small),
			b.ask("floor", b.floor, b.large, page.large))
		if err != nil {
			return fmt.Errorf("%s: %w", page.name, err)
		}
		if page.name == "first page" {
			first = samples
		}
		large := of(samples["large"], medianOf)
		small, floor := of(samples["small"], medianOf), of(samples["floor"], medianOf)
		b.report.versus(page.name, fmt.Sprintf("the same with %d users", smallSize().users), "p50 µs", large, small, atMost(1.5))
		b.report.versus(page.name, "bare handler, same "+b.engine+" reads and template", "p50 µs", large, floor, page.aim)
		b.report.versus(page.name, "bare handler, same "+b.engine+" reads and template", "CPU µs", of(samples["large"], cpuOf), of(samples["floor"], cpuOf), aim{})
		if page.name == "deep page" {
			b.report.versus("deep page", "first page", "p50 µs", large, of(first["large"], medianOf), atMost(1.2))
		}
	}
	return nil
}

// askedPage is a page with its addresses in the large and in the small house.
type askedPage struct {
	name, large, small string
	aim                aim
}

func (b *bench) listPages() []askedPage {
	of := func(name string, large, small url.Values, most float64) askedPage {
		const path = "/administration/access?"
		return askedPage{name, path + large.Encode(), path + small.Encode(), atMost(most)}
	}
	pages := []askedPage{
		of("first page", url.Values{}, url.Values{}, 2),
		of("deep page", url.Values{"after": {string(b.large.deep(0.9))}}, url.Values{"after": {string(b.small.deep(0.9))}}, 2),
	}
	for _, state := range []portal.TwoFactorState{portal.TwoFactorEnabled, portal.TwoFactorDisabled, portal.TwoFactorNone} {
		v := url.Values{"state": {string(state)}}
		pages = append(pages, of("filter "+string(state), v, v, 3))
	}
	common := url.Values{"search": {"ma"}}
	both := url.Values{"search": {"ma"}, "state": {string(portal.TwoFactorEnabled)}}
	return append(pages,
		of("search ma", common, common, 3), of("search ma, filter enabled", both, both, 3),
		of("search one login ID", b.large.loginOf(0.5), b.small.loginOf(0.5), 3))
}

func (h *house) loginOf(share float64) url.Values {
	return url.Values{"search": {invent(customer, int(share*float64(h.users))).LoginID}}
}

// ask asks a server for one page of the administration, one request after the
// other.
func (b *bench) ask(name string, c *child, h *house, path string) side {
	bytes := request(c.base.Host, "GET", path, cookie(h.administrator), "")
	return side{name, func(ctx context.Context, _ int) (outcome, error) {
		left := asks
		return c.put(ctx, load{workers: 1, lasting: time.Minute, want: 200, next: func(int) []byte {
			if left--; left < 0 {
				return nil
			}
			return bytes
		}})
	}}
}

// starts measures how long a server takes to its first answer, and its memory
// then.
func (b *bench) starts(ctx context.Context) error {
	var idle []float64
	program := func(name string, run func(context.Context) (*child, error)) side {
		return side{name, func(ctx context.Context, _ int) (o outcome, err error) {
			begin := time.Now()
			c, err := run(ctx)
			if err != nil {
				return o, err
			}
			defer c.stop() //nolint:errcheck // its figures are taken
			if _, err := c.put(ctx, load{workers: 1, lasting: time.Minute, want: 200, next: once(request(c.base.Host, "GET", "/sign-in", "", ""))}); err != nil {
				return o, err
			}
			o.latency = []time.Duration{time.Since(begin)}
			rss, err := c.memory("VmRSS")
			if name == "portal" {
				idle = append(idle, rss)
			}
			return o, err
		}}
	}
	samples, err := interleave(ctx, b.rounds,
		program("portal", func(ctx context.Context) (*child, error) { return b.startPortal(ctx, b.large) }),
		program("floor", func(ctx context.Context) (*child, error) { return b.startFloor(ctx) }))
	if err != nil {
		return err
	}
	b.report.versus("start to the first 200", "bare server on the store", "µs", of(samples["portal"], medianOf), of(samples["floor"], medianOf), aim{})
	b.report.alone("start to the first 200", "ms", of(samples["portal"], func(o outcome) float64 { return medianOf(o) / 1000 }), atMost(50))
	b.report.alone("memory after the first 200", "MiB", idle, atMost(30))
	return b.programSize()
}

func once(bytes []byte) func(int) []byte {
	return func(int) []byte {
		defer func() { bytes = nil }()
		return bytes
	}
}

// programSize is the shipped program on disk.
func (b *bench) programSize() error {
	info, err := os.Stat(b.program)
	if err != nil {
		return err
	}
	b.report.alone("stripped program", "MB", []float64{float64(info.Size()) / 1e6}, atMost(28))
	return nil
}
