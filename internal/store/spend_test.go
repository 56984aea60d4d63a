package store_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"portal"
	"portal/internal/store"
)

// crowd is how many try to spend the same thing at the same moment.
const crowd = 64

// spendable is something that exactly one of many may use up.
type spendable struct {
	name  string
	spend func(ctx context.Context, tx *store.Tx) (bool, error)
}

func (b base) spendables(t *testing.T, u portal.User) []spendable {
	a := b.enable(t, u)
	u, err := b.View(u.CustomerID).User(t.Context(), u.ID)
	if err != nil {
		t.Fatal(err)
	}
	later := b.Clock.Now().Add(time.Minute)
	session := b.session(t, u, 3)
	b.write(t, u.CustomerID, func(tx *store.Tx) error {
		if err := tx.PutRecoveryCodes(t.Context(), u.ID, []store.RecoveryCode{{Digest: digest(1), KeyID: "k"}}); err != nil {
			return err
		}
		half := store.HalfSession{UserID: u.ID, SecurityVersion: u.SecurityVersion, ExpiresAt: later}
		if err := tx.AddHalfSession(t.Context(), half, digest(1)); err != nil {
			return err
		}
		if _, err := tx.StepUp(t.Context(), session.ID); err != nil {
			return err
		}
		link := store.Link{Purpose: store.InvitationPurpose, Subject: u.ID, ExpiresAt: later}
		return tx.PutLink(t.Context(), link, digest(1))
	})
	return []spendable{
		{"time step", func(ctx context.Context, tx *store.Tx) (bool, error) { return tx.SpendStep(ctx, a.ID, 7, nil) }},
		{"recovery code", func(ctx context.Context, tx *store.Tx) (bool, error) {
			return tx.SpendRecoveryCode(ctx, u.ID, digest(1))
		}},
		{"half session", func(ctx context.Context, tx *store.Tx) (bool, error) { return tx.SpendHalfSession(ctx, digest(1)) }},
		{"link", func(ctx context.Context, tx *store.Tx) (bool, error) { return tx.SpendLink(ctx, digest(1)) }},
		{"step-up", func(ctx context.Context, tx *store.Tx) (bool, error) {
			return tx.UseStepUp(ctx, session.ID, time.Minute)
		}},
		{"switch", func(ctx context.Context, tx *store.Tx) (bool, error) {
			return tx.Switch(ctx, store.Authenticator{ID: a.ID, UserID: u.ID}, portal.TwoFactorEnabled, portal.TwoFactorDisabled)
		}},
	}
}

// Of a crowd at one moment exactly one wins, nobody sees a lock error, and
// nobody wins later (OT-02, RC-03, IN-05).
func TestOneWinner(t *testing.T) {
	onEach(t, func(t *testing.T, b base) {
		u := b.user(t, b.customer(t, "acme"), "wendy")
		for _, s := range b.spendables(t, u) {
			try := func(ctx context.Context, _ int) (bool, error) {
				return b.verdict(ctx, u.CustomerID, func(tx *store.Tx) (bool, error) { return s.spend(ctx, tx) })
			}
			if won := winners(t, crowd, try); won != 1 {
				t.Errorf("%s: %d winners, want 1", s.name, won)
			}
			if again, err := try(t.Context(), 0); again || err != nil {
				t.Errorf("%s: spent again: %v, %v", s.name, again, err)
			}
		}
	})
}

// A refused change that ends in an error leaves the thing unspent.
func TestRolledBackSpendingIsUndone(t *testing.T) {
	onEach(t, func(t *testing.T, b base) {
		u := b.user(t, b.customer(t, "acme"), "wendy")
		for _, s := range b.spendables(t, u) {
			failed := fmt.Errorf("the deed failed")
			err := b.tryWrite(t, u.CustomerID, func(tx *store.Tx) error {
				if err := mustHappen(s.spend(t.Context(), tx)); err != nil {
					return err
				}
				return failed
			})
			if err != failed {
				t.Errorf("%s: %v, want %v", s.name, err, failed)
			}
			ok, err := b.verdict(t.Context(), u.CustomerID, func(tx *store.Tx) (bool, error) { return s.spend(t.Context(), tx) })
			if !ok || err != nil {
				t.Errorf("%s: gone after the rollback: %v, %v", s.name, ok, err)
			}
		}
	})
}

// A step that is older than the last one is spent as well (OT-03).
func TestSpendStepOnlyForward(t *testing.T) {
	onEach(t, func(t *testing.T, b base) {
		u := b.user(t, b.customer(t, "acme"), "wendy")
		a := b.enable(t, u)
		for _, c := range []struct {
			step int64
			want bool
		}{{10, true}, {10, false}, {9, false}, {11, true}, {10, false}} {
			got, err := b.verdict(t.Context(), u.CustomerID, func(tx *store.Tx) (bool, error) {
				return tx.SpendStep(t.Context(), a.ID, c.step, nil)
			})
			if err != nil || got != c.want {
				t.Errorf("step %d: %v, %v; want %v", c.step, got, err, c.want)
			}
		}
	})
}

// Half sessions and links that have run out are as good as spent, at the very
// moment of their end; a half session also of an older security version, or
// of a suspended user.
func TestSpentByTime(t *testing.T) {
	onEach(t, func(t *testing.T, b base) {
		u := b.user(t, b.customer(t, "acme"), "wendy")
		things := b.spendables(t, u)
		b.Clock.Advance(time.Minute)
		for _, s := range things[2:5] {
			ok, err := b.verdict(t.Context(), u.CustomerID, func(tx *store.Tx) (bool, error) { return s.spend(t.Context(), tx) })
			if ok || err != nil {
				t.Errorf("%s: %v, %v; want no", s.name, ok, err)
			}
		}
	})
}

func TestHalfSessionDiesWithItsUser(t *testing.T) {
	for name, change := range map[string]func(context.Context, *store.Tx, portal.UserID) error{
		"security version": func(ctx context.Context, tx *store.Tx, id portal.UserID) error { return tx.Bump(ctx, id) },
		"suspended": func(ctx context.Context, tx *store.Tx, id portal.UserID) error {
			return mustHappen(tx.SetUserState(ctx, id, portal.UserSuspended))
		},
		"password": func(ctx context.Context, tx *store.Tx, id portal.UserID) error {
			return tx.SetPassword(ctx, id, store.Password{Hash: "new"})
		},
		"ended": func(ctx context.Context, tx *store.Tx, id portal.UserID) error {
			_, err := tx.EndSessions(ctx, id, "")
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			onEach(t, func(t *testing.T, b base) {
				u := b.user(t, b.customer(t, "acme"), "wendy")
				half := b.spendables(t, u)[2]
				b.write(t, u.CustomerID, func(tx *store.Tx) error { return change(t.Context(), tx, u.ID) })
				if _, err := b.HalfSessionByDigest(t.Context(), digest(1), 5); err != store.ErrNotFound {
					t.Errorf("found: %v", err)
				}
				if _, _, err := b.ChargeHalfSession(t.Context(), digest(1), 5, noBudgets); err != store.ErrNotFound {
					t.Errorf("charged: %v", err)
				}
				ok, err := b.verdict(t.Context(), u.CustomerID, func(tx *store.Tx) (bool, error) { return half.spend(t.Context(), tx) })
				if ok || err != nil {
					t.Errorf("spent: %v, %v", ok, err)
				}
			})
		})
	}
}

// A half session allows five tries, whoever is quick.
func TestHalfSessionTries(t *testing.T) {
	onEach(t, func(t *testing.T, b base) {
		u := b.user(t, b.customer(t, "acme"), "wendy")
		b.spendables(t, u)
		allowed := winners(t, 20, func(ctx context.Context, _ int) (bool, error) {
			_, _, err := b.ChargeHalfSession(ctx, digest(1), 5, noBudgets)
			if err == store.ErrNotFound {
				return false, nil
			}
			return err == nil, err
		})
		if allowed != 5 {
			t.Errorf("%d tries were allowed, want 5", allowed)
		}
	})
}

func noBudgets(store.HalfSession) store.Toll { return store.Toll{} }
