package otp

import (
	"encoding/base32"
	"net/url"
	"strings"
	"unicode"
)

// URI returns the otpauth key URI that a QR code hands to an authenticator
// app. It holds the secret: never log it.
//
// The issuer and the account are freed of colons, which part them, and of
// control characters; each becomes a space, and runs of white space become one.
// Spaces are written %20, since apps show a "+" as it stands.
func URI(issuer, account string, secret []byte) string {
	issuer, account = escape(label(issuer)), escape(label(account))
	return "otpauth://totp/" + issuer + ":" + account +
		"?secret=" + encode(secret) + "&issuer=" + issuer +
		"&algorithm=SHA1&digits=6&period=30"
}

// Key returns the secret for typing: base32 without padding (RFC 4648 section
// 6) in groups of four. Never log it.
func Key(secret []byte) string {
	var key strings.Builder
	for i, char := range encode(secret) {
		if i > 0 && i%4 == 0 {
			key.WriteByte(' ')
		}
		key.WriteRune(char)
	}
	return key.String()
}

func encode(secret []byte) string {
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(secret)
}

// label makes a name fit to be one part of the URI's label.
func label(name string) string {
	name = strings.Map(func(r rune) rune {
		if r == ':' || unicode.IsControl(r) {
			return ' '
		}
		return r
	}, name)
	return strings.Join(strings.Fields(name), " ")
}

// escape encodes for both path and query. QueryEscape leaves only unreserved
// characters bare and writes a space as "+"; PathEscape would leave & = + bare.
func escape(s string) string {
	return strings.ReplaceAll(url.QueryEscape(s), "+", "%20")
}
