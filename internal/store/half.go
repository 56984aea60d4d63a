package store

import (
	"context"
	"time"

	"portal"
)

// HalfSession is a sign-in with a right password that owes the second factor.
type HalfSession struct {
	CustomerID      portal.CustomerID
	UserID          portal.UserID
	SecurityVersion int64
	ExpiresAt       time.Time
	// Browser is the digest of the known browser that the password came from;
	// nil where it came from an unknown one.
	Browser []byte
	// KnownSince is since when that browser is known; zero where it is not, or
	// not under that token any more.
	KnownSince time.Time
	// Frozen and Failures are how its user stands now: the second tells how many
	// codes of the app in a row were wrong.
	Frozen   bool
	Failures int64
}

// AddHalfSession keeps a new half session.
func (tx *Tx) AddHalfSession(ctx context.Context, h HalfSession, digest []byte) error {
	const query = `INSERT INTO half_sessions (digest, customer_id, user_id, security_version, tries, created_at, expires_at, browser)
		VALUES ($1, $2, $3, $4, 0, $5, $6, $7)`
	_, err := tx.q.exec(ctx, query, digest, tx.customer, h.UserID, h.SecurityVersion, micros(tx.Now), micros(h.ExpiresAt), h.Browser)
	return err
}

// One that was begun later than now is of a clock that went back since, and has
// ended: it would live on by as much as the clock was ahead.
const halfUsable = ` digest = $1 AND expires_at > $2 AND created_at <= $4 AND tries < $3 AND security_version =
	(SELECT u.security_version FROM users u JOIN customers c ON c.id = u.customer_id
		WHERE u.id = half_sessions.user_id AND u.state = 'active' AND c.suspended_at = 0)`

const halfColumns = ` customer_id, user_id, security_version, expires_at, browser,
	COALESCE((SELECT b.created_at FROM browsers b WHERE b.user_id = half_sessions.user_id AND b.digest = half_sessions.browser), 0),
	(SELECT u.frozen_at FROM users u WHERE u.id = half_sessions.user_id),
	COALESCE((SELECT a.failures FROM authenticators a WHERE a.user_id = half_sessions.user_id AND a.state = 'current'), 0)`

// HalfSessionByDigest finds a half session that may still be used.
func (s *Store) HalfSessionByDigest(ctx context.Context, digest []byte, tries int) (HalfSession, error) {
	const query = "SELECT" + halfColumns + " FROM half_sessions WHERE" + halfUsable
	v := s.View(portal.NoCustomer)
	return scanHalf(v.q.row(ctx, query, digest, micros(v.Now), tries, micros(v.Now.Add(slack))))
}

// ChargeHalfSession counts a try before its code is looked at, on the half
// session and on what its toll names; ErrNotFound says that the half session
// allows none.
func (s *Store) ChargeHalfSession(ctx context.Context, digest []byte, tries int, of func(HalfSession) Toll) (h HalfSession, c Charged, err error) {
	const query = "UPDATE half_sessions SET tries = tries + 1 WHERE" + halfUsable +
		" RETURNING" + halfColumns
	err = s.charge(ctx, func(q querier, now time.Time) (err error) {
		if h, err = scanHalf(q.row(ctx, query, digest, micros(now), tries, micros(now.Add(slack)))); err != nil {
			return err
		}
		c, err = of(h).charge(ctx, q, now)
		return err
	})
	return h, c, err
}

func scanHalf(r scanner) (h HalfSession, err error) {
	var expires, known, frozen int64
	err = r.Scan(&h.CustomerID, &h.UserID, &h.SecurityVersion, &expires, &h.Browser, &known, &frozen, &h.Failures)
	h.ExpiresAt, h.KnownSince, h.Frozen = fromMicros(expires), fromMicros(known), frozen != 0
	return h, translate(err)
}

// SpendHalfSession uses up a half session. False means that it has been used,
// has ended, or belongs to an older security version.
func (tx *Tx) SpendHalfSession(ctx context.Context, digest []byte) (bool, error) {
	const query = `DELETE FROM half_sessions WHERE customer_id = $1 AND digest = $2 AND expires_at > $3 AND created_at <= $4 AND security_version =
		(SELECT u.security_version FROM users u JOIN customers c ON c.id = u.customer_id
			WHERE u.id = half_sessions.user_id AND u.state = 'active' AND c.suspended_at = 0)`
	return exactlyOne(tx.q.exec(ctx, query, tx.customer, digest, micros(tx.Now), micros(tx.Now.Add(slack))))
}

// EndHalfSession forgets a half session, in whatever state it is.
func (tx *Tx) EndHalfSession(ctx context.Context, digest []byte) (bool, error) {
	const query = "DELETE FROM half_sessions WHERE customer_id = $1 AND digest = $2"
	return exactlyOne(tx.q.exec(ctx, query, tx.customer, digest))
}
