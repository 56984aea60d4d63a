package main

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
)

// strict sends requests over one connection that it keeps as long as the
// server does, and tries nothing twice: Go's own transport would hide most of
// what a stopping server breaks.
type strict struct {
	dial  func() (net.Conn, error)
	conn  net.Conn
	lines *bufio.Reader
	asked *atomic.Int64 // answers that asked to come back over another connection
}

func (c *strict) RoundTrip(r *http.Request) (*http.Response, error) {
	if c.conn == nil {
		conn, err := c.dial()
		if err != nil {
			return nil, err
		}
		c.conn, c.lines = conn, bufio.NewReader(conn)
	}
	if err := r.Write(c.conn); err != nil {
		return nil, fmt.Errorf("sending: %w", err)
	}
	response, err := http.ReadResponse(c.lines, r)
	if err != nil {
		return nil, fmt.Errorf("no answer: %w", err)
	}
	if response.Close {
		c.asked.Add(1)
		response.Body = closing{response.Body, c.conn}
		c.conn = nil
	}
	return response, nil
}

// closing is a body that closes its connection.
type closing struct {
	io.ReadCloser
	conn net.Conn
}

func (c closing) Close() error { return errors.Join(c.ReadCloser.Close(), c.conn.Close()) }

// crowd is many people who use a portal all the time and mind every failure.
type crowd struct {
	t       *testing.T
	dial    func() (net.Conn, error)
	stop    chan struct{} // closed when they go home
	people  sync.WaitGroup
	answers atomic.Int64 // all answers
	signIns atomic.Int64 // sign-ins that were answered with success
	asked   atomic.Int64
}

// newCrowd is twelve visitors in front of browsers of their own, each of whom
// signs in; then some read while others sign in again and again.
func newCrowd(t *testing.T, s *server, base string, dial func() (net.Conn, error)) *crowd {
	t.Helper()
	c := &crowd{t: t, dial: dial, stop: make(chan struct{})}
	s.Run("", "customer", "add", "Crowd")
	visits := map[*person]func(*person) bool{}
	for i := range 4 {
		login := s.join("Crowd", "user", fmt.Sprint("visitor", i)).login
		for j := range 3 {
			p := s.person(login)
			p.client = newClient(t, base)
			p.client.http.Transport = &strict{dial: dial, asked: &c.asked}
			p.signIn()
			c.signIns.Add(1)
			visits[p] = c.reads
			if j == 0 {
				visits[p] = c.signsIn
			}
		}
	}
	for p, visit := range visits {
		c.people.Go(func() {
			for visit(p) {
			}
		})
	}
	return c
}

// atWork waits until everybody has been answered several times.
func (c *crowd) atWork() {
	c.t.Helper()
	before := c.answers.Load()
	until(c.t, "everybody is at work", func() bool { return c.answers.Load() > before+100 })
}

// reads looks at a page; false means that nobody is let in any more.
func (c *crowd) reads(p *person) bool {
	return c.asks(p, http.StatusOK, p.request(http.MethodGet, "/account", nil))
}

// signsIn signs in once more.
func (c *crowd) signsIn(p *person) bool {
	r := p.request(http.MethodPost, "/sign-in", strings.NewReader("login_id="+p.login+"&password="+strings.ReplaceAll(p.password, " ", "+")))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if !c.asks(p, http.StatusSeeOther, r) {
		return false
	}
	c.signIns.Add(1)
	return true
}

// asks sends a request of somebody. Only a connection that was refused is no
// failure: then nothing had been accepted.
func (c *crowd) asks(p *person, status int, r *http.Request) bool {
	select {
	case <-c.stop:
		return false
	default:
	}
	a, err := p.try(r)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return false
	case err != nil:
		c.t.Errorf("%s %s failed: %v", r.Method, r.URL.Path, err)
		return false
	case a.Status != status:
		c.t.Errorf("%s %s: status %d\n%s", r.Method, r.URL.Path, a.Status, visible(a.Body))
		return false
	}
	c.answers.Add(1)
	return true
}

// wantRecorded holds that each sign-in that was answered is in the database.
func (c *crowd) wantRecorded(in *installation) {
	c.t.Helper()
	recorded := number(c.t, in.beneath(), "SELECT COUNT(*) FROM events WHERE action = 'Sign-in' AND outcome = 'done'")
	if recorded != c.signIns.Load() {
		c.t.Errorf("%d sign-ins are recorded, %d were answered", recorded, c.signIns.Load())
	}
}

// readiness asks /readyz until nobody is let in, and returns what came, each
// run of the same status once.
func (s *server) readiness() (statuses []int) {
	c := newClient(s.t, s.Base)
	c.http.Transport = &strict{dial: s.dial, asked: new(atomic.Int64)}
	for {
		a, err := c.try(c.request(http.MethodGet, "/readyz", nil))
		if errors.Is(err, syscall.ECONNREFUSED) {
			return slices.Compact(statuses)
		}
		if err != nil {
			s.t.Errorf("/readyz failed: %v", err)
			return nil
		}
		statuses = append(statuses, a.Status)
	}
}

func (s *server) dial() (net.Conn, error) { return net.Dial("tcp", s.listen) }

func (s *server) signal(what os.Signal) { _ = s.cmd.Process.Signal(what) }

// wantEnd holds that the server has ended by itself and with success.
func (s *server) wantEnd(t *testing.T) {
	t.Helper()
	until(t, "the server ends", func() bool {
		select {
		case <-s.ends:
			return true
		default:
			return false
		}
	})
	if !s.cmd.ProcessState.Success() {
		t.Errorf("the server ended with %s\n%s", s.cmd.ProcessState, s.Log())
	}
}

// A server that is told to end while many people use it turns not ready, goes
// on serving until a proxy has noticed, sends everybody to another connection,
// and answers each request that it has accepted; then it ends with success. What
// it answered is in the database.
func TestStopUnderLoad(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, fixed *server) {
		fixed.Stop()
		s := fixed.installation.Serve("--drain", "1s")
		c := newCrowd(t, s, s.Base, s.dial)
		turns := make(chan []int)
		go func() { turns <- s.readiness() }()
		c.atWork()
		s.signal(syscall.SIGTERM)
		if got := <-turns; !slices.Equal(got, []int{200, 503}) {
			t.Errorf("/readyz answered %v in turn, want 200, then 503 for as long as anybody is let in", got)
		}
		c.people.Wait()
		s.wantEnd(t)
		if c.asked.Load() == 0 {
			t.Error("nobody was asked to come back over another connection")
		}
		c.wantRecorded(s.installation)
	})
}

// A second signal ends a server that takes its time, at once; Ctrl-C waits for
// no proxy.
func TestStopAtOnce(t *testing.T) {
	t.Parallel()
	in := install(t)
	s := in.Serve("--drain", "10m")
	s.signal(syscall.SIGTERM)
	until(t, "the server is not ready", func() bool { return !s.ready() })
	s.signal(syscall.SIGTERM)
	until(t, "the server is gone", func() bool {
		select {
		case <-s.ends:
			return true
		default:
			return false
		}
	})
	if status, ok := s.cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGTERM {
		t.Errorf("it ended with %s", s.cmd.ProcessState)
	}
	s = in.Serve("--drain", "10m")
	s.signal(os.Interrupt)
	s.wantEnd(t)
	for _, drain := range []string{"-1s", "11m", "soon"} {
		if _, _, code := in.Try("", "serve", "--drain", drain); code != 2 {
			t.Errorf("--drain %s: exit %d", drain, code)
		}
	}
}

// A service manager that wants to know is told when the portal serves, and
// when it begins to end.
func TestServiceManagerIsTold(t *testing.T) {
	t.Parallel()
	folder, err := os.MkdirTemp("", "notify") // the path of a socket has to be short
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(folder) })
	socket := filepath.Join(folder, "socket")
	manager, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	must(t, err)
	defer manager.Close()
	in := install(t)
	in.env = []string{"NOTIFY_SOCKET=" + socket}
	s := in.Serve()
	told := func(want string) {
		t.Helper()
		text := make([]byte, 100)
		n, err := manager.Read(text)
		must(t, err)
		if got := string(text[:n]); got != want {
			t.Errorf("told %q, want %q", got, want)
		}
	}
	told("READY=1")
	s.Stop()
	told("STOPPING=1")
}

// overTLS dials a server that a test's own authority vouches for.
func overTLS(address string, config *tls.Config) func() (net.Conn, error) {
	return func() (net.Conn, error) { return tls.Dial("tcp", address, config) }
}
