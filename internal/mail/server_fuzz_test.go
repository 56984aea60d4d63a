package mail

import (
	"strings"
	"testing"
)

// No address of a mail server is read as one that is talked to in clear, unless
// it says so and is on this machine.
func FuzzParseServer(f *testing.F) {
	for _, s := range []string{"smtps://user@mail.example.com:465", "smtp://mail.example.com", "smtp+plain://127.0.0.1:25", "smtp+plain://mail.example.com:25", "smtp://[::1]:587", "smtps://a:b@c", "http://x", "smtp+plain://127.0.0.1.example.com:25"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, address string) {
		s, err := ParseServer(address)
		if err != nil || s.security != plainText {
			return
		}
		if !strings.HasPrefix(strings.ToLower(address), "smtp+plain:") || s.checkPlain() != nil {
			t.Errorf("%q is talked to in clear", address)
		}
	})
}
