// Package backup makes a file of everything that the database holds while the
// portal serves, puts it back into an empty place, and notices where somebody
// put back an older database by other means.
//
// A backup is a tar archive of two entries: the database as its own tools
// write it (a compacted SQLite file, or the custom format of pg_dump), and a
// manifest that says what it is, with the digest of the first and a mark under
// the key ring. The keys are not in it. A restore writes nothing before all of
// that has been checked, and what it has written becomes visible in one step
// at its end. docs/backup.md says how both are used.
//
// This is the only package that starts other programs: pg_dump and pg_restore,
// with arguments that no input reaches.
package backup

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"portal/internal/seal"
	"portal/internal/store"
)

// Manifest is what a backup says of itself.
type Manifest struct {
	Format  string    `json:"format"`
	Program string    `json:"program"` // version of the program that made it
	MadeAt  time.Time `json:"made_at"`
	store.Content
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// signed is a manifest and its mark, as they stand in a backup.
type signed struct {
	Manifest json.RawMessage `json:"manifest"`
	Key      string          `json:"key"`
	Mark     []byte          `json:"mark"`
}

const manifestFormat = "portal backup 1"

// Source is what a backup is made of.
type Source struct {
	Store   *store.Store
	Ring    *seal.Ring
	Now     time.Time
	Program string
}

// Target says where a backup is written to. Without a passphrase the key ring
// is not written.
type Target struct{ File, Keyring, Passphrase string }

// Draft is a finished backup that has no name yet, so that nobody has it before
// it is recorded.
type Draft struct {
	Manifest
	parts []part
}

// part is one file of a draft.
type part struct {
	work       workplace
	made, path string
}

// Make makes a backup, of files of mode 0600. What is there already is left
// alone; where it fails or is killed there is no file of these names. What it
// returns is published or discarded.
func Make(ctx context.Context, to Target, from Source) (*Draft, error) {
	d := &Draft{}
	if err := d.fill(ctx, to, from); err != nil {
		d.Discard()
		return nil, err
	}
	return d, nil
}

func (d *Draft) fill(ctx context.Context, to Target, from Source) error {
	if to.Passphrase != "" { // the quicker one first: a short passphrase is told before the long work
		if err := d.add(to.Keyring, func(_ workplace, path string) error { return lockRing(path, from.Ring, to.Passphrase) }); err != nil {
			return fmt.Errorf("the key ring was not backed up, and nothing else: %w", err)
		}
	}
	return d.add(to.File, func(work workplace, path string) (err error) {
		d.Manifest, err = pack(ctx, work, path, from)
		return err
	})
}

// add makes a part in a workplace beside where it belongs.
func (d *Draft) add(path string, make func(work workplace, path string) error) error {
	work, err := newWorkplace(path)
	if err != nil {
		return err
	}
	made := part{work, work.path("backup"), path}
	d.parts = append(d.parts, made)
	return make(work, made.made)
}

// Publish gives the files their names: all of them, or none.
func (d *Draft) Publish() error {
	defer d.Discard()
	for i, p := range d.parts {
		if err := publish(p.made, p.path); err != nil {
			for _, named := range d.parts[:i] {
				err = errors.Join(err, os.Remove(named.path))
			}
			return err
		}
	}
	return nil
}

// Discard removes what has no name.
func (d *Draft) Discard() {
	for _, p := range d.parts {
		p.work.clear()
	}
}

// pack writes the backup itself.
func pack(ctx context.Context, work workplace, path string, from Source) (Manifest, error) {
	m := Manifest{Format: manifestFormat, Program: from.Program, MadeAt: from.Now.UTC()}
	made, err := newArchive(path, entryOf(from.Store.Name()), m.MadeAt)
	if err != nil {
		return m, err
	}
	defer made.file.Close() //nolint:errcheck // finish has closed it; this is for a backup that failed
	if m.Content, err = dump(ctx, from.Store, work, made); err != nil {
		return m, err
	}
	m.Size, m.SHA256 = made.size, hex.EncodeToString(made.sum.Sum(nil))
	return m, made.finish(m, from.Ring)
}

// dump writes the database into an archive.
func dump(ctx context.Context, data *store.Store, work workplace, to io.Writer) (store.Content, error) {
	if data.Name() == "postgres" {
		return dumpPostgres(ctx, data, to)
	}
	return dumpSQLite(ctx, data, work, to)
}

// dumpSQLite lets SQLite write a copy, looks at the copy, and puts that into
// the archive. The database file itself is never opened here.
func dumpSQLite(ctx context.Context, data *store.Store, work workplace, to io.Writer) (c store.Content, err error) {
	copied := work.path("portal.db")
	// Made before SQLite writes to it, so that it is never open to others.
	if err := create(copied); err != nil {
		return c, err
	}
	if err := data.CopyTo(ctx, copied); err != nil {
		return c, fmt.Errorf("the database could not be copied: %w", err)
	}
	if c, err = look(ctx, string(work)); err != nil {
		return c, err
	}
	file, err := os.Open(copied)
	if err != nil {
		return c, err
	}
	defer file.Close() //nolint:errcheck // it was only read
	_, err = io.Copy(to, file)
	return c, err
}

// look describes the SQLite database in a folder, and holds that it is sound.
func look(ctx context.Context, folder string) (c store.Content, err error) {
	place, err := store.OpenPlace(store.Config{DataFolder: folder})
	if err != nil {
		return c, err
	}
	defer place.Close() //nolint:errcheck // it was only read
	if err := place.Check(ctx); err != nil {
		return c, err
	}
	return place.Content(ctx)
}

// lockRing writes the key ring under a passphrase.
func lockRing(path string, ring *seal.Ring, passphrase string) error {
	text, err := ring.Lock(passphrase)
	if err != nil {
		return err
	}
	return write(path, text)
}

// workplace is a folder beside what is being made, mode 0700, on the same disk.
type workplace string

func newWorkplace(target string) (workplace, error) {
	if _, err := os.Lstat(target); err == nil {
		return "", fmt.Errorf("%s is there already and is left as it is; choose another name", target)
	}
	folder, err := os.MkdirTemp(filepath.Dir(target), ".portal-backup-*")
	if err != nil {
		return "", fmt.Errorf("nothing can be written beside %s: %w", target, err)
	}
	folder, err = filepath.Abs(folder)
	return workplace(folder), err
}

func (w workplace) path(name string) string { return filepath.Join(string(w), name) }

func (w workplace) clear() { _ = os.RemoveAll(string(w)) }
