package backup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"syscall"
	"time"

	"portal"
	"portal/internal/seal"
	"portal/internal/store"
)

// witnessEvery is how often a node notes the newest event.
const witnessEvery = time.Minute

// Witness notes, beside the key ring, an event that this host has seen. Where
// the database does not know it any more, somebody has put back an older one.
type Witness struct {
	path  string
	store *store.Store
	now   portal.Clock
	next  time.Time
}

// NewWitness makes the witness of a data folder. One goroutine uses it.
func NewWitness(folder string, data *store.Store, now portal.Clock) *Witness {
	return &Witness{path: filepath.Join(folder, "newest-event.json"), store: data, now: now}
}

// ErrOlder says that the database is not the one that this host has seen, but
// an older one, and that no post-restore has followed.
var ErrOlder = errors.New("the database is older than this host has seen it before: a backup or an earlier state was put back, or commits were lost. " +
	"What was revoked since may be accepted again. Run portal post-restore")

// Check returns ErrOlder where the database has forgotten what the host noted.
func (w *Witness) Check(ctx context.Context) error {
	noted, err := w.noted()
	if err != nil || noted.Event == 0 {
		return err
	}
	has, err := w.store.Has(ctx, noted)
	if err != nil || has {
		return err
	}
	restored, err := w.store.Restored(ctx)
	if err != nil || noted.At.Before(restored.Done) || !restored.Since.IsZero() {
		return err
	}
	return fmt.Errorf("%w (event %d of %s is gone)", ErrOlder, noted.Event, noted.At.Format(time.DateTime))
}

func (w *Witness) noted() (l store.Landmark, err error) {
	text, err := seal.ReadPrivate(w.path)
	if errors.Is(err, fs.ErrNotExist) {
		return l, nil
	}
	if err == nil && json.Unmarshal(text, &l) != nil {
		err = fmt.Errorf("%s cannot be read; remove it, and it is made anew", w.path)
	}
	return l, err
}

// Note looks once a minute whether the database is still the one that was
// noted, and if so notes its newest event. What was noted stays where it is not.
func (w *Witness) Note(ctx context.Context) error {
	if w.now().Before(w.next) && w.next.Sub(w.now()) <= witnessEvery {
		return nil
	}
	w.next = w.now().Add(witnessEvery)
	if err := w.Check(ctx); err != nil {
		return err
	}
	newest, err := w.store.Newest(ctx)
	if err != nil || newest.Event == 0 {
		return err
	}
	text, err := json.Marshal(newest)
	if err != nil {
		return err
	}
	err = replace(w.path, text)
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) {
		return nil // a host that may not write to its data folder has no witness
	}
	return err
}
