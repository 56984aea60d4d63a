package testkit

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Cluster is a PostgreSQL server of a test's own, which the test may kill. It
// keeps what it has committed as a server of an operator does: fsync and
// synchronous_commit are on.
type Cluster struct {
	t       testing.TB
	folder  string // of data, log and socket
	port    string
	options []string
	attr    *syscall.SysProcAttr
	server  *exec.Cmd
	ended   chan struct{}
	slow    string // while this file is there, the disk is slow
}

// NewCluster makes a server with settings such as "max_connections=20" and
// starts it.
func NewCluster(t testing.TB, settings ...string) *Cluster {
	t.Helper()
	return clusterIn(t, clusterFolder(t), settings)
}

// NewClusterOnDisk is NewCluster on a disk of its own, of so many megabytes: a
// small one of memory, which can be filled. It returns the disk's folder, too.
func NewClusterOnDisk(t testing.TB, megabytes int, settings ...string) (c *Cluster, disk string) {
	t.Helper()
	folder := clusterFolder(t)
	if err := syscall.Mount("tmpfs", folder, "tmpfs", 0, fmt.Sprintf("size=%dm,mode=0700", megabytes)); err != nil {
		t.Fatalf("a small disk cannot be mounted; run the tests as root: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(folder, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return clusterIn(t, folder, settings), folder
}

func clusterFolder(t testing.TB) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "portal-cluster.")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	return folder
}

func clusterIn(t testing.TB, folder string, settings []string) *Cluster {
	t.Helper()
	c := &Cluster{t: t, folder: folder, port: freePort(t), options: settings, attr: asPostgres(t, folder), slow: filepath.Join(folder, "slow")}
	c.run("initdb", "--pgdata", c.data(), "--username=portal", "--auth=trust", "--locale=C.UTF-8", "--encoding=UTF8", "--no-sync", "--wal-segsize=4")
	c.Start()
	return c
}

// Standby makes a copy of the running server that follows it under a name, and
// waits until it does.
func (c *Cluster) Standby(name string, settings ...string) *Cluster {
	c.t.Helper()
	folder := clusterFolder(c.t)
	s := &Cluster{t: c.t, folder: folder, port: freePort(c.t), options: settings, attr: asPostgres(c.t, folder), slow: filepath.Join(folder, "slow")}
	from := fmt.Sprintf("host=127.0.0.1 port=%s user=portal application_name=%s", c.port, name)
	s.run("pg_basebackup", "--dbname", from, "--pgdata", s.data(), "--write-recovery-conf", "--checkpoint=fast", "--no-sync")
	s.Start()
	c.Until("the standby follows", "SELECT count(*) = 1 FROM pg_stat_replication WHERE state = 'streaming' AND application_name = '"+name+"'")
	return s
}

// Promote makes a standby the server that takes changes.
func (c *Cluster) Promote() {
	c.t.Helper()
	c.Exec("SELECT pg_promote(true, 60)")
}

func (c *Cluster) data() string { return filepath.Join(c.folder, "data") }

// Address is where the server listens.
func (c *Cluster) Address() string { return "127.0.0.1:" + c.port }

// URL is the address of the superuser.
func (c *Cluster) URL() string { return URLAt(c.Address()) }

// URLAt is the URL of a cluster's superuser that is reached at addresses.
func URLAt(addresses ...string) string {
	return "postgres://portal@" + strings.Join(addresses, ",") + "/postgres?sslmode=disable"
}

// run runs one of the server's programs to its end.
func (c *Cluster) run(program string, args ...string) {
	c.t.Helper()
	cmd := exec.Command(filepath.Join(postgresBin(c.t), program), args...)
	cmd.Dir, cmd.SysProcAttr = c.folder, c.attr
	if out, err := cmd.CombinedOutput(); err != nil {
		c.t.Fatalf("%s: %v\n%s", program, err, out)
	}
}

// Start starts the server and waits until it answers. Shared memory that a
// killed one has left behind may stand in the way for a moment.
func (c *Cluster) Start() {
	c.t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); {
		c.launch()
		if c.answers() {
			return
		}
	}
	log, _ := os.ReadFile(filepath.Join(c.folder, "log"))
	c.t.Fatalf("PostgreSQL did not start:\n%s", log)
}

func (c *Cluster) launch() {
	c.t.Helper()
	args := []string{"-D", c.data(), "-c", "listen_addresses=127.0.0.1", "-c", "port=" + c.port, "-c", "unix_socket_directories=" + c.folder,
		"-c", "fsync=on", "-c", "synchronous_commit=on", "-c", "shared_buffers=16MB", "-c", "recovery_init_sync_method=syncfs"}
	for _, option := range c.options {
		args = append(args, "-c", option)
	}
	log, err := os.OpenFile(filepath.Join(c.folder, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		c.t.Fatal(err)
	}
	defer log.Close()
	server := exec.Command(filepath.Join(postgresBin(c.t), "postgres"), args...)
	server.Dir, server.SysProcAttr, server.Stdout, server.Stderr = c.folder, c.attr, log, log
	server.Env = append(os.Environ(), c.slowDisk()...)
	if err := server.Start(); err != nil {
		c.t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = server.Wait(); close(ended) }()
	c.server, c.ended = server, ended
	c.t.Cleanup(func() { _ = server.Process.Signal(syscall.SIGQUIT); <-ended })
}

// answers waits until the server answers; false where it ended.
func (c *Cluster) answers() bool {
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); {
		if c.Try("SELECT 1") == nil {
			return true
		}
		select {
		case <-c.ended:
			return false
		case <-ticker.C:
		}
	}
	return false
}

// Alive tells whether the server still runs; a full disk may have ended it.
func (c *Cluster) Alive() bool {
	select {
	case <-c.ended:
		return false
	default:
		return true
	}
}

// Stop ends the server as its service manager does.
func (c *Cluster) Stop() {
	_ = c.server.Process.Signal(syscall.SIGINT)
	<-c.ended
}

// Kill ends the server with all its processes at once, by SIGKILL.
func (c *Cluster) Kill() {
	c.t.Helper()
	all := c.processes()
	for _, pid := range all {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	<-c.ended
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	for _, pid := range all[1:] {
		for _, state := stat(pid); state != "" && state != "Z"; _, state = stat(pid) {
			<-ticker.C
		}
	}
}

// Pause stops all processes of the server: it takes connections and does not
// answer, as a machine that swaps or a virtual one that is being moved.
func (c *Cluster) Pause() { c.signal(syscall.SIGSTOP) }

// Resume lets the server go on after Pause.
func (c *Cluster) Resume() { c.signal(syscall.SIGCONT) }

func (c *Cluster) signal(signal syscall.Signal) {
	for _, pid := range c.processes() {
		_ = syscall.Kill(pid, signal)
	}
}

// processes are the server and its children, the server first.
func (c *Cluster) processes() []int {
	all := []int{c.server.Process.Pid}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		c.t.Fatal(err)
	}
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		if parent, _ := stat(pid); parent == c.server.Process.Pid {
			all = append(all, pid)
		}
	}
	return all
}

// stat reads the parent and the state of a process, empty where it is gone.
func stat(pid int) (parent int, state string) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, ""
	}
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:])
	parent, _ = strconv.Atoi(string(fields[1]))
	return parent, string(fields[0])
}

// Exec runs one statement over a connection of its own.
func (c *Cluster) Exec(statement string) {
	c.t.Helper()
	if err := c.Try(statement); err != nil {
		c.t.Fatalf("%s: %v", statement, err)
	}
}

// Try is Exec for a statement that may fail.
func (c *Cluster) Try(statement string) error {
	// Not t.Context(): in a cleanup it has already ended.
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, c.URL())
	if err != nil {
		return err
	}
	defer conn.Close(ctx) //nolint:errcheck // the test is about the server
	_, err = conn.Exec(ctx, statement)
	return err
}

// Until asks until a query says true.
func (c *Cluster) Until(what, query string) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, c.URL())
	if err != nil {
		c.t.Fatal(err)
	}
	defer conn.Close(ctx) //nolint:errcheck // it only asked
	for so := false; !so; {
		if err := conn.QueryRow(ctx, query).Scan(&so); err != nil {
			c.t.Fatalf("it never came that %s: %v", what, err)
		}
	}
}

// Lock holds a table so that nobody can even read it, until the returned
// function gives it back.
func (c *Cluster) Lock(table string) (unlock func()) {
	c.t.Helper()
	ctx := context.Background() // the lock outlives any one request
	conn, err := pgx.Connect(ctx, c.URL())
	if err == nil {
		_, err = conn.Exec(ctx, "BEGIN; LOCK TABLE "+table+" IN ACCESS EXCLUSIVE MODE")
	}
	if err != nil {
		c.t.Fatal(err)
	}
	return func() { _ = conn.Close(ctx) }
}

// Crowd takes all connections that the server has, those of others included,
// until the returned function gives them back.
func (c *Cluster) Crowd() (leave func()) {
	c.t.Helper()
	ctx := context.Background() // the connections outlive any one request
	var all []*pgx.Conn
	take := func() {
		for {
			conn, err := pgx.Connect(ctx, c.URL())
			if err != nil {
				return
			}
			all = append(all, conn)
		}
	}
	const others = `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE backend_type = 'client backend' AND application_name <> 'crowd'`
	// A place may fall free between a try to take it and the look who is left:
	// all are taken where nothing was to be had after nobody was left.
	for alone := false; ; {
		before, left := len(all), 0
		take()
		for _, conn := range all {
			if _, err := conn.Exec(ctx, "SET application_name = 'crowd'"); err != nil {
				c.t.Fatal(err)
			}
		}
		if err := all[0].QueryRow(ctx, others).Scan(&left); err != nil {
			c.t.Fatal(err)
		}
		if alone && left == 0 && len(all) == before {
			break
		}
		alone = left == 0
	}
	return func() {
		for _, conn := range all {
			_ = conn.Close(ctx)
		}
	}
}
