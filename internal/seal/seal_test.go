package seal

import (
	"encoding/hex"
	"testing"
	"time"
)

var birth = time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC)

// testRing returns a ring of n fixed keys; the first has the id k-00000001 and
// the secret 1, 2, … 32, the second goes on from 33.
func testRing(n int) *Ring {
	var keys []key
	for i := range n {
		secret := make([]byte, secretSize)
		for j := range secret {
			secret[j] = byte(i*secretSize + j + 1)
		}
		id := idPrefix + hex.EncodeToString([]byte{0, 0, 0, byte(i + 1)})
		keys = append(keys, newKey(id, birth, secret))
	}
	return newRing(keys)
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// must is for set-up that cannot fail.
func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
