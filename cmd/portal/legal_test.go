package main

import (
	"database/sql"
	"testing"

	"portal"
)

// legal holds what is true of the data at any moment, whatever was cut off: the
// 2FA state and what it rests on, counts and the rows that they count, what
// belongs to somebody, and changes and the letters that tell of them.
func legal(t testing.TB, db *sql.DB) {
	t.Helper()
	for what, query := range map[string]string{
		"a user with 2FA without its authenticator": `SELECT COUNT(*) FROM users u WHERE twofa_state <> 'none' AND NOT EXISTS (
			SELECT 1 FROM authenticators a WHERE a.id = u.authenticator_id AND a.user_id = u.id AND a.customer_id = u.customer_id AND a.state = 'current')`,
		"an authenticator that counts for nobody": `SELECT COUNT(*) FROM authenticators a WHERE state = 'current' AND NOT EXISTS (
			SELECT 1 FROM users u WHERE u.id = a.user_id AND u.authenticator_id = a.id)`,
		"an authenticator of a state that was never confirmed": "SELECT COUNT(*) FROM authenticators WHERE (state = 'current') <> (confirmed_at > 0)",
		"recovery codes without 2FA":                           "SELECT COUNT(*) FROM recovery_codes r JOIN users u ON u.id = r.user_id WHERE u.twofa_state <> 'enabled'",
		"more than ten recovery codes":                         "SELECT COUNT(*) FROM (SELECT user_id FROM recovery_codes GROUP BY user_id HAVING COUNT(*) > 10) many",
		"a session of a time to come":                          "SELECT COUNT(*) FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.security_version > u.security_version",
		"a session by password alone beside enabled 2FA": `SELECT COUNT(*) FROM sessions s JOIN users u ON u.id = s.user_id
			WHERE u.twofa_state = 'enabled' AND s.proofs = 'password' AND s.security_version = u.security_version AND s.created_at > u.twofa_changed_at`,
		"a user that no search finds":  "SELECT COUNT(*) FROM users u WHERE NOT EXISTS (SELECT 1 FROM user_terms s WHERE s.user_id = u.id)",
		"a search by another state":    "SELECT COUNT(*) FROM user_terms s JOIN users u ON u.id = s.user_id WHERE s.twofa_state <> u.twofa_state",
		"a link of nobody":             "SELECT COUNT(*) FROM links l WHERE subject <> '' AND NOT EXISTS (SELECT 1 FROM users u WHERE u.id = l.subject)",
		"an unsealed event of nothing": "SELECT COUNT(*) FROM unsealed_events s WHERE NOT EXISTS (SELECT 1 FROM events e WHERE e.id = s.event_id)",
		"counts that are not the rows": `SELECT COUNT(*) FROM (
			SELECT customer_id, role, twofa_state, SUM(n) AS off FROM (
				SELECT customer_id, role, twofa_state, users AS n FROM customer_counts
				UNION ALL SELECT customer_id, role, twofa_state, -1 AS n FROM users) all_of_them
			GROUP BY customer_id, role, twofa_state HAVING SUM(n) <> 0) wrong`,
	} {
		if n := number(t, db, query); n != 0 {
			t.Errorf("%s: %d", what, n)
		}
	}
	changes := number(t, db, "SELECT COUNT(*) FROM events WHERE outcome = 'done' AND action IN ($1, $2, $3, $4, $5, $6)",
		portal.SetupConfirmed, portal.Replaced, portal.TwoFactorDisable, portal.TwoFactorEnable, portal.SetupDeleted, portal.PasswordChanged)
	letters := number(t, db, "SELECT COUNT(*) FROM mails WHERE kind IN ($1, $2, $3, $4, $5, $6)", portal.MailFactorEnabled, portal.MailFactorReplaced,
		portal.MailFactorDisabled, portal.MailFactorDeleted, portal.MailDeletedByAdmin, portal.MailPasswordChanged)
	if changes != letters {
		t.Errorf("%d changes, %d letters that tell of them", changes, letters)
	}
}
