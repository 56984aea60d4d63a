package main

import (
	"context"
	"fmt"
)

// pages compares pages with servers that read the same and write the same.
func (b *bench) pages(ctx context.Context) error {
	for _, p := range []struct {
		path, floor, name string
		signedIn          bool
		rate, cpu         aim
	}{
		{"/", "/small", "home, floor answers hello", true, aim{}, aim{}},
		{"/", "/", "home, same bytes", true, atLeast(0.85), atMost(1.25)},
		{"/account", "/account", "account, same queries and bytes", true, atLeast(0.85), atMost(1.25)},
		{"/sign-in", "/sign-in", "sign-in page, same bytes", false, atLeast(0.8), aim{}},
	} {
		for _, workers := range []int{1, 16, 64} {
			samples, err := interleave(ctx, b.rounds,
				b.get("portal", b.portal, p.path, p.signedIn, workers), b.get("floor", b.floor, p.floor, p.signedIn, workers))
			if err != nil {
				return err
			}
			what := fmt.Sprintf("%s, c=%d", p.name, workers)
			b.report.versus(what, "req/s", of(samples["portal"], rateOf), of(samples["floor"], rateOf), p.rate)
			b.report.versus(what, "CPU µs", of(samples["portal"], cpuOf), of(samples["floor"], cpuOf), p.cpu)
		}
	}
	rss, err := b.portal.memory("VmRSS")
	b.report.alone("memory after the load of pages", "MiB", []float64{rss}, atMost(64))
	return err
}

// get asks a server for one page, with all sessions in rotation.
func (b *bench) get(name string, c *child, path string, signedIn bool, workers int) side {
	return side{name, func(ctx context.Context, _ int) (outcome, error) {
		return c.put(ctx, load{workers: workers, lasting: b.sample, want: 200, next: func(int) []byte {
			token := ""
			if signedIn {
				token = b.large.sessions[b.next.Add(1)%int64(len(b.large.sessions))]
			}
			return request(c.base.Host, "GET", path, cookie(token), "")
		}})
	}}
}
