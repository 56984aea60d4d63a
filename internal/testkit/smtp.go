package testkit

import (
	"bufio"
	"bytes"
	_ "embed"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Who may sign in to the mail server of the tests.
const (
	MailUser     = "portal"
	MailPassword = "a password of the portal"
)

//go:embed smtp.py
var smtpProgram string

// MailServer is a real SMTP server process in a folder of its own. It refuses
// mail for nobody@… for good and for full@… for now, and takes its time for
// slow@….
type MailServer struct {
	t testing.TB
	// TLS, STARTTLS and Plain are its addresses, as --smtp-url wants them,
	// without a user.
	TLS, STARTTLS, Plain string
	// CA is the file of the certificate that vouches for it.
	CA string

	folder string
	ports  []string
	cmd    *exec.Cmd
	stored chan string
}

// Mail is a mail as it arrived.
type Mail struct {
	SignedInAs, From, To string // of the envelope
	Connection           string // tells one connection from another
	Header               mail.Header
	Subject              string // decoded
	Text, HTML           string
}

// arrival is how long a mail may be on its way until a test gives up.
const arrival = 60 * time.Second

// SMTP starts a mail server on ports of its own choosing. It ends with the test.
func SMTP(t testing.TB) *MailServer {
	t.Helper()
	s := &MailServer{t: t, folder: t.TempDir(), ports: []string{"0", "0", "0"}, stored: make(chan string, 1000)}
	authority := NewAuthority(t)
	authority.Issue(t, s.folder, "localhost")
	s.CA = authority.File
	if err := os.Mkdir(filepath.Join(s.folder, "mails"), 0o700); err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(s.Kill)
	return s
}

// Start starts the server again, at the same addresses.
func (s *MailServer) Start() {
	s.t.Helper()
	args := []string{"-c", smtpProgram, filepath.Join(s.folder, "mails"), filepath.Join(s.folder, "server.pem"), filepath.Join(s.folder, "server.key")}
	s.cmd = exec.Command("/usr/bin/python3", append(args, s.ports...)...)
	s.cmd.Stderr = s.t.Output()
	out, err := s.cmd.StdoutPipe()
	if err == nil {
		err = s.cmd.Start()
	}
	if err != nil {
		s.t.Fatalf("the mail server does not start: %v (make test installs it)", err)
	}
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		s.Kill()
		s.t.Fatal("the mail server does not start (make test installs it)")
	}
	s.ports = strings.Fields(lines.Text())
	for i, address := range []*string{&s.TLS, &s.STARTTLS, &s.Plain} {
		*address = []string{"smtps", "smtp", "smtp+plain"}[i] + "://localhost:" + s.ports[i]
	}
	go func() {
		for lines.Scan() {
			s.stored <- lines.Text()
		}
	}()
}

// Kill ends the server without a farewell.
func (s *MailServer) Kill() {
	_ = s.cmd.Process.Kill()
	_, _ = s.cmd.Process.Wait()
}

// Hang stops the server where it stands: it still takes connections and says
// nothing, until it is resumed.
func (s *MailServer) Hang() { s.signal(syscall.SIGSTOP) }

// Resume lets a server that hangs go on.
func (s *MailServer) Resume() { s.signal(syscall.SIGCONT) }

func (s *MailServer) signal(sig syscall.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}

// Next waits for the next mail to arrive.
func (s *MailServer) Next() Mail {
	s.t.Helper()
	select {
	case name := <-s.stored:
		return s.read(name)
	case <-time.After(arrival):
		s.t.Fatal("no mail arrives")
		return Mail{}
	}
}

// Received are all mails that have arrived so far, those that Next has shown
// included.
func (s *MailServer) Received() []Mail {
	s.t.Helper()
	files, err := os.ReadDir(filepath.Join(s.folder, "mails"))
	if err != nil {
		s.t.Fatal(err)
	}
	var all []Mail
	for _, f := range files {
		all = append(all, s.read(f.Name()))
	}
	return all
}

func (s *MailServer) read(name string) Mail {
	s.t.Helper()
	raw, err := os.ReadFile(filepath.Join(s.folder, "mails", name))
	if err != nil {
		s.t.Fatal(err)
	}
	m, err := readMail(raw)
	if err != nil {
		s.t.Fatalf("mail %s cannot be read: %v\n%s", name, err, raw)
	}
	return m
}

// readMail reads what the server stored: four lines, then the mail.
func readMail(raw []byte) (m Mail, err error) {
	lines := bytes.SplitN(raw, []byte("\n"), 5)
	m = Mail{SignedInAs: string(lines[0]), From: string(lines[1]), To: string(lines[2]), Connection: string(lines[3])}
	message, err := mail.ReadMessage(bytes.NewReader(lines[4]))
	if err != nil {
		return m, err
	}
	m.Header = message.Header
	if m.Subject, err = new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject")); err != nil {
		return m, err
	}
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		return m, fmt.Errorf("content type %q, %w", kind, err)
	}
	return m, m.readParts(multipart.NewReader(message.Body, params["boundary"]))
}

func (m *Mail) readParts(parts *multipart.Reader) error {
	for {
		part, err := parts.NextRawPart()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		text, err := io.ReadAll(quotedprintable.NewReader(part))
		if err != nil {
			return err
		}
		switch kind := part.Header.Get("Content-Type"); {
		case strings.HasPrefix(kind, "text/plain"):
			m.Text = strings.ReplaceAll(string(text), "\r\n", "\n")
		case strings.HasPrefix(kind, "text/html"):
			m.HTML = string(text)
		default:
			return fmt.Errorf("a part of the kind %s", kind)
		}
	}
}
