package main

import (
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// browserCookie is the name of the cookie of a known browser on http://localhost.
const browserCookie = "portal-browser"

// The cookie of a known browser comes with a complete sign-in and not before,
// lives for 180 days, and stays when its user signs out (AU-03, SE-13).
func TestKnownBrowserCookie(t *testing.T) {
	t.Parallel()
	s := install(t).Serve()
	s.Run("", "customer", "add", "Acme")
	wendy := s.join("Acme", "user", "wendy")
	answer := wendy.Post("/sign-in", "login_id", "wendy", "password", goodPassword).want(t, http.StatusSeeOther)
	if set := strings.Join(answer.Header.Values("Set-Cookie"), "\n"); !strings.Contains(set, browserCookie+"=") || !strings.Contains(set, "Max-Age=15552000; HttpOnly; SameSite=Lax") {
		t.Errorf("after a sign-in: %s", set)
	}
	wendy.enable()
	token := wendy.cookie(browserCookie)
	wendy.Post("/sign-out").want(t, http.StatusSeeOther)
	if wendy.cookie(browserCookie) != token || wendy.cookie(sessionCookie) != "" {
		t.Errorf("after sign-out the browser holds %v", wendy.cookies())
	}
	other := s.person("wendy")
	other.secrets = wendy.secrets
	if other.enterPassword() != "/sign-in/code" || other.cookie(browserCookie) != "" {
		t.Error("a half session makes a browser known")
	}
	wendy.signIn()
	if wendy.cookie(browserCookie) != token {
		t.Error("a known browser got another token")
	}
	if strings.Contains(s.Log(), token) {
		t.Error("the log holds the token")
	}
}

// A stranger who knows the login ID makes nobody but strangers wait: the owner
// signs in from the known browser, works on in the running session, and reads
// on the home page what was tried (AU-03, AU-15).
func TestOwnerUnderAttack(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *server) {
		s.Run("", "customer", "add", "Acme")
		wendy := s.join("Acme", "user", "wendy")
		wendy.signIn()
		wendy.enable()
		stranger := s.person("wendy")
		stranger.guess(5)
		stranger.Post("/sign-in", "login_id", "wendy", "password", goodPassword).want(t, http.StatusTooManyRequests)
		wendy.Get("/account").want(t, 200)
		wendy.Post("/sign-out").want(t, http.StatusSeeOther)
		wendy.signIn()
		home := visible(wendy.Get("/").want(t, 200).Body)
		if !strings.Contains(home, "there were 6 wrong tries") {
			t.Errorf("the home page says nothing of it:\n%s", home)
		}
		wendy.Post("/sign-out").want(t, http.StatusSeeOther)
		wendy.signIn()
		if home := visible(wendy.Get("/").want(t, 200).Body); strings.Contains(home, "wrong tries") || !strings.Contains(home, "Your last sign-in") {
			t.Errorf("it says so again:\n%s", home)
		}
	})
}

// One address has so many failures an hour as the operator allows, over all
// names and whatever a forwarding header says; a known browser at it does not
// wait with the others (AU-03, AP-03).
func TestSprayingFromOneAddress(t *testing.T) {
	t.Parallel()
	installedOnBoth(t, func(t *testing.T, in *installation) {
		if _, said, code := in.Try("", "serve", "--source-failures", "0"); code == 0 || !strings.Contains(said, "at least one") {
			t.Errorf("no failure at all is allowed: exit %d, %s", code, said)
		}
		s := in.Serve("--source-failures", "7")
		s.Run("", "customer", "add", "Acme")
		wendy, carl := s.join("Acme", "user", "wendy"), s.join("Acme", "user", "carl")
		wendy.signIn()
		stranger := newClient(t, s.Base)
		try := func(i int) answer {
			r := stranger.request(http.MethodPost, "/sign-in", strings.NewReader(fmt.Sprintf("login_id=name%d&password=guess", i)))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("X-Forwarded-For", fmt.Sprintf("198.51.100.%d", i))
			return stranger.do(r)
		}
		for i := range 7 {
			try(i).want(t, http.StatusUnprocessableEntity)
		}
		if wait := try(7).want(t, http.StatusTooManyRequests).Header.Get("Retry-After"); wait == "" {
			t.Error("the refusal does not say how long to wait")
		}
		carl.Post("/sign-in", "login_id", "carl", "password", goodPassword).want(t, http.StatusTooManyRequests)
		wendy.signIn()
		s.Advance(time.Hour)
		carl.signIn()
	})
}

// The pages that ask for a code tell the portal's time, and behind the right
// password why a code is wrong: a slow clock, or one that this browser has used.
func TestHonestHelp(t *testing.T) {
	t.Parallel()
	s := install(t).Serve()
	s.Run("", "customer", "add", "Acme")
	wendy := s.join("Acme", "user", "wendy")
	wendy.signIn()
	wendy.enable()
	code := wendy.code()
	s.Advance(3 * time.Minute)
	asks := func(where, page, what string) {
		t.Helper()
		if text := visible(page); !strings.Contains(text, what) || !regexp.MustCompile(`The portal's clock:\s+\d+ \w+ \d{4}, \d\d:\d\d:\d\d UTC`).MatchString(text) {
			t.Errorf("%s does not say %q and the time:\n%s", where, what, text)
		}
	}
	asks("the step-up", wendy.Get("/account/2fa/disable").want(t, 200).Body, "6-digit code")
	asks("the change of the password", wendy.Get("/account").want(t, 200).Body, "6-digit code")
	wendy.Post("/sign-out").want(t, http.StatusSeeOther)
	wendy.enterPassword()
	asks("the second step", wendy.Get("/sign-in/code").want(t, 200).Body, "6-digit code")
	asks("a slow phone", wendy.Post("/sign-in/code", "code", code).want(t, 422).Body, "minutes slow: set it to automatic.")
	code = wendy.code()
	wendy.Post("/sign-in/code", "code", code).wantRedirect(t, "/")
	wendy.Post("/sign-out").want(t, http.StatusSeeOther)
	wendy.enterPassword()
	asks("the same browser", wendy.Post("/sign-in/code", "code", code).want(t, 422).Body, "used already. Wait for the next code: it comes in")
	other := s.person("wendy")
	other.enterPassword()
	if text := visible(other.Post("/sign-in/code", "code", code).want(t, 422).Body); strings.Contains(text, "used already") {
		t.Errorf("another browser learns that the code was used:\n%s", text)
	}
}

// A flood of sign-ins is answered, at once or with "try again", in bounded
// memory, and who is signed in works on meanwhile (AP-07), for which the portal
// takes more threads until it is over.
func TestOverload(t *testing.T) {
	t.Parallel()
	const flood = 190 // fewer than one address may fail in an hour
	in := install(t)
	in.env = append(in.env, "GOMAXPROCS=") // nobody has decided about threads
	s := in.watch()
	s.Run("", "customer", "add", "Acme")
	wendy := s.join("Acme", "user", "wendy")
	wendy.signIn()
	usual, most := s.threads(), 0.0
	stranger := newClient(t, s.Base)
	answers := make(chan answer, flood)
	over := make(chan struct{})
	go func() {
		defer close(over)
		together(flood, func(i int) {
			a, err := stranger.tryPost("/sign-in", "login_id", fmt.Sprintf("name%d", i), "password", goodPassword)
			if err != nil {
				t.Error(err)
			}
			answers <- a
		})
		close(answers)
	}()
	for running, pages := true, 0; running; pages++ {
		wendy.Get("/account").want(t, 200)
		most = max(most, s.threads())
		select {
		case <-over:
			running = false
			if pages == 0 {
				t.Error("no page was served during the flood")
			}
		default:
		}
	}
	wantAnswered(t, answers, flood)
	// One hash takes 19 MiB, and under the race detector about twice as much: all
	// at once would take 3.6 GiB at least.
	if peak := s.peakMemory(); peak > 1<<20 {
		t.Errorf("the server took %d KiB", peak)
	}
	if most != 2*usual {
		t.Errorf("at most %v threads during the flood, want twice the usual %v", most, usual)
	}
	until(t, "the threads are the usual ones", func() bool { return s.threads() == usual })
	wendy.signIn() // the flood over, everything goes on
}

// wantAnswered holds that so many sign-ins were refused, some by the password
// and some until later.
func wantAnswered(t *testing.T, answers <-chan answer, want int) {
	t.Helper()
	count := map[int]int{}
	for a := range answers {
		count[a.Status]++
		if a.Status == http.StatusServiceUnavailable && a.Header.Get("Retry-After") == "" {
			t.Error("a 503 does not say when to come again")
		}
	}
	if count[422] == 0 || count[503] == 0 || count[422]+count[503] != want {
		t.Errorf("answers by status: %v", count)
	}
}

// threads is on how many threads at once the portal runs what is its own.
func (w watched) threads() float64 {
	w.t.Helper()
	return series(w.t, w.scrape())["go_sched_gomaxprocs_threads"]
}

// peakMemory is the most memory that the server has taken, in KiB.
func (s *server) peakMemory() int {
	s.t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	must(s.t, err)
	found := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(status)
	if found == nil {
		s.t.Fatalf("no peak in\n%s", status)
	}
	peak, err := strconv.Atoi(string(found[1]))
	must(s.t, err)
	return peak
}

// A hundred wrong codes in a row block the app's codes: a right one is refused
// on the page of the second step, the password alone opens nothing, a recovery
// code does, and the Account page says so (AU-02).
func TestBlockedCodes(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *server) {
		s.Run("", "customer", "add", "Acme")
		wendy := s.join("Acme", "user", "wendy")
		wendy.signIn()
		recovery := wendy.enable()
		wendy.Post("/sign-out").want(t, http.StatusSeeOther)
		change(t, s.beneath(), "UPDATE authenticators SET failures = 99")
		wendy.enterPassword()
		s.Advance(time.Minute)
		wendy.Post("/sign-in/code", "code", "000000").want(t, 422)
		right := wendy.Post("/sign-in/code", "code", wendy.code()).want(t, 422)
		if !strings.Contains(visible(right.Body), "recovery code") {
			t.Errorf("it does not say what helps:\n%s", visible(right.Body))
		}
		wendy.Get("/account").wantRedirect(t, "/sign-in")
		if text := visible(wendy.Get("/sign-in/recovery-code").want(t, 200).Body); !strings.Contains(text, "The codes of your app are blocked") {
			t.Errorf("the page of recovery codes does not say so:\n%s", text)
		}
		wendy.Post("/sign-in/recovery-code", "recovery_code", recovery[0]).wantRedirect(t, "/")
		if text := visible(wendy.Get("/account").want(t, 200).Body); !strings.Contains(text, "codes are blocked") || stateOn(text) == "kept" {
			t.Errorf("the Account page does not say so:\n%s", text)
		}
		wendy.Post("/account/2fa/replace", "password", goodPassword, "recovery_code", recovery[1]).want(t, http.StatusSeeOther)
		wendy.scan(wendy.Get("/account").want(t, 200).Body)
		wendy.Post("/account/2fa/confirm", "code", wendy.code()).want(t, 200)
		s.Advance(time.Minute)
		wendy.Post("/sign-out").want(t, http.StatusSeeOther)
		wendy.signIn() // by a code of the new app
	})
}
