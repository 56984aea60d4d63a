package seal

import (
	"crypto/hmac"
	"crypto/sha256"
	"slices"
)

// Fingerprint is SHA-256 over the parts, each preceded by its length: what is
// kept of a row to recognise it by.
func Fingerprint(parts ...string) []byte {
	sum := sha256.Sum256(appendParts(nil, parts...))
	return sum[:]
}

// MarkChain marks the parts under the write key, so that who does not hold the
// key ring cannot.
func (r *Ring) MarkChain(parts ...string) (keyID string, mark []byte) {
	k := r.writeKey()
	return k.id, digest(k.audit, parts...)
}

// ChainMarkHolds tells whether the parts were marked so, under a key of the
// ring. known is false where the ring lacks that key.
func (r *Ring) ChainMarkHolds(keyID string, mark []byte, parts ...string) (holds, known bool) {
	k, known := r.find(keyID)
	return known && hmac.Equal(mark, digest(k.audit, parts...)), known
}

// ChainsBegun tells whether every chain was begun with its customer, so that
// one which is not there was taken away. It is so since some key of the ring was
// made by a program that does so. The ring says it and not the database: who
// writes the database cannot bring back the time before.
func (r *Ring) ChainsBegun() bool {
	return slices.ContainsFunc(r.now().keys, func(k key) bool { return k.chains })
}
