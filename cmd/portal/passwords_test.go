package main

import (
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"portal"
	"portal/internal/seal"
	"portal/internal/web"
)

// surface is one of the places where a password is set.
type surface struct {
	name, login string
	set         func(password string) (status int, says string)
}

// field is a surface that is a form with the password in one field.
func field(p *person, name, path string, pairs ...string) surface {
	return surface{name, p.login, func(password string) (int, string) {
		a := p.Submit(path, slices.Concat([]string{pairs[0], password}, pairs[1:])...)
		return a.Status, visible(a.Body)
	}}
}

// everySurface is all of them, each in front of its form.
func everySurface(t *testing.T, s *server) []surface {
	t.Helper()
	gary := s.person("gary")
	gary.Get(s.Link).wantRedirect(t, "/set-up")
	setUp := field(gary, "set-up", "/set-up", "password", "customer", "Northwind", "name", "Gary Wilson", "login_id", "gary", "email", "g.w@example.com")

	s.Run("", "customer", "add", "Acme")
	add := []string{"user", "add", "--customer", "Acme", "--name", "Carl Clay", "--email", "c@example.com"}
	command := surface{"command line", "carl", func(password string) (int, string) {
		_, says, code := s.Try(password+"\n", append(add, "--password-stdin", "carl")...)
		return map[bool]int{true: http.StatusSeeOther, false: http.StatusUnprocessableEntity}[code == 0], says
	}}

	link := regexp.MustCompile(`http://localhost:\d+/link/\S+`).FindString(s.Run("", append(add, "--base-url", s.Base, "ivy")...))
	ivy := s.person("ivy")
	ivy.Get(link).wantRedirect(t, "/invitation")

	chad := s.join("Acme", "user", "chad")
	chad.signIn()

	rose := s.join("Acme", "user", "rose")
	s.Run("", "user", "demand-password", "rose")
	mails := s.mailsTo(t, "rose@example.com")
	rose.Get(mails[len(mails)-1].link(t, "/link/")).wantRedirect(t, "/reset-password")
	return []surface{
		command, field(ivy, "invitation", "/invitation", "new_password"),
		field(chad, "account", "/account/password", "new_password", "current_password", goodPassword),
		field(rose, "reset", "/reset-password", "new_password"), setUp,
	}
}

// One rule on every surface: fourteen characters are refused, and so is a
// common password, and one made of the person's names; the reason is told with
// help; fifteen are accepted and open the account (PW-01, PW-06, PW-07).
func TestPasswordRuleOnEverySurface(t *testing.T) {
	t.Parallel()
	s := install(t).Serve()
	for _, at := range everySurface(t, s) {
		for password, says := range map[string]string{
			"": "Choose a password of at least 15", "14 characters.": "14 of at least 15 characters. Add a word", strings.Repeat("🙂", 14): "14 of at least 15",
			"passwordpassword": "common and breached ones", "Password2026!!!!": "Choose a few words", at.login + at.login + at.login + at.login + "2026!": "names that others know",
		} {
			if status, found := at.set(password); status != http.StatusUnprocessableEntity || !strings.Contains(found, says) {
				t.Errorf("%s, %q: %d\n%s", at.name, password, status, found)
			}
		}
		const fifteen = "15 characters ."
		if status, says := at.set(fifteen); status != http.StatusSeeOther {
			t.Errorf("%s, 15 characters: %d\n%s", at.name, status, says)
		}
		p := s.person(at.login)
		p.password = fifteen
		p.signIn()
	}
}

// Long passwords, spaces at the ends, and signs from everywhere are taken and
// used as they are: whoever differs in one place does not get in, and the two
// ways to compose an accent are one (PW-02, PW-03, PW-04, PW-05).
func TestPasswordsAreTakenWhole(t *testing.T) {
	t.Parallel()
	s := install(t).Serve()
	s.Run("", "customer", "add", "Acme")
	filled := func(n int) string {
		const mixed = "tr0ub4dor & the ' \" <b>\\ ~ ñ 日本 "
		return mixed + strings.Repeat("q9", n)[:n-len([]rune(mixed))]
	}
	for login, password := range map[string]string{
		"64": filled(64), "128": filled(128), "256": filled(256), "emoji": "🦆🐸🐌🦀🐙🐳🦉🐝🐞🦋🐢🦎🐍🦖🦕",
		"spaces": "  three  geese  ", "letters": "vqkzmwtjxhbpdgf", "ascii": ` !"#$%&'()*+,-./:;<=>?@[\]^_` + "`{|}~", "composed": "é è ê ë ñ å ü ö ä",
	} {
		s.Run(password+"\n", "user", "add", "--customer", "Acme", "--name", "N", "--email", "n@example.com", "--password-stdin", login)
		p := s.person(login)
		first, last := string([]rune(password)[1:]), string([]rune(password)[:len([]rune(password))-1])
		for what, wrong := range map[string]string{"first missing": first, "last missing": last, "one more": password + " ", "other case": swapped(password)} {
			if wrong == password {
				continue // nothing in it has a case
			}
			if a := p.Post("/sign-in", "login_id", login, "password", wrong); a.Status != http.StatusUnprocessableEntity {
				t.Errorf("%s, %s: %d", login, what, a.Status)
			}
		}
		p.password = strings.ReplaceAll(strings.ReplaceAll(password, "é", "e\u0301"), "ñ", "n\u0303")
		p.signIn()
	}
	_, says, code := s.Try(strings.Repeat("q9", 128)+"q\n", "user", "add", "--customer", "Acme", "--name", "N", "--email", "n@example.com", "--password-stdin", "overlong")
	if code == 0 || !strings.Contains(says, "at most 256 characters; this one has 257") {
		t.Errorf("257 characters: exit %d, %s", code, says)
	}
}

// swapped turns the case of the last letter that has one.
func swapped(s string) string {
	runes := []rune(s)
	for i := len(runes) - 1; i >= 0; i-- {
		for _, other := range []string{strings.ToUpper(string(runes[i])), strings.ToLower(string(runes[i]))} {
			if other != string(runes[i]) {
				return string(runes[:i]) + other + string(runes[i+1:])
			}
		}
	}
	return s
}

// Passwords are masked, named for password managers, and may be pasted; no page
// and no table has a hint or a security question (PW-10, PW-11).
func TestPasswordFieldsServeManagers(t *testing.T) {
	t.Parallel()
	s := install(t).Serve()
	gary := s.person("gary")
	gary.Get(s.Link)
	pages := gary.Get("/set-up").want(t, 200).Body + gary.Get("/sign-in").want(t, 200).Body
	s.Run("", "customer", "add", "Acme")
	wendy := s.join("Acme", "administrator", "wendy")
	wendy.signIn()
	pages += wendy.Get("/account").want(t, 200).Body + wendy.Get("/account/2fa/delete").Body + wendy.Get("/administration/access/add").want(t, 200).Body
	autocomplete := map[string]string{"current_password": "current-password", "new_password": "new-password"}
	var fields int
	for _, input := range regexp.MustCompile(`<input[^>]*>`).FindAllString(pages, -1) {
		name := regexp.MustCompile(` name="([^"]*)"`).FindStringSubmatch(input)
		if regexp.MustCompile(`(?i)hint|question|answer|onpaste|maxlength|autocomplete="off"[^>]*type="password"`).MatchString(strings.ReplaceAll(input, "-hint\"", "\"")) {
			t.Errorf("%s", input)
		}
		if name == nil || !strings.Contains(name[1], "password") {
			continue
		}
		fields++
		want, ok := autocomplete[name[1]]
		if !ok {
			want = "(current|new)-password"
		}
		if !regexp.MustCompile(` type="password".* autocomplete="` + want + `"`).MatchString(input) {
			t.Errorf("%s", input)
		}
	}
	if fields < 5 {
		t.Errorf("only %d fields for passwords were found", fields)
	}
	script := regexp.MustCompile(`/static/script\.[0-9a-f]+\.js`).FindString(pages)
	if code := wendy.Get(script).want(t, 200).Body; strings.Contains(strings.ToLower(code), "paste") {
		t.Error("the script meddles with pasting")
	}
	if n := number(t, s.beneath(), "SELECT COUNT(*) FROM sqlite_master WHERE sql LIKE '%hint%' OR sql LIKE '%question%' OR sql LIKE '%answer%'"); n != 0 {
		t.Errorf("%d tables or columns for hints or questions", n)
	}
}

// Administrators make no passwords and send none: what a form has too much is
// ignored, an invited person has no password at all until the link is used
// (PW-13, PW-14).
func TestAdministratorsSetNoPasswords(t *testing.T) {
	t.Parallel()
	s := install(t).Serve()
	s.Run("", "customer", "add", "Acme")
	ada, wendy := s.join("Acme", "administrator", "ada"), s.join("Acme", "user", "wendy")
	ada.signIn()
	const theirs = "chosen by somebody else"
	extra := []string{"password", goodPassword, "new_password", theirs, "user_password", theirs, "password_hash", theirs}
	ada.Post("/administration/access/add", append(extra, "login_id", "ivy", "name", "Ivy", "email", "i@example.com", "role", "user")...).want(t, 200)
	path := userLink(t, ada.Get("/administration/access?search=wendy").want(t, 200).Body)
	ada.Post(path, append(extra, "name", "Wendy", "email", "wendy@example.com", "role", "user")...).want(t, 303)
	ada.Post(path+"/demand-password", append(extra, "reason", "typed it into a false page")...).wantRedirect(t, path+"?notice=demanded")
	for _, login := range []string{"ivy", "wendy"} {
		if a := s.person(login).Post("/sign-in", "login_id", login, "password", theirs); a.Status != http.StatusUnprocessableEntity {
			t.Errorf("the administrator's password for %s: %d", login, a.Status)
		}
	}
	if hash := s.hash("ivy"); hash != "" {
		t.Errorf("an invited person has the password %q", hash)
	}
	mails := s.mailsTo(t, "wendy@example.com")
	wendy.Get(mails[len(mails)-1].link(t, "/link/")).wantRedirect(t, "/reset-password")
	wendy.password = "chosen by wendy herself"
	wendy.Submit("/reset-password", "new_password", wendy.password).want(t, 303)
	wendy.signIn()
	wendy.Get("/account").want(t, 200)
}

// hash is the stored hash of somebody's password.
func (s *server) hash(login string) (hash string) {
	s.t.Helper()
	must(s.t, s.beneath().QueryRowContext(s.t.Context(), "SELECT password_hash FROM users WHERE login_id = $1", login).Scan(&hash))
	return hash
}

// Nobody can sign in to a fresh installation: it has no accounts (PW-15).
func TestFreshInstallationHasNoAccounts(t *testing.T) {
	t.Parallel()
	s := install(t).Serve()
	if n := number(t, s.beneath(), "SELECT COUNT(*) FROM users"); n != 0 {
		t.Errorf("%d users", n)
	}
	for _, login := range []string{"admin", "administrator", "root", "operator", "portal", "installation", "user", "test"} {
		for _, password := range []string{"admin", "password", login} {
			if a := s.person(login).Post("/sign-in", "login_id", login, "password", password); a.Status != http.StatusUnprocessableEntity {
				t.Errorf("%s with %s: %d", login, password, a.Status)
			}
		}
	}
}

// A change needs the current password; a wrong one is counted, and too many of
// them have to wait (PW-08).
func TestChangeNeedsTheCurrentPassword(t *testing.T) {
	t.Parallel()
	s := install(t).Serve()
	s.Run("", "customer", "add", "Acme")
	wendy := s.join("Acme", "user", "wendy")
	wendy.signIn()
	change := func(current string) answer {
		return wendy.Post("/account/password", "current_password", current, "new_password", "quite another one")
	}
	change("").want(t, 422)
	for range portal.DefaultLimits().StepUpsPerHour {
		change("not the password").want(t, 422)
	}
	change(goodPassword).want(t, http.StatusTooManyRequests)
	s.Advance(time.Hour + time.Second)
	wendy.signIn()
	change(goodPassword).wantRedirect(t, "/account?notice=password-changed")
}

// What is stored tells algorithm, cost and a salt of its own; a password of
// older, cheaper days is hashed anew when it is next used (PW-12).
func TestStoredHashes(t *testing.T) {
	t.Parallel()
	s := install(t).Serve()
	s.Run("", "customer", "add", "Acme")
	wendy := s.join("Acme", "user", "wendy")
	s.join("Acme", "user", "bob")
	current := regexp.MustCompile(`^\$argon2id\$v=19\$m=19456,t=2,p=1\$([A-Za-z0-9+/]{22})\$[A-Za-z0-9+/]{43}$`)
	one, other := current.FindStringSubmatch(s.hash("wendy")), current.FindStringSubmatch(s.hash("bob"))
	if one == nil || other == nil || one[1] == other[1] {
		t.Fatalf("stored are %q and %q", s.hash("wendy"), s.hash("bob"))
	}
	older := seal.NewHasher(seal.Params{MemoryKiB: 4096, Time: 1, Threads: 1}, 1, 0)
	hash, err := older.Hash(t.Context(), goodPassword)
	must(t, err)
	change(t, s.beneath(), "UPDATE users SET password_hash = $1 WHERE login_id = 'wendy'", hash)
	wendy.signIn()
	if now := s.hash("wendy"); !current.MatchString(now) {
		t.Errorf("after the sign-in %q is stored", now)
	}
	s.person("wendy").signIn()
}

// Where the policy that allowed a short password is gone, whoever still has one
// keeps the second factor; who has lost that by an administrator's help owes a
// new password, and reaches on every route nothing but its page and the way out
// (PW-01).
func TestShortPasswordOpensNothingButItsChange(t *testing.T) {
	t.Parallel()
	town := newTown(t, install(t).Serve())
	s := town.server
	s.Run("", "customer", "policy", "Acme", "--users", "required")
	uli := visitor{person: s.person("uli"), who: "who owes a password", role: portal.RoleUser}
	uli.password = "eight xy"
	s.Run(uli.password+"\n", "user", "add", "--customer", "Acme", "--name", "Uli", "--email", "uli@example.com", "--password-stdin", "uli")
	uli.signIn()
	uli.enable()
	otto := s.person("otto")
	otto.password = "eight yx"
	s.Run(otto.password+"\n", "user", "add", "--customer", "Acme", "--name", "Otto", "--email", "otto@example.com", "--password-stdin", "otto")
	otto.signIn()
	otto.Get("/").wantRedirect(t, "/account")
	s.Run("", "customer", "policy", "Acme", "--users", "off")
	otto.Get("/account").wantRedirect(t, "/account/password") // the running session, too
	for _, path := range []string{"/account/2fa/disable", "/account/2fa/delete"} {
		if a := uli.Post(path, "password", uli.password, "code", uli.code()); a.Status != http.StatusConflict || !strings.Contains(visible(a.Body), "at least 15 characters, then come back") {
			t.Errorf("%s: %d\n%s", path, a.Status, visible(a.Body))
		}
	}
	s.Run("", "user", "delete-2fa", "uli")
	uli.signIn()
	for _, route := range leavingLast(web.Routes()) {
		right, session := route.Level.Right()
		if !session || route.Pattern == "/sign-out" {
			continue
		}
		a := uli.ask(route.Method, town.path(route.Pattern))
		led := a.Status == http.StatusSeeOther && a.Location == "/account/password"
		switch {
		case right == portal.RenewPassword:
			if a.Status != http.StatusOK && a.Status != http.StatusUnprocessableEntity {
				t.Errorf("%s %s: %d", route.Method, route.Pattern, a.Status)
			}
		case uli.may(route.Level) != led:
			t.Errorf("%s %s: %d → %q", route.Method, route.Pattern, a.Status, a.Location)
		}
	}
	uli.Post("/sign-out").want(t, 303)
	uli.signIn()
	pay := func(next string) answer {
		return uli.Post("/account/password", "current_password", "eight xy", "new_password", next)
	}
	if a := pay("eight yx").want(t, 422); !strings.Contains(visible(a.Body), "too short for that") {
		t.Errorf("the page says\n%s", visible(a.Body))
	}
	pay("a longer one for uli").wantRedirect(t, "/?notice=password-changed")
	uli.Get("/account").want(t, 200)
}

// The operator's list is asked by every command that sets a password; where it
// cannot be read, the portal does not start and sets none.
func TestOperatorsListOfWeakPasswords(t *testing.T) {
	t.Parallel()
	in := install(t)
	in.Run("", "customer", "add", "Acme")
	list := in.Data + "/weak.txt"
	add := []string{"--weak-passwords", list, "user", "add", "--customer", "Acme", "--name", "N", "--email", "n@example.com", "--password-stdin", "wendy"}
	for _, args := range [][]string{add, {"--weak-passwords", list, "serve", "--listen", in.listen}} {
		if _, says, code := in.Try("winter is coming soon\n", args...); code != 1 || !strings.Contains(says, list) {
			t.Errorf("%v without the list: exit %d, %s", args, code, says)
		}
	}
	must(t, os.WriteFile(list, []byte("Winter is Coming Soon\n"), 0o600))
	if _, says, code := in.Try("winter is coming soon!\n", add...); code != 1 || !strings.Contains(says, "common and breached") {
		t.Errorf("a listed password: exit %d, %s", code, says)
	}
	in.Run("summer will be gone soon\n", add...)
}
