package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"

	"portal"
	"portal/internal/tracing"
)

// letsEncrypt makes the certificates where no other authority is named.
const letsEncrypt = "https://acme-v02.api.letsencrypt.org/directory"

// fitsACME looks at what goes together with a certificate by ACME: authorities
// give them to names that all the world knows, and are asked over TLS (CO-03).
func (t *transport) fitsACME(base *url.URL) error {
	directory, err := url.Parse(cmp.Or(t.ACMEDirectory, letsEncrypt))
	switch {
	case t.TLSCert != "" || t.TLSKey != "":
		return errors.New("--acme gets a certificate, --tls-cert and --tls-key bring one: choose one of them")
	case err != nil || directory.Scheme != "https" || directory.Host == "":
		return fmt.Errorf("--acme-directory %q: the certificate authority is asked over TLS, at an address like %s", t.ACMEDirectory, letsEncrypt)
	case !isWholeName(base.Hostname()):
		return fmt.Errorf("--acme gets no certificate for %s: authorities give them to whole names, such as portal.example.com. Say with --base-url under which name people reach the portal, or bring a certificate with --tls-cert and --tls-key", base.Hostname())
	}
	_, err = t.authority()
	return err
}

// namesAuthority tells whether anything is said of an authority.
func (t *transport) namesAuthority() bool {
	return t.ACMEEmail != "" || t.ACMEDirectory != "" || t.ACMECA != ""
}

// isWholeName tells a name with a domain from an address and from a name like
// localhost, for which ACME is not asked.
func isWholeName(host string) bool {
	return strings.Contains(strings.Trim(host, "."), ".") && strings.Trim(host, "0123456789.") != "" && !strings.Contains(host, ":")
}

// authority are the roots to trust the certificate authority by; nil are the
// system's.
func (t *transport) authority() (*x509.CertPool, error) {
	if t.ACMECA == "" {
		return nil, nil
	}
	roots, err := rootsOf(t.ACMECA)
	if err != nil {
		return nil, fmt.Errorf("--acme-ca: %w", err)
	}
	return roots, nil
}

// managed has certificates made and renewed (RFC 8555), proven over TLS itself
// (RFC 8737), so that no other port is needed.
func (t *transport) managed(base *url.URL, dataFolder string, now portal.Clock, log *slog.Logger) (*tls.Config, error) {
	roots, err := t.authority()
	if err != nil {
		return nil, err
	}
	way := &http.Transport{
		Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, IdleConnTimeout: time.Minute,
		TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots},
	}
	manager := &autocert.Manager{
		Prompt: autocert.AcceptTOS, Cache: autocert.DirCache(filepath.Join(dataFolder, "acme")),
		HostPolicy: autocert.HostWhitelist(base.Hostname()), Email: t.ACMEEmail,
		Client: &acme.Client{
			DirectoryURL: cmp.Or(t.ACMEDirectory, letsEncrypt),
			HTTPClient:   &http.Client{Timeout: time.Minute, Transport: &overheard{way: way, said: &tracing.Seldom{Log: log, Now: now}}},
		},
	}
	config := manager.TLSConfig()
	config.MinVersion = tls.VersionTLS12
	config.GetCertificate = telling(config.GetCertificate, base.Hostname(), &tracing.Seldom{Log: log, Now: now})
	return config, nil
}

// telling has the log told where visitors of the portal's own host get no
// certificate. A stranger who asks for another host, or for a proof that nobody
// waits for, is refused and no failure.
func telling(get func(*tls.ClientHelloInfo) (*tls.Certificate, error), host string, said *tracing.Seldom) func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		shown, err := get(hello)
		if err != nil && !proves(hello) && strings.EqualFold(strings.TrimSuffix(hello.ServerName, "."), host) {
			said.Warn(context.Background(), "there is no certificate, so nobody can reach the portal; the next visitor is the next try", "error", err)
		}
		return shown, err
	}
}

// proves tells the authority, which has the portal prove that the host is its
// own, from visitors.
func proves(hello *tls.ClientHelloInfo) bool {
	return hello != nil && slices.Contains(hello.SupportedProtos, acme.ALPNProto)
}

// overheard is the way to the certificate authority. Nothing goes there in
// clear, whatever its directory says, and the log is told what goes wrong: a
// certificate is renewed while nobody waits for it.
type overheard struct {
	way  http.RoundTripper
	said *tracing.Seldom
}

// RoundTrip asks the authority and listens to its answer.
func (o *overheard) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != "https" {
		return nil, fmt.Errorf("the certificate authority wants to be asked in clear, at %s", r.URL)
	}
	answer, err := o.way.RoundTrip(r)
	what := err
	if err == nil {
		what = refusedBy(answer)
	}
	if what != nil && !errors.Is(what, context.Canceled) {
		o.said.Warn(r.Context(), "the certificate authority has made no certificate; it is asked again, at the latest within an hour", "error", what)
	}
	return answer, err
}

// What is listened to of an answer, and a complaint that is none: the request is
// made again with another nonce (RFC 8555, 6.5).
const (
	wordsHeard = 64 << 10
	badNonce   = "urn:ietf:params:acme:error:badNonce"
)

// complaint says what an authority finds wrong (RFC 8555, 6.7).
type complaint struct{ Type, Detail string }

// heard is as much of an answer of the authority as tells of a failure: a
// complaint of the request, or what became of an order or of a proof (7.1).
type heard struct {
	complaint
	Status     string
	Error      *complaint
	Challenges []struct{ Error *complaint }
}

// listen reads an answer and leaves it whole.
func listen(answer *http.Response) (said heard) {
	if !strings.Contains(answer.Header.Get("Content-Type"), "json") {
		return heard{}
	}
	text, _ := io.ReadAll(io.LimitReader(answer.Body, wordsHeard)) // who reads on meets the error again
	answer.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(text), answer.Body), answer.Body}
	_ = json.Unmarshal(text, &said) // what cannot be read says nothing
	return said
}

// refusedBy is what an answer of the authority complains of, if it does.
func refusedBy(answer *http.Response) error {
	said := listen(answer)
	switch {
	case answer.StatusCode >= http.StatusBadRequest && said.Type != badNonce:
		return fmt.Errorf("%s: %s %s", answer.Status, said.Type, said.Detail)
	case said.Status != acme.StatusInvalid:
		return nil
	}
	for _, c := range said.Challenges {
		if said.Error == nil {
			said.Error = c.Error
		}
	}
	why := cmp.Or(said.Error, &complaint{Detail: "the authority does not say why"})
	return fmt.Errorf("the proof that the host is this portal's has failed: %s %s", why.Type, why.Detail)
}
