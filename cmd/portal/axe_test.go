package main

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"portal/internal/testkit/browser"
)

// axe-core finds nothing on any page, light and dark, at a desk and on a
// phone; nothing foreign is loaded, and the console stays silent.
func TestEveryPageIsAccessible(t *testing.T) {
	t.Parallel()
	b := browser.Start(t)
	for name, view := range map[string]browser.View{
		"light": {Width: 1280, Height: 900}, "dark": {Width: 1280, Height: 900, Dark: true},
		"tablet": {Width: 768, Height: 1024},
		"phone":  {Width: 360, Height: 740}, "dark phone": {Width: 360, Height: 740, Dark: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			newGallery(t, install(t).Serve()).visit(t, b.Page(t, view))
		})
	}
}

// The same for the pages that only the first minutes show: set-up, a one-time
// link, the page behind it, and a link that is dead.
func TestFirstPagesAreAccessible(t *testing.T) {
	t.Parallel()
	s := install(t).Serve()
	g := &gallery{server: s}
	b := browser.Start(t)
	views := []browser.View{{Width: 1280, Height: 900}, {Width: 360, Height: 740, Dark: true}}
	for _, view := range views {
		p := b.Page(t, view)
		p.Open(s.Link)
		g.check(t, p)
		p.Press("Create administrator")
		g.check(t, p)
	}
	s.setUpByLink()
	for i, view := range views {
		p := b.Page(t, view)
		p.Open(s.Link)
		g.check(t, p)
		p.Open(s.Base + "/sign-in")
		signIn(p, "gary", goodPassword)
		link := g.invite(t, p, fmt.Sprintf("guest.%d", i))
		p.Open(link)
		g.check(t, p)
		p.Press("Set password")
		g.check(t, p)
	}
	for _, view := range views {
		g.checkAlarm(t, b.Page(t, view))
		g.checkOwing(t, b.Page(t, view))
		g.checkLinks(t, b.Page(t, view))
	}
}

// checkOwing looks at what somebody sees who has to set 2FA up before anything
// else, and at the days left before.
func (g *gallery) checkOwing(t *testing.T, p *browser.Page) {
	t.Helper()
	g.owing++
	customer, login := fmt.Sprintf("Strict %d", g.owing), fmt.Sprintf("owing.%d", g.owing)
	g.server.Run("", "customer", "add", customer, "--require-2fa", "everybody", "--from", g.server.Now().AddDate(0, 0, 5).Format("2006-01-02"))
	g.server.join(customer, "user", login)
	p.Open(g.server.Base + "/sign-in")
	signIn(p, login, goodPassword)
	g.check(t, p)
	g.server.Run("", "customer", "policy", customer, "--users", "required")
	p.Open(g.server.Base + "/")
	g.check(t, p)
	p.Region("Two Factor Authentication").Switch("Two Factor Authentication").Press()
	g.check(t, p)
}

// checkLinks looks at the pages of a forgotten password and of a new address,
// as a user with 2FA.
func (g *gallery) checkLinks(t *testing.T, p *browser.Page) {
	t.Helper()
	login := fmt.Sprintf("forgetful.%d", g.pictures)
	who := g.server.join("Acme", "user", login)
	who.signIn()
	who.enable()
	p.Open(g.server.Base + "/forgot-password")
	g.check(t, p)
	p.Fill("Login ID", login)
	p.Press("Make a link")
	g.check(t, p)
	p.Open(g.server.Base + g.server.mailAbout(login+"@example.com", "Set a new password", 1).link(t, "/link/"))
	g.check(t, p)
	p.Press("Set password")
	g.check(t, p)
	p.Open(g.server.Base + "/reset-password?recovery=1")
	g.check(t, p)
	for _, path := range []string{"/account/email", "/account/second-email"} {
		who.Post(path, "email", "new@example.org", "password", goodPassword, "code", who.code()).want(t, 303)
	}
	p.Open(g.server.Base + g.server.mailAbout("new@example.org", "Confirm this e-mail address", 1+g.confirmed).link(t, "/link/"))
	g.check(t, p)
	p.Press("Confirm")
	g.check(t, p)
	g.confirmed += 2
}

// checkAlarm looks at the pages of "this was not me", as a user who is new.
func (g *gallery) checkAlarm(t *testing.T, p *browser.Page) {
	t.Helper()
	login := fmt.Sprintf("frozen.%d", g.pictures)
	who := g.server.join("Acme", "user", login)
	who.signIn()
	who.enable()
	mails := g.server.mailsTo(t, login+"@example.com")
	link := g.server.Base + mails[len(mails)-1].link(t, "/alarm/")
	p.Open(link)
	g.check(t, p)
	p.Press("Freeze the account")
	g.check(t, p)
	p.Open(g.server.Base + "/alarm/none")
	g.check(t, p)
	p.Open(g.server.Base + "/sign-in")
	signIn(p, login, goodPassword)
	g.check(t, p)
}

// invite adds a user and returns the link that the page shows.
func (g *gallery) invite(t *testing.T, p *browser.Page, login string) string {
	t.Helper()
	p.Open(g.server.Base + "/administration/access/add")
	p.Fill("Login ID", login)
	p.Fill("Name", "Guest")
	p.Fill("E-mail", "guest@acme.example")
	p.Fill("Password", goodPassword)
	p.Press("Add user")
	g.check(t, p)
	return p.Field("Invitation link").Value()
}

// gallery is a portal with something to see on every page.
type gallery struct {
	server    *server
	target    string
	pictures  int
	confirmed int // mails that confirm an address
	owing     int
}

func newGallery(t *testing.T, s *server) *gallery {
	t.Helper()
	s.Run("", "customer", "add", "Acme")
	ada := s.join("Acme", "administrator", "ada")
	ada.signIn()
	tess := s.join("Acme", "user", longLogin)
	tess.signIn()
	tess.enable()
	target := userLink(t, ada.Get("/administration/access?search="+longLogin).want(t, 200).Body)
	reason := "https://help.northwind-telecom.example/" + strings.Repeat("ticket", 20)
	ada.Post(target+"/delete-2fa", "reason", reason, "password", goodPassword).wantRedirect(t, "/administration/access?notice=setup-deleted")
	tess.signIn()
	tess.enable()
	return &gallery{server: s, target: target}
}

// longLogin is as long as login IDs are, and has no place to break it; the name
// has it too.
const longLogin = "maximiliana.konstantinopolitanskaya_of_northwind-telecom.example"

// visit walks through the pages as a new administrator.
func (g *gallery) visit(t *testing.T, p *browser.Page) {
	login := "visitor." + strings.ToLower(strings.NewReplacer("/", ".", " ", ".").Replace(t.Name()[strings.LastIndex(t.Name(), "/")+1:]))
	who := g.server.join("Acme", "administrator", login)
	look := func(page string) {
		t.Helper()
		p.Open(g.server.Base + page)
		g.check(t, p)
	}
	look("/sign-in")
	signIn(p, login, "wrong")
	g.check(t, p)
	signIn(p, login, goodPassword)
	wantAccountBesideLogo(t, p)
	for _, page := range []string{
		"/", "/account", "/no-such-page", "/administration/access", "/administration/access?search=nobody-like-this",
		"/administration/access/add", g.target, g.target + "/delete-2fa", g.target + "/suspend", g.target + "/end-sessions",
		"/administration/audit", "/administration/audit?person=nobody", "/account/sessions/end-others", "/account/email", "/account/second-email",
		"/administration/policy", "/administration/policy/set?user_policy=x", "/administration/policy/set?user_policy=off&administrator_policy=off",
	} {
		look(page)
	}
	g.checkTwoFactor(t, p, who, look)
	if foreign := foreignTo(g.server.Base, p.Requests()); len(foreign) > 0 {
		t.Errorf("foreign requests: %v", foreign)
	}
	if said := p.Console(); len(said) > 0 {
		t.Errorf("the console says: %v", said)
	}
	if kept := p.Storage(); kept != (browser.Storage{}) {
		t.Errorf("the browser's storage holds something: %+v", kept)
	}
}

// checkTwoFactor looks at the pages that 2FA brings.
func (g *gallery) checkTwoFactor(t *testing.T, p *browser.Page, who *person, look func(string)) {
	t.Helper()
	p.Open(g.server.Base + "/account")
	p.Region("Two Factor Authentication").Switch("Two Factor Authentication").Press()
	g.check(t, p)
	who.scan(p.HTML())
	p.Fill("Enter the code here", who.code())
	p.Press("Submit")
	g.check(t, p)
	if code := p.Box(".codes li:last-child"); code.Dy() > 40 {
		t.Errorf("a recovery code takes %d pixels of height: more than a line", code.Dy())
	}
	for _, page := range []string{
		"/account", "/account/2fa/disable", "/account/2fa/disable?recovery=1", "/account/2fa/delete", "/account/2fa/replace",
		"/account/recovery-codes", "/administration/access/add",
	} {
		look(page)
	}
	p.Press("Name of " + who.login)
	g.check(t, p)
	p.Press("Sign out")
	signIn(p, who.login, goodPassword)
	g.check(t, p)
	look("/sign-in/recovery-code")
	look("/sign-in/lost-phone")
	p.Press("Ask them for help")
	g.check(t, p)
}

// check asks axe and for the width, and hangs a picture up where PORTAL_TEST_SHOTS names a folder.
func (g *gallery) check(t *testing.T, p *browser.Page) {
	t.Helper()
	g.pictures++
	if folder := os.Getenv("PORTAL_TEST_SHOTS"); folder != "" {
		name := fmt.Sprintf("%s-%02d%s.png", path.Base(t.Name()), g.pictures, strings.ReplaceAll(p.Path(), "/", "."))
		must(t, os.WriteFile(filepath.Join(folder, name), p.FullPage(), 0o600))
	}
	for _, violation := range append(p.Axe(t), p.TooWide(t)...) {
		t.Errorf("%s: %s", p.Path(), violation)
	}
}

func foreignTo(base string, urls []string) []string {
	var foreign []string
	for _, u := range urls {
		if !strings.HasPrefix(u, base) {
			foreign = append(foreign, u)
		}
	}
	return foreign
}
