package auth_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"portal"
	"portal/internal/auth"
	"portal/internal/otp"
	"portal/internal/store"
	"portal/internal/testkit/house"
)

// After the third wrong second factor behind a right password the user is told,
// once a day, with a link "this was not me" (AU-06).
func TestWrongCodesAreTold(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		p, _ := s.protected(t, "wendy")
		told := func() int { return len(s.LettersOf(t, "wendy", portal.MailWrongCodes)) }
		for i, want := range []int{0, 0, 1, 1, 1, 1} {
			refused(t, "wrong", s.enter(t, "wendy", s.wrong(p)), portal.CodeInvalid)
			if got := told(); got != want {
				t.Errorf("after %d wrong codes %d letters, want %d", i+1, got, want)
			}
		}
		if l := s.LettersOf(t, "wendy", portal.MailWrongCodes)[0]; l.Alarm == "" || l.Address != house.Origin().Address {
			t.Errorf("%+v", l)
		}
		s.Clock.Advance(25 * time.Hour)
		for range 3 {
			refused(t, "wrong", s.enter(t, "wendy", s.wrong(p)), portal.CodeInvalid)
		}
		if got := told(); got != 2 {
			t.Errorf("on the next day %d letters in all, want 2", got)
		}
	})
}

// guessCodes uses up the wrong second factors of a day.
func (s scene) guessCodes(t *testing.T, p *house.Person) {
	t.Helper()
	for hour := range 3 {
		for range 10 {
			refused(t, "wrong", s.enter(t, p.Login, s.wrong(p)), portal.CodeInvalid)
		}
		if hour < 2 {
			s.Clock.Advance(time.Hour)
		}
	}
}

// Thirty wrong second factors in a day: somebody knows the password, which has
// to be replaced. It opens nothing from an unknown browser, not even the second
// step; the second factor stays; the owner gets through with both factors from
// the known browser, and then owes a new password (AU-06).
func TestThirtyWrongCodesDemandAPassword(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		p, _ := s.protected(t, "wendy")
		p.SignIn()
		before := *p
		s.guessCodes(t, p)
		if before.Signed() || len(s.LettersOf(t, "wendy", portal.MailResetDemanded)) != 1 {
			t.Error("sessions go on, or nobody was told")
		}
		s.Clock.Advance(25 * time.Hour) // no limit is used up any more
		earned, err := s.Auth.SignIn(t.Context(), house.Origin(), "wendy", house.Password)
		refused(t, "right password", err, portal.CodeInvalid)
		mustSay(t, err, "Forgot your password")
		_, wrong := s.Auth.SignIn(t.Context(), house.Origin(), "wendy", "wrong password wrong")
		_, nobody := s.Auth.SignIn(t.Context(), house.Origin(), "nobody", "wrong password wrong")
		if earned != (auth.SignedIn{}) || wrong.Error() != nobody.Error() {
			t.Errorf("%+v; a stranger reads %v and %v", earned, wrong, nobody) // AU-07
		}
		want(t, p, portal.TwoFactorEnabled)
		p.SignIn()
		if owes := p.Actor().Owes; owes != portal.OwesPassword {
			t.Errorf("from the known browser: owes %q", owes)
		}
	})
}

// A session does not outlive the demand for a new password by a request that
// was under way: it has ended, and no step-up renews it.
func TestDemandEndsSessionsUnderWay(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		p, _ := s.protected(t, "wendy")
		p.SignIn()
		underWay := p.Actor()
		s.guessCodes(t, p)
		s.Clock.Advance(time.Minute)
		renewed, err := s.Auth.StepUp(t.Context(), underWay, auth.NeedFresh, p.Proof())
		refused(t, "step-up", err, portal.CodeSignIn)
		if renewed.Session != "" {
			t.Error("the session has a new token")
		}
	})
}

// On a frozen account no number of wrong ones mails a link to a new password:
// it would be dead. The thaw demands one anyway.
func TestFrozenAccountGetsNoDeadLink(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		p, _ := s.protected(t, "wendy")
		letters := s.LettersOf(t, "wendy", portal.MailFactorEnabled)
		if err := s.Auth.Freeze(t.Context(), house.Origin(), letters[0].Alarm); err != nil {
			t.Fatal(err)
		}
		s.guessCodes(t, p)
		if told := s.LettersOf(t, "wendy", portal.MailResetDemanded); len(told) != 0 {
			t.Errorf("told %+v", told)
		}
	})
}

// Where the account has no second factor the known browser does not stand for
// one: a demanded password is replaced by a link only.
func TestKnownBrowserIsNoFactor(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		p := s.person(t, "wendy")
		id := p.Actor().UserID
		err := s.Store.WriteUnaudited(t.Context(), s.acme.CustomerID, "test", func(tx *store.Tx) error {
			_, err := tx.DemandPassword(t.Context(), id)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		earned, err := s.Auth.SignIn(t.Context(), p.Origin(), "wendy", house.Password)
		mustSay(t, err, "Forgot your password")
		if earned != (auth.SignedIn{}) {
			t.Errorf("it earns %+v", earned)
		}
	})
}

// fail counts wrong codes of a person's app without typing each.
func (s scene) fail(t *testing.T, p *house.Person, times int) {
	t.Helper()
	id := p.Actor().UserID
	err := s.Store.WriteUnaudited(t.Context(), s.acme.CustomerID, "test", func(tx *store.Tx) error {
		a, err := tx.Current(t.Context(), id)
		for range times {
			if err == nil {
				_, err = tx.CountFailure(t.Context(), a.ID)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A kept setup whose codes are blocked cannot be switched on, and its recovery
// codes are dead: the way on is a new setup, and that is what is said.
func TestBlockedKeptSetupLeadsToANewOne(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		p := s.bring(t, "wendy", disabled)
		s.fail(t, p.Person, 99)
		wrong, err := s.Auth.EnableTwoFactor(t.Context(), p.Actor(), auth.Proof{Password: house.Password, Code: s.wrong(p.Person)})
		p.Renew(wrong.Renewed)
		refused(t, "the hundredth wrong code", err, portal.CodeProof)
		if !s.status(t, p.Person).Blocked {
			t.Error("the kept setup is not shown as blocked")
		}
		_, err = s.Auth.EnableTwoFactor(t.Context(), p.Actor(), p.Proof())
		refused(t, "a right code", err, portal.CodeConflict)
		if !strings.Contains(fmt.Sprint(err), "Delete it with the trash can") {
			t.Errorf("what is said leads nowhere: %v", err)
		}
		p.Take(s.Auth.DeleteSetup(t.Context(), p.Actor(), password()))
		p.Key = nil
		p.Enable()
	})
}

// A hundred wrong codes in a row, on whatever page, block the app's codes: a
// right one is refused, the password alone opens nothing, a recovery code does.
// A new app brings codes back (AU-02).
func TestHundredWrongCodesBlock(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		p, recovery := s.protected(t, "wendy")
		s.fail(t, p, 99)
		p.SignIn() // one right code begins anew
		s.fail(t, p, 99)
		_, err := s.Auth.DeleteSetup(t.Context(), p.Actor(), auth.Proof{Password: house.Password, Code: s.wrong(p)})
		refused(t, "the hundredth, at a step-up", err, portal.CodeProof)
		if len(s.LettersOf(t, "wendy", portal.MailCodesBlocked)) != 1 || !s.status(t, p).Blocked || s.status(t, p).AccountLabel() != "Enabled" {
			t.Errorf("%+v", s.status(t, p))
		}
		half := s.half(t, "wendy")
		_, err = s.Auth.SignInWithCode(t.Context(), p.Origin(), half, p.Code())
		mustSay(t, err, "Use a recovery code")
		if step, err := s.Auth.SecondStep(t.Context(), half); err != nil || !step.Blocked {
			t.Errorf("%+v, %v", step, err)
		}
		earned, err := s.Auth.SignInWithRecoveryCode(t.Context(), p.Origin(), half, recovery[0])
		if err != nil {
			t.Fatal(err)
		}
		p.Token = earned.Session
		p.Take(s.Auth.StartReplacement(t.Context(), p.Actor(), auth.Proof{Password: house.Password, RecoveryCode: recovery[1]}))
		p.Scan()
		confirmed, err := s.Auth.ConfirmSetup(t.Context(), p.Actor(), p.Code())
		p.Take(confirmed.Renewed, err)
		p.SignIn()
		if s.status(t, p).Blocked {
			t.Error("the new app is blocked")
		}
	})
}

// Behind the right password a code of another time is explained, ten minutes to
// either side; it is never accepted (OT-03).
func TestCodesOfAnotherTime(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		p, _ := s.protected(t, "wendy")
		for offset, want := range map[int64]string{
			-21: "not right", -20: "10 minutes slow", -4: "2 minutes slow", -3: "2 minutes slow", -2: "just run out",
			2: "1 minute fast", 5: "3 minutes fast", 20: "10 minutes fast", 21: "not right",
		} {
			s.Clock.Advance(time.Hour)
			mustSay(t, s.enter(t, "wendy", s.codeAt(p, offset)), want)
		}
		s.Clock.Advance(24 * time.Hour)
		p.SignIn()
	})
}

// A coming code that was told to be one is spent, and no second one is told
// while it is to come: nobody guesses ahead. What was used already is no sign
// of a wrong clock.
func TestExplanationIsNoOracle(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		p, _ := s.protected(t, "wendy")
		s.Clock.Advance(time.Hour)
		told, second := s.codeAt(p, 4), s.codeAt(p, 6)
		mustSay(t, s.enter(t, "wendy", told), "2 minutes fast")
		mustSay(t, s.enter(t, "wendy", second), "not right")
		s.Clock.Advance(4 * otp.Period)
		mustSay(t, s.enter(t, "wendy", told), "not right")
		s.Clock.Advance(2 * otp.Period)
		if err := s.enter(t, "wendy", second); err != nil {
			t.Errorf("a code that was not told is spent: %v", err)
		}
		s.Clock.Advance(4 * otp.Period)
		err := s.enter(t, "wendy", second)
		if err == nil || strings.Contains(err.Error(), "slow") {
			t.Errorf("a used code: %v", err)
		}
	})
}

// Behind a mailed link alone nothing is explained: who opens it has not shown
// to know the password.
func TestResetExplainsNothing(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		p, _ := s.protected(t, "wendy")
		s.Clock.Advance(time.Hour)
		for _, code := range []string{s.codeAt(p, 4), s.codeAt(p, -4)} {
			token := s.forget(t, "wendy")
			mustSay(t, s.Auth.ResetPassword(t.Context(), p.Origin(), token, "another good long phrase", auth.Proof{Code: code}), "not right")
		}
	})
}

// After the limit a reset by mail opens the account at once, from any browser
// and with the second factor as it was (AU-06).
func TestResetAfterThirtyWrongCodes(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		p, _ := s.protected(t, "wendy")
		s.guessCodes(t, p)
		if err := s.reset(t, s.forget(t, "wendy"), auth.Proof{Code: p.Code()}); err != nil {
			t.Fatal(err)
		}
		earned, err := s.enterWith(t, "wendy", chosen)
		if err != nil || earned.Half == "" {
			t.Fatalf("%+v, %v; want the second step", earned, err)
		}
		if _, err := s.Auth.SignInWithCode(t.Context(), house.Origin(), earned.Half, p.Code()); err != nil {
			t.Error(err)
		}
	})
}

// Whoever used up the owner's budgets knew the old password: a new one, chosen
// in the known browser, opens the account from everywhere again.
func TestNewPasswordForgetsWrongCodes(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		p, _ := s.protected(t, "wendy")
		p.SignIn()
		s.guessCodes(t, p)
		p.SignIn()
		proof := p.Proof()
		const next = "another horse battery"
		p.Take(s.Auth.ChangePassword(t.Context(), p.Actor(), proof, next))
		earned, err := s.Auth.SignIn(t.Context(), house.Origin(), "wendy", next)
		if err != nil {
			t.Fatal(err)
		}
		if earned, err = s.Auth.SignInWithCode(t.Context(), house.Origin(), earned.Half, p.Code()); err != nil || earned.Session == "" {
			t.Errorf("from an unknown browser: %+v, %v", earned, err)
		}
	})
}
