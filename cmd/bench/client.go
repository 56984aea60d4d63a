package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// client sends ready-made requests over connections that stay open. It costs a
// tenth of what net/http's client does: on a small machine the load must not
// take the processor from the server.
type client struct {
	connection net.Conn
	reader     *bufio.Reader
	buffer     []byte
}

// dial connects from an address of its own: the portal counts failures by
// their source.
func dial(ctx context.Context, host string) (*client, error) {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 1, byte(rand.N(250)), byte(1+rand.N(250)))}}
	_, port, err := net.SplitHostPort(host)
	if err != nil {
		return nil, err
	}
	connection, err := d.DialContext(ctx, "tcp", net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		return nil, err
	}
	return &client{connection: connection, reader: bufio.NewReaderSize(connection, 64<<10)}, nil
}

// answer is what came back.
type answer struct {
	status int
	to     string // where it leads
	body   []byte // good until the next request
}

// do sends one request and reads the whole answer.
func (c *client) do(request []byte) (a answer, err error) {
	if err := c.connection.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		return a, err
	}
	if _, err := c.connection.Write(request); err != nil {
		return a, err
	}
	length, err := c.readHead(&a)
	if err != nil {
		return a, err
	}
	c.buffer = slices.Grow(c.buffer[:0], length)[:length]
	_, err = io.ReadFull(c.reader, c.buffer)
	a.body = c.buffer
	return a, err
}

// readHead reads status and header, and returns how long the body is.
func (c *client) readHead(a *answer) (int, error) {
	line, err := c.reader.ReadSlice('\n')
	if err != nil || len(line) < 12 {
		return 0, fmt.Errorf("answer %q: %w", line, err)
	}
	if a.status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, err
	}
	length := -1
	for {
		line, err := c.reader.ReadSlice('\n')
		if err != nil {
			return 0, err
		}
		if len(line) <= 2 {
			break
		}
		switch name, value, _ := bytes.Cut(line, []byte(": ")); {
		case bytes.EqualFold(name, []byte("Location")):
			a.to = string(bytes.TrimSpace(value))
		case bytes.EqualFold(name, []byte("Content-Length")):
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return 0, err
			}
		}
	}
	if length < 0 {
		return 0, fmt.Errorf("answer %d has no length", a.status)
	}
	return length, nil
}

// request writes a request as it goes over the wire.
func request(host, method, path, cookie, body string) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: %s\r\n", method, path, host, browser)
	if cookie != "" {
		fmt.Fprintf(&b, "Cookie: %s\r\n", cookie)
	}
	if method == "POST" {
		fmt.Fprintf(&b, "Origin: http://%s\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n", host, len(body))
	}
	return []byte(b.String() + "\r\n" + body)
}

// load is what to send: next returns the next request of a worker, nil when
// there is none left.
type load struct {
	workers int
	lasting time.Duration
	want    int    // the status of every right answer
	to      string // where every right answer leads, if that matters
	also    int    // another right one, under overload
	next    func(worker int) []byte
}

// outcome is what a load has shown.
type outcome struct {
	rate    float64       // answers a second
	cpu     time.Duration // of the server, for one answer
	latency []time.Duration
}

// median is the middle latency.
func (o outcome) median() time.Duration { return quantile(o.latency, 0.5) }

func quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[int(q*float64(len(sorted)-1))]
}

// put puts a load on a server.
func (c *child) put(ctx context.Context, l load) (o outcome, err error) {
	clients, err := dialAll(ctx, c.base.Host, l.workers)
	if err != nil {
		return o, err
	}
	defer closeAll(clients)
	before, err := c.cpu()
	if err != nil {
		return o, err
	}
	begin := time.Now()
	o.latency, err = work(ctx, clients, l, begin.Add(l.lasting))
	took := time.Since(begin)
	after, cpuErr := c.cpu()
	if err == nil {
		err = cpuErr
	}
	n := len(o.latency)
	o.rate = float64(n) / took.Seconds()
	o.cpu = (after - before) / time.Duration(max(n, 1))
	slices.Sort(o.latency)
	return o, err
}

func dialAll(ctx context.Context, host string, n int) (all []*client, err error) {
	for range n {
		c, err := dial(ctx, host)
		if err != nil {
			closeAll(all)
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}

func closeAll(all []*client) {
	for _, c := range all {
		_ = c.connection.Close() // nothing is under way
	}
}

// work has each client send its requests in turn until the end.
func work(ctx context.Context, clients []*client, l load, end time.Time) ([]time.Duration, error) {
	var all sync.WaitGroup
	var mu sync.Mutex
	var latencies []time.Duration
	var failed error
	for i, c := range clients {
		all.Go(func() {
			own, err := c.repeat(ctx, l, i, end)
			mu.Lock()
			defer mu.Unlock()
			latencies = append(latencies, own...)
			if failed == nil {
				failed = err
			}
		})
	}
	all.Wait()
	return latencies, failed
}

func (c *client) repeat(ctx context.Context, l load, worker int, end time.Time) (own []time.Duration, err error) {
	for at := time.Now(); at.Before(end) && ctx.Err() == nil; {
		next := l.next(worker)
		if next == nil {
			break
		}
		a, err := c.do(next)
		if err != nil {
			return own, err
		}
		if a.status != l.also && (a.status != l.want || l.to != "" && a.to != l.to) {
			return own, fmt.Errorf("status %d to %q instead of %d to %q for %.60q: %.300s", a.status, a.to, l.want, l.to, next, a.body)
		}
		now := time.Now()
		own = append(own, now.Sub(at))
		at = now
	}
	return own, ctx.Err()
}
