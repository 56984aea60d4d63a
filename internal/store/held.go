package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"portal"
)

// Held says why nobody is to be served from a database now, though it answers.
type Held struct{ Why string }

// Error is what the operator reads.
func (h Held) Error() string { return h.Why }

const (
	restoreUnderWay = "a restore into this database is under way or was cut short; where none is running, run portal restore again with the same file"
	settlementOwed  = "this data was restored, and sessions, links and recovery codes in it may have been revoked or used since. " +
		"Nobody can sign in before that is settled: run portal post-restore with the same --data and --database"
	fileReplaced = "the file %s is not the one that this program has opened: it was removed or replaced. Stop the portal, see that the right file is there, and start again"
	notTheSame   = "this is not the database that was opened: it is gone, empty or closed to this role, as it is while another one is put in its place (%w)"
)

// MayServe tells whether people may be served from this database now. It is
// Held where the data has moved away or is not all there, and where it was put
// back and nobody has settled yet what was revoked since. Any other error says
// that this could not be found out. Whether a restore is under way is asked
// first: it ends in the transaction that leaves the mark.
func (s *Store) MayServe(ctx context.Context) error {
	if err := errors.Join(s.sameFile(), s.refuseCutShort(ctx)); err != nil {
		return replaced(err)
	}
	const query = `SELECT COALESCE((SELECT mark FROM leases WHERE name = $1), 0),
		COALESCE(MAX(place), ''), COALESCE(MAX(other), ''), COALESCE(MAX(done_at), 0) FROM moves`
	var owed, done int64
	var note moveNote // one at most
	err := translate(s.View(portal.NoCustomer).q.row(ctx, query, owedMark).Scan(&owed, &note.Place, &note.Other, &done))
	if err != nil {
		return replaced(err)
	}
	note.Done = fromMicros(done)
	if why := note.elsewhere(); why != "" {
		return Held{why}
	}
	if owed != 0 {
		return Held{settlementOwed}
	}
	return nil
}

// replaced is the error of a look at the database that holds the node back
// where the answer is not one of the database that was opened.
func replaced(err error) error {
	if !strange(err) {
		return err
	}
	return Held{fmt.Errorf(notTheSame, err).Error()}
}

// noteFile remembers which file of SQLite's was opened.
func (s *Store) noteFile(context.Context) (err error) {
	if s.name == "sqlite" {
		s.file, err = os.Stat(s.place)
	}
	return err
}

// sameFile holds that SQLite's file is the one that was opened. Connections of
// before would go on with what nobody else sees, and new ones with another.
func (s *Store) sameFile() error {
	if s.file == nil {
		return nil
	}
	now, err := os.Stat(s.place)
	if errors.Is(err, fs.ErrNotExist) || (err == nil && !os.SameFile(s.file, now)) {
		return Held{fmt.Sprintf(fileReplaced, s.place)}
	}
	return err
}
