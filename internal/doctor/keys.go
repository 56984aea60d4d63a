package doctor

import (
	"context"
	"errors"
	"strings"
	"time"

	"portal/internal/keeper"
	"portal/internal/seal"
	"portal/internal/store"
)

const (
	// opening is how long the database may take to answer at first.
	opening = 15 * time.Second
	// manyKeys only read, and somebody has forgotten to retire them.
	manyKeys = 3
	// tardy is how long after its time a job counts as late.
	tardy = 10 * time.Minute
)

// keys holds the key ring against its file's mode and against the data.
func (h *House) keys(ctx context.Context, r *Report) error {
	ring, err := h.readRing(ctx, r)
	switch {
	case ring == nil:
		return err
	case h.data == nil:
		r.Found(NotLooked, "%d keys; whether they fit is not looked at, because the database is closed or its schema is not this program's", len(ring.KeyIDs()))
		return nil
	}
	switch err = keeper.CheckRing(ctx, h.data, ring); {
	case errors.Is(err, store.ErrKeyMissing):
		r.Found(RingLacks, "%v", err)
		return nil
	case errors.Is(err, store.ErrKeyWrong):
		r.Found(RingWrong, "%v", err)
		return nil
	case err != nil:
		return err
	}
	h.ring = ring
	return h.keyWork(ctx, r)
}

// readRing reads the ring's file and says what is wrong with it.
func (h *House) readRing(ctx context.Context, r *Report) (*seal.Ring, error) {
	if h.missing {
		r.Found(NotLooked, "not looked at, because there is no data folder")
		return nil, nil
	}
	ring, err := seal.LoadRing(h.RingFile)
	switch {
	case errors.Is(err, seal.ErrNoRing):
		return nil, h.noRing(ctx, r, err)
	case errors.Is(err, seal.ErrFileMode):
		r.Found(RingOpen, "%v", err)
	case errors.Is(err, seal.ErrRingMalformed):
		r.Found(RingDamaged, "%v", err)
	case err != nil:
		r.Found(FileUnreadable, "%v", err)
	}
	return ring, nil
}

// noRing tells a ring that is lost from one that is not made yet.
func (h *House) noRing(ctx context.Context, r *Report, missing error) error {
	switch {
	case h.unmade:
		r.Found(RingUnmade, "nothing was written with a key yet")
		return nil
	case h.opened == nil:
		r.Found(NotLooked, "it is not there; whether one was made yet is not looked at, because the database is closed")
		return nil
	case h.data == nil: // a portal has written there
		r.Found(RingMissing, "%v", missing)
		return nil
	}
	known, err := h.data.Keys(ctx)
	switch {
	case err != nil:
		return err
	case len(known) == 0:
		r.Found(RingUnmade, "nothing was written with a key yet")
	default:
		r.Found(RingMissing, "%v", missing)
	}
	return nil
}

// keyWork says what is left to do about the keys.
func (h *House) keyWork(ctx context.Context, r *Report) error {
	n := len(h.ring.KeyIDs())
	if n-1 > manyKeys {
		r.Found(RingOld, "%d keys only read", n-1)
	}
	if !h.ring.ChainsBegun() {
		r.Found(RingOlder, "all keys were made by older programs, which did not begin an audit chain with its customer")
	}
	unfinished, err := keeper.RotationUnfinished(ctx, h.data)
	if unfinished {
		r.Found(RotationStuck, "a rotation of keys was cut short, or is under way")
	}
	r.Fine("%d of %d keys fit the data", n, n)
	return err
}

// clock holds this machine's clock against the database's, and against what
// has been written.
func (h *House) clock(ctx context.Context, r *Report) error {
	skew, err := h.data.Skew(ctx)
	if err != nil {
		return err
	}
	switch off := skew.Abs(); {
	case off > keeper.SkewLimit:
		r.Found(ClockWrong, "this machine is %s ahead of the database (negative: behind)", skew.Round(time.Millisecond))
		return nil
	case off > keeper.SkewAlarm:
		r.Found(ClockOff, "this machine is %s ahead of the database (negative: behind)", skew.Round(time.Millisecond))
		return nil
	}
	newest, err := h.data.Newest(ctx)
	if ahead := newest.At.Sub(h.Now()); ahead > keeper.SkewLimit {
		r.Found(ClockBehind, "the newest event was written %s from now", ahead.Round(time.Second))
	}
	r.Fine("%s ahead of the database (negative: behind)", skew.Round(time.Millisecond))
	return err
}

// nodes looks at the portals that run on these data.
func (h *House) nodes(ctx context.Context, r *Report) error {
	nodes, err := h.data.Nodes(ctx)
	if err != nil {
		return err
	}
	known, err := h.data.Keys(ctx)
	if err != nil {
		return err
	}
	h.running = len(nodes) > 0
	if !h.running {
		r.Found(NodesNone, "no portal runs on these data")
		return nil
	}
	hosts := map[string]bool{}
	for _, n := range nodes {
		hosts[n.Host] = true
		if lacks(n, known) {
			r.Found(NodeKeys, "the portal on %s has not all keys at hand, or writes with an old one", n.Host)
		}
	}
	if len(hosts) > 1 && !h.data.HasRoles() {
		r.Found(NodesOnSQLite, "portals on %d machines use this SQLite file", len(hosts))
	}
	r.Fine("portals that run: %d", len(nodes))
	return nil
}

// lacks tells whether a node is behind with the keys.
func lacks(n store.Node, known []store.KeyCheck) bool {
	for _, key := range known {
		if !strings.Contains(n.Keys, " "+key.ID+" ") {
			return true
		}
	}
	return len(known) > 0 && n.Writes != known[len(known)-1].ID
}

// jobs looks whether those that are done from time to time are.
func (h *House) jobs(ctx context.Context, r *Report) error {
	if !h.running {
		r.Fine("no portal runs that would do them")
		return nil
	}
	leases, err := h.data.Leases(ctx)
	if err != nil {
		return err
	}
	due := map[string]time.Time{}
	for _, lease := range leases {
		due[lease.Name] = lease.Until
	}
	for _, name := range h.Jobs {
		if at, known := due[name]; known && h.Now().Sub(at) > tardy {
			r.Found(JobsLate, "%q was due at %s UTC, and nobody does it", name, at.Format(time.DateTime))
		}
	}
	r.Fine("all are on time")
	return nil
}
