package seal

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"
)

func TestTokens(t *testing.T) {
	seen := make(map[string]bool)
	for range 1000 {
		token := NewToken()
		digest, ok := TokenDigest(token)
		if !ok || len(token) != tokenSize || len(digest) != 32 {
			t.Fatalf("token %q has digest %x, %v", token, digest, ok)
		}
		if mark := TokenMark(token); len(mark) != 16 || seen[mark] || strings.Contains(token, mark) {
			t.Fatalf("token %q has mark %q", token, mark)
		} else {
			seen[mark] = true
		}
		again, _ := TokenDigest(token)
		if !bytes.Equal(digest, again) || seen[token] || seen[string(digest)] {
			t.Fatalf("token %q: unsteady or not unique", token)
		}
		seen[token], seen[string(digest)] = true, true
	}
}

// TestTokenDigestPinned has its value from Python's hashlib.
func TestTokenDigestPinned(t *testing.T) {
	got, ok := TokenDigest(strings.Repeat("A", 43))
	want := unhex(t, "e0b16562d5629bb688edd4a8ecfcc041a49cae73c945e264589c8da789f029e5")
	if !ok || !bytes.Equal(got, want) {
		t.Errorf("digest %x, %v; want %x", got, ok, want)
	}
}

func TestTokenDigestRefuses(t *testing.T) {
	good := strings.Repeat("A", 43)
	for _, token := range []string{
		"", good[1:], good + "A", good + "=", " " + good[1:], good[1:] + " ", good[1:] + "=",
		good[1:] + "+", good[1:] + "/", good[1:] + "\n", "\r\n" + good[2:], good[1:] + "B", // B leaves bits over
		good[1:] + "\x00", good[2:] + "é", good[:20] + "." + good[21:],
	} {
		if digest, ok := TokenDigest(token); ok || digest != nil {
			t.Errorf("TokenDigest(%q) = %x, %v; want it refused", token, digest, ok)
		}
	}
}

// Only what NewToken can have made has a digest, and each token one of its own.
func FuzzTokenDigest(f *testing.F) {
	for _, token := range []string{NewToken(), strings.Repeat("A", 43), strings.Repeat("_", 43), strings.Repeat("A", 42) + "B", "A\n" + strings.Repeat("A", 41)} {
		f.Add(token)
	}
	f.Fuzz(func(t *testing.T, token string) {
		digest, ok := TokenDigest(token)
		if !ok {
			if digest != nil {
				t.Fatalf("%q: a digest without a token", token)
			}
			return
		}
		random, err := base64.RawURLEncoding.DecodeString(token)
		if err != nil || len(random) != 32 || base64.RawURLEncoding.EncodeToString(random) != token || len(digest) != 32 {
			t.Fatalf("%q is taken for a token: %v", token, err)
		}
	})
}
