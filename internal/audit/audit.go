// Package audit makes the audit trail one that can be trusted: it closes
// batches of events with seals, finds what somebody changed beneath the
// portal, writes exports, and prunes what is past its time.
//
// Each customer has a chain of seals. A seal lists the events of its batch,
// each with the hash of its row, and covers the hash of the seal before. Where
// the chain ends is written down under a key of the key ring: who can write
// the database and has no key ring cannot make another chain, nor cut this one
// short. docs/audit.md says what that does and does not show.
package audit

import (
	"crypto/rand"
	"encoding/binary"
	"log/slog"
	"strconv"
	"sync/atomic"
	"time"

	"portal"
	"portal/internal/seal"
	"portal/internal/store"
)

// Config is what the service stands on.
type Config struct {
	Store  *store.Store
	Ring   *seal.Ring
	Now    portal.Clock
	Limits portal.Limits
	Log    *slog.Logger
}

// Service seals, verifies and prunes.
type Service struct {
	store  *store.Store
	ring   *seal.Ring
	now    portal.Clock
	limits portal.Limits
	log    *slog.Logger
	holder string // of leases
	// told is when a broken chain was last told of.
	told atomic.Pointer[time.Time]
}

// New makes the service.
func New(c Config) *Service {
	return &Service{store: c.Store, ring: c.Ring, now: c.Now, limits: c.Limits, log: c.Log, holder: rand.Text()}
}

// entry stands for an event in a seal.
type entry struct {
	event int64
	hash  string
}

const (
	// format is the first byte of a seal's entries: how rows are hashed.
	format    = 1
	hashSize  = 32
	entrySize = 8 + hashSize
)

// entryOf is the entry of an event. The hash does not cover the id, so that a
// row which was moved to another place is recognised there.
func entryOf(e portal.Event) entry {
	return entry{e.ID, string(seal.Fingerprint("event", string(e.CustomerID), micros(e.At), string(e.Action), string(e.Outcome),
		string(e.ActorKind), string(e.ActorID), e.ActorLabel, string(e.TargetID), e.TargetLabel,
		e.Detail, e.Origin.Address, e.Origin.Agent, e.Origin.RequestID, e.Node))}
}

func pack(entries []entry) []byte {
	packed := append(make([]byte, 0, 1+len(entries)*entrySize), format)
	for _, e := range entries {
		packed = binary.BigEndian.AppendUint64(packed, uint64(e.event)) // #nosec G115 -- ids are positive
		packed = append(packed, e.hash...)
	}
	return packed
}

// unpack reads the entries of a seal; false where they are damaged.
func unpack(packed []byte) ([]entry, bool) {
	if len(packed) == 0 || packed[0] != format || (len(packed)-1)%entrySize != 0 {
		return nil, false
	}
	var entries []entry
	for rest := packed[1:]; len(rest) > 0; rest = rest[entrySize:] {
		id := int64(binary.BigEndian.Uint64(rest)) // #nosec G115 -- the way back
		entries = append(entries, entry{id, string(rest[8:entrySize])})
	}
	return entries, true
}

// hashOf is the hash that links a seal into its customer's chain.
func hashOf(customer portal.CustomerID, s store.Seal) []byte {
	return seal.Fingerprint("seal", string(customer), number(s.Number), number(s.First), number(s.Last),
		string(s.Entries), string(s.Previous), micros(s.SealedAt))
}

// ends are the parts of a chain's mark.
func ends(customer portal.CustomerID, c store.Chain) []string {
	return []string{
		"chain", string(customer), number(c.Number), string(c.Hash),
		number(c.PrunedNumber), number(c.PrunedThrough), string(c.PrunedHash),
	}
}

func number(n int64) string { return strconv.FormatInt(n, 10) }

func micros(t time.Time) string { return number(t.UnixMicro()) }
