package mail

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"net/textproto"
	"net/url"
	"strconv"
	"time"

	smtp "github.com/wneessen/go-mail"
)

// security is how a connection to the mail server is kept from others.
type security int

const (
	implicitTLS security = iota
	startTLS             // mandatory: without it nothing is sent
	plainText            // on this machine only
)

// Server is the mail server that mails go out by.
type Server struct {
	Host string
	Port int
	User string // empty: no sign-in
	From netmail.Address
	// Password belongs to User.
	Password string
	// Roots vouch for the server's certificate; nil means the system's.
	Roots *x509.CertPool
	// Timeout bounds the way to the server, and each mail on it.
	Timeout time.Duration

	security security
}

// ParseServer reads the address of a mail server: smtps://user@host:465 (TLS
// from the start), smtp://user@host:587 (STARTTLS, mandatory) or, for a server
// on this machine, smtp+plain://127.0.0.1:25.
func ParseServer(address string) (*Server, error) {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || u.Path != "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("this is not the address of a mail server; it looks like smtps://user@mail.example.com:465")
	}
	if _, has := u.User.Password(); has {
		return nil, errors.New("the password does not belong into the address of the mail server, where others can read it; use PORTAL_SMTP_PASSWORD_FILE")
	}
	s := &Server{Host: u.Hostname(), User: u.User.Username()}
	usual := map[string]int{"smtps": 465, "smtp": 587, "smtp+plain": 25}
	s.security = map[string]security{"smtps": implicitTLS, "smtp": startTLS, "smtp+plain": plainText}[u.Scheme]
	if s.Port = usual[u.Scheme]; s.Port == 0 {
		return nil, fmt.Errorf("%s is no way to a mail server: use smtps (TLS) or smtp (STARTTLS)", u.Scheme)
	}
	if u.Port() != "" {
		if s.Port, err = strconv.Atoi(u.Port()); err != nil {
			return nil, fmt.Errorf("%s is no port", u.Port())
		}
	}
	return s, s.checkPlain()
}

// checkPlain refuses to send in the clear to another machine (CO-02).
func (s *Server) checkPlain() error {
	if s.security != plainText {
		return nil
	}
	if ip := net.ParseIP(s.Host); s.Host != "localhost" && !(ip != nil && ip.IsLoopback()) {
		return errors.New("smtp+plain sends mails in the clear and is for a mail server on this machine; use smtps or smtp")
	}
	if s.User != "" {
		return errors.New("smtp+plain sends no password; leave the user out or use smtps")
	}
	return nil
}

// String is the server's address without anything secret.
func (s *Server) String() string {
	if s == nil {
		return "none, mails are kept"
	}
	return net.JoinHostPort(s.Host, strconv.Itoa(s.Port))
}

// wire is one connection to the mail server.
type wire struct {
	client *smtp.Client
	conn   net.Conn
	ended  chan struct{}
}

// farewell is how long a mail that is under way may take when the portal stops.
const farewell = 5 * time.Second

// dial connects, up to the point where mails can be handed over. A server whose
// certificate nobody vouches for is left before it is told anything.
func (s *Server) dial(ctx context.Context, helo string) (*wire, error) {
	w := &wire{ended: make(chan struct{})}
	client, err := smtp.NewClient(s.Host, s.options(ctx, helo, w)...)
	if err != nil {
		return nil, err
	}
	w.client = client
	if err := client.DialWithContext(ctx); err != nil {
		w.hangUp()
		return nil, err
	}
	return w, nil
}

// What Probe may find, besides a server that cannot be reached.
var (
	// ErrUnproven says that nobody vouches for the server's certificate.
	ErrUnproven = errors.New("the mail server does not prove who it is")
	// ErrSignIn says that the server does not take user and password.
	ErrSignIn = errors.New("the mail server refuses the sign-in")
)

// Probe goes the way of a mail up to the moment before one is handed over:
// connection, TLS, greeting, sign-in.
func (s *Server) Probe(ctx context.Context, helo string) error {
	w, err := s.dial(ctx, helo)
	if err == nil {
		w.hangUp()
		return nil
	}
	var certificate *tls.CertificateVerificationError
	var reply *textproto.Error
	switch {
	case errors.As(err, &certificate):
		return fmt.Errorf("%w: %w", ErrUnproven, err)
	case errors.As(err, &reply) && refusesSignIn[reply.Code]:
		return fmt.Errorf("%w: %w", ErrSignIn, err)
	}
	return err
}

// refusesSignIn are the replies of RFC 4954 to an AUTH that fails.
var refusesSignIn = map[int]bool{432: true, 454: true, 500: true, 530: true, 534: true, 535: true, 538: true}

func (s *Server) options(ctx context.Context, helo string, w *wire) []smtp.Option {
	secure := &tls.Config{ServerName: s.Host, RootCAs: s.Roots, MinVersion: tls.VersionTLS12}
	connect := (&net.Dialer{}).DialContext
	policy := smtp.NoTLS
	switch s.security {
	case implicitTLS:
		connect = (&tls.Dialer{Config: secure}).DialContext
	case startTLS:
		policy = smtp.TLSMandatory
	}
	options := []smtp.Option{
		smtp.WithPort(s.Port), smtp.WithTimeout(s.Timeout), smtp.WithHELO(helo), smtp.WithTLSPolicy(policy), smtp.WithTLSConfig(secure),
		smtp.WithDialContextFunc(func(dialing context.Context, network, address string) (net.Conn, error) {
			conn, err := connect(dialing, network, address)
			if err == nil {
				w.conn = conn
				go w.watch(ctx)
			}
			return conn, err
		}),
	}
	if s.User != "" {
		options = append(options, smtp.WithUsername(s.User), smtp.WithPassword(s.Password),
			smtp.WithOpportunisticSMTPAuth(smtp.SMTPAuthSCRAMSHA256, smtp.SMTPAuthPlain, smtp.SMTPAuthLogin))
	}
	return options
}

// watch cuts the connection when the context has ended and the mail under way
// had its time.
func (w *wire) watch(ctx context.Context) {
	select {
	case <-w.ended:
		return
	case <-ctx.Done():
	}
	select {
	case <-w.ended:
	case <-time.After(farewell):
		_ = w.conn.Close() // what is under way sees it
	}
}

// hangUp ends the connection, politely where the server still answers.
func (w *wire) hangUp() {
	close(w.ended)
	if w.conn == nil {
		return
	}
	_ = w.client.Close() // a server that does not answer is left all the same
	_ = w.conn.Close()
}
