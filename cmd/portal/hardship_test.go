package main

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
)

// A Submit that arrives twice leaves the person signed in, and the second
// answer says how things stand.
func TestSubmitTwice(t *testing.T) {
	t.Parallel()
	s := install(t).Serve()
	s.Run("", "customer", "add", "Acme")
	wendy := s.join("Acme", "user", "wendy")
	wendy.signIn()
	wendy.Post("/account/2fa/start").wantRedirect(t, "/account")
	wendy.scan(wendy.Get("/account").Body)
	before, code := wendy.cookies(), wendy.code()
	wendy.Post("/account/2fa/confirm", "code", code).want(t, 200)

	r := wendy.request(http.MethodPost, "/account/2fa/confirm", nil)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	late := newClient(t, s.Base)
	for _, cookie := range before {
		r.AddCookie(cookie)
	}
	if answer := late.do(r); len(answer.Header.Values("Set-Cookie")) > 0 {
		t.Fatalf("the late answer changes cookies: %v", answer.Header.Values("Set-Cookie"))
	}
	again := wendy.Post("/account/2fa/confirm", "code", code).want(t, http.StatusConflict)
	if !regexp.MustCompile(`is enabled.+recovery codes`).MatchString(visible(again.Body)) {
		t.Errorf("the reloaded answer misleads:\n%s", visible(again.Body))
	}
}

// Who ran out of tries has a way back: an administrator's deletion of the 2FA
// setup, a reactivation, or the host.
func TestRescueForgetsWrongTries(t *testing.T) {
	t.Parallel()
	s := install(t).Serve()
	s.Run("", "customer", "add", "Acme")
	wendy := s.join("Acme", "user", "wendy")
	wendy.signIn()
	wendy.enable()
	for range 2 {
		half := s.person("wendy")
		half.enterPassword()
		for range 5 {
			half.Post("/sign-in/code", "code", "000000").want(t, 422)
		}
	}
	half := s.person("wendy")
	half.enterPassword()
	half.Post("/sign-in/code", "code", wendy.code()).want(t, http.StatusTooManyRequests)

	s.Run("", "user", "delete-2fa", "wendy")
	fresh := s.person("wendy")
	fresh.signIn()
	fresh.enable()
	again := s.person("wendy")
	again.secrets = fresh.secrets
	again.signIn()
}

// A stranger who guesses makes the owner wait, for an hour at most; the host
// lifts it at once.
func TestUnlock(t *testing.T) {
	t.Parallel()
	s := install(t).Serve()
	s.Run("", "customer", "add", "Acme")
	wendy := s.join("Acme", "user", "wendy")
	wendy.guess(5)
	wendy.Post("/sign-in", "login_id", "WENDY", "password", goodPassword).want(t, http.StatusTooManyRequests)
	s.Run("", "user", "unlock", "wendy")
	wendy.signIn()

	wendy.guess(5)
	s.Advance(25 * time.Hour) // a quiet day begins anew
	wendy.guess(4)
	wendy.signIn()
}

// guess enters a wrong password so many times.
func (p *person) guess(times int) {
	p.t.Helper()
	for range times {
		p.Post("/sign-in", "login_id", p.login, "password", "a wrong guess").want(p.t, http.StatusUnprocessableEntity)
	}
}

// Signing in again in the same browser ends the session before.
func TestSignInAgainEndsTheOldSession(t *testing.T) {
	t.Parallel()
	s := install(t).Serve()
	s.Run("", "customer", "add", "Acme")
	wendy := s.join("Acme", "user", "wendy")
	wendy.signIn()
	old := wendy.cookie(sessionCookie)
	wendy.signIn()
	wendy.Get("/account").want(t, 200)
	thief := newClient(t, s.Base)
	thief.useSession(old)
	thief.Get("/account").wantRedirect(t, "/sign-in")
}

// An edit form that was overtaken by another change overwrites nothing.
func TestStaleEditForm(t *testing.T) {
	t.Parallel()
	town := newTown(t, install(t).Serve())
	path := "/administration/access/" + town.target
	version := regexp.MustCompile(`name="version" value="(\d+)"`).FindStringSubmatch(town.admin.Get(path).Body)[1]
	edit := func(role, version string) answer {
		return town.admin.Post(path, "name", "Tess", "email", "t@acme.example", "role", role, "version", version, "password", goodPassword)
	}
	edit("administrator", version).want(t, http.StatusSeeOther)
	edit("user", version).want(t, http.StatusConflict)
	wantLine(t, town.server.Run("", "user", "show", "tess"), `Role +Administrator`)
}

// The form for users edits an administrator too, but for the own address.
func TestOwnAddressHasItsOwnPage(t *testing.T) {
	t.Parallel()
	s := install(t).Serve()
	s.Run("", "customer", "add", "Acme")
	ada := s.join("Acme", "administrator", "ada")
	ada.signIn()
	path := userLink(t, ada.Get("/administration/access?search=ada").want(t, 200).Body)
	page := ada.Get(path).want(t, 200).Body
	if strings.Contains(page, `id="email"`) || !strings.Contains(page, `href="/account#addresses"`) {
		t.Errorf("the page is\n%s", page)
	}
	sent := regexp.MustCompile(`name="email" value="(.*?)"`).FindStringSubmatch(page)[1]
	ada.Post(path, "name", "Ada", "email", sent, "role", "administrator", "password", goodPassword).wantRedirect(t, path+"?notice=saved")
	page = visible(ada.Post(path, "name", "Ada", "email", "evil@example.org", "role", "administrator").want(t, http.StatusConflict).Body)
	if !strings.Contains(page, "Your own e-mail address is changed on your Account page") {
		t.Errorf("the page says\n%s", page)
	}
	wantLine(t, s.Run("", "user", "show", "ada"), `E-mail +ada@example.com`)
}

// A second click on Add user, whose answer is the one that a browser shows, leads
// to the person and to a new link; what is not the same form finds a taken name.
func TestAddUserTwice(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *server) {
		s.Run("", "customer", "add", "Acme")
		ada, bea := s.join("Acme", "administrator", "ada"), s.join("Acme", "administrator", "bea")
		ada.signIn()
		bea.signIn()
		add := func(by *person, name, email, role string) answer {
			return by.Post("/administration/access/add", "login_id", "ivy", "name", name, "email", email, "role", role)
		}
		for _, by := range []*person{ada, bea} { // the password is proven, and not asked for again
			by.Post("/administration/access/add", "login_id", "guest.of."+by.login, "name", "Guest", "email", "guest@example.com", "role", "user", "password", goodPassword).want(t, 200)
		}
		answers := make([]answer, 2)
		together(2, func(i int) { answers[i] = add(ada, "Ivy", "ivy@example.com", "user") })
		if answers[0].Status != 200 {
			answers[0], answers[1] = answers[1], answers[0]
		}
		ivy := userLink(t, ada.Get("/administration/access?search=ivy").want(t, 200).Body)
		answers[0].want(t, 200)
		answers[1].wantRedirect(t, ivy+"?notice=just-added")
		page := ada.Get(answers[1].Location).want(t, 200).Body
		if !strings.Contains(visible(page), "You have just added this person") || !strings.Contains(page, `action="`+ivy+`/invite"`) {
			t.Errorf("the page says\n%s", visible(page))
		}
		s.mailAbout("ivy@example.com", "Your account", 1)
		for name, a := range map[string]answer{
			"another administrator": add(bea, "Ivy", "ivy@example.com", "user"),
			"another name":          add(ada, "Iva", "ivy@example.com", "user"),
			"another address":       add(ada, "Ivy", "iva@example.com", "user"),
			"another role":          add(ada, "Ivy", "ivy@example.com", "administrator"),
		} {
			if a.Status != 422 || !strings.Contains(a.Body, "This login ID is taken") {
				t.Errorf("%s: %d\n%s", name, a.Status, visible(a.Body))
			}
		}
		s.Advance(time.Minute)
		add(ada, "Ivy", "ivy@example.com", "user").want(t, 422)
		if n := len(s.mailsTo(t, "ivy@example.com")); n != 1 {
			t.Errorf("%d mails went to the person", n)
		}
	})
}

// An invitation that ran out is renewed on the host.
func TestInviteAgainOnTheHost(t *testing.T) {
	t.Parallel()
	s := install(t).Serve()
	s.Run("", "customer", "add", "Acme")
	link := func(args ...string) string {
		return regexp.MustCompile(`http://localhost:\d+/link/\S+`).FindString(s.Run("", args...))
	}
	old := link("user", "add", "--customer", "Acme", "--role", "administrator", "--name", "Ada", "--email", "a@acme.example", "--base-url", s.Base, "ada")
	s.Advance(73 * time.Hour)
	ada := s.person("ada")
	ada.Get(old).want(t, 404)
	ada.Get(link("user", "invite", "--base-url", s.Base, "ada")).wantRedirect(t, "/invitation")
	ada.Submit("/invitation", "new_password", goodPassword).want(t, 303)
	ada.signIn()
}
