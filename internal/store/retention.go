package store

import (
	"context"
	"time"

	"portal"
)

// Aged is a kind of rows that are forgotten by age.
type Aged string

// The kinds, each with the age that counts.
const (
	AgedHalfSessions  Aged = "half sessions, since their end"
	AgedSessions      Aged = "sessions, since their end"
	AgedIdleSessions  Aged = "sessions, since their last use"
	AgedLinks         Aged = "links, since their end"
	AgedAlarms        Aged = "links of this-was-not-me, since their end"
	AgedBrowsers      Aged = "known browsers, since their last use"
	AgedThrottles     Aged = "counters of tries, since they began"
	AgedUnknownNames  Aged = "counters of unknown names, since they began"
	AgedPendings      Aged = "pending set-ups, since their end"
	AgedMails         Aged = "mails, since they were sent or given up"
	AgedResetRequests Aged = "requests for a new password, since they were made"
	AgedHelpRequests  Aged = "requests for help, since they were made"
	AgedNodes         Aged = "nodes, since they were seen"
)

// forgetting forgets the rows of a kind that are as old as $1 or older, $2 of
// them at most. An index on the age finds them; the age is asked again of the
// row itself, which may have been used in between.
var forgetting = map[Aged]string{
	AgedHalfSessions: `DELETE FROM half_sessions WHERE expires_at <= $1 AND digest IN
		(SELECT digest FROM half_sessions WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)`,
	AgedSessions: `DELETE FROM sessions WHERE expires_at <= $1 AND id IN
		(SELECT id FROM sessions WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)`,
	AgedIdleSessions: `DELETE FROM sessions WHERE last_seen_at <= $1 AND id IN
		(SELECT id FROM sessions WHERE last_seen_at <= $1 ORDER BY last_seen_at LIMIT $2)`,
	AgedLinks: `DELETE FROM links WHERE expires_at <= $1 AND digest IN
		(SELECT digest FROM links WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)`,
	AgedAlarms: `DELETE FROM alarms WHERE expires_at <= $1 AND digest IN
		(SELECT digest FROM alarms WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)`,
	AgedBrowsers: `DELETE FROM browsers WHERE last_used_at <= $1 AND (user_id, digest) IN
		(SELECT user_id, digest FROM browsers WHERE last_used_at <= $1 ORDER BY last_used_at LIMIT $2)`,
	AgedThrottles: `DELETE FROM throttles WHERE since <= $1 AND bucket IN
		(SELECT bucket FROM throttles WHERE since <= $1 ORDER BY since LIMIT $2)`,
	AgedUnknownNames: `DELETE FROM unknown_names WHERE since <= $1 AND bucket IN
		(SELECT bucket FROM unknown_names WHERE since <= $1 ORDER BY since LIMIT $2)`,
	AgedPendings: `DELETE FROM authenticators WHERE state = 'pending' AND expires_at <= $1 AND id IN
		(SELECT id FROM authenticators WHERE state = 'pending' AND expires_at <= $1 ORDER BY expires_at LIMIT $2)`,
	// One that waits is not forgotten but given up. A mail was written before it
	// was done with, so that the index on that age finds it.
	AgedMails: `DELETE FROM mails WHERE state <> 'waiting' AND done_at <= $1 AND id IN
		(SELECT id FROM mails WHERE created_at <= $1 AND state <> 'waiting' AND done_at <= $1 ORDER BY created_at LIMIT $2)`,
	AgedResetRequests: `DELETE FROM reset_requests WHERE created_at <= $1 AND id IN
		(SELECT id FROM reset_requests WHERE created_at <= $1 ORDER BY created_at LIMIT $2)`,
	AgedHelpRequests: `DELETE FROM help_requests WHERE created_at <= $1 AND user_id IN
		(SELECT user_id FROM help_requests WHERE created_at <= $1 ORDER BY created_at LIMIT $2)`,
	AgedNodes: `DELETE FROM nodes WHERE seen_at <= $1 AND id IN
		(SELECT id FROM nodes WHERE seen_at <= $1 ORDER BY seen_at LIMIT $2)`,
}

// Forget forgets rows of a kind, of all customers, that have been as they are
// since before; limit at most, so that nobody waits long. It returns how many
// there were. Two nodes at once forget each row once.
func (s *Store) Forget(ctx context.Context, kind Aged, before time.Time, limit int) (int64, error) {
	return s.onWriter().exec(ctx, forgetting[kind], micros(before), limit)
}

// KeptSetup is a 2FA setup that is kept while it is switched off.
type KeptSetup struct {
	CustomerID portal.CustomerID
	UserID     portal.UserID
	Since      time.Time
	Warned     bool // that it runs out, since it was switched off
}

// KeptSetups lists setups that have been kept since a time or longer, of all
// customers, longest first, from after another one on.
func (s *Store) KeptSetups(ctx context.Context, before time.Time, after KeptSetup, limit int) ([]KeptSetup, error) {
	const query = `SELECT u.customer_id, u.id, u.twofa_changed_at, a.warned_at FROM users u
		JOIN authenticators a ON a.customer_id = u.customer_id AND a.id = u.authenticator_id
		WHERE u.twofa_state = 'disabled' AND u.twofa_changed_at <= $1 AND (u.twofa_changed_at, u.id) > ($2, $3)
		ORDER BY u.twofa_changed_at, u.id LIMIT $4`
	rows, err := s.View(portal.NoCustomer).q.rows(ctx, query, micros(before), micros(after.Since), after.UserID, limit)
	return scanAll(rows, err, func(r scanner) (k KeptSetup, err error) {
		var since, warned int64
		err = r.Scan(&k.CustomerID, &k.UserID, &since, &warned)
		k.Since, k.Warned = fromMicros(since), warned >= since
		return k, err
	})
}

// WarnKept notes that the owner of a kept setup was told that it runs out.
// False means that this was noted before, or that the setup is no longer kept.
func (tx *Tx) WarnKept(ctx context.Context, k KeptSetup) (bool, error) {
	const query = `UPDATE authenticators SET warned_at = $4 WHERE customer_id = $1 AND user_id = $2 AND warned_at < $3 AND id =
		(SELECT u.authenticator_id FROM users u WHERE u.customer_id = $1 AND u.id = $2 AND u.twofa_state = 'disabled' AND u.twofa_changed_at = $3)`
	return exactlyOne(tx.q.exec(ctx, query, tx.customer, k.UserID, micros(k.Since), micros(tx.Now)))
}
