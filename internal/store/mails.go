package store

import (
	"context"
	"slices"
	"strings"
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

// GotMails tells whether a user was written that many mails of this kind, to
// this address, after a moment.
func (v View) GotMails(ctx context.Context, m Mail, since time.Time, many int) (bool, error) {
	const query = "SELECT id FROM mails WHERE customer_id = $1 AND user_id = $2 AND kind = $3 AND created_at > $4 AND recipient = $5 LIMIT $6"
	rows, err := v.q.rows(ctx, query, v.customer, m.UserID, m.Kind, micros(since), m.Recipient, many)
	got, err := scanAll(rows, err, func(r scanner) (id string, err error) { return id, r.Scan(&id) })
	return len(got) >= many, err
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

// ClaimMails hands out mails that are due, each to one caller: until the lease
// ends nobody else gets it. Who got it reports what came of it; where nothing
// is reported, because of a crash, it is due again when the lease has ended.
func (s *Store) ClaimMails(ctx context.Context, limit int, lease time.Duration) ([]Mail, error) {
	now := s.now()
	const due = "SELECT id FROM mails WHERE state = 'waiting' AND next_try_at <= $1 LIMIT 1"
	if any, err := found(s.View("").q.row(ctx, due, micros(now))); err != nil || !any {
		return nil, err
	}
	// The condition stands outside too: who waited for another node's claim
	// looks at the row again, not at the list.
	const claim = `UPDATE mails SET tries = tries + 1, next_try_at = $2
		WHERE state = 'waiting' AND next_try_at <= $1 AND id IN (
			SELECT id FROM mails WHERE state = 'waiting' AND next_try_at <= $1 ORDER BY next_try_at, id LIMIT $3)
		RETURNING ` + mailColumns
	rows, err := s.onWriter().rows(ctx, claim, micros(now), micros(now.Add(lease)), limit)
	claimed, err := scanAll(rows, err, scanMail)
	slices.SortFunc(claimed, func(a, b Mail) int { return strings.Compare(a.ID, b.ID) })
	return claimed, err
}

// KeptMails lists mails of all customers that have waited since a time or
// longer, oldest first, but for those that somebody may have claimed.
func (s *Store) KeptMails(ctx context.Context, before time.Time, lease time.Duration, limit int) ([]Mail, error) {
	const query = "SELECT " + mailColumns + ` FROM mails
		WHERE created_at <= $1 AND state = 'waiting' AND (next_try_at <= $2 OR next_try_at > $3) ORDER BY created_at LIMIT $4`
	now := s.now()
	rows, err := s.View(portal.NoCustomer).q.rows(ctx, query, micros(before), micros(now), micros(now.Add(lease)), limit)
	return scanAll(rows, err, scanMail)
}

// MailSent notes that a claimed mail went out, and empties its letter. It is
// false where the claim is no longer the caller's.
func (s *Store) MailSent(ctx context.Context, m Mail) (bool, error) {
	const query = `UPDATE mails SET state = 'sent', letter = $5, done_at = $4, last_error = ''
		WHERE customer_id = $1 AND id = $2 AND tries = $3 AND state = 'waiting'`
	return exactlyOne(s.onWriter().exec(ctx, query, m.CustomerID, m.ID, m.Tries, micros(s.now()), []byte{}))
}

// PostponeMail puts a claimed mail off, and says why.
func (s *Store) PostponeMail(ctx context.Context, m Mail, wait time.Duration, why string) error {
	const query = `UPDATE mails SET next_try_at = $4, last_error = $5
		WHERE customer_id = $1 AND id = $2 AND tries = $3 AND state = 'waiting'`
	_, err := s.onWriter().exec(ctx, query, m.CustomerID, m.ID, m.Tries, micros(s.now().Add(wait)), why)
	return err
}

// ReturnMail gives a claimed mail back that was not tried, as if it had not been
// claimed: it is due again after a wait.
func (s *Store) ReturnMail(ctx context.Context, m Mail, wait time.Duration, why string) error {
	const query = `UPDATE mails SET tries = tries - 1, next_try_at = $4, last_error = $5
		WHERE customer_id = $1 AND id = $2 AND tries = $3 AND state = 'waiting'`
	_, err := s.onWriter().exec(ctx, query, m.CustomerID, m.ID, m.Tries, micros(s.now().Add(wait)), why)
	return err
}

// FailMail ends the tries of a claimed mail. The letter stays, so that the
// operator can read what did not arrive.
func (tx *Tx) FailMail(ctx context.Context, m Mail, why string) (bool, error) {
	const query = `UPDATE mails SET state = 'failed', done_at = $4, last_error = $5
		WHERE customer_id = $1 AND id = $2 AND tries = $3 AND state = 'waiting'`
	return exactlyOne(tx.q.exec(ctx, query, tx.customer, m.ID, m.Tries, micros(tx.Now), why))
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

// Counts tells whether mail goes to an address already. In another case or
// writing it is the same mailbox, wherever mail is really delivered.
func (a Addresses) Counts(address string) bool {
	return slices.ContainsFunc(a.Confirmed(), func(have string) bool { return portal.FoldKey(have) == portal.FoldKey(address) })
}

// Addresses reads a user's addresses.
func (v View) Addresses(ctx context.Context, id portal.UserID) (a Addresses, err error) {
	const query = "SELECT email, second_email, pending_email, pending_second_email FROM users WHERE customer_id = $1 AND id = $2"
	err = v.q.row(ctx, query, v.customer, id).Scan(&a.First, &a.Second, &a.PendingFirst, &a.PendingSecond)
	return a, translate(err)
}
