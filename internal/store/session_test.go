package store_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"portal"
	"portal/internal/store"
)

const idle = 30 * time.Minute

func (b base) alive(t *testing.T, n int) bool {
	t.Helper()
	_, err := b.SessionByDigest(t.Context(), digest(n), idle)
	if err != nil && err != store.ErrNotFound {
		t.Fatal(err)
	}
	return err == nil
}

// What ends a session ends it at the next look-up (SE-03, SE-06, LC-03).
func TestSessionEnds(t *testing.T) {
	change := func(deed func(context.Context, *store.Tx, portal.User) error) func(*testing.T, base, portal.User) {
		return func(t *testing.T, b base, u portal.User) {
			b.write(t, u.CustomerID, func(tx *store.Tx) error { return deed(t.Context(), tx, u) })
		}
	}
	for name, c := range map[string]struct {
		deed func(*testing.T, base, portal.User)
		want bool
	}{
		"nothing":     {func(*testing.T, base, portal.User) {}, true},
		"not idle":    {func(_ *testing.T, b base, _ portal.User) { b.Clock.Advance(idle - time.Microsecond) }, true},
		"idle":        {func(_ *testing.T, b base, _ portal.User) { b.Clock.Advance(idle) }, false},
		"overall":     {stayActive(12 * time.Hour), false},
		"not overall": {stayActive(12*time.Hour - time.Minute), true},
		"version":     {change(func(ctx context.Context, tx *store.Tx, u portal.User) error { return tx.Bump(ctx, u.ID) }), false},
		"password": {change(func(ctx context.Context, tx *store.Tx, u portal.User) error {
			return tx.SetPassword(ctx, u.ID, store.Password{Hash: "n"})
		}), false},
		"suspended": {change(func(ctx context.Context, tx *store.Tx, u portal.User) error {
			return mustHappen(tx.SetUserState(ctx, u.ID, portal.UserSuspended))
		}), false},
		"name": {change(func(ctx context.Context, tx *store.Tx, u portal.User) error {
			u.Name = "New Name"
			return tx.EditUser(ctx, u)
		}), true},
		"e-mail": {change(func(ctx context.Context, tx *store.Tx, u portal.User) error {
			u.Email = "new@example.com"
			return tx.EditUser(ctx, u)
		}), false},
		"role": {change(func(ctx context.Context, tx *store.Tx, u portal.User) error {
			u.Role = portal.RoleAdministrator
			return tx.EditUser(ctx, u)
		}), false},
		"ended": {change(func(ctx context.Context, tx *store.Tx, u portal.User) error {
			_, err := tx.EndSessions(ctx, u.ID, "")
			return err
		}), false},
		"kept": {change(func(ctx context.Context, tx *store.Tx, u portal.User) error {
			_, err := tx.EndSessions(ctx, u.ID, portal.SessionID(fmt.Sprintf("s-%s-1", u.ID)))
			return err
		}), true},
	} {
		t.Run(name, func(t *testing.T) {
			onEach(t, func(t *testing.T, b base) {
				u := b.user(t, b.customer(t, "acme"), "wendy")
				b.session(t, u, 1)
				c.deed(t, b, u)
				if got := b.alive(t, 1); got != c.want {
					t.Errorf("alive: %v, want %v", got, c.want)
				}
			})
		})
	}
}

// stayActive uses the session every quarter of an hour for so long.
func stayActive(d time.Duration) func(*testing.T, base, portal.User) {
	return func(t *testing.T, b base, u portal.User) {
		end := b.Clock.Now().Add(d)
		for b.Clock.Now().Before(end) {
			if err := b.Touch(t.Context(), u.CustomerID, portal.SessionID(fmt.Sprintf("s-%s-1", u.ID))); err != nil {
				t.Fatal(err)
			}
			b.Clock.Advance(min(15*time.Minute, end.Sub(b.Clock.Now())))
		}
	}
}

// A session that proved the password only opens nothing of an account with
// 2FA, even if its version were right (SE-12).
func TestSessionRanksNoHigherThanItsProof(t *testing.T) {
	onEach(t, func(t *testing.T, b base) {
		u := b.user(t, b.customer(t, "acme"), "wendy")
		b.enable(t, u)
		u, err := b.View(u.CustomerID).User(t.Context(), u.ID)
		if err != nil {
			t.Fatal(err)
		}
		s := b.session(t, u, 1)
		if b.alive(t, 1) {
			t.Error("a password session opens an account with 2FA")
		}
		b.write(t, u.CustomerID, func(tx *store.Tx) error { return tx.RaiseProofs(t.Context(), s.ID) })
		if !b.alive(t, 1) {
			t.Error("a session that proved a code too does not open it")
		}
	})
}

// The 21st session ends the oldest one, and nobody else's (SE-04).
func TestOldestSessionEnds(t *testing.T) {
	onEach(t, func(t *testing.T, b base) {
		acme := b.customer(t, "acme")
		u, other := b.user(t, acme, "wendy"), b.user(t, acme, "other")
		b.session(t, other, 100)
		for n := range 21 {
			b.Clock.Advance(time.Second)
			b.session(t, u, n)
		}
		for n, want := range map[int]bool{0: false, 1: true, 20: true, 100: true} {
			if got := b.alive(t, n); got != want {
				t.Errorf("session %d alive: %v, want %v", n, got, want)
			}
		}
		sessions, err := b.View(acme).SessionsOf(t.Context(), u.ID, idle)
		if err != nil || len(sessions) != 20 || sessions[0].ID != "s-u-wendy-20" {
			t.Errorf("%d sessions, %v", len(sessions), err)
		}
	})
}

// A renewed session lives under its new token only, carried over into the
// present security version.
func TestRenewedSession(t *testing.T) {
	onEach(t, func(t *testing.T, b base) {
		u := b.user(t, b.customer(t, "acme"), "wendy")
		s := b.session(t, u, 1)
		b.write(t, u.CustomerID, func(tx *store.Tx) error {
			if err := tx.Bump(t.Context(), u.ID); err != nil {
				return err
			}
			return mustHappen(tx.RenewSession(t.Context(), s.ID, digest(2)))
		})
		if b.alive(t, 1) || !b.alive(t, 2) {
			t.Errorf("old token alive: %v, new: %v", b.alive(t, 1), b.alive(t, 2))
		}
	})
}

// Links: only the newest of a purpose and subject, until it runs out (LC-10).
func TestLinks(t *testing.T) {
	onEach(t, func(t *testing.T, b base) {
		u := b.user(t, b.customer(t, "acme"), "wendy")
		put := func(n int, subject portal.UserID) {
			b.write(t, u.CustomerID, func(tx *store.Tx) error {
				return tx.PutLink(t.Context(), store.Link{
					Purpose: store.InvitationPurpose, Subject: subject, SecurityVersion: int64(n), ExpiresAt: tx.Now.Add(time.Hour),
				}, digest(n))
			})
		}
		works := func(n int) bool {
			l, err := b.LinkByDigest(t.Context(), digest(n))
			return err == nil && l.SecurityVersion == int64(n) && l.CustomerID == u.CustomerID
		}
		put(1, u.ID)
		put(2, "another")
		put(3, u.ID)
		if works(1) || !works(2) || !works(3) {
			t.Errorf("links work: %v %v %v, want false true true", works(1), works(2), works(3))
		}
		b.Clock.Advance(time.Hour - time.Microsecond)
		if !works(3) {
			t.Error("gone too early")
		}
		b.Clock.Advance(time.Microsecond)
		if works(3) {
			t.Error("works after its time")
		}
	})
}
