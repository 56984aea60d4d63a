package main

import (
	"context"
	"fmt"
)

// pageRow is a page and what stands beside it.
type pageRow struct {
	name, path, beside, floor string
	signedIn                  bool
	rate, cpu                 aim
}

func (b *bench) pageRows() []pageRow {
	same := "bare handler, same " + b.engine + " read"
	filled := same + "s and template"
	return []pageRow{
		{"home", "/", same + ", 6 bytes", "/small", true, aim{}, aim{}},
		{"home", "/", filled, "/", true, atLeast(0.85), atMost(1.25)},
		{"account", "/account", filled, "/account", true, atLeast(0.85), atMost(1.25)},
		{"sign-in page", "/sign-in", "bare handler, same template", "/sign-in", false, atLeast(0.8), aim{}},
	}
}

// pages compares pages with servers that read the same and fill the same
// templates.
func (b *bench) pages(ctx context.Context) error {
	for _, p := range b.pageRows() {
		for _, workers := range []int{1, 16, 64} {
			samples, err := interleave(ctx, b.rounds,
				b.get("portal", b.portal, p.path, p.signedIn, workers), b.get("floor", b.floor, p.floor, p.signedIn, workers))
			if err != nil {
				return err
			}
			what := fmt.Sprintf("%s, c=%d", p.name, workers)
			b.report.versus(what, p.beside, "req/s", of(samples["portal"], rateOf), of(samples["floor"], rateOf), p.rate)
			b.report.versus(what, p.beside, "CPU µs", of(samples["portal"], cpuOf), of(samples["floor"], cpuOf), p.cpu)
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
