package seal

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
)

func TestRingRoundTrip(t *testing.T) {
	for _, r := range []*Ring{NewRing(birth), testRing(3)} {
		path := filepath.Join(t.TempDir(), "keyring.json")
		must(t, r.Create(path))
		loaded, err := LoadRing(path)
		must(t, err)
		if !reflect.DeepEqual(loaded.KeyIDs(), r.KeyIDs()) || loaded.WriteKeyID() != r.WriteKeyID() {
			t.Errorf("loaded %v, want %v", loaded, r)
		}
		if !bytes.Equal(loaded.text(), r.text()) {
			t.Error("the loaded ring writes another file")
		}
		plain, err := loaded.Open(r.Seal([]byte("secret"), place), place)
		if err != nil || string(plain) != "secret" {
			t.Errorf("the loaded ring opens %q, %v", plain, err)
		}
	}
}

func TestRingFileText(t *testing.T) {
	want := `{
  "keys": [
    {
      "id": "k-00000001",
      "created": "2026-08-01T12:00:00Z",
      "secret": "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA="
    }
  ]
}
`
	if got := string(testRing(1).text()); got != want {
		t.Errorf("file is\n%s, want\n%s", got, want)
	}
}

func TestCreateLeavesOneFile(t *testing.T) {
	folder := t.TempDir()
	must(t, testRing(1).Create(filepath.Join(folder, "keyring.json")))
	entries, err := os.ReadDir(folder)
	must(t, err)
	if len(entries) != 1 || entries[0].Name() != "keyring.json" {
		t.Errorf("folder holds %v", entries)
	}
	info, err := entries[0].Info()
	must(t, err)
	if info.Mode() != 0o600 {
		t.Errorf("mode %v, want 0600", info.Mode())
	}
}

func TestCreateNeverOverwrites(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "keyring.json")
	must(t, os.WriteFile(path, []byte("precious"), 0o600))
	if err := testRing(1).Create(path); !errors.Is(err, fs.ErrExist) {
		t.Errorf("error %v, want fs.ErrExist", err)
	}
	if text, _ := os.ReadFile(path); string(text) != "precious" {
		t.Errorf("file is now %q", text)
	}
	dangling := filepath.Join(folder, "dangling")
	must(t, os.Symlink(filepath.Join(folder, "nowhere"), dangling))
	if err := testRing(1).Create(dangling); !errors.Is(err, fs.ErrExist) {
		t.Errorf("dangling link: error %v, want fs.ErrExist", err)
	}
	if names := names(t, folder); !slices.Equal(names, []string{"dangling", "keyring.json"}) {
		t.Errorf("folder holds %v", names)
	}
}

func TestCreateWithoutFolder(t *testing.T) {
	err := testRing(1).Create(filepath.Join(t.TempDir(), "none", "keyring.json"))
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error %v, want fs.ErrNotExist", err)
	}
}

// TestCreateRace sees one of many creators win and its ring stand in the file.
func TestCreateRace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keyring.json")
	rings := make([]*Ring, 8)
	errs := make([]error, len(rings))
	var group sync.WaitGroup
	for i := range rings {
		rings[i] = NewRing(birth)
		group.Go(func() { errs[i] = rings[i].Create(path) })
	}
	group.Wait()

	loaded, err := LoadRing(path)
	must(t, err)
	winners := 0
	for i, err := range errs {
		if err == nil {
			winners++
			if !bytes.Equal(loaded.text(), rings[i].text()) {
				t.Error("the file is not the winner's")
			}
		} else if !errors.Is(err, fs.ErrExist) {
			t.Errorf("loser got %v, want fs.ErrExist", err)
		}
	}
	if winners != 1 {
		t.Errorf("%d winners, want 1", winners)
	}
}

// killFolder tells the test program to be the victim of TestCreateKilled.
const killFolder = "SEAL_TEST_KILL_FOLDER"

func TestMain(m *testing.M) {
	if folder := os.Getenv(killFolder); folder != "" {
		createForever(folder)
	}
	os.Exit(m.Run())
}

func createForever(folder string) {
	for i := 0; ; i++ {
		path := filepath.Join(folder, fmt.Sprintf("%06d.json", i))
		if err := NewRing(birth).Create(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println(path)
	}
}

// TestCreateKilled kills a process in the midst of creating rings, several
// times, and sees only whole files under the names asked for.
func TestCreateKilled(t *testing.T) {
	for round := range 10 {
		folder := t.TempDir()
		promised := killAfter(t, folder, round+1)
		for _, path := range promised {
			if _, err := os.Stat(path); err != nil {
				t.Errorf("created, yet %v", err)
			}
		}
		stray := 0
		for _, name := range names(t, folder) {
			if strings.HasPrefix(name, ".keyring-") {
				stray++
			} else if _, err := LoadRing(filepath.Join(folder, name)); err != nil {
				t.Errorf("after the kill: %v", err)
			}
		}
		if stray > 1 {
			t.Errorf("%d stray files, want one at most", stray)
		}
	}
}

// killAfter starts the victim, kills it (SIGKILL) once it has reported count
// files, and returns all files it has reported.
func killAfter(t *testing.T, folder string, count int) (paths []string) {
	t.Helper()
	victim := exec.Command(os.Args[0])
	victim.Env = append(os.Environ(), killFolder+"="+folder)
	victim.Stderr = os.Stderr
	out, err := victim.StdoutPipe()
	must(t, err)
	must(t, victim.Start())
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		paths = append(paths, lines.Text())
		if len(paths) == count {
			must(t, victim.Process.Kill())
		}
	}
	victim.Wait()
	if len(paths) < count {
		t.Fatalf("the victim made %d files, want %d", len(paths), count)
	}
	return paths
}

func TestLoadRingMode(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keyring.json")
	must(t, testRing(1).Create(path))
	for _, mode := range []fs.FileMode{0o640, 0o604, 0o660, 0o644, 0o620, 0o602, 0o610, 0o601, 0o700, 0o777} {
		must(t, os.Chmod(path, mode))
		if r, err := LoadRing(path); !errors.Is(err, ErrFileMode) || r != nil {
			t.Errorf("mode %04o: %v, %v; want ErrFileMode", mode, r, err)
		}
	}
	for _, mode := range []fs.FileMode{0o600, 0o400} {
		must(t, os.Chmod(path, mode))
		if _, err := LoadRing(path); err != nil {
			t.Errorf("mode %04o: %v", mode, err)
		}
	}
}

func TestLoadRingMissing(t *testing.T) {
	folder := t.TempDir()
	if r, err := LoadRing(filepath.Join(folder, "none")); !errors.Is(err, ErrNoRing) || r != nil {
		t.Errorf("%v, %v; want ErrNoRing", r, err)
	}
	if _, err := LoadRing(folder); err == nil {
		t.Error("a folder was loaded")
	}
}

const goodSecret = "AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA="

func TestLoadRingMalformed(t *testing.T) {
	good := `{"id":"k-00000001","created":"2026-08-01T12:00:00Z","secret":"` + goodSecret + `"}`
	ring := func(key string) string { return `{"keys":[` + key + `]}` }
	edit := func(old, new string) string { return ring(strings.Replace(good, old, new, 1)) }
	tests := []struct{ name, text string }{
		{"empty file", ""}, {"null", "null"}, {"empty object", "{}"}, {"no key", ring("")},
		{"a list", "[" + good + "]"}, {"cut short", ring(good)[:60]},
		{"text behind", ring(good) + "x"}, {"twice", ring(good) + ring(good)},
		{"unknown member", `{"keys":[` + good + `],"more":1}`},
		{"unknown key member", edit(`"id"`, `"x":1,"id"`)},
		{"same id", ring(good + "," + good)}, {"null key", ring("null")},
		{"no id", edit("k-00000001", "")}, {"upper case id", edit("k-00000001", "k-0000000A")},
		{"short id", edit("k-00000001", "k-000001")}, {"long id", edit("k-00000001", "k-0000000001")},
		{"id without prefix", edit("k-00000001", "00000001")}, {"id not hex", edit("k-00000001", "k-0000000g")},
		{"no date", edit("2026-08-01T12:00:00Z", "")}, {"null date", edit(`"2026-08-01T12:00:00Z"`, "null")},
		{"zero date", edit("2026-08-01T12:00:00Z", "0001-01-01T00:00:00Z")},
		{"date only", edit("2026-08-01T12:00:00Z", "2026-08-01")},
		{"no secret", edit(goodSecret, "")}, {"short secret", edit("AQID", "")},
		{"long secret", edit(goodSecret, "AAAA"+goodSecret)}, {"secret not base64", edit("AQ", "!!")},
		{"zero secret", edit(goodSecret, strings.Repeat("A", 43)+"=")},
		{"too large", ring(good) + strings.Repeat(" ", maxPrivateSize)},
	}
	path := filepath.Join(t.TempDir(), "keyring.json")
	for _, test := range tests {
		must(t, os.WriteFile(path, []byte(test.text), 0o600))
		r, err := LoadRing(path)
		if !errors.Is(err, ErrRingMalformed) || r != nil {
			t.Errorf("%s: %v, %v; want ErrRingMalformed", test.name, r, err)
			continue
		}
		if strings.Contains(err.Error(), goodSecret[4:20]) {
			t.Errorf("%s: the error tells the secret: %v", test.name, err)
		}
	}
	must(t, os.WriteFile(path, []byte(ring(good)), 0o600))
	if _, err := LoadRing(path); err != nil {
		t.Errorf("the good file: %v", err)
	}
}

func names(t *testing.T, folder string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	must(t, err)
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

// A ring that takes the place of another one is whole and private, and leaves
// nothing beside it.
func TestRingReplaces(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "keyring.json")
	must(t, testRing(1).Create(path))
	must(t, testRing(2).Replace(path))
	loaded, err := LoadRing(path)
	must(t, err)
	if !loaded.Same(testRing(2)) {
		t.Errorf("loaded %v", loaded)
	}
	entries, err := os.ReadDir(folder)
	must(t, err)
	if len(entries) != 1 {
		t.Errorf("the folder holds %v", entries)
	}
}

// No text of a key ring file is read as something else than it says, and what
// is refused stays out of the error.
func FuzzParseRing(f *testing.F) {
	f.Add([]byte(testRing(2).text()))
	for _, text := range []string{"", "{}", `{"keys":[]}`, `{"keys":[{"id":"k-00000000"}]}`, `{"keys":null} x`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := parseRing(text)
		if err != nil {
			if !errors.Is(err, ErrRingMalformed) || len(err.Error()) > 100 {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		again, err := parseRing(r.text())
		if err != nil || !slices.Equal(again.KeyIDs(), r.KeyIDs()) {
			t.Fatalf("%q becomes %v, %v", text, again, err)
		}
	})
}
