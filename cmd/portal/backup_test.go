package main

import (
	"archive/tar"
	"bytes"
	"encoding/base32"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"portal/internal/testkit"
)

const backupPassphrase = "five words by chance alone"

// passphraseFile is a file with the passphrase, as --passphrase-file wants it.
func passphraseFile(t testing.TB, passphrase string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "passphrase")
	must(t, os.WriteFile(path, []byte(passphrase+"\n"), 0o600))
	return path
}

// elsewhere is an empty place of the same kind with the same clock.
func (in *installation) elsewhere(t testing.TB) *installation {
	t.Helper()
	other := install(t)
	other.clock, other.moved = in.clock, in.moved
	if in.Database != "" {
		other.Database = testkit.Postgres(t)
	}
	return other
}

// refusesToServe holds that no portal starts, and what it says.
func (in *installation) refusesToServe(t testing.TB, want string) {
	t.Helper()
	if _, said, code := in.Try("", "serve", "--listen", in.listen); code != 1 || !strings.Contains(said, want) {
		t.Fatalf("serve ends with %d and does not say %q:\n%s", code, want, said)
	}
}

// payload is the database inside a backup, as text that can be searched.
func payload(t testing.TB, path string) string {
	t.Helper()
	file, err := os.Open(path)
	must(t, err)
	defer file.Close()
	r := tar.NewReader(file)
	head, err := r.Next()
	must(t, err)
	content, err := io.ReadAll(r)
	must(t, err)
	if !strings.HasSuffix(head.Name, ".pgdump") {
		return string(content)
	}
	unpack := exec.CommandContext(t.Context(), "pg_restore", "--file=-")
	unpack.Stdin = bytes.NewReader(content)
	text, err := unpack.Output()
	must(t, err)
	return string(text)
}

// ringSecrets are the bytes of every key of the key ring.
func (in *installation) ringSecrets(t testing.TB) (all []string) {
	t.Helper()
	text, err := os.ReadFile(in.keyring())
	must(t, err)
	var ring struct{ Keys []struct{ Secret []byte } }
	must(t, json.Unmarshal(text, &ring))
	for _, key := range ring.Keys {
		all = append(all, string(key.Secret))
	}
	return all
}

// keepSigningIn signs in again and again until the returned function is called,
// which holds that none of it failed.
func (s *server) keepSigningIn(t *testing.T, login string) (stop func()) {
	t.Helper()
	var ended atomic.Bool
	done, failed := make(chan int), make(chan error, 1)
	go func() {
		times := 0
		defer func() { done <- times }()
		for p := s.person(login); !ended.Load(); times++ {
			a, err := p.tryPost("/sign-in", "login_id", login, "password", goodPassword)
			if err != nil || a.Status != http.StatusSeeOther {
				failed <- err
				t.Errorf("a sign-in during the backup: %d, %v", a.Status, err)
				return
			}
		}
	}()
	return func() {
		ended.Store(true)
		if times := <-done; times == 0 {
			t.Error("nobody signed in during the backup")
		}
	}
}

// A backup is made while people sign in, and put back into an empty place.
// Nobody gets in before post-restore; after it nothing is accepted that was
// used or revoked since the backup, the password with a new code is, and the
// audit trail verifies and tells of the gap (CF-08).
func TestBackupAndRestore(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *server) {
		s.Run("", "customer", "add", "Acme")
		s.join("Acme", "administrator", "ada")
		s.join("Acme", "user", "walter")
		wendy := s.join("Acme", "user", "wendy")
		wendy.signIn()
		codes := wendy.enable()
		oldSession := wendy.cookie(sessionCookie)
		s.Run("", "user", "add", "--customer", "Acme", "--name", "Ivy", "--email", "ivy@example.com", "ivy")
		invitation := s.mailsTo(t, "ivy@example.com")[0].link(t, "/link/")
		s.sealed(t)

		file := filepath.Join(t.TempDir(), "portal.backup")
		stop := s.keepSigningIn(t, "walter")
		said := s.Run("", "backup", file, "--passphrase-file", passphraseFile(t, backupPassphrase))
		stop()
		if !strings.Contains(said, "5 users") && !strings.Contains(said, "4 users") {
			t.Errorf("the backup says\n%s", said)
		}
		for _, path := range []string{file, file + ".keyring"} {
			info, err := os.Stat(path)
			must(t, err)
			if info.Mode().Perm() != 0o600 {
				t.Errorf("%s has mode %o", path, info.Mode())
			}
		}
		holdsNoSecret(t, s, file, append(codes, goodPassword, oldSession, strings.TrimPrefix(invitation, "/link/"), wendy.secrets[0]))

		// What happens after the backup is gone with the restore.
		late := s.person("wendy")
		late.enterPassword()
		used := wendy.code()
		late.Post("/sign-in/code", "code", used).wantRedirect(t, "/")
		late = s.person("wendy")
		late.enterPassword()
		late.Post("/sign-in/recovery-code", "recovery_code", codes[0]).wantRedirect(t, "/")
		wendy.Post("/sign-out").want(t, http.StatusSeeOther)
		s.Stop()

		to := s.elsewhere(t)
		to.Run(backupPassphrase, "restore", file, "--passphrase-stdin")
		to.refusesToServe(t, "portal post-restore")
		to.Run("", "post-restore")
		restored := to.Serve()
		accepts(t, restored, wendy, oldSession, invitation, used, codes)
		toldOfTheRestore(t, restored)
		restored.sealed(t)
		restored.Run("", "audit", "verify")
		if _, said, code := restored.Try("", "post-restore"); code == 0 || !strings.Contains(said, "--anyway") {
			t.Errorf("post-restore a second time ends with %d:\n%s", code, said)
		}
	})
}

// sealed waits until all events are.
func (s *server) sealed(t *testing.T) {
	t.Helper()
	db := s.beneath()
	s.until("all events are sealed", func() bool { return number(t, db, "SELECT COUNT(*) FROM unsealed_events") == 0 })
}

// accepts holds what a restored portal accepts of what was valid before.
func accepts(t *testing.T, s *server, wendy *person, session, invitation, used string, codes []string) {
	t.Helper()
	old := s.person("wendy")
	old.useSession(session)
	old.Get("/account").wantRedirect(t, "/sign-in")
	if a := s.person("ivy").Get(invitation); a.Status == http.StatusSeeOther && a.Location != "/sign-in" {
		t.Errorf("a link of before the restore leads to %q", a.Location)
	}
	half := s.person("wendy")
	half.enterPassword()
	half.Post("/sign-in/code", "code", used).want(t, http.StatusUnprocessableEntity)
	for _, code := range codes[:2] { // one that was used, and one that was not
		half.Post("/sign-in/recovery-code", "recovery_code", code).want(t, http.StatusUnprocessableEntity)
	}
	s.Advance(time.Minute)
	again := s.person("wendy")
	again.secrets = wendy.secrets
	again.signIn()
	if page := visible(again.Get("/account").want(t, 200).Body); !strings.Contains(page, "No recovery codes are left") {
		t.Errorf("the account page does not say that no recovery codes are left:\n%s", page)
	}
}

// toldOfTheRestore holds that the trail and the mails tell, and that mails of
// the backup do not go out a second time.
func toldOfTheRestore(t *testing.T, s *server) {
	t.Helper()
	db := s.beneath()
	for what, query := range map[string]string{
		"events of the restore, one a customer and one of the installation": "SELECT COUNT(*) - 1 FROM events WHERE action = 'Restored from a backup'",
		"events of void recovery codes":                                     "SELECT COUNT(*) FROM events WHERE action = 'Recovery codes void'",
		"mails to administrators":                                           "SELECT COUNT(*) FROM mails WHERE kind = 'restored from a backup' AND state = 'waiting' AND recipient = 'ada@example.com'",
		"mails to who had recovery codes":                                   "SELECT COUNT(*) FROM mails WHERE kind = 'recovery codes void' AND state = 'waiting' AND recipient = 'wendy@example.com'",
		"invitations held back":                                             "SELECT COUNT(*) FROM mails WHERE kind = 'invitation' AND state = 'failed'",
	} {
		if n := number(t, db, query); n != 1 {
			t.Errorf("%d %s, want 1", n, what)
		}
	}
}

// holdsNoSecret searches a backup, and the database in it, for secrets in
// every way in which they might be written.
func holdsNoSecret(t *testing.T, s *server, file string, secrets []string) {
	t.Helper()
	raw, err := os.ReadFile(file)
	must(t, err)
	locked, err := os.ReadFile(file + ".keyring")
	must(t, err)
	inside := payload(t, file)
	if !strings.Contains(inside, "wendy@example.com") {
		t.Fatal("the search would find nothing")
	}
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(secrets[len(secrets)-1])
	must(t, err)
	all := append(append(secrets, string(key)), s.ringSecrets(t)...)
	for i, secret := range all {
		for _, form := range []string{secret, strings.ReplaceAll(secret, "-", ""), hex.EncodeToString([]byte(secret))} {
			if strings.Contains(string(raw)+string(locked)+inside, form) {
				t.Errorf("the backup holds secret %d of %d in clear", i, len(all))
			}
		}
	}
}

// Whatever does not fit is refused before anything is written.
func TestRestoreRefuses(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *server) {
		s.Run("", "customer", "add", "Acme")
		folder := t.TempDir()
		file := filepath.Join(folder, "portal.backup")
		_, said, code := s.Try("", "backup", file)
		if code != 0 || !strings.Contains(said, "THE KEY RING IS NOT IN THIS BACKUP") {
			t.Fatalf("a backup without a passphrase ends with %d and says\n%s", code, said)
		}
		whole, err := os.ReadFile(file)
		must(t, err)
		ring, err := os.ReadFile(s.keyring())
		must(t, err)
		other := install(t)
		other.Run("", "customer", "add", "Other")
		foreign, err := os.ReadFile(other.keyring())
		must(t, err)

		changed, text := bytes.Clone(whole), bytes.Clone(whole)
		changed[3000] ^= 1
		at := bytes.LastIndex(text, []byte(`"customers": 2`))
		text[at+len(`"customers": `)] = '3'
		to := s.elsewhere(t)
		must(t, os.MkdirAll(to.Data, 0o700))
		for _, c := range []struct {
			what       string
			text, ring []byte
			want       string
		}{
			{"cut short", whole[:len(whole)-4000], ring, "cut short"},
			{"changed", changed, ring, "digest is another"},
			{"a changed manifest", text, ring, "manifest was changed"},
			{"another file", ring, ring, "no backup"},
			{"another key ring", whole, foreign, "this key ring lacks"},
			{"no key ring", whole, nil, "--keyring-file"},
		} {
			path := filepath.Join(folder, "of "+c.what)
			must(t, os.WriteFile(path, c.text, 0o600))
			_ = os.Remove(to.keyring())
			if c.ring != nil {
				must(t, os.WriteFile(to.keyring(), c.ring, 0o600))
			}
			if _, said, code := to.Try("", "restore", path); code != 1 || !strings.Contains(said, c.want) {
				t.Errorf("%s: exit %d, and not %q:\n%s", c.what, code, c.want, said)
			}
		}
		for what, in := range map[string]*installation{"a place with a portal": s.installation, "its own file again": to} {
			args := []string{"restore", file}
			if in == to {
				args = []string{"backup", file, "--database", s.Database, "--data", s.Data}
			}
			if _, said, code := in.Try("", args...); code != 1 || !strings.Contains(said, "already") {
				t.Errorf("%s: exit %d\n%s", what, code, said)
			}
		}
		must(t, os.WriteFile(to.keyring(), ring, 0o600))
		if to.Database == "" {
			to.Run("", "restore", file) // what was refused has left the place empty
			return
		}
		role, service := testkit.ServiceRole(t, to.Database)
		to.Run("", "restore", file, "--service-role", role)
		to.Database = service
		to.Run("", "post-restore")
		to.Serve()
	})
}

// A restore that is killed at any moment leaves no portal behind that starts,
// and can be done again.
func TestRestoreKilled(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *server) {
		s.Run("", "customer", "add", "Acme")
		s.join("Acme", "user", "wendy")
		file := filepath.Join(t.TempDir(), "portal.backup")
		s.Run("", "backup", file)
		ring, err := os.ReadFile(s.keyring())
		must(t, err)
		to := s.elsewhere(t)
		must(t, os.MkdirAll(to.Data, 0o700))
		must(t, os.WriteFile(to.keyring(), ring, 0o600))
		for kills := 0; kills < 6 && !to.holdsRestored(t); kills++ {
			cmd := to.command("restore", file)
			must(t, cmd.Start())
			timer := time.AfterFunc(rand.N(400*time.Millisecond), func() { _ = cmd.Process.Kill() })
			_ = cmd.Wait()
			timer.Stop()
		}
		// What the killed one has started on PostgreSQL may take a moment to notice.
		until(t, "the restore succeeds after kills", func() bool {
			if to.holdsRestored(t) {
				return true
			}
			_, _, code := to.Try("", "restore", file)
			return code == 0
		})
		to.refusesToServe(t, "portal post-restore")
		to.Run("", "post-restore")
		to.Serve().person("wendy").signIn()
	})
}

// holdsRestored tells whether a restore has ended. Where one has begun and has
// not ended, no portal may start.
func (in *installation) holdsRestored(t testing.TB) bool {
	t.Helper()
	if in.Database == "" {
		_, err := os.Stat(filepath.Join(in.Data, "portal.db"))
		return err == nil
	}
	db := in.beneath()
	defer db.Close()
	begun := number(t, db, "SELECT COUNT(*) FROM pg_tables WHERE tablename = 'portal_restoring'") == 1
	if begun {
		in.refusesToServe(t, "cut short")
	}
	return !begun && number(t, db, "SELECT COUNT(*) FROM pg_tables WHERE tablename = 'schema_migrations'") == 1
}

// An older database that is put in place by hand is noticed at the start, and
// post-restore settles it.
func TestOlderDatabaseIsNoticed(t *testing.T) {
	t.Parallel()
	in := install(t)
	s := in.Serve()
	s.Run("", "customer", "add", "Acme")
	wendy := s.join("Acme", "user", "wendy")
	s.Stop()
	file := filepath.Join(in.Data, "portal.db")
	old, err := os.ReadFile(file)
	must(t, err)

	s = in.Serve()
	s.person("wendy").signIn()
	db := in.beneath()
	s.Advance(2 * time.Minute)
	witness := filepath.Join(in.Data, "newest-event.json")
	until(t, "the host notes the sign-in", func() bool {
		text, _ := os.ReadFile(witness)
		return strings.Contains(string(text), fmt.Sprintf(`"event":%d,`, number(t, db, "SELECT MAX(id) FROM events")))
	})
	db.Close()
	s.Stop()
	must(t, os.WriteFile(file, old, 0o600))

	for range 2 { // and is told again
		s = in.Serve()
		s.person("wendy").signIn() // whose event has the number of the one that is gone
		if !strings.Contains(s.Log(), "an older database was put in place") {
			t.Errorf("the log does not tell of the older database:\n%s", s.Log())
		}
		s.Stop()
	}
	in.Run("", "post-restore")
	s = in.Serve()
	if strings.Contains(s.Log(), "an older database") {
		t.Errorf("it is told after post-restore:\n%s", s.Log())
	}
	wendy.Get("/account").wantRedirect(t, "/sign-in")
}

// A disk that is too small for the restore leaves nothing in the way of doing
// it again with more room.
func TestRestoreOnAFullDisk(t *testing.T) {
	t.Parallel()
	from := install(t)
	from.Run("", "customer", "add", "Acme")
	file := filepath.Join(t.TempDir(), "portal.backup")
	from.Run("", "backup", file, "--passphrase-file", passphraseFile(t, backupPassphrase))
	to := from.elsewhere(t)
	must(t, os.MkdirAll(to.Data, 0o700))
	if err := syscall.Mount("tmpfs", to.Data, "tmpfs", 0, "size=200k,mode=0700"); err != nil {
		t.Fatalf("a small disk cannot be mounted; run the tests as root: %v", err)
	}
	t.Cleanup(func() { must(t, syscall.Unmount(to.Data, syscall.MNT_DETACH)) })
	if _, said, code := to.Try("a wrong passphrase\n", "restore", file, "--passphrase-stdin"); code != 1 || !strings.Contains(said, "does not open") {
		t.Errorf("a wrong passphrase: exit %d\n%s", code, said)
	}
	if _, said, code := to.Try(backupPassphrase, "restore", file, "--passphrase-stdin"); code != 1 || !strings.Contains(said, "no space left") {
		t.Errorf("on a full disk: exit %d\n%s", code, said)
	}
	must(t, syscall.Mount("", to.Data, "", syscall.MS_REMOUNT, "size=20m"))
	must(t, os.MkdirAll(filepath.Join(to.Data, ".restoring"), 0o700)) // as one that was killed leaves it
	to.Run(backupPassphrase, "restore", file, "--passphrase-stdin")
	left, err := os.ReadDir(to.Data)
	must(t, err)
	if len(left) != 2 {
		t.Errorf("the restore leaves %v, want the database and the key ring", left)
	}
	to.Run("", "post-restore")
	to.Serve()
}
