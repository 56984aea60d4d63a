package audit

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"portal"
	"portal/internal/store"
)

const (
	// batch is how many events one seal closes at most.
	batch = 1000
	// sealLease keeps nodes from sealing the same batch at once; it ends with
	// the work, and by itself where a node was killed.
	sealLease = "seal the audit trail"
	leaseLife = 10 * time.Second
	silence   = 10 * time.Minute
)

// Seal closes all events that stand in no seal yet, and brings chains under
// the newest key. It is done at every look of every node; where there is
// nothing to do it only reads.
func (s *Service) Seal(ctx context.Context, actor portal.Actor) error {
	if err := actor.Can(portal.KeepHouse); err != nil {
		return err
	}
	first, err := s.store.NextUnsealed(ctx, "")
	if err != nil {
		return err
	}
	old, err := s.store.ChainsUnderOtherKeys(ctx, s.ring.WriteKeyID(), batch)
	if err != nil || first == "" && len(old) == 0 {
		return err
	}
	mine, err := s.store.TakeLease(ctx, sealLease, s.holder, leaseLife)
	if err != nil || !mine {
		return err
	}
	err = s.tellOnce(errors.Join(s.sealFrom(ctx, first), s.mark(ctx, old)))
	return errors.Join(err, s.store.EndLease(context.WithoutCancel(ctx), sealLease, s.holder, s.now()))
}

// tellOnce keeps a broken chain, which is found at every look, from filling the
// log: it is told of every ten minutes.
func (s *Service) tellOnce(err error) error {
	now, last := s.now(), s.told.Load()
	if !errors.Is(err, errBroken) {
		return err
	}
	if last != nil && now.Sub(*last).Abs() < silence {
		return nil
	}
	s.told.Store(&now)
	return err
}

// sealFrom goes from customer to customer. One whose chain is broken does not
// hold up the others.
func (s *Service) sealFrom(ctx context.Context, customer portal.CustomerID) error {
	var broken []error
	after := int64(0)
	for customer != "" {
		last, more, err := s.sealOne(ctx, customer, after)
		switch {
		case errors.Is(err, store.ErrConflict): // another node was faster
		case errors.Is(err, errBroken):
			broken = append(broken, err)
		case err != nil:
			return errors.Join(append(broken, err)...)
		}
		if err == nil && more {
			after = last
			continue
		}
		after = 0
		if customer, err = s.store.NextUnsealed(ctx, customer); err != nil {
			return errors.Join(append(broken, err)...)
		}
	}
	return errors.Join(broken...)
}

// errBroken says that a chain cannot be gone on with.
var errBroken = errors.New("the audit chain is broken; run portal audit verify")

// sealOne closes one batch of a customer, from the event after an id on: what
// PostgreSQL still has of the batch before it would be slow to walk over. It
// returns where it got to, and whether the batch was full.
func (s *Service) sealOne(ctx context.Context, customer portal.CustomerID, after int64) (last int64, more bool, err error) {
	var made store.Seal
	err = s.store.WriteSeal(ctx, customer, func(tx *store.Tx) error {
		events, err := tx.UnsealedEvents(ctx, after, batch)
		if err != nil || len(events) == 0 {
			return err
		}
		more, last = len(events) == batch, events[len(events)-1].ID
		made, err = s.extend(ctx, tx, customer, events)
		return err
	})
	if err == nil && made.Number > 0 {
		// Wherever the log is kept, it is a witness that the database cannot change.
		s.log.InfoContext(ctx, "events sealed", "customer_id", string(customer), "seal", made.Number, "hash", hex.EncodeToString(made.Hash))
	}
	return last, more, err
}

// extend adds a seal to the customer's chain, unless the chain's end is not
// what this portal wrote down.
func (s *Service) extend(ctx context.Context, tx *store.Tx, customer portal.CustomerID, events []portal.Event) (store.Seal, error) {
	chain, err := s.end(ctx, tx.View, customer)
	if err != nil {
		return store.Seal{}, err
	}
	made := store.Seal{
		Number: chain.Number + 1, First: events[0].ID, Last: events[len(events)-1].ID,
		Previous: chain.Hash, SealedAt: tx.Now,
	}
	entries := make([]entry, len(events))
	for i, e := range events {
		entries[i] = entryOf(e)
	}
	made.Entries = pack(entries)
	made.Hash = hashOf(customer, made)
	if err := tx.PutSeal(ctx, made); err != nil {
		return store.Seal{}, err
	}
	chain.Number, chain.Hash = made.Number, made.Hash
	if err := s.putChain(ctx, tx, customer, chain); err != nil {
		return store.Seal{}, err
	}
	closed, err := tx.Sealed(ctx, made.First-1, made.Last)
	if err == nil && closed != int64(len(events)) {
		err = fmt.Errorf("%d events were sealed and %d taken out: %w", len(events), closed, errBroken)
	}
	return made, err
}

func (s *Service) putChain(ctx context.Context, tx *store.Tx, customer portal.CustomerID, chain store.Chain) error {
	chain.KeyID, chain.Mark = s.ring.MarkChain(ends(customer, chain)...)
	return tx.PutChain(ctx, chain)
}

// end reads where the customer's chain ends and holds that its mark is ours.
func (s *Service) end(ctx context.Context, view store.View, customer portal.CustomerID) (store.Chain, error) {
	chain, err := view.Chain(ctx)
	if errors.Is(err, store.ErrNotFound) {
		gone, err := s.gone(ctx, view)
		if err == nil && gone {
			err = fmt.Errorf("customer %s: the end of the chain is gone: %w", customer, errBroken)
		}
		return store.Chain{Hash: []byte{}}, err
	}
	if err != nil {
		return chain, err
	}
	if holds, _ := s.ring.ChainMarkHolds(chain.KeyID, chain.Mark, ends(customer, chain)...); !holds {
		return chain, fmt.Errorf("customer %s: the end of the chain is not what this portal wrote: %w", customer, errBroken)
	}
	return chain, nil
}

// gone tells of a chain that is not there whether it was taken away.
func (s *Service) gone(ctx context.Context, view store.View) (bool, error) {
	if s.ring.ChainsBegun() {
		return true, nil
	}
	seals, err := view.Seals(ctx, 0, 1)
	return len(seals) > 0, err
}

// mark brings the ends of chains under the newest key, so that an older one
// can be given up.
func (s *Service) mark(ctx context.Context, customers []portal.CustomerID) error {
	var all []error
	for _, customer := range customers {
		all = append(all, s.store.WriteSeal(ctx, customer, func(tx *store.Tx) error {
			chain, err := s.end(ctx, tx.View, customer)
			if err != nil {
				return err
			}
			return s.putChain(ctx, tx, customer, chain)
		}))
	}
	return errors.Join(all...)
}
