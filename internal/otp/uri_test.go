package otp

import (
	"bytes"
	"encoding/base32"
	"errors"
	"net/url"
	"strings"
	"testing"
	"unicode"
)

func TestURIText(t *testing.T) {
	got := URI("Portal: Acme & Söhne", "anna+test@example.org", []byte("Hello!\xde\xad\xbe\xef"))
	want := "otpauth://totp/Portal%20Acme%20%26%20S%C3%B6hne:anna%2Btest%40example.org" +
		"?secret=JBSWY3DPEHPK3PXP&issuer=Portal%20Acme%20%26%20S%C3%B6hne" +
		"&algorithm=SHA1&digits=6&period=30"
	if got != want {
		t.Errorf("URI =\n%s, want\n%s", got, want)
	}
}

func TestURIParsesBack(t *testing.T) {
	names := []struct{ in, want string }{
		{"Portal", "Portal"}, {"a b", "a b"}, {"  a \t\r\n b  ", "a b"}, {"a:b", "a b"},
		{": :a: :b::", "a b"}, {"a\x00b\x7fc\u0085d", "a b c d"}, {"R&D", "R&D"}, {"a=b", "a=b"},
		{"1+1", "1+1"}, {"100%", "100%"}, {"%41%2", "%41%2"}, {"a/b/../c", "a/b/../c"},
		{"what?", "what?"}, {"#1", "#1"}, {"Müller", "Müller"}, {"名前", "名前"}, {"🔑", "🔑"},
		{`'"<>\`, `'"<>\`}, {"a;b,c@d[e]", "a;b,c@d[e]"}, {"$!*()~_-.", "$!*()~_-."},
		{"a\xffb", "a\ufffdb"}, {"a\u3000b", "a b"}, {"：", "："}, {"", ""},
	}
	secret := NewSecret()
	for _, issuer := range names {
		for _, account := range names {
			uri := URI(issuer.in, account.in, secret)
			want := parsed{issuer.want, account.want, issuer.want, secret}
			checkParsed(t, uri, want)
		}
	}
}

func TestKey(t *testing.T) {
	if got, want := Key([]byte(rfcSecret)), "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ"; got != want {
		t.Errorf("Key = %q, want %q", got, want)
	}
	if got, want := Key([]byte("abc")), "MFRG G"; got != want {
		t.Errorf("Key = %q, want %q", got, want)
	}
}

func FuzzURI(f *testing.F) {
	f.Add("Portal", "anna", []byte(rfcSecret))
	f.Add("a:b", "c d+e%20", []byte{0})
	f.Add("ü名'\"", "\x00\xff?#&=/", []byte(nil))
	f.Fuzz(func(t *testing.T, issuer, account string, secret []byte) {
		uri := URI(issuer, account, secret)
		got, err := splitURI(uri)
		if err != nil {
			t.Fatalf("%s: %v", uri, err)
		}
		checkParsed(t, uri, got)
		if !bytes.Equal(got.secret, secret) || got.issuer != got.query {
			t.Errorf("%s: secret or issuer changed", uri)
		}
		for _, part := range []string{got.issuer, got.account} {
			if strings.ContainsFunc(part, unicode.IsControl) || strings.Contains(part, "  ") {
				t.Errorf("unclean part %q", part)
			}
		}
		if again := URI(got.issuer, got.account, got.secret); again != uri {
			t.Errorf("not stable: %s, then %s", uri, again)
		}
	})
}

// parsed is what an app reads from a key URI.
type parsed struct {
	issuer, account, query string // query is the issuer parameter
	secret                 []byte
}

// checkParsed sees that net/url and the hand-written reader both find want.
func checkParsed(t *testing.T, uri string, want parsed) {
	t.Helper()
	for name, read := range map[string]func(string) (parsed, error){"net/url": readURL, "by hand": splitURI} {
		got, err := read(uri)
		if err != nil {
			t.Errorf("%s: %s: %v", name, uri, err)
			continue
		}
		if got.issuer != want.issuer || got.account != want.account ||
			got.query != want.query || !bytes.Equal(got.secret, want.secret) {
			t.Errorf("%s: %s: got %+v, want %+v", name, uri, got, want)
		}
	}
}

var errURI = errors.New("not a key URI of our profile")

func readURL(uri string) (parsed, error) {
	u, err := url.Parse(uri)
	if err != nil {
		return parsed{}, err
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return parsed{}, err
	}
	if u.Scheme != "otpauth" || u.Host != "totp" || u.Fragment != "" || len(query) != 5 ||
		query.Get("algorithm") != "SHA1" || query.Get("digits") != "6" || query.Get("period") != "30" {
		return parsed{}, errURI
	}
	issuer, account, ok := strings.Cut(strings.TrimPrefix(u.Path, "/"), ":")
	if !ok || strings.Contains(account, ":") {
		return parsed{}, errURI
	}
	secret, err := unbase32(query.Get("secret"))
	return parsed{issuer, account, query.Get("issuer"), secret}, err
}

// splitURI reads a key URI by its letters alone, as a simple app would: it
// knows no "+" for a space, and nothing but %XX may be special.
func splitURI(uri string) (parsed, error) {
	rest, ok := strings.CutPrefix(uri, "otpauth://totp/")
	if !ok {
		return parsed{}, errURI
	}
	path, query, ok := strings.Cut(rest, "?")
	if !ok {
		return parsed{}, errURI
	}
	issuer, account, ok := strings.Cut(path, ":")
	if !ok {
		return parsed{}, errURI
	}
	var texts []string
	for i, pair := range strings.Split(query, "&") {
		name, value, ok := strings.Cut(pair, "=")
		if !ok || i >= 5 || name != []string{"secret", "issuer", "algorithm", "digits", "period"}[i] {
			return parsed{}, errURI
		}
		texts = append(texts, value)
	}
	if len(texts) != 5 || strings.Join(texts[2:], " ") != "SHA1 6 30" {
		return parsed{}, errURI
	}
	secret, err := unbase32(texts[0])
	if err != nil {
		return parsed{}, err
	}
	return unescapeAll(issuer, account, texts[1], secret)
}

func unescapeAll(issuer, account, query string, secret []byte) (parsed, error) {
	var out [3]string
	for i, s := range []string{issuer, account, query} {
		text, err := unescape(s)
		if err != nil {
			return parsed{}, err
		}
		out[i] = text
	}
	return parsed{out[0], out[1], out[2], secret}, nil
}

// unescape undoes %XX and refuses every bare character that RFC 3986 does not
// call unreserved.
func unescape(s string) (string, error) {
	const hex = "0123456789ABCDEF"
	const bare = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
	var out []byte
	for len(s) > 0 {
		if strings.IndexByte(bare, s[0]) >= 0 {
			out, s = append(out, s[0]), s[1:]
			continue
		}
		if s[0] != '%' || len(s) < 3 {
			return "", errURI
		}
		high, low := strings.IndexByte(hex, s[1]), strings.IndexByte(hex, s[2])
		if high < 0 || low < 0 {
			return "", errURI
		}
		out, s = append(out, byte(high<<4|low)), s[3:]
	}
	return string(out), nil
}

func unbase32(s string) ([]byte, error) {
	if strings.Contains(s, "=") {
		return nil, errURI
	}
	return base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(s)
}
