package keeper

import (
	"context"

	"portal"
	"portal/internal/seal"
	"portal/internal/store"
)

// How many rows are read at once, re-sealed in one transaction, and passed by
// between two words about how far it is.
const (
	batch    = 100
	progress = 20 * batch
)

// tally is what a walk over everything under a key has met.
type tally struct {
	under      map[string]int64 // sealed values by the key they stand under now
	resealed   int64
	unreadable int64
}

// walk visits every sealed value. With reseal it brings those of other keys
// under the write key; what it cannot read it leaves as it is (OT-06).
func (k *Keys) walk(ctx context.Context, reseal bool) (tally, error) {
	t := tally{under: map[string]int64{}}
	var seen int64
	for _, column := range store.SealedColumns() {
		for after := ""; ; {
			rows, err := k.Store.SealedAfter(ctx, column, after, batch)
			if err != nil {
				return t, err
			}
			if err := k.visit(ctx, column, rows, reseal, &t); err != nil {
				return t, err
			}
			if len(rows) < batch {
				break
			}
			after = rows[len(rows)-1].Row
			if seen += batch; seen%progress == 0 {
				k.Tell("%d values so far.", seen)
			}
		}
	}
	return t, nil
}

func (k *Keys) visit(ctx context.Context, column store.SealedColumn, rows []store.Sealed, reseal bool, t *tally) error {
	var all []store.Resealed
	writes := k.Ring.WriteKeyID()
	for _, v := range rows {
		id := seal.SealedUnder(v.Value)
		if id == "" { // emptied: the letter has gone out
			continue
		}
		t.under[id]++
		if !reseal || id == writes {
			continue
		}
		place := placeOf(column, v)
		plain, err := k.Ring.Open(v.Value, place)
		if err != nil {
			t.unreadable++
			continue
		}
		all = append(all, store.Resealed{Sealed: v, New: k.Ring.Seal(plain, place)})
		t.under[id]--
		t.under[writes]++
	}
	if len(all) == 0 {
		return nil
	}
	n, err := k.Store.Reseal(ctx, column, all)
	t.resealed += n
	return err
}

// placeOf is what a value of a column is bound to.
func placeOf(column store.SealedColumn, v store.Sealed) seal.AAD {
	if column == store.SealedLetters {
		return seal.LetterPlace(string(v.Customer), string(v.User), v.Row)
	}
	return seal.SecretPlace(string(v.Customer), string(v.User), v.Row)
}

// holders counts the users whose recovery codes were made with a key. Codes
// cannot be brought under another one: only their owners have them.
func (k *Keys) holders(ctx context.Context, key string) (n int64, err error) {
	for after := portal.UserID(""); ; {
		users, err := k.Store.HoldersOfCodes(ctx, key, after, batch)
		if err != nil {
			return 0, err
		}
		n += int64(len(users))
		if len(users) < batch {
			return n, nil
		}
		after = users[len(users)-1]
	}
}
