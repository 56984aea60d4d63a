package seal

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
)

const (
	tokenBytes = 32 // random bytes of a token
	tokenSize  = 43 // characters of a token
	markBytes  = 12 // of a mark: enough that no two are alike
)

// NewToken returns 32 random bytes (256 bits, CR-05) as 43 characters of
// unpadded URL base64 (RFC 4648 section 5).
func NewToken() string {
	random := make([]byte, tokenBytes)
	rand.Read(random) // never fails: it ends the program instead
	return base64.RawURLEncoding.EncodeToString(random)
}

// SpentDigest is the digest under which the database knows a token that was
// used, from the digest under which it knew it before.
func SpentDigest(digest []byte) []byte {
	sum := sha256.Sum256(append([]byte("portal spent token v1:"), digest...))
	return sum[:]
}

// TokenMark is what a page may show of a token to tell it from others: part of
// a digest of its own, which leads neither to the token nor to TokenDigest.
func TokenMark(token string) string {
	sum := sha256.Sum256([]byte("portal token mark v1:" + token))
	return base64.RawURLEncoding.EncodeToString(sum[:markBytes])
}

// TokenDigest returns the 32 bytes of SHA-256 by which the database knows a
// token; being fully random, a token needs no salt. ok is false, and the digest
// nil, for a text that NewToken cannot have made.
func TokenDigest(token string) (digest []byte, ok bool) {
	if len(token) != tokenSize {
		return nil, false
	}
	// The decoder skips line breaks: the second length finds them.
	random, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(random) != tokenBytes {
		return nil, false
	}
	sum := sha256.Sum256([]byte("portal token v1:" + token))
	return sum[:], true
}
