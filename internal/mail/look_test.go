package mail_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"portal"
	"portal/internal/testkit/browser"
)

// The HTML part reads well in a small and a large window, light and dark: axe
// finds nothing, nothing is wider than the window, and nothing else is loaded.
func TestMailsLookRight(t *testing.T) {
	t.Parallel()
	faces := map[string]portal.Letter{}
	for _, kind := range []portal.MailKind{portal.MailInvitation, portal.MailDeletedByAdmin, portal.MailHelpAsked, portal.MailNewBrowser} {
		faces["/"+strings.ReplaceAll(string(kind), " ", "-")] = sample(kind)
	}
	long := sample(portal.MailReset)
	long.Token, long.Name, long.Detail = strings.Repeat("TOKEN", 9), strings.Repeat("long", 25), strings.Repeat("reason", 40)
	faces["/long"] = long
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		letter, ok := faces[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte(compose(t, letter).HTML))
	}))
	defer server.Close()
	b := browser.Start(t)
	for _, view := range []browser.View{{Width: 360, Height: 740}, {Width: 1280, Height: 900, Dark: true}} {
		page := b.Page(t, view)
		for path := range faces {
			page.Open(server.URL + path)
			for _, violation := range append(page.Axe(t), page.TooWide(t)...) {
				t.Errorf("%s, %+v: %s", path, view, violation)
			}
			picture(t, path, view, page)
		}
		for _, asked := range page.Requests() {
			_, ours := faces[strings.TrimPrefix(asked, server.URL)]
			if !ours && asked != server.URL+"/favicon.ico" { // Chromium's own wish
				t.Errorf("a mail asks for %s", asked)
			}
		}
	}
}

// picture hangs a picture up where PORTAL_TEST_SHOTS names a folder.
func picture(t *testing.T, path string, view browser.View, page *browser.Page) {
	t.Helper()
	folder := os.Getenv("PORTAL_TEST_SHOTS")
	if folder == "" {
		return
	}
	name := "mail-" + path[1:] + map[bool]string{true: "-dark", false: "-light"}[view.Dark] + ".png"
	if err := os.WriteFile(filepath.Join(folder, name), page.FullPage(), 0o600); err != nil {
		t.Fatal(err)
	}
}
