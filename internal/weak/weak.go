// Package weak knows the passwords that are tried first: a bundled list of
// common and breached ones, a larger list that an operator may add, and the
// ways over a keyboard or an alphabet that need no list.
//
// It compares whole texts and nothing else. What a password comes down to when
// the usual additions are taken away is the caller's business.
//
// The bundled list is the one of the npm package that scripts/weak-passwords.sh
// names (MIT, see LICENSE.txt). It is searched where it stands in the program,
// so that it costs no time at the start and no memory.
package weak

import (
	_ "embed" // for the list
	"strings"
)

//go:embed passwords.txt
var bundled string

// Has tells whether a text, folded, is a weak password by itself. An error says
// that the operator's list cannot be read: then nothing is known.
func (l *List) Has(folded string) (bool, error) {
	if listed(bundled, folded) || walked(folded) {
		return true, nil
	}
	return l.added(folded)
}

// listed searches sorted lines by halving.
func listed(lines, text string) bool {
	for from, to := 0, len(lines); from < to; {
		middle := from + (to-from)/2
		start := from + strings.LastIndexByte(lines[from:middle], '\n') + 1
		end := start + strings.IndexByte(lines[start:], '\n')
		switch strings.Compare(text, lines[start:end]) {
		case 0:
			return true
		case -1:
			to = start
		default:
			from = end + 1
		}
	}
	return false
}

// ways are the orders in which fingers and tongues go. Each begins anew at its
// end and may be gone backwards.
func ways() []string {
	return []string{
		"1234567890", "abcdefghijklmnopqrstuvwxyz", "!@#$%^&*()",
		"qwertyuiopasdfghjklzxcvbnm", "qwertzuiopasdfghjklyxcvbnm", "azertyuiopqsdfghjklmwxcvbn",
		"1q2w3e4r5t6y7u8i9o0p", "1a2b3c4d5e6f7g8h9i", "qazwsxedcrfvtgbyhnujmikolp", "1qaz2wsx3edc4rfv5tgb6yhn7ujm",
	}
}

// shortest is how long a way has to be to count as one.
const shortest = 3

// walked tells whether a text is a part of one of the ways, or one character
// again and again.
func walked(text string) bool {
	runes := []rune(text)
	if len(runes) < shortest {
		return false
	}
	if strings.Count(text, string(runes[0])) == len(runes) {
		return true
	}
	backwards := make([]rune, len(runes))
	for i, r := range runes {
		backwards[len(runes)-1-i] = r
	}
	for _, way := range ways() {
		around := strings.Repeat(way, len(text)/len(way)+2)
		if strings.Contains(around, text) || strings.Contains(around, string(backwards)) {
			return true
		}
	}
	return false
}
