package store

import (
	"context"
	"time"

	"portal"
)

// ResetRequestLife is how long a request waits for its answer; mostly it is
// seconds.
const ResetRequestLife = 24 * time.Hour

// ResetRequest is a password that somebody asked to set anew. It waits for its
// answer; UserID is empty where nobody has the login ID.
type ResetRequest struct {
	ID         string
	CustomerID portal.CustomerID
	UserID     portal.UserID
	Origin     portal.Origin
}

// PutResetRequest notes a request, of a known name and an unknown one alike.
func (tx *Tx) PutResetRequest(ctx context.Context, r ResetRequest) error {
	const query = `INSERT INTO reset_requests (id, customer_id, user_id, created_at, address, agent, request_id)
		VALUES ($1, $2, $3, $4, $5, $6, $7)`
	_, err := tx.q.exec(ctx, query, r.ID, tx.customer, r.UserID, micros(tx.Now), r.Origin.Address, r.Origin.Agent, r.Origin.RequestID)
	return err
}

// ResetRequests lists requests of all customers that wait, oldest first.
func (s *Store) ResetRequests(ctx context.Context, limit int) ([]ResetRequest, error) {
	const query = "SELECT id, customer_id, user_id, address, agent, request_id FROM reset_requests WHERE created_at > $2 ORDER BY id LIMIT $1"
	v := s.View(portal.NoCustomer)
	rows, err := v.q.rows(ctx, query, limit, micros(v.Now.Add(-ResetRequestLife)))
	return scanAll(rows, err, func(r scanner) (q ResetRequest, err error) {
		return q, r.Scan(&q.ID, &q.CustomerID, &q.UserID, &q.Origin.Address, &q.Origin.Agent, &q.Origin.RequestID)
	})
}

// TakeResetRequest takes a request away, in the transaction that answers it;
// false means that another node has answered it.
func (tx *Tx) TakeResetRequest(ctx context.Context, id string) (bool, error) {
	const query = "DELETE FROM reset_requests WHERE customer_id = $1 AND id = $2"
	return exactlyOne(tx.q.exec(ctx, query, tx.customer, id))
}
