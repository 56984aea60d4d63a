package store_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"portal"
	"portal/internal/store"
)

// mustAddUp holds the two promises that span tables: the kept counts are those
// of the rows, and a user has a 2FA state if and only if there is exactly one
// current authenticator, which the user's row names.
func (b base) mustAddUp(t *testing.T, customer portal.CustomerID) {
	t.Helper()
	counts, err := b.View(customer).Counts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, state := range []portal.TwoFactorState{portal.TwoFactorNone, portal.TwoFactorEnabled, portal.TwoFactorDisabled} {
		const rows = "SELECT COUNT(*) FROM users WHERE customer_id = $1 AND twofa_state = $2"
		if n := b.number(t, rows, string(customer), string(state)); n != counts[state] {
			t.Errorf("%s: %d rows, counted %d", state, n, counts[state])
		}
		b.mustAddUpByRole(t, customer, state)
	}
	for name, query := range map[string]string{
		"state without its authenticator": `SELECT COUNT(*) FROM users u WHERE twofa_state <> 'none' AND NOT EXISTS
			(SELECT 1 FROM authenticators a WHERE a.id = u.authenticator_id AND a.user_id = u.id AND a.state = 'current')`,
		"authenticator without its state": `SELECT COUNT(*) FROM authenticators a JOIN users u ON u.id = a.user_id
			WHERE a.state = 'current' AND (u.twofa_state = 'none' OR u.authenticator_id <> a.id)`,
		"several current authenticators": `SELECT COUNT(*) FROM (SELECT user_id FROM authenticators
			WHERE state = 'current' GROUP BY user_id HAVING COUNT(*) > 1) AS d`,
		"term with another state than its user": `SELECT COUNT(*) FROM user_terms t JOIN users u ON u.id = t.user_id
			WHERE t.twofa_state <> u.twofa_state`,
		"recovery code outside enabled": `SELECT COUNT(*) FROM recovery_codes r JOIN users u ON u.id = r.user_id
			WHERE u.twofa_state = 'none'`,
	} {
		if n := b.number(t, query); n != 0 {
			t.Errorf("%s: %d", name, n)
		}
	}
}

func (b base) mustAddUpByRole(t *testing.T, customer portal.CustomerID, state portal.TwoFactorState) {
	t.Helper()
	for _, role := range []portal.Role{portal.RoleUser, portal.RoleAdministrator} {
		counts, err := b.View(customer).CountsOf(t.Context(), role)
		if err != nil {
			t.Fatal(err)
		}
		const rows = "SELECT COUNT(*) FROM users WHERE customer_id = $1 AND twofa_state = $2 AND role = $3"
		if n := b.number(t, rows, string(customer), string(state), string(role)); n != counts[state] {
			t.Errorf("%s, %s: %d rows, counted %d", role, state, n, counts[state])
		}
	}
}

// Whatever is done in whatever order, in turn and at once, the sums hold.
func TestStatesAddUpAfterRandomDeeds(t *testing.T) {
	onEach(t, func(t *testing.T, b base) {
		acme := b.customer(t, "acme")
		users := make([]portal.User, 4)
		for i := range users {
			users[i] = b.user(t, acme, fmt.Sprint("user", i))
		}
		dice := rand.New(rand.NewPCG(1, 2))
		for i := range 60 {
			b.deed(t, users[dice.IntN(len(users))], dice.IntN(deeds), i)
		}
		b.mustAddUp(t, acme)
		for i := range 10 {
			target := users[i%len(users)]
			winners(t, 8, func(_ context.Context, n int) (bool, error) {
				b.deed(t, target, (i+n)%deeds, 1000+10*i+n)
				return true, nil
			})
			b.mustAddUp(t, acme)
		}
	})
}

// deeds is how many kinds of change deed knows.
const deeds = 6

// deed does one thing to the 2FA of a user from whatever state; that the store
// refuses it is fine.
func (b base) deed(t *testing.T, u portal.User, kind, n int) {
	t.Helper()
	ctx := t.Context()
	none, on, off := portal.TwoFactorNone, portal.TwoFactorEnabled, portal.TwoFactorDisabled
	fresh := store.Authenticator{ID: portal.AuthenticatorID(fmt.Sprint("a-", u.ID, "-", n)), UserID: u.ID, SessionID: "s", Secret: []byte("x")}
	b.write(t, u.CustomerID, func(tx *store.Tx) (err error) {
		now, err := tx.User(ctx, u.ID)
		if err != nil {
			return err
		}
		switch kind {
		case 0, 1: // a first setup, or a replacement
			if now.Stored == off {
				return nil
			}
			if err := tx.PutPending(ctx, fresh); err != nil {
				return err
			}
			return mustHappen(tx.Confirm(ctx, fresh, now.Stored))
		case 2, 3:
			current, err := tx.Current(ctx, u.ID)
			if err == store.ErrNotFound {
				return nil
			}
			if err != nil {
				return err
			}
			from, to := on, off
			if kind == 3 {
				from, to = off, on
			}
			_, err = tx.Switch(ctx, current, from, to)
			return err
		case 4:
			if now.Stored == none {
				return nil
			}
			return mustHappen(tx.DeleteSetup(ctx, u.ID, now.Stored))
		}
		now.Name, now.Email = fmt.Sprint("Renamed ", n), fmt.Sprintf("r%d@example.com", n)
		if n%2 == 0 {
			now.Role = map[portal.Role]portal.Role{portal.RoleUser: portal.RoleAdministrator, portal.RoleAdministrator: portal.RoleUser}[now.Role]
		}
		return tx.EditUser(ctx, now)
	})
}

// Each move leaves only the state that it is for; from any other it refuses
// and changes nothing (OT-10).
func TestMovesFromAnotherStateAreRefused(t *testing.T) {
	onEach(t, func(t *testing.T, b base) {
		u := b.user(t, b.customer(t, "acme"), "wendy")
		a := b.enable(t, u)
		ctx := t.Context()
		for name, move := range map[string]func(*store.Tx) (bool, error){
			"confirm from none":     func(tx *store.Tx) (bool, error) { return tx.Confirm(ctx, a, portal.TwoFactorNone) },
			"confirm from disabled": func(tx *store.Tx) (bool, error) { return tx.Confirm(ctx, a, portal.TwoFactorDisabled) },
			"switch on again": func(tx *store.Tx) (bool, error) {
				return tx.Switch(ctx, a, portal.TwoFactorDisabled, portal.TwoFactorEnabled)
			},
			"delete from disabled": func(tx *store.Tx) (bool, error) { return tx.DeleteSetup(ctx, u.ID, portal.TwoFactorDisabled) },
			"delete from none":     func(tx *store.Tx) (bool, error) { return tx.DeleteSetup(ctx, u.ID, portal.TwoFactorNone) },
		} {
			ok, err := b.verdict(ctx, u.CustomerID, move)
			if ok || err != nil {
				t.Errorf("%s: %v, %v; want a refusal", name, ok, err)
			}
			b.mustAddUp(t, u.CustomerID)
		}
		now, err := b.View(u.CustomerID).User(ctx, u.ID)
		if err != nil || now.Stored != portal.TwoFactorEnabled {
			t.Errorf("the state is %q, %v", now.Stored, err)
		}
	})
}

// A pending set-up is seen in its own session only, until it runs out, and is
// replaced by a newer one (OT-07).
func TestPendingBelongsToItsSession(t *testing.T) {
	onEach(t, func(t *testing.T, b base) {
		u := b.user(t, b.customer(t, "acme"), "wendy")
		limit := portal.DefaultLimits().Pending
		put := func(id portal.AuthenticatorID, session portal.SessionID) {
			b.write(t, u.CustomerID, func(tx *store.Tx) error {
				return tx.PutPending(t.Context(), store.Authenticator{
					ID: id, UserID: u.ID, Secret: []byte("x"), SessionID: session, ExpiresAt: tx.Now.Add(limit),
				})
			})
		}
		seen := func(session portal.SessionID) portal.AuthenticatorID {
			a, err := b.View(u.CustomerID).Pending(t.Context(), u.ID, session)
			if err != nil && err != store.ErrNotFound {
				t.Fatal(err)
			}
			return a.ID
		}
		put("first", "s1")
		if seen("s1") != "first" || seen("s2") != "" {
			t.Errorf("s1 sees %q, s2 sees %q", seen("s1"), seen("s2"))
		}
		put("second", "s2")
		if seen("s1") != "" || seen("s2") != "second" {
			t.Errorf("after the second: s1 sees %q, s2 sees %q", seen("s1"), seen("s2"))
		}
		b.Clock.Advance(limit - 1000)
		if seen("s2") != "second" {
			t.Error("gone too early")
		}
		b.Clock.Advance(1000)
		if seen("s2") != "" {
			t.Error("there after its time")
		}
	})
}
