package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"slices"
)

const (
	boxVersion = 1 // first byte of a sealed value
	headerSize = 2 + idSize
)

// ErrUnreadable says that a sealed value did not open: unknown key, another
// place, changed or cut short. It does not tell which.
var ErrUnreadable = errors.New("sealed value is unreadable")

// AAD is the place a sealed value belongs to: the associated data of its
// encryption. A value opens only at the very place it was sealed for.
type AAD struct {
	Table, Column, Customer, User, Row string
}

// SecretPlace is where the secret of an authenticator app belongs.
func SecretPlace(customer, user, row string) AAD {
	return AAD{Table: "authenticators", Column: "secret", Customer: customer, User: user, Row: row}
}

// LetterPlace is where the letter of a mail that waits belongs. Letters have a
// key of their own (CR-07).
func LetterPlace(customer, user, row string) AAD {
	return AAD{Table: letterTable, Column: "letter", Customer: customer, User: user, Row: row}
}

const letterTable = "mails"

// boxFor is the encryption for a place: one key for each purpose.
func (k key) boxFor(a AAD) cipher.AEAD {
	if a.Table == letterTable {
		return k.letters
	}
	return k.box
}

// after returns the header and the place without ambiguity: the header knows
// its own length, and each field comes after its length.
func (a AAD) after(header []byte) []byte {
	return appendParts(slices.Clone(header), a.Table, a.Column, a.Customer, a.User, a.Row)
}

// Seal encrypts and authenticates plain under the write key, AES-256-GCM with
// a random 96-bit nonce (CR-04). The result is 40 bytes longer than plain:
//
//	version 1 | length of key id | key id | nonce | ciphertext and tag
//
// The first three parts are authenticated too. The key is safe for about 2^32
// values (NIST SP 800-38D section 8.3).
func (r *Ring) Seal(plain []byte, aad AAD) []byte {
	k := r.writeKey()
	header := append([]byte{boxVersion, idSize}, k.id...)
	return k.boxFor(aad).Seal(header, nil, plain, aad.after(header)) // #nosec G407 -- the box draws its own nonces and takes none
}

// SealedUnder tells the id of the key that a value was sealed under, "" where
// the value is none of ours.
func SealedUnder(sealed []byte) string {
	if len(sealed) < headerSize || sealed[0] != boxVersion || sealed[1] != idSize {
		return ""
	}
	return string(sealed[2:headerSize])
}

// Open returns what Seal was given, under whichever key of the ring it was
// sealed. The error is always ErrUnreadable.
func (r *Ring) Open(sealed []byte, aad AAD) ([]byte, error) {
	k, ok := r.find(SealedUnder(sealed))
	if !ok {
		return nil, ErrUnreadable
	}
	header, box := sealed[:headerSize], sealed[headerSize:]
	plain, err := k.boxFor(aad).Open(nil, nil, box, aad.after(header))
	if err != nil {
		return nil, ErrUnreadable
	}
	return plain, nil
}

// newBox returns AES-256-GCM that draws its own nonces.
func newBox(key []byte) cipher.AEAD {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic("seal: AES refuses a 32-byte key: " + err.Error())
	}
	box, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic("seal: GCM refuses AES: " + err.Error())
	}
	return box
}
