package backup

import (
	"context"
	"crypto/hmac"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"

	"portal/internal/seal"
	"portal/internal/store"
)

// Restore puts a checked backup into an empty place. Until it has ended no
// portal starts there; killed or failed at any moment, it can be done again.
// The key ring is put where the portal looks for it, if it is not there.
func (b *Backup) Restore(ctx context.Context, ring *seal.Ring, place store.Config, ringFile string) error {
	if err := b.fits(ctx, ring, place); err != nil {
		return err
	}
	if err := putRing(ring, ringFile); err != nil {
		return err
	}
	if place.Database == "" {
		return b.restoreSQLite(ctx, place)
	}
	return b.restorePostgres(ctx, place)
}

func putRing(ring *seal.Ring, path string) error {
	err := ring.Create(path)
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	there, err := seal.LoadRing(path)
	if err == nil && !there.Same(ring) {
		err = fmt.Errorf("there is another key ring in %s; move it away, or leave --keyring-file out if that is the right one", path)
	}
	return err
}

// fits refuses whatever can be told before anything is written.
func (b *Backup) fits(ctx context.Context, ring *seal.Ring, place store.Config) error {
	at, err := store.OpenPlace(place)
	if err != nil {
		return err
	}
	defer at.Close() //nolint:errcheck // nothing was asked of it yet
	if err := at.Accepts(b.Content); err != nil {
		return fmt.Errorf("the backup %s cannot be restored here: %w", b.path, err)
	}
	for _, key := range b.Keys {
		if have := ring.CheckValue(key.ID); have == nil || !hmac.Equal(have, key.Value) {
			return fmt.Errorf("the data was written with key %s, which this key ring lacks; use the key ring of the time of the backup", key.ID)
		}
	}
	return store.Vacant(ctx, place)
}

// restoreSQLite makes the database in a folder of its own and gives it its name
// when all of it is there.
func (b *Backup) restoreSQLite(ctx context.Context, place store.Config) error {
	target := filepath.Join(place.DataFolder, "portal.db")
	// What a restore that was killed has left goes first.
	work := workplace(filepath.Join(place.DataFolder, ".restoring"))
	work.clear()
	if err := os.Mkdir(string(work), 0o700); err != nil {
		return err
	}
	defer work.clear()
	file, err := os.OpenFile(work.path("portal.db"), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if err := closed(file, b.feed(file)); err != nil {
		return fmt.Errorf("the database could not be written: %w", err)
	}
	place.DataFolder = string(work)
	if err := b.complete(ctx, place); err != nil {
		return err
	}
	if left, err := os.Stat(work.path("portal.db-wal")); err == nil && left.Size() > 0 {
		return errors.New("the restored database was not closed cleanly; try again")
	}
	return publish(work.path("portal.db"), target)
}

// complete holds that every row of the backup is there, and marks the data.
func (b *Backup) complete(ctx context.Context, place store.Config) error {
	at, err := store.OpenPlace(place)
	if err != nil {
		return err
	}
	err = b.whole(ctx, at)
	if err == nil {
		err = at.EndRestore(ctx, b.MadeAt)
	}
	return errors.Join(err, at.Close())
}

func (b *Backup) whole(ctx context.Context, at *store.Store) error {
	if b.Database == "sqlite" {
		if err := at.Check(ctx); err != nil {
			return err
		}
	}
	there, err := at.Content(ctx)
	if err != nil {
		return err
	}
	if len(there.Schema) > len(b.Schema) { // counted before it was migrated, and then cut short
		return nil
	}
	if !maps.Equal(there.Rows, b.Rows) {
		return fmt.Errorf("the rows that were restored are not those of the backup (%v, and not %v); empty the place and restore again", there.Rows, b.Rows)
	}
	return nil
}
