package store

import (
	"context"
	"time"

	"portal"
)

// Lease is who does a job, and until when.
type Lease struct {
	Name  string
	Until time.Time // zero where it only holds a mark
}

// Leases lists the timetable.
func (s *Store) Leases(ctx context.Context) ([]Lease, error) {
	rows, err := s.View(portal.NoCustomer).q.rows(ctx, "SELECT name, until FROM leases ORDER BY name")
	return scanAll(rows, err, func(r scanner) (l Lease, err error) {
		var until int64
		err = r.Scan(&l.Name, &until)
		l.Until = fromMicros(until)
		return l, err
	})
}

// ExpiredSetups tells how many set-ups are pending though their time ended
// before then; limit at most.
func (s *Store) ExpiredSetups(ctx context.Context, before time.Time, limit int) (int, error) {
	const query = "SELECT id FROM authenticators WHERE state = 'pending' AND expires_at <= $1 LIMIT $2"
	return s.several(ctx, query, micros(before), limit)
}

// OldMails tells how many mails are in a state and were written before then;
// limit at most.
func (s *Store) OldMails(ctx context.Context, state MailState, before time.Time, limit int) (int, error) {
	const query = "SELECT id FROM mails WHERE state = $1 AND created_at <= $2 LIMIT $3"
	return s.several(ctx, query, state, micros(before), limit)
}

func (s *Store) several(ctx context.Context, query string, args ...any) (int, error) {
	rows, err := s.View(portal.NoCustomer).q.rows(ctx, query, args...)
	ids, err := scanAll(rows, err, func(r scanner) (id string, err error) { return id, r.Scan(&id) })
	return len(ids), err
}

// SetupPage is a page of the proven authenticators.
type SetupPage struct {
	Last     portal.AuthenticatorID // "" where the page is empty
	Orphaned int64                  // those that no user points to
}

// SetupsAfter looks at the proven authenticators of all customers, after the
// given one.
func (s *Store) SetupsAfter(ctx context.Context, after portal.AuthenticatorID, limit int) (p SetupPage, err error) {
	const query = `SELECT COALESCE(MAX(page.id), ''), COALESCE(SUM(page.orphaned), 0) FROM (
		SELECT a.id, CASE WHEN a.state = 'current' AND NOT EXISTS (SELECT u.id FROM users u
			WHERE u.customer_id = a.customer_id AND u.id = a.user_id AND u.authenticator_id = a.id) THEN 1 ELSE 0 END AS orphaned
		FROM authenticators a WHERE a.id > $1 ORDER BY a.id LIMIT $2) page`
	err = translate(s.View(portal.NoCustomer).q.row(ctx, query, after, limit).Scan(&p.Last, &p.Orphaned))
	return p, err
}

// Standing is where some users of a customer are counted.
type Standing struct {
	Customer portal.CustomerID
	Role     portal.Role
	State    portal.TwoFactorState
}

// Tally is what a page of users holds of one standing.
type Tally struct {
	Standing
	Last  portal.UserID // the highest of them
	Users int64
	Able  int64 // those whom nothing but their own proofs keeps from signing in
	Lost  int64 // those whose authenticator is not there
	// LostOne is the login ID of one of them.
	LostOne string
}

// TallyAfter counts a page of the users of all customers by their standing, in
// the order of customer and user, from after the given user on. Where all pages
// are to be of one moment they are read in a Snapshot.
func (v View) TallyAfter(ctx context.Context, customer portal.CustomerID, user portal.UserID, limit int) ([]Tally, error) {
	const query = `SELECT page.customer_id, page.role, page.twofa_state, MAX(page.id), COUNT(*), SUM(page.able), SUM(page.lost),
		COALESCE(MIN(CASE WHEN page.lost = 1 THEN page.login_id END), '') FROM (
		SELECT u.customer_id, u.id, u.login_id, u.role, u.twofa_state,
			CASE WHEN u.state = 'active' AND u.password_hash <> '' AND u.frozen_at = 0 THEN 1 ELSE 0 END AS able,
			CASE WHEN u.authenticator_id IS NOT NULL AND NOT EXISTS (SELECT a.id FROM authenticators a
				WHERE a.customer_id = u.customer_id AND a.id = u.authenticator_id AND a.user_id = u.id AND a.state = 'current') THEN 1 ELSE 0 END AS lost
		FROM users u WHERE (u.customer_id, u.id) > ($1, $2) ORDER BY u.customer_id, u.id LIMIT $3) page
		GROUP BY page.customer_id, page.role, page.twofa_state ORDER BY page.customer_id`
	rows, err := v.q.rows(ctx, query, customer, user, limit)
	return scanAll(rows, err, func(r scanner) (t Tally, err error) {
		return t, r.Scan(&t.Customer, &t.Role, &t.State, &t.Last, &t.Users, &t.Able, &t.Lost, &t.LostOne)
	})
}

// Counter is what the counters say of one standing.
type Counter struct {
	Standing
	Users int64
}

// CountersAfter lists the counters of all customers in order, from after the
// given one on.
func (v View) CountersAfter(ctx context.Context, after Standing, limit int) ([]Counter, error) {
	const query = `SELECT customer_id, role, twofa_state, users FROM customer_counts
		WHERE (customer_id, role, twofa_state) > ($1, $2, $3) ORDER BY customer_id, role, twofa_state LIMIT $4`
	rows, err := v.q.rows(ctx, query, after.Customer, after.Role, after.State, limit)
	return scanAll(rows, err, func(r scanner) (c Counter, err error) {
		return c, r.Scan(&c.Customer, &c.Role, &c.State, &c.Users)
	})
}
