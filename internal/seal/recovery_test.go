package seal

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
)

func TestNewRecoveryCode(t *testing.T) {
	shape := regexp.MustCompile(`^([A-Z2-7]{5}-){4}[A-Z2-7]{5}$`)
	seen := make(map[string]bool)
	for range 1000 {
		code := NewRecoveryCode()
		if !shape.MatchString(code) || seen[code] {
			t.Fatalf("code %q: wrong shape or not unique", code)
		}
		seen[code] = true
		canonical, ok := ParseRecoveryCode(code)
		if !ok || canonical != strings.ReplaceAll(code, "-", "") {
			t.Fatalf("ParseRecoveryCode(%q) = %q, %v", code, canonical, ok)
		}
	}
}

// TestRecoveryEntropy sees all 32 letters at each of the 25 places, equally
// often: 25 times 5 bits. With 3,200 codes each count is 100 ± 9.8; 31 to 169
// is seven deviations off.
func TestRecoveryEntropy(t *testing.T) {
	var counts [recoverySize][256]int
	for range 3200 {
		canonical, _ := ParseRecoveryCode(NewRecoveryCode())
		for i := range len(canonical) {
			counts[i][canonical[i]]++
		}
	}
	for place := range counts {
		for _, letter := range recoveryAlphabet {
			if n := counts[place][letter]; n < 31 || n > 169 {
				t.Errorf("%c stands %d times at place %d, want about 100", letter, n, place)
			}
		}
	}
}

func TestParseRecoveryCode(t *testing.T) {
	want := "ABCDEFGHIJKLMNOPQRSTUVW27"
	for _, s := range []string{
		want, strings.ToLower(want), "ABCDE-FGHIJ-KLMNO-PQRST-UVW27", "abcde fghij klmno pqrst uvw27",
		" -abcde--FGHIJ - klmnopqrst-UVw27- ",
	} {
		if got, ok := ParseRecoveryCode(s); !ok || got != want {
			t.Errorf("ParseRecoveryCode(%q) = %q, %v", s, got, ok)
		}
	}
	for _, s := range []string{
		"", "-", "123456", "123 456", want[1:], want + "A", want[1:] + "0", want[1:] + "1", want[1:] + "8",
		want[1:] + "9", want[1:] + "=", want[1:] + "\t", want + "\n", want + "\x00", want[1:] + "_",
		want[1:] + "@", want[1:] + "[", want[1:] + "`", want[1:] + "{", want[:24] + "ſ", want[:24] + "\u212a",
		want + "\u00a0", want[:5] + "–" + want[5:], want[:24] + "Ａ", want[:24] + "ı",
	} {
		if got, ok := ParseRecoveryCode(s); ok || got != "" {
			t.Errorf("ParseRecoveryCode(%q) = %q, %v; want it refused", s, got, ok)
		}
	}
}

func TestRecoveryDigests(t *testing.T) {
	code := strings.Repeat("A", recoverySize)
	one, three := testRing(1), testRing(3)
	digests := three.RecoveryDigests("u1", code)
	if len(digests) != 3 {
		t.Fatalf("%d digests, want 3", len(digests))
	}
	if !bytes.Equal(digests[0], first(three.RecoveryDigest("u1", code))) {
		t.Error("the write key's digest is not first")
	}
	if !bytes.Equal(digests[2], first(one.RecoveryDigest("u1", code))) {
		t.Error("the oldest key's digest is not last")
	}
}

func TestRecoveryDigestBinds(t *testing.T) {
	r := testRing(1)
	code := strings.Repeat("A", recoverySize)
	seen := make(map[string]bool)
	for _, in := range [][2]string{{"u1", code}, {"u2", code}, {"u1", "B" + code[1:]}, {"u1A", code[1:]}, {"u", "1" + code}} {
		digest := string(first(r.RecoveryDigest(in[0], in[1])))
		if len(digest) != 32 || seen[digest] {
			t.Errorf("%q: digest of %d bytes, or not its own", in, len(digest))
		}
		seen[digest] = true
	}
}

func TestUnknownName(t *testing.T) {
	one, three := testRing(1), testRing(3)
	name := one.UnknownName("nobody")
	if len(name) != 32 || name != three.UnknownName("nobody") {
		t.Errorf("name %q is not stable over added keys", name)
	}
	if name == one.UnknownName("nobody2") || name == NewRing(birth).UnknownName("nobody") {
		t.Error("another login or ring has the same name")
	}
}

func FuzzParseRecoveryCode(f *testing.F) {
	for _, s := range []string{"ABCDE-FGHIJ-KLMNO-PQRST-UVW27", "abcde fghij klmno pqrst uvw27", "123456", "ſ", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		canonical, ok := ParseRecoveryCode(s)
		if !ok {
			if canonical != "" {
				t.Errorf("refused, yet returned %q", canonical)
			}
			return
		}
		if len(canonical) != recoverySize || strings.Trim(canonical, recoveryAlphabet) != "" {
			t.Errorf("ParseRecoveryCode(%q) = %q", s, canonical)
		}
		if again, ok := ParseRecoveryCode(strings.ToLower(canonical)); !ok || again != canonical {
			t.Errorf("not stable: %q, then %q, %v", canonical, again, ok)
		}
		typed := strings.NewReplacer(" ", "", "-", "").Replace(s)
		if strings.ToUpper(typed) != canonical {
			t.Errorf("ParseRecoveryCode(%q) = %q", s, canonical)
		}
	})
}
