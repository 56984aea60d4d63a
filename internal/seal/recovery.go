package seal

import (
	"crypto/rand"
	"encoding/hex"
	"slices"
	"strings"
)

const (
	recoverySize  = 25 // characters of a recovery code: 125 bits (RC-01)
	recoveryGroup = 5

	recoveryAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
)

// NewRecoveryCode returns 125 random bits as five groups of five characters of
// the RFC 4648 base32 alphabet, joined with "-". The alphabet has no 0, 1, 8
// and 9, so a round sign is always the letter O and a straight one the letter I.
func NewRecoveryCode() string {
	code := rand.Text()[:recoverySize] // five random bits in each character
	groups := make([]string, 0, recoverySize/recoveryGroup)
	for ; code != ""; code = code[recoveryGroup:] {
		groups = append(groups, code[:recoveryGroup])
	}
	return strings.Join(groups, "-")
}

// ParseRecoveryCode reads a recovery code as people type it: letters of either
// case, ASCII spaces and dashes anywhere. The canonical form is 25 characters
// in upper case without dashes, which no six-digit code can be. Everything else
// is refused; look-alikes such as 0 for O are not guessed.
func ParseRecoveryCode(s string) (canonical string, ok bool) {
	code := make([]byte, 0, recoverySize)
	for i := range len(s) {
		c := s[i]
		if c == ' ' || c == '-' {
			continue
		}
		if 'a' <= c && c <= 'z' {
			c -= 'a' - 'A'
		}
		if strings.IndexByte(recoveryAlphabet, c) < 0 || len(code) == recoverySize {
			return "", false
		}
		code = append(code, c)
	}
	if len(code) != recoverySize {
		return "", false
	}
	return string(code), true
}

// RecoveryDigest returns the 32 bytes to store for a canonical recovery code,
// HMAC-SHA256 under the write key, bound to the user (RC-02, RC-03), and the id
// of that key, which the code needs for as long as it lives.
func (r *Ring) RecoveryDigest(user, canonical string) (sum []byte, key string) {
	k := r.writeKey()
	return digest(k.recovery, user, canonical), k.id
}

// RecoveryDigests returns the digests under which a code may be stored, one
// for each key, the write key's first.
func (r *Ring) RecoveryDigests(user, canonical string) [][]byte {
	held := r.now()
	digests := [][]byte{digest(held.keys[held.writes].recovery, user, canonical)}
	for i, k := range slices.Backward(held.keys) {
		if i != held.writes {
			digests = append(digests, digest(k.recovery, user, canonical))
		}
	}
	return digests
}

// UnknownName returns 32 hex characters that stand for the key of a login ID
// nobody has, so that tries at it can be counted without storing it (people
// type passwords into that field). The oldest key makes it: adding a key keeps
// the counts, removing the oldest starts them anew.
func (r *Ring) UnknownName(key string) string {
	const size = 16
	return hex.EncodeToString(digest(r.oldestKey().unknown, key)[:size])
}
