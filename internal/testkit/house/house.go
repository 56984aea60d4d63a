// Package house builds the floors below the edges for a test: a real database,
// a key ring, the use cases, and a clock that the test moves.
package house

import (
	"context"
	"database/sql"
	"encoding/base32"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"portal"
	"portal/internal/admin"
	"portal/internal/audit"
	"portal/internal/auth"
	"portal/internal/otp"
	"portal/internal/seal"
	"portal/internal/store"
	"portal/internal/testkit"
)

// Password is the password of everybody in a test's house.
const Password = "correct horse battery"

// House is the portal without its edges.
type House struct {
	Store *store.Store
	Ring  *seal.Ring
	Auth  *auth.Service
	Admin *admin.Service
	Audit *audit.Service
	Clock *testkit.Clock

	// Database and Folder say where the data is, as in store.Config.
	Database, Folder string
}

// Start is when a test's clock begins: the first second of a time step.
func Start() time.Time { return time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC) }

// OnEach runs a test on SQLite, on a C.UTF-8 and on an ICU PostgreSQL database.
func OnEach(t *testing.T, test func(*testing.T, *House)) {
	t.Helper()
	for name, database := range map[string]func(testing.TB) string{
		"sqlite":       func(testing.TB) string { return "" },
		"postgres":     Postgres,
		"postgres-icu": PostgresICU,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, New(t, database(t)))
		})
	}
}

// New builds a house on the database that the URL names; empty means SQLite.
// Password hashes are cheap, everything else is as in the shipped program.
func New(t testing.TB, database string) *House {
	t.Helper()
	clock := testkit.NewClock(Start())
	h := &House{Database: database, Folder: t.TempDir(), Clock: clock, Ring: seal.NewRing(clock.Now())}
	if database == "" {
		putSQLite(t, h.Folder)
	}
	h.Store = h.open(t)
	id := h.Ring.WriteKeyID()
	begin := func(tx *store.Tx) error { return audit.Begin(t.Context(), tx, h.Ring, portal.NoCustomer) }
	if err := h.Store.FirstKey(t.Context(), id, h.Ring.CheckValue(id), begin); err != nil {
		t.Fatal(err)
	}
	return h.furnish()
}

// Again starts the portal a second time on the same data and clock: another
// node, or the same one after a restart.
func (h *House) Again(t testing.TB) *House {
	t.Helper()
	other := *h
	other.Store = h.open(t)
	return other.furnish()
}

// Rekeyed is the same house opened with another key ring, as after a restore
// without the keys.
func (h *House) Rekeyed() *House {
	other := *h
	other.Ring = seal.NewRing(h.Clock.Now())
	return other.furnish()
}

// open opens the data for as long as the test runs.
func (h *House) open(t testing.TB) *store.Store {
	t.Helper()
	data, err := store.Open(t.Context(), store.Config{Database: h.Database, DataFolder: h.Folder, Now: h.Clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := data.Close(); err != nil {
			t.Error(err)
		}
	})
	return data
}

// Outside is a look at the database past the store.
func (h *House) Outside(t testing.TB) *sql.DB {
	t.Helper()
	driver, source := "pgx", h.Database
	if source == "" {
		driver, source = "sqlite", "file:"+filepath.Join(h.Folder, "portal.db")+"?_pragma=busy_timeout(5000)"
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// Without runs f while the database has no table of that name: everything that
// needs it fails.
func (h *House) Without(t testing.TB, table string, f func()) {
	t.Helper()
	db := h.Outside(t)
	rename := func(from, to string) {
		if _, err := db.ExecContext(t.Context(), "ALTER TABLE "+from+" RENAME TO "+to); err != nil {
			t.Fatal(err)
		}
	}
	rename(table, table+"_gone")
	defer rename(table+"_gone", table)
	f()
}

// furnish puts the use cases on store and ring.
func (h *House) furnish() *House {
	h.Auth = h.Furnished(func(*auth.Config) {})
	h.Admin = admin.New(admin.Config{Store: h.Store, Auth: h.Auth, Ring: h.Ring, Limits: portal.DefaultLimits()})
	h.Audit = audit.New(audit.Config{
		Store: h.Store, Ring: h.Ring, Now: h.Clock.Now, Limits: portal.DefaultLimits(), Log: slog.New(slog.DiscardHandler),
	})
	return h
}

// Furnished is the use cases of auth on the same store and ring, with
// something changed.
func (h *House) Furnished(change func(*auth.Config)) *auth.Service {
	c := auth.Config{
		Store: h.Store, Ring: h.Ring, Now: h.Clock.Now, Limits: portal.DefaultLimits(), Log: slog.New(slog.DiscardHandler),
		Hasher: seal.NewHasher(seal.Params{MemoryKiB: 64, Time: 1, Threads: 1}, 4, 256),
	}
	change(&c)
	return auth.New(c)
}

// AtOnce runs f(0) to f(n-1), all released at the same moment, and waits.
func AtOnce(n int, f func(i int)) {
	gate := make(chan struct{})
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			<-gate
			f(i)
		})
	}
	close(gate)
	all.Wait()
}

// Host is the operator on the host.
func (h *House) Host() portal.Actor { return portal.Host("root", "host.test") }

// Customer adds a customer and returns the host's actor bound to it.
func (h *House) Customer(t testing.TB, name string) portal.Actor {
	t.Helper()
	if _, err := h.Admin.AddCustomer(t.Context(), h.Host(), name); err != nil {
		t.Fatal(err)
	}
	actor, err := h.Admin.As(t.Context(), h.Host(), name)
	if err != nil {
		t.Fatal(err)
	}
	return actor
}

// User adds a user with the password Password to the customer that the host's
// actor is bound to.
func (h *House) User(t testing.TB, in portal.Actor, role portal.Role, login string) portal.User {
	t.Helper()
	user, err := h.Admin.AddUserWithPassword(t.Context(), in, admin.NewUser{
		LoginID: login, Name: "Name of " + login, Email: login + "@example.com", Role: string(role),
	}, Password)
	if err != nil {
		t.Fatal(err)
	}
	return user
}

// Person is a user with a browser in front and a phone in the hand.
type Person struct {
	t     testing.TB
	h     *House
	Login string
	Token string // of the session
	// Browser is the token by which the browser is known after a sign-in.
	Browser string
	Key     []byte // in the phone; nil while there is none
}

// Person returns a user's person, signed in by password.
func (h *House) Person(t testing.TB, login string) *Person {
	t.Helper()
	p := &Person{t: t, h: h, Login: login}
	p.SignIn()
	return p
}

// Origin is where a test's requests come from.
func Origin() portal.Origin {
	return portal.Origin{Address: "192.0.2.7", Agent: "test", RequestID: "r-1"}
}

// Origin is where the person's requests come from.
func (p *Person) Origin() portal.Origin {
	o := Origin()
	o.Browser = p.Browser
	return o
}

// SignIn signs in with the password, and with a fresh code where one is owed.
func (p *Person) SignIn() {
	p.t.Helper()
	earned, err := p.h.Auth.SignIn(p.t.Context(), p.Origin(), p.Login, Password)
	if err == nil && earned.Half != "" {
		earned, err = p.h.Auth.SignInWithCode(p.t.Context(), p.Origin(), earned.Half, p.Code())
	}
	if err != nil {
		p.t.Fatalf("sign-in of %s: %v", p.Login, err)
	}
	p.Token, p.Browser = earned.Session, earned.Browser
}

// Actor is who acts in the person's session.
func (p *Person) Actor() portal.Actor {
	p.t.Helper()
	actor, err := p.h.Auth.Authenticate(p.t.Context(), p.Origin(), p.Token)
	if err != nil {
		p.t.Fatalf("session of %s: %v", p.Login, err)
	}
	return actor
}

// Signed tells whether the person's session still works.
func (p *Person) Signed() bool {
	_, err := p.h.Auth.Authenticate(p.t.Context(), Origin(), p.Token)
	return err == nil
}

// Code moves the clock to the next time step and reads the phone.
func (p *Person) Code() string {
	p.h.Clock.Advance(otp.Period)
	return otp.Code(p.Key, otp.Step(p.h.Clock.Now()))
}

// Proof is the password, and a fresh code where the person has a phone.
func (p *Person) Proof() auth.Proof {
	proof := auth.Proof{Password: Password}
	if p.Key != nil {
		proof.Code = p.Code()
	}
	return proof
}

// Take keeps the new token of an answer; the error must be nil.
func (p *Person) Take(r auth.Renewed, err error) {
	p.t.Helper()
	p.Renew(r)
	if err != nil {
		p.t.Fatalf("%s: %v", p.Login, err)
	}
}

// Renew keeps the new token of an answer, whether it was a success or not.
func (p *Person) Renew(r auth.Renewed) {
	if r.Session != "" {
		p.Token = r.Session
	}
}

// Scan reads the key of the pending set-up into the phone.
func (p *Person) Scan() {
	p.t.Helper()
	account, err := p.h.Auth.Account(p.t.Context(), p.Actor())
	if err != nil || account.Setup == nil {
		p.t.Fatalf("no pending set-up of %s: %v", p.Login, err)
	}
	p.Key = secretOf(p.t, account.Setup.Key)
}

// secretOf reads the key as a person types it into the app.
func secretOf(t testing.TB, key string) []byte {
	t.Helper()
	secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ReplaceAll(key, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

// Enable lives through the first setup and returns the recovery codes.
func (p *Person) Enable() []string {
	p.t.Helper()
	p.Take(p.h.Auth.StartSetup(p.t.Context(), p.Actor(), p.Proof()))
	p.Scan()
	confirmed, err := p.h.Auth.ConfirmSetup(p.t.Context(), p.Actor(), p.Code())
	p.Take(confirmed.Renewed, err)
	return confirmed.RecoveryCodes
}

// State is the stored 2FA state of the person.
func (p *Person) State() portal.TwoFactorState {
	p.t.Helper()
	who, err := p.h.Store.CredentialsByLogin(context.WithoutCancel(p.t.Context()), p.Login)
	if err != nil {
		p.t.Fatal(fmt.Errorf("state of %s: %w", p.Login, err))
	}
	return who.Stored
}
