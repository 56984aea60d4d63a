package mail

import (
	"net/url"
	"strings"
	"time"
	"unicode"

	"portal"
)

// Message is a letter in words, ready to be sent.
type Message struct{ To, Subject, Text, HTML string }

// story is what a kind of letter says.
type story struct {
	subject string
	said    []string // what happened
	detail  string   // what the letter's detail is called; a detail without a name is not shown
	button  string   // what the link of the letter is for
	advice  []string // what to do
	about   bool     // leads an administrator to the account in question
}

// fact is one line of the small table in a mail.
type fact struct{ Label, Value string }

// sheet is a story with everything around it, the same for plain text and HTML.
type sheet struct {
	Subject, Greeting string
	Said              []string
	Button, Link      string
	LinkNote          string
	Facts             []fact
	Advice            []string
	Alarm             string // the link of "this was not me"
	Foot              []string
	Base              string
}

// Compose puts a letter into words.
func (s *Service) Compose(l portal.Letter) Message {
	l = oneLine(l)
	sheet := lay(l, s.BaseURL)
	return Message{To: l.To, Subject: sheet.Subject, Text: plain(sheet), HTML: markup(sheet)}
}

// oneLine makes sure that no part of a letter can begin a line of its own.
func oneLine(l portal.Letter) portal.Letter {
	for _, part := range []*string{&l.To, &l.Name, &l.LoginID, &l.Customer, &l.By, &l.About, &l.Detail, &l.Address, &l.Agent} {
		*part = line(*part)
	}
	return l
}

// line is a text on one line, without signs that turn text around.
func line(s string) string {
	printable := strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r), unicode.IsControl(r):
			return ' '
		case unicode.Is(unicode.Bidi_Control, r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	return strings.Join(strings.Fields(printable), " ")
}

// lay lays a letter out.
func lay(l portal.Letter, base *url.URL) sheet {
	st := tell(l)
	sh := sheet{
		Subject: st.subject, Greeting: "Hello " + l.Name + ",", Said: st.said, Facts: facts(l, st), Advice: st.advice,
		Base: base.String(), Foot: foot(l),
	}
	switch {
	case l.Token != "":
		sh.Button, sh.Link, sh.LinkNote = st.button, at(base, "/link/", l.Token), linkNote(l)
	case st.about && l.AboutID != "":
		sh.Button, sh.Link = "Open the account's page", at(base, "/administration/access/", string(l.AboutID))
	}
	if l.Alarm != "" {
		sh.Alarm = at(base, "/alarm/", l.Alarm)
	}
	return sh
}

// at is the address of a page that a token or an id ends.
func at(base *url.URL, path, last string) string { return base.String() + path + url.PathEscape(last) }

func linkNote(l portal.Letter) string {
	if l.Until.IsZero() {
		return "The link works once. A newer one makes it void."
	}
	return "The link works once, until " + moment(l.Until) + ". A newer one makes it void."
}

// facts say when, by whom and from where. Where somebody works who acted for
// the reader is not the reader's business; administrators see it.
func facts(l portal.Letter, st story) []fact {
	all := []fact{{"When", moment(l.At)}}
	add := func(label, value string) {
		if label != "" && value != "" {
			all = append(all, fact{label, value})
		}
	}
	add("Account", l.About)
	add("By", l.By)
	add(st.detail, l.Detail)
	if l.By == "" || l.About != "" {
		add("From", l.Address)
		if l.Agent != "" {
			add("Browser", portal.BrowserName(l.Agent))
		}
	}
	return all
}

// home is where the account is; operators belong to no customer.
func home(l portal.Letter) string {
	if l.Customer == "" {
		return "the " + portal.ProductName
	}
	return l.Customer
}

func foot(l portal.Letter) []string {
	whose := "This mail is for the account " + l.LoginID
	if l.Customer != "" {
		whose += " of " + l.Customer
	}
	return []string{
		whose + " in the " + portal.ProductName + ".",
		"It was written by the portal; nobody reads answers to it. It never asks for your password or a code.",
	}
}

// moment is a time as it stands in mails.
func moment(t time.Time) string { return t.UTC().Format("2 January 2006, 15:04 UTC") }

// date is a day as it stands in mails.
func date(t time.Time) string { return t.UTC().Format("2 January 2006") }

// short keeps a name within a subject.
func short(s string) string {
	const longest = 60
	if runes := []rune(s); len(runes) > longest {
		return string(runes[:longest-1]) + "…"
	}
	return s
}
