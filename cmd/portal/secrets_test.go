package main

import (
	"encoding/base32"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// After a full run at debug level no password, key, code, recovery code or
// token stands in the log, in a URL, in a mail or in clear in the data folder.
// The set-up link is the one secret that is printed, and it is spent by then; a
// mail holds the tokens of its own links.
func TestNoSecretIsLeft(t *testing.T) {
	t.Parallel()
	s := install(t).Serve()
	life := &life{t: t, server: s, person: s.setUpByLink()}
	life.live()
	s.Stop()
	for _, secret := range life.secrets() {
		if found := secret.in(s.Log()); found {
			t.Errorf("the log holds the %s", secret.what)
		}
		for _, link := range life.urls {
			if secret.in(link) {
				t.Errorf("a URL holds the %s: %s", secret.what, link)
			}
		}
		for _, mail := range life.mails {
			if secret.what != linkToken && secret.in(mail.Text) {
				t.Errorf("the mail %q holds the %s", mail.Subject, secret.what)
			}
		}
		for name, content := range files(t, s.Data) {
			if secret.in(content) {
				t.Errorf("%s holds the %s in clear", name, secret.what)
			}
		}
	}
}

// secret is something that must not be left anywhere.
type secret struct{ what, text string }

// in finds the secret as a word of its own: six digits may well be part of a
// longer number.
func (s secret) in(text string) bool {
	if len(s.text) > 6 {
		return strings.Contains(text, s.text)
	}
	return regexp.MustCompile(`(^|[^0-9A-Za-z.])` + regexp.QuoteMeta(s.text) + `([^0-9A-Za-z]|$)`).MatchString(text)
}

// life is one person's whole time with the portal, and every secret of it.
type life struct {
	*person
	t      *testing.T
	server *server
	codes  []string
	rescue []string
	tokens map[string]bool
	links  []string
	mails  []letter
	urls   []string
}

// linkToken is what stands in links.
const linkToken = "token of a link"

// setUpByLink makes the first administrator through the printed link.
func (s *server) setUpByLink() *person {
	s.t.Helper()
	p := s.person("gary")
	p.Get(s.Link).wantRedirect(s.t, "/set-up")
	p.Submit("/set-up", "customer", "Acme", "name", "Gary", "login_id", "gary", "email", "gary@acme.example",
		"password", goodPassword).want(s.t, 303)
	return p
}

func (l *life) live() {
	l.signIn()
	l.note(l.Get("/"))
	l.rescue = l.enable()
	l.note(l.Get("/account"))
	l.post("/account/2fa/confirm", "code", "123456")
	l.post("/account/recovery-codes", "password", l.password, "recovery_code", l.rescue[0])
	l.post("/account/2fa/disable", "password", l.password, "code", l.nextCode())
	l.post("/account/2fa/enable", "password", l.password, "code", l.nextCode())
	l.post("/administration/access/add", "login_id", "wendy", "name", "Wendy", "email", "w@acme.example", "role", "user",
		"password", l.password, "code", l.nextCode())
	l.post("/account/password", "current_password", l.password, "new_password", goodPassword+" again", "code", l.nextCode())
	l.password = goodPassword + " again"
	l.post("/sign-out")
	l.post("/sign-in", "login_id", "gary", "password", "a wrong password of mine")
	l.post("/sign-in", "login_id", l.password, "password", "in the wrong field")
	l.post("/sign-in", "login_id", "gary", "password", l.password)
	l.post("/sign-in/code", "code", l.nextCode())
	l.note(l.Get("/account"))
	l.alarm()
	l.mails = l.server.mails(l.t)
	for _, mail := range l.mails {
		l.noteLinks(mail.Text)
	}
}

// noteLinks keeps the tokens of links.
func (l *life) noteLinks(text string) {
	for _, found := range regexp.MustCompile(`/(?:link|alarm)/([A-Za-z0-9_-]{43})`).FindAllStringSubmatch(text, -1) {
		l.links = append(l.links, found[1])
	}
}

// alarm ends the life with "this was not me", and a way back from it.
func (l *life) alarm() {
	l.t.Helper()
	mails := l.server.mailsTo(l.t, "gary@acme.example")
	link := mails[len(mails)-1].link(l.t, "/alarm/")
	l.note(l.Get(link))
	l.note(l.Get("/alarm"))
	l.note(l.Submit("/alarm"))
	l.post("/sign-in", "login_id", "gary", "password", l.password)
	l.note(l.Get("/sign-in/recovery-code"))
}

func (l *life) nextCode() string {
	code := l.code()
	l.codes = append(l.codes, code)
	return code
}

func (l *life) post(path string, pairs ...string) {
	l.t.Helper()
	l.note(l.Post(path, pairs...))
}

// note keeps what an answer brought: cookies, links, URLs.
func (l *life) note(a answer) {
	l.t.Helper()
	if a.Status >= 500 {
		l.t.Fatalf("status %d\n%s", a.Status, a.Body)
	}
	base, err := url.Parse(l.base)
	must(l.t, err)
	if l.tokens == nil {
		l.tokens = map[string]bool{}
	}
	for _, cookie := range l.http.Jar.Cookies(base) {
		l.tokens[cookie.Value] = true
	}
	l.urls = append(l.urls, a.Location)
	for _, found := range regexp.MustCompile(`(?:href|action|src)="([^"]*)"`).FindAllStringSubmatch(a.Body, -1) {
		l.urls = append(l.urls, found[1])
	}
	l.noteLinks(a.Body)
}

func (l *life) secrets() []secret {
	all := []secret{{"password", goodPassword}, {"mistyped password", "a wrong password of mine"}, {"password in the wrong field", l.password}}
	for _, key := range l.person.secrets {
		raw, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(key)
		must(l.t, err)
		all = append(all, secret{"key for typing", key}, secret{"authenticator's secret", string(raw)})
	}
	for _, code := range l.codes {
		all = append(all, secret{"code", code})
	}
	for _, code := range l.rescue {
		all = append(all, secret{"recovery code", code}, secret{"recovery code without dashes", strings.ReplaceAll(code, "-", "")})
	}
	for token := range l.tokens {
		if !slices.Contains(l.links, token) && !strings.HasSuffix(l.server.Link, token) { // a link that was followed goes on as a cookie
			all = append(all, secret{"token of a cookie", token})
		}
	}
	for _, link := range l.links {
		all = append(all, secret{linkToken, link})
	}
	if len(l.codes) < 4 || len(l.rescue) != 10 || len(l.tokens) < 4 || len(l.links) < 6 || len(l.mails) < 6 {
		l.t.Fatalf("the life was too short: %d codes, %d recovery codes, %d tokens, %d links, %d mails", len(l.codes), len(l.rescue), len(l.tokens), len(l.links), len(l.mails))
	}
	return all
}

// files reads the whole data folder; only the key ring is a secret itself.
func files(t *testing.T, folder string) map[string]string {
	t.Helper()
	found := map[string]string{}
	entries, err := os.ReadDir(folder)
	must(t, err)
	for _, entry := range entries {
		content, err := os.ReadFile(filepath.Join(folder, entry.Name()))
		must(t, err)
		found[entry.Name()] = string(content)
	}
	if len(found) < 2 {
		t.Fatalf("the data folder holds only %d files", len(found))
	}
	return found
}
