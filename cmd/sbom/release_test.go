package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// maxSize is what the program may weigh.
const maxSize = 28 << 20

// root is the folder of the project.
const root = "../.."

// A release is the same twice: built from the same source in two folders the
// program has the same bytes. It says what it is, is not too big, and its bill
// of materials names every module in it (CF-07).
func TestRelease(t *testing.T) {
	t.Parallel()
	elsewhere := t.TempDir()
	copySource(t, elsewhere)
	programs := []string{filepath.Join(t.TempDir(), "portal"), filepath.Join(t.TempDir(), "portal")}
	var both sync.WaitGroup
	for i, folder := range []string{root, elsewhere} {
		both.Go(func() { build(t, folder, programs[i]) })
	}
	both.Wait()
	if t.Failed() {
		return
	}
	if a, b := read(t, programs[0]), read(t, programs[1]); sha256.Sum256(a) != sha256.Sum256(b) {
		t.Errorf("the same source gave %d and %d bytes that differ", len(a), len(b))
	} else if len(a) > maxSize {
		t.Errorf("the program has %d bytes, %d are allowed", len(a), maxSize)
	}
	said := output(t, exec.Command(programs[0], "--version"))
	if want := regexp.MustCompile(`^portal 1\.2\.3 \(commit 0123abcd, go1\.\S+, linux/\w+\)\n$`); !want.MatchString(said) {
		t.Errorf("portal --version says %q", said)
	}
	wantBill(t, programs[0])
}

// build builds the portal from the source in a folder, as make build does. The
// race detector, which the tests around may be built with, is not shipped.
func build(t *testing.T, folder, out string) {
	cmd := exec.Command("scripts/build.sh", out)
	cmd.Dir = folder
	flags := strings.ReplaceAll(os.Getenv("GOFLAGS"), "-race", "")
	cmd.Env = append(os.Environ(), "VERSION=1.2.3", "COMMIT=0123abcd", "GOFLAGS="+flags)
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s", folder, err, text)
	}
}

// copySource copies what the program is built from.
func copySource(t *testing.T, to string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		name, _ := filepath.Rel(root, path)
		switch {
		case err != nil:
			return err
		case entry.IsDir() && name != "." && (strings.HasPrefix(entry.Name(), ".") || slices.Contains([]string{"node_modules", "dist", "portal-data"}, entry.Name())):
			return filepath.SkipDir
		case entry.IsDir():
			return os.MkdirAll(filepath.Join(to, name), 0o700)
		case !entry.Type().IsRegular() || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, name), text, 0o700) // #nosec G306 -- scripts among them
	})
	if err != nil {
		t.Fatal(err)
	}
}

// wantBill holds the bill of a program against what Go says is in it.
func wantBill(t *testing.T, program string) {
	t.Helper()
	var first, second bytes.Buffer
	for _, out := range []*bytes.Buffer{&first, &second} {
		if err := run([]string{"--version", "1.2.3", "--commit", "0123abcd", program}, out); err != nil {
			t.Fatal(err)
		}
	}
	if first.String() != second.String() {
		t.Error("the same program gave two bills that differ")
	}
	var b bill
	if err := json.Unmarshal(first.Bytes(), &b); err != nil {
		t.Fatal(err)
	}
	listed := map[string]component{}
	for _, c := range b.Components {
		listed[c.PURL] = c
		if len(c.Licenses) != 1 || c.Licenses[0].License.ID == "" {
			t.Errorf("%s has no licence", c.Name)
		}
	}
	modules := regexp.MustCompile(`(?m)^\tdep\t(\S+)\t(\S+)`).FindAllStringSubmatch(output(t, exec.Command("go", "version", "-m", program)), -1)
	if len(modules) < 10 || len(listed) != len(modules)+2 { // Go's own library, and the passwords
		t.Errorf("%d modules are in the program, the bill lists %d parts", len(modules), len(listed))
	}
	for _, m := range modules {
		c := listed["pkg:golang/"+m[1]+"@"+m[2]]
		if len(c.Properties) != 2 || !regexp.MustCompile(`^20\d\d-`).MatchString(c.Properties[0].Value) {
			t.Errorf("of %s the bill says %+v", m[1], c)
		}
	}
}

// The bill names the very package that the weak passwords were made from.
func TestBillNamesTheWeakPasswords(t *testing.T) {
	t.Parallel()
	script := string(read(t, filepath.Join(root, "scripts", "weak-passwords.sh")))
	for _, line := range []string{"package=" + weakPasswords.name + "\n", "version=" + weakPasswords.version + "\n"} {
		if !strings.Contains(script, line) {
			t.Errorf("scripts/weak-passwords.sh does not have the line %q", line)
		}
	}
}

// A licence that nobody has looked at ends the making of the bill.
func TestLicences(t *testing.T) {
	t.Parallel()
	if _, err := licenceOf("You may do what we say"); err == nil || !strings.Contains(err.Error(), "none that we know") {
		t.Errorf("an unknown licence: %v", err)
	}
	if _, err := licenceIn(t.TempDir()); err == nil || !strings.Contains(err.Error(), "no licence") {
		t.Errorf("no licence: %v", err)
	}
	if id, err := licenceOf("Permission is hereby granted, free of\n  charge, to any person obtaining a copy of"); id != "MIT" || err != nil {
		t.Errorf("MIT is taken for %q, %v", id, err)
	}
	if err := run(nil, &bytes.Buffer{}); err == nil {
		t.Error("a bill of nothing")
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func output(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v", cmd, err)
	}
	return string(out)
}
