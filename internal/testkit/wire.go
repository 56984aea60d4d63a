package testkit

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
)

// Wire is the line to a PostgreSQL server, which a test can cut. It reads along
// what the client says, so that it can be cut at a COMMIT.
type Wire struct {
	t        testing.TB
	server   string
	listener net.Listener

	mu    sync.Mutex
	lines map[*line]bool
	cut   Cut
	armed bool
}

// Cut says where the wire is to be cut: at the Nth COMMIT, from 1 on, of a
// transaction that had a text in one of its statements, before it reaches the
// server or after the server has done it.
type Cut struct {
	Text  string
	Nth   int
	After bool
}

// NewWire is a line to a server's address.
func NewWire(t testing.TB, server string) *Wire {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &Wire{t: t, server: server, listener: listener, lines: map[*line]bool{}}
	t.Cleanup(func() { listener.Close(); w.CutAll() })
	go w.accept()
	return w
}

// Address is where the client connects to.
func (w *Wire) Address() string { return w.listener.Addr().String() }

// Arm has the wire cut once, at the place that is given.
func (w *Wire) Arm(c Cut) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut, w.armed = c, true
}

// Disarm takes a cut back that has not happened, and tells whether it has.
func (w *Wire) Disarm() (happened bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	happened = !w.armed
	w.armed = false
	return happened
}

// CutAll cuts all connections that there are.
func (w *Wire) CutAll() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for l := range w.lines {
		l.close()
	}
}

func (w *Wire) accept() {
	for {
		client, err := w.listener.Accept()
		if err != nil {
			return
		}
		go w.serve(client)
	}
}

func (w *Wire) serve(client net.Conn) {
	server, err := net.Dial("tcp", w.server)
	if err != nil {
		_ = client.Close()
		return
	}
	l := &line{wire: w, client: client, server: server, texts: map[string]string{}}
	w.mu.Lock()
	w.lines[l] = true
	w.mu.Unlock()
	go l.down()
	l.up()
	l.close()
	w.mu.Lock()
	delete(w.lines, l)
	w.mu.Unlock()
}

// due tells whether the wire is cut at a COMMIT of a transaction that said so
// much.
func (w *Wire) due(said string) (now, after bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.armed || !strings.Contains(said, w.cut.Text) {
		return false, false
	}
	w.cut.Nth--
	w.armed = w.cut.Nth > 0
	return !w.armed, w.cut.After
}

// line is one connection.
type line struct {
	wire           *Wire
	client, server net.Conn
	texts          map[string]string // by the name of the prepared statement
	said           strings.Builder   // in the running transaction

	mu     sync.Mutex
	silent bool // the next word of the server is the last, and nobody hears it
}

func (l *line) close() {
	_ = l.client.Close()
	_ = l.server.Close()
}

// down carries what the server says.
func (l *line) down() {
	defer l.close()
	buffer := make([]byte, 1<<16)
	for {
		n, err := l.server.Read(buffer)
		l.mu.Lock()
		silent := l.silent
		l.mu.Unlock()
		if err != nil || silent {
			return
		}
		if _, err := l.client.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// up carries what the client says, message by message.
func (l *line) up() {
	if err := l.forward(0); err != nil { // the first message has no type
		return
	}
	for {
		kind := make([]byte, 1)
		if _, err := io.ReadFull(l.client, kind); err != nil {
			return
		}
		if err := l.forward(kind[0]); err != nil {
			return
		}
	}
}

func (l *line) forward(kind byte) error {
	head := make([]byte, 4)
	if _, err := io.ReadFull(l.client, head); err != nil {
		return err
	}
	body := make([]byte, binary.BigEndian.Uint32(head)-4)
	if _, err := io.ReadFull(l.client, body); err != nil {
		return err
	}
	if l.listen(kind, body) {
		return io.ErrClosedPipe
	}
	message := append(head, body...)
	if kind != 0 {
		message = append([]byte{kind}, message...)
	}
	_, err := l.server.Write(message)
	return err
}

// listen notes what a message says, and tells whether the wire is cut before
// it.
func (l *line) listen(kind byte, body []byte) (cut bool) {
	parts := bytes.SplitN(body, []byte{0}, 3)
	switch {
	case kind == 'P' && len(parts) == 3:
		l.texts[string(parts[0])] = string(parts[1])
	case kind == 'B' && len(parts) == 3:
		l.said.WriteString(l.texts[string(parts[1])] + "\n")
	case kind == 'Q':
		return l.query(strings.ToLower(string(parts[0])))
	}
	return false
}

func (l *line) query(text string) (cut bool) {
	switch {
	case strings.HasPrefix(text, "begin"), strings.HasPrefix(text, "rollback"):
		l.said.Reset()
	case strings.HasPrefix(text, "commit"):
		now, after := l.wire.due(l.said.String())
		l.said.Reset()
		if now && after {
			l.mu.Lock()
			l.silent = true
			l.mu.Unlock()
		}
		return now && !after
	}
	return false
}
