package main

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"portal"
)

// trails compares pages of the audit trail of a large customer with those of a
// small one.
func (b *bench) trails(ctx context.Context) error {
	beside := fmt.Sprintf("the same with %d events", smallSize().events)
	for _, page := range b.trailPages() {
		samples, err := interleave(ctx, b.rounds, b.ask("large", b.portal, b.large, page.large), b.ask("small", b.smallPortal, b.small, page.small))
		if err != nil {
			return fmt.Errorf("%s: %w", page.name, err)
		}
		b.report.versus(page.name, beside, "p50 µs", of(samples["large"], medianOf), of(samples["small"], medianOf), page.aim)
	}
	return nil
}

func (b *bench) trailPages() []askedPage {
	const path = "/administration/audit"
	day := func(h *house, back time.Duration) string { return h.now.Add(-back).UTC().Format(time.DateOnly) }
	person := func(h *house) url.Values { return url.Values{"person": {invent(customer, h.users/2).LoginID}} }
	kind := url.Values{"kind": {string(portal.SetupDeleted)}}
	of := func(name string, q func(*house) url.Values) askedPage {
		return askedPage{name, path + "?" + q(b.large).Encode(), path + "?" + q(b.small).Encode(), atMost(1.5)}
	}
	return []askedPage{
		of("newest events", func(*house) url.Values { return url.Values{} }),
		of("a deep page", func(h *house) url.Values { return url.Values{"before": {fmt.Sprint(h.events / 10)}} }),
		of("of a rare kind", func(*house) url.Values { return kind }),
		of("of a person", person),
		of("until a day a year ago", func(h *house) url.Values { return url.Values{"until": {day(h, span/2)}} }),
		of("of a rare kind, a year ago", func(h *house) url.Values {
			return url.Values{"kind": kind["kind"], "from": {day(h, span*3/4)}, "until": {day(h, span/2)}}
		}),
	}
}
