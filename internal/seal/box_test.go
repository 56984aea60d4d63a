package seal

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
)

var place = AAD{Table: "totp", Column: "secret", Customer: "c1", User: "u1", Row: "r1"}

// goldenBox is "a secret" sealed at place under key 1 of testRing, by Python's
// cryptography.AESGCM with the nonce 0, 1, … 11.
const goldenBox = "010a6b2d3030303030303031000102030405060708090a0b7421799718111674c44a92e453b4518e5963b26bd1eb5728"

func TestSealRoundTrip(t *testing.T) {
	r := testRing(2)
	for _, plain := range []string{"", "x", "a secret", strings.Repeat("long", 1000)} {
		sealed := r.Seal([]byte(plain), place)
		if len(sealed) != len(plain)+40 {
			t.Errorf("%d bytes became %d, want 40 more", len(plain), len(sealed))
		}
		got, err := r.Open(sealed, place)
		if err != nil || string(got) != plain {
			t.Errorf("opened %q, %v; want %q", got, err, plain)
		}
	}
}

func TestOpenGolden(t *testing.T) {
	got, err := testRing(2).Open(unhex(t, goldenBox), place)
	if err != nil || string(got) != "a secret" {
		t.Errorf("opened %q, %v", got, err)
	}
}

func TestSealNeverRepeats(t *testing.T) {
	r := testRing(1)
	seen := make(map[string]bool)
	for range 1000 {
		nonce := string(r.Seal([]byte("a secret"), place)[headerSize : headerSize+12])
		if seen[nonce] {
			t.Fatal("a nonce came twice")
		}
		seen[nonce] = true
	}
}

func TestOpenAfterRotation(t *testing.T) {
	old, both := testRing(1), testRing(2)
	sealed := old.Seal([]byte("old"), place)
	if got, err := both.Open(sealed, place); err != nil || string(got) != "old" {
		t.Errorf("old value under the new ring: %q, %v", got, err)
	}
	sealed = both.Seal([]byte("new"), place)
	if !bytes.Contains(sealed, []byte("k-00000002")) {
		t.Error("not sealed under the last key")
	}
	if _, err := old.Open(sealed, place); !errors.Is(err, ErrUnreadable) {
		t.Errorf("unknown key: %v, want ErrUnreadable", err)
	}
}

func TestOpenTampered(t *testing.T) {
	r := testRing(2)
	sealed := r.Seal([]byte("a secret"), place)
	for i := range sealed {
		for bit := range 8 {
			changed := slices.Clone(sealed)
			changed[i] ^= 1 << bit
			wantUnreadable(t, r, changed, place)
		}
		wantUnreadable(t, r, sealed[:i], place)
	}
	wantUnreadable(t, r, nil, place)
	wantUnreadable(t, r, append(slices.Clone(sealed), 0), place)
}

// TestOpenOtherKeyID names the other key of the ring in the header, even with
// the same secret behind both: the header is authenticated.
func TestOpenOtherKeyID(t *testing.T) {
	r := testRing(1)
	twin := r.now().keys[0]
	twin.id = "k-00000002"
	r = newRing([]key{r.now().keys[0], twin})
	sealed := r.Seal([]byte("a secret"), place)
	copy(sealed[2:], "k-00000001")
	wantUnreadable(t, r, sealed, place)
}

func TestOpenElsewhere(t *testing.T) {
	r := testRing(1)
	sealed := r.Seal([]byte("a secret"), place)
	others := []AAD{
		{}, {"totp2", "secret", "c1", "u1", "r1"}, {"totp", "secret2", "c1", "u1", "r1"},
		{"totp", "secret", "c2", "u1", "r1"}, {"totp", "secret", "c1", "u2", "r1"},
		{"totp", "secret", "c1", "u1", "r2"}, {"secret", "totp", "c1", "u1", "r1"},
		{"totp", "secret", "u1", "c1", "r1"}, {"totp", "secret", "c1", "r1", "u1"},
		{"totps", "ecret", "c1", "u1", "r1"}, {"totp", "secret", "c1u1", "", "r1"},
		{"totp", "secret", "c1", "u1r1", ""}, {"totp", "secret", "c1", "u1", "r1\x00"},
		{"TOTP", "secret", "c1", "u1", "r1"},
	}
	for _, other := range others {
		wantUnreadable(t, r, sealed, other)
	}
}

func TestAADUnambiguous(t *testing.T) {
	parts := []string{"", "a", "b", "ab", "\x00", "\x00\x00\x00\x01a"}
	seen := make(map[string]AAD)
	for _, table := range parts {
		for _, column := range parts {
			for _, row := range parts {
				aad := AAD{Table: table, Column: column, Row: row}
				text := string(aad.after([]byte("header")))
				if other, ok := seen[text]; ok {
					t.Errorf("%q and %q are encoded alike", aad, other)
				}
				seen[text] = aad
			}
		}
	}
}

func wantUnreadable(t *testing.T, r *Ring, sealed []byte, aad AAD) {
	t.Helper()
	plain, err := r.Open(sealed, aad)
	if err != ErrUnreadable || plain != nil {
		t.Errorf("Open(%x, %+v) = %q, %v; want ErrUnreadable", sealed, aad, plain, err)
	}
}

// FuzzOpen knows one value that opens; nobody can make another.
func FuzzOpen(f *testing.F) {
	golden := unhex(f, goldenBox)
	f.Add(golden, "r1")
	f.Add(golden, "r2")
	f.Add(golden[:headerSize], "r1")
	f.Add([]byte{boxVersion, 255}, "")
	f.Add([]byte(nil), "")
	r := testRing(2)
	f.Fuzz(func(t *testing.T, sealed []byte, row string) {
		aad := place
		aad.Row = row
		plain, err := r.Open(sealed, aad)
		if bytes.Equal(sealed, golden) && row == "r1" {
			if err != nil || string(plain) != "a secret" {
				t.Errorf("opened %q, %v", plain, err)
			}
		} else if err != ErrUnreadable || plain != nil {
			t.Errorf("Open(%x) = %q, %v; want ErrUnreadable", sealed, plain, err)
		}
	})
}
