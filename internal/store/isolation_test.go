package store_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"portal"
	"portal/internal/store"
)

// victim is a user of another customer with one of everything.
type victim struct {
	user          portal.User
	authenticator store.Authenticator
	session       store.Session
}

func (b base) victim(t *testing.T) victim {
	t.Helper()
	u := b.user(t, b.customer(t, "other"), "victim")
	a := b.enable(t, u)
	u, err := b.View(u.CustomerID).User(t.Context(), u.ID)
	if err != nil {
		t.Fatal(err)
	}
	later := b.Clock.Now().Add(time.Hour)
	v := victim{u, a, b.session(t, u, 1)}
	b.write(t, u.CustomerID, func(tx *store.Tx) error {
		if err := tx.PutRecoveryCodes(t.Context(), u.ID, []store.RecoveryCode{{Digest: digest(1), KeyID: "k"}}); err != nil {
			return err
		}
		if _, err := tx.StepUp(t.Context(), v.session.ID); err != nil {
			return err
		}
		half := store.HalfSession{UserID: u.ID, SecurityVersion: u.SecurityVersion, ExpiresAt: later}
		if err := tx.AddHalfSession(t.Context(), half, digest(1)); err != nil {
			return err
		}
		pending := store.Authenticator{ID: "a-pending", UserID: u.ID, Secret: []byte("x"), SessionID: v.session.ID, ExpiresAt: later}
		if err := tx.PutPending(t.Context(), pending); err != nil {
			return err
		}
		if err := tx.AddAlarm(t.Context(), u.ID, digest(1), later); err != nil {
			return err
		}
		if _, err := tx.AskHelp(t.Context(), u.ID, portal.Origin{}); err != nil {
			return err
		}
		return tx.PutLink(t.Context(), store.Link{Purpose: store.InvitationPurpose, Subject: u.ID, ExpiresAt: later}, digest(1))
	})
	return v
}

// foreignChanges are all methods of a Tx that take an identifier, called with
// one of another customer. Each must refuse, or do nothing.
func foreignChanges(v victim) map[string]func(context.Context, *store.Tx) error {
	id, a := v.user.ID, v.authenticator
	verdict := func(ok bool, err error) error {
		if err == nil && ok {
			return errors.New("said yes")
		}
		return err
	}
	type change = func(context.Context, *store.Tx) error
	return map[string]change{
		"EditUser": func(ctx context.Context, tx *store.Tx) error { return tx.EditUser(ctx, v.user) },
		"SetUserState": func(ctx context.Context, tx *store.Tx) error {
			return verdict(tx.SetUserState(ctx, id, portal.UserSuspended))
		},
		"SetPassword": func(ctx context.Context, tx *store.Tx) error {
			return tx.SetPassword(ctx, id, store.Password{Hash: "stolen"})
		},
		"Bump":          func(ctx context.Context, tx *store.Tx) error { return tx.Bump(ctx, id) },
		"DeletePending": func(ctx context.Context, tx *store.Tx) error { return verdict(tx.DeletePending(ctx, id)) },
		"PutPending": func(ctx context.Context, tx *store.Tx) error {
			return tx.PutPending(ctx, store.Authenticator{ID: "mine", UserID: id, Secret: []byte("mine")})
		},
		"SpendStep": func(ctx context.Context, tx *store.Tx) error { return verdict(tx.SpendStep(ctx, a.ID, 99, nil)) },
		"Confirm": func(ctx context.Context, tx *store.Tx) error {
			return verdict(tx.Confirm(ctx, store.Authenticator{ID: "a-pending", UserID: id}, portal.TwoFactorEnabled))
		},
		"Switch": func(ctx context.Context, tx *store.Tx) error {
			return verdict(tx.Switch(ctx, a, portal.TwoFactorEnabled, portal.TwoFactorDisabled))
		},
		"DeleteSetup": func(ctx context.Context, tx *store.Tx) error {
			return verdict(tx.DeleteSetup(ctx, id, portal.TwoFactorEnabled))
		},
		"PutRecoveryCodes": func(ctx context.Context, tx *store.Tx) error {
			return tx.PutRecoveryCodes(ctx, id, []store.RecoveryCode{{Digest: digest(9), KeyID: "k"}})
		},
		"DeleteRecoveryCodes": func(ctx context.Context, tx *store.Tx) error { return tx.DeleteRecoveryCodes(ctx, id) },
		"SpendRecoveryCode": func(ctx context.Context, tx *store.Tx) error {
			return verdict(tx.SpendRecoveryCode(ctx, id, digest(1)))
		},
		"AddHalfSession": func(ctx context.Context, tx *store.Tx) error {
			return tx.AddHalfSession(ctx, store.HalfSession{UserID: id, ExpiresAt: tx.Now.Add(time.Hour)}, digest(9))
		},
		"SpendHalfSession": func(ctx context.Context, tx *store.Tx) error { return verdict(tx.SpendHalfSession(ctx, digest(1))) },
		"EndHalfSession":   func(ctx context.Context, tx *store.Tx) error { return verdict(tx.EndHalfSession(ctx, digest(1))) },
		"AddSession": func(ctx context.Context, tx *store.Tx) error {
			s := store.Session{ID: "mine", UserID: id, SecurityVersion: v.user.SecurityVersion, Proofs: store.ByCode, ExpiresAt: tx.Now.Add(time.Hour)}
			return tx.AddSession(ctx, s, digest(9), 20)
		},
		"RenewSession": func(ctx context.Context, tx *store.Tx) error {
			return verdict(tx.RenewSession(ctx, v.session.ID, digest(9)))
		},
		"RaiseProofs": func(ctx context.Context, tx *store.Tx) error { return tx.RaiseProofs(ctx, v.session.ID) },
		"StepUp":      func(ctx context.Context, tx *store.Tx) error { return verdict(tx.StepUp(ctx, v.session.ID)) },
		"UseStepUp": func(ctx context.Context, tx *store.Tx) error {
			return verdict(tx.UseStepUp(ctx, v.session.ID, time.Hour))
		},
		"EndSession": func(ctx context.Context, tx *store.Tx) error { return verdict(tx.EndSession(ctx, id, v.session.ID)) },
		"EndSessions": func(ctx context.Context, tx *store.Tx) error {
			n, err := tx.EndSessions(ctx, id, "")
			return verdict(n != 0, err)
		},
		"Remind": func(ctx context.Context, tx *store.Tx) error { return verdict(tx.Remind(ctx, id, tx.Now, tx.Now)) },
		"SetPolicies": func(ctx context.Context, tx *store.Tx) error {
			return tx.SetPolicies(ctx, portal.Policies{User: portal.Policy{Mode: portal.PolicyOff}, Administrator: portal.Policy{Mode: portal.PolicyOff}})
		},
		"SpendLink": func(ctx context.Context, tx *store.Tx) error { return verdict(tx.SpendLink(ctx, digest(1))) },
		"AddAlarm": func(ctx context.Context, tx *store.Tx) error {
			return tx.AddAlarm(ctx, id, digest(9), tx.Now.Add(time.Hour))
		},
		"SpendAlarm": func(ctx context.Context, tx *store.Tx) error {
			return verdict(tx.SpendAlarm(ctx, digest(1), digest(8)))
		},
		"Freeze":         func(ctx context.Context, tx *store.Tx) error { return verdict(tx.Freeze(ctx, id)) },
		"Thaw":           func(ctx context.Context, tx *store.Tx) error { return verdict(tx.Thaw(ctx, id)) },
		"DemandPassword": func(ctx context.Context, tx *store.Tx) error { return verdict(tx.DemandPassword(ctx, id)) },
		"ForgetBrowsers": func(ctx context.Context, tx *store.Tx) error { return tx.ForgetBrowsers(ctx, id) },
		"AskHelp":        func(ctx context.Context, tx *store.Tx) error { return verdict(tx.AskHelp(ctx, id, portal.Origin{})) },
		"CloseHelp":      func(ctx context.Context, tx *store.Tx) error { return verdict(tx.CloseHelp(ctx, id)) },
		"EndAllSessions": func(ctx context.Context, tx *store.Tx) error {
			n, err := tx.EndAllSessions(ctx)
			return verdict(n != 0, err)
		},
		"DropLinks":       func(ctx context.Context, tx *store.Tx) error { return tx.DropLinks(ctx) },
		"SuspendCustomer": func(ctx context.Context, tx *store.Tx) error { _, err := tx.SuspendCustomer(ctx); return err },
		"AddUser": func(ctx context.Context, tx *store.Tx) error {
			u := someone("fresh")
			u.ID = id
			return tx.AddUser(ctx, u, store.Password{Hash: "hash"})
		},
	}
}

// A transaction of one customer changes no row of another, whatever identifier
// it is given; a yes from a method would be as bad as a change (AZ-03, AZ-05).
func TestForeignChangesDoNothing(t *testing.T) {
	onEach(t, func(t *testing.T, b base) {
		v := b.victim(t)
		acme := b.customer(t, "acme")
		before := b.belongings(t, v.user.CustomerID)
		for name, change := range foreignChanges(v) {
			err := b.tryWrite(t, acme, func(tx *store.Tx) error { return change(t.Context(), tx) })
			if err != nil && err.Error() == "said yes" {
				t.Errorf("%s: said yes", name)
			}
			if portal.ErrorCode(err) == portal.CodeUnavailable {
				t.Errorf("%s: %v", name, err)
			}
			if after := b.belongings(t, v.user.CustomerID); after != before {
				t.Fatalf("%s changed\n%s\ninto\n%s", name, before, after)
			}
		}
		if err := b.Touch(t.Context(), acme, v.session.ID); err != nil {
			t.Error(err)
		}
		if after := b.belongings(t, v.user.CustomerID); after != before {
			t.Errorf("Touch changed\n%s\ninto\n%s", before, after)
		}
	})
}

// belongings is everything that a customer has, as one text.
func (b base) belongings(t *testing.T, customer portal.CustomerID) (all string) {
	t.Helper()
	db := b.outside(t)
	for _, table := range []string{"users", "user_terms", "customer_counts", "authenticators", "recovery_codes", "sessions", "half_sessions", "links", "events", "alarms", "help_requests", "browsers", "mails"} {
		rows, err := db.QueryContext(t.Context(), "SELECT * FROM "+table+" WHERE customer_id = $1 ORDER BY 1, 2, 3", string(customer))
		if err != nil {
			t.Fatal(err)
		}
		columns, err := rows.Columns()
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			values, into := make([]any, len(columns)), make([]any, len(columns))
			for i := range values {
				into[i] = &values[i]
			}
			if err := rows.Scan(into...); err != nil {
				t.Fatal(err)
			}
			all += fmt.Sprintf("%s %v\n", table, values)
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// A view of one customer shows nothing of another: a foreign identifier is
// answered exactly like one that does not exist (AZ-06).
func TestForeignRowsAreNotSeen(t *testing.T) {
	onEach(t, func(t *testing.T, b base) {
		v := b.victim(t)
		view := b.View(b.customer(t, "acme"))
		for name, read := range map[string]func(context.Context, portal.UserID) (any, error){
			"User":        func(ctx context.Context, id portal.UserID) (any, error) { return view.User(ctx, id) },
			"Credentials": func(ctx context.Context, id portal.UserID) (any, error) { return view.Credentials(ctx, id) },
			"Current":     func(ctx context.Context, id portal.UserID) (any, error) { return view.Current(ctx, id) },
			"Pending": func(ctx context.Context, id portal.UserID) (any, error) {
				return view.Pending(ctx, id, v.session.ID)
			},
			"RecoveryCodesLeft": func(ctx context.Context, id portal.UserID) (any, error) { return view.RecoveryCodesLeft(ctx, id) },
			"SessionsOf":        func(ctx context.Context, id portal.UserID) (any, error) { return view.SessionsOf(ctx, id, time.Hour) },
			"TwoFactorSince":    func(ctx context.Context, id portal.UserID) (any, error) { return view.TwoFactorSince(ctx, id) },
			"LastSignIn":        func(ctx context.Context, id portal.UserID) (any, error) { return view.LastSignIn(ctx, id) },
			"Events": func(ctx context.Context, id portal.UserID) (any, error) {
				return view.Events(ctx, store.EventQuery{Person: id, Limit: 9})
			},
			"Users after": func(ctx context.Context, id portal.UserID) (any, error) {
				return view.Users(ctx, store.UserQuery{After: id, Limit: 9})
			},
			"Users before": func(ctx context.Context, id portal.UserID) (any, error) {
				return view.Users(ctx, store.UserQuery{Before: id, Limit: 9})
			},
			"Users found": func(ctx context.Context, id portal.UserID) (any, error) {
				return view.Users(ctx, store.UserQuery{Search: "victim", After: id, Limit: 9})
			},
			"OtherActiveAdministrator": func(ctx context.Context, id portal.UserID) (any, error) {
				return view.OtherActiveAdministrator(ctx, id)
			},
			"FreshStepUp": func(ctx context.Context, _ portal.UserID) (any, error) {
				return view.FreshStepUp(ctx, v.session.ID, time.Hour)
			},
			"Counts":         func(ctx context.Context, _ portal.UserID) (any, error) { return view.Counts(ctx) },
			"HelpAskedAt":    func(ctx context.Context, id portal.UserID) (any, error) { return view.HelpAskedAt(ctx, id) },
			"HelpRequests":   func(ctx context.Context, _ portal.UserID) (any, error) { return view.HelpRequests(ctx, 9) },
			"Administrators": func(ctx context.Context, _ portal.UserID) (any, error) { return view.Administrators(ctx, 10) },
		} {
			foreign, foreignErr := read(t.Context(), v.user.ID)
			missing, missingErr := read(t.Context(), "missing")
			if fmt.Sprint(foreign, foreignErr) != fmt.Sprint(missing, missingErr) {
				t.Errorf("%s: foreign %v, %v; missing %v, %v", name, foreign, foreignErr, missing, missingErr)
			}
			if foreignErr != nil && foreignErr != store.ErrNotFound {
				t.Errorf("%s: %v", name, foreignErr)
			}
		}
		if fresh, err := view.FreshStepUp(t.Context(), v.session.ID, time.Hour); fresh || err != nil {
			t.Errorf("the step-up of a foreign session counts: %v, %v", fresh, err)
		}
		if users, err := view.Users(t.Context(), store.UserQuery{Search: "victim", Limit: 9}); len(users) != 0 || err != nil {
			t.Errorf("search finds %d foreign users, %v", len(users), err)
		}
		if without, err := view.Unprotected(t.Context(), store.UnprotectedQuery{Role: v.user.Role, Limit: 9}); len(without) != 0 || err != nil {
			t.Errorf("foreign users without 2FA are listed: %v, %v", without, err)
		}
		if counts, err := view.CountsOf(t.Context(), v.user.Role); len(counts) != 0 || err != nil {
			t.Errorf("foreign users of a role are counted: %v, %v", counts, err)
		}
		if counts, err := view.Counts(t.Context()); len(counts) != 0 || err != nil {
			t.Errorf("foreign users are counted: %v, %v", counts, err)
		}
	})
}
