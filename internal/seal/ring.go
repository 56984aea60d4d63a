package seal

import (
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"sync/atomic"
	"time"
)

const (
	secretSize = 32 // bytes of a key's secret
	idPrefix   = "k-"
	idRandom   = 4              // random bytes in a key id
	idSize     = 2 + 2*idRandom // characters of a key id
)

// A Ring is the set of keys that an installation has at hand, oldest first. All
// of them read, one writes. Adopt and WriteWith change it while it is used by
// many goroutines: each call sees the old keys or the new ones. Its values
// print no secret.
type Ring struct {
	held atomic.Pointer[holding]
}

// holding is a state of a ring; it never changes.
type holding struct {
	keys   []key // never empty
	writes int
}

// A key is a secret and what is derived from it, one key for each purpose.
type key struct {
	id      string
	created time.Time
	secret  []byte
	chains  bool // made by a program that begins an audit chain with its customer

	box      cipher.AEAD // seals secrets of authenticator apps
	letters  cipher.AEAD // seals mails that wait
	recovery []byte      // digests recovery codes
	unknown  []byte      // names unknown login IDs
	audit    []byte      // marks the ends of audit chains
	backup   []byte      // marks backups
	check    []byte      // lets the database recognise the key
}

// NewRing returns a ring with one new key; now is its date of creation.
func NewRing(now time.Time) *Ring { return newRing([]key{makeKey(now)}) }

// newRing returns a ring whose last key writes.
func newRing(keys []key) *Ring {
	r := new(Ring)
	r.held.Store(&holding{keys, len(keys) - 1})
	return r
}

func makeKey(now time.Time) key {
	secret := make([]byte, secretSize)
	rand.Read(secret) // never fails: it ends the program instead
	id := make([]byte, idRandom)
	rand.Read(id)
	made := newKey(idPrefix+hex.EncodeToString(id), now.UTC().Truncate(time.Second), secret)
	made.chains = true
	return made
}

func newKey(id string, created time.Time, secret []byte) key {
	return key{
		id:       id,
		created:  created,
		secret:   secret,
		box:      newBox(derive(secret, purposeTOTPSecret, id)),
		letters:  newBox(derive(secret, purposeLetter, id)),
		recovery: derive(secret, purposeRecoveryCode, id),
		unknown:  derive(secret, purposeUnknownLogin, id),
		audit:    derive(secret, purposeAudit, id),
		backup:   derive(secret, purposeBackup, id),
		check:    derive(secret, purposeKeyCheck, id),
	}
}

// KeyInfo is what may be told of a key.
type KeyInfo struct {
	ID      string
	Created time.Time
	Writes  bool
}

// Keys describes all keys, oldest first.
func (r *Ring) Keys() []KeyInfo {
	held := r.now()
	all := make([]KeyInfo, len(held.keys))
	for i, k := range held.keys {
		all[i] = KeyInfo{k.id, k.created, i == held.writes}
	}
	return all
}

// KeyIDs returns the ids of all keys, oldest first.
func (r *Ring) KeyIDs() []string {
	var ids []string
	for _, k := range r.now().keys {
		ids = append(ids, k.id)
	}
	return ids
}

// WriteKeyID returns the id of the key that seals and digests new values.
func (r *Ring) WriteKeyID() string {
	return r.writeKey().id
}

// Grown returns a ring with one more key, which is new and does not write.
func (r *Ring) Grown(now time.Time) *Ring {
	held := r.now()
	grown := newRing(append(slices.Clone(held.keys), makeKey(now)))
	grown.WriteWith(held.keys[held.writes].id)
	return grown
}

// Without returns a ring that lacks a key. The key that writes stays.
func (r *Ring) Without(id string) *Ring {
	held := r.now()
	writes := held.keys[held.writes].id
	rest := newRing(slices.DeleteFunc(slices.Clone(held.keys), func(k key) bool { return k.id == id && id != writes }))
	rest.WriteWith(writes)
	return rest
}

// Adopt takes the keys of another ring, and its write key.
func (r *Ring) Adopt(other *Ring) { r.held.Store(other.now()) }

// WriteWith makes another key of the ring the one that writes; false means
// that the ring lacks it, and that nothing has changed.
func (r *Ring) WriteWith(id string) bool {
	for {
		held := r.now()
		i := held.index(id)
		if i < 0 || i == held.writes || r.held.CompareAndSwap(held, &holding{held.keys, i}) {
			return i >= 0
		}
	}
}

// Same tells whether both rings hold the same keys, secrets and all.
func (r *Ring) Same(other *Ring) bool {
	return hmac.Equal(r.text(), other.text())
}

// CheckValue returns 32 bytes by which the database recognises a key without
// knowing it, or nil for an unknown id. A stored value that differs means that
// the file holds another key under the same id (CR-07).
func (r *Ring) CheckValue(id string) []byte {
	k, ok := r.find(id)
	if !ok {
		return nil
	}
	return digest(k.check, "portal key check v1")
}

// Format prints the number of keys and the write key's id whatever the verb,
// so that a ring in a log or a panic gives nothing away.
func (r *Ring) Format(f fmt.State, _ rune) {
	if r == nil || r.now() == nil {
		_, _ = io.WriteString(f, "key ring (empty)")
		return
	}
	fmt.Fprintf(f, "key ring (%d keys, writes with %s)", len(r.now().keys), r.WriteKeyID())
}

func (r *Ring) now() *holding { return r.held.Load() }

func (r *Ring) writeKey() key {
	held := r.now()
	return held.keys[held.writes]
}

func (r *Ring) oldestKey() key { return r.now().keys[0] }

func (r *Ring) find(id string) (key, bool) {
	held := r.now()
	i := held.index(id)
	if i < 0 {
		return key{}, false
	}
	return held.keys[i], true
}

// index is where the key of an id stands, -1 where there is none.
func (h *holding) index(id string) int {
	return slices.IndexFunc(h.keys, func(k key) bool { return k.id == id })
}
