package main

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"portal/internal/testkit"
)

// wantHeld holds that a node that runs serves nobody, whatever is asked, and
// that its log says why.
func (s *server) wantHeld(t *testing.T, p *person, why string) {
	t.Helper()
	s.until("the log says "+why, func() bool {
		for line := range strings.Lines(s.Log()) {
			if strings.Contains(line, `"level":"ERROR"`) && strings.Contains(line, "this node serves nobody") && strings.Contains(line, why) {
				return true
			}
		}
		return false
	})
	if s.ready() {
		t.Error("the node is ready")
	}
	newClient(t, s.Base).Get("/healthz").want(t, http.StatusOK)
	for path, a := range map[string]answer{
		"/account": p.Get("/account"), "/sign-in": p.Get("/sign-in"), "/nowhere": p.Get("/nowhere"), "POST /sign-out": p.Post("/sign-out"),
	} {
		if a.Status != http.StatusServiceUnavailable || a.Header.Get("Retry-After") == "" || !strings.Contains(a.Body, "The portal is closed while its operators work on it") {
			t.Errorf("%s: status %d, Retry-After %q\n%s", path, a.Status, a.Header.Get("Retry-After"), visible(a.Body))
		}
	}
}

// emptied takes the database away and puts an empty one in its place, as an
// operator does before a restore.
func (in *installation) emptied(t *testing.T) {
	t.Helper()
	at, err := url.Parse(in.Database)
	must(t, err)
	server := *in
	server.Database = strings.Replace(in.Database, at.Path, "/postgres", 1)
	db, name := server.beneath(), strings.TrimPrefix(at.Path, "/")
	change(t, db, "DROP DATABASE "+name+" WITH (FORCE)")
	change(t, db, "CREATE DATABASE "+name+" TEMPLATE template0")
}

// A node that is running while another database is put in the place of its own
// serves nothing of it before post-restore has settled what was revoked, does
// no job on it, and then goes on by itself (CF-08).
func TestRestoreUnderARunningNode(t *testing.T) {
	t.Parallel()
	post := testkit.SMTP(t) // before an address is chosen: its ports are of the same kind
	owner := install(t)
	owner.Database = testkit.Postgres(t)
	role, address := testkit.ServiceRole(t, owner.Database)
	owner.Run("", "migrate", "--service-role", role)
	service := *owner
	service.Database = address
	s := service.Serve()
	s.Run("", "customer", "add", "Acme")
	bea := s.join("Acme", "user", "bea")
	bea.signIn()
	s.Run("", "user", "add", "--customer", "Acme", "--name", "Ivy", "--email", "ivy@example.com", "ivy")
	s.Stop()
	file := filepath.Join(t.TempDir(), "portal.backup")
	owner.Run("", "backup", file)
	waiting := number(t, owner.beneath(), "SELECT COUNT(*) FROM mails WHERE state = 'waiting'")
	s = service.Serve(throughMail(post)...)
	post.Next()
	bea.server = s
	old := bea.cookie(sessionCookie)
	bea.Post("/sign-out").want(t, http.StatusSeeOther)

	owner.emptied(t)
	db := owner.beneath()
	bea.useSession(old)
	s.wantHeld(t, bea, "not the database that was opened")
	change(t, db, "CREATE TABLE portal_restoring (since BIGINT)")
	s.wantHeld(t, bea, "is under way or was cut short")
	owner.Run("", "restore", file, "--service-role", role)
	s.wantHeld(t, bea, "run portal post-restore")
	rest(2 * look) // in which jobs would be done
	said := owner.Run("", "post-restore")
	if !strings.Contains(said, fmt.Sprintf(", %d mails held back", waiting)) {
		t.Errorf("mails that had gone out before the restore went out again:\n%s", said)
	}
	until(t, "the node serves again", s.ready)
	until(t, "pages are served", func() bool { return bea.Get("/account").Status == http.StatusSeeOther })
	until(t, "the node says that it is there", func() bool { return number(t, db, "SELECT COUNT(*) FROM nodes") == 1 })
	bea.signIn()
}

// A server on SQLite that was asleep while everything moved away serves nobody
// when it wakes, and says where everything is.
func TestMovedAwayUnderASleepingServer(t *testing.T) {
	t.Parallel()
	in := install(t)
	s := in.Serve()
	s.Run("", "customer", "add", "Acme")
	wendy := s.join("Acme", "user", "wendy")
	wendy.signIn()
	until(t, "the node says that it is there", func() bool { return number(t, in.beneath(), "SELECT COUNT(*) FROM nodes") == 1 })
	s.signal(syscall.SIGSTOP)
	s.Advance(2 * time.Minute)
	in.Run("", "move", "--to", testkit.Postgres(t))
	s.signal(syscall.SIGCONT)
	s.wantHeld(t, wendy, "has moved to postgres://portal_test@")
}

// A file that is put in the place of SQLite's under a server is not served: it
// has the old one open.
func TestFileReplacedUnderAServer(t *testing.T) {
	t.Parallel()
	in := install(t)
	s := in.Serve()
	s.Run("", "customer", "add", "Acme")
	wendy := s.join("Acme", "user", "wendy")
	wendy.signIn()
	file := filepath.Join(t.TempDir(), "portal.backup")
	s.Run("", "backup", file)
	remove := func() {
		for _, name := range []string{"portal.db", "portal.db-wal", "portal.db-shm"} {
			must(t, os.RemoveAll(filepath.Join(in.Data, name)))
		}
	}
	remove()
	s.wantHeld(t, wendy, "it was removed or replaced")
	remove() // what a job may have made anew before the node noticed
	in.Run("", "restore", file)
	in.Run("", "post-restore")
	s.wantHeld(t, wendy, "it was removed or replaced")
	s.Stop()
	in.Serve()
}
