package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"portal/internal/testkit"
)

// until asks again and again until it is so; a minute is far beyond what any
// machine needs.
func until(t testing.TB, what string, so func() bool) {
	t.Helper()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for end := time.Now().Add(time.Minute); !so(); <-ticker.C {
		if time.Now().After(end) {
			t.Fatalf("it never came that %s", what)
		}
	}
}

func (s *server) ready() bool { return newClient(s.t, s.Base).Get("/readyz").Status == 200 }

// keyring is where an installation keeps its key ring.
func (in *installation) keyring() string { return filepath.Join(in.Data, "keyring.json") }

// swap puts a file in the place of another one at once.
func swap(t testing.TB, path string, text []byte) {
	t.Helper()
	must(t, os.WriteFile(path+".next", text, 0o600))
	must(t, os.Rename(path+".next", path))
}

// A ring file that is damaged or taken away while the portal runs is told at
// once, and changes nothing: the keys read before stay in use.
func TestRingFileDamagedWhileRunning(t *testing.T) {
	t.Parallel()
	s := install(t).Serve()
	s.Run("", "customer", "add", "Acme")
	wendy := s.join("Acme", "user", "wendy")
	wendy.signIn()
	wendy.enable()
	right, err := os.ReadFile(s.keyring())
	must(t, err)
	other := install(t)
	other.Run("", "customer", "add", "Acme")
	foreign, err := os.ReadFile(other.keyring())
	must(t, err)

	for name, text := range map[string][]byte{"foreign": foreign, "damaged": right[:len(right)/2]} {
		swap(t, s.keyring(), text)
		until(t, "a "+name+" ring file makes the node not ready", func() bool { return !s.ready() })
		again := s.person("wendy")
		again.secrets = wendy.secrets
		again.signIn()
		swap(t, s.keyring(), right)
		until(t, "the right ring file makes the node ready", s.ready)
	}
	must(t, os.Chmod(s.keyring(), 0o640))
	until(t, "a ring file that others can read makes the node not ready", func() bool { return !s.ready() })
	if !strings.Contains(s.Log(), "no start would succeed") || !strings.Contains(s.Log(), "open to others") {
		t.Errorf("the log does not say what is wrong:\n%s", s.Log())
	}
}

// A node whose clock is more than 30 seconds off is not ready, above 5 seconds
// it raises the alarm; once the clock is right everything is (OT-04).
func TestReadyNeedsTheRightTime(t *testing.T) {
	t.Parallel()
	in := install(t)
	in.Database = testkit.Postgres(t)
	s := in.Serve()
	if !s.ready() {
		t.Fatal("not ready with the right time")
	}
	for _, off := range []time.Duration{40 * time.Second, -40 * time.Second} {
		s.Advance(off)
		if s.ready() {
			t.Errorf("ready with a clock that is off by %s", off)
		}
		s.Advance(-off)
		if !s.ready() {
			t.Errorf("not ready once the clock was right again")
		}
	}
	const alarm = "the clocks of this node and of the database disagree"
	s.Advance(-12 * time.Second)
	until(t, "the log raises the alarm", func() bool { return strings.Contains(s.Log(), alarm) })
	if !s.ready() {
		t.Error("not ready with a clock that is 12 seconds off")
	}
	s.Advance(12 * time.Second)
	until(t, "the log says that it is over", func() bool { return strings.Contains(s.Log(), "over: "+alarm) })
}

// A job that fails at every look fills no log: its first failure is told, later
// ones less and less often, and the end.
func TestFailuresThatLastFillNoLog(t *testing.T) {
	t.Parallel()
	s := install(t).Serve()
	told := func(level, words string) int {
		n := 0
		for line := range strings.Lines(s.Log()) {
			if strings.Contains(line, `"level":"`+level+`"`) && strings.Contains(line, words) && strings.Contains(line, "seal the audit trail") {
				n++
			}
		}
		return n
	}
	const failed = "a job failed and will be tried again"
	mend := s.fails("audit_seals", "INSERT")
	s.Run("", "sessions", "end-all") // an event to be sealed
	until(t, "the job fails at several looks", func() bool { return told("DEBUG", failed) >= 3 })
	if n := told("WARN", failed); n != 1 {
		t.Errorf("told %d times:\n%s", n, s.Log())
	}
	s.Advance(time.Minute)
	until(t, "it is told again", func() bool { return told("WARN", failed) == 2 })
	mend()
	until(t, "the end is told", func() bool { return told("INFO", "works again") == 1 })
}

// A file that holds a secret is refused where others can read it (CF-01).
func TestSecretFilesArePrivate(t *testing.T) {
	t.Parallel()
	in := install(t)
	file := filepath.Join(t.TempDir(), "database-url")
	must(t, os.WriteFile(file, []byte(testkit.Postgres(t)+"\n"), 0o600))
	run := func() (string, int) {
		cmd := in.command("customer", "list")
		cmd.Env = append(cmd.Env, "PORTAL_DATABASE=", "PORTAL_DATABASE_FILE="+file)
		out, _ := cmd.CombinedOutput()
		return string(out), cmd.ProcessState.ExitCode()
	}
	if out, code := run(); code != 0 {
		t.Fatalf("exit %d: %s", code, out)
	}
	for _, mode := range []os.FileMode{0o640, 0o604, 0o644, 0o700} {
		must(t, os.Chmod(file, mode))
		if out, code := run(); code != 1 || !strings.Contains(out, "chmod 600") || strings.Contains(out, "postgres://") {
			t.Errorf("mode %o: exit %d, %q", mode, code, out)
		}
	}
}

// A secret that systemd hands over may have the mask of an access list for a
// mode, in the folder of credentials alone, and only while that is closed to
// others (CF-01).
func TestCredentials(t *testing.T) {
	t.Parallel()
	in := install(t)
	folder := filepath.Join(t.TempDir(), "credentials")
	must(t, os.Mkdir(folder, 0o700))
	file := filepath.Join(folder, "database-url")
	must(t, os.WriteFile(file, []byte(testkit.Postgres(t)), 0o600))
	code := func(credentials string, fileMode, folderMode os.FileMode) int {
		t.Helper()
		must(t, os.Chmod(folder, folderMode))
		must(t, os.Chmod(file, fileMode))
		cmd := in.command("customer", "list")
		cmd.Env = append(cmd.Env, "PORTAL_DATABASE=", "PORTAL_DATABASE_FILE="+file, "CREDENTIALS_DIRECTORY="+credentials)
		_ = cmd.Run()
		return cmd.ProcessState.ExitCode()
	}
	if got := code(folder+"/", 0o440, 0o550); got != 0 {
		t.Errorf("a credential with mode 0440: exit %d", got)
	}
	for what, got := range map[string]int{
		"a credential that all can read": code(folder, 0o444, 0o550), "a folder that all can enter": code(folder, 0o440, 0o755),
		"a file beside the credentials": code(t.TempDir(), 0o440, 0o550), "a file without credentials": code("", 0o440, 0o550),
	} {
		if got != 1 {
			t.Errorf("%s: exit %d", what, got)
		}
	}
}

// A node whose clock is wrong does nothing that goes by it: mails are not given
// up, requests not answered, nothing ages. Once the clock is right it all is done.
func TestWrongClockDoesNoJob(t *testing.T) {
	t.Parallel()
	in := install(t)
	in.Database = testkit.Postgres(t)
	in.Run("", "customer", "add", "Acme")
	node := in.second()
	node.clock = filepath.Join(t.TempDir(), "clock")
	node.Advance(80 * time.Hour)
	post := testkit.SMTP(t)
	s := node.Serve(throughMail(post)...)
	in.Run("", "user", "add", "--customer", "Acme", "--name", "Ivy", "--email", "ivy@example.com", "ivy")
	for _, job := range []string{
		"answer who forgot a password", "remind of the 2FA policy", "forget what is past its time", "give up mails that waited too long", "age kept setups", "prune the audit trail", "mail",
	} {
		s.until("the job is refused: "+job, func() bool {
			for line := range strings.Lines(s.Log()) {
				if strings.Contains(line, `"job":"`+job+`"`) && strings.Contains(line, "the clock of this machine is 80h0m0s ahead") {
					return true
				}
			}
			return false
		})
	}
	if n := number(t, in.beneath(), "SELECT COUNT(*) FROM mails WHERE state = 'waiting' AND tries = 0"); n != 1 {
		t.Errorf("%d mails wait untouched, want the invitation:\n%s", n, in.Run("", "mail", "list"))
	}
	node.Advance(-80 * time.Hour)
	if mail := post.Next(); mail.To != "ivy@example.com" {
		t.Errorf("the mail is %+v", mail)
	}
}
