package auth_test

import (
	"strings"
	"testing"

	"portal"
	"portal/internal/auth"
	"portal/internal/seal"
	"portal/internal/testkit/house"
)

// The hashes of a house, and of one where the cost was raised.
const (
	cheap  = "$argon2id$v=19$m=64,t=1,p=1$"
	costly = "$argon2id$v=19$m=128,t=2,p=1$"
)

// raised is the same portal with costlier hashes.
func (s scene) raised() *auth.Service {
	return s.Furnished(func(c *auth.Config) {
		c.Hasher = seal.NewHasher(seal.Params{MemoryKiB: 128, Time: 2, Threads: 1}, 4, 256)
	})
}

// hash is the stored hash of somebody's password.
func (s scene) hash(t *testing.T, login string) string {
	t.Helper()
	who, err := s.Store.CredentialsByLogin(t.Context(), login)
	if err != nil {
		t.Fatal(err)
	}
	return who.PasswordHash
}

func (s scene) hashBegins(t *testing.T, what, login, with string) {
	t.Helper()
	if got := s.hash(t, login); !strings.HasPrefix(got, with) {
		t.Errorf("%s: the hash is %s", what, got)
	}
}

// A right password raises an older hash, at sign-in and at step-up; sessions
// and everything else go on, and it happens once (PW-12).
func TestHashesAreRaised(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		wendy, bob := s.person(t, "wendy"), s.person(t, "bob")
		s.hashBegins(t, "before", "wendy", cheap)
		raised := s.raised()
		if _, err := raised.SignIn(t.Context(), house.Origin(), "wendy", "not the password"); err == nil {
			t.Error("a wrong password opens the account")
		}
		s.hashBegins(t, "after a wrong password", "wendy", cheap)
		for range 2 {
			if _, err := raised.SignIn(t.Context(), house.Origin(), "wendy", house.Password); err != nil {
				t.Fatal(err)
			}
		}
		s.hashBegins(t, "after a sign-in", "wendy", costly)
		bob.Take(raised.StepUp(t.Context(), bob.Actor(), auth.NeedProof, password()))
		s.hashBegins(t, "after a step-up", "bob", costly)
		before := s.hash(t, "wendy")
		wendy.SignIn()
		if s.hash(t, "wendy") != before || !bob.Signed() {
			t.Error("a hash that is dear enough was made anew, or a session ended")
		}
		events := s.lastEvent(t, wendy)
		if events.Action != portal.SignedIn {
			t.Errorf("the last event is %+v", events)
		}
	})
}

// Sign-ins at the same moment all succeed while one of them raises the hash.
func TestHashIsRaisedInARace(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		s.User(t, s.acme, portal.RoleUser, "wendy")
		before, err := s.Store.CredentialsByLogin(t.Context(), "wendy")
		if err != nil {
			t.Fatal(err)
		}
		raised := s.raised()
		house.AtOnce(4, func(int) {
			if _, err := raised.SignIn(t.Context(), house.Origin(), "wendy", house.Password); err != nil {
				t.Error(err)
			}
		})
		s.hashBegins(t, "after four sign-ins", "wendy", costly)
		if err := s.Store.RaiseHash(t.Context(), before, "too late"); err != nil {
			t.Fatal(err)
		}
		s.hashBegins(t, "after one that comes too late", "wendy", costly)
	})
}

// Where the new hash cannot be stored, the sign-in goes on, and the next one
// tries again.
func TestHashThatCannotBeRaised(t *testing.T) {
	s := onSQLite(t)
	s.User(t, s.acme, portal.RoleUser, "wendy")
	raised := s.raised()
	signIn := func() {
		t.Helper()
		if earned, err := raised.SignIn(t.Context(), house.Origin(), "wendy", house.Password); err != nil || earned.Session == "" {
			t.Fatalf("%+v, %v", earned, err)
		}
	}
	db := s.Outside(t)
	const fault = "CREATE TRIGGER fault BEFORE UPDATE OF password_hash ON users BEGIN SELECT RAISE(ABORT, 'fault'); END"
	if _, err := db.ExecContext(t.Context(), fault); err != nil {
		t.Fatal(err)
	}
	signIn()
	s.hashBegins(t, "with the fault", "wendy", cheap)
	if _, err := db.ExecContext(t.Context(), "DROP TRIGGER fault"); err != nil {
		t.Fatal(err)
	}
	signIn()
	s.hashBegins(t, "without the fault", "wendy", costly)
}
