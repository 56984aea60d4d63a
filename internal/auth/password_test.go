package auth_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"portal"
	"portal/internal/auth"
	"portal/internal/weak"
)

// choose checks a new password as every surface does.
func choose(t *testing.T, s *auth.Service, password string, owner portal.PasswordOwner) error {
	t.Helper()
	_, err := s.HashPassword(t.Context(), portal.FieldNewPassword, password, owner)
	return err
}

// A listed password is refused with the reason and with help, however it is
// stretched to the length; one that merely holds a listed word is taken.
func TestWeakPasswordsAreRefused(t *testing.T) {
	s := onSQLite(t)
	for _, password := range []string{
		"passwordpassword", "PasswordPasswordPass", "password1234567", "Password2026!!!", "P@ssw0rdP@ssw0rd", "!!!2026dragon2026", "drowssapdrowssap",
		"123456789012345", "qwertyuiopasdfgh", "1q2w3e4r5t6y7u8i", "aaaaaaaaaaaaaaa", "iloveyouiloveyou", "sunshine 2026 !", "letmein-letmein-letmein", "abc123abc123abc123",
		"12345678 12345678", "123456789-123456789", "1234567890 1234567890", "121212-121212-121212", "123456-123456-123456", "1234567812345678", "12345678 12345678!!",
		"               ", strings.Repeat("\u200b", 15), strings.Repeat("\u200b\u2060\u200d", 5), "a              ", "ababababababababab", "123 123 123 123 123",
	} {
		err := choose(t, s.Auth, password, portal.PasswordOwner{})
		refused(t, password, err, portal.CodeInvalid)
		mustBeAbout(t, password, err, portal.FieldNewPassword)
		if err != nil && (!strings.Contains(err.Error(), "common and breached") || !strings.Contains(err.Error(), "Choose a few words")) {
			t.Errorf("%q: neither reason nor help in %v", password, err)
		}
	}
	for _, password := range []string{
		"my password is a badger", "dragons eat letmein cake", "vqkzmwtjxhbpdgf", "VQKZMWTJXHBPDGF", "739201846502847", "#%)(!]=}$&*@+_?", "vier kleine dackel",
		"🦆🐸🐌🦀🐙🐳🦉🐝🐞🦋🐢🦎🐍🦖🦕", "日本語でも長い合言葉なら大丈夫です",
	} {
		if err := choose(t, s.Auth, password, portal.PasswordOwner{}); err != nil {
			t.Errorf("%q: %v", password, err)
		}
	}
	for _, password := range []string{"dragon12", "trustno1", "Dragon1!", "qwertyui"} {
		refused(t, password, choose(t, s.Auth, password, portal.PasswordOwner{Protected: true}), portal.CodeInvalid)
	}
}

// The operator's list stands beside the bundled one. Where it cannot be read,
// no password is set at all.
func TestOperatorsListOfWeakPasswords(t *testing.T) {
	s := onSQLite(t)
	path := filepath.Join(t.TempDir(), "weak.txt")
	with := func() *auth.Service {
		return s.Furnished(func(c *auth.Config) { c.Weak = weak.With(path, portal.FoldKey) })
	}
	const password = "Seven Geese On Acme's Roof"
	if err := choose(t, with(), password, portal.PasswordOwner{}); portal.ErrorCode(err) != portal.CodeInternal {
		t.Errorf("without the list that was asked for: %v", err)
	}
	if err := os.WriteFile(path, []byte("seven geese on acme's roof\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	refused(t, "listed by the operator", choose(t, with(), password+"!!", portal.PasswordOwner{}), portal.CodeInvalid)
	if err := choose(t, with(), "eight geese on a roof", portal.PasswordOwner{}); err != nil {
		t.Error(err)
	}
}

// A password that somebody else may know is not taken again, in whichever form
// it is typed (PW-05, PW-09).
func TestSamePasswordInAnotherForm(t *testing.T) {
	s := onSQLite(t)
	p := s.person(t, "wendy")
	const composed, decomposed = "caf\u00e9 at the seaside", "cafe\u0301 at the seaside"
	p.Take(s.Auth.ChangePassword(t.Context(), p.Actor(), password(), composed))
	actor := p.Actor()
	actor.Owes = portal.OwesPassword
	for _, again := range []string{composed, decomposed} {
		_, err := s.Auth.ChangePassword(t.Context(), actor, auth.Proof{Password: composed}, again)
		refused(t, again, err, portal.CodeInvalid)
		mustBeAbout(t, again, err, portal.FieldNewPassword)
	}
}
