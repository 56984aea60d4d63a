package testkit

import (
	"bytes"
	"image"
	"image/png"
	"strings"
	"testing"
	"time"

	"rsc.io/qr"
)

// The secret and codes of RFC 6238, appendix B, cut to six digits.
func TestOathCode(t *testing.T) {
	const secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
	for at, want := range map[int64]string{59: "287082", 1111111109: "081804", 20000000000: "353130"} {
		if got := OathCode(t, secret, time.Unix(at, 0)); got != want {
			t.Errorf("at %d: got %q, want %q", at, got, want)
		}
	}
}

func TestOathCodeFailsOnABadSecret(t *testing.T) {
	message := fatal(t, func(t testing.TB) { OathCode(t, "not base32!", time.Unix(0, 0)) })
	if !strings.Contains(message, "oathtool") {
		t.Errorf("got %q", message)
	}
}

func TestReadQR(t *testing.T) {
	const text = "otpauth://totp/Portal%20Example:ada?secret=GEZDGNBVGY3TQOJQ&issuer=Portal%20Example"
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		t.Fatal(err)
	}
	if got := ReadQR(t, code.PNG()); got != text {
		t.Errorf("got %q, want %q", got, text)
	}
}

func TestReadQRFailsWithoutACode(t *testing.T) {
	var blank bytes.Buffer
	if err := png.Encode(&blank, image.NewGray(image.Rect(0, 0, 100, 100))); err != nil {
		t.Fatal(err)
	}
	if message := fatal(t, func(t testing.TB) { ReadQR(t, blank.Bytes()) }); !strings.Contains(message, "zbarimg") {
		t.Errorf("got %q", message)
	}
}

func TestAMissingProgramFails(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	message := fatal(t, func(t testing.TB) { OathCode(t, "GEZDGNBVGY3TQOJQ", time.Unix(0, 0)) })
	if !strings.Contains(message, "make test installs it") {
		t.Errorf("got %q", message)
	}
}
