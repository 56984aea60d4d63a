package auth_test

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"portal"
	"portal/internal/auth"
	"portal/internal/testkit/house"
)

// recover signs in with a recovery code.
func (s scene) recover(t *testing.T, login, code string) error {
	t.Helper()
	s.Clock.Advance(time.Hour) // the budgets are full
	_, err := s.Auth.SignInWithRecoveryCode(t.Context(), house.Origin(), s.half(t, login), code)
	return err
}

// Each code works once, in any spelling, and leaves 2FA on (RC-03, RC-06).
func TestRecoveryCodesWorkOnce(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		p, codes := s.protected(t, "wendy")
		for i, code := range codes {
			spelt := []string{code, strings.ToLower(code), strings.ReplaceAll(code, "-", " ")}[i%3]
			if err := s.recover(t, "wendy", spelt); err != nil {
				t.Fatalf("code %d: %v", i, err)
			}
			refused(t, "again", s.recover(t, "wendy", code), portal.CodeInvalid)
		}
		want(t, p, portal.TwoFactorEnabled)
		p.SignIn()
		account, err := s.Auth.Account(t.Context(), p.Actor())
		if err != nil || account.RecoveryLeft != 0 {
			t.Errorf("%d codes left, %v", account.RecoveryLeft, err)
		}
	})
}

// A code of somebody else fails and stays unused.
func TestRecoveryCodesAreTheUsersOwn(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		s.protected(t, "wendy")
		_, codes := s.protected(t, "other")
		refused(t, "foreign", s.recover(t, "wendy", codes[0]), portal.CodeInvalid)
		if err := s.recover(t, "other", codes[0]); err != nil {
			t.Errorf("used up by somebody else: %v", err)
		}
	})
}

// A code posted many times at once opens one session.
func TestRecoveryCodeAtOnce(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		_, codes := s.protected(t, "wendy")
		halves := make([]string, 8)
		for i := range halves {
			halves[i] = s.half(t, "wendy")
		}
		var sessions atomic.Int64
		house.AtOnce(len(halves), func(i int) {
			earned, err := s.Auth.SignInWithRecoveryCode(t.Context(), house.Origin(), halves[i], codes[0])
			if err != nil {
				refused(t, "at once", err, portal.CodeInvalid)
			}
			if earned.Session != "" {
				sessions.Add(1)
			}
		})
		if sessions.Load() != 1 {
			t.Errorf("%d sessions, want 1", sessions.Load())
		}
	})
}

// A new set, switching off, deleting and replacing kill the old set (RC-05).
func TestOldRecoveryCodesAreDead(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		enableAgain := func(p *house.Person) {
			c, err := s.Auth.EnableTwoFactor(t.Context(), p.Actor(), p.Proof())
			p.Take(c.Renewed, err)
		}
		for login, deed := range map[string]func(*house.Person){
			"issue": func(p *house.Person) {
				c, err := s.Auth.IssueRecoveryCodes(t.Context(), p.Actor(), p.Proof())
				p.Take(c.Renewed, err)
			},
			"off-and-on": func(p *house.Person) {
				p.Take(s.Auth.DisableTwoFactor(t.Context(), p.Actor(), p.Proof()))
				enableAgain(p)
			},
			"anew": func(p *house.Person) {
				p.Take(s.Auth.DeleteSetup(t.Context(), p.Actor(), p.Proof()))
				p.Enable()
			},
			"replace": func(p *house.Person) {
				p.Take(s.Auth.StartReplacement(t.Context(), p.Actor(), p.Proof()))
				p.Scan()
				c, err := s.Auth.ConfirmSetup(t.Context(), p.Actor(), p.Code())
				p.Take(c.Renewed, err)
			},
		} {
			p, codes := s.protected(t, login)
			deed(p)
			for _, code := range codes[:2] {
				refused(t, login, s.recover(t, login, code), portal.CodeInvalid)
			}
		}
	})
}

// A recovery code stands for the code in a step-up: it switches off, deletes
// and is used up by it.
func TestRecoveryCodeInStepUp(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		p, codes := s.protected(t, "wendy")
		proof := auth.Proof{Password: house.Password, RecoveryCode: codes[0]}
		if err := s.manage(t, p, proof); err != nil {
			t.Fatal(err)
		}
		s.Clock.Advance(6 * time.Minute)
		refused(t, "again", s.manage(t, p, proof), portal.CodeProof)
		proof.RecoveryCode = codes[1]
		p.Take(s.Auth.DisableTwoFactor(t.Context(), p.Actor(), proof))
		want(t, p, portal.TwoFactorDisabled)
	})
}
