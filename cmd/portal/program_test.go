package main

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"portal"
)

// The tests' server is this test binary, run again: the very program, with a
// clock that the test moves. The shipped binary has no such door.
const (
	asProgram = "PORTAL_TEST_PROGRAM"
	clockFile = "PORTAL_TEST_CLOCK"
)

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) == "" {
		os.Exit(m.Run())
	}
	ctx, stop := untilSignal()
	defer stop()
	now := movedClock(os.Getenv(clockFile))
	os.Exit(run(ctx, os.Args[1:], world{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Now: now, Getenv: os.Getenv}))
}

// movedClock is the machine's clock, moved by as many seconds as the file says.
func movedClock(path string) portal.Clock {
	return func() time.Time {
		text, err := os.ReadFile(path)
		if err != nil {
			return time.Now()
		}
		seconds, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
		if err != nil {
			panic("the clock file holds no number: " + string(text))
		}
		return time.Now().Add(time.Duration(seconds) * time.Second)
	}
}

// installation is a data folder, a clock, and the program on them.
type installation struct {
	t        testing.TB
	Data     string
	Database string // postgres URL; empty means SQLite
	program  string // another program than this one; empty means this one
	clock    string
	moved    time.Duration
	listen   string
	env      []string        // more of the environment
	confine  func(*exec.Cmd) // where the program may not see this machine
}

// install makes an empty installation on SQLite.
func install(t testing.TB) *installation {
	t.Helper()
	folder := t.TempDir()
	return &installation{
		t: t, Data: filepath.Join(folder, "portal-data"), clock: filepath.Join(folder, "clock"), listen: freeAddress(t),
	}
}

// freeAddress is a loopback address that nobody listens on now. A server keeps
// it over restarts, so that its base URL and cookies stay.
func freeAddress(t testing.TB) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// Now is the time in the installation.
func (in *installation) Now() time.Time { return time.Now().Add(in.moved) }

// Advance moves the installation's clock on.
func (in *installation) Advance(d time.Duration) {
	in.t.Helper()
	in.moved += d
	next := in.clock + ".next"
	if err := os.WriteFile(next, []byte(strconv.Itoa(int(in.moved/time.Second))), 0o600); err != nil {
		in.t.Fatal(err)
	}
	if err := os.Rename(next, in.clock); err != nil {
		in.t.Fatal(err)
	}
}

// command is the program with arguments, on this installation.
func (in *installation) command(args ...string) *exec.Cmd {
	program := in.program
	if program == "" {
		self, err := os.Executable()
		if err != nil {
			in.t.Fatal(err)
		}
		program = self
	}
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), asProgram+"=1", clockFile+"="+in.clock,
		"PORTAL_DATA="+in.Data, "PORTAL_DATABASE="+in.Database, "PORTAL_DRAIN=0s")
	cmd.Env = append(cmd.Env, in.env...)
	if in.confine != nil {
		in.confine(cmd)
	}
	return cmd
}

// Run runs a command that has to succeed and returns what it prints.
func (in *installation) Run(input string, args ...string) string {
	in.t.Helper()
	out, errors, code := in.Try(input, args...)
	if code != 0 {
		in.t.Fatalf("portal %s: exit %d\n%s%s", strings.Join(args, " "), code, out, errors)
	}
	return out
}

// Try runs a command and returns what it prints and its exit code.
func (in *installation) Try(input string, args ...string) (out, errors string, code int) {
	in.t.Helper()
	cmd := in.command(args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(input), &stdout, &stderr
	err := cmd.Run()
	if cmd.ProcessState == nil {
		in.t.Fatal(err)
	}
	return stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()
}

// server is a running portal.
type server struct {
	*installation
	Base string
	Link string // the set-up link, while there is no administrator
	cmd  *exec.Cmd
	out  *output
	ends chan struct{}
}

// output collects what a process prints, while it prints.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

// String is everything printed so far.
func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// Serve starts the portal and waits until it answers. It is ended with the
// test at the latest.
func (in *installation) Serve(args ...string) *server {
	in.t.Helper()
	return in.serve(nil, args...)
}

// serve is Serve with a log that goes to a file, if there is one.
func (in *installation) serve(log *os.File, args ...string) *server {
	in.t.Helper()
	cmd := in.command(append([]string{"serve", "--listen", in.listen, "--log-level", "debug"}, args...)...)
	s := &server{installation: in, cmd: cmd, out: &output{}, ends: make(chan struct{})}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		in.t.Fatal(err)
	}
	cmd.Stderr = s.out
	if log != nil {
		cmd.Stderr = log
	}
	if err := cmd.Start(); err != nil {
		in.t.Fatal(err)
	}
	in.t.Cleanup(s.Kill)
	s.readAnnouncement(bufio.NewScanner(stdout))
	return s
}

// readAnnouncement reads where the portal is. Its line comes after the port is
// open, so that the first request is answered.
func (s *server) readAnnouncement(lines *bufio.Scanner) {
	s.t.Helper()
	for lines.Scan() {
		fmt.Fprintln(s.out, lines.Text())
		if base, found := strings.CutPrefix(lines.Text(), "The portal is at "); found {
			s.Base = base
			break
		}
	}
	if s.Base == "" {
		_ = s.cmd.Wait()
		close(s.ends)
		s.t.Fatalf("the portal did not start:\n%s", s.out)
	}
	linked := make(chan string, 1)
	go s.readOn(lines, linked)
	s.Link = <-linked
}

// readOn hands the set-up link over, or an empty one where the second line
// offers none, and drains the rest.
func (s *server) readOn(lines *bufio.Scanner, linked chan<- string) {
	link := ""
	more := lines.Scan()
	if more && strings.HasPrefix(lines.Text(), "There is no administrator yet") {
		lines.Scan()
		link = strings.TrimSpace(lines.Text())
		fmt.Fprintln(s.out, link)
	}
	linked <- link
	for lines.Scan() {
		fmt.Fprintln(s.out, lines.Text())
	}
	_ = s.cmd.Wait()
	close(s.ends)
}

// Log is everything that the server has printed.
func (s *server) Log() string { return s.out.String() }

// Kill ends the server as a power cut would: SIGKILL, no farewell.
func (s *server) Kill() {
	_ = s.cmd.Process.Kill()
	<-s.ends
}

// Stop ends the server politely and waits for it.
func (s *server) Stop() {
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	<-s.ends
}
