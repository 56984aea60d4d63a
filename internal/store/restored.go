package store

import (
	"context"
	"errors"
	"time"

	"portal"
)

// OwePostRestore marks the data as restored, where it is not marked yet.
func (s *Store) OwePostRestore(ctx context.Context) error {
	return s.WriteUnaudited(ctx, portal.NoCustomer, "that it is owed is not that it is done", func(tx *Tx) error {
		since, err := tx.Mark(ctx, owedMark)
		if err != nil || since != 0 {
			return err
		}
		return errors.Join(tx.SetMark(ctx, owedMark, micros(tx.Now)), tx.SetMark(ctx, backupMark, 0))
	})
}

// PaidPostRestore notes that nothing is owed any more.
func (tx *Tx) PaidPostRestore(ctx context.Context) error {
	return errors.Join(tx.SetMark(ctx, owedMark, 0), tx.SetMark(ctx, doneMark, micros(tx.Now)))
}

// RecordedSince tells whether the customer has an event of an action, done at
// a moment or later.
func (v View) RecordedSince(ctx context.Context, action portal.Action, since time.Time) (bool, error) {
	const query = "SELECT id FROM events WHERE customer_id = $1 AND action = $2 AND target_id = '' AND at >= $3 LIMIT 1"
	return found(v.q.row(ctx, query, v.customer, action, micros(since)))
}

// Voided counts what was voided after a restore.
type Voided struct{ Sessions, Links, Mails int64 }

// VoidRestored voids what may have been used or revoked after the backup was
// made, of the whole customer: sessions, half sessions, links of every kind,
// set-ups that were under way, known browsers, every time step up to the given
// one, and the mails that waited then, which have long gone out.
func (tx *Tx) VoidRestored(ctx context.Context, step int64, since time.Time) (v Voided, err error) {
	if v.Sessions, err = tx.EndAllSessions(ctx); err != nil {
		return v, err
	}
	for _, query := range []string{
		"DELETE FROM authenticators WHERE customer_id = $1 AND state = 'pending'",
		"DELETE FROM browsers WHERE customer_id = $1",
		"DELETE FROM reset_requests WHERE customer_id = $1",
	} {
		if _, err := tx.q.exec(ctx, query, tx.customer); err != nil {
			return v, err
		}
	}
	for _, query := range []string{"DELETE FROM links WHERE customer_id = $1", "DELETE FROM alarms WHERE customer_id = $1"} {
		n, err := tx.q.exec(ctx, query, tx.customer)
		if err != nil {
			return v, err
		}
		v.Links += n
	}
	const steps = "UPDATE authenticators SET last_step = $2 WHERE customer_id = $1 AND last_step < $2"
	if _, err := tx.q.exec(ctx, steps, tx.customer, step); err != nil {
		return v, err
	}
	const mails = `UPDATE mails SET state = 'failed', done_at = $3, last_error = $4
		WHERE customer_id = $1 AND state = 'waiting' AND created_at <= $2`
	v.Mails, err = tx.q.exec(ctx, mails, tx.customer, micros(since), micros(tx.Now), "restored from a backup: it may have gone out after that was made")
	return v, err
}

// UsersWithRecoveryCodes lists users of the customer who have recovery codes,
// in the order of their ids, after the given one.
func (v View) UsersWithRecoveryCodes(ctx context.Context, after portal.UserID, limit int) ([]portal.UserID, error) {
	const query = `SELECT u.id FROM users u WHERE u.customer_id = $1 AND u.id > $2 AND EXISTS
		(SELECT r.user_id FROM recovery_codes r WHERE r.customer_id = u.customer_id AND r.user_id = u.id) ORDER BY u.id LIMIT $3`
	rows, err := v.q.rows(ctx, query, v.customer, after, limit)
	return scanAll(rows, err, func(r scanner) (id portal.UserID, err error) { return id, r.Scan(&id) })
}

// Landmark is an event by which a history is recognised.
type Landmark struct {
	Event int64     `json:"event"`
	At    time.Time `json:"at"`
}

// Newest is the newest event of the installation; the zero Landmark where
// there is none.
func (s *Store) Newest(ctx context.Context) (Landmark, error) {
	return s.landmark(ctx, "SELECT id, at FROM events ORDER BY id DESC LIMIT 1")
}

// Has tells whether the history of this database goes through a landmark. What
// was pruned since cannot be told, and is believed.
func (s *Store) Has(ctx context.Context, l Landmark) (bool, error) {
	there, err := s.landmark(ctx, "SELECT id, at FROM events WHERE id = $1", l.Event)
	if err != nil || there.Event != 0 {
		return err == nil && there.At.Equal(l.At), err
	}
	oldest, err := s.landmark(ctx, "SELECT id, at FROM events ORDER BY id LIMIT 1")
	return oldest.Event > l.Event, err
}

func (s *Store) landmark(ctx context.Context, query string, args ...any) (l Landmark, err error) {
	var at int64
	err = translate(s.View(portal.NoCustomer).q.row(ctx, query, args...).Scan(&l.Event, &at))
	if errors.Is(err, ErrNotFound) {
		return Landmark{}, nil
	}
	l.At = fromMicros(at)
	return l, err
}
