package admin_test

import (
	"testing"
	"time"

	"portal"
	"portal/internal/admin"
	"portal/internal/auth"
	"portal/internal/testkit/house"
)

// alarm is the token of "this was not me" in the newest letter to somebody.
func (s scene) alarm(t *testing.T, login string) string {
	t.Helper()
	letters := s.Letters(t, login)
	for i := len(letters) - 1; i >= 0; i-- {
		if letters[i].Alarm != "" {
			return letters[i].Alarm
		}
	}
	t.Fatalf("no letter to %s has an alarm: %+v", login, letters)
	return ""
}

// freeze presses "this was not me".
func (s scene) freeze(t *testing.T, token string) {
	t.Helper()
	if err := s.Auth.Freeze(t.Context(), house.Origin(), token); err != nil {
		t.Fatal(err)
	}
}

// enter gives a right password.
func (s scene) enter(t *testing.T, login string) (auth.SignedIn, error) {
	t.Helper()
	return s.Auth.SignIn(t.Context(), house.Origin(), login, house.Password)
}

// "This was not me" ends everything that was issued for the account, and tells
// the person and the administrators; opening the link does nothing.
func TestFreezeEndsEverything(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		s.administrator(t, s.acme, "ada")
		p, id := s.protected(t, s.acme, "wendy")
		token := s.alarm(t, "wendy")
		half, err := s.enter(t, "wendy")
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if a, err := s.Auth.OpenAlarm(t.Context(), token); err != nil || a.LoginID != "wendy" || a.CustomerName != "Acme" || a.Frozen || !p.Signed() {
				t.Fatalf("opening the link: %+v, %v; signed in %t", a, err, p.Signed())
			}
		}
		s.freeze(t, token)
		if p.Signed() {
			t.Error("the session lives")
		}
		_, err = s.Auth.SignInWithCode(t.Context(), house.Origin(), half.Half, p.Code())
		refused(t, "the half session from before", err, portal.CodeSignIn)
		e := s.events(t, s.acme, admin.EventQuery{Action: portal.AccountFrozen})
		if len(e) != 1 || e[0].TargetID != id || e[0].Origin != house.Origin() {
			t.Errorf("recorded %+v", e)
		}
		if told := s.LettersOf(t, "ada", portal.MailFrozenAdmin); len(told) != 1 || told[0].AboutID != id {
			t.Errorf("the administrator reads %+v", told)
		}
		if told := s.LettersOf(t, "wendy", portal.MailFrozen); len(told) != 1 || told[0].Alarm != "" {
			t.Errorf("the person reads %+v", told)
		}
	})
}

// Links of several mails are open at once; each freezes once, for seven days.
func TestAlarmLinks(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		s.administrator(t, s.acme, "ada")
		p, id := s.protected(t, s.acme, "wendy")
		first := s.alarm(t, "wendy")
		p.Take(s.Auth.DisableTwoFactor(t.Context(), p.Actor(), p.Proof()))
		second := s.alarm(t, "wendy")
		p.Take(s.Auth.DeleteSetup(t.Context(), p.Actor(), p.Proof()))
		third := s.alarm(t, "wendy")

		s.freeze(t, first)
		refused(t, "the same link again", s.Auth.Freeze(t.Context(), house.Origin(), first), portal.CodeConflict)
		if a, err := s.Auth.OpenAlarm(t.Context(), first); err != nil || !a.Frozen || a.LoginID != "wendy" {
			t.Errorf("the same link shows %+v, %v", a, err)
		}
		refused(t, "another link on a frozen account", s.Auth.Freeze(t.Context(), house.Origin(), second), portal.CodeConflict)
		s.thaw(t, id)
		refused(t, "a used link on an account that is open again", s.Auth.Freeze(t.Context(), house.Origin(), first), portal.CodeNotFound)
		_, err := s.Auth.OpenAlarm(t.Context(), first)
		refused(t, "its page", err, portal.CodeNotFound)
		s.freeze(t, second)
		s.thaw(t, id)
		s.Clock.Advance(portal.DefaultLimits().Alarm)
		refused(t, "after seven days", s.Auth.Freeze(t.Context(), house.Origin(), third), portal.CodeNotFound)
		refused(t, "no link at all", s.Auth.Freeze(t.Context(), house.Origin(), "x"), portal.CodeNotFound)
		if n := len(s.events(t, s.acme, admin.EventQuery{Action: portal.AccountFrozen})); n != 2 {
			t.Errorf("frozen %d times", n)
		}
	})
}

func (s scene) thaw(t *testing.T, id portal.UserID) {
	t.Helper()
	if _, err := s.Admin.Thaw(t.Context(), s.acme, id, auth.Proof{}); err != nil {
		t.Fatal(err)
	}
}

// Many presses at once freeze once.
func TestFreezeAtOnce(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		s.protected(t, s.acme, "wendy")
		token := s.alarm(t, "wendy")
		house.AtOnce(6, func(int) {
			if err := s.Auth.Freeze(t.Context(), house.Origin(), token); err != nil && portal.ErrorCode(err) != portal.CodeConflict {
				t.Error(err)
			}
		})
		if n := len(s.LettersOf(t, "wendy", portal.MailFrozen)); n != 1 {
			t.Errorf("told %d times", n)
		}
	})
}

// A frozen account opens by password and recovery code, by no code of the app,
// and then a new password is owed.
func TestRecoveryCodeOpensFrozenAccount(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		s.User(t, s.acme, portal.RoleUser, "wendy")
		p := s.Person(t, "wendy")
		recovery := p.Enable()
		s.freeze(t, s.alarm(t, "wendy"))
		earned, err := s.enter(t, "wendy")
		if err != nil || earned.Half == "" || earned.Session != "" {
			t.Fatalf("the right password earns %+v, %v", earned, err)
		}
		if step, err := s.Auth.SecondStep(t.Context(), earned.Half); err != nil || !step.Frozen {
			t.Errorf("the second step is %+v, %v", step, err)
		}
		_, err = s.Auth.SignInWithCode(t.Context(), house.Origin(), earned.Half, p.Code())
		refused(t, "a code of the app", err, portal.CodeInvalid)
		in, err := s.Auth.SignInWithRecoveryCode(t.Context(), house.Origin(), earned.Half, recovery[0])
		if err != nil {
			t.Fatal(err)
		}
		p.Token = in.Session
		if actor := p.Actor(); actor.Owes != portal.OwesPassword || actor.Stored != portal.TwoFactorEnabled {
			t.Errorf("afterwards %q is owed, 2FA is %s", actor.Owes, actor.Stored)
		}
		for _, kind := range []portal.MailKind{portal.MailThawed, portal.MailRecoveryUsed} {
			if n := len(s.LettersOf(t, "wendy", kind)); n != 1 {
				t.Errorf("%s was told %d times", kind, n)
			}
		}
		if e := s.events(t, s.acme, admin.EventQuery{Action: portal.AccountThawed}); len(e) != 1 || e[0].ActorLabel != "wendy" {
			t.Errorf("recorded %+v", e)
		}
	})
}

// What was begun on a frozen account, to be ended by a recovery code, ends with
// the thaw: a code of the app must not follow where a new password is wanted.
func TestThawEndsWhatWasBegun(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		s.administrator(t, s.acme, "ada")
		p, id := s.protected(t, s.acme, "wendy")
		if _, err := s.Admin.DemandPassword(t.Context(), s.acme, id, "a false sign-in page", auth.Proof{}); err != nil {
			t.Fatal(err)
		}
		s.freeze(t, s.alarm(t, "wendy"))
		begun, err := s.enter(t, "wendy")
		if err != nil || begun.Half == "" {
			t.Fatalf("%+v, %v", begun, err)
		}
		s.thaw(t, id)
		in, err := s.Auth.SignInWithCode(t.Context(), house.Origin(), begun.Half, p.Code())
		refused(t, "a code of the app", err, portal.CodeSignIn)
		if in.Session != "" {
			t.Error("it opens a session")
		}
	})
}

// Where no recovery code can open it, the right password is told so, the wrong
// one nothing.
func TestFrozenAccountWithoutRecoveryCodes(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		ada := s.administrator(t, s.acme, "ada")
		p, id := s.protected(t, s.acme, "wendy")
		p.Take(s.Auth.DisableTwoFactor(t.Context(), p.Actor(), p.Proof()))
		s.freeze(t, s.alarm(t, "wendy"))
		earned, err := s.enter(t, "wendy")
		refused(t, "right password", err, portal.CodeInvalid)
		if earned != (auth.SignedIn{}) {
			t.Errorf("earned %+v", earned)
		}
		_, wrong := s.Auth.SignIn(t.Context(), house.Origin(), "wendy", "not the right password")
		_, unknown := s.Auth.SignIn(t.Context(), house.Origin(), "nobody", "not the right password")
		if wrong.Error() != unknown.Error() || wrong.Error() == err.Error() {
			t.Errorf("wrong password %q, unknown %q, right %q", wrong, unknown, err)
		}
		e := s.events(t, s.acme, admin.EventQuery{Action: portal.PasswordTried, Person: "wendy"})
		if len(e) < 2 || e[1].Detail != "account is frozen" || e[1].Outcome != portal.Refused {
			t.Errorf("recorded %+v", e)
		}
		ada.SignIn()
		ada.Take(s.Admin.Thaw(t.Context(), ada.Actor(), id, ada.Proof()))
		after, err := s.Admin.User(t.Context(), s.acme, id)
		if err != nil || after.User.Frozen || !after.User.MustReset || after.User.Stored != portal.TwoFactorDisabled {
			t.Errorf("opened again: %+v, %v", after.User, err)
		}
		if told := s.LettersOf(t, "wendy", portal.MailThawed); len(told) != 1 || told[0].By != "Name of ada" {
			t.Errorf("told %+v", told)
		}
	})
}

// Opening an account takes an administrator of the same customer under step-up,
// and an account that is frozen.
func TestWhoMayThaw(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		ada, eve := s.administrator(t, s.acme, "ada"), s.administrator(t, s.other, "eve")
		_, id := s.protected(t, s.acme, "wendy")
		_, err := s.Admin.Thaw(t.Context(), ada.Actor(), id, password())
		refused(t, "not frozen", err, portal.CodeConflict)
		s.freeze(t, s.alarm(t, "wendy"))
		_, err = s.Admin.Thaw(t.Context(), ada.Actor(), id, auth.Proof{})
		refused(t, "without step-up", err, portal.CodeProof)
		_, foreign := s.Admin.Thaw(t.Context(), eve.Actor(), id, password())
		_, missing := s.Admin.Thaw(t.Context(), eve.Actor(), "missing", password())
		sameRefusal(t, "thaw", foreign, missing)
	})
}

// The last administrator's account freezes as well: safety first. The host
// opens it again.
func TestLastAdministratorCanFreeze(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		ada := s.administrator(t, s.acme, "ada")
		ada.Enable()
		id := ada.Actor().UserID
		s.freeze(t, s.alarm(t, "ada"))
		if ada.Signed() {
			t.Error("the session lives")
		}
		s.thaw(t, id)
		s.Clock.Advance(time.Minute)
		if user, err := s.Admin.User(t.Context(), s.acme, id); err != nil || user.User.Frozen {
			t.Errorf("opened by the host: %+v, %v", user.User, err)
		}
	})
}

// When an administrator changes the e-mail address, the link in the mail to the
// old one freezes the account, before the new one is confirmed and after.
func TestOldAddressCanFreeze(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		ada := s.administrator(t, s.acme, "ada")
		changed := func(login string) (alarm, confirmation string) {
			user := s.User(t, s.acme, portal.RoleUser, login)
			in := edit(login, portal.RoleUser)
			in.Email = login + "@thief.example"
			ada.SignIn()
			ada.Take(s.Admin.EditUser(t.Context(), ada.Actor(), user.ID, in, ada.Proof()))
			told := s.LettersOf(t, login, portal.MailAddressAsked)
			if len(told) != 1 || told[0].To != user.Email {
				t.Fatalf("told %+v", told)
			}
			return told[0].Alarm, s.LettersOf(t, login, portal.MailConfirmAddress)[0].Token
		}
		alarm, confirmation := changed("wendy")
		s.freeze(t, alarm)
		refused(t, "confirmed all the same", s.Auth.ConfirmAddress(t.Context(), house.Origin(), confirmation), portal.CodeNotFound)

		alarm, confirmation = changed("bob")
		if err := s.Auth.ConfirmAddress(t.Context(), house.Origin(), confirmation); err != nil {
			t.Fatal(err)
		}
		s.freeze(t, alarm)
		if told := s.LettersOf(t, "bob", portal.MailFrozen); len(told) != 1 || told[0].To != "bob@thief.example" {
			t.Errorf("told %+v", told)
		}
	})
}
