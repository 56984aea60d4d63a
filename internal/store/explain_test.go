package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	"portal"
)

// explainer asks SQLite how it would answer each query before it does.
type explainer struct {
	onPool
	plans *[]string
}

func (e explainer) row(ctx context.Context, query string, args ...any) *sql.Row {
	e.explain(ctx, query, args)
	return e.onPool.row(ctx, query, args...)
}

func (e explainer) rows(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	e.explain(ctx, query, args)
	return e.onPool.rows(ctx, query, args...)
}

func (e explainer) explain(ctx context.Context, query string, args []any) {
	rows, err := e.db.QueryContext(ctx, "EXPLAIN QUERY PLAN "+query, storable(args)...)
	steps, err := scanAll(rows, err, func(r scanner) (step string, err error) {
		var id, parent, unused int64
		return step, r.Scan(&id, &parent, &unused, &step)
	})
	*e.plans = append(*e.plans, fmt.Sprint(strings.Join(steps, "\n  "), err, "\n", query))
}

// No list walks a whole table or sorts what an index has in order already. A
// walk along an index of the customer is fine; so is the sort of a person's
// events, which merges two short lists.
func TestListsWalkAnIndex(t *testing.T) {
	s, err := Open(t.Context(), Config{DataFolder: t.TempDir(), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	var plans []string
	v := View{q: explainer{onPool{s.reader, s.statements}, &plans}, customer: "c", Now: time.Now()}
	for name, list := range lists(t.Context(), v) {
		plans = nil
		if err := list(); err != nil && err != ErrNotFound {
			t.Errorf("%s: %v", name, err)
		}
		if len(plans) == 0 {
			t.Errorf("%s: nothing was explained", name)
		}
		for _, plan := range plans {
			if !strings.Contains(plan, leads[name]) || !sortsFew[name] && walks(plan) {
				t.Errorf("%s:\n  %s", name, plan)
			}
		}
	}
}

// walks tells whether a plan reads a table from end to end, or sorts.
func walks(plan string) bool {
	for _, sign := range []string{"USE TEMP B-TREE", "AUTOMATIC", "SCAN users", "SCAN events", "SCAN u\n", "SCAN t\n", "SCAN e\n"} {
		if strings.Contains(plan, sign) {
			return true
		}
	}
	return false
}

// leads names the index where a planner has a choice and could take the longer
// way.
var leads = map[string]string{"events between days": "events_by_time", "events by action, from a day": "events_by_action_time"}

// sortsFew are lists that are short before they are sorted.
var sortsFew = map[string]bool{
	"events of a person": true, "events of a person and action": true, // two pages, merged
	"administrators": true, "sessions": true, // by an index of their own; at most twenty sessions
}

func lists(ctx context.Context, v View) map[string]func() error {
	users := func(q UserQuery) func() error {
		q.Limit = 50
		return func() error {
			text, args := v.usersQuery(q, "m")
			rows, err := v.q.rows(ctx, text, args...)
			_, err = scanAll(rows, err, scanUser)
			return err
		}
	}
	events := func(q EventQuery) func() error {
		q.Limit = 50
		return func() error { _, err := v.Events(ctx, q); return err }
	}
	all := map[string]func() error{
		"events": events(EventQuery{}), "events by action": events(EventQuery{Action: portal.SignedIn}),
		"events between days":           events(EventQuery{From: time.Now(), Until: time.Now()}),
		"events until a day, page two":  events(EventQuery{Until: time.Now(), Before: 9}),
		"events by action, from a day":  events(EventQuery{Action: portal.SignedIn, From: time.Now()}),
		"events of a person":            events(EventQuery{Person: "p"}),
		"events of a person and action": events(EventQuery{Person: "p", Action: portal.SignedIn, Before: 9}),
		"sessions":                      func() error { _, err := v.SessionsOf(ctx, "u", time.Hour); return err },
		"administrators":                func() error { _, err := v.Administrators(ctx, 10); return err },
		"another administrator":         func() error { _, err := v.OtherActiveAdministrator(ctx, "u"); return err },
		"recovery codes":                func() error { _, err := v.RecoveryCodesLeft(ctx, "u"); return err },
		"current":                       func() error { _, err := v.Current(ctx, "u"); return err },
		"pending":                       func() error { _, err := v.Pending(ctx, "u", "s"); return err },
		"counts of a role":              func() error { _, err := v.CountsOf(ctx, portal.RoleUser); return err },
		"without 2FA": func() error {
			_, err := v.Unprotected(ctx, UnprotectedQuery{Role: portal.RoleUser, After: portal.User{Name: "m"}, Limit: 50})
			return err
		},
		"counts":        func() error { _, err := v.Counts(ctx); return err },
		"last sign-in":  func() error { _, err := v.LastSignIn(ctx, "u"); return err },
		"help requests": func() error { _, err := v.HelpRequests(ctx, 20); return err },
		"mails of a kind": func() error {
			_, err := v.GotMails(ctx, Mail{UserID: "u", Kind: portal.MailNewBrowser, Recipient: "a@b.example"}, time.Time{}, 5)
			return err
		},
		"user":     func() error { _, err := v.User(ctx, "u"); return err },
		"page key": func() error { _, err := v.Users(ctx, UserQuery{After: "u", Search: "x"}); return err },
	}
	for _, search := range []string{"", "a"} {
		for _, state := range []portal.TwoFactorState{"", portal.TwoFactorEnabled} {
			name := fmt.Sprintf("users, search %q, state %q", search, state)
			all[name+", after"] = users(UserQuery{Search: search, State: state, After: "u"})
			all[name+", before"] = users(UserQuery{Search: search, State: state, Before: "u"})
		}
	}
	return all
}
