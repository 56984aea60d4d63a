package store

import (
	"context"
	"time"

	"portal"
)

// Alarm is a link "this was not me". Several of a user are open at once, and
// they outlive the change that they tell of.
type Alarm struct {
	CustomerID portal.CustomerID
	UserID     portal.UserID
	ExpiresAt  time.Time
}

// AddAlarm keeps the digest of a link "this was not me".
func (tx *Tx) AddAlarm(ctx context.Context, user portal.UserID, digest []byte, until time.Time) error {
	const query = "INSERT INTO alarms (digest, customer_id, user_id, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)"
	_, err := tx.q.exec(ctx, query, digest, tx.customer, user, micros(tx.Now), micros(until))
	return err
}

// AlarmByDigest finds a link that has not run out. Finding it changes nothing.
func (s *Store) AlarmByDigest(ctx context.Context, digest []byte) (a Alarm, err error) {
	const query = "SELECT customer_id, user_id, expires_at FROM alarms WHERE digest = $1 AND expires_at > $2"
	v := s.View(portal.NoCustomer)
	var expires int64
	err = v.q.row(ctx, query, digest, micros(v.Now)).Scan(&a.CustomerID, &a.UserID, &expires)
	a.ExpiresAt = fromMicros(expires)
	return a, translate(err)
}

// SpendAlarm uses up a link. False means that it has been used or has run out.
// The row stays until its end, under another digest: a second press of the
// button finds out whose account it has frozen.
func (tx *Tx) SpendAlarm(ctx context.Context, digest, spent []byte) (bool, error) {
	const query = "UPDATE alarms SET digest = $4 WHERE customer_id = $1 AND digest = $2 AND expires_at > $3"
	return exactlyOne(tx.q.exec(ctx, query, tx.customer, digest, micros(tx.Now), spent))
}
