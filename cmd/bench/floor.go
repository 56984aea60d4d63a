package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/argon2"

	"portal"
	"portal/internal/seal"
	"portal/internal/store"
)

// floor is the bare server: the same reads through the same store, bodies that
// were made before, no rules, no log, no headers.
type floor struct {
	store  *store.Store
	bodies map[string][]byte // by file name
}

// floorPages are the files that the portal's own pages were saved in.
func floorPages() []string { return []string{"home", "account", "sign-in", "list"} }

// runFloor serves until it is told to stop.
func runFloor(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("floor", flag.ContinueOnError)
	data := flags.String("data", "", "folder of the installation")
	database := flags.String("database", "", "postgres://…; empty: SQLite in the folder")
	bodies := flags.String("bodies", "", "folder with the pages to answer with")
	if err := flags.Parse(args); err != nil {
		return err
	}
	s, err := store.Open(ctx, store.Config{Database: *database, DataFolder: *data, Now: time.Now})
	if err != nil {
		return err
	}
	f := &floor{store: s, bodies: map[string][]byte{}}
	for _, name := range floorPages() {
		if f.bodies[name], err = os.ReadFile(filepath.Join(*bodies, name)); *bodies != "" && err != nil {
			return errors.Join(err, s.Close())
		}
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
func (f *floor) session(r *http.Request) (store.LiveSession, error) {
	cookie, err := r.Cookie("portal-session")
	if err != nil {
		return store.LiveSession{}, err
	}
	digest, _ := seal.TokenDigest(cookie.Value)
	return f.store.SessionByDigest(r.Context(), digest, portal.DefaultLimits().Idle)
}

func page(w http.ResponseWriter, body []byte) error {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, err := w.Write(body)
	return err
}

func (f *floor) small(w http.ResponseWriter, r *http.Request) error {
	if _, err := f.session(r); err != nil {
		return err
	}
	return page(w, []byte("hello\n"))
}

func (f *floor) home(w http.ResponseWriter, r *http.Request) error {
	if _, err := f.session(r); err != nil {
		return err
	}
	return page(w, f.bodies["home"])
}

func (f *floor) signIn(w http.ResponseWriter, _ *http.Request) error {
	return page(w, f.bodies["sign-in"])
}

// account reads what the Account page reads.
func (f *floor) account(w http.ResponseWriter, r *http.Request) error {
	live, err := f.session(r)
	if err != nil {
		return err
	}
	ctx, view, id := r.Context(), f.store.View(live.User.CustomerID), live.User.ID
	user, err := view.User(ctx, id)
	if err != nil {
		return err
	}
	if _, err := view.Pending(ctx, id, live.ID); !errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("a pending set-up: %w", err)
	}
	if user.TwoFactor().HasSetup() {
		_, current := view.Current(ctx, id)
		_, codes := view.RecoveryCodesLeft(ctx, id)
		err = errors.Join(current, codes)
	}
	_, sessions := view.SessionsOf(ctx, id, portal.DefaultLimits().Idle)
	_, events := view.Events(ctx, store.EventQuery{Person: id, Limit: 10})
	if err := errors.Join(err, sessions, events); err != nil {
		return err
	}
	return page(w, f.bodies["account"])
}

// list reads one page of users by key, and one more.
func (f *floor) list(w http.ResponseWriter, r *http.Request) error {
	live, err := f.session(r)
	if err != nil {
		return err
	}
	q := r.URL.Query()
	_, err = f.store.View(live.User.CustomerID).Users(r.Context(), store.UserQuery{
		Search: q.Get("search"), State: portal.TwoFactorState(q.Get("state")), After: portal.UserID(q.Get("after")), Limit: 51,
	})
	if err != nil {
		return err
	}
	return page(w, f.bodies["list"])
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
	return page(w, []byte(strconv.FormatInt(done.Load(), 10)))
}
