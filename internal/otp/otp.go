// Package otp makes and checks time-based one-time codes (TOTP, RFC 6238).
//
// The profile is fixed, because the common authenticator apps compute wrong
// codes for any other: HMAC-SHA-1, six digits, 30-second steps, 20 random
// bytes of secret. A code is accepted for the current time step and for one
// step on either side, and never for a step that was accepted before.
//
// Match decides what a code is worth; it keeps nothing. The caller must spend
// the returned step by one conditional UPDATE, since two requests can hold the
// same "last step" in memory at the same time.
package otp

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1" // #nosec G505 -- RFC 6238 with the profile that every app can do
	"crypto/subtle"
	"encoding/binary"
	"fmt"
	"strings"
	"time"
)

// The TOTP profile (RFC 6238 section 4, RFC 4226 section 4).
const (
	Digits     = 6                // digits of a code
	Period     = 30 * time.Second // length of a time step
	SecretSize = 20               // bytes of a new secret, as RFC 4226 R6 recommends
	Skew       = 1                // steps accepted before and after the current one
)

// minSecretSize is the least RFC 4226 R6 allows (128 bits). A shorter secret
// is a fault in the store, and its codes could be guessed or are known.
const minSecretSize = 16

// A Verdict says what a code is worth. The zero value refuses.
type Verdict int

const (
	Wrong Verdict = iota // no step in the window has this code
	Spent                // the code is right, but it or a newer one was used before
	Right                // the code is right and unused
)

// NewSecret returns SecretSize bytes of the system random source.
func NewSecret() []byte {
	secret := make([]byte, SecretSize)
	rand.Read(secret) // never fails: it ends the program instead
	return secret
}

// Step returns the time step of t: whole periods since the Unix epoch, rounded
// down also before it (RFC 6238 section 4.2).
func Step(t time.Time) int64 {
	const period = int64(Period / time.Second)
	seconds := t.Unix()
	step := seconds / period
	if seconds%period < 0 {
		step--
	}
	return step
}

// Code returns the code of a time step.
func Code(secret []byte, step int64) string {
	return hotp(secret, uint64(step), Digits) // #nosec G115 -- RFC 6238: the step is the counter, bit for bit
}

// hotp is the HMAC-based one-time password of RFC 4226 section 5.3.
func hotp(secret []byte, counter uint64, digits int) string {
	mac := hmac.New(sha1.New, secret)
	mac.Write(binary.BigEndian.AppendUint64(nil, counter))
	sum := mac.Sum(nil)

	offset := sum[len(sum)-1] & 0x0f
	number := binary.BigEndian.Uint32(sum[offset:]) & 0x7fffffff
	text := fmt.Sprintf("%010d", number)
	return text[len(text)-digits:]
}

// Match compares a code (as ParseCode returns it) with the codes of the steps
// now-Skew to now+Skew. Both now and after are time steps, see Step; after is
// the last accepted step, or 0 when there was none.
//
// All candidates are computed and compared, in constant time. Should two have
// the same code, the newest wins: an older one being spent must not refuse a
// new code, and spending the newest also spends its older twin. The step is 0
// when the verdict is Wrong. A secret under 16 bytes and a step before the
// epoch never match.
func Match(secret []byte, code string, now, after int64) (step int64, verdict Verdict) {
	if len(secret) < minSecretSize {
		return 0, Wrong
	}
	const none = -Skew - 1
	found := none
	for offset := -Skew; offset <= Skew; offset++ {
		want := Code(secret, now+int64(offset))
		equal := subtle.ConstantTimeCompare([]byte(want), []byte(code))
		found = subtle.ConstantTimeSelect(equal, offset, found)
	}
	step = now + int64(found)
	switch {
	case found == none || step < 0:
		return 0, Wrong
	case step <= after:
		return step, Spent
	default:
		return step, Right
	}
}

// ParseCode reads a code as people type it. Spaces and tabs around it and one
// space in its middle, as apps show it, are dropped; what remains must be six
// ASCII digits. Everything else is refused, digits of other scripts included.
func ParseCode(s string) (code string, ok bool) {
	const half = Digits / 2
	s = strings.Trim(s, " \t")
	if len(s) == Digits+1 && s[half] == ' ' {
		s = s[:half] + s[half+1:]
	}
	if len(s) != Digits {
		return "", false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return "", false
		}
	}
	return s, true
}
