package seal

import (
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
)

// ErrMalformedHash says that a stored password hash is not an argon2id hash
// within our bounds. It is a fault of the store, never a wrong password.
var ErrMalformedHash = errors.New("stored password hash is malformed")

// Bounds of what is accepted from the store: a hash must not be able to ask
// for more work or memory than the portal is built for.
const (
	maxMemoryKiB = 256 << 10
	maxTime      = 16
	maxThreads   = 4
	minSalt      = 8
	maxSalt      = 64
	minTag       = 16
	maxTag       = 64
	maxPHC       = 256 // characters, more than any hash within the bounds
)

// Params is the cost of an argon2id hash (RFC 9106 section 3.1).
type Params struct {
	MemoryKiB uint32 // m, 8 KiB for each thread up to 256 MiB
	Time      uint32 // t, passes over the memory, 1 to 16
	Threads   uint8  // p, lanes, 1 to 4
}

// DefaultParams returns 19 MiB, two passes, one lane: the least of the OWASP
// password storage recommendations, about 25 ms.
func DefaultParams() Params {
	return Params{MemoryKiB: 19456, Time: 2, Threads: 1}
}

// Validate returns an error that names the field out of its bounds, for a
// setting that an operator chose.
func (p Params) Validate() error {
	switch {
	case p.Threads < 1 || p.Threads > maxThreads:
		return fmt.Errorf("argon2id threads: %d is not 1 to %d", p.Threads, maxThreads)
	case p.Time < 1 || p.Time > maxTime:
		return fmt.Errorf("argon2id time: %d is not 1 to %d", p.Time, maxTime)
	case p.MemoryKiB < 8*uint32(p.Threads) || p.MemoryKiB > maxMemoryKiB:
		return fmt.Errorf("argon2id memory: %d KiB is not %d to %d", p.MemoryKiB, 8*p.Threads, maxMemoryKiB)
	}
	return nil
}

// A phc is a password hash in parts.
type phc struct {
	params    Params
	salt, tag []byte
}

// String returns the PHC form, $argon2id$v=19$m=19456,t=2,p=1$salt$tag, with
// salt and tag in unpadded standard base64.
func (h phc) String() string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version,
		h.params.MemoryKiB, h.params.Time, h.params.Threads,
		b64.EncodeToString(h.salt), b64.EncodeToString(h.tag))
}

// parsePHC reads the PHC form. It reads loosely and then asks that the parts
// give the very same text, so there is one spelling for each hash.
func parsePHC(s string) (phc, error) {
	if len(s) > maxPHC {
		return phc{}, ErrMalformedHash
	}
	parts := strings.Split(s, "$")
	if len(parts) != 6 {
		return phc{}, ErrMalformedHash
	}
	var h phc
	_, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &h.params.MemoryKiB, &h.params.Time, &h.params.Threads)
	salt, saltErr := base64.RawStdEncoding.DecodeString(parts[4])
	tag, tagErr := base64.RawStdEncoding.DecodeString(parts[5])
	h.salt, h.tag = salt, tag
	if errors.Join(err, saltErr, tagErr) != nil || !h.inBounds() || h.String() != s {
		return phc{}, ErrMalformedHash
	}
	return h, nil
}

func (h phc) inBounds() bool {
	return h.params.Validate() == nil &&
		len(h.salt) >= minSalt && len(h.salt) <= maxSalt &&
		len(h.tag) >= minTag && len(h.tag) <= maxTag
}

// below tells whether the hash costs or holds less in any part than a new one.
func (h phc) below(current Params) bool {
	return h.params.MemoryKiB < current.MemoryKiB ||
		h.params.Time < current.Time ||
		h.params.Threads < current.Threads ||
		len(h.salt) < saltSize || len(h.tag) < tagSize
}

// compute returns the tag of a password under the hash's salt and params.
func (h phc) compute(password string) []byte {
	return argon2.IDKey([]byte(NormalizePassword(password)), h.salt,
		h.params.Time, h.params.MemoryKiB, h.params.Threads, uint32(len(h.tag))) // #nosec G115 -- parsePHC bounds the length of a tag
}

// matches compares in constant time.
func (h phc) matches(password string) bool {
	return subtle.ConstantTimeCompare(h.compute(password), h.tag) == 1
}
