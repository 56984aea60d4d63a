package main

import (
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"portal"
	"portal/internal/testkit"
)

// throughMail is the flags that let mails go out by a mail server.
func throughMail(server *testkit.MailServer) []string {
	return []string{"--smtp-url", server.TLS, "--smtp-from", "Portal <portal@example.com>", "--smtp-ca", server.CA}
}

// linkIn finds a link in a mail that has arrived.
func linkIn(t testing.TB, m testkit.Mail, kind string) string {
	t.Helper()
	return letter{Text: m.Text}.link(t, kind)
}

// An invitation arrives by mail, and its link leads to the account.
func TestInvitedByMail(t *testing.T) {
	t.Parallel()
	post := testkit.SMTP(t)
	s := install(t).Serve(throughMail(post)...)
	s.Run("", "customer", "add", "Acme")
	s.Run("", "user", "add", "--customer", "Acme", "--name", "Ada", "--email", "ada@example.com", "ada")
	mail := post.Next()
	if mail.To != "ada@example.com" || mail.Subject != "Your account at Acme" || !strings.Contains(mail.HTML, s.Base+"/link/") {
		t.Fatalf("the mail is %+v", mail)
	}
	ada := s.person("ada")
	ada.Get(linkIn(t, mail, "/link/")).wantRedirect(t, "/invitation")
	ada.Submit("/invitation", "new_password", goodPassword).want(t, http.StatusSeeOther)
	ada.signIn()
	if strings.Contains(s.Log(), linkIn(t, mail, "/link/")) || strings.Contains(s.Log(), "mails are kept") {
		t.Errorf("the log says\n%s", s.Log())
	}
}

// wantTried waits until the delivery of a mail has begun.
func (in *installation) wantTried(t testing.TB, kind portal.MailKind) {
	t.Helper()
	for {
		for line := range strings.Lines(in.Run("", "mail", "list")) {
			if fields := strings.Fields(line); strings.Contains(line, string(kind)) && fields[5] != "0" {
				return
			}
		}
		if t.Context().Err() != nil {
			t.Fatal("no mail was tried")
		}
	}
}

// A portal that is killed while it hands a mail over has lost nothing: after
// the next start the mail arrives (LC-04).
func TestKilledWhileDelivering(t *testing.T) {
	t.Parallel()
	post := testkit.SMTP(t)
	in := install(t)
	s := in.Serve(throughMail(post)...)
	in.Run("", "customer", "add", "Acme")
	s.join("Acme", "user", "wendy")
	post.Hang()
	in.tell(t, "wendy", portal.Letter{Kind: portal.MailPasswordChanged})
	in.wantTried(t, portal.MailPasswordChanged)
	s.Kill()
	post.Resume()
	in.Serve(throughMail(post)...)
	in.Advance(15 * time.Minute) // the claim of the killed one has to end
	if mail := post.Next(); mail.To != "wendy@example.com" || mail.Subject != "Your password was changed" {
		t.Errorf("the mail is %+v", mail)
	}
}

// connectedTo are the far ends of the connections that the server has opened,
// as Linux tells them (CF-05).
func (s *server) connectedTo(t testing.TB) []string {
	t.Helper()
	proc := filepath.Join("/proc", strconv.Itoa(s.cmd.Process.Pid))
	files, err := filepath.Glob(filepath.Join(proc, "fd", "*"))
	must(t, err)
	own := map[string]bool{}
	for _, file := range files {
		if inode, err := os.Readlink(file); err == nil { // it may be closed already
			own[inode] = true
		}
	}
	_, listening, _ := net.SplitHostPort(s.listen)
	var far []string
	for _, table := range []string{"tcp", "tcp6"} {
		text, err := os.ReadFile(filepath.Join(proc, "net", table))
		must(t, err)
		for line := range strings.Lines(string(text)) {
			fields := strings.Fields(line)
			if !own["socket:["+fields[9]+"]"] || portOf(t, fields[1]) == listening {
				continue
			}
			far = append(far, fields[2][:strings.Index(fields[2], ":")]+":"+portOf(t, fields[2]))
		}
	}
	return far
}

// portOf reads the port of an address in Linux's tables: hexadecimal.
func portOf(t testing.TB, address string) string {
	t.Helper()
	_, port, _ := strings.Cut(address, ":")
	n, err := strconv.ParseUint(port, 16, 16)
	must(t, err)
	return strconv.FormatUint(n, 10)
}

// A mail server that takes connections and says nothing holds up no page, no
// other job and no stop; what waited arrives once it talks again (LG-10).
func TestHangingMailServerHoldsUpNothing(t *testing.T) {
	t.Parallel()
	post := testkit.SMTP(t)
	in := install(t)
	s := in.Serve(throughMail(post)...)
	in.Run("", "customer", "add", "Acme")
	wendy := s.join("Acme", "user", "wendy")
	post.Hang()
	in.tell(t, "wendy", portal.Letter{Kind: portal.MailPasswordChanged})
	in.wantTried(t, portal.MailPasswordChanged)
	var to []string
	for len(to) == 0 && t.Context().Err() == nil {
		to = s.connectedTo(t)
	}
	if want := post.TLS[strings.LastIndex(post.TLS, ":"):]; len(to) != 1 || !strings.HasSuffix(to[0], want) {
		t.Errorf("connected to %v, want nothing but the mail server at %s", to, want)
	}

	wendy.signIn()
	wendy.enable() // tells it, too
	s.person("wendy").Post("/forgot-password", "login_id", "wendy").wantRedirect(t, "/forgot-password/sent")
	for !strings.Contains(in.Run("", "mail", "list"), string(portal.MailReset)) { // the job beside has answered
		if t.Context().Err() != nil {
			t.Fatal("another job does not run")
		}
	}
	s.Stop()

	post.Resume()
	in.Serve(throughMail(post)...)
	in.Advance(15 * time.Minute)
	got := map[string]bool{}
	for !got["Your password was changed"] || !got["Two-factor authentication is on"] || !got["Set a new password"] {
		got[post.Next().Subject] = true
	}
}
