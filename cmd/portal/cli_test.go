package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The command line works on the data of a running server, through the same use
// cases, and what it does stands in the audit trail.
func TestCommandsWhileServing(t *testing.T) {
	t.Parallel()
	s := install(t).Serve()
	s.Run("", "customer", "add", "Acme")
	ada := s.join("Acme", "administrator", "ada")
	ada.signIn()
	wendy := s.join("Acme", "user", "wendy")
	wendy.signIn()
	wendy.enable()
	wantLine(t, s.Run("", "user", "list", "--customer", "Acme"), `wendy +Name of wendy +User +Active +2FA Enabled`)

	s.Run("", "user", "delete-2fa", "--reason", "lost phone, called back", "wendy")
	wantLine(t, s.Run("", "user", "show", "wendy"), `Two factor +2FA not Enabled`)
	wendy.Get("/account").wantRedirect(t, "/sign-in")
	wendy.secrets = nil
	if to := wendy.enterPassword(); to != "/" {
		t.Fatalf("after the deletion the password leads to %s", to)
	}

	s.Run("", "user", "suspend", "wendy")
	wendy.Get("/account").wantRedirect(t, "/sign-in")
	wendy.Post("/sign-in", "login_id", "wendy", "password", goodPassword).want(t, 422)
	s.Run("", "user", "reactivate", "wendy")
	wendy.signIn()

	audit := visible(ada.Get("/administration/audit?person=wendy").want(t, 200).Body)
	for _, want := range []string{"lost phone, called back", "user suspended", "user reactivated", "2FA enabled"} {
		if !strings.Contains(strings.ToLower(audit), strings.ToLower(want)) {
			t.Errorf("the audit trail does not tell of %q:\n%s", want, audit)
		}
	}
}

func wantLine(t *testing.T, text, pattern string) {
	t.Helper()
	if !regexp.MustCompile(`(?m)^` + pattern).MatchString(text) {
		t.Fatalf("no line %q in\n%s", pattern, text)
	}
}

// A user made on the host without a password gets a one-time link.
func TestLinkFromTheHost(t *testing.T) {
	t.Parallel()
	s := install(t).Serve()
	s.Run("", "customer", "add", "Acme")
	out := s.Run("", "user", "add", "--customer", "Acme", "--role", "administrator", "--name", "Ada", "--email", "a@acme.example",
		"--base-url", s.Base, "ada")
	link := regexp.MustCompile(`http://localhost:\d+/link/\S+`).FindString(out)
	ada := s.person("ada")
	ada.Get(link).wantRedirect(t, "/invitation")
	ada.Get("/invitation").want(t, 200)
	ada.Submit("/invitation", "new_password", "too short").want(t, 422)
	ada.Submit("/invitation", "new_password", goodPassword).want(t, 303)
	ada.signIn()
	s.person("ada").Get(link).want(t, 404)
	s.person("x").Get(s.Link).want(t, 404)
}

// Links that commands print lead to where the portal was served last; where
// nobody knows yet, the operator is told what was assumed.
func TestLinksLeadToThePortal(t *testing.T) {
	t.Parallel()
	in := install(t)
	in.Run("", "customer", "add", "Acme")
	add := []string{"user", "add", "--customer", "Acme", "--name", "Ada", "--email", "a@acme.example"}
	out, said, _ := in.Try("", append(add, "early")...)
	if !strings.Contains(out, usualBase+"/link/") || !strings.Contains(said, "--base-url") {
		t.Errorf("before any start: %q, %q", out, said)
	}
	s := in.Serve()
	wantMode(t, filepath.Join(in.Data, "base-url"), 0o600)
	out, said, _ = in.Try("", append(add, "ada")...)
	if !strings.Contains(out, s.Base+"/link/") || said != "" {
		t.Errorf("beside a portal: %q, %q", out, said)
	}
	if invited := in.Run("", "user", "invite", "ada"); !strings.Contains(invited, s.Base+"/link/") {
		t.Errorf("invited again: %q", invited)
	}
	if mail := in.mailsTo(t, "a@acme.example")[0].Text; !strings.Contains(mail, s.Base+"/") || strings.Contains(mail, usualBase) {
		t.Errorf("the mail says\n%s", mail)
	}
	s.Stop()
	in.Serve("--base-url", "https://portal.example.com").Stop()
	if out := in.Run("", append(add, "bob")...); !strings.Contains(out, "https://portal.example.com/link/") {
		t.Errorf("after a start elsewhere: %q", out)
	}
	if out := in.Run("", append(add, "--base-url", "https://other.example.com", "eve")...); !strings.Contains(out, "https://other.example.com/link/") {
		t.Errorf("with a word: %q", out)
	}
}

// What goes wrong is said on standard error, with what to do, and ends with an
// exit code.
func TestCommandsSayWhatIsWrong(t *testing.T) {
	t.Parallel()
	in := install(t)
	in.Run("", "customer", "add", "Acme")
	user := []string{"user", "add", "--customer", "Acme", "--name", "A", "--email", "a@b.example", "--password-stdin"}
	in.Run(goodPassword, append(user, "ada")...)
	in.Run(goodPassword, "user", "add", "--role", "operator", "--name", "Otto", "--email", "o@b.example", "--password-stdin", "otto")
	for _, c := range []struct {
		name, input string
		args        []string
		says        string
		code        int
	}{
		{"unknown command", "", []string{"frobnicate"}, "unexpected argument", 2},
		{"no such customer", goodPassword, []string{"user", "add", "--customer", "Nix", "--name", "A", "--email", "a@b.example", "--password-stdin", "x"}, "There is no customer", 1},
		{"customer twice", "", []string{"customer", "add", "ACME"}, "already", 1},
		{"login ID twice", goodPassword, append(user, "ADA"), "taken", 1},
		{"short password", "short", append(user, "bob"), "at least 15", 1},
		{"password with a tab", "one good\tlong password", append(user, "bob"), "control characters", 1},
		{"name without a letter", goodPassword, []string{"user", "add", "--customer", "Acme", "--name", "\u200b", "--email", "a@b.example", "--password-stdin", "bob"}, "character", 1},
		{"login ID with an invisible sign", goodPassword, append(user, "ad\u034fa"), "letters, digits", 1},
		{"no such user", "", []string{"user", "show", "nobody"}, "There is no user", 1},
		{"nothing to delete", "", []string{"user", "delete-2fa", "ada"}, "no 2FA setup", 1},
		{"the last operator", "", []string{"user", "suspend", "otto"}, "last active operator", 1},
		{"beyond loopback", "", []string{"serve", "--listen", "0.0.0.0:0"}, "--base-url", 1},
		{"base URL without https", "", []string{"serve", "--listen", "127.0.0.1:0", "--base-url", "http://portal.example.com"}, "https://", 1},
		{"unknown database", "", []string{"--database", "mysql://x", "customer", "list"}, "not known", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, errors, code := in.Try(c.input, c.args...)
			if code != c.code || !strings.Contains(errors, c.says) {
				t.Errorf("exit %d, %q; want exit %d and %q", code, errors, c.code, c.says)
			}
		})
	}
}

// Flags of every command may stand anywhere; the first command makes the folder.
func TestFlagsInAnyPosition(t *testing.T) {
	t.Parallel()
	in := install(t)
	folder := filepath.Join(t.TempDir(), "elsewhere")
	in.Run("", "customer", "add", "--data", folder, "Acme")
	in.Run("", "--data", folder, "customer", "add", "Beta")
	wantLine(t, in.Run("", "customer", "list", "--data="+folder), "Beta")
	wantMode(t, folder, 0o700)
	for _, name := range []string{"portal.db", "keyring.json"} {
		wantMode(t, filepath.Join(folder, name), 0o600)
	}
}

func wantMode(t *testing.T, path string, mode os.FileMode) {
	t.Helper()
	info, err := os.Stat(path)
	must(t, err)
	if info.Mode().Perm() != mode {
		t.Errorf("%s has mode %o, want %o", path, info.Mode().Perm(), mode)
	}
}

// Without the right key ring the portal does not start, says what to do, and
// leaves everything as it is; with it back, everything works again.
func TestMissingOrWrongKeyRing(t *testing.T) {
	t.Parallel()
	in := install(t)
	in.Run("", "customer", "add", "Acme")
	ring := filepath.Join(in.Data, "keyring.json")
	right, err := os.ReadFile(ring)
	must(t, err)
	other := install(t)
	other.Run("", "customer", "add", "Acme")
	foreign, err := os.ReadFile(filepath.Join(other.Data, "keyring.json"))
	must(t, err)

	refused := func(name string, damage func(), says string) {
		damage()
		_, errors, code := in.Try("", "serve", "--listen", "127.0.0.1:0")
		if code != 1 || !strings.Contains(errors, says) {
			t.Errorf("%s: exit %d, %q", name, code, errors)
		}
	}
	refused("missing", func() { must(t, os.Remove(ring)) }, "No new key was made")
	if _, err := os.Stat(ring); !os.IsNotExist(err) {
		t.Error("a new key ring was made over existing data")
	}
	refused("foreign", func() { must(t, os.WriteFile(ring, foreign, 0o600)) }, "not the key ring")
	refused("damaged", func() { must(t, os.WriteFile(ring, right[:len(right)/2], 0o600)) }, "key ring")
	refused("readable by others", func() {
		must(t, os.WriteFile(ring, right, 0o600))
		must(t, os.Chmod(ring, 0o644))
	}, "chmod 600")
	must(t, os.Chmod(ring, 0o600))
	in.Run("", "customer", "add", "Beta")
}
