package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/user"
	"path/filepath"
	"runtime"
	"strings"

	"portal"
	"portal/internal/admin"
	"portal/internal/audit"
	"portal/internal/auth"
	"portal/internal/backup"
	"portal/internal/keeper"
	"portal/internal/mail"
	"portal/internal/meter"
	"portal/internal/seal"
	"portal/internal/store"
	"portal/internal/tracing"
	"portal/internal/weak"
)

// hashQueue is how many sign-ins wait for a free core before one is told that
// the portal is busy.
const hashQueue = 64

// services is the opened house: the data and the use cases on it.
type services struct {
	// ring is kept in ringFile, and may change while the portal runs.
	ring     *seal.Ring
	ringFile string
	store    *store.Store
	weak     *weak.List
	auth     *auth.Service
	admin    *admin.Service
	audit    *audit.Service
	post     *mail.Service // of a server
	hasher   *seal.Hasher
	meter    *meter.Meter // nil where nobody watches
	witness  *backup.Witness
	tracer   *tracing.Tracer
}

// open opens the data folder and the database, makes both where they are new,
// and holds the key ring against the data.
func (c *cli) open(ctx context.Context, w world, log *slog.Logger) (*services, error) {
	return c.openMetered(ctx, w, log, nil)
}

// openMetered is open where a meter counts what is done; nil counts nothing.
func (c *cli) openMetered(ctx context.Context, w world, log *slog.Logger, m *meter.Meter) (*services, error) {
	data, err := c.openData(ctx, w, m)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(c.Data, "keyring.json")
	ring, err := openRing(ctx, data, path, w.Now)
	if err != nil {
		return nil, errors.Join(err, data.Close())
	}
	s := c.newServices(services{ring: ring, store: data, meter: m}, w.Now, log)
	s.ringFile, s.witness = path, backup.NewWitness(c.Data, data, w.Now)
	return s, nil
}

// openData opens the database that the data folder belongs to.
func (c *cli) openData(ctx context.Context, w world, m *meter.Meter) (*store.Store, error) {
	known, err := c.belongs()
	if err == nil {
		err = c.refuseStray(known)
	}
	if err == nil {
		err = c.makeData()
	}
	if err != nil {
		return nil, err
	}
	data, err := store.Open(ctx, store.Config{Database: c.Database, DataFolder: c.Data, Now: w.Now, Node: hostName(), Meter: m, Born: known.Born})
	if errors.Is(err, store.ErrOther) {
		return nil, c.otherDatabase(known, placeOf(c.Database)+" is not that one")
	}
	return data, err
}

// weak is the list of passwords that nobody may choose. A file is read by the
// commands that set a password, and before the portal serves.
func (c *cli) weak() *weak.List {
	if c.WeakPasswords == "" {
		return nil
	}
	return weak.With(c.WeakPasswords, portal.FoldKey)
}

// limits are the numbers that guard accounts; only the one that depends on how
// many people share an address is the operator's.
func (c *cli) limits() portal.Limits {
	l := portal.DefaultLimits()
	if c.Serve.SourceFailures > 0 { // other commands sign nobody in
		l.SourcePerHour = c.Serve.SourceFailures
	}
	return l
}

// newServices puts the use cases on the data.
func (c *cli) newServices(s services, now portal.Clock, log *slog.Logger) *services {
	limits := c.limits()
	s.weak, s.hasher = c.weak(), seal.NewHasher(seal.DefaultParams(), runtime.GOMAXPROCS(0), hashQueue)
	s.auth = auth.New(auth.Config{
		Store: s.store, Ring: s.ring, Hasher: s.hasher, Weak: s.weak, Now: now, Limits: limits, Log: log, Meter: s.meter,
	})
	s.admin = admin.New(admin.Config{Store: s.store, Auth: s.auth, Ring: s.ring, Limits: limits})
	s.audit = audit.New(audit.Config{Store: s.store, Ring: s.ring, Now: now, Limits: limits, Log: log})
	return &s
}

// makeData makes the data folder (0700) and, for SQLite, the database file
// (0600); SQLite gives its side files the same mode.
func (c *cli) makeData() error {
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return fmt.Errorf("the data folder cannot be made: %w", err)
	}
	if c.Database != "" {
		return nil
	}
	file, err := os.OpenFile(filepath.Join(c.Data, "portal.db"), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("the database file cannot be made: %w", err)
	}
	return file.Close()
}

// openRing reads the key ring, or makes one where no data was written yet. It
// never makes a new key over existing data (CR-07).
func openRing(ctx context.Context, data *store.Store, path string, now portal.Clock) (*seal.Ring, error) {
	ring, err := seal.LoadRing(path)
	if errors.Is(err, seal.ErrNoRing) {
		ring, err = firstRing(ctx, data, path, now)
	}
	if err != nil {
		return nil, ringAdvice(err, path)
	}
	begin := func(tx *store.Tx) error { return audit.Begin(ctx, tx, ring, portal.NoCustomer) }
	if err := data.FirstKey(ctx, ring.WriteKeyID(), ring.CheckValue(ring.WriteKeyID()), begin); err != nil {
		return nil, err
	}
	if err := keeper.CheckRing(ctx, data, ring); err != nil {
		return nil, ringAdvice(err, path)
	}
	return ring, audit.BeginOlder(ctx, data, ring)
}

func firstRing(ctx context.Context, data *store.Store, path string, now portal.Clock) (*seal.Ring, error) {
	known, err := data.Keys(ctx)
	if err != nil {
		return nil, err
	}
	if len(known) > 0 {
		return nil, seal.ErrNoRing
	}
	if err := seal.NewRing(now()).Create(path); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return seal.LoadRing(path)
}

// ringAdvice says what to do about a key ring that cannot be used.
func ringAdvice(err error, path string) error {
	advice := ""
	switch {
	case err == nil:
		return nil
	case errors.Is(err, seal.ErrNoRing):
		advice = "The data was written with a key ring that is missing. Put it back from your backup (or copy it from another node), readable by this user only (chmod 600), and start again. No new key was made."
	case errors.Is(err, seal.ErrFileMode):
		advice = "Other users of this machine can read the key ring. Run chmod 600 on it and start again."
	case errors.Is(err, store.ErrKeyMissing), errors.Is(err, store.ErrKeyWrong), errors.Is(err, seal.ErrRingMalformed):
		advice = "This is not the key ring that the data was written with. Put the right one back from your backup (or copy it from another node) and start again. Nothing was changed."
	default:
		return err
	}
	return fmt.Errorf("key ring %s: %w. %s", path, err, advice)
}

// host is who acts on the command line: the system user on this machine.
func host() portal.Actor {
	name := "unknown"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	return portal.Host(portal.CleanText(name), hostName())
}

// hostName is this machine, as events name it.
func hostName() string {
	machine, err := os.Hostname()
	if err != nil {
		return "localhost"
	}
	return portal.CleanText(machine)
}

// quiet is the log of short commands: what goes wrong is their answer.
func quiet(w world) *slog.Logger {
	return slog.New(slog.NewTextHandler(w.Err, &slog.HandlerOptions{Level: slog.LevelError}))
}

// onData runs a short command on the data, also while a server runs. Like a
// server it seals what it has written, for there may be none.
func (c *cli) onData(ctx context.Context, w world, do func(*services) error) error {
	s, err := c.open(ctx, w, quiet(w))
	if err != nil {
		return err
	}
	err = do(s)
	if err := s.audit.Seal(ctx, portal.Itself()); err != nil {
		fmt.Fprintln(w.Err, "portal: the audit trail could not be sealed:", inWords(err))
	}
	return errors.Join(err, s.store.Close())
}

// firstLine reads a password from standard input: its first line, whole.
func firstLine(text []byte) string {
	line, _, _ := strings.Cut(string(text), "\n")
	return strings.TrimSuffix(line, "\r")
}
