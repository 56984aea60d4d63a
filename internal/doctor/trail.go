package doctor

import (
	"context"
	"fmt"
	"strings"

	"portal"
	"portal/internal/audit"
)

// mostTrails are named; after them it is enough.
const mostTrails = 20

// audit verifies every trail: each customer's, and the installation's own.
func (h *House) audit(ctx context.Context, r *Report) error {
	if h.ring == nil {
		r.Found(NotLooked, "not looked at, because there is no key ring that fits")
		return nil
	}
	customers, err := h.data.Customers(ctx)
	if err != nil {
		return err
	}
	service := audit.New(audit.Config{Store: h.data, Ring: h.ring, Now: h.Now, Limits: h.Limits, Log: h.Log})
	var late []string
	var events, broken int64
	for _, customer := range append(customers, portal.Customer{ID: portal.NoCustomer, Name: "(installation)"}) {
		actor := h.Actor
		actor.CustomerID, actor.CustomerName = customer.ID, customer.Name
		report, err := service.Verify(ctx, actor)
		if err != nil {
			return fmt.Errorf("the trail of %s: %w", customer.Name, err)
		}
		events += report.Events
		wrong, isLate := sorted(report.Findings)
		if isLate {
			late = append(late, customer.Name)
		}
		if len(wrong) == 0 {
			continue
		}
		if broken++; broken <= mostTrails {
			r.Found(AuditBroken, "the trail of %s is not as the portal wrote it; things that are wrong: %d, the first: %s", customer.Name, len(wrong), wrong[0])
		}
	}
	trailsInShort(r, late, events, broken)
	return nil
}

func trailsInShort(r *Report, late []string, events, broken int64) {
	if broken > mostTrails {
		r.Found(AuditBroken, "and %d more trails", broken-mostTrails)
	}
	if len(late) > 0 {
		r.Found(AuditLate, "events wait for their seal in %d trails (%s)", len(late), strings.Join(late[:min(named, len(late))], ", "))
	}
	r.Fine("%d events are as the portal wrote them", events)
}

// sorted parts what is wrong from what is merely late.
func sorted(all []audit.Finding) (wrong []audit.Finding, late bool) {
	for _, f := range all {
		if f.Late {
			late = true
			continue
		}
		wrong = append(wrong, f)
	}
	return wrong, late
}
