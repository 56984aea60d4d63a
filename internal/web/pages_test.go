package web

import (
	"encoding/xml"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"portal"
)

// drawn renders a sample as a visitor would get it.
func drawn(t *testing.T, one sample) string {
	t.Helper()
	pages, err := newEngine()
	if err != nil {
		t.Fatal(err)
	}
	files, err := loadAssets()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	v := view{Title: one.page.title() + " · " + portal.ProductName, Assets: files, Actor: one.actor, Now: noon(), Notice: notices[one.query], Page: one.page}
	if err := pages.render(&b, v); err != nil {
		t.Fatalf("%s: %v", one.name, err)
	}
	return b.String()
}

// voidElements have no end tag in HTML.
var voidElements = regexp.MustCompile(`<(meta|link|input|br|hr)\b([^>]*)>`)

// elements reads a page as XML, after the few things in which HTML differs,
// and returns its elements; a page that is not well-formed fails.
func elements(t *testing.T, name, html string) []xml.StartElement {
	t.Helper()
	html = strings.TrimPrefix(html, "<!doctype html>")
	html = voidElements.ReplaceAllString(html, "<$1$2/>")
	html = regexp.MustCompile(` (hidden|popover|readonly|autofocus|selected|checked|defer|data-local|data-print)([ >/])`).ReplaceAllString(html, ` $1=""$2`)
	html = regexp.MustCompile(` (hidden|popover|readonly|autofocus|selected|checked|defer|data-local|data-print)([ >/])`).ReplaceAllString(html, ` $1=""$2`)
	d := xml.NewDecoder(strings.NewReader(html))
	d.Entity = xml.HTMLEntity
	var all []xml.StartElement
	for {
		token, err := d.Token()
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatalf("%s is not well-formed: %v", name, err)
		}
		if start, ok := token.(xml.StartElement); ok {
			all = append(all, start.Copy())
		}
	}
}

func attribute(e xml.StartElement, name string) (string, bool) {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value, true
		}
	}
	return "", false
}

func count(all []xml.StartElement, element string) (n int) {
	for _, e := range all {
		if e.Name.Local == element {
			n++
		}
	}
	return n
}

func TestEveryPageIsWhole(t *testing.T) {
	for _, one := range samples() {
		t.Run(one.name, func(t *testing.T) {
			html := drawn(t, one)
			all := elements(t, one.name, html)
			for _, element := range []string{"h1", "title", "main"} {
				if n := count(all, element); n != 1 {
					t.Errorf("it has %d elements %s, where there should be one", n, element)
				}
			}
			if lang, _ := attribute(all[0], "lang"); all[0].Name.Local != "html" || lang != "en" {
				t.Errorf("it begins with %v", all[0])
			}
			checkNothingInline(t, all)
			checkReferences(t, all)
			checkForms(t, all)
			checkClock(t, all)
		})
	}
}

// checkNothingInline holds what the content security policy would refuse.
func checkNothingInline(t *testing.T, all []xml.StartElement) {
	t.Helper()
	for _, e := range all {
		if e.Name.Local == "style" {
			t.Error("it has a style element")
		}
		if src, _ := attribute(e, "src"); e.Name.Local == "script" && !strings.HasPrefix(src, "/static/") {
			t.Errorf("it has a script from %q", src)
		}
		for _, a := range e.Attr {
			if a.Name.Local == "style" || strings.HasPrefix(a.Name.Local, "on") {
				t.Errorf("<%s> has the attribute %s", e.Name.Local, a.Name.Local)
			}
			if (a.Name.Local == "href" || a.Name.Local == "src" || a.Name.Local == "action") && !strings.HasPrefix(a.Value, "/") && a.Value != "#main" {
				t.Errorf("<%s> leads to %q", e.Name.Local, a.Value)
			}
		}
	}
}

// checkClock holds that a page that asks for a code of the app tells the
// portal's time, so that it can be compared with the phone's.
func checkClock(t *testing.T, all []xml.StartElement) {
	t.Helper()
	asks, tells := false, false
	for _, e := range all {
		kind, _ := attribute(e, "autocomplete")
		at, _ := attribute(e, "datetime")
		_, clock := attribute(e, "data-clock")
		asks, tells = asks || kind == "one-time-code", tells || clock && at == noon().Format(time.RFC3339)
	}
	if asks && !tells {
		t.Error("it asks for a code and does not tell the time")
	}
}

// checkReferences holds that ids are unique and that what refers to one finds it.
func checkReferences(t *testing.T, all []xml.StartElement) {
	t.Helper()
	ids := map[string]bool{}
	for _, e := range all {
		if id, ok := attribute(e, "id"); ok {
			if ids[id] {
				t.Errorf("the id %q is there twice", id)
			}
			ids[id] = true
		}
	}
	for _, e := range all {
		for _, name := range []string{"for", "aria-describedby", "aria-labelledby", "popovertarget", "data-copy"} {
			value, _ := attribute(e, name)
			for id := range strings.FieldsSeq(value) {
				if !ids[id] {
					t.Errorf("<%s %s> refers to %q, which is not there", e.Name.Local, name, id)
				}
			}
		}
	}
}

// checkForms holds that forms change things by POST only and never make the
// browser refuse what the server should explain.
func checkForms(t *testing.T, all []xml.StartElement) {
	t.Helper()
	for _, e := range all {
		method, _ := attribute(e, "method")
		if e.Name.Local == "form" && !slices.Contains([]string{"get", "post"}, method) {
			t.Errorf("a form has the method %q", method)
		}
		if _, required := attribute(e, "required"); required {
			t.Error("a field is refused by the browser, not explained by the server")
		}
		if kind, _ := attribute(e, "type"); kind == "password" {
			if _, filled := attribute(e, "value"); filled {
				t.Error("a password is sent back")
			}
		}
	}
}

func TestMarkupInNamesShowsAsText(t *testing.T) {
	for _, one := range samples() {
		html := drawn(t, one)
		if strings.Contains(html, "<b>\"") || strings.Contains(html, "Featherstonehaugh <b>") || strings.Contains(html, "line <script>") {
			t.Errorf("%s shows markup of a name as markup", one.name)
		}
	}
}

func TestStatusIsOneWord(t *testing.T) {
	status := regexp.MustCompile(`<span role="status"[^>]*>([^<]*)</span>`)
	for _, one := range samples() {
		p, ok := one.page.(accountPage)
		if !ok {
			continue
		}
		found := status.FindAllStringSubmatch(drawn(t, one), -1)
		if len(found) != 1 || found[0][1] != p.TwoFactor.Status.AccountLabel() {
			t.Errorf("%s: the status is %v", one.name, found)
		}
	}
}

func TestEveryTemplateHasASample(t *testing.T) {
	for _, file := range pageFiles() {
		if !slices.ContainsFunc(samples(), func(s sample) bool { return s.page.file() == file }) {
			t.Errorf("the template %q has no sample", file)
		}
	}
}

func TestSignInPageIsSmall(t *testing.T) {
	files, err := loadAssets()
	if err != nil {
		t.Fatal(err)
	}
	size := len(drawn(t, sample{name: "signin", page: signInPage{}}))
	for _, file := range files.byName {
		size += len(file.body)
	}
	if size > 50<<10 {
		t.Errorf("the sign-in page and its files have %d bytes, more than 50 KiB", size)
	}
}
