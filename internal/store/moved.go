package store

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"
)

// The two ends of a move.
const (
	moveSource = "source"
	moveTarget = "target"
)

// moveNote is what one end of a move knows of it.
type moveNote struct {
	ID, Place, Other string
	StartedAt, Done  time.Time
}

// settled refuses a database that everything has moved away from, and one that
// a move has not filled yet: served, either would lose what is written to it.
func (s *Store) settled(ctx context.Context) error {
	why, err := s.elsewhere(ctx)
	if err != nil {
		return fmt.Errorf("whether the data is here or has moved cannot be read by this role; run portal migrate --service-role ROLE with the role that owns the database, where ROLE is this one: %w", err)
	}
	if why != "" {
		return errors.New(why)
	}
	return nil
}

// elsewhere says why this is not where the data is; empty where it is.
func (s *Store) elsewhere(ctx context.Context) (why string, err error) {
	note, err := s.moveNote(ctx, s.reader)
	if errors.Is(err, ErrNotFound) {
		return "", nil
	}
	return note.elsewhere(), err
}

// elsewhere is Store.elsewhere of what is known of a move.
func (n moveNote) elsewhere() string {
	switch {
	case n.Place == moveSource && !n.Done.IsZero():
		return fmt.Sprintf("everything in this database has moved to %s on %s: name that one with --database. Nothing is written here any more", n.Other, n.Done.Format(time.DateTime))
	case n.Place == moveTarget && n.Done.IsZero():
		return fmt.Sprintf("the move of %s into this database is not finished: run portal move there again", n.Other)
	}
	return ""
}

// moveNote reads what is known here of a move; ErrNotFound where there is none.
func (s *Store) moveNote(ctx context.Context, from asker) (n moveNote, err error) {
	var there bool
	if err := s.reader.QueryRowContext(ctx, s.has, "moves").Scan(&there); err != nil || !there {
		return n, errors.Join(translate(err), ErrNotFound)
	}
	rows, err := from.QueryContext(ctx, "SELECT id, place, other, started_at, done_at FROM moves")
	all, err := scanAll(rows, err, func(r scanner) (n moveNote, err error) {
		var started, done int64
		err = r.Scan(&n.ID, &n.Place, &n.Other, &started, &done)
		n.StartedAt, n.Done = fromMicros(started), fromMicros(done)
		return n, err
	})
	if err == nil && len(all) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return n, err
	}
	return all[0], nil
}

// Place names a PostgreSQL database to people: where it is, without password
// and options.
func Place(database string) string {
	u, err := url.Parse(database)
	if err != nil || u.Fragment != "" || !isPostgres(database) {
		return "(unreadable URL)"
	}
	where := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}
	if u.User != nil {
		where.User = url.User(u.User.Username())
	}
	return where.String()
}

// movedTables are what a move takes along, each after those that it points at.
func movedTables() []string {
	return []string{
		"customers", "customer_counts", "users", "user_terms", "authenticators", "recovery_codes", "sessions", "half_sessions",
		"links", "alarms", "browsers", "mails", "reset_requests", "help_requests", "throttles", "unknown_names",
		"key_checks", "leases", "events", "unsealed_events", "audit_seals", "audit_chains",
	}
}

// stayingTables are what a move leaves, each with the reason.
func stayingTables() map[string]string {
	return map[string]string{
		"nodes":             "the nodes of the one place are not those of the other",
		"schema_migrations": "each database was made by its own",
		"moves":             "each end has its own word of the move",
	}
}

// movedSerials are the columns that the database counts up itself.
func movedSerials() map[string]string { return map[string]string{"events": "id"} }
