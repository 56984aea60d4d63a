package seal

import (
	"crypto/cipher"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
)

// What may be wrong with a key ring that is locked by a passphrase.
var (
	ErrPassphraseShort = errors.New("the passphrase is too short")
	ErrLockMalformed   = errors.New("this is no locked key ring")
	ErrLocked          = errors.New("the passphrase does not open the key ring, or its file was changed")
)

const (
	lockFormat = "portal key ring, locked 1"
	// minPassphrase keeps a stolen file from being opened by trying: nothing
	// counts the tries there.
	minPassphrase = 15
)

// lockParams cost somebody who tries passphrases 64 MiB and three passes for
// each, the second choice of RFC 9106; it is paid once in a backup.
func lockParams() Params { return Params{MemoryKiB: 64 << 10, Time: 3, Threads: 4} }

// lockedRing is the JSON form of a key ring under a passphrase. Everything but
// the box itself is authenticated by it.
type lockedRing struct {
	Format    string   `json:"format"`
	KDF       string   `json:"kdf"`
	MemoryKiB uint32   `json:"memory_kib"`
	Time      uint32   `json:"time"`
	Threads   uint8    `json:"threads"`
	Salt      []byte   `json:"salt"`
	Cipher    string   `json:"cipher"`
	Keys      []string `json:"keys"` // the ids, so that a file can be told from another
	Box       []byte   `json:"box"`
}

// Lock returns the ring under a passphrase: AES-256-GCM with a random nonce,
// the key by Argon2id under a random salt. It is meant for a file that is kept
// apart from the database.
func (r *Ring) Lock(passphrase string) ([]byte, error) {
	if utf8.RuneCountInString(passphrase) < minPassphrase {
		return nil, fmt.Errorf("%w: use %d characters or more, for example five words by chance", ErrPassphraseShort, minPassphrase)
	}
	return r.lock(passphrase, lockParams())
}

func (r *Ring) lock(passphrase string, p Params) ([]byte, error) {
	l := lockedRing{
		Format: lockFormat, KDF: "argon2id", MemoryKiB: p.MemoryKiB, Time: p.Time, Threads: p.Threads,
		Salt: make([]byte, saltSize), Cipher: "AES-256-GCM", Keys: r.KeyIDs(),
	}
	rand.Read(l.Salt)                                               // never fails: it ends the program instead
	l.Box = l.cipher(passphrase).Seal(nil, nil, r.text(), l.head()) // #nosec G407 -- the box draws its own nonces and takes none
	text, err := json.MarshalIndent(l, "", "  ")
	return append(text, '\n'), err
}

// Unlock is the way back. The error is ErrLockMalformed, ErrLocked, or one of
// the ring inside.
func Unlock(text []byte, passphrase string) (*Ring, error) {
	l, err := parseLocked(text)
	if err != nil {
		return nil, err
	}
	plain, err := l.cipher(passphrase).Open(nil, nil, l.Box, l.head())
	if err != nil {
		return nil, ErrLocked
	}
	return parseRing(plain)
}

// parseLocked reads a locked ring; what it costs to open has been held to limits.
func parseLocked(text []byte) (l lockedRing, err error) {
	if json.Unmarshal(text, &l) != nil || l.Format != lockFormat || l.KDF != "argon2id" || l.Cipher != "AES-256-GCM" {
		return l, ErrLockMalformed
	}
	if err := l.params().Validate(); err != nil {
		return l, fmt.Errorf("%w: %w", ErrLockMalformed, err)
	}
	return l, nil
}

func (l lockedRing) params() Params {
	return Params{MemoryKiB: l.MemoryKiB, Time: l.Time, Threads: l.Threads}
}

func (l lockedRing) cipher(passphrase string) cipher.AEAD {
	const size = 32
	return newBox(argon2.IDKey([]byte(NormalizePassword(passphrase)), l.Salt, l.Time, l.MemoryKiB, l.Threads, size))
}

// head is what the box authenticates beside itself.
func (l lockedRing) head() []byte {
	cost := fmt.Sprintf("%d %d %d", l.MemoryKiB, l.Time, l.Threads)
	return appendParts(nil, append([]string{l.Format, l.KDF, l.Cipher, cost, string(l.Salt)}, l.Keys...)...)
}
