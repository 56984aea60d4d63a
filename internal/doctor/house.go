package doctor

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"portal"
	"portal/internal/mail"
	"portal/internal/seal"
	"portal/internal/store"
)

// Config says what to look at, and how it is configured.
type Config struct {
	Data     string // the data folder
	RingFile string
	// Database is a postgres:// URL; empty means SQLite in the data folder.
	// DatabaseErr says why the URL could not be read.
	Database    string
	DatabaseErr error
	// Belongs names the database that the data folder belongs to, and Born is
	// when that was made; empty where nobody has noted it.
	Belongs string
	Born    time.Time
	// Secrets are files, beside those of the data folder, that hold a secret.
	// ReadPrivate reads them as the portal does.
	Secrets     []Secret
	ReadPrivate func(path string) ([]byte, error)
	// Mail is the mail server; nil where there is none. MailErr says why its
	// settings cannot be used; Helo is how the portal names itself to it.
	Mail    *mail.Server
	MailErr error
	Helo    string
	// Jobs are the names of those that one node at a time does.
	Jobs []string
	// PutBack tells whether this host has seen the database newer than it is.
	PutBack func(context.Context, *store.Store) (bool, error)
	// Quick leaves out what reads every row.
	Quick bool

	Actor  portal.Actor // who looks
	Now    portal.Clock
	Limits portal.Limits
	Log    *slog.Logger
}

// Secret is a file that holds a secret, and what names the file.
type Secret struct{ Name, Path string }

// House is an installation. What one check has opened the next ones look into.
type House struct {
	Config
	missing bool         // the data folder
	unmade  bool         // the database
	opened  *store.Store // whatever its schema
	data    *store.Store // of this program's schema
	ring    *seal.Ring   // that fits the data
	running bool         // some node
}

// New makes a house; nothing is opened yet.
func New(c Config) *House { return &House{Config: c} }

// Close closes what the checks have opened.
func (h *House) Close() error {
	if h.opened == nil {
		return nil
	}
	return h.opened.Close()
}

// Checks are all that can be looked at in a house, in the order in which one
// needs the other.
func (h *House) Checks() []Check {
	return []Check{
		{"files", h.files},
		{"disk space", h.space},
		{"database", h.database},
		{"schema", h.schema},
		{"key ring", h.keys},
		{"clock", h.onData(h.clock)},
		{"nodes", h.onData(h.nodes)},
		{"jobs", h.onData(h.jobs)},
		{"set-ups", h.onData(h.setups)},
		{"accounts", h.whole(h.onData(h.accounts))},
		{"audit trail", h.whole(h.onData(h.audit))},
		{"mail server", h.mailServer},
		{"outbox", h.onData(h.outbox)},
		{"restore", h.onData(h.restore)},
	}
}

// onData is a check that needs the database.
func (h *House) onData(look func(context.Context, *Report) error) func(context.Context, *Report) error {
	return func(ctx context.Context, r *Report) error {
		if h.data == nil {
			r.Found(NotLooked, "not looked at, because the database is closed or its schema is not this program's")
			return nil
		}
		return look(ctx, r)
	}
}

// whole is a check that reads every row of a table.
func (h *House) whole(look func(context.Context, *Report) error) func(context.Context, *Report) error {
	return func(ctx context.Context, r *Report) error {
		if h.Quick {
			r.Found(LeftOut, "left out, since it reads every row")
			return nil
		}
		return look(ctx, r)
	}
}

// database opens it.
func (h *House) database(ctx context.Context, r *Report) error {
	switch {
	case errors.Is(h.DatabaseErr, seal.ErrFileMode):
		r.Found(NotLooked, "not looked at, because the file of its URL is open to others")
		return nil
	case h.DatabaseErr != nil:
		r.Found(DatabaseClosed, "%v", h.DatabaseErr)
		return nil
	case h.missing && h.Database == "":
		r.Found(NotLooked, "not looked at, because there is no data folder")
		return nil
	}
	if h.stray(r) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, opening)
	defer cancel()
	data, err := store.Inspect(ctx, store.Config{Database: h.Database, DataFolder: h.Data, Now: h.Now, Born: h.Born})
	switch {
	case errors.Is(err, store.ErrOther):
		r.Found(DatabaseOther, "the portal was served with %s last, and this is not that database", h.Belongs)
		return nil
	case err != nil:
		r.Found(DatabaseClosed, "it cannot be opened: %s", inWords(err))
		return nil
	}
	h.opened = data
	if data.HasRoles() && data.OwnsSchema() {
		r.Found(DatabaseOwner, "the role of the service owns the schema")
	}
	r.Fine("%s answers", data.Name())
	return nil
}

// stray tells whether SQLite would be made in a folder that belongs to a
// database somewhere else, or is to be made in a new one.
func (h *House) stray(r *Report) bool {
	if h.Database != "" || !missing(filepath.Join(h.Data, "portal.db")) {
		return false
	}
	switch {
	case h.Belongs != "":
		r.Found(DatabaseOther, "the portal was served with %s last; no database is named, and there is no portal.db in %s", h.Belongs, h.Data)
	case !missing(h.RingFile):
		r.Found(DatabaseOther, "%s has a key ring and no portal.db, and no database is named: what was written with that ring is somewhere else", h.Data)
	default:
		h.unmade = true
		r.Found(SchemaAbsent, "there is no portal.db in %s yet", h.Data)
	}
	return true
}

// schema holds it against this program's.
func (h *House) schema(ctx context.Context, r *Report) error {
	if h.opened == nil {
		r.Found(NotLooked, "not looked at, because the database is closed")
		return nil
	}
	state, err := h.opened.Schema(ctx)
	switch {
	case err != nil:
		return err
	case state.CutShort:
		r.Found(RestoreCutShort, "a restore into this database has begun and did not end")
	case state.Absent:
		h.unmade = true
		r.Found(SchemaAbsent, "no portal has written to this database yet")
	case state.Foreign != nil:
		r.Found(SchemaForeign, "%v", state.Foreign)
	case state.Elsewhere != "":
		r.Found(DataElsewhere, "%s", state.Elsewhere)
	case state.Current():
		h.data = h.opened
		return h.guards(ctx, r)
	case h.opened.OwnsSchema():
		r.Found(SchemaPending, "it lacks %q", state.Pending)
	default:
		r.Found(SchemaOwed, "it lacks %q, and the role of the service may not change it", state.Pending)
	}
	return nil
}

// guards looks for the triggers that keep the audit trail as it was written.
func (h *House) guards(ctx context.Context, r *Report) error {
	gone, err := h.data.GuardsGone(ctx)
	if len(gone) > 0 {
		r.Found(GuardsGone, "triggers that are gone, off, or not the portal's: %s", strings.Join(gone, ", "))
		return err
	}
	r.Fine("up to date")
	return err
}

// restore looks whether the data was put back and not settled since.
func (h *House) restore(ctx context.Context, r *Report) error {
	restored, err := h.data.Restored(ctx)
	if err != nil {
		return err
	}
	if since := restored.Since; !since.IsZero() {
		r.Found(RestoreOwed, "the data was restored at %s UTC, and what was revoked since the backup is open again", since.Format(time.DateTime))
		return nil
	}
	older, err := h.PutBack(ctx, h.data)
	if older {
		r.Found(DatabaseOlder, "this host has seen the database newer than it is: a backup or an earlier state was put back, or commits were lost")
	}
	r.Fine("nothing is to be settled")
	return err
}

// missing tells whether there is no such file or folder.
func missing(path string) bool {
	_, err := os.Stat(path)
	return errors.Is(err, fs.ErrNotExist)
}
