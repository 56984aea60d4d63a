package browser_test

import (
	"bytes"
	"fmt"
	"image/png"
	"reflect"
	"strings"
	"testing"

	"portal/internal/testkit/browser"
)

// TestBrowser walks through the little site, each time as another visitor. All
// share one Chromium, because starting it is what takes long.
func TestBrowser(t *testing.T) {
	b := browser.Start(t)
	walk := func(name string, steps func(*testing.T, *browser.Browser, string)) {
		t.Run(name, func(t *testing.T) { steps(t, b, site(t)) })
	}
	walk("sign in", signIn)
	walk("menu and links", menuAndLinks)
	walk("switch", switchOn)
	walk("table", table)
	walk("keyboard", keyboard)
	walk("without scripts", withoutScripts)
	walk("dark and small", darkAndSmall)
	walk("scripts that wait", scriptsThatWait)
	walk("requests", requests)
	walk("pictures", pictures)
	walk("refusals", refusals)
	walk("axe", axe)
}

func signIn(t *testing.T, b *browser.Browser, base string) {
	p := b.Page(t, browser.View{})
	p.Open(base + "/sign-in")
	same(t, p.StatusCode(), 200)
	same(t, p.Alert(), "")
	p.Fill("Login ID", "wendy")
	p.Press("Sign in") // the password is missing: the browser holds it back
	same(t, p.Title(), "sign-in")
	p.Fill("Password", "wrong")
	p.Press("Sign in")
	same(t, p.StatusCode(), 422)
	same(t, p.Alert(), "Wrong login")
	same(t, p.Field("Login ID").Value(), "old")
	p.Fill("Login ID", "")
	same(t, p.Field("Login ID").Value(), "")
	p.Fill("Login ID", "wendy")
	p.Fill("Password", "right")
	p.Press("Sign in")
	same(t, p.Path(), "/home")
	same(t, p.StatusCode(), 200)
	same(t, len(p.Cookies()), 1)
	same(t, p.Cookies()[0].HTTPOnly, true)
	same(t, len(p.Console()), 0)
	same(t, len(b.Page(t, browser.View{}).Cookies()), 0)
}

func menuAndLinks(t *testing.T, b *browser.Browser, base string) {
	p := b.Page(t, browser.View{})
	p.Open(base + "/home")
	same(t, p.Names("button"), []string{"Wendy"})
	same(t, p.Names("link"), []string{"Far away"})
	same(t, p.Button("Wendy").Expanded(), false)
	p.Press("Wendy")
	same(t, p.Path(), "/home")
	same(t, p.Button("Wendy").Expanded(), true)
	p.Follow("Account")
	same(t, p.URL(), base+"/account")
	p.Back()
	same(t, p.Path(), "/home")
	p.Follow("Far away")
	same(t, p.Path(), "/account")
	p.Reload()
	same(t, p.Path(), "/account")
}

func switchOn(t *testing.T, b *browser.Browser, base string) {
	p := b.Page(t, browser.View{})
	p.Open(base + "/account")
	r := p.Region("Two Factor Authentication")
	onOff := r.Switch("Two Factor Authentication")
	same(t, onOff.Checked(), false)
	same(t, r.Status(), "Disabled")
	onOff.Press()
	same(t, onOff.Checked(), true)
	same(t, r.Status(), "Enabled")
	r.Has("Enabled")
	r.Lacks("Disabled")
	same(t, onOff.Attr("role"), "switch")
	p.Region("Other").Press("Save") // the page has two of that name, the region one
}

func table(t *testing.T, b *browser.Browser, base string) {
	p := b.Page(t, browser.View{})
	p.Open(base + "/users")
	same(t, p.Table(), [][]string{{"Login ID", "Name"}, {"walter", "Walter"}, {"wendy", "Wendy Remove"}})
	same(t, p.Row("walter").Names("button"), []string{})
	p.Choose("Filter", "Enabled")
	same(t, p.Field("Filter").Value(), "2")
	p.Row("wendy").Press("Remove")
	p.Row("wendy").Follow("wendy")
	same(t, p.Path(), "/home")
}

func keyboard(t *testing.T, b *browser.Browser, base string) {
	p := b.Page(t, browser.View{})
	p.Open(base + "/sign-in")
	same(t, p.Focused(), "")
	p.PressKey("Tab")
	same(t, p.Focused(), "Login ID")
	p.PressKey("Tab")
	p.PressKey("x")
	same(t, p.Field("Password").Value(), "x")
	p.PressKey("Shift+Tab")
	same(t, p.Focused(), "Login ID")
	p.PressKey("Enter")
	same(t, p.Title(), "Refused")
}

func withoutScripts(t *testing.T, b *browser.Browser, base string) {
	p := b.Page(t, browser.View{NoScript: true})
	p.Open(base + "/theme")
	same(t, p.Title(), "theme")
	p.Has("No scripts here")
	p.Open(base + "/sign-in")
	p.Fill("Login ID", "wendy")
	p.Fill("Password", "right")
	p.Press("Sign in")
	p.Press("Wendy")
	p.Follow("Account")
	p.Switch("Two Factor Authentication").Press()
	same(t, p.Path(), "/account")
	same(t, len(p.Screenshot()) > 0, true)
}

func darkAndSmall(t *testing.T, b *browser.Browser, base string) {
	p := b.Page(t, browser.View{Width: 375, Height: 700, Dark: true})
	p.Open(base + "/theme")
	p.Has("dark 375")
	same(t, p.Storage(), browser.Storage{Local: 1})
	p.Open(base + "/home")
	p.Follow("Far away")
	same(t, p.Path(), "/account")
	p = b.Page(t, browser.View{})
	p.Open(base + "/theme")
	p.Has("light 1280")
}

func scriptsThatWait(t *testing.T, b *browser.Browser, base string) {
	p := b.Page(t, browser.View{})
	p.Open(base + "/late")
	p.Press("Soon")
	same(t, p.Title(), "home")
	p.Back()
	p.Press("Later")
	p.Until("the home page is there", func() bool { return p.Path() == "/home" })
	same(t, p.Title(), "home")
	same(t, len(p.Console()), 0)
	p.Open(base + "/late")
	p.Press("Break")
	same(t, len(p.Console()), 2)
	same(t, p.Console()[0], "script: it broke")
}

func requests(t *testing.T, b *browser.Browser, base string) {
	p := b.Page(t, browser.View{})
	p.Open(base + "/foreign")
	same(t, len(p.Console()), 1)
	same(t, strings.Contains(p.Console()[0], "Content Security Policy"), true)
	same(t, p.Requests(), []string{base + "/foreign", "https://example.com/x.png"})
}

func pictures(t *testing.T, b *browser.Browser, base string) {
	p := b.Page(t, browser.View{Width: 600, Height: 400})
	p.Open(base + "/home")
	same(t, size(t, p.Screenshot()), "600x400")
	same(t, size(t, p.FullPage()) > "600x3000", true)
	p.Open(base + "/account")
	r := p.Region("Two Factor Authentication")
	same(t, size(t, r.ScreenshotOf("#square")), "50x40")
	same(t, len(r.Screenshot()) > 0, true)
}

func axe(t *testing.T, b *browser.Browser, base string) {
	p := b.Page(t, browser.View{})
	p.Open(base + "/sign-in")
	same(t, p.Axe(t), []string{})
	same(t, p.TooWide(t), []string{})
	p.Open(base + "/broken")
	found := strings.Join(p.Axe(t), "\n")
	same(t, strings.Contains(found, "image-alt (critical)"), true)
	same(t, strings.Contains(found, "label (critical)"), true)
	same(t, len(p.Console()), 0)
}

func same[T any](t *testing.T, got, want T) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %#v, want %#v", got, want)
	}
}

func size(t *testing.T, picture []byte) string {
	t.Helper()
	config, err := png.DecodeConfig(bytes.NewReader(picture))
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%dx%d", config.Width, config.Height)
}
