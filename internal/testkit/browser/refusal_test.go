package browser_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"portal/internal/testkit/browser"
)

// refusals tries what must end a test, and reads what the test would say.
func refusals(t *testing.T, b *browser.Browser, base string) {
	for _, try := range []struct {
		path, says string
		step       func(p *browser.Page)
	}{
		{"/sign-in", `there is no button "Log in"; there is ["Sign in"]`, func(p *browser.Page) { p.Press("Log in") }},
		{"/sign-in", `there is no field "password"; there is ["Login ID" "Password"]`, func(p *browser.Page) { p.Fill("password", "x") }},
		{"/home", `there is no button "Hidden"`, func(p *browser.Page) { p.Press("Hidden") }},
		{"/home", `there is no button "Secret"`, func(p *browser.Page) { p.Press("Secret") }},
		{"/home", `there is no link "Account"`, func(p *browser.Page) { p.Follow("Account") }},
		{"/home", `there is no region "Two", and nothing else`, func(p *browser.Page) { p.Region("Two") }},
		{"/home", `there is no status`, func(p *browser.Page) { p.Status() }},
		{"/account", `there are 2 of button "Save"`, func(p *browser.Page) { p.Press("Save") }},
		{"/account", `it says "account`, func(p *browser.Page) { p.Has("nowhere") }},
		{"/users", `there is no row with "wanda"`, func(p *browser.Page) { p.Row("wanda") }},
		{"/users", `there is no button "Remove" in row with "walter"`, func(p *browser.Page) { p.Row("walter").Press("Remove") }},
		{"/users", `it has 0 options of that text`, func(p *browser.Page) { p.Choose("Filter", "None") }},
		{"/covered", `in its place is <div style="position:fixed`, func(p *browser.Page) { p.Press("Under") }},
		{"/home", `net::ERR_`, func(p *browser.Page) { p.Open("https://example.com/") }},
		{"/home", `"Hyper" is not a known key`, func(p *browser.Page) { p.PressKey("Hyper") }},
	} {
		t.Run(try.says, func(t *testing.T) {
			if said := refusal(t, b, base+try.path, try.step); !strings.Contains(said, try.says) {
				t.Errorf("on %s: got %q, want it to say %q", try.path, said, try.says)
			}
		})
	}
}

func TestReportOfAFailure(t *testing.T) {
	b, base := browser.Start(t), site(t)
	shots := t.TempDir()
	t.Setenv("PORTAL_TEST_SHOTS", shots)
	said := refusal(t, b, base+"/home", func(p *browser.Page) { p.Press("Jump") })
	for _, want := range []string{`cannot look for button "Jump"`, base + "/home", "Far away", shots} {
		if !strings.Contains(said, want) {
			t.Errorf("%q does not say %q", said, want)
		}
	}
	pictures, err := filepath.Glob(filepath.Join(shots, "*.png"))
	if err != nil || len(pictures) != 1 {
		t.Fatalf("pictures %q, error %v, want one", pictures, err)
	}
	picture, err := os.ReadFile(pictures[0])
	if err != nil {
		t.Fatal(err)
	}
	same(t, size(t, picture), "1280x900")
}

func TestAxeMustBeThere(t *testing.T) {
	b := browser.Start(t)
	t.Setenv("PORTAL_TEST_AXE", filepath.Join(t.TempDir(), "none.js"))
	for says, view := range map[string]browser.View{
		"axe-core is missing":                      {},
		"axe cannot run in a page without scripts": {NoScript: true},
	} {
		if said := ended(t, func(r *recorder) { b.Page(r, view).Axe(r) }); !strings.Contains(said, says) {
			t.Errorf("got %q, want it to say %q", said, says)
		}
	}
}

func TestPageTooWideForThePhone(t *testing.T) {
	b, base := browser.Start(t), site(t)
	said := ended(t, func(r *recorder) {
		p := b.Page(r, browser.View{Width: 375, Height: 700})
		p.Open(base + "/wide")
		p.Press("Narrow")
	})
	if !strings.Contains(said, "the page does not fit the screen") {
		t.Errorf("got %q", said)
	}
}

// recorder is a test that notes how it was ended.
type recorder struct {
	testing.TB
	said string
}

func (r *recorder) Helper() {}

func (r *recorder) Fatalf(format string, args ...any) {
	r.said = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

// refusal runs steps on a desktop page of a test of its own, and returns what
// that test said when it was ended.
func refusal(t *testing.T, b *browser.Browser, url string, step func(p *browser.Page)) string {
	t.Helper()
	return ended(t, func(r *recorder) {
		p := b.Page(r, browser.View{})
		p.Open(url)
		step(p)
	})
}

func ended(t *testing.T, run func(r *recorder)) string {
	t.Helper()
	r, over := &recorder{TB: t}, make(chan struct{})
	go func() {
		defer close(over)
		run(r)
	}()
	<-over
	return r.said
}
