package seal

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"golang.org/x/text/unicode/norm"
)

// cheap keeps tests quick: 64 KiB, one pass.
var cheap = Params{MemoryKiB: 64, Time: 1, Threads: 1}

// referenceHash is from test.c of the argon2 reference implementation:
// "password", "somesalt", 64 MiB, two passes, one lane.
const referenceHash = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"

// opensslHash is "password" under our own parameters, by OpenSSL.
const opensslHash = "$argon2id$v=19$m=19456,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$0qsHs573+LgGInzYb7sRqlOTBmqY4X6srNEm6ybpJ20"

// fromHex builds a PHC string of "somesalt" around a tag of x/crypto's own
// test vectors.
func fromHex(t *testing.T, params, tag string) string {
	return "$argon2id$v=19$" + params + "$c29tZXNhbHQ$" + base64.RawStdEncoding.EncodeToString(unhex(t, tag))
}

func TestVerifyVectors(t *testing.T) {
	h := NewHasher(cheap, 1, 0)
	for _, stored := range []string{
		referenceHash, opensslHash,
		fromHex(t, "m=64,t=1,p=1", "655ad15eac652dc59f7170a7332bf49b8469be1fdb9c28bb"),
	} {
		match, _, err := h.Verify(t.Context(), stored, "password")
		if err != nil || !match {
			t.Errorf("%s: %v, %v; want a match", stored, match, err)
		}
		match, stale, err := h.Verify(t.Context(), stored, "Password")
		if err != nil || match || stale {
			t.Errorf("%s: %v, %v, %v; want no match", stored, match, stale, err)
		}
	}
}

func TestHashDefault(t *testing.T) {
	h := NewHasher(DefaultParams(), 1, 0)
	stored, err := h.Hash(t.Context(), "correct horse")
	must(t, err)
	if !strings.HasPrefix(stored, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("hash %s", stored)
	}
	match, stale, err := h.Verify(t.Context(), stored, "correct horse")
	if !match || stale || err != nil {
		t.Errorf("Verify = %v, %v, %v", match, stale, err)
	}
	if parsed, _ := parsePHC(stored); len(parsed.salt) != 16 || len(parsed.tag) != 32 {
		t.Errorf("salt of %d and tag of %d bytes", len(parsed.salt), len(parsed.tag))
	}
}

func TestHashSalted(t *testing.T) {
	h := NewHasher(cheap, 1, 0)
	one, err := h.Hash(t.Context(), "same")
	must(t, err)
	two, err := h.Hash(t.Context(), "same")
	must(t, err)
	if one == two {
		t.Error("two hashes of one password are equal")
	}
}

// TestNormalization: one password, composed or decomposed, is one password
// (PW-05); compatibility forms, case and space stay apart.
func TestNormalization(t *testing.T) {
	h := NewHasher(cheap, 1, 0)
	const composed = "Zürich Å 한 é"
	stored, err := h.Hash(t.Context(), composed)
	must(t, err)
	decomposed := norm.NFD.String(composed)
	if decomposed == composed {
		t.Fatal("the test has no decomposed form")
	}
	for password, want := range map[string]bool{
		composed: true, decomposed: true,
		strings.ToLower(composed): false, composed + " ": false, norm.NFKD.String("ﬁ") + composed: false,
	} {
		if match, _, err := h.Verify(t.Context(), stored, password); err != nil || match != want {
			t.Errorf("%q: %v, %v; want %v", password, match, err, want)
		}
	}
	for in, want := range map[string]string{
		"u\u0308": "\u00fc", "\ufb01": "\ufb01", " A ": " A ", "": "", "a\x00\xff": "a\x00\xff",
	} {
		if got := NormalizePassword(in); got != want {
			t.Errorf("NormalizePassword(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestStale(t *testing.T) {
	stored, err := NewHasher(Params{MemoryKiB: 64, Time: 2, Threads: 2}, 1, 0).Hash(t.Context(), "pw")
	must(t, err)
	tests := []struct {
		current Params
		want    bool
	}{
		{Params{64, 2, 2}, false}, {Params{32, 1, 1}, false},
		{Params{65, 2, 2}, true}, {Params{64, 3, 2}, true}, {Params{64, 2, 3}, true},
	}
	for _, test := range tests {
		h := NewHasher(test.current, 1, 0)
		if match, stale, err := h.Verify(t.Context(), stored, "pw"); !match || stale != test.want || err != nil {
			t.Errorf("%+v: %v, %v, %v; want stale %v", test.current, match, stale, err, test.want)
		}
		if _, stale, _ := h.Verify(t.Context(), stored, "wrong"); stale {
			t.Errorf("%+v: stale without a match", test.current)
		}
	}
	_, stale, err := NewHasher(cheap, 1, 0).Verify(t.Context(), referenceHash, "password")
	if err != nil || !stale {
		t.Errorf("salt of 8 bytes: stale %v, %v", stale, err)
	}
}

func TestVerifyNobody(t *testing.T) {
	h := NewHasher(cheap, 1, 0)
	if err := h.VerifyNobody(t.Context(), "any"); err != nil {
		t.Error(err)
	}
	nobody, err := parsePHC(h.nobody)
	must(t, err)
	if nobody.params != cheap || len(nobody.salt) != saltSize || len(nobody.tag) != tagSize {
		t.Errorf("the work is not that of a new hash: %+v", nobody)
	}
}

// TestMalformedHash also sees that a hash out of bounds costs no slot.
func TestMalformedHash(t *testing.T) {
	h := NewHasher(cheap, 1, 0)
	must(t, h.acquire(t.Context()))
	good := fromHex(t, "m=64,t=1,p=1", strings.Repeat("5a", 32))
	edit := func(old, new string) string { return strings.Replace(good, old, new, 1) }
	for _, stored := range []string{
		"", "password", "$", "$$$$$", good[1:], good + "$", " " + good, good + " ", good + "\n", good[:40],
		edit("argon2id", "argon2i"), edit("argon2id", "argon2d"), edit("v=19", "v=16"), edit("v=19$", ""),
		edit("m=64", "m=064"), edit("m=64", "m=+64"), edit("m=64", "m=-64"), edit("m=64", "m=0x40"),
		edit("m=64", "m=7"), edit("m=64", "m=262145"), edit("m=64", "m=4294967360"), edit("m=64", "m=99999999999999999999"),
		edit("t=1", "t=0"), edit("t=1", "t=17"), edit("t=1", "t=4294967297"), edit("p=1", "p=0"), edit("p=1", "p=5"),
		edit("p=1", "p=257"), edit("p=1", "p=1,x=1"), edit("m=64,t=1", "t=1,m=64"), edit("m=64,t=1,p=1", "m=64, t=1,p=1"),
		edit("m=64,t=1,p=1", "m=31,t=1,p=4"), edit("c29tZXNhbHQ", "c29tZXNhbA"), edit("c29tZXNhbHQ", "c29tZXNhbHR"),
		edit("c29tZXNhbHQ", "c29tZXNhbHQ="), edit("c29tZXNhbHQ", "c29t\nZXNhbHQ"), edit("c29tZXNhbHQ", ""),
		edit("c29tZXNhbHQ", strings.Repeat("A", 87)), edit("c29tZXNhbHQ", "c29tZXNh-_Q"),
		fromHex(t, "m=64,t=1,p=1", strings.Repeat("5a", 15)), fromHex(t, "m=64,t=1,p=1", strings.Repeat("5a", 65)),
		"$2b$12$EixZaYVK1fsbw1ZfbX3OXePaWxn96p36WQoeG6Lruj3vjPGga31lW", strings.Repeat("$", 1<<20),
	} {
		match, stale, err := h.Verify(t.Context(), stored, "password")
		if err != ErrMalformedHash || match || stale {
			t.Errorf("%.80q: %v, %v, %v; want ErrMalformedHash", stored, match, stale, err)
		}
	}
	if _, err := parsePHC(good); err != nil {
		t.Errorf("the good hash: %v", err)
	}
}

func TestParamsValidate(t *testing.T) {
	for _, p := range []Params{DefaultParams(), cheap, {8, 1, 1}, {32, 1, 4}, {maxMemoryKiB, maxTime, maxThreads}} {
		if err := p.Validate(); err != nil {
			t.Errorf("%+v: %v", p, err)
		}
	}
	for _, p := range []Params{{}, {7, 1, 1}, {31, 1, 4}, {maxMemoryKiB + 1, 1, 1}, {64, 0, 1}, {64, 17, 1}, {64, 1, 0}, {64, 1, 5}} {
		if p.Validate() == nil {
			t.Errorf("%+v is accepted", p)
		}
	}
}

func TestNewHasherPanics(t *testing.T) {
	for name, make := range map[string]func(){
		"params": func() { NewHasher(Params{}, 1, 0) },
		"slots":  func() { NewHasher(cheap, 0, 0) },
		"queue":  func() { NewHasher(cheap, 1, -1) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			make()
		}()
	}
}

// use is one way to need a slot.
type use func(ctx context.Context, h *Hasher) error

var uses = map[string]use{
	"Hash": func(ctx context.Context, h *Hasher) error {
		_, err := h.Hash(ctx, "pw")
		return err
	},
	"Verify": func(ctx context.Context, h *Hasher) error {
		_, _, err := h.Verify(ctx, h.nobody, "pw")
		return err
	},
	"VerifyNobody": func(ctx context.Context, h *Hasher) error {
		return h.VerifyNobody(ctx, "pw")
	},
}

// TestBusy fills both slots and the queue of three, sees the next caller
// refused at once, and sees all who waited served.
func TestBusy(t *testing.T) {
	for name, use := range uses {
		synctest.Test(t, func(t *testing.T) {
			var waited atomic.Int32
			h := NewHasher(cheap, 2, 3)
			h.WhenWaiting(func() { waited.Add(1) })
			must(t, h.acquire(t.Context()))
			must(t, h.acquire(t.Context()))
			if waited.Load() != 0 {
				t.Errorf("%s: a caller with a slot waited", name)
			}
			errs := make(chan error, 3)
			for range 3 {
				go func() { errs <- use(t.Context(), h) }()
			}
			synctest.Wait() // all three stand in the queue
			if len(errs) != 0 || len(h.queue) != 3 {
				t.Fatalf("%s: %d done, %d waiting; want 0 and 3", name, len(errs), len(h.queue))
			}
			if err := use(t.Context(), h); err != ErrBusy {
				t.Errorf("%s: %v, want ErrBusy", name, err)
			}
			if waited.Load() != 3 {
				t.Errorf("%s: told of %d who wait, want 3", name, waited.Load())
			}
			h.release()
			for range 3 {
				if err := <-errs; err != nil {
					t.Errorf("%s: a waiter got %v", name, err)
				}
			}
			h.release()
			wantIdle(t, h)
		})
	}
}

func TestNoQueue(t *testing.T) {
	h := NewHasher(cheap, 1, 0)
	must(t, h.acquire(t.Context()))
	for name, use := range uses {
		if err := use(t.Context(), h); err != ErrBusy {
			t.Errorf("%s: %v, want ErrBusy", name, err)
		}
	}
	h.release()
	wantIdle(t, h)
}

func TestContextEndsWait(t *testing.T) {
	for name, use := range uses {
		synctest.Test(t, func(t *testing.T) {
			h := NewHasher(cheap, 1, 1)
			must(t, h.acquire(t.Context()))
			ctx, cancel := context.WithCancel(t.Context())
			errs := make(chan error)
			go func() { errs <- use(ctx, h) }()
			synctest.Wait() // it stands in the queue
			cancel()
			if err := <-errs; !errors.Is(err, context.Canceled) {
				t.Errorf("%s: %v, want Canceled", name, err)
			}
			if err := use(ctx, h); !errors.Is(err, context.Canceled) {
				t.Errorf("%s: ended context: %v, want Canceled", name, err)
			}
			h.release()
			wantIdle(t, h)
		})
	}
}

// TestQueueHasADeadline lets a caller wait for a slot that does not come free.
func TestQueueHasADeadline(t *testing.T) {
	for name, use := range uses {
		synctest.Test(t, func(t *testing.T) {
			h := NewHasher(cheap, 1, 1)
			must(t, h.acquire(t.Context()))
			if h.Busy() {
				t.Errorf("%s: an empty queue is full", name)
			}
			errs := make(chan error)
			go func() { errs <- use(t.Context(), h) }()
			synctest.Wait() // it stands in the queue
			if !h.Busy() {
				t.Errorf("%s: a full queue is not", name)
			}
			if err := <-errs; err != ErrBusy {
				t.Errorf("%s: %v, want ErrBusy", name, err)
			}
			h.release()
			wantIdle(t, h)
		})
	}
}

// TestManyAtOnce runs more callers than slots and sees every answer right.
func TestManyAtOnce(t *testing.T) {
	const callers = 32
	h := NewHasher(cheap, 2, callers)
	stored, err := h.Hash(t.Context(), "pw")
	must(t, err)
	var group sync.WaitGroup
	for i := range callers {
		password, want := "pw", true
		if i%2 == 1 {
			password, want = "other", false
		}
		group.Go(func() {
			if match, _, err := h.Verify(t.Context(), stored, password); err != nil || match != want {
				t.Errorf("%s: %v, %v; want %v", password, match, err, want)
			}
		})
	}
	group.Wait()
	wantIdle(t, h)
}

func wantIdle(t *testing.T, h *Hasher) {
	t.Helper()
	if len(h.slots) != 0 || len(h.queue) != 0 {
		t.Errorf("%d slots and %d places in the queue were not given back", len(h.slots), len(h.queue))
	}
}

func FuzzParsePHC(f *testing.F) {
	f.Add(referenceHash)
	f.Add("$argon2id$v=19$m=064,t=1,p=1$c29tZXNhbHQ$" + hex.EncodeToString(make([]byte, 32)))
	f.Add("$$$$$")
	f.Fuzz(func(t *testing.T, s string) {
		h, err := parsePHC(s)
		if err != nil {
			if err != ErrMalformedHash || h.salt != nil || h.tag != nil {
				t.Errorf("parsePHC(%q) = %v, %v", s, h, err)
			}
			return
		}
		if h.String() != s || !h.inBounds() {
			t.Errorf("parsePHC(%q) = %v", s, h)
		}
	})
}
