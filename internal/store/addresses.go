package store

import (
	"context"

	"portal"
)

// Slot says which of the two addresses of a user is meant: mail goes to both.
type Slot string

// The two addresses of a user.
const (
	FirstAddress  Slot = "e-mail address"
	SecondAddress Slot = "second e-mail address"
)

// Purpose is that of the link that confirms an address of the slot.
func (s Slot) Purpose() Purpose {
	if s == SecondAddress {
		return SecondAddressPurpose
	}
	return AddressPurpose
}

// SlotOf is the address that a link of a purpose confirms.
func SlotOf(p Purpose) Slot {
	if p == SecondAddressPurpose {
		return SecondAddress
	}
	return FirstAddress
}

// SetPending keeps an address that counts once it is confirmed; an empty one
// gives the old wish up.
func (tx *Tx) SetPending(ctx context.Context, id portal.UserID, slot Slot, address string) error {
	const first = "UPDATE users SET pending_email = $3 WHERE customer_id = $1 AND id = $2"
	const second = "UPDATE users SET pending_second_email = $3 WHERE customer_id = $1 AND id = $2"
	query := first
	if slot == SecondAddress {
		query = second
	}
	return mustOne(tx.q.exec(ctx, query, tx.customer, id, address))
}

// SetAddress makes an address the user's, which starts a new security version;
// what was pending in its place is given up. The second one may be empty.
func (tx *Tx) SetAddress(ctx context.Context, u portal.User, slot Slot, address string) error {
	if slot == SecondAddress {
		const second = `UPDATE users SET second_email = $3, pending_second_email = '', security_version = security_version + 1
			WHERE customer_id = $1 AND id = $2`
		return mustOne(tx.q.exec(ctx, second, tx.customer, u.ID, address))
	}
	if err := tx.SetPending(ctx, u.ID, FirstAddress, ""); err != nil {
		return err
	}
	u.Email = address
	return tx.EditUser(ctx, u)
}
