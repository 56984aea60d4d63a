package web

import (
	"maps"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"portal"
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

// What an address of the audit page asks for is a page of the trail and days in
// order, or it is refused with a message for the person.
func FuzzEventQuery(f *testing.F) {
	for _, raw := range []string{"", "before=7", "before=0", "before=-1", "before=9223372036854775808", "from=2026-11-03&until=2026-11-03", "from=1969-12-31", "until=9999-12-31", "from=2026-02-30", "kind=signed+in", "kind=x", "person=wendy"} {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		form, err := parseFields(raw)
		if err != nil {
			return
		}
		q, err := eventQuery(form)
		if err != nil {
			if code := portal.ErrorCode(err); code != portal.CodeInvalid && code != portal.CodeMalformed {
				t.Fatalf("%q: %v", raw, err)
			}
			return
		}
		if q.Before < 0 || !q.Until.IsZero() && !q.Until.After(q.From) || q.Action != "" && !slices.Contains(portal.Actions(), q.Action) {
			t.Fatalf("%q asks for %+v", raw, q)
		}
		if !q.Until.IsZero() && q.Until.UnixMicro() < 0 {
			t.Fatalf("%q ends at %d", raw, q.Until.UnixMicro())
		}
	})
}

// No name of proxies trusts everybody.
func FuzzParseProxies(f *testing.F) {
	for _, name := range []string{"10.0.0.7", "10.0.0.0/24", "0.0.0.0/0", "::/0", "::ffff:0:0/96", "::ffff:10.0.0.7", "fe80::1%eth0", "10.0.0.0/33", "010.0.0.1", "::1/128"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		all, err := ParseProxies([]string{name})
		if err != nil {
			return
		}
		if strangers := proxies(all); strangers.trust(netip.MustParseAddr("198.51.100.1")) && strangers.trust(netip.MustParseAddr("64.0.0.1")) {
			t.Fatalf("%q trusts everybody", name)
		}
	})
}
