package main

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"portal"
	"portal/internal/audit"
	"portal/internal/otp"
	"portal/internal/seal"
	"portal/internal/store"
	"portal/internal/testkit/fill"
)

// house is an installation that is filled for a measurement: with one customer
// of many users, with others beside it, and with a trail.
type house struct {
	folder, database string
	size
	store         *store.Store
	ring          *seal.Ring
	now           time.Time
	sessions      []string // tokens, of the people from number 1 on
	administrator string   // token of number 0
	halves        int      // half sessions that have been used up so far
}

const (
	customer = portal.CustomerID("0193c0de-0000-7000-8000-000000000000")
	password = "a password for measuring"

	browser = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"

	// ahead is how far in the future the sessions were used last. None of them
	// is due to be noted as used, so that a page is measured and not the disk.
	ahead = 2 * time.Hour
)

// secret is in every phone. Each user's is sealed for itself all the same.
func secret() []byte { return []byte("twenty bytes to fill") }

// build opens the installation and fills it where it is empty.
func build(ctx context.Context, folder, database string, s size) (*house, error) {
	h := &house{folder: folder, database: database, size: s, now: time.Now()}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	var err error
	if h.store, err = store.Open(ctx, store.Config{Database: database, DataFolder: folder, Now: time.Now}); err != nil {
		return nil, err
	}
	if err := errors.Join(h.openRing(), h.fill(ctx), h.openSessions(ctx)); err != nil {
		return nil, errors.Join(err, h.store.Close())
	}
	return h, nil
}

func (h *house) openRing() (err error) {
	path := filepath.Join(h.folder, "keyring.json")
	h.ring, err = seal.LoadRing(path)
	if errors.Is(err, seal.ErrNoRing) {
		h.ring = seal.NewRing(h.now)
		err = h.ring.Create(path)
	}
	return err
}

// fill adds the customer and its people, unless an earlier run has.
func (h *house) fill(ctx context.Context) error {
	_, err := h.store.View(customer).Customer(ctx)
	if err == nil {
		return h.checkSize(ctx)
	}
	if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	hash, err := seal.NewHasher(seal.DefaultParams(), 1, 0).Hash(ctx, password)
	if err != nil {
		return err
	}
	if err := h.addCustomers(ctx); err != nil {
		return err
	}
	people := func(yield func(fill.Person) bool) {
		for number := range h.users + h.customers*ofOthers {
			if !yield(h.person(number, hash)) {
				return
			}
		}
	}
	if err := fill.Users(ctx, h.into(), people); err != nil {
		return err
	}
	return fill.Events(ctx, h.into(), func(yield func(portal.Event) bool) {
		for number := range h.events {
			if !yield(h.event(number)) {
				return
			}
		}
	})
}

func (h *house) into() fill.Into {
	return fill.Into{Database: h.database, DataFolder: h.folder, Now: h.now}
}

// addCustomers adds the large customer and the others.
func (h *house) addCustomers(ctx context.Context) error {
	return h.store.WriteUnaudited(ctx, customer, "a benchmark has no audit", func(tx *store.Tx) error {
		err := tx.AddCustomer(ctx, fmt.Sprintf("Northwind Telecom with %d users", h.users))
		for _, id := range []portal.CustomerID{customer, portal.NoCustomer} {
			if err == nil {
				err = audit.Begin(ctx, tx.Enter(id), h.ring, id)
			}
		}
		for number := range h.customers {
			if err == nil {
				err = tx.Enter(other(number)).AddCustomer(ctx, fmt.Sprintf("Customer %d of Northwind", number))
			}
			if err == nil {
				err = audit.Begin(ctx, tx.Enter(other(number)), h.ring, other(number))
			}
		}
		return err
	})
}

func (h *house) checkSize(ctx context.Context) error {
	counts, err := h.store.View(customer).Counts(ctx)
	have := 0
	for _, n := range counts {
		have += int(n)
	}
	if err == nil && have != h.users {
		err = fmt.Errorf("%s has %d users and not %d: remove it", h.folder, have, h.users)
	}
	return err
}

func (h *house) person(number int, hash string) fill.Person {
	_, known := browserOf(number)
	n := fill.Person{User: invent(h.home(number), number), PasswordHash: hash, Browser: known}
	if n.Stored != portal.TwoFactorNone {
		n.Authenticator = authenticatorOf(number)
		n.Secret = h.ring.Seal(secret(), seal.AAD{
			Table: "authenticators", Column: "secret",
			Customer: string(n.CustomerID), User: string(n.ID), Row: string(n.Authenticator),
		})
	}
	return n
}

// openSessions signs in the administrator and every tenth user.
func (h *house) openSessions(ctx context.Context) error {
	into := h.into()
	into.Now = h.now.Add(ahead)
	return fill.Sessions(ctx, into, func(yield func(fill.Session) bool) {
		for number := range h.users/10 + 1 {
			token, session := signedIn(number, into.Now)
			if !yield(session) {
				return
			}
			if number == 0 {
				h.administrator = token
				continue
			}
			h.sessions = append(h.sessions, token)
		}
	})
}

func signedIn(number int, now time.Time) (token string, s fill.Session) {
	token = seal.NewToken()
	digest, _ := seal.TokenDigest(token)
	proofs := store.ByPassword
	if stateOf(number) == portal.TwoFactorEnabled {
		proofs = store.ByCode
	}
	return token, fill.Session{
		ID: portal.SessionID(token[:20]), Customer: customer, User: invent(customer, number).ID, Digest: digest, Proofs: string(proofs),
		Expires: now.Add(12 * time.Hour), Address: "198.51.100.7", Agent: browser,
	}
}

// openHalves proves the password of n users with 2FA who have not been used
// yet, in a browser that they have used before or in a new one, and returns the
// cookies that owe the second step.
func (h *house) openHalves(ctx context.Context, n int, known bool) (cookies []string, err error) {
	err = h.store.WriteUnaudited(ctx, customer, "a benchmark has no audit", func(tx *store.Tx) error {
		cookies = nil
		for ; len(cookies) < n && h.halves < h.users-1; h.halves++ {
			number := h.byChance(h.halves)
			if stateOf(number) != portal.TwoFactorEnabled {
				continue
			}
			token := seal.NewToken()
			digest, _ := seal.TokenDigest(token)
			half := store.HalfSession{UserID: invent(customer, number).ID, SecurityVersion: 1, ExpiresAt: tx.Now.Add(time.Hour)}
			cookie := "portal-half=" + token
			if known {
				var in string
				in, half.Browser = browserOf(number)
				cookie += "; portal-browser=" + in
			}
			if err := tx.AddHalfSession(ctx, half, digest); err != nil {
				return err
			}
			cookies = append(cookies, cookie)
		}
		return nil
	})
	return cookies, err
}

// browserOf is the browser that the account of the number-th person knows: the
// token in its cookie, and the digest of that.
func browserOf(number int) (token string, digest []byte) {
	var numbered [32]byte
	binary.BigEndian.PutUint64(numbered[:], uint64(number)) // #nosec G115 -- never negative
	token = base64.RawURLEncoding.EncodeToString(numbered[:])
	digest, _ = seal.TokenDigest(token)
	return token, digest
}

// code is what every phone shows now.
func code() string { return otp.Code(secret(), otp.Step(time.Now())) }

// deep returns the user who stands at a share of the list, by name.
func (h *house) deep(share float64) portal.UserID {
	keys := make([]string, h.users)
	for number := range keys {
		u := invent(customer, number)
		keys[number] = portal.FoldKey(u.Name) + "\x00" + string(u.ID)
	}
	slices.Sort(keys)
	_, id, _ := strings.Cut(keys[int(share*float64(len(keys)-1))], "\x00")
	return portal.UserID(id)
}

// safety is what the database promises to have kept after a power cut.
func (h *house) safety(ctx context.Context) (string, error) {
	return fill.Safety(ctx, fill.Into{Database: h.database, DataFolder: h.folder})
}

// onDisk tells what the data takes on disk, where that is a file.
func (h *house) onDisk() string {
	info, err := os.Stat(filepath.Join(h.folder, "portal.db"))
	if err != nil {
		return ""
	}
	return fmt.Sprintf(", %d MiB on disk", info.Size()>>20)
}
