package portal

import (
	"net/mail"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// The lengths of what people type, in code points (IN-01).
const (
	MaxLoginID = 64
	MaxName    = 100
	MaxEmail   = 254
	MaxReason  = 300
	MaxSearch  = 100
	maxAgent   = 200
)

// FoldKey brings text to the one form by which names are compared, sorted and
// searched, the same on every database: NFKC, case folded, NFKC again, without
// invisible signs, with runs of white space as one space.
func FoldKey(s string) string {
	visible := strings.Map(func(r rune) rune {
		if invisible(r) {
			return -1
		}
		return r
	}, s)
	folded := norm.NFKC.String(strings.Map(capitalCherokee, cases.Fold().String(norm.NFKC.String(visible))))
	return strings.Join(strings.Fields(folded), " ")
}

// capitalCherokee is what the small letters of Cherokee fold to (Unicode,
// CaseFolding.txt); the library swaps the two cases.
func capitalCherokee(r rune) rune {
	if unicode.Is(unicode.Cherokee, r) {
		return unicode.ToUpper(r)
	}
	return r
}

// ParseLoginID returns the login ID in the form to store. It has letters,
// digits and . _ - @ + only, so that it needs no care in a key URI.
func ParseLoginID(s string) (string, error) {
	id := norm.NFC.String(strings.TrimSpace(s))
	if id == "" {
		return "", Invalid(FieldLoginID, "Enter a login ID.")
	}
	if utf8.RuneCountInString(id) > MaxLoginID {
		return "", Invalid(FieldLoginID, "A login ID has at most %d characters.", MaxLoginID)
	}
	if strings.IndexFunc(id, notInLoginID) >= 0 {
		return "", Invalid(FieldLoginID, "A login ID has letters, digits and the signs . _ - @ + only, and no spaces.")
	}
	return id, nil
}

func notInLoginID(r rune) bool {
	sign := unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.Is(unicode.Mn, r)
	return invisible(r) || !sign && !strings.ContainsRune("._-@+", r)
}

// ParseName returns the name of a person in the form to store.
func ParseName(s string) (string, error) { return parseLine(FieldName, "a name", s, MaxName) }

// ParseCustomerName returns the name of a customer in the form to store.
func ParseCustomerName(s string) (string, error) {
	return parseLine(FieldCustomer, "the customer's name", s, MaxName)
}

// ParseReason returns why an administrator acts, in the form to store.
func ParseReason(s string) (string, error) { return parseLine(FieldReason, "a reason", s, MaxReason) }

// parseLine checks one line of free text: not empty, not overlong, printable.
func parseLine(f Field, what, s string, limit int) (string, error) {
	line := strings.Join(strings.Fields(norm.NFC.String(s)), " ")
	if line == "" {
		return "", Invalid(f, "Enter %s.", what)
	}
	if utf8.RuneCountInString(line) > limit {
		return "", Invalid(f, "This is too long: at most %d characters.", limit)
	}
	if strings.IndexFunc(line, unprintable) >= 0 || strings.IndexFunc(line, readable) < 0 {
		return "", Invalid(f, "This has a character that cannot be shown. Please type it again.")
	}
	return line, nil
}

// unprintable also refuses the invisible controls that turn text around
// (U+202E and its kin), which would let one name pose as another.
func unprintable(r rune) bool {
	return unicode.IsControl(r) || r == utf8.RuneError || unicode.Is(unicode.Bidi_Control, r)
}

// readable signs make a line something that can be read, and clicked on.
func readable(r rune) bool {
	return (unicode.IsLetter(r) || unicode.IsNumber(r)) && !invisible(r)
}

// invisible tells signs that show nothing by themselves, so that one name
// could pose as another.
func invisible(r rune) bool {
	return unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r) || unicode.Is(unicode.Variation_Selector, r)
}

// ParseEmail returns an e-mail address in the form to store: a bare address,
// no display name, no comment.
func ParseEmail(s string) (string, error) {
	address := strings.TrimSpace(s)
	if address == "" {
		return "", Invalid(FieldEmail, "Enter an e-mail address.")
	}
	if len(address) > MaxEmail {
		return "", Invalid(FieldEmail, "An e-mail address has at most %d characters.", MaxEmail)
	}
	parsed, err := mail.ParseAddress(address)
	if err != nil || parsed.Address != address || strings.IndexFunc(address, unprintable) >= 0 {
		return "", Invalid(FieldEmail, "This is not an e-mail address. It looks like name@example.com.")
	}
	return address, nil
}

// ParseRole reads a role that an administrator can give; operators are made on
// the host only.
func ParseRole(s string) (Role, error) {
	switch r := Role(s); r {
	case RoleUser, RoleAdministrator:
		return r, nil
	}
	return "", Invalid(FieldRole, "Choose a role: user or administrator.")
}

// CleanText makes outside text that is only recorded (a user agent) safe to
// store and to show: valid UTF-8, printable, cut to 200 code points.
func CleanText(s string) string {
	if len(s) <= maxAgent && plain(s) {
		return s
	}
	clean := strings.Map(func(r rune) rune {
		if unprintable(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, " "))
	runes := []rune(strings.TrimSpace(clean))
	return string(runes[:min(len(runes), maxAgent)])
}

// plain tells whether a text is of printable ASCII and neither begins nor
// ends with a space, as the names of browsers are: nothing needs cleaning.
func plain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return s == strings.TrimSpace(s)
}
