package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/argon2"

	"portal"
	"portal/internal/admin"
	"portal/internal/auth"
	"portal/internal/seal"
	"portal/internal/store"
	"portal/internal/web"
)

// floor is the bare server: the same reads through the same store, the same
// templates, no rules, no log, no headers.
type floor struct {
	store *store.Store
	pages web.Bare
}

// runFloor serves until it is told to stop.
func runFloor(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("floor", flag.ContinueOnError)
	data := flags.String("data", "", "folder of the installation")
	database := flags.String("database", "", "postgres://…; empty: SQLite in the folder")
	if err := flags.Parse(args); err != nil {
		return err
	}
	s, err := store.Open(ctx, store.Config{Database: *database, DataFolder: *data, Now: time.Now})
	if err != nil {
		return err
	}
	f := &floor{store: s}
	if f.pages, err = web.NewBare(); err != nil {
		return errors.Join(err, s.Close())
	}
	return errors.Join(f.serve(ctx, out), s.Close())
}

func (f *floor) serve(ctx context.Context, out io.Writer) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: f.mux(), ReadHeaderTimeout: time.Minute}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	fmt.Fprintf(out, "The floor is at http://%s\n", listener.Addr())
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func (f *floor) mux() *http.ServeMux {
	mux := http.NewServeMux()
	for pattern, handle := range map[string]func(http.ResponseWriter, *http.Request) error{
		"GET /small":                 f.small,
		"GET /{$}":                   f.home,
		"GET /account":               f.account,
		"GET /sign-in":               f.signIn,
		"GET /administration/access": f.list,
		"GET /hashes":                f.hashes,
		"GET /commits":               f.commits,
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if err := handle(w, r); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
			}
		})
	}
	return mux
}

// session is the one look-up of a signed-in request.
func (f *floor) session(r *http.Request) (portal.Actor, error) {
	cookie, err := r.Cookie("portal-session")
	if err != nil {
		return portal.Actor{}, err
	}
	digest, _ := seal.TokenDigest(cookie.Value)
	live, err := f.store.SessionByDigest(r.Context(), digest, portal.DefaultLimits().Idle)
	u := live.User
	return portal.Actor{
		Kind: portal.ActorUser, UserID: u.ID, CustomerID: u.CustomerID, CustomerName: live.CustomerName, LoginID: u.LoginID,
		Name: u.Name, Role: u.Role, Stored: u.Stored, SessionID: live.ID, Policy: live.Policies.Of(u.Role), Last: live.Before,
	}, err
}

// page answers with what was filled in.
func page(w http.ResponseWriter, body []byte, err error) error {
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, err = w.Write(body)
	return err
}

func (f *floor) small(w http.ResponseWriter, r *http.Request) error {
	_, err := f.session(r)
	return page(w, []byte("hello\n"), err)
}

func (f *floor) home(w http.ResponseWriter, r *http.Request) error {
	actor, err := f.session(r)
	if err != nil {
		return err
	}
	body, err := f.pages.Home(actor, time.Now())
	return page(w, body, err)
}

func (f *floor) signIn(w http.ResponseWriter, _ *http.Request) error {
	body, err := f.pages.SignIn(time.Now())
	return page(w, body, err)
}

func (f *floor) account(w http.ResponseWriter, r *http.Request) error {
	actor, err := f.session(r)
	if err != nil {
		return err
	}
	account, err := f.readAccount(r.Context(), actor)
	if err != nil {
		return err
	}
	body, err := f.pages.Account(actor, account, time.Now())
	return page(w, body, err)
}

// readAccount reads what the Account page reads of one without a pending
// set-up.
func (f *floor) readAccount(ctx context.Context, actor portal.Actor) (a auth.Account, err error) {
	view, id := f.store.View(actor.CustomerID), actor.UserID
	if a.User, err = view.User(ctx, id); err != nil {
		return a, err
	}
	a.TwoFactor = a.User.TwoFactor()
	if _, err := view.Pending(ctx, id, actor.SessionID); !errors.Is(err, store.ErrNotFound) {
		return a, fmt.Errorf("a pending set-up: %w", err)
	}
	if err := f.readAuthenticator(ctx, view, &a); err != nil {
		return a, err
	}
	if a.Addresses, err = view.Addresses(ctx, id); err != nil {
		return a, err
	}
	sessions, err := view.SessionsOf(ctx, id, portal.DefaultLimits().Idle)
	for _, s := range sessions {
		a.Sessions = append(a.Sessions, auth.Session{
			ID: s.ID, SignedInAt: s.CreatedAt, LastSeenAt: s.LastSeenAt, Address: s.Address, Agent: s.Agent, Current: s.ID == actor.SessionID,
		})
	}
	if err != nil {
		return a, err
	}
	a.Activity, err = view.Events(ctx, store.EventQuery{Person: id, Limit: 10})
	return a, err
}

func (f *floor) readAuthenticator(ctx context.Context, view store.View, a *auth.Account) error {
	if !a.TwoFactor.HasSetup() {
		return nil
	}
	current, err := view.Current(ctx, a.User.ID)
	if err != nil {
		return err
	}
	a.Authenticator = &auth.Authenticator{ConfirmedAt: current.ConfirmedAt, LastUsedAt: current.LastUsedAt}
	if a.User.Stored == portal.TwoFactorDisabled {
		if a.KeptUntil, err = view.TwoFactorSince(ctx, a.User.ID); err != nil {
			return err
		}
	}
	a.RecoveryLeft, err = view.RecoveryCodesLeft(ctx, a.User.ID)
	return err
}

// list reads one page of users by key, and one more, and how many there are.
func (f *floor) list(w http.ResponseWriter, r *http.Request) error {
	actor, err := f.session(r)
	if err != nil {
		return err
	}
	q := r.URL.Query()
	asked := admin.UserQuery{Search: q.Get("search"), State: portal.TwoFactorState(q.Get("state")), After: portal.UserID(q.Get("after"))}
	view := f.store.View(actor.CustomerID)
	users, err := view.Users(r.Context(), store.UserQuery{Search: asked.Search, State: asked.State, After: asked.After, Limit: 51})
	if err != nil {
		return err
	}
	found := admin.UserPage{Users: users[:min(50, len(users))]}
	if found.Counts, err = view.Counts(r.Context()); err != nil {
		return err
	}
	if len(users) > 50 {
		found.Next = users[49].ID
	}
	body, err := f.pages.Access(actor, asked, found, time.Now())
	return page(w, body, err)
}

// hashes computes bare password hashes, as many at once as there are cores.
func (f *floor) hashes(w http.ResponseWriter, r *http.Request) error {
	p := seal.DefaultParams()
	salt := make([]byte, 16)
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	return repeated(w, r, func(int64) error {
		slots <- struct{}{}
		defer func() { <-slots }()
		argon2.IDKey([]byte(password), salt, p.Time, p.MemoryKiB, p.Threads, 32)
		return nil
	})
}

// commits writes one row in a statement of its own, again and again: the
// cheapest durable change that the store makes.
func (f *floor) commits(w http.ResponseWriter, r *http.Request) error {
	return repeated(w, r, func(n int64) error {
		_, err := f.store.Charge(r.Context(), store.Toll{Delay: store.Backoff{
			Bucket: "bench/" + strconv.FormatInt(n%1000, 10), Free: 1 << 40, First: time.Second, Longest: time.Hour,
		}})
		return err
	})
}

// repeated runs work in so many workers for so long, as the query says, and
// answers how often it was done.
func repeated(w http.ResponseWriter, r *http.Request, work func(int64) error) error {
	workers, err := strconv.Atoi(r.FormValue("workers"))
	if err != nil {
		return err
	}
	lasting, err := time.ParseDuration(r.FormValue("for"))
	if err != nil {
		return err
	}
	var done, failed atomic.Int64
	var all sync.WaitGroup
	end := time.Now().Add(lasting)
	for range workers {
		all.Go(func() {
			for time.Now().Before(end) {
				if work(done.Add(1)) != nil {
					failed.Add(1)
				}
			}
		})
	}
	all.Wait()
	if failed.Load() > 0 {
		return fmt.Errorf("%d failed", failed.Load())
	}
	return page(w, []byte(strconv.FormatInt(done.Load(), 10)), nil)
}
