package seal

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestNewRing(t *testing.T) {
	one, two := NewRing(birth), NewRing(birth)
	if ids := one.KeyIDs(); len(ids) != 1 || ids[0] != one.WriteKeyID() {
		t.Errorf("ids %v, write key %s", ids, one.WriteKeyID())
	}
	if id := one.WriteKeyID(); !regexp.MustCompile(`^k-[0-9a-f]{8}$`).MatchString(id) {
		t.Errorf("id %q", id)
	}
	if bytes.Equal(one.now().keys[0].secret, two.now().keys[0].secret) || one.WriteKeyID() == two.WriteKeyID() {
		t.Error("two new rings are alike")
	}
	if len(one.now().keys[0].secret) != secretSize {
		t.Errorf("secret of %d bytes", len(one.now().keys[0].secret))
	}
}

func TestRingKeys(t *testing.T) {
	r := testRing(3)
	if want := []string{"k-00000001", "k-00000002", "k-00000003"}; !slices.Equal(r.KeyIDs(), want) {
		t.Errorf("KeyIDs = %v, want %v", r.KeyIDs(), want)
	}
	if r.WriteKeyID() != "k-00000003" {
		t.Errorf("WriteKeyID = %s, want the last", r.WriteKeyID())
	}
	r.KeyIDs()[0] = "changed"
	if r.KeyIDs()[0] != "k-00000001" {
		t.Error("a caller can change the ring")
	}
}

// TestDerived pins the derived keys. The values come from Python's hmac and
// cryptography.HKDF; a change would make stored values unreadable.
func TestDerived(t *testing.T) {
	r := testRing(1)
	tests := []struct {
		name string
		got  []byte
		want string
	}{
		{"check value", r.CheckValue("k-00000001"), "b81f6da2e36cc1e492da0e7a8cc511776ea2df109b6a59c36e5598ce0262e093"},
		{"recovery digest", first(r.RecoveryDigest("user-1", strings.Repeat("A", 25))), "588f91907c957003345e483caa1cd9204ba4883bb12fe4b86b1d9aa054daff05"},
		{"unknown name", unhex(t, r.UnknownName("nobody")), "4c8ffa7ca5a15f4d8a4d04e8e690c5dc"},
	}
	for _, test := range tests {
		if !bytes.Equal(test.got, unhex(t, test.want)) {
			t.Errorf("%s = %x, want %s", test.name, test.got, test.want)
		}
	}
}

// TestPurposesApart sees that no two keys of a ring are equal (CR-07).
func TestPurposesApart(t *testing.T) {
	seen := make(map[string]string)
	for _, k := range testRing(3).now().keys {
		derived := map[string][]byte{
			"secret": k.secret, "recovery": k.recovery, "unknown": k.unknown, "check": k.check,
			"box": derive(k.secret, purposeTOTPSecret, k.id), "letters": derive(k.secret, purposeLetter, k.id), "audit": k.audit, "backup": k.backup,
		}
		for name, value := range derived {
			name = k.id + " " + name
			if other, ok := seen[string(value)]; ok {
				t.Errorf("%s equals %s", name, other)
			}
			if len(value) != 32 {
				t.Errorf("%s has %d bytes", name, len(value))
			}
			seen[string(value)] = name
		}
	}
}

func TestCheckValue(t *testing.T) {
	r := testRing(2)
	if bytes.Equal(r.CheckValue("k-00000001"), r.CheckValue("k-00000002")) {
		t.Error("two keys have one check value")
	}
	for _, id := range []string{"", "k-00000003", "K-00000001"} {
		if got := r.CheckValue(id); got != nil {
			t.Errorf("CheckValue(%q) = %x, want nil", id, got)
		}
	}
	// The same id with another secret, as after a mix-up of files.
	mixed := newRing([]key{newKey("k-00000001", birth, make([]byte, secretSize))})
	if bytes.Equal(r.CheckValue("k-00000001"), mixed.CheckValue("k-00000001")) {
		t.Error("another secret has the same check value")
	}
}

func TestRingPrintsNoSecret(t *testing.T) {
	r := testRing(2)
	holder := struct{ Ring *Ring }{r}
	secret := r.now().keys[0].secret
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, value := range []any{r, holder} {
			text := fmt.Sprintf(verb, value)
			for _, leak := range []string{
				base64.StdEncoding.EncodeToString(secret), fmt.Sprintf("%x", secret), "1 2 3 4 5", "0x1, 0x2", string(secret),
			} {
				if strings.Contains(text, leak) {
					t.Errorf("%s of %T prints a secret: %s", verb, value, text)
				}
			}
		}
	}
	if got, want := fmt.Sprint(r), "key ring (2 keys, writes with k-00000002)"; got != want {
		t.Errorf("prints %q, want %q", got, want)
	}
	if got := fmt.Sprintf("%+v", (*Ring)(nil)); got != "key ring (empty)" {
		t.Errorf("nil ring prints %q", got)
	}
}

func TestNewRingDate(t *testing.T) {
	zone := time.FixedZone("", 2*60*60)
	r := NewRing(birth.Add(999 * time.Millisecond).In(zone))
	if got := r.now().keys[0].created; !got.Equal(birth) || got.Location() != time.UTC {
		t.Errorf("created %v, want %v", got, birth)
	}
}

// first leaves the key's id out.
func first(sum []byte, _ string) []byte { return sum }

// A ring that grows goes on writing with the same key until it is told to
// write with another; a ring without a key reads what is left.
func TestRingGrowsAndShrinks(t *testing.T) {
	old := testRing(1)
	grown := old.Grown(birth)
	if ids := grown.KeyIDs(); len(ids) != 2 || ids[0] != "k-00000001" || grown.WriteKeyID() != "k-00000001" {
		t.Fatalf("grown: %v", grown)
	}
	next := grown.KeyIDs()[1]
	if grown.WriteWith("k-0000ffff") || grown.WriteKeyID() != "k-00000001" {
		t.Errorf("writes with a key that it lacks: %v", grown)
	}
	sealed := grown.Seal([]byte("x"), place)
	if !grown.WriteWith(next) || SealedUnder(grown.Seal([]byte("x"), place)) != next {
		t.Errorf("does not write with %s: %v", next, grown)
	}
	if kept := grown.Without(next); !slices.Equal(kept.KeyIDs(), grown.KeyIDs()) {
		t.Errorf("the write key went: %v", kept)
	}
	rest := grown.Without("k-00000001")
	if !slices.Equal(rest.KeyIDs(), []string{next}) || rest.WriteKeyID() != next {
		t.Errorf("without the old key: %v", rest)
	}
	if _, err := grown.Open(sealed, place); err != nil {
		t.Errorf("the other ring changed too: %v", err)
	}
	old.Adopt(grown)
	if !old.Same(grown) || old.WriteKeyID() != next || old.Same(rest) {
		t.Errorf("adopted %v", old)
	}
}

// Goroutines that seal and open while the ring changes never miss a key.
func TestRingChangesUnderUse(t *testing.T) {
	r := testRing(1)
	grown := r.Grown(birth)
	grown.WriteWith(grown.KeyIDs()[1])
	code := strings.Repeat("A", recoverySize)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 200 {
				if _, err := r.Open(r.Seal([]byte("x"), place), place); err != nil {
					t.Error(err)
				}
				sum, key := r.RecoveryDigest("u", code)
				if !slices.ContainsFunc(r.RecoveryDigests("u", code), func(d []byte) bool { return bytes.Equal(d, sum) }) {
					t.Errorf("the digest under %s is not among all", key)
				}
			}
		})
	}
	r.Adopt(grown)
	r.WriteWith("k-00000001")
	all.Wait()
}
