package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"testing"

	"portal/internal/testkit"
)

// containerUser is the user of the Containerfile.
const containerUser = 65532

// inContainer makes an empty root folder with the files of the Containerfile's
// last stage, and what every container runtime puts beside them. A certificate
// authority of the test takes the place of the public ones.
func inContainer(t *testing.T, authorities string) *installation {
	t.Helper()
	if info, ok := debug.ReadBuildInfo(); !ok || !slices.Contains(info.Settings, debug.BuildSetting{Key: "CGO_ENABLED", Value: "0"}) {
		t.Fatal("this program is not static, as the shipped one is: run the test with CGO_ENABLED=0")
	}
	_, last, _ := strings.Cut(deployed(t, "container/Containerfile"), "FROM scratch\n")
	var files []string
	for _, copied := range regexp.MustCompile(`(?m)^COPY .*\s(/\S+)$`).FindAllStringSubmatch(last, -1) {
		files = append(files, copied[1])
	}
	if want := []string{"/etc/ssl/certs/ca-certificates.crt", "/portal", "/data"}; !slices.Equal(files, want) || !strings.Contains(last, "\nUSER 65532:65532\n") {
		t.Fatalf("the Containerfile copies %v, and this test tries %v as user %d", files, want, containerUser)
	}
	root, err := os.MkdirTemp("", "container") // not the test's own folder, which only this user may enter
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(root) })
	must(t, os.Chmod(root, 0o755))
	must(t, os.MkdirAll(filepath.Join(root, "etc/ssl/certs"), 0o755))
	must(t, os.Mkdir(filepath.Join(root, "data"), 0o700))
	must(t, os.WriteFile(filepath.Join(root, "etc/hosts"), []byte("127.0.0.1 localhost\n"), 0o644))
	self, err := os.Executable()
	must(t, err)
	for from, to := range map[string]string{self: "portal", authorities: files[0]} {
		text, err := os.ReadFile(from)
		must(t, err)
		must(t, os.WriteFile(filepath.Join(root, to), text, 0o755))
	}
	in := install(t)
	in.env = []string{"PORTAL_DATA=/data", "TMPDIR=/data"}
	in.confine = func(cmd *exec.Cmd) { confine(cmd, root) }
	if os.Getuid() == 0 {
		must(t, os.Chown(filepath.Join(root, "data"), containerUser, containerUser))
	}
	return in
}

// confine lets a command see nothing but a folder, as a user without rights.
func confine(cmd *exec.Cmd, root string) {
	cmd.Path, cmd.Dir = "/portal", "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: root}
	if os.Getuid() == 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: containerUser, Gid: containerUser}
		return
	}
	cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWUSER
	cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: containerUser, HostID: os.Getuid(), Size: 1}}
	cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: containerUser, HostID: os.Getgid(), Size: 1}}
}

// Where there is nothing but what the Containerfile copies, a user without
// rights sets the portal up, signs in, keeps the data, and is trusted with TLS
// to a mail server by the certificates that are in it.
func TestInAnEmptyContainer(t *testing.T) {
	t.Parallel()
	post := testkit.SMTP(t)
	in := inContainer(t, post.CA)
	s := in.Serve("--smtp-url", post.TLS, "--smtp-from", "Portal <portal@example.com>")
	gary := s.setUpByLink()
	gary.signIn()
	s.Run("", "user", "add", "--customer", "Acme", "--name", "Ada", "--email", "ada@example.com", "ada")
	for mail := post.Next(); mail.To != "ada@example.com"; mail = post.Next() {
	}
	s.Stop()
	s = in.Serve()
	again := s.person("gary")
	again.signIn()
	again.Get("/administration/access").want(t, 200)
}
