package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"time"

	"portal/internal/doctor"
	"portal/internal/seal"
)

// renewing is how long before its end a certificate should have been renewed.
const renewing = 14 * 24 * time.Hour

// examination looks at what portal serve would be started with.
type examination struct {
	*settings
	cli     *cli
	mailErr error
	world   world
}

func (e *examination) checks() []doctor.Check {
	return []doctor.Check{{Name: "settings", Look: e.look}, {Name: "certificate", Look: e.lookAtCertificate}}
}

// look asks what portal serve asks before it starts, and then what it lets
// pass.
func (e *examination) look(ctx context.Context, r *doctor.Report) error {
	listening, err := net.ResolveTCPAddr("tcp", e.Listen)
	if err != nil {
		r.Found(doctor.SettingsRefused, "--listen %s: %v", e.Listen, err)
		return nil
	}
	base, err := e.settle(listening)
	if err == nil {
		err = e.apart(e.Listen, e.ListenHTTP)
	}
	if err != nil {
		r.Found(doctor.SettingsRefused, "%v", err)
	} else {
		e.doubt(r, base, listening)
		r.Fine("%s, listening on %s", base, e.Listen)
	}
	if e.mailErr != nil && !errors.Is(e.mailErr, seal.ErrFileMode) { // that is told of the file
		r.Found(doctor.SettingsRefused, "%v", e.mailErr)
	}
	if _, err := e.collector(e.world); err != nil && !errors.Is(err, seal.ErrFileMode) {
		r.Found(doctor.SettingsRefused, "%v", err)
	}
	if err := e.cli.weak().Load(); err != nil {
		r.Found(doctor.SettingsRefused, "%v", err)
	}
	return nil
}

// doubt tells of what may be right and often is not.
func (e *examination) doubt(r *doctor.Report, base *url.URL, listening *net.TCPAddr) {
	if base.Scheme == "https" && !e.ends() && len(e.Proxy) == 0 {
		r.Found(doctor.ProxyUnnamed, "people reach %s, TLS ends somewhere else, and no proxy is named", base)
	}
	if len(e.Proxy) > 0 && (listening.IP == nil || listening.IP.IsUnspecified()) {
		r.Found(doctor.ProxyBypassed, "--listen %s takes plain HTTP on every network of this machine, past the proxy", e.Listen)
	}
	if host, _, err := net.SplitHostPort(e.MetricsListen); err == nil && !isLoopback(orLoopback(host)) {
		r.Found(doctor.MetricsOpen, "--metrics-listen %s answers other machines in clear, whoever asks", e.MetricsListen)
	}
	networks, err := e.proxies()
	for _, network := range networks {
		if err == nil && wide(network) {
			r.Found(doctor.ProxyWide, "--proxy %s believes a whole network", network)
		}
	}
}

// lookAtCertificate looks at a certificate in files. One by ACME is renewed by
// the portal itself.
func (e *examination) lookAtCertificate(ctx context.Context, r *doctor.Report) error {
	r.Fine("none of the portal's own in files")
	if e.TLSCert == "" || e.TLSKey == "" {
		return nil
	}
	c := &certificate{cert: e.TLSCert, key: e.TLSKey, private: e.world.private, log: slog.New(slog.DiscardHandler)}
	err := c.load()
	if errors.Is(err, seal.ErrFileMode) { // told of the file
		return nil
	}
	var leaf *x509.Certificate
	if err == nil {
		leaf, err = x509.ParseCertificate(c.loaded.Certificate[0])
	}
	if err != nil {
		r.Found(doctor.CertificateUnusable, "%v", err)
		return nil
	}
	r.Fine("%s is valid until %s", e.TLSCert, leaf.NotAfter.UTC().Format(time.DateOnly))
	e.judge(r, leaf)
	return nil
}

func (e *examination) judge(r *doctor.Report, leaf *x509.Certificate) {
	until := fmt.Sprintf("%s ends on %s UTC", e.TLSCert, leaf.NotAfter.UTC().Format(time.DateTime))
	switch left := leaf.NotAfter.Sub(e.world.Now()); {
	case left <= 0:
		r.Found(doctor.CertificateEnded, "%s", until)
	case left < renewing:
		r.Found(doctor.CertificateEnds, "%s", until)
	}
	base, err := parseBase(e.BaseURL)
	if err != nil { // the settings tell of it
		return
	}
	if err := leaf.VerifyHostname(base.Hostname()); err != nil {
		r.Found(doctor.CertificateOther, "%s: %v", e.TLSCert, err)
	}
}
