package main

import (
	"regexp"
	"strings"
	"testing"

	"portal"
	"portal/internal/store"
)

// letter is a mail as the operator reads it.
type letter struct{ ID, To, Subject, Text string }

// mails reads all mails that wait in the outbox, oldest first, over the command
// line.
func (in *installation) mails(t testing.TB) []letter {
	t.Helper()
	var all []letter
	for line := range strings.Lines(in.Run("", "mail", "list")) {
		if id, _, _ := strings.Cut(line, " "); id != "ID" {
			all = append(all, letter{ID: id})
		}
	}
	if len(all) == 0 {
		return nil
	}
	show := []string{"mail", "show"}
	for _, l := range all {
		show = append(show, l.ID)
	}
	text := in.Run("", show...)
	shown := regexp.MustCompile(`(?s)^Mail (\S+)\nTo: (.*?)\nSubject: (.*?)\n\n(.*)$`)
	for i := range all {
		next := len(text)
		if i+1 < len(all) {
			next = strings.Index(text, "Mail "+all[i+1].ID+"\n")
		}
		found := shown.FindStringSubmatch(text[:next])
		if found == nil {
			t.Fatalf("no mail in\n%s", text)
		}
		all[i], text = letter{found[1], found[2], found[3], found[4]}, text[next:]
	}
	return all
}

// mailsTo are the mails that wait for an address.
func (in *installation) mailsTo(t testing.TB, address string) []letter {
	t.Helper()
	var all []letter
	for _, l := range in.mails(t) {
		if l.To == address {
			all = append(all, l)
		}
	}
	return all
}

// link finds a link in a mail: its path and what follows ("/link/" or
// "/alarm/").
func (l letter) link(t testing.TB, kind string) string {
	t.Helper()
	found := regexp.MustCompile(`https?://[^/\s]+(` + kind + `\S+)`).FindStringSubmatch(l.Text)
	if found == nil {
		t.Fatalf("no link %s in\n%s", kind, l.Text)
	}
	return found[1]
}

// tell puts a letter with a link "this was not me" into the outbox, as a change
// of the user's account does.
func (in *installation) tell(t testing.TB, login string, l portal.Letter) {
	t.Helper()
	c := cli{Data: in.Data, Database: in.Database}
	err := c.onData(t.Context(), world{Err: t.Output(), Now: in.Now}, func(s *services) error {
		actor, user, err := s.admin.Find(t.Context(), host(), login)
		if err != nil {
			return err
		}
		return s.store.Write(t.Context(), user.CustomerID, func(tx *store.Tx) error {
			if err := s.auth.TellWithAlarm(t.Context(), tx, actor, user, l); err != nil {
				return err
			}
			return tx.Record(t.Context(), actor.Did(portal.UserEdited).On(user))
		})
	})
	must(t, err)
}

// Without a mail server mails are kept, and the operator reads them on the
// host; that somebody did stands in the audit trail.
func TestMailsAreKeptWithoutAServer(t *testing.T) {
	t.Parallel()
	in := install(t)
	s := in.Serve()
	in.Run("", "customer", "add", "Acme")
	ada := s.join("Acme", "administrator", "ada")
	s.join("Acme", "user", "wendy")
	in.tell(t, "wendy", portal.Letter{Kind: portal.MailPasswordChanged})
	in.tell(t, "ada", portal.Letter{Kind: portal.MailFactorEnabled})

	mails := in.mailsTo(t, "wendy@example.com")
	if len(mails) != 1 || mails[0].Subject != "Your password was changed" {
		t.Fatalf("mails: %+v", mails)
	}
	if link := mails[0].link(t, "/alarm/"); len(link) < len("/alarm/")+22 {
		t.Errorf("the link is %s", link)
	}
	wantLine(t, in.Run("", "mail", "list"), `\S+ +\S+ \S+ UTC +waiting +0 +ada@example.com +2fa enabled`)
	if _, says, code := in.Try("", "mail", "show", "nix"); code != 1 || !strings.Contains(says, "There is no mail nix") {
		t.Errorf("exit %d, %q", code, says)
	}
	ada.signIn()
	if audit := visible(ada.Get("/administration/audit").want(t, 200).Body); !strings.Contains(audit, "Mail read on the host") {
		t.Errorf("the audit trail does not tell that a mail was read:\n%s", audit)
	}
}
