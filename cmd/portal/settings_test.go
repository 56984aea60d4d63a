package main

import (
	"strings"
	"testing"
)

// A base URL is an origin of the web that a browser can be sent to, encrypted
// unless it is on this machine.
func FuzzParseBase(f *testing.F) {
	for _, text := range []string{
		"https://portal.example.com", "https://portal.example.com/", "http://localhost:8080", "http://[::1]:1", "https://Portal.Example.com:443", "http://127.0.0.1.example.com",
		"https://u@h", "https://h/p", "https://h?q", "https://h#f", "javascript://h", "https://", "https://h//", "https://a b", "https://h;x", "https://ä.example", "https://h:port", "https://h:", "https://h:0443", "https://[::0001]", "https://[fe80::1%25eth0]", "https://h\"x", "https://?", "https:h",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		u, err := parseBase(text)
		if err != nil {
			return
		}
		origin := u.String()
		again, err := parseBase(origin)
		if err != nil || again.String() != origin || u.Scheme != "https" && !isLoopback(u.Hostname()) {
			t.Fatalf("%q becomes %q, and that %v (%v)", text, origin, again, err)
		}
		if strings.ContainsAny(origin, " \"'<>;,*()\\%@?#ä") || strings.Count(origin, "/") != 2 {
			t.Fatalf("%q becomes %q", text, origin)
		}
	})
}
