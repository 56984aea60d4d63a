package store

import (
	"context"
	"time"

	"portal"
)

// Mail is one mail of the outbox, to one address. Letter is sealed; this floor
// cannot open it. It is empty once the mail has gone out.
type Mail struct {
	ID         string
	CustomerID portal.CustomerID
	UserID     portal.UserID // whom it is addressed to
	Kind       portal.MailKind
	Recipient  string
	Letter     []byte

	State     MailState
	Tries     int64 // begun so far; it tells one claim from the next
	NextTry   time.Time
	CreatedAt time.Time
	LastError string
}

// MailState is where a mail stands.
type MailState string

// The states of a mail. It waits until it is sent, or until trying has taken
// too long.
const (
	MailWaiting MailState = "waiting"
	MailSent    MailState = "sent"
	MailFailed  MailState = "failed"
)

const mailColumns = "id, customer_id, user_id, kind, recipient, letter, state, tries, next_try_at, created_at, last_error"

func scanMail(r scanner) (m Mail, err error) {
	var next, created int64
	err = r.Scan(&m.ID, &m.CustomerID, &m.UserID, &m.Kind, &m.Recipient, &m.Letter, &m.State, &m.Tries, &next, &created, &m.LastError)
	m.NextTry, m.CreatedAt = fromMicros(next), fromMicros(created)
	return m, err
}

// PutMail puts a mail into the outbox, in the transaction of what it tells of:
// both are there, or neither (LC-04).
func (tx *Tx) PutMail(ctx context.Context, m Mail) error {
	const query = `INSERT INTO mails (id, customer_id, user_id, kind, recipient, letter, state, tries, next_try_at, created_at, done_at, last_error)
		VALUES ($1, $2, $3, $4, $5, $6, 'waiting', 0, $7, $7, 0, '')`
	_, err := tx.q.exec(ctx, query, m.ID, tx.customer, m.UserID, m.Kind, m.Recipient, m.Letter, micros(tx.Now))
	return err
}

// Mails lists the outbox of the whole installation, oldest first: those after
// the mail with this id.
func (s *Store) Mails(ctx context.Context, after string, limit int) ([]Mail, error) {
	const query = "SELECT " + mailColumns + " FROM mails WHERE id > $1 ORDER BY id LIMIT $2"
	rows, err := s.View("").q.rows(ctx, query, after, limit)
	return scanAll(rows, err, scanMail)
}

// MailByID reads one mail of any customer.
func (s *Store) MailByID(ctx context.Context, id string) (Mail, error) {
	m, err := scanMail(s.View("").q.row(ctx, "SELECT "+mailColumns+" FROM mails WHERE id = $1", id))
	return m, translate(err)
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
