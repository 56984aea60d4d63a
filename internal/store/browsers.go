package store

import (
	"context"
	"time"

	"portal"
)

// KnownBrowser tells since when the user is known to the browser that holds the
// token of this digest; ErrNotFound where the user has not signed in there since
// the given time.
func (v View) KnownBrowser(ctx context.Context, user portal.UserID, digest []byte, used time.Time) (since time.Time, err error) {
	const query = "SELECT created_at FROM browsers WHERE customer_id = $1 AND user_id = $2 AND digest = $3 AND last_used_at > $4"
	var created int64
	err = translate(v.q.row(ctx, query, v.customer, user, digest, micros(used)).Scan(&created))
	return fromMicros(created), err
}

// PutBrowser notes that the user has signed in with this browser now.
func (tx *Tx) PutBrowser(ctx context.Context, user portal.UserID, digest []byte, agent string) error {
	const query = `INSERT INTO browsers (customer_id, user_id, digest, agent, created_at, last_used_at) VALUES ($1, $2, $3, $4, $5, $5)
		ON CONFLICT (user_id, digest) DO UPDATE SET agent = $4, last_used_at = $5`
	_, err := tx.q.exec(ctx, query, tx.customer, user, digest, agent, micros(tx.Now))
	return err
}

// MoveBrowser gives a browser another token for everybody who uses it, of
// whatever customer. Since when they are known there stays.
func (tx *Tx) MoveBrowser(ctx context.Context, from, to []byte) error {
	const query = "UPDATE browsers SET digest = $2 WHERE digest = $1"
	_, err := tx.q.exec(ctx, query, from, to)
	return err
}

// ForgetBrowsers makes every browser an unknown one again.
func (tx *Tx) ForgetBrowsers(ctx context.Context, id portal.UserID) error {
	const query = "DELETE FROM browsers WHERE customer_id = $1 AND user_id = $2"
	_, err := tx.q.exec(ctx, query, tx.customer, id)
	return err
}
