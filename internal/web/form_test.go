package web

import (
	"maps"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestParseFields(t *testing.T) {
	for raw, want := range map[string]fields{
		"":                         {},
		"a=b":                      {"a": "b"},
		"a=b&c=d+e":                {"a": "b", "c": "d e"},
		"a=":                       {"a": ""},
		"a":                        {"a": ""},
		"a=%C3%B8":                 {"a": "ø"},
		"a=+b+":                    {"a": " b "},
		"password=%26%3D%2B%25":    {"password": "&=+%"},
		"a=%F0%9F%91%A9":           {"a": "👩"},
		"code=123+456&unknown=yes": {"code": "123 456", "unknown": "yes"},
	} {
		if got, err := parseFields(raw); err != nil || !maps.Equal(got, want) {
			t.Errorf("%q: %v, %v", raw, got, err)
		}
	}
	for _, raw := range []string{
		"a=b&a=c", "a=b&a=b", "a&a", "a=%", "a=%zz", "a=%ff", "%ff=a", "a=b;c=d", "a=%00", "a=x%0Ay", "a=x%09y", "a=x%0D",
		"a=%1b%5b", "a=%7f", "a=%C2%85", "a%00=b", "a=\x00", "a=\xff", "a=%ED%A0%80",
	} {
		if got, err := parseFields(raw); err == nil {
			t.Errorf("%q was read as %v", raw, got)
		}
	}
}

// A refused form stays out of the error: it may hold a password.
func TestRefusedFormsAreNotRepeated(t *testing.T) {
	for _, raw := range []string{"password=s3cr3t%zz", "password=s3cr3t&password=s3cr3t", "password=s3cr3t%00"} {
		if _, err := parseFields(raw); err == nil || strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("%q: %v", raw, err)
		}
	}
}

func FuzzParseFields(f *testing.F) {
	for _, seed := range []string{"", "a=b", "login_id=wendy&password=x+y", "a=b&a=c", "a=%C3%B8", "a=%ff", "a=%00", "a;b", "=&=", "%61=%62"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		got, err := parseFields(raw)
		if err != nil {
			return
		}
		again := url.Values{}
		for name, value := range got {
			for _, text := range []string{name, value} {
				if !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
					t.Fatalf("%q gives %q", raw, text)
				}
			}
			again.Set(name, value)
		}
		if back, err := parseFields(again.Encode()); err != nil || !maps.Equal(back, got) {
			t.Fatalf("%q gives %v, and that %v (%v)", raw, got, back, err)
		}
	})
}

// Whatever a proxy or a stranger writes into the forwarding header, the address
// that is recorded is one, and the peer's where the peer has no name.
func FuzzClient(f *testing.F) {
	for _, header := range []string{"198.51.100.7", "1.2.3.4, 10.0.0.9", "2001:db8::1%eth0", "::ffff:10.0.0.1", ",", "nonsense, 10.0.0.1", "10.0.0.1:99", `for="[::1]"`} {
		f.Add(header)
	}
	named, err := ParseProxies([]string{"10.0.0.0/8", "::1"})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, header string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header["X-Forwarded-For"] = []string{header}
		for _, p := range []proxies{nil, named} {
			r.RemoteAddr = "10.0.0.2:1234"
			got := p.client(r)
			address, err := netip.ParseAddr(got)
			if err != nil || address.Zone() != "" || address.Is4In6() {
				t.Fatalf("%q makes the address %q", header, got)
			}
			if p == nil && got != "10.0.0.2" {
				t.Fatalf("an unnamed peer is %q", got)
			}
		}
	})
}
