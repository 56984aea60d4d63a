package main

import (
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// settings say how people reach the portal and how its mails go out: what
// portal serve runs with, and what portal doctor looks at.
type settings struct {
	Listen  string `help:"Address to listen on." default:"127.0.0.1:8080" env:"PORTAL_LISTEN" placeholder:"ADDRESS"`
	BaseURL string `help:"How people reach the portal, for example https://portal.example.com. Needed beyond this machine; without it http://localhost with the port of --listen." env:"PORTAL_BASE_URL" placeholder:"URL"`
	transport
	smtpFlags
	watchFlags
}

// settle is the base URL, once everything fits together with it.
func (s *settings) settle(listening net.Addr) (*url.URL, error) {
	base, err := s.base(listening)
	if err == nil {
		err = s.fits(base, listening)
	}
	if err == nil {
		_, err = s.proxies()
	}
	return base, err
}

// base is the origin under which people reach the portal.
func (s *settings) base(listening net.Addr) (*url.URL, error) {
	address, ok := listening.(*net.TCPAddr)
	if !ok {
		return nil, fmt.Errorf("cannot listen on %s", listening)
	}
	if s.BaseURL != "" {
		return parseBase(s.BaseURL)
	}
	if !address.IP.IsLoopback() {
		return nil, fmt.Errorf("--listen %s is reachable from other machines: say with --base-url how people reach the portal, for example https://portal.example.com", s.Listen)
	}
	return &url.URL{Scheme: "http", Host: fmt.Sprintf("localhost:%d", address.Port)}, nil
}

// parseBase reads a base URL: an origin as a browser writes it and nothing more,
// https unless it is on this machine.
func parseBase(text string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimSuffix(text, "/"))
	if err != nil || u.Scheme+"://"+u.Host != u.String() {
		return nil, fmt.Errorf("--base-url %q is not an origin; it looks like https://portal.example.com", text)
	}
	u.Host = strings.ToLower(u.Host)
	if !plainHost(u) {
		return nil, fmt.Errorf("--base-url %q: no browser writes a host so; a name has the letters a to z, digits, dots and dashes (one with other letters is written as xn--…)", text)
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u.Hostname())) {
		return nil, fmt.Errorf("--base-url %q must begin with https:// (http:// is for this machine only)", text)
	}
	return u, nil
}

// plainHost tells whether a browser sends the host of a URL as it stands there.
func plainHost(u *url.URL) bool {
	name, port := u.Hostname(), u.Port()
	if number, err := strconv.ParseUint(port, 10, 16); port != "" && (err != nil || strconv.FormatUint(number, 10) != port) {
		return false
	}
	if strings.HasSuffix(u.Host, ":") {
		return false
	}
	if strings.HasPrefix(u.Host, "[") {
		ip := net.ParseIP(name)
		return ip != nil && ip.String() == name
	}
	return name != "" && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789.-_") == ""
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || (ip != nil && ip.IsLoopback())
}
