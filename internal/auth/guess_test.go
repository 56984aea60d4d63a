package auth_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"portal"
	"portal/internal/auth"
	"portal/internal/store"
	"portal/internal/testkit/house"
)

// at is a request of a browser that nobody knows, at an address.
func at(address string) portal.Origin {
	o := house.Origin()
	o.Address = address
	return o
}

// guess enters a wrong password and returns what comes of it: invalid where it
// was looked at, throttled where it was not.
func (s scene) guess(t *testing.T, o portal.Origin, login string) portal.Code {
	t.Helper()
	earned, err := s.Auth.SignIn(t.Context(), o, login, "wrong password wrong")
	if err == nil || earned != (auth.SignedIn{}) {
		t.Fatalf("a guess at %s earns %+v, %v", login, earned, err)
	}
	return portal.ErrorCode(err)
}

// Under a flood of wrong passwords the owner signs in from the known browser,
// the running session lives on, and the flood goes on waiting (AU-03).
func TestFloodOfPasswords(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		wendy := s.person(t, "wendy")
		for i := range 5 {
			s.guess(t, at(fmt.Sprintf("198.51.100.%d", i)), "wendy")
		}
		before := *wendy
		wendy.SignIn()
		if !before.Signed() {
			t.Error("the flood ended a running session")
		}
		if got := s.guess(t, at("198.51.100.9"), "wendy"); got != portal.CodeThrottled {
			t.Errorf("the owner's success lets a stranger go on: %s", got)
		}
		_, err := s.Auth.SignIn(t.Context(), house.Origin(), "wendy", house.Password)
		refused(t, "an unknown browser of the owner's", err, portal.CodeThrottled)
		s.Clock.Advance(time.Hour) // no lock: the wait ends by itself
		s.Person(t, "wendy")
	})
}

// A known browser has five wrong passwords an hour of its own; then it counts
// as an unknown one, and in the next hour it has its own again.
func TestKnownBrowserHasItsOwnBudget(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		wendy := s.person(t, "wendy")
		for i := range 10 {
			if got := s.guess(t, wendy.Origin(), "wendy"); got != portal.CodeInvalid {
				t.Fatalf("try %d: %s", i, got)
			}
		}
		if got := s.guess(t, wendy.Origin(), "wendy"); got != portal.CodeThrottled {
			t.Errorf("eleventh: %s", got)
		}
		s.Clock.Advance(time.Hour)
		for range 4 {
			s.guess(t, wendy.Origin(), "wendy")
		}
		wendy.SignIn() // the fifth, and given back
		wendy.SignIn()
	})
}

// One address has 200 failures an hour over all names, whoever has them; its
// successes and its known browsers do not count (AU-03).
func TestSpraying(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		wendy, _ := s.person(t, "wendy"), s.person(t, "carl")
		for i := range 199 {
			if got := s.guess(t, at("2001:db8:1:2::1"), fmt.Sprintf("name%d", i)); got != portal.CodeInvalid {
				t.Fatalf("try %d: %s", i, got)
			}
		}
		if _, err := s.Auth.SignIn(t.Context(), at("2001:db8:1:2::7"), "carl", house.Password); err != nil {
			t.Errorf("the 200th, right: %v", err)
		}
		s.guess(t, at("2001:db8:1:2::1"), "carl")
		for what, c := range map[string]struct {
			address, login string
			want           portal.Code
		}{
			"same network": {"2001:db8:1:2:ffff::9", "fresh", portal.CodeThrottled}, "known name": {"2001:db8:1:2::1", "wendy", portal.CodeThrottled},
			"next network": {"2001:db8:1:3::1", "fresh", portal.CodeInvalid}, "other family": {"192.0.2.1", "fresh", portal.CodeInvalid},
		} {
			if got := s.guess(t, at(c.address), c.login); got != c.want {
				t.Errorf("%s: %s, want %s", what, got, c.want)
			}
		}
		sprayed := wendy.Origin()
		sprayed.Address = "2001:db8:1:2::1" // the owner sits in the same office
		if _, err := s.Auth.SignIn(t.Context(), sprayed, "wendy", house.Password); err != nil {
			t.Errorf("the known browser: %v", err)
		}
		s.Clock.Advance(time.Hour)
		if got := s.guess(t, at("2001:db8:1:2::1"), "fresh"); got != portal.CodeInvalid {
			t.Errorf("an hour later: %s", got)
		}
	})
}

// The counters are the database's: common to two nodes, there after a restart,
// and a flood of other names, known and unknown, pushes none out (AU-04).
func TestLimitsHoldEverywhere(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		s.person(t, "wendy")
		s.person(t, "carl")
		nodes := []scene{s, {s.Again(t), s.acme}}
		for i := range 5 {
			nodes[i%2].guess(t, house.Origin(), "wendy")
			nodes[i%2].guess(t, house.Origin(), "nobody")
		}
		for i := range 150 {
			nodes[i%2].guess(t, at("198.51.100.1"), fmt.Sprintf("flood%d", i))
			nodes[i%2].guess(t, at("198.51.100.2"), "carl")
		}
		nodes = append(nodes, scene{s.Again(t), s.acme}) // restarted
		for i, node := range nodes {
			for _, name := range []string{"wendy", "WENDY", "nobody", "Nobody"} {
				if got := node.guess(t, house.Origin(), name); got != portal.CodeThrottled {
					t.Errorf("node %d lets %s be guessed: %s", i, name, got)
				}
			}
		}
	})
}

// Tries of both kinds at once, on two nodes, never exceed the limit (AU-05,
// RC-04); a stranger who used the common one up leaves the known browser its
// own (AU-06).
func TestSecondFactorsAtOnce(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		wendy, recovery := s.protected(t, "wendy")
		wendy.SignIn()
		nodes := []scene{s, {s.Again(t), s.acme}}
		halves := make([]string, 4)
		for i := range halves {
			halves[i] = s.half(t, "wendy")
		}
		var looked atomic.Int64
		house.AtOnce(20, func(i int) {
			err := nodes[i%2].second(t, halves[i%4], i%4 < 2, s.wrong(wendy))
			if portal.ErrorCode(err) == portal.CodeInvalid {
				looked.Add(1)
			} else {
				refused(t, "at once", err, portal.CodeThrottled)
			}
		})
		if looked.Load() != 10 {
			t.Errorf("%d tries were looked at, want 10", looked.Load())
		}
		_, err := s.Auth.SignInWithRecoveryCode(t.Context(), house.Origin(), s.half(t, "wendy"), recovery[0])
		refused(t, "right, from an unknown browser", err, portal.CodeThrottled)
		wendy.SignIn()
	})
}

// A name that nobody has costs the portal the same as one that somebody has,
// also where a try at it has to wait: it is noted for each name, or else the
// time would tell (AU-07).
func TestWaitingIsNotedForEachName(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		s.person(t, "wendy")
		s.person(t, "carl")
		names := []string{"nobody", "no one", "wendy", "carl"}
		for i, name := range names {
			for range 5 {
				s.guess(t, at(fmt.Sprintf("198.51.100.%d", i)), name)
			}
			for range 2 {
				if got := s.guess(t, at(fmt.Sprintf("198.51.100.%d", i)), name); got != portal.CodeThrottled {
					t.Fatalf("%s: %s", name, got)
				}
			}
		}
		noted := s.noted(t, portal.PasswordTried)
		for i, name := range names {
			if n := noted[fmt.Sprintf("198.51.100.%d", i)]; n != 1 {
				t.Errorf("%s: noted %d times in a minute, want once", name, n)
			}
		}
	})
}

// An address that has used up its own budget fills no table with the names that
// it goes on trying: its limit is noted once a minute (IN-03).
func TestWaitingAddressIsNotedOnce(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		const address = "198.51.100.1"
		for i := range 200 + 5 {
			s.guess(t, at(address), fmt.Sprintf("name%d", i))
		}
		for i := range 30 + 5 {
			err := s.Auth.AskReset(t.Context(), at(address), fmt.Sprintf("name%d", i))
			if (err == nil) != (i < 30) {
				t.Fatalf("reset link %d: %v", i, err)
			}
		}
		for _, action := range []portal.Action{portal.PasswordTried, portal.ResetAsked} {
			if n := s.noted(t, action)[address]; n != 1 {
				t.Errorf("%s: noted %d times, want once", action, n)
			}
		}
	})
}

// noted counts, by address, how often a used-up limit stands in the trail.
func (s scene) noted(t *testing.T, action portal.Action) map[string]int {
	t.Helper()
	noted := map[string]int{}
	for _, customer := range []portal.CustomerID{portal.NoCustomer, s.acme.CustomerID} {
		events, err := s.Store.View(customer).Events(t.Context(), store.EventQuery{Action: action, Limit: 1000})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			if e.Detail == "too many tries" {
				noted[e.Origin.Address]++
			}
		}
	}
	return noted
}

// second takes the second step with a wrong code of either kind.
func (s scene) second(t *testing.T, half string, byRecovery bool, code string) error {
	if byRecovery {
		_, err := s.Auth.SignInWithRecoveryCode(t.Context(), house.Origin(), half, "AAAAA-AAAAA-AAAAA-AAAAA-AAAAA")
		return err
	}
	_, err := s.Auth.SignInWithCode(t.Context(), house.Origin(), half, code)
	return err
}
