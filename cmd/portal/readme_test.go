package main

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// The commands of the README work as they stand there, one after the other in
// one folder, with ports and folders moved by the environment alone. Only
// make test is left out: it is what runs this test.
func TestReadmeCommands(t *testing.T) {
	t.Parallel()
	reader := newReader(t)
	commands := readmeCommands(t)
	if len(commands) < 8 {
		t.Fatalf("the README has only %d commands", len(commands))
	}
	for _, command := range commands {
		t.Log(command)
		switch {
		case command == "make test":
		case strings.Contains(command, " serve"):
			reader.serve(command)
		case strings.Contains(command, " demo"):
			demo := filepath.Join(t.TempDir(), "demo-data")
			reader.run(command, "PORTAL_DATA="+demo)
			if waiting := install(t).Run("", "mail", "list", "--data", demo); strings.Contains(waiting, "@") {
				t.Errorf("mails of invented people wait to go out:\n%s", waiting)
			}
		case command == "make build": // a static program, which the race detector is not
			reader.run(command, "GOFLAGS="+strings.ReplaceAll(os.Getenv("GOFLAGS"), "-race", ""))
		default:
			reader.run(command)
		}
	}
}

// readmeCommands are the lines of its shell blocks.
func readmeCommands(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	must(t, err)
	var commands []string
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		commands = append(commands, strings.Split(strings.TrimSpace(block[1]), "\n")...)
	}
	return commands
}

// reader is somebody who follows the README.
type reader struct {
	t   *testing.T
	env []string
}

func newReader(t *testing.T) *reader {
	t.Helper()
	folder := t.TempDir()
	env := append(os.Environ(), "PORTAL_DATA="+filepath.Join(folder, "portal-data"), "PORTAL_LISTEN="+freeAddress(t), "PORTAL_DRAIN=0s", "OUT="+filepath.Join(folder, "portal"))
	return &reader{t: t, env: env}
}

// shell is a command in the project's folder, as a group of its own, since
// "go run" starts the program as its child.
func (r *reader) shell(command string) *exec.Cmd {
	cmd := exec.Command("bash", "-o", "pipefail", "-c", command)
	cmd.Dir, cmd.Env = filepath.Join("..", ".."), r.env
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd
}

func (r *reader) run(command string, more ...string) {
	r.t.Helper()
	cmd := r.shell(command)
	cmd.Env = append(cmd.Env, more...)
	if out, err := cmd.CombinedOutput(); err != nil {
		r.t.Fatalf("%s: %v\n%s", command, err, out)
	}
}

// serve starts the portal, waits for its announcement and stops it.
func (r *reader) serve(command string) {
	r.t.Helper()
	cmd := r.shell(command)
	var errors bytes.Buffer
	cmd.Stderr = &errors
	out, err := cmd.StdoutPipe()
	must(r.t, err)
	must(r.t, cmd.Start())
	line, _ := bufio.NewReader(out).ReadString('\n')
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
	_ = cmd.Wait()
	if !strings.HasPrefix(line, "The portal is at http://localhost:") {
		r.t.Fatalf("%s: %q\n%s", command, line, errors.String())
	}
}
