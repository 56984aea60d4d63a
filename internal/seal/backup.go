package seal

import "crypto/hmac"

// MarkBackup marks what a backup says of itself under the write key, so that
// nobody who does not hold the key ring can make one that is restored.
func (r *Ring) MarkBackup(text string) (keyID string, mark []byte) {
	k := r.writeKey()
	return k.id, digest(k.backup, text)
}

// BackupMarkHolds tells whether the text was marked so under that key of the
// ring.
func (r *Ring) BackupMarkHolds(keyID string, mark []byte, text string) bool {
	k, known := r.find(keyID)
	return known && hmac.Equal(mark, digest(k.backup, text))
}
