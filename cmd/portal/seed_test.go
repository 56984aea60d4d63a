package main

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"portal/internal/testkit"
	"portal/internal/testkit/browser"
)

// The help page of the portal, sentence by sentence, lived through by Wendy (a
// user), Gary (her administrator) and a phone: a real Chromium, oathtool as the
// authenticator app, zbarimg as its camera.
func TestHelpPageComesTrue(t *testing.T) {
	t.Parallel()
	for name, view := range map[string]browser.View{
		"desktop":            {Width: 1280, Height: 900},
		"without JavaScript": {Width: 1280, Height: 900, NoScript: true},
		"phone, 390 px wide": {Width: 390, Height: 844},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			walk := newWalk(t, view)
			for _, s := range helpPage {
				t.Log(s.sentence)
				s.live(walk)
			}
		})
	}
}

// sentence is what the help page says, and how it is lived through.
type sentence struct {
	sentence string
	live     func(*walk)
}

var helpPage = []sentence{
	{"one command starts the portal; its link opens the set-up page", (*walk).setUp},
	{"an administrator creates an account for a user", (*walk).createAccount},
	{"the user logs in to the portal", (*walk).firstSignIn},
	{"the account info is in the upper left, just to the right of the logo", (*walk).findAccountInfo},
	{"the drop-down next to the name has Account", (*walk).openAccount},
	{"moving the slider from Disable to Enable in the section Two Factor Authentication", (*walk).moveSlider},
	{"the phone scans the QR code on the screen", (*walk).scan},
	{"the 6-digit code goes into Enter the code here, then Submit; the account now shows Enabled", (*walk).submit},
	{"the next time, login ID and password are followed by the 6-digit code", (*walk).signInWithCode},
	{"codes time out: one waits for the next code", (*walk).waitForNextCode},
	{"2FA can be disabled and the settings are preserved", (*walk).disable},
	{"it can be re-enabled later without a new QR code", (*walk).enableAgain},
	{"the trash can deletes the settings so that one can start over", (*walk).deleteSetup},
	{"Administration and Access shows who has 2FA enabled or disabled", (*walk).seeLabels},
	{"an administrator helps with Delete 2FA setup; login ID and password are enough again", (*walk).deleteForUser},
	{"the status shows 2FA not Enabled until the user re-enables it", (*walk).reEnable},
}

const (
	garyPassword  = "gary likes long walks"
	wendyPassword = "wendy keeps seven bees"
)

// walk is the stage: one portal, two people in front of their browsers.
type walk struct {
	t           *testing.T
	server      *server
	gary, wendy *browser.Page
	secret      string // in Wendy's phone
	begun       int    // setups of hers; the number is in the label
}

func newWalk(t *testing.T, view browser.View) *walk {
	b := browser.Start(t)
	return &walk{t: t, server: install(t).Serve(), gary: b.Page(t, view), wendy: b.Page(t, view)}
}

// code waits for the next time step and reads Wendy's phone.
func (w *walk) code() string {
	w.t.Helper()
	w.server.Advance(30 * time.Second)
	return testkit.OathCode(w.t, w.secret, w.server.Now())
}

func (w *walk) twoFactor() *browser.Scope { return w.wendy.Region("Two Factor Authentication") }

func (w *walk) wantStatus(want string) {
	w.t.Helper()
	if got := w.twoFactor().Status(); got != want {
		w.t.Fatalf("the status reads %q, want %q", got, want)
	}
}

func (w *walk) setUp() {
	p := w.gary
	p.Open(w.server.Link)
	p.Fill("Customer", "Northwind Telecom")
	p.Fill("Name", "Gary Wilson")
	p.Fill("Login ID", "gary.wilson")
	p.Fill("E-mail", "gary@northwind.example")
	p.Fill("Password", garyPassword)
	p.Press("Create administrator")
	signIn(p, "gary.wilson", garyPassword)
	w.wantPath(p, "/")
	other := newClient(w.t, w.server.Base)
	other.Get(w.server.Link).want(w.t, 404)
}

func signIn(p *browser.Page, login, password string) {
	p.Fill("Login ID", login)
	p.Fill("Password", password)
	p.Press("Sign in")
}

func (w *walk) wantPath(p *browser.Page, want string) {
	w.t.Helper()
	if got := p.Path(); got != want {
		w.t.Fatalf("the page is %s, want %s\n%s", got, want, p.Text())
	}
}

func (w *walk) createAccount() {
	p := w.gary
	p.Press("Administration")
	p.Follow("Administration and Access")
	p.Press("Add user")
	p.Fill("Login ID", "wendy.okafor")
	p.Fill("Name", "Wendy Okafor")
	p.Fill("E-mail", "wendy@northwind.example")
	p.Fill("Password", garyPassword)
	p.Press("Add user")
	link := p.Field("Invitation link").Value()
	w.wendy.Open(link)
	w.wendy.Fill("New password", wendyPassword)
	w.wendy.Press("Set password")
}

func (w *walk) firstSignIn() {
	signIn(w.wendy, "wendy.okafor", wendyPassword)
	w.wantPath(w.wendy, "/")
}

func (w *walk) findAccountInfo() { wantAccountBesideLogo(w.t, w.wendy) }

// wantAccountBesideLogo holds that the account info is in the upper left, just
// to the right of the logo.
func wantAccountBesideLogo(t *testing.T, p *browser.Page) {
	t.Helper()
	logo, account := p.Box("header .logo"), p.Box("header .account")
	beside := account.Min.X >= logo.Max.X && account.Min.X <= logo.Max.X+40 && account.Min.Y < logo.Max.Y
	if !beside || logo.Min.X > 80 || account.Min.Y > 60 {
		t.Errorf("the account info %v is not in the upper left, right of the logo %v", account, logo)
	}
}

func (w *walk) openAccount() {
	w.wendy.Press("Wendy Okafor")
	w.wendy.Follow("Account")
	w.wantPath(w.wendy, "/account")
}

func (w *walk) moveSlider() {
	w.wantStatus("Disabled")
	w.twoFactor().Has("Disable")
	w.twoFactor().Has("Enable")
	slider := w.twoFactor().Switch("Two Factor Authentication")
	if slider.Checked() {
		w.t.Fatal("the slider stands at Enable before it was moved")
	}
	slider.Press()
	if !slider.Checked() {
		w.t.Fatal("the slider does not stand at Enable")
	}
	w.twoFactor().Has("set-up in progress")
	slider.Press() // moving it back cancels
	if slider.Checked() {
		w.t.Fatal("the slider does not stand at Disable again")
	}
	w.twoFactor().Lacks("set-up in progress")
	slider.Press()
	w.begun = 2
	w.wantStatus("Disabled")
	w.twoFactor().Has("set-up in progress")
}

func (w *walk) scan() {
	w.secret = w.scanned()
	typed := regexp.MustCompile(`([A-Z2-7]{4} ){7}[A-Z2-7]{4}`).FindString(w.twoFactor().Text())
	if strings.ReplaceAll(typed, " ", "") != w.secret {
		w.t.Fatalf("the key for typing is %q, the QR code has %q", typed, w.secret)
	}
}

// scanned reads the QR code off a screenshot of the page and returns its key.
func (w *walk) scanned() string {
	w.t.Helper()
	uri, err := url.Parse(testkit.ReadQR(w.t, w.wendy.FullPage()))
	if err != nil {
		w.t.Fatal(err)
	}
	q := uri.Query()
	if uri.Scheme != "otpauth" || uri.Host != "totp" || uri.Path != fmt.Sprintf("/Northwind Telecom Portal:wendy.okafor (%d)", w.begun) ||
		q.Get("issuer") != "Northwind Telecom Portal" || q.Get("algorithm") != "SHA1" || q.Get("digits") != "6" || q.Get("period") != "30" {
		w.t.Fatalf("the key URI is not exact: %s", uri.Redacted())
	}
	return q.Get("secret")
}

func (w *walk) submit() {
	w.wendy.Fill("Enter the code here", "000000")
	w.wendy.Press("Submit")
	if w.wendy.StatusCode() != 422 || !strings.Contains(w.wendy.Alert(), "not right") {
		w.t.Fatalf("a wrong code answers %d: %s", w.wendy.StatusCode(), w.wendy.Alert())
	}
	code := w.code()
	w.wendy.Fill("Enter the code here", code[:3]+" "+code[3:])
	w.wendy.Press("Submit")
	w.wantStatus("Enabled")
	codes := regexp.MustCompile(`[A-Z2-7]{5}(-[A-Z2-7]{5}){4}`).FindAllString(w.wendy.Region("Recovery codes").Text(), -1)
	if len(codes) != 10 {
		w.t.Fatalf("%d recovery codes are shown, want 10", len(codes))
	}
	w.wendy.Open(w.server.Base + "/account")
	w.wendy.Region("Recovery codes").Lacks(codes[0])
	w.wantStatus("Enabled")
}

func (w *walk) signOut() {
	w.wendy.Press("Wendy Okafor")
	w.wendy.Press("Sign out")
	w.wantPath(w.wendy, "/sign-in")
}

func (w *walk) signInWithCode() {
	w.signOut()
	signIn(w.wendy, "wendy.okafor", wendyPassword)
	w.wantPath(w.wendy, "/sign-in/code")
	w.wendy.Link("Use a recovery code")
	w.wendy.Link("I lost my phone")
	w.wendy.Fill("6-digit code", w.code())
	w.wendy.Press("Sign in")
	w.wantPath(w.wendy, "/")
}

func (w *walk) waitForNextCode() {
	w.signOut()
	signIn(w.wendy, "wendy.okafor", wendyPassword)
	old := w.code()
	w.server.Advance(90 * time.Second)
	w.wendy.Fill("6-digit code", old)
	w.wendy.Press("Sign in")
	if w.wendy.Alert() == "" {
		w.t.Fatal("an old code was accepted")
	}
	w.wendy.Fill("6-digit code", w.code())
	w.wendy.Press("Sign in")
	w.wantPath(w.wendy, "/")
}

// prove fills a step-up form in.
func (w *walk) prove(button string, withCode bool) {
	w.t.Helper()
	w.wendy.Fill("Password", wendyPassword)
	if withCode {
		w.wendy.Fill("6-digit code", w.code())
	}
	w.wendy.Press(button)
}

func (w *walk) disable() {
	w.wendy.Open(w.server.Base + "/account")
	w.twoFactor().Switch("Two Factor Authentication").Press()
	w.prove("Disable", true)
	w.wantPath(w.wendy, "/account")
	w.wantStatus("Disabled")
	w.twoFactor().Has("your setup is kept")
	w.signOut()
	signIn(w.wendy, "wendy.okafor", wendyPassword)
	w.wantPath(w.wendy, "/")
}

func (w *walk) enableAgain() {
	w.wendy.Open(w.server.Base + "/account")
	w.twoFactor().Switch("Two Factor Authentication").Press()
	w.prove("Enable", true)
	w.wantStatus("Enabled")
	w.signOut()
	signIn(w.wendy, "wendy.okafor", wendyPassword)
	w.wendy.Fill("6-digit code", w.code())
	w.wendy.Press("Sign in")
	w.wantPath(w.wendy, "/")
}

func (w *walk) deleteSetup() {
	old := w.secret
	w.wendy.Open(w.server.Base + "/account")
	w.twoFactor().Press("Delete 2FA setup")
	w.prove("Delete 2FA setup", true)
	w.wantStatus("Disabled")
	w.twoFactor().Lacks("your setup is kept")
	w.enable()
	if w.secret == old {
		w.t.Fatal("starting over shows the old key")
	}
}

// enable lives through the set-up once more.
func (w *walk) enable() {
	w.t.Helper()
	w.wendy.Open(w.server.Base + "/account")
	w.twoFactor().Switch("Two Factor Authentication").Press()
	w.begun++
	w.secret = w.scanned()
	w.wendy.Fill("Enter the code here", w.code())
	w.wendy.Press("Submit")
	w.wantStatus("Enabled")
}

// row is a user's row in Administration and Access, looked at afresh.
func (w *walk) row(login string) *browser.Scope {
	w.t.Helper()
	w.gary.Open(w.server.Base + "/administration/access")
	return w.gary.Row(login)
}

func (w *walk) seeLabels() {
	w.row("wendy.okafor").Has("2FA Enabled")
	w.row("wendy.okafor").Link("Delete 2FA setup")
	w.row("gary.wilson").Has("2FA not Enabled")
	w.wendy.Open(w.server.Base + "/account")
	w.twoFactor().Switch("Two Factor Authentication").Press()
	w.prove("Disable", true)
	w.row("wendy.okafor").Has("2FA Disabled")
	w.wendy.Open(w.server.Base + "/account")
	w.twoFactor().Switch("Two Factor Authentication").Press()
	w.prove("Enable", true)
}

func (w *walk) deleteForUser() {
	w.row("wendy.okafor").Follow("Delete 2FA setup")
	w.gary.Fill("Reason", "She lost her phone; I know her voice")
	w.gary.Fill("Password", garyPassword)
	w.gary.Press("Delete 2FA setup")
	w.row("wendy.okafor").Has("2FA not Enabled")
	w.row("wendy.okafor").Lacks("Delete 2FA setup")
	w.wendy.Open(w.server.Base + "/account")
	w.wantPath(w.wendy, "/sign-in")
	signIn(w.wendy, "wendy.okafor", wendyPassword)
	w.wantPath(w.wendy, "/")
}

func (w *walk) reEnable() {
	w.row("wendy.okafor").Has("2FA not Enabled")
	w.enable()
	w.row("wendy.okafor").Has("2FA Enabled")
}
