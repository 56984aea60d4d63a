package telemetry

import (
	"net"
	"strings"
	"testing"

	"golang.org/x/net/http/httpguts"
)

// No address of a collector leads off this machine in clear, and none carries
// a password.
func FuzzParseEndpoint(f *testing.F) {
	for _, text := range []string{
		"https://collector.example.com:4318", "http://127.0.0.1:4318/", "http://[::1]", "http://localhost:1/base", "http://127.0.0.1.example.com", "HTTP://u:p@h", "https://h?q", "http://[::ffff:127.0.0.1]", "//h", "https:",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		u, err := ParseEndpoint(text)
		if err != nil {
			return
		}
		ip := net.ParseIP(u.Hostname())
		near := u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
		if u.User != nil || u.Scheme != "https" && (u.Scheme != "http" || !near) || !strings.HasSuffix(u.Path, "v1/traces") {
			t.Fatalf("%q leads to %s", text, u)
		}
	})
}

// What is read as headers can be sent as headers, and what is refused stays out
// of the error.
func FuzzParseHeaders(f *testing.F) {
	for _, text := range []string{"", "a=b", "authorization=Bearer%20s3cr3t, x=y", "a", "=b", "a=%zz", "a=%0d%0aX:%20y", "a b=c", "ä=ö", "a=b,,c=d"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		headers, err := ParseHeaders(text)
		if err != nil {
			if len(err.Error()) > 100 {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		for name, values := range headers {
			if !httpguts.ValidHeaderFieldName(name) || len(values) != 1 || !httpguts.ValidHeaderFieldValue(values[0]) {
				t.Fatalf("%q gives %q: %q", text, name, values)
			}
		}
	})
}
