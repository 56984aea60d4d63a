package main

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"portal/internal/testkit"
)

// onBoth runs a test against a portal on SQLite and one on PostgreSQL.
func onBoth(t *testing.T, test func(*testing.T, *server)) {
	t.Helper()
	installedOnBoth(t, func(t *testing.T, in *installation) { test(t, in.Serve()) })
}

// installedOnBoth runs a test for each database, before a server is started.
func installedOnBoth(t *testing.T, test func(*testing.T, *installation)) {
	t.Helper()
	for name, database := range map[string]func(testing.TB) string{
		"sqlite": func(testing.TB) string { return "" }, "postgres": testkit.Postgres,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := install(t)
			in.Database = database(t)
			test(t, in)
		})
	}
}

// together runs the same thing many times at once.
func together(n int, do func(i int)) {
	var all sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		all.Go(func() {
			<-start
			do(i)
		})
	}
	close(start)
	all.Wait()
}

// One code posted fifty times in parallel gives exactly one session.
func TestOneCodeOneSession(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *server) {
		s.Run("", "customer", "add", "Acme")
		wendy := s.join("Acme", "user", "wendy")
		wendy.signIn()
		wendy.enable()
		again := s.person("wendy")
		again.enterPassword()
		half, code := again.cookies(), wendy.code()
		var mu sync.Mutex
		sessions := map[string]bool{}
		together(50, func(int) {
			for _, cookie := range postCode(t, s, half, code) {
				mu.Lock()
				sessions[cookie] = true
				mu.Unlock()
			}
		})
		if len(sessions) != 1 {
			t.Fatalf("one code gave %d sessions", len(sessions))
		}
		for session := range sessions {
			again.useSession(session)
		}
		again.Get("/account").want(t, 200)
	})
}

// One code posted fifty times in parallel to two nodes gives exactly one
// session.
func TestOneCodeOneSessionOnTwoNodes(t *testing.T) {
	t.Parallel()
	in := install(t)
	in.Database = testkit.Postgres(t)
	in.Run("", "customer", "add", "Acme")
	nodes := []*server{in.Serve(), in.second().Serve()}
	wendy := nodes[0].join("Acme", "user", "wendy")
	wendy.signIn()
	wendy.enable()
	for range 3 {
		again := nodes[0].person("wendy")
		again.enterPassword()
		half, code := again.cookies(), wendy.code()
		var sessions atomic.Int64
		together(50, func(i int) { sessions.Add(int64(len(postCode(t, nodes[i%2], half, code)))) })
		if n := sessions.Load(); n != 1 {
			t.Fatalf("one code gave %d sessions on two nodes", n)
		}
	}
}

// postCode sends the second step in a browser of its own that holds the half
// session, and returns the sessions that came of it.
func postCode(t *testing.T, s *server, half []*http.Cookie, code string) (sessions []string) {
	c := newClient(t, s.Base)
	r := c.request(http.MethodPost, "/sign-in/code", strings.NewReader("code="+code))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, cookie := range half {
		r.AddCookie(cookie)
	}
	response, err := c.http.Do(r)
	if err != nil {
		t.Error(err)
		return nil
	}
	defer response.Body.Close()
	if response.StatusCode >= 500 {
		t.Errorf("status %d", response.StatusCode)
	}
	for _, cookie := range response.Cookies() {
		if cookie.Name == sessionCookie && cookie.Value != "" {
			sessions = append(sessions, cookie.Value)
		}
	}
	return sessions
}

// Two administrators who demote each other at once leave one.
func TestAnAdministratorStays(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *server) {
		for round := range 8 {
			customer := fmt.Sprintf("Acme %d", round)
			s.Run("", "customer", "add", customer)
			one := s.join(customer, "administrator", fmt.Sprintf("one.%d", round))
			two := s.join(customer, "administrator", fmt.Sprintf("two.%d", round))
			pair := []*person{one, two}
			links := []string{pathOf(t, one, two), pathOf(t, two, one)}
			together(2, func(i int) {
				_, err := pair[i].tryPost(links[i], "name", "Somebody", "email", "s@acme.example", "role", "user", "password", goodPassword)
				must(t, err)
			})
			if left := strings.Count(s.Run("", "user", "list", "--customer", customer), "Administrator"); left != 1 {
				t.Fatalf("round %d leaves %d administrators", round, left)
			}
		}
	})
}

// pathOf signs one in and returns the path of the other's page.
func pathOf(t *testing.T, one, other *person) string {
	t.Helper()
	one.signIn()
	return userLink(t, one.Get("/administration/access?search="+other.login).want(t, 200).Body)
}
