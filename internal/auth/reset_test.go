package auth_test

import (
	"bytes"
	"sync/atomic"
	"testing"
	"time"

	"portal"
	"portal/internal/admin"
	"portal/internal/auth"
	"portal/internal/store"
	"portal/internal/testkit/house"
)

// reset sets the password chosen behind a link.
func (s scene) reset(t *testing.T, token string, p auth.Proof) error {
	t.Helper()
	return s.Auth.ResetPassword(t.Context(), house.Origin(), token, chosen, p)
}

// enterWith takes the first step of signing in with a password.
func (s scene) enterWith(t *testing.T, login, password string) (auth.SignedIn, error) {
	t.Helper()
	return s.Auth.SignIn(t.Context(), house.Origin(), login, password)
}

// A reset sets the password, ends every session and tells all addresses with
// an alarm. It signs nobody in, and opening its link changes nothing (LC-09,
// LC-10, AU-13).
func TestReset(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		p := s.person(t, "wendy")
		token := s.forget(t, "wendy")
		for range 3 {
			link, err := s.Auth.OpenLink(t.Context(), token)
			if err != nil || link.Purpose != auth.ForReset || link.LoginID != "wendy" || link.Ask.Code {
				t.Fatalf("%+v, %v", link, err)
			}
		}
		if !p.Signed() {
			t.Error("opening the link ended the session")
		}
		mustBeAbout(t, "weak password", s.Auth.ResetPassword(t.Context(), house.Origin(), token, "short", auth.Proof{}), portal.FieldNewPassword)
		if err := s.reset(t, token, auth.Proof{}); err != nil {
			t.Fatal(err)
		}
		if p.Signed() {
			t.Error("a session outlived the reset")
		}
		_, err := s.enterWith(t, "wendy", house.Password)
		refused(t, "the old password", err, portal.CodeInvalid)
		if earned, err := s.enterWith(t, "wendy", chosen); err != nil || earned.Session == "" {
			t.Errorf("%+v, %v", earned, err)
		}
		if told := s.LettersOf(t, "wendy", portal.MailPasswordChanged); len(told) != 1 || told[0].Alarm == "" {
			t.Errorf("told: %+v", told)
		}
	})
}

// The mailbox alone cannot change the password of somebody with 2FA: the form
// asks for a code or a recovery code, spends it, and leaves 2FA as it is.
func TestResetAsksForTheSecondFactor(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		p, recovery := s.protected(t, "wendy")
		token := s.forget(t, "wendy")
		if link, err := s.Auth.OpenLink(t.Context(), token); err != nil || !link.Ask.Code || !link.Ask.Recovery {
			t.Fatalf("%+v, %v", link, err)
		}
		code := p.Code()
		for name, proof := range map[string]auth.Proof{
			"nothing": {}, "a wrong code": {Code: s.wrong(p)}, "a wrong recovery code": {RecoveryCode: "AAAAA-AAAAA-AAAAA-AAAAA-AAAAA"},
			"the password": {Password: house.Password},
		} {
			refused(t, name, s.reset(t, token, proof), portal.CodeInvalid)
		}
		if !p.Signed() {
			t.Error("a refused reset ended the session")
		}
		if err := s.reset(t, token, auth.Proof{Code: code}); err != nil {
			t.Fatal(err)
		}
		earned, err := s.enterWith(t, "wendy", chosen)
		if err != nil || earned.Half == "" || earned.Session != "" || p.State() != portal.TwoFactorEnabled {
			t.Fatalf("after the reset: %+v, %v, %s", earned, err, p.State())
		}
		_, err = s.Auth.SignInWithCode(t.Context(), house.Origin(), earned.Half, code)
		refused(t, "the code of the reset", err, portal.CodeInvalid)
		if err := s.reset(t, s.forget(t, "wendy"), auth.Proof{RecoveryCode: recovery[0]}); err != nil {
			t.Fatal(err)
		}
		refused(t, "the recovery code again", s.reset(t, s.forget(t, "wendy"), auth.Proof{RecoveryCode: recovery[0]}), portal.CodeInvalid)
		if told := s.LettersOf(t, "wendy", portal.MailRecoveryUsed); len(told) != 1 || told[0].Left != 9 {
			t.Errorf("told of the recovery code: %+v", told)
		}
	})
}

// The form has a budget of its own: it works while a stranger has used up the
// one of the sign-in page (AU-06), allows five wrong codes an hour, and a new
// link brings no new tries.
func TestResetHasItsOwnBudget(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		p, _ := s.protected(t, "wendy")
		for range 2 {
			half := s.half(t, "wendy")
			for range 5 {
				_, err := s.Auth.SignInWithCode(t.Context(), from(1), half, s.wrong(p))
				refused(t, "a stranger's code", err, portal.CodeInvalid)
			}
		}
		_, err := s.Auth.SignInWithCode(t.Context(), from(1), s.half(t, "wendy"), p.Code())
		refused(t, "sign-in after the stranger", err, portal.CodeThrottled)
		token := s.forget(t, "wendy")
		for range 5 {
			refused(t, "wrong code", s.reset(t, token, auth.Proof{Code: s.wrong(p)}), portal.CodeInvalid)
		}
		refused(t, "sixth code", s.reset(t, token, auth.Proof{Code: p.Code()}), portal.CodeThrottled)
		refused(t, "behind a new link", s.reset(t, s.forget(t, "wendy"), auth.Proof{Code: p.Code()}), portal.CodeThrottled)
		s.Clock.Advance(time.Hour)
		if err := s.reset(t, s.forget(t, "wendy"), auth.Proof{Code: p.Code()}); err != nil {
			t.Error(err)
		}
	})
}

// Tries at once are charged before anything is looked at: no more than five are
// evaluated (AU-05).
func TestResetTriesAtOnce(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		p, _ := s.protected(t, "wendy")
		token, wrong := s.forget(t, "wendy"), s.wrong(p)
		var looked, turnedAway atomic.Int64
		house.AtOnce(12, func(int) {
			switch err := s.reset(t, token, auth.Proof{Code: wrong}); portal.ErrorCode(err) {
			case portal.CodeInvalid:
				looked.Add(1)
			case portal.CodeThrottled:
				turnedAway.Add(1)
			default:
				t.Errorf("a wrong code: %v", err)
			}
		})
		if looked.Load() != 5 || turnedAway.Load() != 7 {
			t.Errorf("%d looked at, %d turned away; want 5 and 7", looked.Load(), turnedAway.Load())
		}
	})
}

// A reset takes away what a stranger has brought about: the wait at the sign-in
// page and the demand for a new password.
func TestResetClearsTheWay(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		p := s.person(t, "wendy")
		id := p.Actor().UserID
		s.change(t, func(tx *store.Tx) error { _, err := tx.DemandPassword(t.Context(), id); return err })
		for range 5 {
			_, err := s.enterWith(t, "wendy", "a wrong password")
			refused(t, "wrong", err, portal.CodeInvalid)
		}
		_, err := s.enterWith(t, "wendy", house.Password)
		refused(t, "a try that has to wait", err, portal.CodeThrottled)
		if err := s.reset(t, s.forget(t, "wendy"), auth.Proof{}); err != nil {
			t.Fatal(err)
		}
		earned, err := s.enterWith(t, "wendy", chosen)
		if err != nil {
			t.Fatal(err)
		}
		if actor, err := s.Auth.Authenticate(t.Context(), house.Origin(), earned.Session); err != nil || actor.Owes != portal.OwesNothing {
			t.Errorf("owes %q, %v", actor.Owes, err)
		}
	})
}

// Thirty wrong codes in a day: the mail that demands a new password brings the
// link, which works although the tries of the sign-in page are used up (AU-06).
func TestDemandedPasswordIsSetByItsMail(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		p, _ := s.protected(t, "wendy")
		old := s.forget(t, "wendy")
		s.guessCodes(t, p)
		refused(t, "a link from before", s.reset(t, old, auth.Proof{Code: p.Code()}), portal.CodeNotFound)
		letters := s.LettersOf(t, "wendy", portal.MailResetDemanded)
		if len(letters) != 1 || letters[0].Token == "" || letters[0].Alarm == "" {
			t.Fatalf("letters: %+v", letters)
		}
		err := s.Auth.ResetPassword(t.Context(), house.Origin(), letters[0].Token, house.Password, auth.Proof{Code: p.Code()})
		refused(t, "the password that somebody else may know", err, portal.CodeInvalid)
		mustBeAbout(t, "the same password", err, portal.FieldNewPassword)
		if err := s.reset(t, letters[0].Token, auth.Proof{Code: p.Code()}); err != nil {
			t.Fatal(err)
		}
		s.Clock.Advance(time.Hour)
		if earned, err := s.enterWith(t, "wendy", chosen); err != nil || earned.Half == "" || p.State() != portal.TwoFactorEnabled {
			t.Errorf("%+v, %v, %s", earned, err, p.State())
		}
	})
}

// Where codes are blocked a right one sets no password, a recovery code does.
func TestResetWhileCodesAreBlocked(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		p, recovery := s.protected(t, "wendy")
		if _, err := s.Outside(t).ExecContext(t.Context(), "UPDATE authenticators SET failures = 100"); err != nil {
			t.Fatal(err)
		}
		token := s.forget(t, "wendy")
		if link, err := s.Auth.OpenLink(t.Context(), token); err != nil || link.Ask.Code || !link.Ask.Recovery {
			t.Errorf("the form asks for %+v, %v", link.Ask, err)
		}
		refused(t, "a right code", s.reset(t, token, auth.Proof{Code: p.Code()}), portal.CodeInvalid)
		if err := s.reset(t, token, auth.Proof{RecoveryCode: recovery[0]}); err != nil {
			t.Error(err)
		}
	})
}

// The properties of every mailed link, one by one (LC-10).

func TestLinkIsForOnce(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		s.User(t, s.acme, portal.RoleUser, "wendy")
		token := s.forget(t, "wendy")
		if err := s.reset(t, token, auth.Proof{}); err != nil {
			t.Fatal(err)
		}
		refused(t, "again", s.reset(t, token, auth.Proof{}), portal.CodeNotFound)
		_, err := s.Auth.OpenLink(t.Context(), token)
		refused(t, "opened again", err, portal.CodeNotFound)
	})
}

func TestLinkIsForOnceAtOnce(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		s.User(t, s.acme, portal.RoleUser, "wendy")
		token := s.forget(t, "wendy")
		var done atomic.Int64
		house.AtOnce(5, func(int) { // as many as are looked at
			if err := s.reset(t, token, auth.Proof{}); err == nil {
				done.Add(1)
			} else {
				refused(t, "late", err, portal.CodeNotFound)
			}
		})
		if done.Load() != 1 {
			t.Errorf("worked %d times", done.Load())
		}
	})
}

func TestNewestLinkOnly(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		s.User(t, s.acme, portal.RoleUser, "wendy")
		old := s.forget(t, "wendy")
		newest := s.forget(t, "wendy")
		refused(t, "the older link", s.reset(t, old, auth.Proof{}), portal.CodeNotFound)
		if err := s.reset(t, newest, auth.Proof{}); err != nil {
			t.Error(err)
		}
	})
}

func TestLinkRunsOut(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		s.User(t, s.acme, portal.RoleUser, "wendy")
		token := s.forget(t, "wendy")
		s.Clock.Advance(30*time.Minute - time.Second)
		if _, err := s.Auth.OpenLink(t.Context(), token); err != nil {
			t.Errorf("a second before its end: %v", err)
		}
		s.Clock.Advance(time.Second)
		refused(t, "run out", s.reset(t, token, auth.Proof{}), portal.CodeNotFound)
	})
}

func TestLinkIsKeptAsDigestOnly(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		s.User(t, s.acme, portal.RoleUser, "wendy")
		token := s.forget(t, "wendy")
		rows, err := s.Outside(t).QueryContext(t.Context(), "SELECT digest FROM links UNION ALL SELECT letter FROM mails")
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		n := 0
		for ; rows.Next(); n++ {
			var kept []byte
			if err := rows.Scan(&kept); err != nil {
				t.Fatal(err)
			}
			if bytes.Contains(kept, []byte(token)) {
				t.Error("the token is kept in clear")
			}
		}
		if err := rows.Err(); err != nil || n < 2 || len(token) < 22 {
			t.Errorf("%d rows, token of %d signs, %v", n, len(token), err)
		}
	})
}

// Any security change of the account voids its links (LC-10, SE-06).
func TestSecurityChangeVoidsLinks(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		for name, change := range map[string]func(p *house.Person, id portal.UserID) error{
			"password": func(p *house.Person, _ portal.UserID) error {
				_, err := s.Auth.ChangePassword(t.Context(), p.Actor(), p.Proof(), "another good long password")
				return err
			},
			"enabled": func(p *house.Person, _ portal.UserID) error { p.Enable(); return nil },
			"suspended": func(_ *house.Person, id portal.UserID) error {
				_, err := s.Admin.Suspend(t.Context(), s.acme, id, auth.Proof{})
				return err
			},
			"role": func(p *house.Person, id portal.UserID) error {
				to := admin.Edit{Name: "X", Email: p.Login + "@example.com", Role: string(portal.RoleAdministrator)}
				_, err := s.Admin.EditUser(t.Context(), s.acme, id, to, auth.Proof{})
				return err
			},
			"demanded": func(_ *house.Person, id portal.UserID) error {
				s.change(t, func(tx *store.Tx) error { _, err := tx.DemandPassword(t.Context(), id); return err })
				return nil
			},
			"frozen": func(_ *house.Person, id portal.UserID) error {
				s.change(t, func(tx *store.Tx) error { _, err := tx.Freeze(t.Context(), id); return err })
				return nil
			},
		} {
			p := s.person(t, name)
			token := s.forget(t, name)
			if err := change(p, p.Actor().UserID); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			refused(t, name, s.reset(t, token, auth.Proof{}), portal.CodeNotFound)
		}
	})
}

// A suspended customer's links are dead while it is suspended (SE-06).
func TestSuspendedCustomerVoidsLinks(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		s.User(t, s.acme, portal.RoleUser, "wendy")
		links := map[string]error{}
		reset, invitation := s.forget(t, "wendy"), s.invite(t, "ivy")
		if _, err := s.Outside(t).ExecContext(t.Context(), "UPDATE customers SET suspended_at = 1 WHERE name = 'Acme'"); err != nil {
			t.Fatal(err)
		}
		links["reset"], links["invitation"] = s.reset(t, reset, auth.Proof{}), s.accept(t, invitation)
		for name, err := range links {
			refused(t, name, err, portal.CodeNotFound)
		}
	})
}

// A token of one purpose opens no form of another.
func TestLinkOpensItsOwnFormOnly(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		s.User(t, s.acme, portal.RoleUser, "wendy")
		reset, invitation := s.forget(t, "wendy"), s.invite(t, "ivy")
		first := admin.FirstAdministrator{Customer: "X", Name: "X", LoginID: "x", Email: "x@example.com", Password: chosen}
		refused(t, "a reset link accepts an invitation", s.accept(t, reset), portal.CodeNotFound)
		refused(t, "an invitation resets a password", s.reset(t, invitation, auth.Proof{}), portal.CodeNotFound)
		for _, token := range []string{reset, invitation} {
			refused(t, "set-up by another link", s.Admin.SetUp(t.Context(), house.Origin(), token, first), portal.CodeNotFound)
		}
		if err := s.reset(t, reset, auth.Proof{}); err != nil {
			t.Error(err)
		}
		if err := s.accept(t, invitation); err != nil {
			t.Error(err)
		}
	})
}

// Where the event or the mail cannot be written nothing has happened: the code
// is unspent, the link alive, the password the old one (IN-04, LG-07).
func TestResetIsAllOrNothing(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		p, recovery := s.protected(t, "wendy")
		token := s.forget(t, "wendy")
		for _, table := range []string{"events", "mails", "alarms", "sessions"} {
			s.Without(t, table, func() {
				if err := s.reset(t, token, auth.Proof{RecoveryCode: recovery[0]}); err == nil {
					t.Errorf("reset without %s", table)
				}
			})
			if !p.Signed() {
				t.Errorf("without %s: the session ended", table)
			}
		}
		s.half(t, "wendy")
		if err := s.reset(t, token, auth.Proof{RecoveryCode: recovery[0]}); err != nil {
			t.Error(err)
		}
	})
}
