package main

import (
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	netmail "net/mail"
	"net/url"
	"os"
	"strings"
	"time"

	"portal/internal/mail"
	"portal/internal/seal"
)

// smtpFlags say how mails go out.
type smtpFlags struct {
	SMTPURL     string        `name:"smtp-url" help:"The mail server: smtps://user@host:465 (TLS), smtp://user@host:587 (STARTTLS), or smtp+plain://127.0.0.1:25 for one on this machine. Without it mails are kept; see portal mail list. The password comes from PORTAL_SMTP_PASSWORD or from the file that PORTAL_SMTP_PASSWORD_FILE names." env:"PORTAL_SMTP_URL" placeholder:"URL"`
	SMTPFrom    string        `name:"smtp-from" help:"The sender of mails, for example \"Northwind Portal <portal@example.com>\"." env:"PORTAL_SMTP_FROM" placeholder:"ADDRESS"`
	SMTPCA      string        `name:"smtp-ca" help:"File with the certificates (PEM) that vouch for the mail server, in place of the system's." env:"PORTAL_SMTP_CA" placeholder:"FILE"`
	SMTPTimeout time.Duration `name:"smtp-timeout" help:"How long the mail server may take to answer, and for each mail; one minute at most." default:"30s" env:"PORTAL_SMTP_TIMEOUT" placeholder:"TIME"`
}

// openPost makes the way to the mail server of the flags.
func (f smtpFlags) openPost(s *services, base *url.URL, w world, log *slog.Logger) error {
	server, err := f.server(w)
	s.post = mail.New(mail.Config{Store: s.store, Ring: s.ring, BaseURL: base, Server: server, Now: w.Now, Log: log, Meter: s.meter})
	return err
}

// server is the mail server of the flags; nil where there is none.
func (f smtpFlags) server(w world) (*mail.Server, error) {
	if f.SMTPURL == "" {
		return nil, nil
	}
	s, err := mail.ParseServer(f.SMTPURL)
	if err != nil {
		return nil, fmt.Errorf("--smtp-url: %w", err)
	}
	from, err := netmail.ParseAddress(f.SMTPFrom)
	if err != nil {
		return nil, errors.New("--smtp-from: say who mails come from, for example portal@example.com")
	}
	if f.SMTPTimeout <= 0 || f.SMTPTimeout > mail.MaxTimeout {
		return nil, fmt.Errorf("--smtp-timeout: use a time up to %s", mail.MaxTimeout)
	}
	s.From, s.Timeout = *from, f.SMTPTimeout
	if s.Password, err = smtpPassword(w); err != nil {
		return nil, err
	}
	if (s.User == "") != (s.Password == "") {
		return nil, errors.New("the mail server needs both or neither: a user in --smtp-url, and a password in PORTAL_SMTP_PASSWORD_FILE")
	}
	s.Roots, err = f.roots()
	return s, err
}

// smtpPassword reads the password from the environment, or from a file that
// nobody else may read (CF-01).
func smtpPassword(w world) (string, error) {
	path := w.Getenv("PORTAL_SMTP_PASSWORD_FILE")
	if path == "" {
		return w.Getenv("PORTAL_SMTP_PASSWORD"), nil
	}
	text, err := w.private(path)
	if errors.Is(err, seal.ErrFileMode) {
		return "", fmt.Errorf("PORTAL_SMTP_PASSWORD_FILE: %w. Other users of this machine can read it; run chmod 600 on it", err)
	}
	if err != nil {
		return "", fmt.Errorf("PORTAL_SMTP_PASSWORD_FILE: %w", err)
	}
	return strings.TrimRight(string(text), "\r\n"), nil
}

func (f smtpFlags) roots() (*x509.CertPool, error) {
	if f.SMTPCA == "" {
		return nil, nil
	}
	text, err := os.ReadFile(f.SMTPCA)
	if err != nil {
		return nil, fmt.Errorf("--smtp-ca: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("--smtp-ca: %s holds no certificate (PEM)", f.SMTPCA)
	}
	return pool, nil
}
