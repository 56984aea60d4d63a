package weak_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"portal"
	"portal/internal/weak"
)

// has asks a list that can be read.
func has(t *testing.T, l *weak.List, text string) bool {
	t.Helper()
	found, err := l.Has(text)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// The list is searched by halving, so it has to be sorted and folded; every
// line is found, and nothing between two lines.
func TestBundledListIsSearchedWhole(t *testing.T) {
	text, err := os.ReadFile("passwords.txt")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	if len(lines) < 40_000 || !slices.IsSorted(lines) {
		t.Fatalf("%d lines, sorted: %v", len(lines), slices.IsSorted(lines))
	}
	for _, line := range lines {
		if !has(t, nil, line) {
			t.Errorf("%q is not found", line)
		}
		if portal.FoldKey(line) != line {
			t.Errorf("%q is not folded", line)
		}
		if has(t, nil, line+"\n") || has(t, nil, line+"\x01") {
			t.Errorf("something behind %q is found", line)
		}
	}
}

func TestWeakWithoutAList(t *testing.T) {
	for text, weakly := range map[string]bool{
		"": false, "\n": false, "ab": false, "vqkzmwtjxhbpdgf": false, "739201846502847": false, "correct horse battery": false,
		"password": true, "qwertyuiopasdfgh": true, "mnbvcxzlkjhgfds": true, "123456789012345": true, "098765432109876": true,
		"abcdefghijklmno": true, "xyzabc": true, "1q2w3e4r5t6y7u8i": true, "aaaaaaaaaaaaaaa": true, "🙂🙂🙂": true, "aaaaaaaaaaaaaab": false,
	} {
		if got := has(t, nil, text); got != weakly {
			t.Errorf("%q: %v", text, got)
		}
	}
}

// listOf is a list with a file of these lines.
func listOf(t *testing.T, text string) *weak.List {
	t.Helper()
	path := filepath.Join(t.TempDir(), "weak.txt")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return weak.With(path, portal.FoldKey)
}

func TestAddedList(t *testing.T) {
	l := listOf(t, "Winter Is Coming 1\r\nzo\u0308e likes tea\n\nzo\u0308e likes tea\nno line end")
	if err := l.Load(); err != nil {
		t.Fatal(err)
	}
	for text, listed := range map[string]bool{
		"winter is coming 1": true, "zöe likes tea": true, "no line end": true, "password": true,
		"winter is coming": false, "coming 1": false, "": true, "winter is coming 1 ": false,
	} {
		if got := has(t, l, text); got != listed {
			t.Errorf("%q: %v", text, got)
		}
	}
}

// Where the operator's list cannot be read nothing passes unchecked.
func TestBrokenListIsAnError(t *testing.T) {
	for what, l := range map[string]*weak.List{
		"missing":  weak.With(filepath.Join(t.TempDir(), "none.txt"), portal.FoldKey),
		"no lines": listOf(t, "fine\n"+strings.Repeat("x", 5000)),
	} {
		if l.Load() == nil {
			t.Errorf("%s: it loads", what)
		}
		if _, err := l.Has("a password that nobody has"); err == nil {
			t.Errorf("%s: it answers", what)
		}
		if !has(t, l, "password") {
			t.Errorf("%s: the bundled list is gone", what)
		}
	}
}
