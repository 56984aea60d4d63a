package portal

import (
	"slices"
	"strings"
	"unicode/utf8"
)

// PasswordStems are the texts that a password comes down to when what people
// add to an easy one is taken away again, the folded password itself first:
// digits and signs before or behind (up to eight digits, or any number that
// count on or repeat), signs in the place of letters, the text turned round,
// and the text repeated until it is long enough. A password is as easy as the
// easiest of them.
func PasswordStems(password string) []string {
	folded := FoldKey(password)
	stems := []string{folded, withoutSigns(folded), withoutEnds(folded)}
	for _, s := range slices.Clone(stems) {
		stems = append(stems, asLetters(s, 'i'), asLetters(s, 'l'))
	}
	for _, s := range slices.Clone(stems) {
		stems = append(stems, reversed(s))
	}
	for _, s := range slices.Clone(stems) {
		stems = append(stems, units(s)...)
	}
	var once []string
	for _, s := range stems {
		if s != "" && !slices.Contains(once, s) {
			once = append(once, s)
		}
	}
	return once
}

// asLetters reads signs as the letters that they stand for; a 1 may be two.
func asLetters(s string, one rune) string {
	return strings.Map(func(r rune) rune {
		switch r {
		case '4', '@':
			return 'a'
		case '3':
			return 'e'
		case '0':
			return 'o'
		case '5', '$':
			return 's'
		case '7':
			return 't'
		case '1', '!':
			return one
		}
		return r
	}, s)
}

func reversed(s string) string {
	runes := []rune(s)
	slices.Reverse(runes)
	return string(runes)
}

// longestUnit is longer than what anybody repeats to fill a password.
const longestUnit = 40

// units are the beginnings of a text that, repeated, give the whole of it, with
// and without what is added to them; the last time may be cut off.
func units(s string) []string {
	runes := []rune(s)
	var all []string
	for n := 1; n <= min(len(runes)-1, longestUnit); n++ {
		if slices.Equal(runes[n:], runes[:len(runes)-n]) {
			unit := string(runes[:n])
			all = append(all, unit, withoutSigns(unit), withoutEnds(unit))
		}
	}
	return all
}

// withoutSigns takes signs alone from both ends of a text: digits may be all that
// there is.
func withoutSigns(s string) string {
	return reversed(withoutRun(reversed(withoutRun(s, isSign, fewSigns)), isSign, fewSigns))
}

// withoutEnds takes the usual additions from both ends of a text.
func withoutEnds(s string) string { return reversed(withoutTail(reversed(withoutTail(s)))) }

// withoutTail takes signs, digits and signs again from the end of a text.
func withoutTail(s string) string {
	s = withoutRun(s, isSign, fewSigns)
	s = withoutRun(s, isDigit, fewDigits)
	return withoutRun(s, isSign, fewSigns)
}

// How many digits (a date has eight) and signs of any kind are no more than an
// addition.
const (
	fewDigits = 8
	fewSigns  = 3
)

// withoutRun takes the run of a kind from the end where it is short or simple.
func withoutRun(s string, kind func(rune) bool, few int) string {
	rest := strings.TrimRightFunc(s, kind)
	run := s[len(rest):]
	if len(run) <= few || steady(run) {
		return rest
	}
	return s
}

// steady tells whether each sign follows the one before by the same step: it
// repeats, or counts up or down.
func steady(run string) bool {
	first := step(run[0], run[1])
	for i := 1; i < len(run); i++ {
		if step(run[i-1], run[i]) != first {
			return false
		}
	}
	return first == 0 || first == 1 || first == 9
}

// step is how far it is from one digit to the next, 9 before 0.
func step(from, to byte) int { return ((int(to)-int(from))%10 + 10) % 10 }

func isDigit(r rune) bool { return '0' <= r && r <= '9' }

// isSign knows the signs of a keyboard; what takes more trouble to type is no
// usual addition.
func isSign(r rune) bool {
	return r < utf8.RuneSelf && r > ' ' && !isDigit(r) && (r < 'a' || r > 'z') || r == ' '
}
