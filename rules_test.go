package portal

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// bidi are the invisible controls that turn text around.
const bidi = "\u061C\u200E\u200F\u202A\u202B\u202C\u202D\u202E\u2066\u2067\u2068\u2069"

// hostile are texts that no field may store.
func hostile() []string {
	all := []string{"a\x00b", "a\xffb", "a\x1bb", "a\u0085b\u009fc", "a\x7fb", "a\uFFFDb"}
	for _, r := range bidi {
		all = append(all, "a"+string(r)+"b")
	}
	return all
}

// accepted holds that a text is taken, and comes back in the form to store.
func accepted(t *testing.T, what string, parse func(string) (string, error), typed, stored string) {
	t.Helper()
	if got, err := parse(typed); err != nil || got != stored {
		t.Errorf("%s %.40q: %.40q, %v; want %.40q", what, typed, got, err, stored)
	}
}

func denied(t *testing.T, what string, parse func(string) (string, error), typed string) {
	t.Helper()
	if got, err := parse(typed); ErrorCode(err) != CodeInvalid || got != "" {
		t.Errorf("%s %.40q: %.40q, %v; want a refusal", what, typed, got, err)
	}
}

func TestParseLoginID(t *testing.T) {
	for typed, stored := range map[string]string{
		"a": "a", "  wendy\t": "wendy", "Wendy.O_Neil-7@example+x": "Wendy.O_Neil-7@example+x", "zoe\u0308": "zoë",
		strings.Repeat("a", MaxLoginID): strings.Repeat("a", MaxLoginID), strings.Repeat("日", MaxLoginID): strings.Repeat("日", MaxLoginID),
	} {
		accepted(t, "login ID", ParseLoginID, typed, stored)
	}
	for _, typed := range append(hostile(),
		"", "   ", "\uffa0", "a\u3164", "a b", "a:b", "a/b", "a%b", "a\nb", "a\u00a0b", "a\u200bb", "a&b", "a'b", "a\"b", "a<b", "a🙂b",
		strings.Repeat("a", MaxLoginID+1), strings.Repeat("日", MaxLoginID+1)) {
		denied(t, "login ID", ParseLoginID, typed)
	}
}

func TestParseLines(t *testing.T) {
	for what, c := range map[string]struct {
		parse func(string) (string, error)
		limit int
	}{"name": {ParseName, MaxName}, "customer": {ParseCustomerName, MaxName}, "reason": {ParseReason, MaxReason}} {
		long := strings.Repeat("é", c.limit)
		for typed, stored := range map[string]string{
			"x": "x", "  Ada \t\n King ": "Ada King", "O'Hara <b>": "O'Hara <b>", long: long, strings.Repeat("e\u0301", c.limit): long,
		} {
			accepted(t, what, c.parse, typed, stored)
		}
		for _, typed := range append(hostile(), "", " \t\r\n\u00a0", "\u3164", long+"x") {
			denied(t, what, c.parse, typed)
		}
	}
}

func TestParseEmail(t *testing.T) {
	domain := "@" + strings.Repeat("d", 60) + ".example"
	long := strings.Repeat("a", MaxEmail-len(domain)) + domain
	for typed, stored := range map[string]string{
		" ada@example.com ": "ada@example.com", "a.b+c@x.example": "a.b+c@x.example", "josé@example.com": "josé@example.com", long: long,
	} {
		accepted(t, "e-mail", ParseEmail, typed, stored)
	}
	for _, typed := range append(hostile(), "", "ada", "@example.com", "ada@", "Ada <ada@example.com>", "a@b, c@d",
		"ada@example.com\r\nBcc: x@y", "a b@example.com", "ada@example.com (comment)", "ada@exam\u202eple.com", "a"+long) {
		denied(t, "e-mail", ParseEmail, typed)
	}
}

func TestParseRole(t *testing.T) {
	for role, ok := range map[string]bool{
		"user": true, "administrator": true, "operator": false, "": false, "User": false, "host": false, "user ": false,
	} {
		got, err := ParseRole(role)
		if (err == nil) != ok || (ok && string(got) != role) {
			t.Errorf("%q: %q, %v", role, got, err)
		}
	}
}

func TestFoldKey(t *testing.T) {
	for a, b := range map[string]string{
		"WENDY": "wendy", "Straße": "STRASSE", "leſſon": "lesson", "ＵＳＥＲ": "user", "é": "E\u0301", "ﬁ": "FI", "\u212A": "k",
		"Σας": "σασ", " a \t b\u00a0c ": "A B C", "ẞ": "ss", "ꭺᏸ": "ᎪᏰ",
	} {
		if FoldKey(a) != FoldKey(b) {
			t.Errorf("%q is %q, %q is %q", a, FoldKey(a), b, FoldKey(b))
		}
	}
	for a, b := range map[string]string{"a": "b", "e": "é", "ab": "a b", "a_b": "a-b", "i": "ı"} {
		if FoldKey(a) == FoldKey(b) {
			t.Errorf("%q and %q are both %q", a, b, FoldKey(a))
		}
	}
}

// FuzzFoldKey holds that the key of a key is the key, on which every unique
// rule and every search rests, and that case does not matter.
func FuzzFoldKey(f *testing.F) {
	for _, s := range []string{"Straße", "ﬁ", "\u0345\u0301α", "´a", "İI", "\u1E9E", "a\u00a0 b", "Σ", "\xff", "ᾳ\u0345", "ŉ", "ΐ"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !utf8.ValidString(s) {
			return
		}
		key := FoldKey(s)
		if again := FoldKey(key); again != key {
			t.Errorf("%q: %q, then %q", s, key, again)
		}
		if strings.TrimSpace(key) != key || strings.Contains(key, "  ") {
			t.Errorf("%q: spaces in %q", s, key)
		}
	})
}

// FuzzParseLoginID holds that what is accepted is stored as it will be read
// again, and short.
func FuzzParseLoginID(f *testing.F) {
	for _, s := range []string{"wendy", " a ", "e\u0301", "a\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		id, err := ParseLoginID(s)
		if err != nil {
			return
		}
		if again, err := ParseLoginID(id); err != nil || again != id || !utf8.ValidString(id) || utf8.RuneCountInString(id) > MaxLoginID {
			t.Errorf("%q: %q, then %q, %v", s, id, again, err)
		}
		if FoldKey(id) == "" {
			t.Errorf("%q has an empty key", id)
		}
	})
}

func TestCleanText(t *testing.T) {
	for dirty, clean := range map[string]string{
		" Mozilla/5.0 ": "Mozilla/5.0", "a\x00b\r\nc\xffd": "a b  c d", "x\u202ey": "x y", "": "",
		strings.Repeat("é", 300): strings.Repeat("é", 200), strings.Repeat("a", 300): strings.Repeat("a", 200),
		"Mozilla/5.0 (X11)": "Mozilla/5.0 (X11)", "a\x7fb": "a b",
	} {
		if got := CleanText(dirty); got != clean {
			t.Errorf("%.40q: %.40q, want %.40q", dirty, got, clean)
		}
	}
}

// An address is stored as it is typed or not at all, and cannot become two
// lines of a mail.
func FuzzParseEmail(f *testing.F) {
	for _, s := range []string{"wendy@example.com", " a@b ", "\"a b\"@example.com", "a@b\r\nBcc: c@d", "A <a@b>", "a@b, c@d", "ü@例え.jp"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		email, err := ParseEmail(s)
		if err != nil {
			return
		}
		if again, err := ParseEmail(email); err != nil || again != email || len(email) > MaxEmail || strings.ContainsAny(email, "\r\n\x00") {
			t.Errorf("%q: %q, then %q, %v", s, email, again, err)
		}
	})
}
