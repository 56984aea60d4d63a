package audit

import (
	"context"
	"errors"
	"fmt"
	"time"

	"portal"
	"portal/internal/store"
)

// pruneSeals is how many seals one transaction prunes at most, with their
// events: it holds up writers on SQLite.
const pruneSeals = 20

// Prune takes away the events of the actor's customer whose seals were made
// before a time: whole seals from the beginning, and only where they verify.
// Where the chain now begins is written down under the key ring, so that what
// is left verifies as before. It returns how many events are gone.
func (s *Service) Prune(ctx context.Context, actor portal.Actor, before time.Time) (int64, error) {
	right := portal.KeepAudit
	if actor.Kind == portal.ActorPortal {
		right = portal.KeepHouse
	}
	if err := actor.Can(right); err != nil {
		return 0, err
	}
	if !s.store.OwnsSchema() {
		return 0, errors.New("this database role may only add to the audit trail; run portal audit prune with the role that owns the database")
	}
	total := int64(0)
	for {
		gone, err := s.pruneStep(ctx, actor, before)
		total += gone
		if err != nil || gone == 0 {
			return total, err
		}
	}
}

// PruneDue prunes everybody's events that are past their time, as a job. It
// goes by whole months, so that a quiet trail is not written to every day; and
// it leaves the work to the host's command where this role may not do it.
func (s *Service) PruneDue(ctx context.Context, actor portal.Actor) error {
	if err := actor.Can(portal.KeepHouse); err != nil || !s.store.OwnsSchema() {
		return err
	}
	customers, err := s.store.Customers(ctx)
	if err != nil {
		return err
	}
	var all []error
	for _, c := range append(customers, portal.Customer{ID: portal.NoCustomer}) {
		actor.CustomerID = c.ID
		_, err := s.Prune(ctx, actor, s.Due())
		all = append(all, err)
	}
	return errors.Join(all...)
}

// Due is the time before which events are past theirs: the beginning of a
// month.
func (s *Service) Due() time.Time {
	year, month, _ := s.now().UTC().Add(-s.limits.Audit).Date()
	return time.Date(year, month, 1, 0, 0, 0, 0, time.UTC)
}

// pruneStep takes away a few seals and their events, in one transaction.
func (s *Service) pruneStep(ctx context.Context, actor portal.Actor, before time.Time) (gone int64, err error) {
	const why = "what prunes nothing leaves no event; what does, leaves one"
	err = s.store.WriteUnaudited(ctx, actor.CustomerID, why, func(tx *store.Tx) error {
		gone = 0
		chain, err := s.end(ctx, tx.View, actor.CustomerID)
		if err != nil {
			return err
		}
		last, through, err := s.cut(ctx, tx, chain.PrunedNumber, before)
		if err != nil || last.Number == 0 {
			return err
		}
		if gone, err = s.whole(ctx, tx.View, actor.CustomerID, last.Number); err != nil {
			return err
		}
		chain.PrunedNumber, chain.PrunedThrough, chain.PrunedHash = last.Number, through, last.Hash
		chain.KeyID, chain.Mark = s.ring.MarkChain(ends(actor.CustomerID, chain)...)
		if err := tx.Prune(ctx, chain, gone); err != nil {
			return err
		}
		return tx.Record(ctx, actor.Did(portal.AuditPruned).With(fmt.Sprintf("%d events before %s, through seal %d", gone, before.Format(time.DateOnly), last.Number)))
	})
	if err != nil {
		return 0, err
	}
	return gone, nil
}

// cut finds the last of a few seals that are old enough, such that no event of
// a later seal, or of none, has a lower id than one before the cut: what is
// below the highest id may then go as a whole. The zero Seal means none.
func (s *Service) cut(ctx context.Context, tx *store.Tx, after int64, before time.Time) (last store.Seal, through int64, err error) {
	seals, err := tx.Seals(ctx, after, pruneSeals)
	highest := int64(0)
	for _, candidate := range seals {
		if !candidate.SealedAt.Before(before) {
			break
		}
		highest = max(highest, candidate.Last)
		late, err := tx.AnyLate(ctx, candidate.Number, highest)
		if err != nil {
			return last, through, err
		}
		if !late {
			last, through = candidate, highest
		}
	}
	return last, through, err
}

// whole verifies the events up to a seal, and counts them.
func (s *Service) whole(ctx context.Context, view store.View, customer portal.CustomerID, through int64) (int64, error) {
	w := &walk{Service: s, view: view, customer: customer, loose: map[int64]string{}}
	err := w.begin(ctx)
	if err == nil {
		err = w.seals(ctx, func(s store.Seal) bool { return s.Number > through })
	}
	if errors.Is(err, errEnough) || err == nil && (len(w.report.Findings) > 0 || len(w.loose) > 0) {
		err = fmt.Errorf("customer %s: nothing was pruned: %w", customer, errBroken)
	}
	return w.report.Events, err
}
