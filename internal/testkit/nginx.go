package testkit

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// nginxMain is what Debian's own main file holds, in a folder of the test.
const nginxMain = `
daemon off;
pid nginx.pid;
error_log stderr warn;
worker_processes 1;
events { worker_connections 512; }
http {
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    include site.conf;
}
`

// Nginx runs Debian's nginx with the configuration of a site, as a process of
// its own that ends with the test, and waits until it answers at the address.
func Nginx(t testing.TB, site, address string) {
	t.Helper()
	folder := t.TempDir()
	for name, text := range map[string]string{"nginx.conf": nginxMain, "site.conf": site} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	program, err := nginxProgram()
	if err != nil {
		t.Fatalf("there is no nginx (run make test): %v", err)
	}
	cmd := exec.Command(program, "-e", "stderr", "-p", folder+"/", "-c", "nginx.conf")
	cmd.Stderr = t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	})
	awaitConnection(t, address)
}

// nginxProgram finds nginx where Debian keeps it, outside of a user's PATH.
func nginxProgram() (string, error) {
	if path, err := exec.LookPath("nginx"); err == nil {
		return path, nil
	}
	return exec.LookPath("/usr/sbin/nginx")
}

// awaitConnection waits until somebody listens, for a minute at most.
func awaitConnection(t testing.TB, address string) {
	t.Helper()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for end := time.Now().Add(time.Minute); ; <-ticker.C {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			_ = conn.Close()
			return
		}
		if time.Now().After(end) {
			t.Fatal(fmt.Errorf("nobody listens at %s: %w", address, err))
		}
	}
}
