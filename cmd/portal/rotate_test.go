package main

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"portal/internal/testkit"
)

// keyIDs are the keys of the installation, oldest first.
func (in *installation) keyIDs() []string {
	in.t.Helper()
	return regexp.MustCompile(`(?m)^k-[0-9a-f]{8}`).FindAllString(in.Run("", "key", "list"), -1)
}

// second is another node of the same database, with a data folder and a copy
// of the key ring of its own.
func (in *installation) second() *installation {
	in.t.Helper()
	other := *in
	other.Data, other.listen = filepath.Join(in.t.TempDir(), "portal-data"), freeAddress(in.t)
	must(in.t, os.Mkdir(other.Data, 0o700))
	in.copyRing(&other)
	return &other
}

func (in *installation) copyRing(to *installation) {
	in.t.Helper()
	text, err := os.ReadFile(in.keyring())
	must(in.t, err)
	swap(in.t, to.keyring(), text)
}

// follow starts a command and hands each line that it prints to see.
func (in *installation) follow(see func(line string), args ...string) (end func() error, kill func()) {
	in.t.Helper()
	cmd := in.command(args...)
	stdout, err := cmd.StdoutPipe()
	must(in.t, err)
	cmd.Stderr = cmd.Stdout
	must(in.t, cmd.Start())
	read := make(chan struct{})
	go func() {
		defer close(read)
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			see(lines.Text())
		}
	}()
	return func() error { <-read; return cmd.Wait() }, func() { _ = cmd.Process.Kill() }
}

// busy is a person who sets 2FA up and gives it up again on one node after the
// other, for as long as nothing fails. What one node seals the other opens.
type busy struct {
	t      *testing.T
	people []*person // the same person at each node
	rounds atomic.Int64
}

func (b *busy) work(stop <-chan struct{}) {
	for {
		for i := range b.people {
			select {
			case <-stop:
				return
			default:
			}
			if !b.round(b.people[i], b.people[(i+1)%len(b.people)]) {
				return
			}
			b.rounds.Add(1)
		}
	}
}

// round signs in at one node and starts a set-up there, reads the key at the
// other node, and gives the set-up up.
func (b *busy) round(here, there *person) bool {
	for _, step := range []struct {
		path   string
		form   []string
		status int
	}{
		{"/sign-in", []string{"login_id", here.login, "password", here.password}, 303},
		{"/account/2fa/start", []string{"password", here.password}, 303},
	} {
		if a, err := here.tryPost(step.path, step.form...); err != nil || a.Status != step.status {
			b.t.Errorf("%s: %v, status %d\n%s", step.path, err, a.Status, visible(a.Body))
			return false
		}
	}
	for _, cookie := range here.cookies() {
		if cookie.Name == sessionCookie {
			there.useSession(cookie.Value)
		}
	}
	page, err := there.try(there.request(http.MethodGet, "/account", nil))
	if err != nil || page.Status != 200 || typedKey(page.Body) == "" {
		b.t.Errorf("the other node does not show the key: %v, status %d\n%s", err, page.Status, visible(page.Body))
		return false
	}
	a, err := there.tryPost("/account/2fa/cancel")
	if err != nil || a.Status != 303 {
		b.t.Errorf("cancel: %v, status %d", err, a.Status)
		return false
	}
	return true
}

// Keys are rotated while two nodes, each with a key ring file of its own, are
// in full use: no request fails, the new key writes only when both have it, and
// in the end the old one can go (CR-03).
func TestRotateWhileServing(t *testing.T) {
	t.Parallel()
	in := install(t)
	in.Database = testkit.Postgres(t)
	in.Run("", "customer", "add", "Acme")
	two := in.second()
	one, other := in.Serve(), two.Serve()
	wendy := one.join("Acme", "user", "wendy")
	wendy.signIn()
	rescue := wendy.enable()
	one.Advance(-one.moved) // the phone had to wait for a code
	old := in.keyIDs()[0]

	stop := make(chan struct{})
	var all sync.WaitGroup
	workers := make([]*busy, 3)
	for i := range workers {
		p := one.join("Acme", "user", fmt.Sprint("busy", i))
		there := *p
		there.client, there.server = newClient(t, other.Base), other
		workers[i] = &busy{t: t, people: []*person{p, &there}}
		all.Go(func() { workers[i].work(stop) })
	}
	waits := make(chan struct{})
	told := sync.OnceFunc(func() { close(waits) })
	end, _ := in.follow(func(line string) {
		t.Log(line)
		if strings.Contains(line, "Waiting until these nodes have key") {
			told()
		}
	}, "key", "rotate")
	<-waits
	in.copyRing(two)
	if err := end(); err != nil {
		t.Error("the rotation failed:", err)
	}
	close(stop)
	all.Wait()
	for _, w := range workers {
		if w.rounds.Load() == 0 {
			t.Error("somebody was never served")
		}
	}

	wantLine(t, in.Run("", "key", "list"), old+` .* reads +0 +1`)
	in.Advance(6 * time.Minute) // past the codes that were used
	again := *wendy
	again.client = newClient(t, other.Base)
	again.signIn()
	retire := func(says string) {
		t.Helper()
		in.Advance(-in.moved)
		if _, errors, code := in.Try("", "key", "retire", old); code != 1 || !strings.Contains(errors, says) {
			t.Errorf("exit %d, %q, want %q", code, errors, says)
		}
	}
	retire("less than five minutes ago")
	change(t, in.beneath(), "UPDATE key_checks SET created_at = created_at - 360000000") // six minutes
	until(t, "the ends of all chains are marked anew", func() bool {
		return number(t, in.beneath(), "SELECT COUNT(*) FROM audit_chains WHERE key_id = '"+old+"'") == 0
	})
	retire("(accounts: 1)")
	in.Advance(12 * time.Minute)
	last := one.person("wendy")
	last.enterPassword()
	last.Post("/sign-in/recovery-code", "recovery_code", rescue[0]).wantRedirect(t, "/")
	last.secrets = wendy.secrets
	last.Post("/account/recovery-codes", "password", last.password, "code", last.code()).want(t, 200)
	in.Advance(-in.moved)
	in.Run("", "key", "retire", old)
	if ids := in.keyIDs(); len(ids) != 1 || ids[0] == old {
		t.Errorf("left over: %v", ids)
	}
}

// A rotation that is killed at any moment goes on when it is run again, and
// everything opens at any time.
func TestRotateKilledAtAnyMoment(t *testing.T) {
	t.Parallel()
	in := install(t)
	s := in.Serve()
	s.Run("", "customer", "add", "Acme")
	wendy, bob := s.join("Acme", "user", "wendy"), s.join("Acme", "user", "bob")
	wendy.signIn()
	wendy.enable()
	bob.signIn()
	bob.Post("/account/2fa/start").wantRedirect(t, "/account")
	key := typedKey(bob.Get("/account").Body)
	opens := func() {
		t.Helper()
		if got := typedKey(bob.Get("/account").want(t, 200).Body); got != key {
			t.Fatalf("the key reads %q, was %q", got, key)
		}
	}
	for _, moment := range []string{"is at hand", "writes now", "Sealed", "at random", "at random"} {
		before := len(in.keyIDs())
		var kill func()
		see := func(line string) {
			if strings.Contains(line, moment) {
				kill()
			}
		}
		end, stop := in.follow(see, "key", "rotate")
		kill = stop
		timer := time.AfterFunc(time.Hour, stop)
		if moment == "at random" {
			timer.Reset(rand.N(300 * time.Millisecond))
		}
		killed := end() != nil
		timer.Stop()
		opens()
		in.Run("", "key", "rotate")
		opens()
		if grown := len(in.keyIDs()) - before; grown < 1 || (!killed && grown != 2) || grown > 2 {
			t.Errorf("killed %q (%v): %d more keys", moment, killed, grown)
		}
	}
	ids := in.keyIDs()
	wantLine(t, in.Run("", "key", "list"), ids[len(ids)-1]+` .* writes and reads +[1-9]`)
	wendy.Post("/sign-out")
	wendy.signIn()
	if !s.ready() {
		t.Error("the node is not ready")
	}
}

// Two rotations at once are one.
func TestRotateTwiceAtOnce(t *testing.T) {
	t.Parallel()
	in := install(t)
	in.Run("", "customer", "add", "Acme")
	in.Run("", "key", "add")
	together(2, func(int) {
		if _, errors, code := in.Try("", "key", "rotate"); code != 0 {
			t.Errorf("exit %d: %s", code, errors)
		}
	})
	if n := len(in.keyIDs()); n < 2 || n > 3 {
		t.Errorf("%d keys", n)
	}
}

// A wrong clock on the host changes no key, and a node whose clock is wrong is
// waited for like any other.
func TestRotateMindsWrongClocks(t *testing.T) {
	t.Parallel()
	in := install(t)
	in.Database = testkit.Postgres(t)
	in.Run("", "customer", "add", "Acme")
	old := in.keyIDs()[0]
	slow, ahead := in.second(), in.second()
	for other, off := range map[*installation]time.Duration{slow: -2 * time.Minute, ahead: 61 * time.Second} {
		other.clock = filepath.Join(t.TempDir(), "clock")
		other.Advance(off)
	}
	for _, deed := range [][]string{{"add"}, {"rotate"}, {"retire", old}} {
		if _, errors, code := ahead.Try("", append([]string{"key"}, deed...)...); code != 1 || !strings.Contains(errors, "set it by NTP") {
			t.Errorf("%s by a clock that is ahead: exit %d, %q", deed[0], code, errors)
		}
	}
	slow.Serve()
	db := in.beneath()
	until(t, "the node has said that it is there", func() bool { return number(t, db, "SELECT COUNT(*) FROM nodes") == 1 })
	waited := false
	end, _ := in.follow(func(line string) {
		if strings.Contains(line, "Waiting until these nodes have key") {
			waited = true
			in.copyRing(slow)
		}
	}, "key", "rotate")
	if err := end(); err != nil {
		t.Error("the rotation failed:", err)
	}
	if !waited {
		t.Error("the node with the slow clock was not waited for")
	}
}

// A node that misses a key which the data is written with is not ready, says
// why, and recovers when it gets the file. It slept while the others rotated.
func TestNodeWithoutTheNewKey(t *testing.T) {
	t.Parallel()
	in := install(t)
	in.Database = testkit.Postgres(t)
	in.Run("", "customer", "add", "Acme")
	s := in.Serve()
	elsewhere := in.second()
	db := in.beneath()
	until(t, "the node has said that it is there", func() bool { return number(t, db, "SELECT COUNT(*) FROM nodes") == 1 })
	must(t, s.cmd.Process.Signal(syscall.SIGSTOP))
	change(t, db, "UPDATE nodes SET seen_at = seen_at - 120000000") // two minutes
	elsewhere.Run("", "key", "rotate")
	must(t, s.cmd.Process.Signal(syscall.SIGCONT))
	until(t, "the node without the new key is not ready", func() bool { return !s.ready() })
	until(t, "the log says why", func() bool { return strings.Contains(s.Log(), "does no job: put the right key ring file in place") })
	if _, errors, code := in.Try("", "serve", "--listen", "127.0.0.1:0"); code != 1 || !strings.Contains(errors, "lacks a key") {
		t.Errorf("a start without the key: exit %d, %q", code, errors)
	}
	elsewhere.copyRing(in)
	until(t, "the node with all keys is ready", s.ready)
}
