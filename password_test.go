package portal

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// round says that many of a few characters, one after the other and again.
func round(n int, characters ...string) (s string) {
	for i := range n {
		s += characters[i%len(characters)]
	}
	return s
}

// Length counts code points of the composed form; beside it nothing matters but
// that there are four different characters.
func TestCheckPassword(t *testing.T) {
	abcd, faces, accents := []string{"a", "b", "c", "d"}, []string{"🙂", "🙃", "🙁", "😐"}, []string{"e\u0301", "a\u0301", "o\u0301", "i\u0301"}
	for password, ok := range map[string]bool{
		"": false, round(14, abcd...): false, round(15, abcd...): true, round(256, abcd...): true, round(257, abcd...): false,
		round(14, faces...): false, round(15, faces...): true, round(256, faces...): true,
		round(14, accents...): false, round(15, accents...): true, round(256, accents...): true, "  - -  , ,  . .": true,
		round(15, "a"): false, round(256, "🙂", "🙃", "🙁"): false, round(30, "a", "A", "b", "B", "c", "C"): false, "121212-121212-121212": false,
		round(15, " "): false, round(15, "\u00a0", "\u2003", " ", "\u3000"): false, round(15, "\u200b"): false, round(16, "\u200b", "\u200c", "\u200d", "\u2060"): false,
		"a              ": false, "ab \u200b ab \u200c ab \u200d": false,
		"a tab\tis no sign of a password": false, "nor is \x00 or half a \xe2\x82 sign": false,
	} {
		err := CheckPassword(FieldNewPassword, password, PasswordOwner{})
		if (err == nil) != ok || (!ok && ErrorCode(err) != CodeInvalid) {
			t.Errorf("%.20q of %d code points: %v", password, utf8.RuneCountInString(password), err)
		}
	}
}

// Eight characters do where a second factor is mandatory; whether they would
// do without one is a question of its own.
func TestPasswordThatNeverStandsAlone(t *testing.T) {
	for password, ok := range map[string]bool{"sevenxy": false, "eight xy": true, "ee\u0301e\u0301e\u0301 xyz": true, "e\u0301e\u0301e\u0301 xyz": false} {
		err := CheckPassword(FieldNewPassword, password, PasswordOwner{Protected: true})
		if (err == nil) != ok {
			t.Errorf("%q: %v", password, err)
		}
	}
	for password, alone := range map[string]bool{strings.Repeat("e\u0301", 14): false, strings.Repeat("e\u0301", 15): true, "": false} {
		if StandsAlone(password) != alone {
			t.Errorf("%q alone: %v", password, !alone)
		}
	}
}

// wendy is somebody with names of every kind.
func wendy() PasswordOwner {
	return PasswordOwner{LoginID: "wendy.okafor7", Name: "Wendy Jo Okafor-Straße", Email: "w.okafor+desk@mail.northwind.example", Customer: "Northwind Telecom Ltd"}
}

// The whole password is held against the names around its owner and what is
// simply made of them.
func TestPasswordOfNames(t *testing.T) {
	for _, password := range []string{
		"wendy.okafor72026", "WendyOkafor2026!", "okafor wendy 1984", "wendywendywendy", "Northwind2026!!!", "northwind-telecom", "northwindtelecomltd",
		"Customer Administration Portal", "customerportal1", "portal northwind", "2026wendyokafor", "!!!Wendy Okafor", "rofakoydnew2026", "W3ndy0kaf0r2026!",
		"w.okafor+desk@mail.northwind.example", "n0rthw1ndt3l3c0m", "okaforstrasse12", "OKAFOR-STRASSE-12", "wendy okafor 00000000000", "wendyokafor123456789",
	} {
		if err := CheckPassword(FieldNewPassword, password, wendy()); ErrorCode(err) != CodeInvalid || !strings.Contains(err.Error(), "names") {
			t.Errorf("%q: %v", password, err)
		}
	}
	for _, password := range []string{
		"wendy keeps seven geese", "the northwind blows cold", "portal to nowhere near", "okafor#%)(!]=}$&*", "wendy 739201846502", "73920184650284 wendy", "  -- ..  ++ @@  __",
	} {
		if err := CheckPassword(FieldNewPassword, password, wendy()); err != nil {
			t.Errorf("%q: %v", password, err)
		}
	}
	if err := CheckPassword(FieldNewPassword, "l i 2 0 2 6 ! ! !", PasswordOwner{Name: "Li", LoginID: "li"}); err != nil {
		t.Errorf("two letters are taken for a name: %v", err)
	}
}

func TestPasswordStems(t *testing.T) {
	for password, stem := range map[string]string{
		"PassWord": "password", "dragon1984": "dragon", "!!dragon2026!!": "dragon", "20261224dragon": "dragon", "dragon000000000000": "dragon",
		"dragon1234567890123": "dragon", "dragon 9876543210": "dragon", "p@$$w0rd": "password", "f1ower": "flower", "f1sh": "fish", "nogard": "dragon",
		"dragondragondragon": "dragon", "dragon-dragon-dragon": "dragon", "DragonDragonDra": "dragon", "dragon!dragon!": "dragon",
		"12345678 12345678": "12345678", "123456789-123456789": "123456789", "!1234567890 !1234567890": "1234567890", "12345678!!": "12345678", "ｄｒａｇｏｎ": "dragon",
	} {
		if stems := PasswordStems(password); !slices.Contains(stems, stem) {
			t.Errorf("%q comes down to %q, not to %q", password, stems, stem)
		}
	}
	for password, stem := range map[string]string{
		"my dragon sleeps": "dragon", "dragon739201846": "dragon", "dragon#%)(": "dragon", "dragonfire": "dragon", "dragon🙂🙂🙂🙂": "dragon", "": "",
	} {
		if stems := PasswordStems(password); slices.Contains(stems, stem) {
			t.Errorf("%q comes down to %q", password, stems)
		}
	}
}

// FuzzPasswordStems holds that no password can make the comparison long, or
// break it.
func FuzzPasswordStems(f *testing.F) {
	for _, s := range []string{"password1!", "20261224", "12345678901234567890", strings.Repeat(" ", 15), strings.Repeat("\u200b\u200c", 8), strings.Repeat("ab", 128), strings.Repeat("\uFDFA", 256), "\xff!1", "é1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, password string) {
		err := CheckPassword(FieldNewPassword, password, wendy())
		if err != nil && ErrorCode(err) != CodeInvalid {
			t.Errorf("%q: %v", password, err)
		}
		if passwordLength(password) > MaxPassword {
			return
		}
		stems := PasswordStems(password)
		if n := len(stems); n > 18*(3*longestUnit+1) {
			t.Errorf("%q comes down to %d texts", password, n)
		}
		if err == nil && (len(stems) == 0 || monotonous(password)) {
			t.Errorf("%q is taken and there is nothing to compare", password)
		}
		if key := FoldKey(password); strings.IndexFunc(key, isSign) < 0 && key != "" && utf8.RuneCountInString(key) < longestUnit {
			if repeated := PasswordStems(key + "-" + key); !slices.Contains(repeated, FoldKey(key)) {
				t.Errorf("%q, repeated, comes down to %q", key, repeated)
			}
		}
	})
}
