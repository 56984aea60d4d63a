package auth

import (
	"context"

	"portal"
	"portal/internal/store"
)

// exportsPerHour is how often one administrator may export the audit trail:
// an export reads more than any page does (IN-03).
const exportsPerHour = 20

// ChargeExport counts an export of the audit trail; the host is free.
func (s *Service) ChargeExport(ctx context.Context, actor portal.Actor) error {
	if actor.Kind == portal.ActorHost {
		return nil
	}
	c, err := s.chargeAll(ctx, store.Budget{Bucket: "export/" + string(actor.UserID), Limit: exportsPerHour, Window: hour})
	return s.noteLimit(ctx, err, c, actor.CustomerID, actor.WasRefused(portal.AuditExported, limitReached))
}
