package auth_test

import (
	"testing"

	"portal"
	"portal/internal/auth"
	"portal/internal/testkit/house"
)

// guessBoth enters wrong second factors of either kind from a stranger's
// browser, so many in all.
func (s scene) guessBoth(t *testing.T, p *house.Person, times int) {
	t.Helper()
	for i := range times {
		refused(t, "a stranger's", s.second(t, s.half(t, p.Login), i%2 == 0, s.wrong(p)), portal.CodeInvalid)
	}
}

// A stranger who has the password, from whom the owner has frozen the account,
// does not keep the owner's recovery code out with wrong ones, of whatever kind
// and however many: no browser is known there, and nothing but a recovery code
// opens (AU-06).
func TestStrangerLeavesTheWayOutOfAFreeze(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		p, recovery := s.protected(t, "wendy")
		letters := s.LettersOf(t, "wendy", portal.MailFactorEnabled)
		if err := s.Auth.Freeze(t.Context(), house.Origin(), letters[0].Alarm); err != nil {
			t.Fatal(err)
		}
		s.guessBoth(t, p, 35)
		earned, err := s.Auth.SignInWithRecoveryCode(t.Context(), house.Origin(), s.half(t, "wendy"), recovery[0])
		if err != nil {
			t.Fatal(err)
		}
		if p.Token = earned.Session; p.Actor().Owes != portal.OwesPassword {
			t.Error("the password that the stranger knows goes on")
		}
		if told := s.LettersOf(t, "wendy", portal.MailWrongCodes); len(told) != 1 {
			t.Errorf("%d mails of wrong ones, want one", len(told))
		}
	})
}

// Where codes of the app are blocked it is the same, until the wrong ones of a
// day take the password away from whoever knows it.
func TestStrangerLeavesTheWayOutOfABlock(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		p, recovery := s.protected(t, "wendy")
		s.fail(t, p, 100)
		s.guessBoth(t, p, 25)
		if _, err := s.Auth.SignInWithRecoveryCode(t.Context(), house.Origin(), s.half(t, "wendy"), recovery[0]); err != nil {
			t.Error(err)
		}
		s.guessBoth(t, p, 5)
		_, err := s.enterWith(t, "wendy", house.Password)
		mustSay(t, err, "Forgot your password")
		if err := s.reset(t, s.forget(t, "wendy"), auth.Proof{RecoveryCode: recovery[1]}); err != nil {
			t.Error(err)
		}
	})
}
