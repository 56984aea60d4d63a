package web

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"

	"portal"
)

// proxies are the peers whose forwarding headers count: those that the operator
// has named, and nobody else (AP-03).
type proxies []netip.Prefix

// ParseProxies reads addresses and networks, such as 10.0.0.7 or 10.0.0.0/24.
func ParseProxies(named []string) ([]netip.Prefix, error) {
	var all []netip.Prefix
	for _, name := range named {
		prefix, err := netip.ParsePrefix(name)
		if address, alone := netip.ParseAddr(name); alone == nil {
			prefix, err = netip.PrefixFrom(address.Unmap(), address.Unmap().BitLen()), nil
		}
		if err != nil || prefix.Bits() == 0 {
			return nil, fmt.Errorf("%q is neither an address nor a network of a proxy; it looks like 10.0.0.7 or 10.0.0.0/24", name)
		}
		all = append(all, prefix.Masked())
	}
	return all, nil
}

func (p proxies) trust(address netip.Addr) bool {
	for _, prefix := range p {
		if prefix.Contains(address.Unmap()) {
			return true
		}
	}
	return false
}

// peerOf is who has opened the connection.
func peerOf(r *http.Request) netip.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return peer.Addr().Unmap()
}

// client is where a request came from: the peer, or behind named proxies the
// last hop in front of them. What cannot be read is ignored, and so is
// everything to the left of it, in favour of the hop that wrote it.
func (p proxies) client(r *http.Request) string {
	peer := peerOf(r)
	if !peer.IsValid() {
		return portal.CleanText(r.RemoteAddr)
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && p.trust(peer); i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil || hop.Zone() != "" {
			break
		}
		peer = hop.Unmap()
	}
	return peer.String()
}

// encrypted tells whether a request came over TLS all the way to this machine:
// to this process, to a named proxy that says so, or to a neighbour on the same
// machine while no proxy is named.
func (p proxies) encrypted(r *http.Request) bool {
	switch peer := peerOf(r); {
	case r.TLS != nil:
		return true
	case p.trust(peer):
		said := r.Header.Values("X-Forwarded-Proto")
		return len(said) == 1 && strings.EqualFold(said[0], "https")
	default:
		return len(p) == 0 && peer.IsLoopback()
	}
}

// Redirector answers on the port for plain HTTP: pages are at the base URL, and
// what would change something is refused, since it was readable on its way
// (AP-02). Each request has its line in the log, for what was sent in clear may
// have been a password.
func Redirector(origin string, log *slog.Logger, now portal.Clock) http.Handler {
	s := &site{log: log, now: now}
	return s.traced(secured(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		traceOf(r.Context()).pattern = "plain HTTP"
		toEncryption(w, r, origin)
	})))
}

func toEncryption(w http.ResponseWriter, r *http.Request, origin string) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Connection", "close")
		plainText(w, http.StatusForbidden, "This was sent without encryption, so nothing was done with it. Please open "+origin+"\n")
		return
	}
	w.Header().Set("Location", origin+localTarget(r))
	w.WriteHeader(http.StatusPermanentRedirect)
}

// localTarget is the path and query of a request, to stand behind our origin;
// without its leading slash it could become a part of the host (IN-11).
func localTarget(r *http.Request) string {
	target := r.URL.RequestURI()
	if !strings.HasPrefix(target, "/") {
		return "/"
	}
	return target
}

// checkedTransport lets nothing in that came without encryption where the base
// URL promises it. The health pages tell nothing and are asked by machines.
func (s *site) checkedTransport(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.place.scheme == "https" && !s.proxies.encrypted(r) && !isHealth(r.URL.Path) {
			toEncryption(w, r, s.place.origin())
			return
		}
		next.ServeHTTP(w, r)
	})
}

// checkedFraming refuses bodies whose length is not said ahead: no browser
// sends a form so, and two parsers in a row may differ on where one ends
// (AP-06).
func (s *site) checkedFraming(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.TransferEncoding) == 0 {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Connection", "close")
		s.fail(newVisit(w, r), refusal{http.StatusLengthRequired, "The portal reads forms only, as a browser sends them."})
	})
}

func isHealth(path string) bool { return path == "/healthz" || path == "/readyz" }
