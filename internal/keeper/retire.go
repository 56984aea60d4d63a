package keeper

import (
	"context"
	"slices"
	"time"

	"portal"
	"portal/internal/seal"
	"portal/internal/store"
)

// KeyState is what the host sees of a key.
type KeyState struct {
	seal.KeyInfo
	Since    time.Time // when it began to write; zero where it never did
	Sealed   int64     // values that stand under it
	HoldCode int64     // users whose recovery codes were made with it
}

// List describes the keys at hand, oldest first, and what hangs on each.
func (k *Keys) List(ctx context.Context, actor portal.Actor) ([]KeyState, error) {
	if err := actor.Can(portal.RotateKeys); err != nil {
		return nil, err
	}
	known, err := k.Store.Keys(ctx)
	if err != nil {
		return nil, err
	}
	t, err := k.walk(ctx, false)
	if err != nil {
		return nil, err
	}
	var all []KeyState
	for _, info := range k.Ring.Keys() {
		state := KeyState{KeyInfo: info, Sealed: t.under[info.ID]}
		if i := slices.IndexFunc(known, func(c store.KeyCheck) bool { return c.ID == info.ID }); i >= 0 {
			state.Since = known[i].Since
		}
		if state.HoldCode, err = k.codes(ctx, known, info.ID); err != nil {
			return nil, err
		}
		all = append(all, state)
	}
	return all, nil
}

// codes counts who has recovery codes of a key; codes that know no key are the
// first one's.
func (k *Keys) codes(ctx context.Context, known []store.KeyCheck, id string) (int64, error) {
	n, err := k.holders(ctx, id)
	if err != nil || len(known) == 0 || known[0].ID != id {
		return n, err
	}
	older, err := k.holders(ctx, "")
	return n + older, err
}

// Retire takes an old key out of the ring once nothing hangs on it any more.
func (k *Keys) Retire(ctx context.Context, actor portal.Actor, id string) error {
	if err := k.mayChange(ctx, actor); err != nil {
		return err
	}
	known, err := k.Store.Keys(ctx)
	if err != nil {
		return err
	}
	if k.Ring.CheckValue(id) == nil {
		return portal.Conflict("The key ring has no key %s. See portal key list.", id)
	}
	if isKnown(known, id) {
		if err := k.mayRetire(ctx, known, id); err != nil {
			return err
		}
	}
	if err := k.forget(ctx, actor, id); err != nil {
		return err
	}
	return k.edit(ctx, func(ring *seal.Ring) (*seal.Ring, error) { return ring.Without(id), nil })
}

// mayRetire says what stands against it. Stragglers, written by what was under
// way when the keys changed, are sealed anew on the way.
func (k *Keys) mayRetire(ctx context.Context, known []store.KeyCheck, id string) error {
	writes := known[len(known)-1]
	if writes.ID == id {
		return portal.Conflict("Key %s is the one that writes. Run portal key rotate first.", id)
	}
	if k.Now().Before(writes.Since.Add(settled)) {
		return portal.Conflict("Key %s began to write less than five minutes ago, and what was under way may still be written under the old one. Try again in a moment.", writes.ID)
	}
	behind, err := k.nodes(ctx, func(n store.Node) bool { return n.Writes == id })
	if err != nil {
		return err
	}
	if behind != "" {
		return portal.Conflict("These nodes still write with key %s: %s. See their log.", id, behind)
	}
	return k.unused(ctx, known, id)
}

func (k *Keys) unused(ctx context.Context, known []store.KeyCheck, id string) error {
	t, err := k.walk(ctx, true)
	if err != nil {
		return err
	}
	if t.under[id] > 0 {
		return portal.Conflict("%d values stand under key %s and cannot be read. Without the key they would be lost for good, so that it stays.", t.under[id], id)
	}
	marks, err := k.Store.AnyChainUnder(ctx, id)
	if err != nil {
		return err
	}
	if marks {
		return portal.Conflict("The ends of audit chains are still marked with key %s. A running portal marks them anew, a little at a time. Try again in a moment.", id)
	}
	holders, err := k.codes(ctx, known, id)
	if err == nil && holders > 0 {
		err = portal.Conflict("Recovery codes still hang on key %s (accounts: %d). They leave it when their owners make new ones (Account, Recovery codes). Until then the key stays; it only reads, and does no harm.", id, holders)
	}
	return err
}

func (k *Keys) forget(ctx context.Context, actor portal.Actor, id string) error {
	return k.Store.Write(ctx, portal.NoCustomer, func(tx *store.Tx) error {
		if _, err := tx.ForgetKey(ctx, id); err != nil {
			return err
		}
		return tx.Record(ctx, actor.Did(portal.KeysRotated).With("key "+id+" retired"))
	})
}
