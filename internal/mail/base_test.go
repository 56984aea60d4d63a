package mail_test

import (
	"bytes"
	"crypto/x509"
	"log/slog"
	netmail "net/mail"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"portal"
	"portal/internal/mail"
	"portal/internal/store"
	"portal/internal/testkit"
	"portal/internal/testkit/house"
)

// post is an outbox with a way to a mail server.
type post struct {
	*house.House
	*mail.Service
	in  portal.Actor // the host, in the customer whose people get mail
	log *log
}

// log keeps what is logged.
type log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// onEach runs a test on every database.
func onEach(t *testing.T, test func(*testing.T, *post)) {
	t.Helper()
	house.OnEach(t, func(t *testing.T, h *house.House) { test(t, newPost(t, h, nil)) })
}

func newPost(t testing.TB, h *house.House, server *mail.Server) *post {
	t.Helper()
	p := &post{House: h, in: h.Customer(t, "Acme"), log: &log{}}
	return p.through(t, server)
}

// through is the same outbox with another way to a mail server.
func (p *post) through(t testing.TB, server *mail.Server) *post {
	t.Helper()
	base, err := url.Parse("https://portal.example.com")
	if err != nil {
		t.Fatal(err)
	}
	other := *p
	other.Service = mail.New(mail.Config{
		Store: p.Store, Ring: p.Ring, BaseURL: base, Server: server, Now: p.Clock.Now,
		Log: slog.New(slog.NewTextHandler(p.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	return &other
}

// serverAt is the mail server at an address, whose certificate the authority in
// the file vouches for.
func serverAt(t testing.TB, address, ca string) *mail.Server {
	t.Helper()
	s, err := mail.ParseServer(address)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(ca)
	if err != nil {
		t.Fatal(err)
	}
	s.Roots = x509.NewCertPool()
	s.Roots.AppendCertsFromPEM(text)
	s.From = netmail.Address{Name: "Portal, the", Address: "portal@example.com"}
	s.Timeout = 30 * time.Second
	if s.User != "" {
		s.Password = testkit.MailPassword
	}
	return s
}

// tell puts a letter to a user into the outbox.
func (p *post) tell(t testing.TB, user portal.User, l portal.Letter) {
	t.Helper()
	err := p.Store.Write(t.Context(), p.in.CustomerID, func(tx *store.Tx) error {
		if err := p.Auth.TellWithAlarm(t.Context(), tx, p.in, user, l); err != nil {
			return err
		}
		return tx.Record(t.Context(), p.in.Did(portal.UserEdited))
	})
	if err != nil {
		t.Fatal(err)
	}
}

// deliver lets the job run once.
func (p *post) deliver(t testing.TB) {
	t.Helper()
	if err := p.Deliver(t.Context(), portal.Itself()); err != nil {
		t.Fatal(err)
	}
}

// mails are the rows of the outbox.
func (p *post) mails(t testing.TB) []store.Mail {
	t.Helper()
	all, err := p.Store.Mails(t.Context(), "", 1000)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// only is the one row of the outbox; it has to be in this state.
func (p *post) only(t testing.TB, state store.MailState) store.Mail {
	t.Helper()
	all := p.mails(t)
	if len(all) != 1 || all[0].State != state {
		t.Fatalf("the outbox: %+v, want one mail that is %s\n%s", all, state, p.log)
	}
	return all[0]
}

// failures are the events of mails that were given up.
func (p *post) failures(t testing.TB) []portal.Event {
	t.Helper()
	events, err := p.Store.View(p.in.CustomerID).Events(t.Context(), store.EventQuery{Action: portal.MailFailed, Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	return events
}

// withUser puts the user into the address of a mail server.
func withUser(address string) string {
	return strings.Replace(address, "://", "://"+testkit.MailUser+"@", 1)
}
