package testkit

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// OathCode returns the code that a user's phone shows at a time. It asks
// oathtool, an implementation of RFC 6238 that is not ours, so a test that
// passes with it says something about real authenticators.
func OathCode(t testing.TB, base32Secret string, at time.Time) string {
	t.Helper()
	return run(t, "oathtool", "--totp", "--base32", fmt.Sprintf("--now=@%d", at.Unix()), "--", base32Secret)
}

// ReadQR returns the text of the one QR code in a picture, read by zbarimg as
// a camera would.
func ReadQR(t testing.TB, png []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "qr.png")
	if err := os.WriteFile(file, png, 0o600); err != nil {
		t.Fatalf("writing the picture: %v", err)
	}
	text := run(t, "zbarimg", "--quiet", "--raw", "--nodbus", "-Sdisable", "-Sqrcode.enable", file)
	if strings.Contains(text, "\n") {
		t.Fatalf("more than one QR code: %q", text)
	}
	return text
}

// run runs a program, for ten seconds at most, and returns what it prints, less
// the last line's end.
func run(t testing.TB, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, name, args...).Output()
	if err != nil {
		t.Fatalf("%s: %v%s (make test installs it)", name, err, stderr(err))
	}
	return strings.TrimSuffix(string(out), "\n")
}

// stderr returns what a failed program said, after a colon.
func stderr(err error) string {
	if exit, ok := err.(*exec.ExitError); ok && len(exit.Stderr) > 0 {
		return ": " + strings.TrimSpace(string(exit.Stderr))
	}
	return ""
}
