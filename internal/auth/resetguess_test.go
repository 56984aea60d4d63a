package auth_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"portal"
	"portal/internal/auth"
	"portal/internal/store"
	"portal/internal/testkit/house"
)

// demanded demands a new password of somebody, whose link to it it returns.
func (s scene) demanded(t *testing.T, p *house.Person) (token string) {
	t.Helper()
	id := p.Actor().UserID
	s.change(t, func(tx *store.Tx) error { _, err := tx.DemandPassword(t.Context(), id); return err })
	return s.forget(t, p.Login)
}

// Whether a new password is the one of now is said behind the right second
// factor only: the form tells nobody else what the password is, within the
// budget or past it (AU-05).
func TestResetIsNoPasswordOracle(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		p, recovery := s.protected(t, "wendy")
		token := s.demanded(t, p)
		again := func(proof auth.Proof) error {
			return s.Auth.ResetPassword(t.Context(), house.Origin(), token, house.Password, proof)
		}
		mustBeAbout(t, "the password of now, by its owner", again(auth.Proof{RecoveryCode: recovery[0]}), portal.FieldNewPassword)
		for range 2 {
			same, other := again(auth.Proof{Code: s.wrong(p)}), s.reset(t, token, auth.Proof{Code: s.wrong(p)})
			mustBeAbout(t, "a wrong code", same, portal.FieldCode)
			if fmt.Sprint(same) != fmt.Sprint(other) {
				t.Errorf("the password of now is answered %v, another one %v", same, other)
			}
		}
		refused(t, "past the budget, the password of now", again(auth.Proof{Code: s.wrong(p)}), portal.CodeThrottled)
		refused(t, "past the budget, all right", again(auth.Proof{RecoveryCode: recovery[0]}), portal.CodeThrottled)
		s.Clock.Advance(time.Hour)
		if err := s.reset(t, s.forget(t, "wendy"), auth.Proof{RecoveryCode: recovery[0]}); err != nil {
			t.Errorf("the recovery code that came with the password of now: %v", err)
		}
	})
}

// Where there is no second factor the link is all that is owed, and its tries
// have the same budget: none is left out of the trail or costs a hash for nothing.
func TestResetWithoutSecondFactorIsCharged(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		p := s.person(t, "wendy")
		token := s.demanded(t, p)
		for i := range 6 {
			err := s.Auth.ResetPassword(t.Context(), house.Origin(), token, house.Password, auth.Proof{})
			if i < 5 {
				mustBeAbout(t, "the password of now", err, portal.FieldNewPassword)
			} else {
				refused(t, "the sixth", err, portal.CodeThrottled)
			}
		}
		if n := s.refusedResets(t); n != 5+1 {
			t.Errorf("%d refusals in the trail, want five and the limit", n)
		}
		s.Clock.Advance(time.Hour)
		if err := s.reset(t, s.forget(t, "wendy"), auth.Proof{}); err != nil {
			t.Error(err)
		}
	})
}

// refusedResets counts the refusals of the reset form in the trail.
func (s scene) refusedResets(t *testing.T) int {
	t.Helper()
	events, err := s.Store.View(s.acme.CustomerID).Events(t.Context(), store.EventQuery{Action: portal.PasswordReset, Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	return len(slices.DeleteFunc(events, func(e portal.Event) bool { return e.Outcome != portal.Refused }))
}
