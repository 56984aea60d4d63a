package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"portal/internal/testkit"
)

// acmeHost is the name under which the portal is found by whoever asks the
// test's name server, which knows every name as this machine.
const acmeHost = "portal.example.com"

// acmeAuthority is a certificate authority that speaks ACME, in a process of
// its own.
type acmeAuthority struct {
	directory string
	manage    string
	trusts    *testkit.Authority // of the authority's own HTTPS
}

// startACME starts the authority, which proves hosts at the TLS port of the
// portal.
func startACME(t *testing.T, portal string) acmeAuthority {
	t.Helper()
	a := acmeAuthority{trusts: testkit.NewAuthority(t)}
	folder, listen, manage, names := t.TempDir(), freeAddress(t), freeAddress(t), freeAddress(t)
	cert, key := a.trusts.Issue(t, folder, "127.0.0.1")
	_, port, err := net.SplitHostPort(portal)
	must(t, err)
	config := filepath.Join(folder, "pebble.json")
	must(t, os.WriteFile(config, fmt.Appendf(nil, `{"pebble": {"listenAddress": %q, "managementListenAddress": %q,
		"certificate": %q, "privateKey": %q, "httpPort": 1, "tlsPort": %s}}`, listen, manage, cert, key, port), 0o600))
	startTool(t, nil, "pebble-challtestsrv", "-dnsserver", names, "-defaultIPv6", "", "-doh", "", "-http01", "", "-https01", "", "-tlsalpn01", "", "-management", freeAddress(t))
	startTool(t, []string{"PEBBLE_VA_NOSLEEP=1", "PEBBLE_WFE_NONCEREJECT=0"}, "pebble", "-config", config, "-dnsserver", names)
	a.directory, a.manage = "https://"+listen+"/dir", "https://"+manage
	a.await(t)
	return a
}

// startTool runs a program of tools/pebble for as long as the test.
func startTool(t *testing.T, environment []string, name string, args ...string) {
	t.Helper()
	path, err := exec.Command("go", "-C", "../../tools/pebble", "tool", "-n", name).Output()
	must(t, err)
	cmd := exec.Command(strings.TrimSpace(string(path)), args...)
	cmd.Env = append(os.Environ(), environment...)
	must(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
}

func (a acmeAuthority) client() *http.Client {
	return &http.Client{
		Timeout:   10 * time.Second,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: a.trusts.Pool()}},
	}
}

// await waits until the authority answers, a minute at most.
func (a acmeAuthority) await(t *testing.T) {
	t.Helper()
	until := time.Now().Add(time.Minute)
	for {
		response, err := a.client().Get(a.directory)
		if err == nil {
			_ = response.Body.Close()
			return
		}
		if time.Now().After(until) {
			t.Fatalf("the certificate authority does not answer: %v", err)
		}
	}
}

// roots are what the authority's certificates lead to.
func (a acmeAuthority) roots(t *testing.T) *x509.CertPool {
	t.Helper()
	response, err := a.client().Get(a.manage + "/roots/0")
	must(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	must(t, err)
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		t.Fatalf("no root: %s", text)
	}
	return pool
}

// The portal gets its certificate by itself, for its own host only, and keeps
// it over a restart.
func TestCertificateByACME(t *testing.T) {
	t.Parallel()
	in := install(t)
	authority := startACME(t, in.listen)
	args := []string{"--base-url", "https://" + acmeHost, "--acme", "--acme-directory", authority.directory, "--acme-ca", authority.trusts.File}
	s := in.Serve(args...)
	first := acmeSerial(t, s, authority, acmeHost)
	if first == "" {
		t.Fatalf("no certificate\n%s", s.Log())
	}
	if acmeSerial(t, s, authority, "other.example.com") != "" {
		t.Error("the portal gets certificates for other hosts")
	}
	s.Stop()
	if again := acmeSerial(t, in.Serve(args...), authority, acmeHost); again != first {
		t.Errorf("after a restart the certificate is %q, before it was %q", again, first)
	}
	if s.warned("certificate authority") {
		t.Errorf("a failure is told where none was:\n%s", s.Log())
	}
	entries, err := os.ReadDir(filepath.Join(in.Data, "acme"))
	must(t, err)
	for _, entry := range entries {
		wantMode(t, filepath.Join(in.Data, "acme", entry.Name()), 0o600)
	}
}

// warned tells whether a line of the log is a warning with these words.
func (s *server) warned(words ...string) bool {
	lacks := func(line string) func(string) bool {
		return func(word string) bool { return !strings.Contains(line, word) }
	}
	return slices.ContainsFunc(strings.Split(s.Log(), "\n"), func(line string) bool {
		return strings.Contains(line, `"level":"WARN"`) && !slices.ContainsFunc(words, lacks(line))
	})
}

// visit tells whether a certificate of the authority is shown for a host.
func (s *server) visit(t *testing.T, host string, a *testkit.Authority) bool {
	t.Helper()
	c, err := tls.Dial("tcp", s.listen, &tls.Config{MinVersion: tls.VersionTLS12, ServerName: host, RootCAs: a.Pool()})
	if err == nil {
		err = c.Close()
	}
	return err == nil
}

// keepsCertificate puts a certificate and its key where those by ACME are kept.
func (in *installation) keepsCertificate(t *testing.T, files ...string) {
	t.Helper()
	var text []byte
	for _, file := range files {
		part, err := os.ReadFile(file)
		must(t, err)
		text = append(text, part...)
	}
	folder := filepath.Join(in.Data, "acme")
	must(t, os.MkdirAll(folder, 0o700))
	must(t, os.WriteFile(filepath.Join(folder, acmeHost), text, 0o600))
}

// Where no certificate is to be had the log says why: when somebody comes, once
// a minute at most, and when one is renewed, while nobody waits for it. What a
// stranger asks for is no failure.
func TestFailuresOfACMEAreTold(t *testing.T) {
	t.Parallel()
	own, nobody := testkit.NewAuthority(t), "https://"+freeAddress(t)+"/dir"
	flags := func(directory, ca string) []string {
		return []string{"--base-url", "https://" + acmeHost, "--acme", "--acme-directory", directory, "--acme-ca", ca}
	}
	t.Run("nobody is there", func(t *testing.T) {
		t.Parallel()
		s := install(t).Serve(flags(nobody, own.File)...)
		for _, host := range []string{"other.example.com", strings.ToUpper(acmeHost), acmeHost} {
			s.visit(t, host, own)
		}
		s.Stop()
		if s.warned("not configured in HostWhitelist") {
			t.Error("what a stranger asks for is told as a failure")
		}
		if !s.warned("there is no certificate", "connection refused") || !s.warned("asked again", "connection refused") || strings.Count(s.Log(), "there is no certificate") != 1 {
			t.Errorf("that the authority is away is told wrongly:\n%s", s.Log())
		}
	})
	t.Run("while nobody waits", func(t *testing.T) {
		t.Parallel()
		in := install(t)
		cert, key := own.IssueFor(t, 10*time.Minute, t.TempDir(), acmeHost)
		in.keepsCertificate(t, key, cert)
		s := in.Serve(flags(nobody, own.File)...)
		if !s.visit(t, acmeHost, own) {
			t.Errorf("the kept certificate is not shown:\n%s", s.Log())
		}
		until(t, "the log says why renewing fails", func() bool { return s.warned("asked again", "connection refused") })
	})
	t.Run("it wants to be asked in clear", func(t *testing.T) {
		t.Parallel()
		pair, err := tls.LoadX509KeyPair(own.Issue(t, t.TempDir(), "127.0.0.1"))
		must(t, err)
		liar := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprintf(w, `{"newNonce": %[1]q, "newAccount": %[1]q, "newOrder": %[1]q}`, strings.Replace(nobody, "https", "http", 1))
		}))
		liar.TLS = &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}}
		liar.StartTLS()
		t.Cleanup(liar.Close)
		s := install(t).Serve(flags(liar.URL, own.File)...)
		s.visit(t, acmeHost, own)
		until(t, "the log says that it is not asked so", func() bool { return s.warned("there is no certificate", "asked in clear, at http://") })
	})
	t.Run("the proof fails", func(t *testing.T) {
		t.Parallel()
		authority := startACME(t, freeAddress(t)) // where no portal is
		s := install(t).Serve(flags(authority.directory, authority.trusts.File)...)
		s.visit(t, acmeHost, own)
		until(t, "the log says why the proof fails", func() bool {
			return s.warned("the proof that the host is this portal's has failed", "Failed to connect")
		})
	})
}

// acmeSerial is the number of the certificate that is shown for a host, empty
// where there is none.
func acmeSerial(t *testing.T, s *server, a acmeAuthority, host string) string {
	t.Helper()
	c, err := tls.Dial("tcp", s.listen, &tls.Config{MinVersion: tls.VersionTLS12, ServerName: host, RootCAs: a.roots(t)})
	if err != nil {
		return ""
	}
	defer c.Close()
	number, err := json.Marshal(c.ConnectionState().PeerCertificates[0].SerialNumber)
	must(t, err)
	return string(number)
}
