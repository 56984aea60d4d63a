package auth_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"portal"
	"portal/internal/auth"
	"portal/internal/store"
	"portal/internal/testkit/house"
)

// Whatever is wrong at the sign-in page, the answer is one sentence (AU-07);
// the audit trail knows more.
func TestSignInTellsAStrangerNothing(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		s.person(t, "wendy")
		gone := s.User(t, s.acme, portal.RoleUser, "gone")
		if _, err := s.Admin.Suspend(t.Context(), s.acme, gone.ID, auth.Proof{}); err != nil {
			t.Fatal(err)
		}
		s.invite(t, "invited")
		_, want := s.Auth.SignIn(t.Context(), house.Origin(), "nobody", house.Password)
		for what, try := range map[string][2]string{
			"wrong password": {"wendy", "wrong password wrong"}, "suspended": {"gone", house.Password},
			"suspended and wrong": {"gone", "wrong"}, "invited": {"invited", house.Password},
			"unstorable": {"a\x00\xff", house.Password}, "overlong": {string(make([]byte, 10000)), house.Password},
		} {
			earned, err := s.Auth.SignIn(t.Context(), house.Origin(), try[0], try[1])
			if err == nil || err.Error() != want.Error() || earned != (auth.SignedIn{}) {
				t.Errorf("%s: %+v, %v; want %v", what, earned, err, want)
			}
		}
	})
}

// invite adds a user who has chosen no password yet, and returns the token.
func (s scene) invite(t *testing.T, login string) string {
	t.Helper()
	invited, err := s.Admin.AddUserWithLink(t.Context(), s.acme, newUser(login))
	if err != nil {
		t.Fatal(err)
	}
	return invited.Token
}

// From the fifth failure in a row on each next try waits, for a name that
// nobody has as for one that somebody has, in any spelling (AU-03, AU-04).
func TestPasswordDelay(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		s.person(t, "wendy")
		for _, name := range []string{"wendy", "nobody"} {
			for i := range 5 {
				_, err := s.Auth.SignIn(t.Context(), house.Origin(), []string{name, " " + name + " "}[i%2], "wrong")
				refused(t, name, err, portal.CodeInvalid)
			}
			for _, wait := range []time.Duration{30 * time.Second, time.Minute, 2 * time.Minute} {
				_, err := s.Auth.SignIn(t.Context(), house.Origin(), name, house.Password)
				var e *portal.Error
				if !errors.As(err, &e) || e.Code != portal.CodeThrottled || e.RetryAfter != wait {
					t.Fatalf("%s: %+v, want to wait %v", name, err, wait)
				}
				s.Clock.Advance(wait)
				_, err = s.Auth.SignIn(t.Context(), house.Origin(), name, "wrong")
				refused(t, name, err, portal.CodeInvalid)
			}
		}
		s.Clock.Advance(4 * time.Minute)
		s.Person(t, "wendy") // the right password opens after the wait
	})
}

// A running session and other names do not suffer under the delay, and a
// success takes the failures away.
func TestPasswordSuccessClears(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		wendy := s.person(t, "wendy")
		s.person(t, "other")
		for range 3 {
			for range 4 {
				_, err := s.Auth.SignIn(t.Context(), house.Origin(), "wendy", "wrong")
				refused(t, "wrong", err, portal.CodeInvalid)
			}
			s.Person(t, "wendy")
		}
		for range 6 {
			s.Auth.SignIn(t.Context(), house.Origin(), "wendy", "wrong") //nolint:errcheck // refused, above
		}
		if !wendy.Signed() {
			t.Error("a stranger's failures end the owner's session")
		}
		s.Person(t, "other")
	})
}

// An attempt counts before it is evaluated: one that breaks off half-way, here
// on a hash that cannot be read, leaves its count (AU-05).
func TestPasswordIsChargedBeforeItIsEvaluated(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		wendy := s.User(t, s.acme, portal.RoleUser, "wendy")
		err := s.Store.WriteUnaudited(t.Context(), s.acme.CustomerID, "test", func(tx *store.Tx) error {
			return tx.SetPassword(t.Context(), wendy.ID, store.Password{Hash: "not a hash"})
		})
		if err != nil {
			t.Fatal(err)
		}
		for range 5 {
			_, err := s.Auth.SignIn(t.Context(), house.Origin(), "wendy", house.Password)
			refused(t, "unreadable", err, portal.CodeInternal)
		}
		_, err = s.Auth.SignIn(t.Context(), house.Origin(), "wendy", house.Password)
		refused(t, "sixth", err, portal.CodeThrottled)
	})
}

// Tries at once never exceed the free ones.
func TestPasswordTriesAtOnce(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		s.person(t, "wendy")
		var evaluated atomic.Int64
		house.AtOnce(40, func(int) {
			_, err := s.Auth.SignIn(t.Context(), house.Origin(), "wendy", "wrong")
			if portal.ErrorCode(err) == portal.CodeInvalid {
				evaluated.Add(1)
			} else {
				refused(t, "at once", err, portal.CodeThrottled)
			}
		})
		if evaluated.Load() != 5 {
			t.Errorf("%d tries were evaluated, want 5", evaluated.Load())
		}
	})
}

// A half session opens the second step only, for five minutes.
func TestHalfSessionIsNoSession(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		wendy, _ := s.protected(t, "wendy")
		half := s.half(t, "wendy")
		_, err := s.Auth.Authenticate(t.Context(), house.Origin(), half)
		refused(t, "half as session", err, portal.CodeSignIn)
		_, err = s.Auth.SignInWithCode(t.Context(), house.Origin(), wendy.Token, wendy.Code())
		refused(t, "session as half", err, portal.CodeSignIn)
		for _, forged := range []string{"", "x", half + "A", half[1:]} {
			refused(t, "forged", s.Auth.HalfSession(t.Context(), forged), portal.CodeSignIn)
		}
		if err := s.Auth.HalfSession(t.Context(), half); err != nil {
			t.Error(err)
		}
		s.Clock.Advance(5 * time.Minute)
		refused(t, "too late", s.Auth.HalfSession(t.Context(), half), portal.CodeSignIn)
		_, err = s.Auth.SignInWithCode(t.Context(), house.Origin(), half, wendy.Code())
		refused(t, "right code too late", err, portal.CodeSignIn)
	})
}

// Five wrong codes end a half session; the right one comes too late then.
func TestHalfSessionAllowsFiveTries(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		wendy, recovery := s.protected(t, "wendy")
		half := s.half(t, "wendy")
		for i := range 5 {
			var err error
			if i%2 == 0 { // recovery codes count with the codes (RC-04)
				_, err = s.Auth.SignInWithRecoveryCode(t.Context(), house.Origin(), half, "AAAAA-AAAAA-AAAAA-AAAAA-AAAAA")
			} else {
				_, err = s.Auth.SignInWithCode(t.Context(), house.Origin(), half, s.wrong(wendy))
			}
			refused(t, "wrong", err, portal.CodeInvalid)
		}
		_, err := s.Auth.SignInWithCode(t.Context(), house.Origin(), half, wendy.Code())
		refused(t, "sixth, right", err, portal.CodeSignIn)
		_, err = s.Auth.SignInWithRecoveryCode(t.Context(), house.Origin(), half, recovery[0])
		refused(t, "sixth, recovery", err, portal.CodeSignIn)
		wendy.SignIn()
	})
}

// Cancelling ends a half session; it is used up by success as well.
func TestHalfSessionEnds(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		wendy, _ := s.protected(t, "wendy")
		half := s.half(t, "wendy")
		for range 2 { // the second time there is nothing to do
			if err := s.Auth.CancelSignIn(t.Context(), house.Origin(), half); err != nil {
				t.Fatal(err)
			}
		}
		_, err := s.Auth.SignInWithCode(t.Context(), house.Origin(), half, wendy.Code())
		refused(t, "cancelled", err, portal.CodeSignIn)
		half = s.half(t, "wendy")
		if _, err := s.Auth.SignInWithCode(t.Context(), house.Origin(), half, wendy.Code()); err != nil {
			t.Fatal(err)
		}
		_, err = s.Auth.SignInWithCode(t.Context(), house.Origin(), half, wendy.Code())
		refused(t, "used", err, portal.CodeSignIn)
	})
}

// One right code posted fifty times at once opens exactly one session, from
// one half session or from many, on one node or two (OT-02, AU-12).
func TestOneCodeOpensOneSession(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		wendy, _ := s.protected(t, "wendy")
		nodes := []*house.House{s.House, s.Again(t)}
		for _, halves := range []int{1, 8} {
			s.Clock.Advance(time.Hour) // the budgets are full again
			tokens := make([]string, halves)
			for i := range tokens {
				tokens[i] = s.half(t, "wendy")
			}
			code := wendy.Code()
			var sessions atomic.Int64
			house.AtOnce(50, func(i int) {
				earned, err := nodes[i%2].Auth.SignInWithCode(context.WithoutCancel(t.Context()), house.Origin(), tokens[i%halves], code)
				switch code := portal.ErrorCode(err); {
				case err == nil, code == portal.CodeInvalid, code == portal.CodeSignIn, code == portal.CodeThrottled:
				default:
					t.Errorf("post %d: %v", i, err)
				}
				if earned.Session != "" {
					sessions.Add(1)
				}
			})
			if sessions.Load() != 1 {
				t.Errorf("%d half sessions: %d sessions, want 1", halves, sessions.Load())
			}
		}
	})
}
