package seal_test

import (
	"bytes"
	"testing"
	"time"

	"portal/internal/seal"
)

// A mark holds for its parts under the key that made it, and for nothing else.
func TestChainMark(t *testing.T) {
	ring := seal.NewRing(time.Now())
	id, mark := ring.MarkChain("chain", "7")
	if id != ring.WriteKeyID() {
		t.Errorf("marked with %s", id)
	}
	if holds, known := ring.ChainMarkHolds(id, mark, "chain", "7"); !holds || !known {
		t.Error("the mark does not hold")
	}
	for _, parts := range [][]string{{"chain", "8"}, {"chain"}, {"chain7"}, {"chain", "7", ""}, {"", "chain", "7"}} {
		if holds, _ := ring.ChainMarkHolds(id, mark, parts...); holds {
			t.Errorf("the mark holds for %q", parts)
		}
	}
	if holds, known := seal.NewRing(time.Now()).ChainMarkHolds(id, mark, "chain", "7"); holds || known {
		t.Error("the mark holds under another ring")
	}
	if holds, _ := ring.ChainMarkHolds(id, nil, "chain", "7"); holds {
		t.Error("no mark holds")
	}
}

// Fingerprints differ wherever parts do, also where their joint text does not.
func TestFingerprint(t *testing.T) {
	one := seal.Fingerprint("ab", "c")
	for _, parts := range [][]string{{"a", "bc"}, {"abc"}, {"ab", "c", ""}, {"ab", "d"}, nil} {
		if bytes.Equal(one, seal.Fingerprint(parts...)) {
			t.Errorf("%q has the fingerprint of another text", parts)
		}
	}
	if !bytes.Equal(one, seal.Fingerprint("ab", "c")) {
		t.Error("a fingerprint changes")
	}
}
