package keeper

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"portal"
	"portal/internal/seal"
	"portal/internal/store"
)

// How far the clocks of a node and of the database may be apart: until the
// alarm is raised, and until the node is not ready (OT-04).
const (
	SkewAlarm = 5 * time.Second
	SkewLimit = 30 * time.Second
)

// How often a node says that it is there, and that something is wrong.
const (
	reportEvery = 10 * time.Second
	alarmEvery  = time.Minute
)

// NodeConfig is what a node is made of.
type NodeConfig struct {
	Store *store.Store
	Ring  *seal.Ring
	// RingFile is where the ring is kept; it may change while the node runs.
	RingFile string
	// ID is new with each start; Host is how the operator knows the machine.
	ID, Host string
	Now      portal.Clock
	Log      *slog.Logger
}

// Node is this process among others: whether it may serve, with which keys.
type Node struct {
	NodeConfig

	held atomic.Pointer[store.Held] // why nobody is to be served

	mu   sync.Mutex // over what follows; never held while the database is asked
	file error      // what is wrong with the ring file
	keys error      // what is wrong with the keys in use

	looking  sync.Mutex // one look at a time
	said     store.Node // the last report
	saidAt   time.Time
	aside    store.Held           // why it stood aside last
	troubles map[string]time.Time // what was said of each trouble, and when
}

// NewNode makes a node whose ring has been checked.
func NewNode(c NodeConfig) *Node { return &Node{NodeConfig: c, troubles: map[string]time.Time{}} }

// CheckRing holds a ring against the data, and makes the key write that the
// data wants to be written with. On an error the ring is as it was.
func CheckRing(ctx context.Context, data *store.Store, ring *seal.Ring) error {
	writes, err := writeKey(ctx, data, ring)
	if err == nil && writes != "" {
		ring.WriteWith(writes)
	}
	return err
}

func writeKey(ctx context.Context, data *store.Store, ring *seal.Ring) (string, error) {
	checks := map[string][]byte{}
	for _, id := range ring.KeyIDs() {
		checks[id] = ring.CheckValue(id)
	}
	return data.CheckKeys(ctx, checks)
}

// Ready tells whether the node may serve: the database answers and is the one
// to be served, it was written with keys that are all at hand, the ring file
// could be started from again, and the clocks agree (CR-07, OT-04). It recovers
// by itself.
func (n *Node) Ready(ctx context.Context) error {
	if err := n.ask(ctx); err != nil {
		return err
	}
	n.mu.Lock()
	file := n.file
	n.mu.Unlock()
	_, err := writeKey(ctx, n.Store, n.Ring)
	return errors.Join(file, err, n.Clock(ctx))
}

// ask asks whether people may be served from the database, and notes a no at
// once. One that does not answer says nothing of it, and what was noted stays.
func (n *Node) ask(ctx context.Context) error {
	err := n.Store.MayServe(ctx)
	if held := (store.Held{}); errors.As(err, &held) {
		n.held.Store(&held)
	}
	return err
}

// Held is why nobody is to be served now; nil where nothing is known to stand
// against it.
func (n *Node) Held() error {
	if held := n.held.Load(); held != nil {
		return *held
	}
	return nil
}

// Fit tells whether the data was the one to be served when the node last looked,
// and all keys that it needs were at hand. Else it does no job: what cannot be
// read must not be taken for broken, and least of all repaired.
func (n *Node) Fit() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return errors.Join(n.Held(), n.keys)
}

// Clock tells whether the node's time can be trusted.
func (n *Node) Clock(ctx context.Context) error { return Clock(ctx, n.Store) }

// Clock tells whether this machine's time can be trusted, by the database's.
func Clock(ctx context.Context, data *store.Store) error {
	skew, err := data.Skew(ctx)
	if err == nil && skew.Abs() > SkewLimit {
		err = fmt.Errorf("the clock of this machine is %s ahead of the database's (negative: behind); set it by NTP", skew.Round(time.Second))
	}
	return err
}

// holdsBack is what the log says of a node that must not serve.
const holdsBack = "this node serves nobody, is not ready and does no job"

// Look asks whether the data is still the one to be served, reads the ring file
// again, takes over what is new, says in the log what is wrong, and tells the
// other nodes that this one is there.
func (n *Node) Look(ctx context.Context) error {
	n.looking.Lock()
	defer n.looking.Unlock()
	if err := n.ask(ctx); err != nil {
		return n.standAside(ctx, err)
	}
	file := n.reread(ctx)
	n.found(&n.file, file)
	n.trouble(ctx, "the key ring file cannot be used; the keys read before stay in use, but no start would succeed", file)
	keys := CheckRing(ctx, n.Store, n.Ring)
	if keys != nil && !badRing(keys) {
		return keys // the database does not answer: that says nothing of the keys
	}
	n.found(&n.keys, keys)
	n.trouble(ctx, "this node lacks the right keys, is not ready and does no job: put the right key ring file in place, it is read at once", keys)
	n.held.Store(nil)
	n.trouble(ctx, holdsBack, nil)
	skew, err := n.Store.Skew(ctx)
	if err != nil {
		return err
	}
	n.trouble(ctx, "the clocks of this node and of the database disagree: above 30 seconds it is not ready", beyond(skew))
	return n.report(ctx)
}

// standAside says why the node serves nobody, where that is known. It is one of
// the others again only when it serves, and says so at once then.
func (n *Node) standAside(ctx context.Context, err error) error {
	held := store.Held{}
	if !errors.As(err, &held) {
		return err
	}
	n.said = store.Node{}
	if held != n.aside {
		n.aside = held
		delete(n.troubles, holdsBack) // another reason is told at once
	}
	n.trouble(ctx, holdsBack, held)
	return nil
}

// found notes what a look has found.
func (n *Node) found(where *error, what error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	*where = what
}

// badRing tells a ring that does not fit the data from a database that does
// not answer.
func badRing(err error) bool {
	return errors.Is(err, store.ErrKeyMissing) || errors.Is(err, store.ErrKeyWrong)
}

func beyond(skew time.Duration) error {
	if skew.Abs() <= SkewAlarm {
		return nil
	}
	return fmt.Errorf("%s ahead of the database (negative: behind)", skew.Round(time.Millisecond))
}

// reread takes over a ring file that has changed and fits the data. Any other
// is left alone, and the keys in use stay in use.
func (n *Node) reread(ctx context.Context) error {
	ring, err := seal.LoadRing(n.RingFile)
	if err != nil || ring.Same(n.Ring) {
		return err
	}
	if err := CheckRing(ctx, n.Store, ring); err != nil {
		return fmt.Errorf("key ring %s: %w", n.RingFile, err)
	}
	n.Ring.Adopt(ring)
	n.Log.InfoContext(ctx, "read the key ring again", "keys", ring.KeyIDs(), "writes", ring.WriteKeyID())
	return nil
}

// trouble logs an alarm once a minute for as long as it lasts, and its end.
func (n *Node) trouble(ctx context.Context, what string, err error) {
	said, had := n.troubles[what]
	switch {
	case err == nil && had:
		delete(n.troubles, what)
		n.Log.InfoContext(ctx, "over: "+what)
	case err != nil && n.Now().Sub(said).Abs() >= alarmEvery:
		n.troubles[what] = n.Now()
		n.Log.ErrorContext(ctx, what, "error", err)
	}
}

// report says that the node is there, at once where its keys have changed.
func (n *Node) report(ctx context.Context) error {
	now := store.Node{ID: n.ID, Host: n.Host, Keys: " " + strings.Join(n.Ring.KeyIDs(), " ") + " ", Writes: n.Ring.WriteKeyID()}
	if now == n.said && n.Now().Sub(n.saidAt).Abs() < reportEvery {
		return nil
	}
	if err := n.Store.ReportNode(ctx, now); err != nil {
		return err
	}
	n.said, n.saidAt = now, n.Now()
	return nil
}

// Leave says that the node has stopped.
func (n *Node) Leave(ctx context.Context) error { return n.Store.ForgetNode(ctx, n.ID) }
