package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"sync"
	"time"

	"portal"
	"portal/internal/web"
)

// transport says how requests come to the portal: over its own TLS, or through
// a proxy that has a name here.
type transport struct {
	TLSCert       string   `help:"File with the certificate and its chain (PEM). Read again when it changes." env:"PORTAL_TLS_CERT" placeholder:"FILE"`
	TLSKey        string   `help:"File with the key of the certificate (PEM), readable by this user only." env:"PORTAL_TLS_KEY" placeholder:"FILE"`
	ACME          bool     `help:"Get a certificate for the host of --base-url by ACME and renew it. Agrees to the terms of the certificate authority." env:"PORTAL_ACME"`
	ACMEEmail     string   `name:"acme-email" help:"Where the certificate authority writes to." env:"PORTAL_ACME_EMAIL" placeholder:"ADDRESS"`
	ACMEDirectory string   `name:"acme-directory" help:"The certificate authority, https://…; without it Let's Encrypt." env:"PORTAL_ACME_DIRECTORY" placeholder:"URL"`
	ACMECA        string   `name:"acme-ca" help:"File with the roots to trust the certificate authority by (PEM), where it is a private one." env:"PORTAL_ACME_CA" placeholder:"FILE"`
	ListenHTTP    string   `help:"Address for plain HTTP beside TLS: pages are sent on to --base-url, everything else is refused." env:"PORTAL_LISTEN_HTTP" placeholder:"ADDRESS"`
	Proxy         []string `help:"Addresses or networks of proxies whose X-Forwarded-For and X-Forwarded-Proto count." env:"PORTAL_PROXY" placeholder:"ADDRESS"`
}

// fits refuses combinations that would let secrets travel in clear, or promise
// what nothing keeps (CF-06, CO-01, CO-03).
func (t *transport) fits(base *url.URL, listening net.Addr) error {
	if t.ends() {
		return t.fitsTLS(base)
	}
	address, _ := listening.(*net.TCPAddr)
	switch {
	case t.namesAuthority():
		return errAuthorityOfNothing
	case t.TLSKey != "":
		return errKeyWithoutCertificate
	case t.ListenHTTP != "":
		return errors.New("--listen-http is for plain HTTP beside TLS; without --tls-cert or --acme use --listen")
	case base.Scheme == "http" && !address.IP.IsLoopback():
		return fmt.Errorf("%s is for this machine only, but %s takes plain HTTP from other machines: listen on 127.0.0.1, or say with --base-url https://… how they reach the portal", base, listening)
	case len(t.Proxy) == 0 && base.Scheme == "https" && !address.IP.IsLoopback():
		return fmt.Errorf("%s promises encryption, but %s takes plain HTTP from everybody: give a certificate (--tls-cert and --tls-key, or --acme), or name the proxy in front with --proxy", base, listening)
	}
	return nil
}

var (
	errKeyWithoutCertificate = errors.New("--tls-cert and --tls-key belong together")
	errAuthorityOfNothing    = errors.New("--acme-email, --acme-directory and --acme-ca say how --acme gets a certificate: give --acme as well, or leave them out")
)

// fitsTLS looks at what goes together with TLS of our own.
func (t *transport) fitsTLS(base *url.URL) error {
	switch {
	case !t.ACME && t.namesAuthority():
		return errAuthorityOfNothing
	case !t.ACME && t.TLSKey == "":
		return errKeyWithoutCertificate
	case base.Scheme != "https":
		return errors.New("with TLS the base URL begins with https://: say with --base-url how people reach the portal")
	case len(t.Proxy) > 0:
		return errors.New("with --tls-cert or --acme people reach the portal directly, and --proxy names nobody; leave one of them out")
	}
	if t.ACME {
		return t.fitsACME(base)
	}
	return nil
}

// ends tells whether TLS ends in this process.
func (t *transport) ends() bool { return t.ACME || t.TLSCert != "" }

// proxies are the named proxies.
func (t *transport) proxies() ([]netip.Prefix, error) { return web.ParseProxies(t.Proxy) }

// encrypted makes the way in, with TLS around the door where it ends here.
func (t *transport) encrypted(door net.Listener, base *url.URL, dataFolder string, w world, log *slog.Logger) (*wayIn, error) {
	config, err := t.config(base, dataFolder, w, log)
	if err != nil || config == nil {
		return &wayIn{Listener: door, door: door}, err
	}
	shown := &validity{get: config.GetCertificate, inFiles: !t.ACME}
	config.GetCertificate = shown.certificate
	return &wayIn{tls.NewListener(door, config), door, shown}, nil
}

// config is the TLS of the portal, nil where it ends elsewhere: 1.2 at least,
// with the suites that Go holds to be safe (CO-01).
func (t *transport) config(base *url.URL, dataFolder string, w world, log *slog.Logger) (*tls.Config, error) {
	switch {
	case t.ACME:
		return t.managed(base, dataFolder, w.Now, log)
	case t.TLSCert != "":
		c := &certificate{cert: t.TLSCert, key: t.TLSKey, private: w.private, log: log}
		if err := c.load(); err != nil {
			return nil, err
		}
		return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: c.get, NextProtos: []string{"h2", "http/1.1"}}, nil
	}
	return nil, nil
}

func rootsOf(path string) (*x509.CertPool, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s holds no certificate in PEM form", path)
	}
	return roots, nil
}

// certificate is a certificate in files that somebody else renews.
type certificate struct {
	cert, key string
	private   func(path string) ([]byte, error) // reads the key
	log       *slog.Logger

	mu     sync.Mutex
	loaded *tls.Certificate
	of     time.Time // of the files when they were loaded
}

// get hands the certificate out, the newest one. New files that cannot be read
// leave the old certificate in place until they can.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.changed().Equal(c.of) {
		return c.loaded, nil
	}
	if err := c.load(); err != nil {
		c.log.Error("the new certificate cannot be read; the old one stays in use", "error", err)
		c.of = c.changed()
	}
	return c.loaded, nil
}

// changed is when the younger of the two files was written.
func (c *certificate) changed() (at time.Time) {
	for _, path := range []string{c.cert, c.key} {
		if info, err := os.Stat(path); err == nil && info.ModTime().After(at) {
			at = info.ModTime()
		}
	}
	return at
}

func (c *certificate) load() error {
	at := c.changed()
	chain, err := os.ReadFile(c.cert)
	if err != nil {
		return err
	}
	key, err := c.private(c.key)
	if err != nil {
		return fmt.Errorf("the key of the certificate: %w", err)
	}
	pair, err := tls.X509KeyPair(chain, key)
	if err != nil {
		return fmt.Errorf("%s and %s are not a certificate and its key: %w", c.cert, c.key, err)
	}
	c.loaded, c.of = &pair, at
	return nil
}

// redirecting serves plain HTTP beside TLS until the context ends.
func (t *transport) redirecting(ctx context.Context, base *url.URL, now portal.Clock, log *slog.Logger) (stop func(), err error) {
	if t.ListenHTTP == "" {
		return func() {}, nil
	}
	listener, err := open(ctx, t.ListenHTTP)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %s; choose another address with --listen-http: %w", t.ListenHTTP, err)
	}
	server := newServer(web.Redirector(base.String(), log, now), log)
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			log.Error("plain HTTP is not answered any more", "error", err)
		}
	}()
	return func() { _ = finish(ctx, server) }, nil
}
