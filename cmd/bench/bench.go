package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"time"
)

// size is how much there is in a house.
type size struct {
	users     int // of the large customer
	customers int // beside it, with ofOthers users each
	events    int // in the trail of the large customer
}

// smallSize is what the large house is compared with: as many events a user, and
// nobody beside.
func smallSize() size { return size{users: 1000, events: 10_000} }

func (s size) String() string { return fmt.Sprintf("%d-%d-%d", s.users, s.customers, s.events) }

// bench is one database under measurement: the same program on a large and on
// a small customer, and the floor of the large one.
type bench struct {
	options
	program      string
	large, small *house
	engine       string // the database's name
	safety       string // what it promises to have kept
	portal       *child // on large
	smallPortal  *child
	floor        *child
	report       *report
	next         atomic.Int64 // session in rotation
}

// compare measures on each database in turn.
func compare(ctx context.Context, o options, out io.Writer) error {
	folder, err := os.MkdirTemp("", "portal-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder) //nolint:errcheck // a temporary folder
	program := filepath.Join(folder, "portal")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", program, "./cmd/portal")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("building the portal: %w\n%s", err, text)
	}
	r := &report{out: out, markdown: o.markdown}
	fmt.Fprintf(out, "%s, %s, %d cores, %d users and %d events of one customer, %d customers beside it, %d rounds; each figure is their median\n",
		time.Now().Format(time.DateOnly), runtime.Version(), runtime.NumCPU(), o.users, o.events, o.customers, o.rounds)
	for engine, database := range databases(o) {
		b := &bench{options: o, program: program, report: r, engine: engine}
		r.heading(2, fmt.Sprintf("%s, %d users", engine, o.users))
		if err := b.measure(ctx, filepath.Join(folder, engine), database); err != nil {
			return fmt.Errorf("%s: %w", engine, err)
		}
	}
	fmt.Fprintf(out, "\n%d of %d aims met.\n", r.met, r.aims)
	return nil
}

// databases yields what to measure on: the large and the small database.
func databases(o options) func(yield func(string, [2]string) bool) {
	return func(yield func(string, [2]string) bool) {
		if !yield("SQLite", [2]string{}) || o.database == "" {
			return
		}
		yield("PostgreSQL", [2]string{o.database, beside(o.database)})
	}
}

// beside is another database that every server has. The server is the
// benchmark's own: scripts/with-postgres.sh starts it and throws it away.
func beside(database string) string {
	u, err := url.Parse(database)
	if err != nil {
		return database
	}
	u.Path = "/template1"
	return u.String()
}

func (b *bench) measure(ctx context.Context, folder string, databases [2]string) (err error) {
	defer func() { err = errors.Join(err, b.close()) }()
	kept := folder
	if b.data != "" && databases[0] == "" {
		kept = b.data
	}
	begin := time.Now()
	if b.large, err = build(ctx, filepath.Join(kept, b.size.String()), databases[0], b.size); err != nil {
		return err
	}
	if b.small, err = build(ctx, filepath.Join(kept, smallSize().String()), databases[1], smallSize()); err != nil {
		return err
	}
	if b.safety, err = b.large.safety(ctx); err != nil {
		return err
	}
	fmt.Fprintf(b.report.out, "Data ready in %.0f s%s.\n", time.Since(begin).Seconds(), b.large.onDisk())
	if err := b.startAll(ctx); err != nil {
		return err
	}
	return b.suites(ctx)
}

// suites are all comparisons, or those that were asked for.
func (b *bench) suites(ctx context.Context) error {
	for _, suite := range []struct {
		name, title string
		run         func(context.Context) error
	}{
		{"start", "Start and size", b.starts}, {"pages", "Pages", b.pages}, {"list", "User list", b.lists}, {"trail", "Audit trail", b.trails},
		{"second", "Second step", b.secondStep}, {"sign-in", "Sign-in", b.signIns},
		{"overload", "Everybody else while sign-ins use every core", b.overload}, {"strangers", "What a stranger learns from the time", b.strangers},
		{"nodes", "Two nodes", b.nodes},
	} {
		if !b.only.MatchString(suite.name) || suite.name == "nodes" && b.large.database == "" { // SQLite has one node
			continue
		}
		b.report.heading(3, suite.title)
		if err := suite.run(ctx); err != nil {
			return fmt.Errorf("%s: %w", suite.name, err)
		}
		b.report.flush()
	}
	return nil
}

// startAll starts the servers.
func (b *bench) startAll(ctx context.Context) (err error) {
	if b.portal, err = b.startPortal(ctx, b.large); err != nil {
		return err
	}
	if b.smallPortal, err = b.startPortal(ctx, b.small); err != nil {
		return err
	}
	b.floor, err = b.startFloor(ctx)
	return err
}

func (b *bench) startPortal(ctx context.Context, h *house) (*child, error) {
	args := []string{"serve", "--listen", "127.0.0.1:0", "--data", h.folder}
	if h.database != "" {
		args = append(args, "--database", h.database)
	}
	return start(ctx, b.program, args...)
}

func (b *bench) startFloor(ctx context.Context) (*child, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return start(ctx, self, "floor", "--data", b.large.folder, "--database", b.large.database)
}

func cookie(session string) string {
	if session == "" {
		return ""
	}
	return "portal-session=" + session
}

// close ends the servers and closes the data.
func (b *bench) close() error {
	var all []error
	for _, c := range []*child{b.portal, b.smallPortal, b.floor} {
		if c != nil {
			all = append(all, c.stop())
		}
	}
	for _, h := range []*house{b.large, b.small} {
		if h != nil {
			all = append(all, h.store.Close())
		}
	}
	return errors.Join(all...)
}
