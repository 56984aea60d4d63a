package testkit

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"sort"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// PostgresTLS starts a PostgreSQL server of its own that speaks TLS only, with a
// certificate for host, and returns its URL at localhost without any sslmode.
// The server refuses to run as root and then runs as the user postgres.
func PostgresTLS(t testing.TB, authority *Authority, host string) string {
	t.Helper()
	bin := postgresBin(t)
	folder, err := os.MkdirTemp("", "portal-postgres-tls.")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	authority.Issue(t, folder, host)
	attr := asPostgres(t, folder)
	data, port := filepath.Join(folder, "data"), freePort(t)
	initdb := exec.Command(filepath.Join(bin, "initdb"), "--pgdata", data, "--username=portal", "--auth=trust", "--locale=C.UTF-8", "--encoding=UTF8", "--no-sync")
	initdb.Dir, initdb.SysProcAttr = folder, attr
	if out, err := initdb.CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	hba := filepath.Join(folder, "hba.conf")
	if err := os.WriteFile(hba, []byte("hostssl all all 127.0.0.1/32 trust\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	server := exec.Command(filepath.Join(bin, "postgres"), "-D", data, "-c", "listen_addresses=127.0.0.1", "-c", "port="+port,
		"-c", "unix_socket_directories=", "-c", "fsync=off", "-c", "hba_file="+hba, "-c", "ssl=on",
		"-c", "ssl_cert_file="+filepath.Join(folder, "server.pem"), "-c", "ssl_key_file="+filepath.Join(folder, "server.key"))
	server.Dir, server.SysProcAttr = folder, attr
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Signal(syscall.SIGQUIT)
		_ = server.Wait()
	})
	awaitPort(t, port)
	return fmt.Sprintf("postgres://portal@localhost:%s/postgres?sslrootcert=%s", port, authority.File)
}

// postgresBin is the folder of the server programs, of several versions the
// newest.
func postgresBin(t testing.TB) string {
	t.Helper()
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if err != nil || len(found) == 0 {
		path, err := exec.LookPath("postgres")
		if err != nil {
			t.Fatal("there is no PostgreSQL server: run make test, which installs it")
		}
		return filepath.Dir(path)
	}
	sort.Strings(found)
	return filepath.Dir(found[len(found)-1])
}

// asPostgres hands a folder over to the user that the server runs as.
func asPostgres(t testing.TB, folder string) *syscall.SysProcAttr {
	t.Helper()
	if os.Geteuid() != 0 {
		return nil
	}
	who, err := user.Lookup("postgres")
	if err != nil {
		t.Fatal(err)
	}
	uid, uidErr := strconv.Atoi(who.Uid)
	gid, gidErr := strconv.Atoi(who.Gid)
	if err := errors.Join(uidErr, gidErr); err != nil {
		t.Fatal(err)
	}
	own := func(path string, _ os.DirEntry, err error) error { return errors.Join(err, os.Chown(path, uid, gid)) }
	if err := filepath.WalkDir(folder, own); err != nil {
		t.Fatal(err)
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
}

// freePort is a port of this machine that nobody listens on now.
func freePort(t testing.TB) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// awaitPort waits until somebody listens, a minute at most.
func awaitPort(t testing.TB, port string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for ctx.Err() == nil {
		c, err := (&net.Dialer{}).DialContext(ctx, "tcp", "127.0.0.1:"+port)
		if err == nil {
			_ = c.Close()
			return
		}
	}
	t.Fatalf("nobody listens on port %s", port)
}
