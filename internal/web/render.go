package web

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"portal"
	"portal/internal/tracing"
)

//go:embed templates/*.html
var templateFiles embed.FS

// page is what a visitor gets: a struct with everything that its template
// shows, already decided.
type page interface {
	file() string  // its template, without folder and ending
	title() string // of the document
	bare() bool    // without the header of who is signed in
}

// view is what the layout knows beside the page.
type view struct {
	Title  string
	Assets assets
	Actor  portal.Actor // not signed in where the page is bare
	Path   string
	Now    time.Time
	Notice string
	Page   page
}

// SignedIn tells whether the header shows an account.
func (v view) SignedIn() bool { return v.Actor.Kind == portal.ActorUser && !v.Page.bare() }

// Administers tells whether the navigation shows the administration.
func (v view) Administers() bool { return v.Actor.Holds(portal.SeeUsers) }

// Settled tells whether the actor owes nothing, so that all pages are open.
func (v view) Settled() bool { return v.Actor.Owes == portal.OwesNothing }

// Reminder tells who has no 2FA how long it takes until it is required. It
// stands where people begin and where they set it up, and nowhere else.
func (v view) Reminder() string {
	at := v.Page.file()
	if (at != "home" && at != "account") || !v.Actor.Policy.Coming(v.Now) || portal.StatusOf(v.Actor.Stored, false).AsksCode() {
		return ""
	}
	whose := v.Actor.CustomerName
	if whose == "" {
		whose = "This portal"
	}
	return fmt.Sprintf("%s requires two-factor authentication from %s: %s left.",
		whose, v.Actor.Policy.From.UTC().Format("2 January 2006"), plural(v.Actor.Policy.DaysLeft(v.Now), "day"))
}

// At tells whether a path is the page that is shown.
func (v view) At(path string) bool { return v.Path == path }

// press is what pages are printed with.
type press struct {
	engine engine
	assets assets
}

func newPress() (p press, err error) {
	if p.assets, err = loadAssets(); err != nil {
		return p, err
	}
	p.engine, err = newEngine()
	return p, err
}

// viewOf is a page as the layout shows it.
func (p press) viewOf(shown page, actor portal.Actor, path string, now time.Time) view {
	return view{
		Title: shown.title() + " · " + portal.ProductName, Assets: p.assets, Actor: actor,
		Path: path, Now: now, Page: shown,
	}
}

// print fills the template of a page in.
func (p press) print(v view) ([]byte, error) {
	var whole bytes.Buffer
	err := p.engine.render(&whole, v)
	return whole.Bytes(), err
}

// engine is the templates of all pages, in one set: a copy of what they share
// for each page would be most of what the collector has to look through.
type engine struct{ set *template.Template }

// pageFiles names the template of each page; a page without one, or one that
// does not parse, stops the start.
func pageFiles() []string {
	return []string{
		"error", "home", "account", "password", "stepup",
		"signin", "code", "recovery", "lostphone", "badlink", "alarm", "frozen", "badalarm", "setup", "invitation",
		"forgot", "forgotsent", "reset", "confirmaddress",
		"access", "adduser", "user", "invited", "audit", "policy",
	}
}

func newEngine() (engine, error) {
	set, err := template.New("").Funcs(functions()).ParseFS(templateFiles, "templates/*.html")
	if err != nil {
		return engine{}, fmt.Errorf("web: templates: %w", err)
	}
	e := engine{set}
	for _, name := range append(pageFiles(), "top", "bottom") {
		if e.of(name) == nil && set.Lookup(name) == nil {
			return engine{}, fmt.Errorf("web: there is no template %q", name)
		}
	}
	return e, nil
}

// of is the template of a page, between the top and the bottom of the layout.
func (e engine) of(file string) *template.Template { return e.set.Lookup("page-" + file) }

func (e engine) render(w io.Writer, v view) error {
	page := e.of(v.Page.file())
	if page == nil {
		return fmt.Errorf("web: there is no template %q", v.Page.file())
	}
	return errors.Join(e.set.ExecuteTemplate(w, "top", v), page.Execute(w, v.Page), e.set.ExecuteTemplate(w, "bottom", v))
}

// render answers with a page, whole or not at all.
func (s *site) render(v *visit, status int, p page) error {
	shown := s.viewOf(p, v.actor, v.r.URL.Path, s.now())
	shown.Notice = s.notice(v.query["notice"])
	_, part := tracing.Begin(v.ctx(), "page")
	whole, err := s.print(shown)
	part.End(err)
	if err != nil {
		return err
	}
	send(v, status, whole)
	return nil
}

// send answers with a printed page.
func send(v *visit, status int, whole []byte) {
	h := v.w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(whole)))
	v.w.WriteHeader(status)
	_, _ = v.w.Write(whole) // #nosec G705 -- filled in by html/template; an error is a visitor who is gone
}

// notice is the sentence of a key; where no mails go out it promises none.
func (s *site) notice(key string) string {
	if text := unmailed[key]; text != "" && !s.mail {
		return text
	}
	return notices[key]
}

// thawedInvited is the notice about somebody who has no password to replace.
const thawedInvited = "thawed-invited"

// unmailed are the notices that read otherwise where no mails go out.
var unmailed = map[string]string{
	"address-asked": "A link for the new address is ready. Mails are not set up in this portal: ask whoever runs it for the link. The address counts once you have opened the link and confirmed.",
	"help-asked":    "The administrators have been told on their start page. Mails are not set up in this portal: call one of them, too.",
	"thawed":        "The account is open again. The person now chooses “Forgot your password?” on the sign-in page. Mails are not set up in this portal: whoever runs it passes the link on.",
	"just-added":    "You have just added this person: the form was sent twice. If you have not seen the invitation link, make a new one here. Mails are not set up in this portal: nobody else gets it.",
	"demanded":      "The account waits for a new password, and its sessions have ended. Mails are not set up in this portal: ask whoever runs it for the link, and pass it on to the person.",
}

// notices are the sentences that a page begins with after something was done.
// The address carries the key only, so that nobody can put words on our pages.
var notices = map[string]string{
	"ready":                "The portal is set up. Sign in with the login ID and the password that you have chosen.",
	"password-set":         "Your password is set. Sign in with it now.",
	"password-reset":       "Your new password is set, and everybody who was signed in to your account has to sign in again. Sign in with it now.",
	"address-asked":        "A mail with a link is on its way to the new address. It counts once you have opened the link and confirmed.",
	"address-given-up":     "The new address is forgotten. Its link does not work any more.",
	"address-removed":      "The second address is removed. Your other sessions have ended.",
	"address-confirmed":    "The address is confirmed. Please sign in again.",
	"signed-out":           "You are signed out.",
	"again":                "That took too long, or there were too many wrong codes. Please sign in again.",
	"password-changed":     "Your password is changed. Your other sessions have ended.",
	"2fa-disabled":         "Two-factor authentication is disabled. Your setup is kept, and your other sessions have ended.",
	"2fa-deleted":          "Your 2FA setup is deleted. Your other sessions have ended.",
	"session-ended":        "That session has ended.",
	"sessions-ended":       "The sessions have ended.",
	"saved":                "The changes are saved.",
	"invitation-withdrawn": "The invitation is withdrawn. Its link does not work any more.",
	"policy-saved":         "The 2FA policy is saved. It holds from the next request of everybody on.",
	"suspended":            "The account is suspended and its sessions have ended.",
	"reactivated":          "The account can be used again.",
	"help-asked":           "The administrators have been told, by mail and on their start page.",
	"help-dismissed":       "The request is closed. Nothing else has changed.",
	"thawed":               "The account is open again. It needs a new password, behind “Forgot your password?” on the sign-in page.",
	"just-added":           "You have just added this person: the form was sent twice. The mail with the invitation link is on its way. If you want to pass a link on yourself, make a new one here.",
	thawedInvited:          "The account is open again. It has no password yet, and the invitation from before has ended: make a new invitation link.",
	"demanded":             "The account waits for a new password, and its sessions have ended. The person has been told by mail.",
	"setup-deleted":        "The 2FA setup is deleted. The person can now sign in with login ID and password alone.",
}

// functions are what templates can do with values; none of them knows a rule.
func functions() template.FuncMap {
	return template.FuncMap{
		"time":     timeElement,
		"day":      func(t time.Time) string { return t.UTC().Format("2 January 2006") },
		"second":   func(t time.Time) string { return t.UTC().Format("2 Jan 2006, 15:04:05") },
		"iso":      func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
		"browser":  portal.BrowserName,
		"initials": initials,
		"plural":   plural,
	}
}

func moment(t time.Time) string { return t.UTC().Format("2 Jan 2006, 15:04 UTC") }

// timeElement is a moment as people read it; the script shows it in the time
// zone of the browser. Pages are full of them, and a template of its own would
// cost five calls in the place of one.
func timeElement(t time.Time) template.HTML {
	const element = `<time datetime="` + time.RFC3339 + `" data-local>2 Jan 2006, 15:04 UTC</time>`
	return template.HTML(t.UTC().Format(element)) // #nosec G203 -- made of a moment alone
}

// plural is a number with its noun.
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

// initials are the first letters of the first and the last word of a name.
func initials(name string) string {
	words := strings.Fields(name)
	if len(words) > 1 {
		words = []string{words[0], words[len(words)-1]}
	}
	var b strings.Builder
	for _, word := range words {
		first, _ := utf8.DecodeRuneInString(word)
		b.WriteRune(unicode.ToUpper(first))
	}
	return b.String()
}
