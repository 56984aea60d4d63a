package store

import (
	"context"
	"time"

	"portal"
)

// Mail is one mail of the outbox, to one address. Letter is sealed; this floor
// cannot open it.
type Mail struct {
	ID        string
	UserID    portal.UserID // whom it is addressed to
	Kind      portal.MailKind
	Recipient string
	Letter    []byte
}

// PutMail puts a mail into the outbox, in the transaction of what it tells of:
// both are there, or neither (LC-04).
func (tx *Tx) PutMail(ctx context.Context, m Mail) error {
	const query = `INSERT INTO mails (id, customer_id, user_id, kind, recipient, letter, state, tries, next_try_at, created_at, done_at, last_error)
		VALUES ($1, $2, $3, $4, $5, $6, 'waiting', 0, $7, $7, 0, '')`
	_, err := tx.q.exec(ctx, query, m.ID, tx.customer, m.UserID, m.Kind, m.Recipient, m.Letter, micros(tx.Now))
	return err
}

// Addresses are where mail to a user goes. Pending ones get nothing but the
// link that confirms them.
type Addresses struct{ First, Second, PendingFirst, PendingSecond string }

// Confirmed lists the addresses that count.
func (a Addresses) Confirmed() []string {
	if a.Second == "" {
		return []string{a.First}
	}
	return []string{a.First, a.Second}
}

// Addresses reads a user's addresses.
func (v View) Addresses(ctx context.Context, id portal.UserID) (a Addresses, err error) {
	const query = "SELECT email, second_email, pending_email, pending_second_email FROM users WHERE customer_id = $1 AND id = $2"
	err = v.q.row(ctx, query, v.customer, id).Scan(&a.First, &a.Second, &a.PendingFirst, &a.PendingSecond)
	return a, translate(err)
}

// AddAlarm keeps the digest of a link "this was not me".
func (tx *Tx) AddAlarm(ctx context.Context, user portal.UserID, digest []byte, until time.Time) error {
	const query = "INSERT INTO alarms (digest, customer_id, user_id, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)"
	_, err := tx.q.exec(ctx, query, digest, tx.customer, user, micros(tx.Now), micros(until))
	return err
}
