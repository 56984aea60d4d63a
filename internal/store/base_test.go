package store_test

import (
	"context"
	"database/sql"
	"fmt"
	"sync/atomic"
	"testing"

	"portal"
	"portal/internal/store"
	"portal/internal/testkit/house"
)

// base is a store under test, with the clock that it goes by.
type base struct {
	*house.House
	*store.Store
}

// onEach runs a test on every database that the portal promises to run on.
func onEach(t *testing.T, test func(*testing.T, base)) {
	t.Helper()
	house.OnEach(t, func(t *testing.T, h *house.House) { test(t, base{h, h.Store}) })
}

// outside is a look at the database past the store.
func (b base) outside(t *testing.T) *sql.DB { return b.House.Outside(t) }

// number reads one number past the store.
func (b base) number(t *testing.T, query string, args ...any) (n int64) {
	t.Helper()
	if err := b.outside(t).QueryRowContext(t.Context(), query, args...).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

// event is an event that a test owes for a change.
func event() portal.Event {
	return portal.Host("root", "host.test").Did(portal.UserEdited)
}

// write changes rows of a customer and records an event with it.
func (b base) write(t *testing.T, in portal.CustomerID, change func(*store.Tx) error) {
	t.Helper()
	if err := b.tryWrite(t, in, change); err != nil {
		t.Fatal(err)
	}
}

func (b base) tryWrite(t *testing.T, in portal.CustomerID, change func(*store.Tx) error) error {
	t.Helper()
	return b.Write(t.Context(), in, func(tx *store.Tx) error {
		if err := change(tx); err != nil {
			return err
		}
		return tx.Record(t.Context(), event())
	})
}

// customer adds a customer under its name as id.
func (b base) customer(t *testing.T, name string) portal.CustomerID {
	t.Helper()
	id := portal.CustomerID("c-" + name)
	b.write(t, id, func(tx *store.Tx) error { return tx.AddCustomer(t.Context(), name) })
	return id
}

// someone is a user as a test makes one up; the login ID is the id, too.
func someone(login string) portal.User {
	return portal.User{
		ID: portal.UserID("u-" + login), LoginID: login, Name: "Name of " + login, Email: login + "@example.com",
		Role: portal.RoleUser, State: portal.UserActive,
	}
}

// user adds someone.
func (b base) user(t *testing.T, in portal.CustomerID, login string) portal.User {
	t.Helper()
	return b.add(t, in, someone(login))
}

func (b base) add(t *testing.T, in portal.CustomerID, u portal.User) portal.User {
	t.Helper()
	b.write(t, in, func(tx *store.Tx) error { return tx.AddUser(t.Context(), u, store.Password{Hash: "hash"}) })
	added, err := b.View(in).User(t.Context(), u.ID)
	if err != nil {
		t.Fatal(err)
	}
	return added
}

// enable gives the user a proven authenticator.
func (b base) enable(t *testing.T, u portal.User) store.Authenticator {
	t.Helper()
	a := store.Authenticator{
		ID: portal.AuthenticatorID("a-" + string(u.ID)), UserID: u.ID, Secret: []byte("sealed"), SessionID: "s",
		ExpiresAt: b.Clock.Now().Add(portal.DefaultLimits().Pending),
	}
	b.write(t, u.CustomerID, func(tx *store.Tx) error {
		if err := tx.PutPending(t.Context(), a); err != nil {
			return err
		}
		return mustHappen(tx.Confirm(t.Context(), a, portal.TwoFactorNone))
	})
	return a
}

// digest is a 32-byte digest that differs by n.
func digest(n int) []byte { return fmt.Appendf(nil, "%032d", n) }

// session adds a session of the user with the digest of n.
func (b base) session(t *testing.T, u portal.User, n int) store.Session {
	t.Helper()
	s := store.Session{
		ID: portal.SessionID(fmt.Sprintf("s-%s-%d", u.ID, n)), UserID: u.ID, SecurityVersion: u.SecurityVersion,
		Proofs: store.ByPassword, ExpiresAt: b.Clock.Now().Add(portal.DefaultLimits().Overall), Address: "192.0.2.1", Agent: "test",
	}
	b.write(t, u.CustomerID, func(tx *store.Tx) error {
		return tx.AddSession(t.Context(), s, digest(n), portal.DefaultLimits().Sessions)
	})
	return s
}

// mustHappen turns a verdict that has to be yes into an error.
func mustHappen(ok bool, err error) error {
	if err == nil && !ok {
		return fmt.Errorf("refused")
	}
	return err
}

// winners counts how many of n calls at once say yes; none may fail.
func winners(t *testing.T, n int, try func(ctx context.Context, i int) (bool, error)) int64 {
	t.Helper()
	var won atomic.Int64
	house.AtOnce(n, func(i int) {
		ok, err := try(t.Context(), i)
		if err != nil {
			t.Errorf("call %d: %v", i, err)
		}
		if ok {
			won.Add(1)
		}
	})
	return won.Load()
}

// verdict runs one conditional change in a transaction of its own.
func (b base) verdict(ctx context.Context, in portal.CustomerID, spend func(*store.Tx) (bool, error)) (ok bool, err error) {
	err = b.Write(ctx, in, func(tx *store.Tx) (err error) {
		if ok, err = spend(tx); err != nil {
			return err
		}
		return tx.Record(ctx, event())
	})
	return ok, err
}
