package seal

import (
	"crypto/cipher"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"time"
)

const (
	secretSize = 32 // bytes of a key's secret
	idPrefix   = "k-"
	idRandom   = 4              // random bytes in a key id
	idSize     = 2 + 2*idRandom // characters of a key id
)

// A Ring is the set of keys of an installation, oldest first. It never changes
// once made, so it may be used by many goroutines. Its values print no secret.
type Ring struct {
	keys []key // never empty
}

// A key is a secret and what is derived from it, one key for each purpose.
type key struct {
	id      string
	created time.Time
	secret  []byte

	box      cipher.AEAD // seals secrets of authenticator apps
	letters  cipher.AEAD // seals mails that wait
	recovery []byte      // digests recovery codes
	unknown  []byte      // names unknown login IDs
	check    []byte      // lets the database recognise the key
}

// NewRing returns a ring with one new key; now is its date of creation.
func NewRing(now time.Time) *Ring {
	secret := make([]byte, secretSize)
	rand.Read(secret) // never fails: it ends the program instead
	id := make([]byte, idRandom)
	rand.Read(id)
	created := now.UTC().Truncate(time.Second)
	return &Ring{keys: []key{newKey(idPrefix+hex.EncodeToString(id), created, secret)}}
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
		check:    derive(secret, purposeKeyCheck, id),
	}
}

// KeyIDs returns the ids of all keys, oldest first.
func (r *Ring) KeyIDs() []string {
	ids := make([]string, len(r.keys))
	for i, k := range r.keys {
		ids[i] = k.id
	}
	return ids
}

// WriteKeyID returns the id of the key that seals and digests new values.
func (r *Ring) WriteKeyID() string {
	return r.writeKey().id
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
	if r == nil || len(r.keys) == 0 {
		_, _ = io.WriteString(f, "key ring (empty)")
		return
	}
	fmt.Fprintf(f, "key ring (%d keys, writes with %s)", len(r.keys), r.WriteKeyID())
}

func (r *Ring) writeKey() key { return r.keys[len(r.keys)-1] }

func (r *Ring) oldestKey() key { return r.keys[0] }

func (r *Ring) find(id string) (key, bool) {
	i := slices.IndexFunc(r.keys, func(k key) bool { return k.id == id })
	if i < 0 {
		return key{}, false
	}
	return r.keys[i], true
}
