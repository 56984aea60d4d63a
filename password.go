package portal

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// The lengths of a password, in code points of its NFC form (PW-01, PW-02).
const (
	MinPassword          = 15 // where it can stand alone
	MinPasswordProtected = 8  // where a second factor is mandatory
	MaxPassword          = 256
)

// PasswordOwner is what the rules need to know of whose password it becomes.
type PasswordOwner struct {
	LoginID, Name, Email, Customer string
	// Protected says that a second factor is mandatory for the account, so that
	// the password never stands alone.
	Protected bool
}

// MinLength is how long the owner's next password has to be.
func (o PasswordOwner) MinLength() int {
	if o.Protected {
		return MinPasswordProtected
	}
	return MinPassword
}

// StandsAlone tells whether a password is long enough to open an account
// without a second factor.
func StandsAlone(password string) bool { return passwordLength(password) >= MinPassword }

func passwordLength(password string) int { return utf8.RuneCountInString(norm.NFC.String(password)) }

// CheckPassword applies the rules that need no list to a new password: its
// length, that it is not the same few characters again and again (PW-06), and
// that it is not made of names that belong to its owner (PW-07). Composition
// does not matter (PW-03). The length counts code points of the NFC form, which
// is what is hashed (PW-05).
func CheckPassword(f Field, password string, owner PasswordOwner) error {
	length, least := passwordLength(password), owner.MinLength()
	switch {
	case !utf8.ValidString(password) || strings.IndexFunc(password, unicode.IsControl) >= 0:
		return Invalid(f, "A password has letters, digits, signs and spaces; tabs and other control characters cannot be typed at the sign-in page.")
	case length == 0:
		return Invalid(f, "Choose a password of at least %d characters. A few words that only you would put together are easy to remember.", least)
	case length < least:
		return Invalid(f, "This password has %d of at least %d characters. Add a word or two: a few words that only you would put together are easy to remember.", length, least)
	case length > MaxPassword:
		return Invalid(f, "A password has at most %d characters; this one has %d.", MaxPassword, length)
	case monotonous(password):
		return Invalid(f, "This password is made of fewer than %d different characters; like the common and breached ones it is tried first. Choose a few words that nobody else would put together.", fewCharacters)
	case owner.named(password):
		return Invalid(f, "This password is made of names that others know: yours, the customer's or the portal's. Choose a few words that have nothing to do with them.")
	}
	return nil
}

// fewCharacters is how many different ones a password has that is more than a
// rhythm on the keys. Invisible signs and spaces that are many count as none
// and one.
const fewCharacters = 4

// monotonous tells whether a password has hardly any different characters. No
// stem is left to compare where it has none at all.
func monotonous(password string) bool {
	different := map[rune]bool{}
	for _, r := range FoldKey(password) {
		different[r] = true
	}
	return len(different) < fewCharacters
}

// named tells whether the password as a whole is made of the names around its
// owner, or is simply derived from them. One that merely holds a name is fine.
func (o PasswordOwner) named(password string) bool {
	words := o.words()
	return slices.ContainsFunc(PasswordStems(password), func(stem string) bool { return madeOf(stem, words) })
}

// minWord is how long a name has to be to count; initials are in every word.
const minWord = 3

// words are the names around the owner, folded: of the product and the
// customer, the person's own, login ID and e-mail address, each as a whole and
// in its parts.
func (o PasswordOwner) words() []string {
	var words []string
	for _, name := range []string{ProductName, o.Customer, o.Name, o.LoginID, o.Email} {
		parts := strings.FieldsFunc(FoldKey(name), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
		words = append(append(words, parts...), FoldKey(name), strings.Join(parts, ""))
	}
	return slices.DeleteFunc(words, func(w string) bool { return utf8.RuneCountInString(w) < minWord })
}

// separators stand between names.
const separators = " ._-+@'"

// madeOf tells whether a text consists of these words alone, in any order and
// number, with separators between them.
func madeOf(text string, words []string) bool {
	reached := make([]bool, len(text)+1)
	reached[0] = true
	named := false
	for i := range text {
		if !reached[i] {
			continue
		}
		if strings.IndexByte(separators, text[i]) >= 0 {
			reached[i+1] = true
		}
		for _, word := range words {
			if strings.HasPrefix(text[i:], word) {
				reached[i+len(word)], named = true, true
			}
		}
	}
	return named && reached[len(text)]
}
