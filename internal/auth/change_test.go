package auth_test

import (
	"testing"
	"time"

	"portal"
	"portal/internal/auth"
	"portal/internal/seal"
	"portal/internal/testkit/house"
)

// securityChanges are all changes of the own account that must end everything
// else the person has open.
func (s scene) securityChanges(t *testing.T) map[string]func(*subject) (auth.Renewed, error) {
	confirmed := func(c auth.Confirmed, err error) (auth.Renewed, error) { return c.Renewed, err }
	return map[string]func(*subject) (auth.Renewed, error){
		"confirm": func(p *subject) (auth.Renewed, error) {
			p.Take(s.Auth.StartReplacement(t.Context(), p.Actor(), p.Proof()))
			p.Scan()
			return confirmed(s.Auth.ConfirmSetup(t.Context(), p.Actor(), p.Code()))
		},
		"disable": func(p *subject) (auth.Renewed, error) {
			return s.Auth.DisableTwoFactor(t.Context(), p.Actor(), p.Proof())
		},
		"delete": func(p *subject) (auth.Renewed, error) {
			return s.Auth.DeleteSetup(t.Context(), p.Actor(), p.Proof())
		},
		"issue": func(p *subject) (auth.Renewed, error) {
			return confirmed(s.Auth.IssueRecoveryCodes(t.Context(), p.Actor(), p.Proof()))
		},
		"password": func(p *subject) (auth.Renewed, error) {
			return s.Auth.ChangePassword(t.Context(), p.Actor(), p.Proof(), house.Password)
		},
	}
}

// After each security change all other sessions and half sessions are dead,
// the acting session goes on under a new token, and the old token is dead
// (LC-03).
func TestSecurityChangesEndEverythingElse(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		for name, change := range s.securityChanges(t) {
			p := s.bring(t, name, enabled)
			other := *p.Person
			other.SignIn()
			half := s.half(t, name)
			bystander := s.person(t, name+"-bystander")

			p.Take(change(p))
			if !p.Signed() {
				t.Errorf("%s: the acting session has ended", name)
			}
			if other.Signed() {
				t.Errorf("%s: the other session lives", name)
			}
			refused(t, name+": half session", s.Auth.HalfSession(t.Context(), half), portal.CodeSignIn)
			_, err := s.Auth.SignInWithCode(t.Context(), house.Origin(), half, p.Code())
			refused(t, name+": code in the old half session", err, portal.CodeSignIn)
			if !bystander.Signed() {
				t.Errorf("%s: somebody else's session has ended", name)
			}
		}
	})
}

// The same where 2FA comes into being: confirming and switching on again.
func TestEnablingEndsEverythingElse(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		for name, from := range map[string]string{"first": pending, "again": disabled} {
			p := s.bring(t, name, from)
			other := s.Person(t, name)
			before := *p.Person
			if from == pending {
				p.Key = p.shown
				c, err := s.Auth.ConfirmSetup(t.Context(), p.Actor(), p.Code())
				p.Take(c.Renewed, err)
			} else {
				c, err := s.Auth.EnableTwoFactor(t.Context(), p.Actor(), p.Proof())
				p.Take(c.Renewed, err)
			}
			if !p.Signed() || before.Signed() || other.Signed() {
				t.Errorf("%s: acting %v, old token %v, other %v; want true, false, false", name, p.Signed(), before.Signed(), other.Signed())
			}
		}
	})
}

// A changed password needs the current one, and the code; a wrong one is
// counted; the new one signs in.
func TestChangePassword(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		p, _ := s.protected(t, "wendy")
		const fresh = "a new passphrase entirely"
		for name, c := range map[string]struct {
			proof auth.Proof
			to    string
			code  portal.Code
			field portal.Field
		}{
			"no current":    {auth.Proof{}, fresh, portal.CodeInvalid, portal.FieldCurrent},
			"wrong current": {auth.Proof{Password: "wrong", Code: p.Code()}, fresh, portal.CodeProof, portal.FieldCurrent},
			"no code":       {password(), fresh, portal.CodeProof, portal.FieldCode},
			"too short":     {p.Proof(), "fourteen signs", portal.CodeInvalid, portal.FieldNewPassword},
		} {
			_, err := s.Auth.ChangePassword(t.Context(), p.Actor(), c.proof, c.to)
			refused(t, name, err, c.code)
			mustBeAbout(t, name, err, c.field)
		}
		p.Take(s.Auth.ChangePassword(t.Context(), p.Actor(), p.Proof(), fresh))
		_, err := s.Auth.SignIn(t.Context(), house.Origin(), "wendy", house.Password)
		refused(t, "old password", err, portal.CodeInvalid)
		earned, err := s.Auth.SignIn(t.Context(), house.Origin(), "wendy", fresh)
		if err != nil || earned.Half == "" || earned.Session != "" {
			t.Errorf("new password: %+v, %v", earned, err)
		}
	})
}

// A secret that cannot be read verifies nothing and opens nothing; the state
// stays, and all is well again under the right keys (OT-06).
func TestUnreadableSecret(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		p, _ := s.protected(t, "wendy")
		lost := scene{s.Rekeyed(), s.acme}
		half := lost.half(t, "wendy")
		for range 2 {
			_, err := lost.Auth.SignInWithCode(t.Context(), house.Origin(), half, p.Code())
			refused(t, "code", err, portal.CodeUnavailable)
		}
		_, err := lost.Auth.DisableTwoFactor(t.Context(), p.Actor(), p.Proof())
		refused(t, "disable", err, portal.CodeUnavailable)
		want(t, p, portal.TwoFactorEnabled)
		s.Clock.Advance(time.Hour)
		p.SignIn()
	})
}

// Where the key of recovery codes is not at hand, none is called wrong and
// none is spent. Under the right keys all is well again (CR-07).
func TestUnreadableRecoveryCodes(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		_, codes := s.protected(t, "wendy")
		db := s.Outside(t)
		lost := scene{s.Rekeyed(), s.acme}
		for _, key := range []string{s.Ring.WriteKeyID(), ""} { // those of before keys were noted have none
			if _, err := db.ExecContext(t.Context(), "UPDATE recovery_codes SET key_id = $1", key); err != nil {
				t.Fatal(err)
			}
			for _, code := range []string{codes[0], seal.NewRecoveryCode()} {
				_, err := lost.Auth.SignInWithRecoveryCode(t.Context(), house.Origin(), lost.half(t, "wendy"), code)
				refused(t, "without the key", err, portal.CodeUnavailable)
			}
			refused(t, "not a code", lost.recover(t, "wendy", "nonsense"), portal.CodeInvalid)
		}
		refused(t, "wrong", s.recover(t, "wendy", seal.NewRecoveryCode()), portal.CodeInvalid)
		if err := s.recover(t, "wendy", codes[0]); err != nil {
			t.Errorf("under the right keys: %v", err)
		}
	})
}

// Deleting a setup reads no secret: by the owner once it is disabled, by an
// administrator at any time.
func TestUnreadableSetupCanBeDeleted(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		off, on := s.bring(t, "off", disabled), s.bring(t, "on", enabled)
		lost := s.Rekeyed()
		off.Take(lost.Auth.DeleteSetup(t.Context(), off.Actor(), password()))
		want(t, off.Person, portal.TwoFactorNone)
		if _, err := lost.Admin.DeleteTwoFactor(t.Context(), s.acme, on.Actor().UserID, "keys lost", auth.Proof{}); err != nil {
			t.Fatal(err)
		}
		want(t, on.Person, portal.TwoFactorNone)
	})
}
