package mail_test

import (
	"net"
	"strings"
	"testing"
	"time"

	"portal"
	"portal/internal/store"
	"portal/internal/testkit"
	"portal/internal/testkit/house"
)

// A mail arrives over each way that there is, with both parts and the right
// link, and its letter is no longer kept.
func TestMailArrives(t *testing.T) {
	t.Parallel()
	server := testkit.SMTP(t)
	for name, address := range map[string]string{
		"TLS": server.TLS, "TLS and sign-in": withUser(server.TLS), "STARTTLS": server.STARTTLS,
		"STARTTLS and sign-in": withUser(server.STARTTLS), "plain": server.Plain,
	} {
		t.Run(name, func(t *testing.T) {
			p := newPost(t, house.New(t, ""), serverAt(t, address, server.CA))
			p.tell(t, p.User(t, p.in, portal.RoleUser, "wendy"), portal.Letter{Kind: portal.MailPasswordChanged})
			letter := p.Letters(t, "wendy")[0]
			p.deliver(t)
			sent := p.only(t, store.MailSent)
			if len(sent.Letter) != 0 {
				t.Error("the letter of a mail that was sent is still kept")
			}
			got := server.Next()
			if got.From != "portal@example.com" || got.To != "wendy@example.com" || got.Subject != "Your password was changed" {
				t.Errorf("the mail is %+v", got)
			}
			link := "https://portal.example.com/alarm/" + letter.Alarm
			if !strings.Contains(got.Text, link) || !strings.Contains(got.HTML, `href="`+link+`"`) {
				t.Errorf("no link %s in\n%s\n%s", link, got.Text, got.HTML)
			}
			if signedIn := strings.Contains(name, "sign-in"); signedIn != (got.SignedInAs == testkit.MailUser) {
				t.Errorf("signed in as %q", got.SignedInAs)
			}
			wantHeaders(t, got, sent)
		})
	}
}

func wantHeaders(t *testing.T, got testkit.Mail, sent store.Mail) {
	t.Helper()
	for header, want := range map[string]string{
		"From": `"Portal, the" <portal@example.com>`, "To": "<wendy@example.com>", "Message-ID": "<" + sent.ID + "@portal.example.com>",
		"Auto-Submitted": "auto-generated", "Date": house.Start().Format(time.RFC1123Z),
	} {
		if have := got.Header.Get(header); have != want {
			t.Errorf("%s: %s, want %s", header, have, want)
		}
	}
}

// What people are called makes no header and no line, also on the wire (IN-10).
func TestNamesMakeNoHeaders(t *testing.T) {
	t.Parallel()
	server := testkit.SMTP(t)
	p := newPost(t, house.New(t, ""), serverAt(t, server.TLS, server.CA))
	gary := p.User(t, p.in, portal.RoleAdministrator, "gary")
	for _, name := range []string{
		"Eve\r\nBcc: all@example.com\r\n\r\nHello", `Okafor, "Wendy" <w@evil.example>`, "Zoë 李小龍 " + strings.Repeat("long ", 30), ".\r\n.\r\nQUIT",
	} {
		gary.Name = name
		p.tell(t, gary, portal.Letter{Kind: portal.MailHelpAsked, About: name})
		p.deliver(t)
		got := server.Next()
		if len(got.Header["Bcc"]) != 0 || len(got.Header) != 9 || got.To != "gary@example.com" {
			t.Errorf("%q made the mail %+v", name, got.Header)
		}
		flat := strings.Join(strings.Fields(name), " ")
		if !strings.Contains(strings.Join(strings.Fields(got.Text), " "), "Hello "+flat+",") {
			t.Errorf("%q does not stand in\n%s", name, got.Text)
		}
		if begin := strings.TrimSpace(string([]rune(flat)[:min(len([]rune(flat)), 50)])); !strings.HasPrefix(got.Subject, begin) {
			t.Errorf("the subject is %q, the name %q", got.Subject, name)
		}
	}
}

// A batch goes over one connection. An address that nobody has is given up at
// once and told in the audit trail; what the server refuses for now is tried
// again; neither holds up the others.
func TestRefusedMails(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, p *post) {
		server := testkit.SMTP(t)
		p = p.through(t, serverAt(t, server.TLS, server.CA))
		for _, login := range []string{"nobody", "full", "slow", "wendy"} {
			p.tell(t, p.User(t, p.in, portal.RoleUser, login), portal.Letter{Kind: portal.MailPasswordChanged})
		}
		p.deliver(t)
		states := map[string]store.Mail{}
		for _, m := range p.mails(t) {
			states[m.Recipient] = m
		}
		for login, want := range map[string]store.MailState{"nobody": store.MailFailed, "full": store.MailWaiting, "slow": store.MailSent, "wendy": store.MailSent} {
			if m := states[login+"@example.com"]; m.State != want || m.Tries != 1 {
				t.Errorf("%s: %+v", login, m)
			}
		}
		if m := states["full@example.com"]; !strings.Contains(m.LastError, "mailbox is full") || m.NextTry.Sub(p.Clock.Now()) < 30*time.Second {
			t.Errorf("put off to %s because of %q", m.NextTry, m.LastError)
		}
		if failed := p.failures(t); len(failed) != 1 || failed[0].TargetLabel != "nobody@example.com" || failed[0].Outcome != portal.Failed ||
			failed[0].ActorKind != portal.ActorPortal || failed[0].Detail != string(portal.MailPasswordChanged) {
			t.Errorf("events: %+v", failed)
		}
		if got := server.Received(); len(got) != 2 || got[0].Connection != got[1].Connection {
			t.Errorf("arrived: %+v", got)
		}
		if log := p.log.String(); strings.Contains(log, "@") || strings.Count(log, "the server says 55") != 2 {
			t.Errorf("the log says\n%s", log)
		}
	})
}

// While the mail server is down mails are kept and tried again, less and less
// often; when it is back they arrive (LC-04, LG-10).
func TestServerDown(t *testing.T) {
	t.Parallel()
	server := testkit.SMTP(t)
	server.Kill()
	p := newPost(t, house.New(t, ""), serverAt(t, server.TLS, server.CA))
	p.tell(t, p.User(t, p.in, portal.RoleUser, "wendy"), portal.Letter{Kind: portal.MailPasswordChanged})
	for try, least := range []time.Duration{30 * time.Second, time.Minute, 2 * time.Minute, 4 * time.Minute} {
		p.deliver(t)
		p.deliver(t) // not due again yet
		m := p.only(t, store.MailWaiting)
		wait := m.NextTry.Sub(p.Clock.Now())
		if m.Tries != int64(try+1) || wait < least || wait > least*5/4 || !strings.Contains(m.LastError, "no way to the mail server") {
			t.Errorf("try %d: %d tries, next in %s, %q", try+1, m.Tries, wait, m.LastError)
		}
		p.Clock.Advance(wait)
	}
	server.Start()
	p.deliver(t)
	if got := server.Next(); got.To != "wendy@example.com" {
		t.Errorf("the mail went to %s", got.To)
	}
	p.only(t, store.MailSent)
}

// After three days a mail is given up, and the audit trail says so. The waits
// stop growing at an hour.
func TestGivenUpAfterThreeDays(t *testing.T) {
	t.Parallel()
	server := testkit.SMTP(t)
	server.Kill()
	onEach(t, func(t *testing.T, p *post) {
		p = p.through(t, serverAt(t, server.TLS, server.CA))
		p.tell(t, p.User(t, p.in, portal.RoleUser, "wendy"), portal.Letter{Kind: portal.MailPasswordChanged})
		written := p.Clock.Now()
		for p.mails(t)[0].State == store.MailWaiting {
			p.deliver(t)
			m := p.mails(t)[0]
			if wait := m.NextTry.Sub(p.Clock.Now()); m.State == store.MailWaiting && (wait <= 0 || wait > 75*time.Minute) {
				t.Fatalf("put off by %s", wait)
			}
			p.Clock.Advance(max(m.NextTry.Sub(p.Clock.Now()), time.Minute))
		}
		m := p.only(t, store.MailFailed)
		if after := p.Clock.Now().Sub(written); after < 72*time.Hour || after > 75*time.Hour || m.Tries < 50 {
			t.Errorf("given up after %s and %d tries", after, m.Tries)
		}
		if len(p.failures(t)) != 1 || len(m.Letter) == 0 {
			t.Errorf("events %+v, letter of %d bytes", p.failures(t), len(m.Letter))
		}
		if shown, err := p.Show(t.Context(), p.Host(), m.ID); err != nil || shown.To != "wendy@example.com" {
			t.Errorf("the operator reads %+v, %v", shown, err)
		}
	})
}

// A mail that was kept while there was no mail server has its tries before it,
// however old it is: a wrong address of the first server loses nothing.
func TestKeptMailsAreTriedAsOftenAsNewOnes(t *testing.T) {
	t.Parallel()
	server := testkit.SMTP(t)
	server.Kill()
	p := newPost(t, house.New(t, ""), serverAt(t, server.TLS, server.CA))
	p.tell(t, p.User(t, p.in, portal.RoleUser, "wendy"), portal.Letter{Kind: portal.MailPasswordChanged})
	p.Clock.Advance(20 * 24 * time.Hour)
	for since := p.Clock.Now(); p.Clock.Now().Sub(since) < 50*time.Hour; {
		p.deliver(t)
		p.Clock.Advance(p.only(t, store.MailWaiting).NextTry.Sub(p.Clock.Now()))
	}
	server.Start()
	p.deliver(t)
	server.Next()
	p.only(t, store.MailSent)
}

// A mail that has waited for 30 days is given up, with its event, where nobody
// is handing it over at the moment; the operator has as long again to read it.
// None is forgotten while it waits.
func TestKeptMailsAreGivenUp(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, p *post) {
		p.tell(t, p.User(t, p.in, portal.RoleUser, "wendy"), portal.Letter{Kind: portal.MailPasswordChanged})
		after := func(d time.Duration) {
			t.Helper()
			p.Clock.Advance(d)
			for what, err := range map[string]error{"forget": p.Auth.Forget(t.Context(), portal.Itself()), "give up": p.GiveUpKept(t.Context(), portal.Itself())} {
				if err != nil {
					t.Fatalf("%s: %v", what, err)
				}
			}
		}
		const kept = 30 * 24 * time.Hour
		after(kept - time.Second)
		p.only(t, store.MailWaiting)
		if _, err := p.Store.ClaimMails(t.Context(), 1, 10*time.Minute); err != nil {
			t.Fatal(err)
		}
		after(time.Second)
		p.only(t, store.MailWaiting) // somebody has it
		after(10 * time.Minute)
		m := p.only(t, store.MailFailed)
		if failed := p.failures(t); len(failed) != 1 || failed[0].TargetLabel != "wendy@example.com" || len(m.Letter) == 0 || m.LastError != "it has waited for 30 days" {
			t.Errorf("events %+v, the mail %+v", failed, m)
		}
		after(kept - time.Second)
		p.only(t, store.MailFailed)
		after(time.Second)
		if left := p.mails(t); len(left) != 0 {
			t.Errorf("still there: %+v", left)
		}
		if p.GiveUpKept(t.Context(), p.Host()) == nil {
			t.Error("the host gives up")
		}
	})
}

// A server that takes connections and says nothing costs its time limit, and
// no mail.
func TestSilentServer(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	server := testkit.SMTP(t)
	for _, scheme := range []string{"smtps", "smtp", "smtp+plain"} {
		t.Run(scheme, func(t *testing.T) {
			silent := serverAt(t, scheme+"://"+listener.Addr().String(), server.CA)
			silent.Timeout = 200 * time.Millisecond
			p := newPost(t, house.New(t, ""), silent)
			p.tell(t, p.User(t, p.in, portal.RoleUser, "wendy"), portal.Letter{Kind: portal.MailPasswordChanged})
			p.deliver(t)
			if m := p.only(t, store.MailWaiting); m.LastError == "" {
				t.Errorf("nothing is noted: %+v", m)
			}
			p.Clock.Advance(time.Minute)
			p.through(t, serverAt(t, server.TLS, server.CA)).deliver(t)
			server.Next()
			p.only(t, store.MailSent)
		})
	}
}

// Nothing is said to a server that cannot prove who it is, or that offers no
// way to be alone with it (CO-02).
func TestUnprovenServer(t *testing.T) {
	t.Parallel()
	server, other := testkit.SMTP(t), testkit.SMTP(t)
	system := serverAt(t, server.TLS, server.CA)
	system.Roots = nil
	foreign := serverAt(t, withUser(server.TLS), other.CA)
	foreignStart := serverAt(t, withUser(server.STARTTLS), other.CA)
	misnamed := serverAt(t, strings.Replace(server.TLS, "localhost", "127.0.0.1", 1), server.CA)
	bare := serverAt(t, strings.Replace(server.Plain, "smtp+plain", "smtp", 1), server.CA)
	p := newPost(t, house.New(t, ""), system)
	wendy := p.User(t, p.in, portal.RoleUser, "wendy")
	p.tell(t, wendy, portal.Letter{Kind: portal.MailPasswordChanged})
	for says, s := range map[string]*post{
		"certificate signed by unknown authority": p, "unknown authority": p.through(t, foreign),
		"tls: failed to verify": p.through(t, foreignStart), "cannot validate certificate for 127.0.0.1": p.through(t, misnamed), "STARTTLS": p.through(t, bare),
	} {
		s.deliver(t)
		m := p.only(t, store.MailWaiting)
		if !strings.Contains(m.LastError, says) {
			t.Errorf("noted is %q, want %q", m.LastError, says)
		}
		p.Clock.Advance(2 * time.Hour)
	}
	if got := server.Received(); len(got) != 0 {
		t.Errorf("sent all the same: %+v", got)
	}
}

// A wrong password is the operator's to mend; mails wait for that.
func TestWrongMailPassword(t *testing.T) {
	t.Parallel()
	server := testkit.SMTP(t)
	wrong := serverAt(t, withUser(server.TLS), server.CA)
	wrong.Password = "no"
	p := newPost(t, house.New(t, ""), wrong)
	p.tell(t, p.User(t, p.in, portal.RoleUser, "wendy"), portal.Letter{Kind: portal.MailPasswordChanged})
	p.deliver(t)
	if m := p.only(t, store.MailWaiting); !strings.Contains(m.LastError, "AUTH") || strings.Contains(p.log.String(), testkit.MailPassword) {
		t.Errorf("noted is %q", m.LastError)
	}
}

// Several nodes that deliver at once send each mail once.
func TestNodesShareTheMails(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, p *post) {
		server := testkit.SMTP(t)
		p = p.through(t, serverAt(t, server.TLS, server.CA))
		wendy := p.User(t, p.in, portal.RoleUser, "wendy")
		const mails = 30
		for range mails {
			p.tell(t, wendy, portal.Letter{Kind: portal.MailAccountChanged})
		}
		house.AtOnce(4, func(int) {
			if err := p.Deliver(t.Context(), portal.Itself()); err != nil && portal.ErrorCode(err) != portal.CodeUnavailable {
				t.Error(err)
			}
		})
		p.deliver(t)
		seen := map[string]bool{}
		for _, m := range server.Received() {
			seen[m.Header.Get("Message-ID")] = true
		}
		if len(seen) != mails || len(server.Received()) != mails {
			t.Errorf("%d mails arrived, %d of them different; want %d", len(server.Received()), len(seen), mails)
		}
	})
}

// A letter that cannot be read, as after a restore with the wrong keys, is told
// in the log and stays; with the right keys it goes out.
func TestUnreadableLetter(t *testing.T) {
	t.Parallel()
	server := testkit.SMTP(t)
	p := newPost(t, house.New(t, ""), serverAt(t, server.TLS, server.CA))
	wendy := p.User(t, p.in, portal.RoleUser, "wendy")
	p.tell(t, wendy, portal.Letter{Kind: portal.MailPasswordChanged})
	wrong := *p
	wrong.House = p.Rekeyed()
	for range 100 {
		wrong.through(t, serverAt(t, server.TLS, server.CA)).deliver(t)
		p.Clock.Advance(time.Hour)
	}
	if m := p.only(t, store.MailWaiting); m.LastError != "the letter cannot be read" || !strings.Contains(p.log.String(), "level=ERROR") {
		t.Errorf("the mail is %+v\n%s", m, p.log)
	}
	server.Kill()
	p.deliver(t)
	p.Clock.Advance(p.only(t, store.MailWaiting).NextTry.Sub(p.Clock.Now())) // none of these looks was a try
	server.Start()
	p.deliver(t)
	server.Next()
	p.only(t, store.MailSent)
}

// A mail whose link has run out on the way is not sent: it would only annoy.
func TestLinksThatRanOut(t *testing.T) {
	t.Parallel()
	server := testkit.SMTP(t)
	p := newPost(t, house.New(t, ""), serverAt(t, server.TLS, server.CA))
	wendy := p.User(t, p.in, portal.RoleUser, "wendy")
	p.tell(t, wendy, portal.Letter{Kind: portal.MailReset, Token: "T", Until: p.Clock.Now().Add(30 * time.Minute)})
	p.Clock.Advance(30 * time.Minute)
	p.deliver(t)
	if m := p.only(t, store.MailFailed); m.LastError != "its link has run out" || len(p.failures(t)) != 1 || len(server.Received()) != 0 {
		t.Errorf("the mail is %+v", m)
	}
}

// Only the host reads mails, and only the portal itself sends them; what is
// asked for has to be there still.
func TestWhoMayDoWhatWithMails(t *testing.T) {
	t.Parallel()
	server := testkit.SMTP(t)
	p := newPost(t, house.New(t, ""), serverAt(t, server.TLS, server.CA))
	gary := p.User(t, p.in, portal.RoleAdministrator, "gary")
	p.tell(t, gary, portal.Letter{Kind: portal.MailPasswordChanged})
	m := p.only(t, store.MailWaiting)
	for name, actor := range map[string]portal.Actor{
		"stranger": portal.Stranger(house.Origin()), "administrator": p.Person(t, "gary").Actor(), "portal": portal.Itself(),
	} {
		if _, err := p.Show(t.Context(), actor, m.ID); err == nil {
			t.Errorf("%s reads a mail", name)
		}
		if err := p.List(t.Context(), actor, true, func(store.Mail) error { return nil }); err == nil {
			t.Errorf("%s lists mails", name)
		}
	}
	if err := p.Deliver(t.Context(), p.Host()); err == nil {
		t.Error("the host delivers")
	}
	p.deliver(t)
	if _, err := p.Show(t.Context(), p.Host(), m.ID); portal.ErrorCode(err) != portal.CodeConflict {
		t.Errorf("a mail that was sent: %v", err)
	}
	listed := 0
	for _, all := range []bool{false, true} {
		if err := p.List(t.Context(), p.Host(), all, func(store.Mail) error { listed++; return nil }); err != nil {
			t.Error(err)
		}
	}
	if listed != 1 {
		t.Errorf("a mail that was sent is listed %d times, want once", listed)
	}
}
