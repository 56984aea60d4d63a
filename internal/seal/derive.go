package seal

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
)

// A purpose names one use of a key. Changing a name makes everything written
// under it unreadable.
type purpose string

const (
	purposeTOTPSecret   purpose = "totp-secret"   // AES-256-GCM of sealed columns
	purposeLetter       purpose = "letter"        // AES-256-GCM of mails that wait
	purposeRecoveryCode purpose = "recovery-code" // HMAC-SHA256
	purposeUnknownLogin purpose = "unknown-login" // HMAC-SHA256
	purposeKeyCheck     purpose = "key-check"     // HMAC-SHA256
	purposeAudit        purpose = "audit"         // HMAC-SHA256
	purposeBackup       purpose = "backup"        // HMAC-SHA256
)

// derive returns the 32-byte key of a purpose: HKDF-SHA256 (RFC 5869) without
// salt, the info being purpose, space, key id.
func derive(secret []byte, p purpose, id string) []byte {
	const size = 32
	sub, err := hkdf.Key(sha256.New, secret, nil, string(p)+" "+id, size)
	if err != nil {
		panic("seal: HKDF refuses constant sizes: " + err.Error())
	}
	return sub
}

// digest is HMAC-SHA256 over the parts, each preceded by its length so that
// ("ab", "c") and ("a", "bc") differ.
func digest(key []byte, parts ...string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(appendParts(nil, parts...))
	return mac.Sum(nil)
}

// appendParts appends each part after its length in four big-endian bytes.
func appendParts(b []byte, parts ...string) []byte {
	for _, part := range parts {
		b = binary.BigEndian.AppendUint32(b, uint32(len(part))) // #nosec G115 -- no part comes near 4 GiB
		b = append(b, part...)
	}
	return b
}
