package mail_test

import (
	"strings"
	"testing"
	"unicode"

	"portal"
)

// Whatever people are called and whatever browsers say of themselves, a mail
// keeps its lines and its markup.
func FuzzCompose(f *testing.F) {
	f.Add("Wendy Okafor", "lost phone", "Mozilla/5.0")
	f.Add("Eve\r\nBcc: a@b.example\r\n\r\n.", "<img src=x onerror=alert(1)>", "\u202e\u2028\x00\xff")
	f.Add(`"><script>`, "{{.}}", "</td></table></body>")
	plain := compose(f, sample(portal.MailHelpAsked))
	f.Fuzz(func(t *testing.T, name, detail, agent string) {
		l := sample(portal.MailDeletedByAdmin)
		l.Name, l.About, l.By, l.Detail, l.Agent, l.Address = name, name, name, detail, agent, agent
		m := compose(t, l)
		if strings.IndexFunc(m.Subject, unicode.IsControl) >= 0 || strings.IndexFunc(strings.ReplaceAll(m.Text, "\n", ""), unicode.IsControl) >= 0 {
			t.Errorf("control characters in %q\n%q", m.Subject, m.Text)
		}
		for _, mark := range []string{"<script", "<img", "<table", "</body>"} {
			if strings.Count(m.HTML, mark) != strings.Count(plain.HTML, mark) {
				t.Errorf("the input made %s in\n%s", mark, m.HTML)
			}
		}
		if strings.Count(m.Text, "\n-- \n") != 1 || strings.Count(m.Text, "This was not me:\nhttps://portal.example.com/alarm/") != 1 {
			t.Errorf("the input made a line of its own in\n%s", m.Text)
		}
	})
}
