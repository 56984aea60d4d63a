package audit

import (
	"context"

	"portal"
	"portal/internal/seal"
	"portal/internal/store"
)

// Begin begins the chain of a customer, in the transaction that adds it: a
// chain that is not there was taken away, and none is begun in its place.
func Begin(ctx context.Context, tx *store.Tx, ring *seal.Ring, customer portal.CustomerID) error {
	chain := store.Chain{Hash: []byte{}}
	chain.KeyID, chain.Mark = ring.MarkChain(ends(customer, chain)...)
	return tx.BeginChain(ctx, chain)
}

// BeginOlder begins the chains of customers whom an older program has added,
// for as long as no key of the ring says that all chains are begun.
func BeginOlder(ctx context.Context, data *store.Store, ring *seal.Ring) error {
	for !ring.ChainsBegun() {
		customers, err := data.Unchained(ctx, batch)
		if err != nil || len(customers) == 0 {
			return err
		}
		for _, customer := range customers {
			const why = "that a chain is empty is no change that anybody made"
			err := data.WriteUnaudited(ctx, customer, why, func(tx *store.Tx) error { return Begin(ctx, tx, ring, customer) })
			if err != nil {
				return err
			}
		}
	}
	return nil
}
