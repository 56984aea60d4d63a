package auth

import (
	"testing"
	"time"

	"portal"
	"portal/internal/store"
)

// The one function that makes sessions demands the proofs itself, whatever its
// callers have checked before (AU-08). No front door leads here with too few,
// hence a test from inside.
func TestOpenSessionDemandsTheProofs(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	clock := func() time.Time { return now }
	data, err := store.Open(t.Context(), store.Config{DataFolder: t.TempDir(), Now: clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { data.Close() })
	s := New(Config{Store: data, Now: clock, Limits: portal.DefaultLimits()})
	user := portal.User{ID: "u", CustomerID: "c", LoginID: "u", Name: "U", Email: "u@example.com", Role: portal.RoleUser, SecurityVersion: 1}
	for _, c := range []struct {
		state  portal.UserState
		stored portal.TwoFactorState
		by     store.Proofs
		opens  bool
	}{
		{portal.UserActive, portal.TwoFactorNone, store.ByPassword, true},
		{portal.UserActive, portal.TwoFactorDisabled, store.ByPassword, true},
		{portal.UserActive, portal.TwoFactorEnabled, store.ByPassword, false},
		{portal.UserActive, "broken", store.ByPassword, false},
		{portal.UserActive, portal.TwoFactorEnabled, store.ByCode, true},
		{portal.UserActive, portal.TwoFactorEnabled, store.ByRecoveryCode, true},
		{portal.UserSuspended, portal.TwoFactorEnabled, store.ByCode, false},
		{portal.UserSuspended, portal.TwoFactorNone, store.ByPassword, false},
	} {
		u := user
		u.State, u.Stored = c.state, c.stored
		var earned SignedIn
		err := data.WriteUnaudited(t.Context(), "c", "test", func(tx *store.Tx) (err error) {
			if err := tx.AddCustomer(t.Context(), "c"); err != nil {
				return err
			}
			if err := tx.AddUser(t.Context(), u, store.Password{Hash: "hash"}); err != nil {
				return err
			}
			earned, err = s.openSession(t.Context(), tx, proven{user: u, by: c.by, browser: browser{token: "t", digest: []byte("d")}})
			if err == nil {
				err = errUndo
			}
			return err
		})
		if opens := err == errUndo && earned.Session != ""; opens != c.opens || (!c.opens && portal.ErrorCode(err) != portal.CodeSignIn) {
			t.Errorf("%+v: %q, %v", c, earned.Session, err)
		}
	}
}

// errUndo takes back what a case of the table has added.
var errUndo = portal.Conflict("undo")
