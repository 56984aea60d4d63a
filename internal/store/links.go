package store

import (
	"context"
	"time"

	"portal"
)

// Purpose says what the one form is that a link opens.
type Purpose string

// The purposes of links.
const (
	SetUpPurpose         Purpose = "set-up"
	InvitationPurpose    Purpose = "invitation"
	ResetPurpose         Purpose = "reset"
	AddressPurpose       Purpose = "e-mail"
	SecondAddressPurpose Purpose = "second-e-mail"
)

// Link is a one-time link. Its token is kept as digest only.
type Link struct {
	CustomerID portal.CustomerID
	Purpose    Purpose
	// Subject is whom the link is for; empty for the set-up link.
	Subject portal.UserID
	// SecurityVersion is the subject's when the link was made.
	SecurityVersion int64
	// Address is where the link was sent; a link that was shown as well is bound
	// to it all the same. Empty for the set-up link.
	Address string
	// MadeBy is the inviter, without whose right the link lapses (LC-15); empty
	// for the host and for links that people ask for themselves.
	MadeBy    portal.UserID
	ExpiresAt time.Time
}

// PutLink keeps a link as the only one of its purpose and subject: the newest
// one voids those before it (LC-10).
func (tx *Tx) PutLink(ctx context.Context, l Link, digest []byte) error {
	const query = `INSERT INTO links (digest, customer_id, purpose, subject, security_version, created_at, expires_at, address, made_by)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		ON CONFLICT (customer_id, purpose, subject) DO UPDATE SET digest = $1, security_version = $5, created_at = $6, expires_at = $7,
			address = $8, made_by = $9`
	_, err := tx.q.exec(ctx, query, digest, tx.customer, l.Purpose, l.Subject, l.SecurityVersion, micros(tx.Now), micros(l.ExpiresAt),
		l.Address, l.MadeBy)
	return err
}

// LinkByDigest finds a link that has not run out. Finding it changes nothing.
func (s *Store) LinkByDigest(ctx context.Context, digest []byte) (Link, error) {
	const query = "SELECT " + linkColumns + " FROM links WHERE digest = $1 AND expires_at > $2"
	v := s.View(portal.NoCustomer)
	return scanLink(v.q.row(ctx, query, digest, micros(v.Now)))
}

// LinkFor finds the link of a purpose that a user of the customer has, if it
// has not run out.
func (v View) LinkFor(ctx context.Context, p Purpose, subject portal.UserID) (Link, error) {
	const query = "SELECT " + linkColumns + ` FROM links
		WHERE customer_id = $1 AND purpose = $2 AND subject = $3 AND expires_at > $4`
	return scanLink(v.q.row(ctx, query, v.customer, p, subject, micros(v.Now)))
}

const linkColumns = "customer_id, purpose, subject, security_version, address, made_by, expires_at"

func scanLink(r scanner) (l Link, err error) {
	var expires int64
	err = r.Scan(&l.CustomerID, &l.Purpose, &l.Subject, &l.SecurityVersion, &l.Address, &l.MadeBy, &expires)
	l.ExpiresAt = fromMicros(expires)
	return l, translate(err)
}

// DropLink voids the link of a purpose that a user has; false means that there
// was none.
func (tx *Tx) DropLink(ctx context.Context, p Purpose, subject portal.UserID) (bool, error) {
	const query = "DELETE FROM links WHERE customer_id = $1 AND purpose = $2 AND subject = $3"
	return exactlyOne(tx.q.exec(ctx, query, tx.customer, p, subject))
}

// DropLinks voids every link of the customer.
func (tx *Tx) DropLinks(ctx context.Context) error {
	_, err := tx.q.exec(ctx, "DELETE FROM links WHERE customer_id = $1", tx.customer)
	return err
}

// SpendLink uses up a link. False means that it has been used or has run out.
func (tx *Tx) SpendLink(ctx context.Context, digest []byte) (bool, error) {
	const query = "DELETE FROM links WHERE customer_id = $1 AND digest = $2 AND expires_at > $3"
	return exactlyOne(tx.q.exec(ctx, query, tx.customer, digest, micros(tx.Now)))
}
