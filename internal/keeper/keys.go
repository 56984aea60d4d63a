package keeper

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"portal"
	"portal/internal/seal"
	"portal/internal/store"
)

const (
	// settled is how long after a change of keys something that was under way
	// may still be written under the old one; far longer than any request.
	settled = 5 * time.Minute
	// patience is how often to look whether what is waited for has come.
	patience = 200 * time.Millisecond
	// ringLease is how long a change of the ring file may take at most.
	ringLease = 10 * time.Second

	ringJob   = "key ring file"
	resealJob = "re-seal" // its mark is 1 while values wait under older keys
)

// KeysConfig is what the host's work on keys stands on.
type KeysConfig struct {
	Store    *store.Store
	Ring     *seal.Ring
	RingFile string
	Now      portal.Clock
	// Tell says how far it is.
	Tell func(format string, args ...any)
	// ID names this process among those that change keys.
	ID string
}

// Keys are the use cases of the host on the key ring. Each may be cut off at
// any moment and run again, and by two at once.
type Keys struct{ KeysConfig }

// NewKeys makes them. The ring has been checked.
func NewKeys(c KeysConfig) *Keys { return &Keys{c} }

// mayChange holds that the actor may change keys, and that this machine's clock
// is right: it dates what is changed, and other hosts go by that.
func (k *Keys) mayChange(ctx context.Context, actor portal.Actor) error {
	if err := actor.Can(portal.RotateKeys); err != nil {
		return err
	}
	if err := Clock(ctx, k.Store); err != nil {
		return fmt.Errorf("no key was changed: %w, then run the command again", err)
	}
	return nil
}

// Add puts a new key at hand, without writing with it yet: where each node has
// a ring file of its own, the new one is copied to all before Rotate. A key
// that waits already is the new one.
func (k *Keys) Add(ctx context.Context, actor portal.Actor) (id string, err error) {
	if err := k.mayChange(ctx, actor); err != nil {
		return "", err
	}
	err = k.edit(ctx, func(ring *seal.Ring) (*seal.Ring, error) {
		known, err := k.Store.Keys(ctx)
		if err != nil {
			return nil, err
		}
		if id = waiting(ring, known); id != "" {
			return ring, nil
		}
		grown := ring.Grown(k.Now())
		id = waiting(grown, known)
		return grown, k.record(ctx, actor, "key "+id+" added")
	})
	return id, err
}

// waiting is the first key that came after the write key and that the database
// does not know yet; "" where there is none.
func waiting(ring *seal.Ring, known []store.KeyCheck) string {
	after := false
	for _, key := range ring.Keys() {
		if after && !isKnown(known, key.ID) {
			return key.ID
		}
		after = after || key.Writes
	}
	return ""
}

func isKnown(known []store.KeyCheck, id string) bool {
	return slices.ContainsFunc(known, func(k store.KeyCheck) bool { return k.ID == id })
}

// edit changes the ring file, one process at a time over all hosts.
func (k *Keys) edit(ctx context.Context, change func(*seal.Ring) (*seal.Ring, error)) error {
	if err := k.await(ctx, func() (string, error) {
		mine, err := k.Store.TakeLease(ctx, ringJob, k.ID, ringLease)
		if mine || err != nil {
			return "", err
		}
		return "Another command is changing the key ring file; waiting for it.", nil
	}); err != nil {
		return err
	}
	ring, err := seal.LoadRing(k.RingFile)
	if err == nil {
		err = CheckRing(ctx, k.Store, ring)
	}
	var changed *seal.Ring
	if err == nil {
		changed, err = change(ring)
	}
	if err == nil && changed != ring {
		err = changed.Replace(k.RingFile)
	}
	if err == nil {
		k.Ring.Adopt(changed)
	}
	return errors.Join(err, k.Store.EndLease(context.WithoutCancel(ctx), ringJob, k.ID, k.Now()))
}

// await asks again and again until there is nothing more to wait for, and says
// once what it waits for.
func (k *Keys) await(ctx context.Context, missing func() (string, error)) error {
	ticker := time.NewTicker(patience)
	defer ticker.Stop()
	for said := ""; ; {
		what, err := missing()
		if err != nil || what == "" {
			return err
		}
		if what != said {
			k.Tell("%s", what)
			said = what
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("stopped while waiting; nothing is lost, run the command again: %w", ctx.Err())
		case <-ticker.C:
		}
	}
}

// RotationUnfinished tells whether values wait under older keys, because a
// rotation is under way or was cut short.
func RotationUnfinished(ctx context.Context, data *store.Store) (bool, error) {
	mark, err := data.View(portal.NoCustomer).Mark(ctx, resealJob)
	return mark != 0, err
}

// Rotate brings everything under a new key while the nodes serve: the key is
// put at hand, all nodes have it, it writes, all nodes write with it, and what
// stands under older keys is sealed anew. Where an earlier rotation was cut
// short that one is brought to its end.
func (k *Keys) Rotate(ctx context.Context, actor portal.Actor) error {
	if err := k.mayChange(ctx, actor); err != nil {
		return err
	}
	unfinished, err := RotationUnfinished(ctx, k.Store)
	if err != nil {
		return err
	}
	if unfinished {
		k.Tell("An earlier rotation was cut short. Going on with it.")
		return k.reseal(ctx, actor)
	}
	id, err := k.Add(ctx, actor)
	if err != nil {
		return err
	}
	k.Tell("Key %s is at hand in %s.", id, k.RingFile)
	if err := k.change(ctx, actor, id); err != nil {
		return err
	}
	return k.reseal(ctx, actor)
}

// change makes a key the one that writes, once every running node has it.
func (k *Keys) change(ctx context.Context, actor portal.Actor, id string) error {
	err := k.await(ctx, func() (string, error) {
		lacking, err := k.nodes(ctx, func(n store.Node) bool { return !strings.Contains(n.Keys, " "+id+" ") })
		if lacking == "" || err != nil {
			return "", err
		}
		return fmt.Sprintf("Waiting until these nodes have key %s: %s. A node with a key ring file of its own needs a copy of %s; it reads it by itself.",
			id, lacking, k.RingFile), nil
	})
	if err != nil {
		return err
	}
	err = k.Store.Write(ctx, portal.NoCustomer, func(tx *store.Tx) error {
		known, err := tx.Keys(ctx)
		if err != nil {
			return err
		}
		if isKnown(known, id) {
			return tx.Record(ctx, actor.Did(portal.KeysRotated).With("key "+id+" writes already"))
		}
		if err := tx.PutKey(ctx, store.KeyCheck{ID: id, Value: k.Ring.CheckValue(id), Since: after(known, tx.Now)}); err != nil {
			return err
		}
		if err := tx.SetMark(ctx, resealJob, 1); err != nil {
			return err
		}
		return tx.Record(ctx, actor.Did(portal.KeysRotated).With("key "+id+" writes"))
	})
	if err == nil {
		k.Tell("Key %s writes now.", id)
	}
	return err
}

// after is now, or a moment after the newest key where this host's clock is
// behind that of the host which made it: the newest key writes.
func after(known []store.KeyCheck, now time.Time) time.Time {
	for _, key := range known {
		if !now.After(key.Since) {
			now = key.Since.Add(time.Microsecond)
		}
	}
	return now
}

// nodes names the running nodes of which something is so.
func (k *Keys) nodes(ctx context.Context, so func(store.Node) bool) (string, error) {
	all, err := k.Store.Nodes(ctx)
	var names []string
	for _, n := range all {
		if so(n) {
			names = append(names, n.Host+" ("+n.ID[:min(6, len(n.ID))]+")")
		}
	}
	return strings.Join(names, ", "), err
}

// reseal brings everything under the write key, once every running node writes
// with it.
func (k *Keys) reseal(ctx context.Context, actor portal.Actor) error {
	if err := CheckRing(ctx, k.Store, k.Ring); err != nil {
		return err
	}
	writes := k.Ring.WriteKeyID()
	err := k.await(ctx, func() (string, error) {
		behind, err := k.nodes(ctx, func(n store.Node) bool { return n.Writes != writes })
		if behind == "" || err != nil {
			return "", err
		}
		return fmt.Sprintf("Waiting until these nodes write with key %s: %s.", writes, behind), nil
	})
	if err != nil {
		return err
	}
	t, err := k.walk(ctx, true)
	if err != nil {
		return err
	}
	k.Tell("Sealed %d values anew under key %s.", t.resealed, writes)
	if t.unreadable > 0 {
		k.Tell("%d values cannot be read with any key of the ring. They were left as they are.", t.unreadable)
	}
	return k.Store.Write(ctx, portal.NoCustomer, func(tx *store.Tx) error {
		if err := tx.SetMark(ctx, resealJob, 0); err != nil {
			return err
		}
		what := fmt.Sprintf("%d values sealed anew under key %s, %d unreadable", t.resealed, writes, t.unreadable)
		return tx.Record(ctx, actor.Did(portal.KeysRotated).With(what))
	})
}

func (k *Keys) record(ctx context.Context, actor portal.Actor, what string) error {
	return k.Store.Write(ctx, portal.NoCustomer, func(tx *store.Tx) error {
		return tx.Record(ctx, actor.Did(portal.KeysRotated).With(what))
	})
}
