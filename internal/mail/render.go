package mail

import (
	_ "embed"
	"html/template"
	"strings"
	"unicode/utf8"
)

// alarmText says what the link of "this was not me" does; both parts have it.
const (
	alarmHead = "This was not me"
	alarmText = "Was this not you? Open this page and confirm it there: all sessions of the account end, and it stays frozen until an administrator or a recovery code opens it."
)

// width is how long a line of plain text gets.
const width = 72

// plain sets a sheet as plain text.
func plain(sh sheet) string {
	var b strings.Builder
	blocks := append([]string{sh.Greeting}, sh.Said...)
	if sh.Link != "" {
		blocks = append(blocks, sh.Button+":\n"+sh.Link)
	}
	if sh.LinkNote != "" {
		blocks = append(blocks, sh.LinkNote)
	}
	facts := len(blocks)
	blocks = append(blocks, table(sh.Facts))
	blocks = append(blocks, sh.Advice...)
	if sh.Alarm != "" {
		blocks = append(blocks, alarmText, alarmHead+":\n"+sh.Alarm)
	}
	for i, block := range blocks {
		indent := ""
		if i == facts { // what was typed begins no line
			indent = "  "
		}
		b.WriteString(wrap(block, indent) + "\n\n")
	}
	b.WriteString("-- \n" + wrap(strings.Join(sh.Foot, " "), "") + "\n" + sh.Base + "\n")
	return b.String()
}

func table(facts []fact) string {
	lines := make([]string, len(facts))
	for i, f := range facts {
		lines[i] = f.Label + ": " + f.Value
	}
	return strings.Join(lines, "\n")
}

// wrap breaks lines between words, never inside one: a link stays whole. What
// goes on in the next line is indented.
func wrap(text, indent string) string {
	var b strings.Builder
	for n, line := range strings.Split(text, "\n") {
		if n > 0 {
			b.WriteByte('\n')
		}
		used := 0
		for _, word := range strings.Fields(line) {
			long := utf8.RuneCountInString(word)
			switch {
			case used > 0 && used+1+long > width:
				b.WriteString("\n" + indent)
				used = len(indent)
			case used > 0:
				b.WriteByte(' ')
				used++
			}
			b.WriteString(word)
			used += long
		}
	}
	return b.String()
}

//go:embed letter.html
var letterHTML string

// letterTemplate is the HTML part of every mail.
var letterTemplate = template.Must(template.New("letter").Parse(letterHTML))

// markup sets a sheet as HTML.
func markup(sh sheet) string {
	var b strings.Builder
	shown := struct {
		sheet
		AlarmHead, AlarmText string
	}{sh, alarmHead, alarmText}
	if err := letterTemplate.Execute(&b, shown); err != nil {
		panic("mail: the letter's template: " + err.Error())
	}
	return b.String()
}
