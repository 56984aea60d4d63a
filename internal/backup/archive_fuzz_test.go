package backup

import (
	"archive/tar"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"portal/internal/seal"
	"portal/internal/store"
)

const held = "what the database holds"

// FuzzArchive changes a backup in any way: either it is what was made, or it is
// refused.
func FuzzArchive(f *testing.F) {
	ring, made := aBackup(f)
	f.Add(made)
	for _, cut := range []int{0, blockSize, blockSize + len(held), 2 * blockSize, 3 * blockSize, len(made) - 1} {
		f.Add(made[:cut])
	}
	f.Add(append([]byte(held), made...))
	f.Add(sparse(made))
	f.Fuzz(func(t *testing.T, text []byte) {
		b := &Backup{}
		if b.hold(bytes.NewReader(text), ring) != nil {
			return
		}
		b.path = filepath.Join(t.TempDir(), "backup")
		if err := os.WriteFile(b.path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		var fed bytes.Buffer
		if err := b.feed(&fed); err != nil || fed.String() != held {
			t.Fatalf("%q feeds %q, %v", text, fed.Bytes(), err)
		}
	})
}

// FuzzManifest changes what a backup says of itself: it is believed only where
// it says what was marked.
func FuzzManifest(f *testing.F) {
	ring, made := aBackup(f)
	text := made[bytes.Index(made, []byte("{\n")):]
	text = text[:bytes.LastIndexByte(text, '}')+1]
	marked, err := manifestOf(text, ring)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(compact(text)))
	f.Add(bytes.Replace(text, []byte(`"size": 23`), []byte(`"size": 24`), 1))
	for _, s := range []string{"", "{}", "null", `{"manifest":null}`, `{"manifest":{},"key":"k-00000000","mark":""}`, `{"manifest":[`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := manifestOf(text, ring)
		if err != nil {
			return
		}
		if string(mustJSON(t, m)) != string(mustJSON(t, marked)) {
			t.Fatalf("%q is believed: %v", text, m)
		}
	})
}

// aBackup makes one with a ring of its own.
func aBackup(t testing.TB) (*seal.Ring, []byte) {
	ring, at := seal.NewRing(time.Unix(1, 0)), time.Unix(2, 0).UTC()
	path := filepath.Join(t.TempDir(), "made")
	a, err := newArchive(path, entryOf("sqlite"), at)
	if err == nil {
		_, err = a.Write([]byte(held))
	}
	if err != nil {
		t.Fatal(err)
	}
	m := Manifest{
		Format: manifestFormat, Program: "1.0", MadeAt: at, Content: store.Content{Database: "sqlite", Rows: map[string]int64{"users": 1}},
		Size: a.size, SHA256: hex.EncodeToString(a.sum.Sum(nil)),
	}
	if err := a.finish(m, ring); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return ring, text
}

func mustJSON(t testing.TB, v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// sparse is a backup of a kilobyte that claims to be without end.
func sparse(made []byte) []byte {
	head := slices.Clone(made[:blockSize])
	head[156] = tar.TypeGNUSparse
	copy(head[386:], "000000000000000000000000")                         // the first data: none
	copy(head[483:], "\x80\x00\x00\x00\x3f\xff\xff\xff\xff\xff\xff\xff") // the size, in binary
	copy(head[124:], "00000000000\x00")
	copy(head[148:], "        ")
	sum := 0
	for _, b := range head {
		sum += int(b)
	}
	copy(head[148:], fmt.Sprintf("%06o\x00 ", sum))
	return append(head, made[blockSize:]...)
}
