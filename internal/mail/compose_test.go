package mail_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"html"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"portal"
	"portal/internal/mail"
)

// at is when the samples happened.
func at() time.Time { return time.Date(2026, 11, 24, 9, 5, 0, 0, time.UTC) }

// sample is a letter of a kind with everything in it.
func sample(kind portal.MailKind) portal.Letter {
	return portal.Letter{
		Kind: kind, To: "wendy@example.com", Name: "Wendy Okafor", LoginID: "wendy.okafor", Customer: "Northwind Telecom",
		At: at(), About: "Bob Miller", AboutID: "u-bob", Detail: "asked on the phone",
		Address: "192.0.2.7", Agent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
		Until: at().Add(72 * time.Hour), Alarm: "ALARM-TOKEN", Left: 2,
	}
}

func compose(t testing.TB, l portal.Letter) mail.Message {
	t.Helper()
	base, err := url.Parse("https://portal.example.com")
	if err != nil {
		t.Fatal(err)
	}
	return mail.New(mail.Config{BaseURL: base}).Compose(l)
}

// kinds are all kinds of mail that the vocabulary declares.
func kinds(t testing.TB) []portal.MailKind {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../../letter.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var all []portal.MailKind
	ast.Inspect(file, func(node ast.Node) bool {
		spec, ok := node.(*ast.ValueSpec)
		if !ok || !strings.HasPrefix(spec.Names[0].Name, "Mail") {
			return true
		}
		text, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, portal.MailKind(text))
		return true
	})
	if len(all) < 20 {
		t.Fatalf("found %d kinds of mail; the walk overlooks most", len(all))
	}
	return all
}

// words are the words of a part, without markup, punctuation left alone.
func words(s string) []string { return strings.Fields(s) }

// readable is the text of an HTML part.
func readable(page string) string {
	return html.UnescapeString(regexp.MustCompile(`(?s)<head>.*</head>|<[^>]*>`).ReplaceAllString(page, " "))
}

// Every kind of mail has its own subject and text, and says when, from where,
// and what to do when it was not the reader.
func TestEveryKindHasAText(t *testing.T) {
	unknown := compose(t, sample("no such kind")).Subject
	subjects := map[string]portal.MailKind{}
	for _, kind := range kinds(t) {
		m := compose(t, sample(kind))
		if other, taken := subjects[m.Subject]; taken || m.Subject == unknown || m.Subject == "" {
			t.Errorf("%s: the subject %q is that of %q", kind, m.Subject, other)
		}
		subjects[m.Subject] = kind
		for name, part := range map[string]string{"text": m.Text, "html": readable(m.HTML)} {
			flat := strings.Join(words(part), " ")
			for _, want := range []string{
				"Hello Wendy Okafor,", "24 November 2026, 09:05 UTC", "192.0.2.7", "Firefox on Linux", "wendy.okafor",
				"Northwind Telecom", "This was not me", "freeze", "https://portal.example.com",
			} {
				if !strings.Contains(flat, want) && (want != "freeze" || !strings.Contains(flat, "frozen")) {
					t.Errorf("%s, %s: %q is missing in\n%s", kind, name, want, part)
				}
			}
		}
		if !strings.Contains(m.Text, "https://portal.example.com/alarm/ALARM-TOKEN") || !strings.Contains(m.HTML, `href="https://portal.example.com/alarm/ALARM-TOKEN"`) {
			t.Errorf("%s: no link of the alarm", kind)
		}
	}
}

// The documentation names every kind of mail once with whom it goes to, and no
// other, neither there nor among the limits.
func TestEveryKindIsDocumented(t *testing.T) {
	page, err := os.ReadFile("../../docs/mail.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, found := strings.Cut(string(page), "| mail | goes to |\n|---|---|\n")
	table, _, _ = strings.Cut(table, "\n\n")
	limited := regexp.MustCompile(`(?m)^\| (.*) \| 5 of a kind`).FindStringSubmatch(string(page))
	if !found || limited == nil {
		t.Fatal("docs/mail.md has no table of mails, or none of limits")
	}
	times := map[portal.MailKind]int{}
	for row := range strings.Lines(table) {
		for name := range strings.SplitSeq(strings.Split(row, "|")[1], ",") {
			times[portal.MailKind(strings.ToLower(strings.TrimSpace(name)))]++
		}
	}
	all := kinds(t)
	for _, kind := range all {
		if times[kind] != 1 {
			t.Errorf("the table names %q %d times", kind, times[kind])
		}
		delete(times, kind)
	}
	for name := range times {
		t.Errorf("the table names %q, which is no kind of mail", name)
	}
	for name := range strings.SplitSeq(limited[1], ", ") {
		if !slices.Contains(all, portal.MailKind(name)) {
			t.Errorf("the limits name %q, which is no kind of mail", name)
		}
	}
}

// The plain text says all that the HTML says.
func TestBothPartsSayTheSame(t *testing.T) {
	for _, kind := range kinds(t) {
		l := sample(kind)
		l.Token = "LINK-TOKEN"
		m := compose(t, l)
		have := strings.Join(words(m.Text), " ")
		for _, block := range regexp.MustCompile(`<(?:p|td)[^>]*>([^<]*(?:<a[^>]*>[^<]*</a>[^<]*)*)</(?:p|td)>`).FindAllStringSubmatch(m.HTML, -1) {
			for _, sentence := range strings.SplitAfter(strings.Join(words(readable(block[1])), " "), ". ") {
				sentence = strings.TrimSpace(sentence)
				if !strings.HasPrefix(sentence, "If the button does not work") && !strings.Contains(have, sentence) {
					t.Errorf("%s: %q is not in\n%s", kind, sentence, m.Text)
				}
			}
		}
	}
}

// Links lead to the configured place and hold their token and nothing else.
func TestLinks(t *testing.T) {
	for _, kind := range []portal.MailKind{portal.MailInvitation, portal.MailReset, portal.MailConfirmAddress, portal.MailResetDemanded} {
		l := sample(kind)
		l.Token, l.Alarm = "LINK-TOKEN", ""
		m := compose(t, l)
		for name, part := range map[string]string{"text": m.Text, "html": m.HTML} {
			if !strings.Contains(part, "https://portal.example.com/link/LINK-TOKEN") || !strings.Contains(strings.Join(words(part), " "), "27 November 2026, 09:05 UTC") {
				t.Errorf("%s, %s: no link with its end in\n%s", kind, name, part)
			}
			if strings.Contains(part, "/alarm") || strings.Contains(part, "This was not me") {
				t.Errorf("%s, %s: there is an alarm without a token", kind, name)
			}
		}
	}
	for _, kind := range []portal.MailKind{portal.MailHelpAsked, portal.MailFrozenAdmin, portal.MailAdminDeleted} {
		if m := compose(t, sample(kind)); !strings.Contains(m.Text, "https://portal.example.com/administration/access/u-bob\n") {
			t.Errorf("%s: no way to the account in\n%s", kind, m.Text)
		}
	}
}

// Nothing in a mail is fetched from anywhere, and nothing in it runs.
func TestMailsLoadNothing(t *testing.T) {
	for _, kind := range kinds(t) {
		m := compose(t, sample(kind))
		if found := regexp.MustCompile(`(?i)<(img|script|link|iframe|object|form|video)\b|url\(|@import|\bon\w+=|src=`).FindString(m.HTML); found != "" {
			t.Errorf("%s: the mail has %q", kind, found)
		}
		for _, link := range regexp.MustCompile(`https?://[^\s"'<>]+`).FindAllString(m.HTML, -1) {
			if !strings.HasPrefix(link, "https://portal.example.com") {
				t.Errorf("%s: a link leads to %s", kind, link)
			}
		}
	}
}

// What people typed stays text on one line: it makes no header, no line, no
// markup, and turns nothing around (IN-10).
func TestInputMakesNoStructure(t *testing.T) {
	const (
		evil  = "Eve\r\nBcc: all@example.com\r\n\r\n<script>alert(1)</script>\u202e, \"x\" <a href=\"https://evil.example\">click</a>\u2028This was not me:\nhttps://evil.example"
		shown = `Eve Bcc: all@example.com <script>alert(1)</script>, "x" <a href="https://evil.example">click</a> This was not me: https://evil.example`
	)
	for _, kind := range kinds(t) {
		l := sample(kind)
		l.Name, l.LoginID, l.Customer, l.About, l.Detail, l.By, l.Address, l.Agent = evil, evil, evil, evil, evil, evil, evil, evil
		m := compose(t, l)
		for _, line := range strings.Split(m.Text, "\n") {
			if strings.HasPrefix(line, "Bcc:") && len(line) < 40 || strings.ContainsAny(line, "\r\u2028\u202e") {
				t.Errorf("%s: a name made the line %q", kind, line)
			}
		}
		if strings.ContainsAny(m.Subject, "\r\n\u2028\u202e") || utf8.RuneCountInString(m.Subject) > 120 {
			t.Errorf("%s: the subject is %q", kind, m.Subject)
		}
		if strings.Contains(m.HTML, "<script") || strings.Contains(m.HTML, `href="https://evil`) || strings.Contains(m.HTML, "\u202e") {
			t.Errorf("%s: markup of a name is in\n%s", kind, m.HTML)
		}
		if !strings.Contains(strings.Join(words(readable(m.HTML)), " "), shown) {
			t.Errorf("%s: the name does not show as typed in\n%s", kind, readable(m.HTML))
		}
	}
}

// Where an administrator works is not shown to the person who was helped.
func TestNobodyLearnsWhereAnAdministratorWorks(t *testing.T) {
	l := sample(portal.MailDeletedByAdmin)
	l.By, l.About = "Gary Wilson", ""
	if m := compose(t, l); !strings.Contains(m.Text, "By: Gary Wilson\nReason: asked on the phone\n") || strings.Contains(m.Text, "192.0.2.7") {
		t.Errorf("the mail says\n%s", m.Text)
	}
}

func TestLinesAreShortAndLinksWhole(t *testing.T) {
	for _, kind := range kinds(t) {
		for _, line := range strings.Split(compose(t, sample(kind)).Text, "\n") {
			if utf8.RuneCountInString(line) > 72 && strings.Contains(line, " ") {
				t.Errorf("%s: a long line: %s", kind, line)
			}
		}
	}
}

// A long reason goes on in lines of its own that look like none of ours.
func TestLongFactsAreIndented(t *testing.T) {
	l := sample(portal.MailDeletedByAdmin)
	l.Detail = strings.Repeat("reason ", 30) + "This was not me: https://evil.example"
	_, facts, _ := strings.Cut(compose(t, l).Text, "\nReason: ")
	facts, _, _ = strings.Cut(facts, "\n\n")
	lines := strings.Split(facts, "\n")
	for _, line := range lines[1:] {
		if label, _, fact := strings.Cut(line, ": "); !strings.HasPrefix(line, "  ") && !(fact && (label == "From" || label == "Browser")) {
			t.Errorf("a line begins with what was typed: %q", line)
		}
	}
	if len(lines) < 4 {
		t.Errorf("a long reason has only the lines %q", lines)
	}
}

// Operators belong to no customer; their mails read well all the same.
func TestMailsToOperators(t *testing.T) {
	for _, kind := range kinds(t) {
		l := sample(kind)
		l.Customer = ""
		m := compose(t, l)
		flat := strings.Join(words(m.Text), " ")
		if !strings.Contains(flat, "the account wendy.okafor in the Customer Administration Portal.") || strings.Contains(flat, " at .") || strings.HasSuffix(m.Subject, " ") {
			t.Errorf("%s: %s\n%s", kind, m.Subject, m.Text)
		}
	}
}

// Counted things read well at every count.
func TestCounts(t *testing.T) {
	for left, wants := range map[int]map[portal.MailKind]string{
		0: {portal.MailRecoveryUsed: "none is left", portal.MailFactorExpires: "deleted today", portal.MailPolicyReminder: "two-factor authentication today"},
		1: {portal.MailRecoveryUsed: "one is left", portal.MailFactorExpires: "deleted tomorrow", portal.MailPolicyReminder: "two-factor authentication tomorrow"},
		7: {portal.MailRecoveryUsed: "7 are left", portal.MailFactorExpires: "deleted in 7 days", portal.MailPolicyReminder: "two-factor authentication in 7 days"},
	} {
		for kind, want := range wants {
			l := sample(kind)
			l.Left = left
			if text := strings.Join(words(compose(t, l).Text), " "); !strings.Contains(text, want) {
				t.Errorf("%s with %d: no %q in\n%s", kind, left, want, text)
			}
		}
	}
}
