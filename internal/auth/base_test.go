package auth_test

import (
	"errors"
	"testing"

	"portal"
	"portal/internal/admin"
	"portal/internal/auth"
	"portal/internal/otp"
	"portal/internal/testkit/house"
)

// scene is a house with one customer that people work for.
type scene struct {
	*house.House
	acme portal.Actor
}

// onEach runs a test in a scene of its own on every database.
func onEach(t *testing.T, test func(*testing.T, scene)) {
	t.Helper()
	house.OnEach(t, func(t *testing.T, h *house.House) { test(t, scene{h, h.Customer(t, "Acme")}) })
}

// onSQLite runs a test whose subject no database can change.
func onSQLite(t *testing.T) scene {
	t.Helper()
	h := house.New(t, "")
	return scene{h, h.Customer(t, "Acme")}
}

// person is a new user, signed in by password.
func (s scene) person(t *testing.T, login string) *house.Person {
	t.Helper()
	s.User(t, s.acme, portal.RoleUser, login)
	return s.Person(t, login)
}

// protected is a new user with 2FA enabled.
func (s scene) protected(t *testing.T, login string) (p *house.Person, recovery []string) {
	t.Helper()
	p = s.person(t, login)
	return p, p.Enable()
}

// half takes the first step of signing in.
func (s scene) half(t *testing.T, login string) string {
	t.Helper()
	earned, err := s.Auth.SignIn(t.Context(), house.Origin(), login, house.Password)
	if err != nil || earned.Half == "" || earned.Session != "" {
		t.Fatalf("first step of %s: %+v, %v; want a half session", login, earned, err)
	}
	return earned.Half
}

// wrong is a code that the phone never shows around now.
func (s scene) wrong(p *house.Person) string {
	now := otp.Step(s.Clock.Now())
	for _, code := range []string{"000000", "111111", "222222", "333333"} {
		if _, verdict := otp.Match(p.Key, code, now, 0); verdict == otp.Wrong {
			return code
		}
	}
	panic("four codes in a window of three")
}

// codeAt is what the phone shows some steps from now.
func (s scene) codeAt(p *house.Person, offset int64) string {
	return otp.Code(p.Key, otp.Step(s.Clock.Now())+offset)
}

// refused holds that an error has a code.
func refused(t *testing.T, what string, err error, code portal.Code) {
	t.Helper()
	if got := portal.ErrorCode(err); err == nil || got != code {
		t.Errorf("%s: %v, want %s", what, err, code)
	}
}

// status is the state of a person's 2FA as the Account page has it.
func (s scene) status(t *testing.T, p *house.Person) portal.TwoFactorStatus {
	t.Helper()
	account, err := s.Auth.Account(t.Context(), p.Actor())
	if err != nil {
		t.Fatal(err)
	}
	return account.TwoFactor
}

// lastEvent is the newest event by or on the person.
func (s scene) lastEvent(t *testing.T, p *house.Person) portal.Event {
	t.Helper()
	account, err := s.Auth.Account(t.Context(), p.Actor())
	if err != nil || len(account.Activity) == 0 {
		t.Fatal(err)
	}
	return account.Activity[0]
}

// password is the proof of somebody without a second factor.
func password() auth.Proof { return auth.Proof{Password: house.Password} }

// newUser is what is filled in for a new user.
func newUser(login string) admin.NewUser {
	return admin.NewUser{LoginID: login, Name: "Name of " + login, Email: login + "@example.com", Role: string(portal.RoleUser)}
}

// mustBeAbout holds that an error belongs to a field.
func mustBeAbout(t *testing.T, what string, err error, f portal.Field) {
	t.Helper()
	var e *portal.Error
	if !errors.As(err, &e) || e.Field != f {
		t.Errorf("%s: %v is not about %s", what, err, f)
	}
}
