package seal

import (
	"errors"
	"slices"
	"testing"
)

// Whatever a file of a locked key ring says, opening it costs no more than is
// allowed, and what cannot be read is told by one error.
func FuzzParseLocked(f *testing.F) {
	locked, err := testRing(2).lock(passphrase, Params{MemoryKiB: 8, Time: 1, Threads: 1})
	must(f, err)
	f.Add(locked)
	for _, text := range []string{
		"", "{}", "[]", `{"format":"portal key ring, locked 1"}`, `{"memory_kib":-1}`, `{"memory_kib":4294967295}`, `{"threads":256}`,
		`{"format":"portal key ring, locked 1","kdf":"argon2id","cipher":"AES-256-GCM","memory_kib":8,"time":1,"threads":1,"keys":null}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		l, err := parseLocked(text)
		if err != nil {
			if !errors.Is(err, ErrLockMalformed) {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		if l.MemoryKiB > maxMemoryKiB || l.Time > maxTime || l.Threads > maxThreads {
			t.Fatalf("%q costs %v", text, l.params())
		}
		again, err := parseLocked(mustJSON(t, l))
		if err != nil || !slices.Equal(again.head(), l.head()) {
			t.Fatalf("%q becomes %v, %v", text, again, err)
		}
	})
}
