package web

import (
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// place is where people find the portal: scheme, host and port of the base URL.
type place struct {
	scheme string
	host   string // as a browser sends it: no default port
}

func placeOf(base *url.URL) (place, error) {
	if base == nil || (base.Scheme != "https" && base.Scheme != "http") || base.Hostname() == "" {
		return place{}, errors.New("web: the base URL must be http or https with a host")
	}
	return place{base.Scheme, withoutDefaultPort(base.Scheme, base.Host)}, nil
}

func withoutDefaultPort(scheme, host string) string {
	port := ":80"
	if scheme == "https" {
		port = ":443"
	}
	return strings.ToLower(strings.TrimSuffix(host, port))
}

// origin is the origin as browsers write it.
func (p place) origin() string { return p.scheme + "://" + p.host }

// plain tells whether cookies go without Secure and prefix: on http at
// loopback only, where some browsers refuse them otherwise (SE-11).
func (p place) plain() bool { return p.scheme == "http" && isLoopback(p.host) }

// checkedHost answers for the host of the base URL only (AP-04). The health
// pages answer any host: a load balancer asks by address.
func (s *site) checkedHost(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := withoutDefaultPort(s.place.scheme, r.Host)
		switch {
		case host == s.place.host, isHealth(r.URL.Path):
			next.ServeHTTP(w, r)
		case s.place.alias(host) && (r.Method == http.MethodGet || r.Method == http.MethodHead):
			w.Header().Set("Location", s.place.origin()+localTarget(r))
			w.WriteHeader(http.StatusTemporaryRedirect)
		default:
			plainText(w, http.StatusMisdirectedRequest, "The portal is not at this address. Please open "+s.place.origin()+"\n")
		}
	})
}

// alias tells whether host is another loopback name of the same port.
func (p place) alias(host string) bool {
	return isLoopback(p.host) && isLoopback(host) && portOf(host) == portOf(p.host)
}

func portOf(host string) string { return (&url.URL{Host: host}).Port() }

func isLoopback(host string) bool {
	name := (&url.URL{Host: host}).Hostname()
	ip := net.ParseIP(name)
	return name == "localhost" || (ip != nil && ip.IsLoopback())
}

// sameOrigin lets a request that changes something through only with proof
// that a page of ours sent it (WF-04).
func (p place) sameOrigin(r *http.Request) error {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" {
		if site == "same-origin" {
			return nil
		}
	} else if r.Header.Get("Origin") == p.origin() {
		return nil
	}
	return refusal{http.StatusForbidden, "This form was not sent by a page of the portal, so nothing was changed. Open the portal and try again there."}
}
