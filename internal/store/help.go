package store

import (
	"context"
	"time"

	"portal"
)

// HelpRequestLife is how long a request for help stays open.
const HelpRequestLife = 30 * 24 * time.Hour

// HelpRequest is "I lost my phone", told to the administrators.
type HelpRequest struct {
	User           portal.User
	At             time.Time
	Address, Agent string
}

// AskHelp keeps a request for help; false means that one of the user is open.
func (tx *Tx) AskHelp(ctx context.Context, user portal.UserID, o portal.Origin) (bool, error) {
	const query = `INSERT INTO help_requests (customer_id, user_id, created_at, address, agent) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (customer_id, user_id) DO UPDATE SET created_at = $3, address = $4, agent = $5 WHERE help_requests.created_at <= $6`
	return exactlyOne(tx.q.exec(ctx, query, tx.customer, user, micros(tx.Now), o.Address, o.Agent, tx.helpSince()))
}

// HelpAskedAt tells since when a user's request is open; zero means none is.
func (v View) HelpAskedAt(ctx context.Context, user portal.UserID) (time.Time, error) {
	var at int64
	const query = "SELECT created_at FROM help_requests WHERE customer_id = $1 AND user_id = $2 AND created_at > $3"
	err := translate(v.q.row(ctx, query, v.customer, user, v.helpSince()).Scan(&at))
	if err == ErrNotFound {
		return time.Time{}, nil
	}
	return fromMicros(at), err
}

// HelpRequests lists the open requests of the customer, oldest first, at most
// so many.
func (v View) HelpRequests(ctx context.Context, most int) ([]HelpRequest, error) {
	const query = `SELECT ` + userColumns + `, h.created_at, h.address, h.agent
		FROM help_requests h JOIN users u ON u.customer_id = h.customer_id AND u.id = h.user_id
		WHERE h.customer_id = $1 AND h.created_at > $3 ORDER BY h.created_at, h.user_id LIMIT $2`
	rows, err := v.q.rows(ctx, query, v.customer, most, v.helpSince())
	return scanAll(rows, err, func(r scanner) (h HelpRequest, err error) {
		var row userRow
		var at int64
		err = r.Scan(append(row.into(&h.User), &at, &h.Address, &h.Agent)...)
		row.finish(&h.User)
		h.At = fromMicros(at)
		return h, err
	})
}

// helpSince is when the oldest request was made that is still open.
func (v View) helpSince() int64 { return micros(v.Now.Add(-HelpRequestLife)) }

// CloseHelp closes a user's request; false means that none was open.
func (tx *Tx) CloseHelp(ctx context.Context, user portal.UserID) (bool, error) {
	const query = "DELETE FROM help_requests WHERE customer_id = $1 AND user_id = $2"
	return exactlyOne(tx.q.exec(ctx, query, tx.customer, user))
}
