package auth_test

import (
	"testing"
	"time"

	"portal"
	"portal/internal/auth"
	"portal/internal/store"
	"portal/internal/testkit/house"
)

// manage is a deed for which a fresh step-up is enough.
func (s scene) manage(t *testing.T, p *house.Person, proof auth.Proof) error {
	t.Helper()
	renewed, err := s.Auth.EndOtherSessions(t.Context(), p.Actor(), proof)
	p.Renew(renewed)
	return err
}

// A step-up lasts five minutes, for managing only (LC-02).
func TestStepUpStaysFreshForFiveMinutes(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		wendy, _ := s.protected(t, "wendy")
		s.Clock.Advance(6 * time.Minute)
		refused(t, "no step-up", s.manage(t, wendy, auth.Proof{}), portal.CodeProof)
		refused(t, "password alone", s.manage(t, wendy, password()), portal.CodeProof)
		if err := s.manage(t, wendy, wendy.Proof()); err != nil {
			t.Fatal(err)
		}
		s.Clock.Advance(5*time.Minute - time.Microsecond)
		if err := s.manage(t, wendy, auth.Proof{}); err != nil {
			t.Errorf("fresh: %v", err)
		}
		s.Clock.Advance(time.Microsecond)
		refused(t, "stale", s.manage(t, wendy, auth.Proof{}), portal.CodeProof)
	})
}

// A destructive deed asks although a step-up is fresh, and uses it up.
func TestDestructiveDeedsUseTheStepUpUp(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		for login, deed := range map[string]func(*house.Person, auth.Proof) (auth.Renewed, error){
			"password": func(p *house.Person, proof auth.Proof) (auth.Renewed, error) {
				return s.Auth.ChangePassword(t.Context(), p.Actor(), proof, house.Password)
			},
			"issue": func(p *house.Person, proof auth.Proof) (auth.Renewed, error) {
				c, err := s.Auth.IssueRecoveryCodes(t.Context(), p.Actor(), proof)
				return c.Renewed, err
			},
			"replace": func(p *house.Person, proof auth.Proof) (auth.Renewed, error) {
				return s.Auth.StartReplacement(t.Context(), p.Actor(), proof)
			},
			"disable": func(p *house.Person, proof auth.Proof) (auth.Renewed, error) {
				return s.Auth.DisableTwoFactor(t.Context(), p.Actor(), proof)
			},
			"delete": func(p *house.Person, proof auth.Proof) (auth.Renewed, error) {
				return s.Auth.DeleteSetup(t.Context(), p.Actor(), proof)
			},
		} {
			p, _ := s.protected(t, login)
			if err := s.manage(t, p, p.Proof()); err != nil {
				t.Fatal(err)
			}
			renewed, err := deed(p, auth.Proof{Password: house.Password})
			p.Renew(renewed)
			refused(t, login+" under a fresh step-up", err, portal.CodeProof)
			p.Take(deed(p, p.Proof()))
			refused(t, "managing after "+login, s.manage(t, p, auth.Proof{}), portal.CodeProof)
		}
	})
}

// What was proven under a clock that was ahead does not last longer by that once
// the clock is set back (AU-12, LC-02): it has ended. As much as the clocks of
// nodes differ changes nothing.
func TestProofsEndWhenTheClockGoesBack(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		for back, counts := range map[time.Duration]bool{30 * time.Second: true, time.Hour: false} {
			wendy, _ := s.protected(t, "wendy."+back.String())
			s.Clock.Advance(10 * time.Minute)
			wendy.SignIn()
			wendy.Take(s.Auth.StepUp(t.Context(), wendy.Actor(), auth.NeedFresh, wendy.Proof()))
			begun, nora := s.half(t, wendy.Login), s.person(t, "nora."+back.String())
			s.Clock.Advance(-back)
			if asked := s.Auth.Asks(wendy.Actor(), auth.NeedFresh).Password; asked == counts {
				t.Errorf("%s back: a step-up counts: %v, want %v", back, !asked, counts)
			}
			if err := s.Auth.HalfSession(t.Context(), begun); (err == nil) != counts {
				t.Errorf("%s back: half session: %v, want it usable: %v", back, err, counts)
			}
			if _, err := s.Auth.SignInWithCode(t.Context(), wendy.Origin(), begun, s.wrong(wendy)); (portal.ErrorCode(err) == portal.CodeInvalid) != counts {
				t.Errorf("%s back: a code behind the half session: %v, want it looked at: %v", back, err, counts)
			}
			if asked := s.Auth.Asks(nora.Actor(), auth.NeedStart).Password; asked == counts {
				t.Errorf("%s back: a sign-in counts: %v, want %v", back, !asked, counts)
			}
			if counts {
				continue
			}
			forged, novice := wendy.Actor(), nora.Actor()
			forged.SteppedUpAt, novice.SteppedUpAt = s.Clock.Now(), s.Clock.Now()
			_, err := s.Auth.EndOtherSessions(t.Context(), forged, auth.Proof{})
			refused(t, "the transaction of the deed", err, portal.CodeProof)
			_, err = s.Auth.StartSetup(t.Context(), novice, auth.Proof{})
			refused(t, "the transaction of the start", err, portal.CodeProof)
		}
	})
}

// A step-up belongs to its session; another one of the same person has none.
func TestStepUpIsNotTransferable(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		wendy := s.person(t, "wendy")
		other := s.Person(t, "wendy")
		renewed, err := s.Auth.StepUp(t.Context(), wendy.Actor(), auth.NeedFresh, password())
		wendy.Take(renewed, err)
		refused(t, "other session", s.manage(t, other, auth.Proof{}), portal.CodeProof)

		// Nor does an actor that claims to be fresh pass the transaction.
		forged := other.Actor()
		forged.SteppedUpAt = s.Clock.Now()
		_, err = s.Auth.EndOtherSessions(t.Context(), forged, auth.Proof{})
		refused(t, "forged", err, portal.CodeProof)
	})
}

// A sign-in of the last five minutes does for starting a first setup, and for
// nothing else.
func TestSignInCountsForStartingOnly(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		wendy := s.person(t, "wendy")
		refused(t, "managing", s.manage(t, wendy, auth.Proof{}), portal.CodeProof)
		s.Clock.Advance(5*time.Minute - time.Microsecond)
		wendy.Take(s.Auth.StartSetup(t.Context(), wendy.Actor(), auth.Proof{}))
		s.Clock.Advance(time.Microsecond)
		_, err := s.Auth.StartSetup(t.Context(), wendy.Actor(), auth.Proof{})
		refused(t, "starting later", err, portal.CodeProof)
		wendy.Take(s.Auth.StartSetup(t.Context(), wendy.Actor(), password()))
	})
}

// Each step-up gives the session a new token; the old one is dead (SE-02).
func TestStepUpRenewsTheToken(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		wendy := s.person(t, "wendy")
		old := *wendy
		if err := s.manage(t, wendy, password()); err != nil {
			t.Fatal(err)
		}
		if old.Token == wendy.Token || old.Signed() || !wendy.Signed() {
			t.Errorf("same token: %v, old works: %v, new works: %v", old.Token == wendy.Token, old.Signed(), wendy.Signed())
		}
	})
}

// Wrong passwords and wrong codes are counted apart, five an hour in a
// session, recorded, and do not touch the budgets of signing in.
func TestStepUpBudgets(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		wendy, _ := s.protected(t, "wendy")
		for range 5 {
			refused(t, "wrong password", s.manage(t, wendy, auth.Proof{Password: "wrong", Code: wendy.Code()}), portal.CodeProof)
			s.mustRecord(t, wendy, "wrong password")
		}
		refused(t, "sixth password", s.manage(t, wendy, wendy.Proof()), portal.CodeThrottled)
		s.Clock.Advance(time.Hour)
		wendy.SignIn()
		for range 5 {
			refused(t, "wrong code", s.manage(t, wendy, auth.Proof{Password: house.Password, Code: s.wrong(wendy)}), portal.CodeProof)
			s.mustRecord(t, wendy, "wrong code")
		}
		refused(t, "sixth code", s.manage(t, wendy, wendy.Proof()), portal.CodeThrottled)
		wendy.SignIn() // another session, another budget
		for range 7 {  // what was right is given back
			p := wendy.Proof()
			_, err := s.Auth.StepUp(t.Context(), wendy.Actor(), auth.NeedProof, p)
			if err != nil {
				t.Fatal(err)
			}
			wendy.SignIn()
		}
	})
}

// mustRecord holds that the newest event is a refusal by the person.
func (s scene) mustRecord(t *testing.T, p *house.Person, why string) {
	t.Helper()
	e := s.lastEvent(t, p)
	if e.Action != portal.SteppedUp || e.Outcome != portal.Refused || e.Detail != why || e.ActorLabel != p.Login ||
		e.Origin != house.Origin() {
		t.Errorf("recorded %+v, want a refused step-up: %s", e, why)
	}
}

// A wrong proof changes nothing and leaves the token as it was.
func TestWrongProofChangesNothing(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		wendy, recovery := s.protected(t, "wendy")
		for name, proof := range map[string]auth.Proof{
			"nothing": {}, "wrong password": {Password: "wrong", RecoveryCode: recovery[0]},
			"password alone": password(), "foreign recovery": {Password: house.Password, RecoveryCode: "AAAAA-AAAAA-AAAAA-AAAAA-AAAAA"},
		} {
			_, err := s.Auth.DeleteSetup(t.Context(), wendy.Actor(), proof)
			refused(t, name, err, portal.CodeProof)
		}
		want(t, wendy, portal.TwoFactorEnabled)
		wendy.Take(s.Auth.DeleteSetup(t.Context(), wendy.Actor(), auth.Proof{Password: house.Password, RecoveryCode: recovery[0]}))
	})
}

// An actor whose session has ended meanwhile does nothing any more, with
// whatever proof.
func TestEndedSessionActsNoMore(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		wendy, _ := s.protected(t, "wendy")
		stale := wendy.Actor()
		stale.SteppedUpAt = s.Clock.Now()
		if err := s.Auth.SignOut(t.Context(), wendy.Actor()); err != nil {
			t.Fatal(err)
		}
		for name, deed := range map[string]func() error{
			"disable": func() error { _, err := s.Auth.DisableTwoFactor(t.Context(), stale, wendy.Proof()); return err },
			"delete":  func() error { _, err := s.Auth.DeleteSetup(t.Context(), stale, wendy.Proof()); return err },
			"issue":   func() error { _, err := s.Auth.IssueRecoveryCodes(t.Context(), stale, wendy.Proof()); return err },
			"password": func() error {
				_, err := s.Auth.ChangePassword(t.Context(), stale, wendy.Proof(), "another password of mine")
				return err
			},
		} {
			refused(t, name, deed(), portal.CodeSignIn)
		}
		_, err := s.Auth.EndOtherSessions(t.Context(), stale, auth.Proof{})
		refused(t, "managing", err, portal.CodeProof)
		want(t, wendy, portal.TwoFactorEnabled)
	})
}

// Of many destructive deeds at once that stand on one step-up, one goes
// through.
func TestOneStepUpForOneDeed(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		wendy := s.person(t, "wendy")
		renewed, err := s.Auth.StepUp(t.Context(), wendy.Actor(), auth.NeedProof, password())
		wendy.Take(renewed, err)
		actor := wendy.Actor()
		passed := make([]bool, 16)
		house.AtOnce(len(passed), func(i int) {
			err := s.Store.Write(t.Context(), actor.CustomerID, func(tx *store.Tx) error {
				if err := s.Auth.RequireStepUp(t.Context(), tx, actor, auth.NeedProof); err != nil {
					return err
				}
				return tx.Record(t.Context(), actor.Did(portal.SetupDeleted))
			})
			passed[i] = err == nil
			if err != nil {
				refused(t, "another deed", err, portal.CodeProof)
			}
		})
		n := 0
		for _, ok := range passed {
			if ok {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%d deeds went through on one step-up", n)
		}
	})
}
