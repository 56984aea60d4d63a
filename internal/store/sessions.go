package store

import (
	"context"
	"slices"
	"time"

	"portal"
)

// Session is a signed-in browser. Its token is kept as digest only.
type Session struct {
	ID              portal.SessionID
	UserID          portal.UserID
	SecurityVersion int64
	Proofs          Proofs
	CreatedAt       time.Time
	LastSeenAt      time.Time
	ExpiresAt       time.Time
	SteppedUpAt     time.Time
	Address, Agent  string
	Before          portal.LastTime // not in lists
}

// Proofs says what a session was opened with; it never ranks higher (SE-12).
type Proofs string

// The proofs that open a session.
const (
	ByPassword     Proofs = "password"
	ByCode         Proofs = "password+code"
	ByRecoveryCode Proofs = "password+recovery-code"
)

// LiveSession is a session together with who it belongs to.
type LiveSession struct {
	Session
	User         portal.User
	CustomerName string
	Policies     portal.Policies
}

// beforeColumns are what had happened to the account before the session.
const beforeColumns = "s.before_at, s.before_address, s.before_agent, s.before_new <> 0, s.wrong_tries"

const sessionColumns = `s.id, s.user_id, s.security_version, s.proofs, s.created_at, s.last_seen_at, s.expires_at,
	s.stepped_up_at, s.address, s.agent`

// SessionByDigest is the one look-up of a signed-in request. It finds only
// what may be used now: unexpired, not idle, of the user's present security
// version, of an active user who is not frozen.
func (s *Store) SessionByDigest(ctx context.Context, digest []byte, idle time.Duration) (LiveSession, error) {
	const query = `SELECT ` + sessionColumns + `, ` + beforeColumns + `, ` + userColumns + `, c.name, ` + policyColumns + `
		FROM sessions s
		JOIN users u ON u.customer_id = s.customer_id AND u.id = s.user_id
		JOIN customers c ON c.id = s.customer_id
		WHERE s.digest = $1 AND s.expires_at > $2 AND s.last_seen_at > $3
		AND u.security_version = s.security_version AND u.state = 'active' AND u.frozen_at = 0 AND c.suspended_at = 0
		AND (u.twofa_state <> 'enabled' OR s.proofs <> 'password')`
	v := s.View(portal.NoCustomer)
	var live LiveSession
	var user userRow
	var times [4]int64
	var policy policyRow
	var before int64
	into := slices.Concat(sessionInto(&live.Session, &times), beforeInto(&live.Before, &before), user.into(&live.User), []any{&live.CustomerName}, policy.into(&live.Policies))
	err := v.q.row(ctx, query, digest, micros(v.Now), micros(v.Now.Add(-idle))).Scan(into...)
	live.Session.setTimes(times)
	live.Before.At = fromMicros(before)
	user.finish(&live.User)
	policy.finish(&live.Policies)
	return live, translate(err)
}

func sessionInto(s *Session, times *[4]int64) []any {
	return []any{&s.ID, &s.UserID, &s.SecurityVersion, &s.Proofs, &times[0], &times[1], &times[2], &times[3], &s.Address, &s.Agent}
}

func (s *Session) setTimes(times [4]int64) {
	s.CreatedAt, s.LastSeenAt = fromMicros(times[0]), fromMicros(times[1])
	s.ExpiresAt, s.SteppedUpAt = fromMicros(times[2]), fromMicros(times[3])
}

func beforeInto(b *portal.LastTime, at *int64) []any {
	return []any{at, &b.Address, &b.Agent, &b.NewBrowser, &b.WrongTries}
}

// AddSession keeps a new session and ends the user's oldest ones beyond keep.
func (tx *Tx) AddSession(ctx context.Context, s Session, digest []byte, keep int) error {
	const query = `INSERT INTO sessions (id, digest, customer_id, user_id, security_version, proofs,
			created_at, last_seen_at, expires_at, stepped_up_at, address, agent,
			before_at, before_address, before_agent, before_new, wrong_tries)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8, 0, $9, $10, $11, $12, $13, $14, $15)`
	b := s.Before
	_, err := tx.q.exec(ctx, query, s.ID, digest, tx.customer, s.UserID, s.SecurityVersion, s.Proofs,
		micros(tx.Now), micros(s.ExpiresAt), s.Address, s.Agent, micros(b.At), b.Address, b.Agent, flag(b.NewBrowser), b.WrongTries)
	if err != nil {
		return err
	}
	const oldest = `DELETE FROM sessions WHERE customer_id = $1 AND user_id = $2 AND id NOT IN
		(SELECT id FROM sessions WHERE customer_id = $1 AND user_id = $2 ORDER BY created_at DESC, id DESC LIMIT $3)`
	_, err = tx.q.exec(ctx, oldest, tx.customer, s.UserID, keep)
	return err
}

// RenewSession gives a session a new token and the user's present security
// version. False means that the session is gone.
func (tx *Tx) RenewSession(ctx context.Context, id portal.SessionID, digest []byte) (bool, error) {
	const query = `UPDATE sessions SET digest = $3, security_version =
			(SELECT u.security_version FROM users u WHERE u.customer_id = sessions.customer_id AND u.id = sessions.user_id)
		WHERE customer_id = $1 AND id = $2`
	return exactlyOne(tx.q.exec(ctx, query, tx.customer, id, digest))
}

// RaiseProofs notes that a session opened by password has proven a code too.
func (tx *Tx) RaiseProofs(ctx context.Context, id portal.SessionID) error {
	const query = "UPDATE sessions SET proofs = 'password+code' WHERE customer_id = $1 AND id = $2 AND proofs = 'password'"
	_, err := tx.q.exec(ctx, query, tx.customer, id)
	return err
}

// StepUp marks a session as freshly proven, now.
func (tx *Tx) StepUp(ctx context.Context, id portal.SessionID) (bool, error) {
	const query = "UPDATE sessions SET stepped_up_at = $3 WHERE customer_id = $1 AND id = $2"
	return exactlyOne(tx.q.exec(ctx, query, tx.customer, id, micros(tx.Now)))
}

// Fresh tells whether what was proven at a moment still counts: for so long, and
// not where it is of a clock that went back since. That would stretch it by as
// much as the clock was ahead.
func Fresh(at, now time.Time, life time.Duration) bool {
	return at.After(now.Add(-life)) && !at.After(now.Add(slack))
}

// FreshStepUp tells whether the session was stepped up lately; see Fresh.
func (v View) FreshStepUp(ctx context.Context, id portal.SessionID, life time.Duration) (bool, error) {
	const query = "SELECT id FROM sessions WHERE customer_id = $1 AND id = $2 AND stepped_up_at > $3 AND stepped_up_at <= $4"
	return found(v.q.row(ctx, query, v.customer, id, micros(v.Now.Add(-life)), micros(v.Now.Add(slack))))
}

// UseStepUp uses up a fresh step-up. False means that there is none, or that
// another action used it.
func (tx *Tx) UseStepUp(ctx context.Context, id portal.SessionID, life time.Duration) (bool, error) {
	const query = `UPDATE sessions SET stepped_up_at = 0
		WHERE customer_id = $1 AND id = $2 AND stepped_up_at > $3 AND stepped_up_at <= $4`
	return exactlyOne(tx.q.exec(ctx, query, tx.customer, id, micros(tx.Now.Add(-life)), micros(tx.Now.Add(slack))))
}

// SessionsOf lists the user's sessions that may still be used, newest first.
func (v View) SessionsOf(ctx context.Context, user portal.UserID, idle time.Duration) ([]Session, error) {
	const query = `SELECT ` + sessionColumns + ` FROM sessions s
		JOIN users u ON u.customer_id = s.customer_id AND u.id = s.user_id
		WHERE s.customer_id = $1 AND s.user_id = $2 AND s.expires_at > $3 AND s.last_seen_at > $4
		AND u.security_version = s.security_version
		ORDER BY s.created_at DESC, s.id DESC`
	rows, err := v.q.rows(ctx, query, v.customer, user, micros(v.Now), micros(v.Now.Add(-idle)))
	return scanAll(rows, err, func(r scanner) (s Session, err error) {
		var times [4]int64
		err = r.Scan(sessionInto(&s, &times)...)
		s.setTimes(times)
		return s, err
	})
}

// EndSession ends one session of the user; false means it was gone.
func (tx *Tx) EndSession(ctx context.Context, user portal.UserID, id portal.SessionID) (bool, error) {
	const query = "DELETE FROM sessions WHERE customer_id = $1 AND user_id = $2 AND id = $3"
	return exactlyOne(tx.q.exec(ctx, query, tx.customer, user, id))
}

// EndSessions ends all sessions of the user but one (all, where keep is
// empty) and all half sessions. It returns how many sessions ended.
func (tx *Tx) EndSessions(ctx context.Context, user portal.UserID, keep portal.SessionID) (int64, error) {
	const halves = "DELETE FROM half_sessions WHERE customer_id = $1 AND user_id = $2"
	if _, err := tx.q.exec(ctx, halves, tx.customer, user); err != nil {
		return 0, err
	}
	const query = "DELETE FROM sessions WHERE customer_id = $1 AND user_id = $2 AND id <> $3"
	return tx.q.exec(ctx, query, tx.customer, user, keep)
}

// EndAllSessions ends all sessions and half sessions of the customer. It
// returns how many sessions ended.
func (tx *Tx) EndAllSessions(ctx context.Context) (int64, error) {
	if _, err := tx.q.exec(ctx, "DELETE FROM half_sessions WHERE customer_id = $1", tx.customer); err != nil {
		return 0, err
	}
	return tx.q.exec(ctx, "DELETE FROM sessions WHERE customer_id = $1", tx.customer)
}

// Touch notes that a session is in use. It is one statement of its own, sent
// at most once a minute for a session.
func (s *Store) Touch(ctx context.Context, customer portal.CustomerID, id portal.SessionID) error {
	const query = "UPDATE sessions SET last_seen_at = $3 WHERE customer_id = $1 AND id = $2 AND last_seen_at < $3"
	_, err := s.onWriter().exec(ctx, query, customer, id, micros(s.now()))
	return err
}

// onWriter runs single statements that change hot rows, outside transactions.
func (s *Store) onWriter() querier { return s.watch(onPool{s.writer, s.statements}) }
