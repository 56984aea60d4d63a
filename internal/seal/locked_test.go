package seal

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

const passphrase = "five words by chance alone"

// A locked ring opens with its passphrase and nothing else, and holds no key
// in clear.
func TestLockedRing(t *testing.T) {
	ring := testRing(2)
	locked, err := ring.lock(passphrase, Params{MemoryKiB: 8, Time: 1, Threads: 1})
	must(t, err)
	for _, k := range ring.now().keys {
		for what, part := range map[string][]byte{"secret": k.secret, "half of it": k.secret[:16], "base64 of it": mustJSON(t, k.secret)} {
			if bytes.Contains(locked, bytes.Trim(part, `"`)) {
				t.Errorf("the locked ring holds the %s of %s", what, k.id)
			}
		}
	}
	opened, err := Unlock(locked, passphrase)
	must(t, err)
	if !opened.Same(ring) {
		t.Error("another ring came out")
	}
	if _, err := Unlock(locked, passphrase+"."); !errors.Is(err, ErrLocked) {
		t.Errorf("a wrong passphrase: %v", err)
	}
	if _, err := ring.Lock("fourteen chars"); !errors.Is(err, ErrPassphraseShort) {
		t.Errorf("a short passphrase: %v", err)
	}
}

// Whatever is changed in a locked ring, it does not open, and costs no more
// than is allowed.
func TestLockedRingTampered(t *testing.T) {
	locked, err := testRing(1).lock(passphrase, Params{MemoryKiB: 8, Time: 1, Threads: 1})
	must(t, err)
	for what, change := range map[string]struct {
		to   func(*lockedRing)
		want error
	}{
		"the box":           {func(l *lockedRing) { l.Box[20] ^= 1 }, ErrLocked},
		"a short box":       {func(l *lockedRing) { l.Box = l.Box[:5] }, ErrLocked},
		"the salt":          {func(l *lockedRing) { l.Salt[0] ^= 1 }, ErrLocked},
		"the names of keys": {func(l *lockedRing) { l.Keys[0] = "k-ffffffff" }, ErrLocked},
		"the cost":          {func(l *lockedRing) { l.MemoryKiB = 8 << 20 }, ErrLockMalformed},
		"no cost":           {func(l *lockedRing) { l.Time = 0 }, ErrLockMalformed},
		"the format":        {func(l *lockedRing) { l.Format = strings.Replace(l.Format, "1", "2", 1) }, ErrLockMalformed},
	} {
		var l lockedRing
		must(t, json.Unmarshal(locked, &l))
		change.to(&l)
		if _, err := Unlock(mustJSON(t, l), passphrase); !errors.Is(err, change.want) {
			t.Errorf("%s: %v, want %v", what, err, change.want)
		}
	}
	if _, err := Unlock([]byte("SQLite format 3"), passphrase); !errors.Is(err, ErrLockMalformed) {
		t.Errorf("another file: %v", err)
	}
}

func mustJSON(t *testing.T, v any) []byte {
	t.Helper()
	text, err := json.Marshal(v)
	must(t, err)
	return text
}

// A backup's mark holds for that text, under the ring that made it, and is no
// mark of anything else.
func TestBackupMark(t *testing.T) {
	ring := testRing(2)
	id, mark := ring.MarkBackup("manifest")
	if !ring.BackupMarkHolds(id, mark, "manifest") {
		t.Error("the mark does not hold")
	}
	_, chain := ring.MarkChain("manifest")
	if ring.BackupMarkHolds(id, mark, "manifesto") || ring.BackupMarkHolds("k-00000001", mark, "manifest") ||
		ring.BackupMarkHolds(id, chain, "manifest") || testRing(1).BackupMarkHolds(id, mark, "manifest") {
		t.Error("the mark holds for something else")
	}
}
