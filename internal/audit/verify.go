package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"portal"
	"portal/internal/store"
)

const (
	// page and fewSeals bound what a verification holds in memory.
	page     = 2000
	fewSeals = 16
	// most findings are told; after them a trail is broken enough.
	most = 100
	// promptly is how long an event may wait for its seal.
	promptly = time.Minute
)

// Finding is something that is not as this portal wrote it. Event and Seal
// are 0 where it concerns none.
type Finding struct {
	Event int64
	Seal  int64
	What  string
	// Late: nothing was touched, an event merely waits for its seal.
	Late bool
}

// String names the row, and what is wrong with it.
func (f Finding) String() string {
	switch {
	case f.Event != 0:
		return fmt.Sprintf("event %d: %s", f.Event, f.What)
	case f.Seal != 0:
		return fmt.Sprintf("seal %d: %s", f.Seal, f.What)
	}
	return f.What
}

// Report is what a verification saw. Number and Hash are where the chain ends:
// kept elsewhere, they show later that nobody put back an older database.
type Report struct {
	Events   int64 // sealed and in place
	Waiting  int64 // without a seal yet
	Number   int64
	Hash     []byte
	SealedAt time.Time // of the newest seal
	Findings []Finding
}

// Verify holds the actor's customer's trail against its seals.
func (s *Service) Verify(ctx context.Context, actor portal.Actor) (Report, error) {
	if err := actor.Can(portal.KeepAudit); err != nil {
		return Report{}, err
	}
	var w *walk
	err := s.store.Snapshot(ctx, actor.CustomerID, func(view store.View) error {
		w = &walk{Service: s, view: view, customer: actor.CustomerID, loose: map[int64]string{}}
		return w.all(ctx)
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	if w == nil {
		return Report{}, err
	}
	return w.report, err
}

// walk goes along a customer's events and seals at once, both in order. It
// holds no more than a page of each, and the rows that no seal has named yet:
// those that were committed late, or that do not belong here.
type walk struct {
	*Service
	view     store.View
	customer portal.CustomerID
	chain    store.Chain
	report   Report

	read  []portal.Event // the page at hand
	after int64          // the last event of all pages so far
	ended bool
	loose map[int64]string // hashes of rows that no seal has named yet
}

var errEnough = errors.New("too much is wrong to go on")

func (w *walk) find(f Finding) error {
	w.report.Findings = append(w.report.Findings, f)
	if len(w.report.Findings) < most {
		return nil
	}
	w.report.Findings = append(w.report.Findings, Finding{What: "there may be more; the verification stopped here"})
	return errEnough
}

func (w *walk) all(ctx context.Context) error {
	if err := w.begin(ctx); err != nil {
		return err
	}
	if err := w.seals(ctx, func(store.Seal) bool { return false }); err != nil {
		return err
	}
	if err := w.end(); err != nil {
		return err
	}
	return w.rest(ctx)
}

// begin reads both ends of the chain.
func (w *walk) begin(ctx context.Context) error {
	chain, err := w.view.Chain(ctx)
	if errors.Is(err, store.ErrNotFound) {
		gone, err := w.gone(ctx, w.view)
		if err == nil && gone {
			err = w.find(Finding{What: "the end of the chain is not written down any more"})
		}
		return err
	}
	if err != nil {
		return err
	}
	w.chain = chain
	w.report.Number, w.report.Hash = chain.PrunedNumber, chain.PrunedHash
	holds, known := w.ring.ChainMarkHolds(chain.KeyID, chain.Mark, ends(w.customer, chain)...)
	switch {
	case !known:
		return w.find(Finding{What: "the end of the chain is marked with the key " + chain.KeyID + ", which this key ring lacks"})
	case !holds:
		return w.find(Finding{What: "the end of the chain was changed by somebody without the key ring"})
	}
	return nil
}

// seals checks seal after seal, until there is none or stop says so.
func (w *walk) seals(ctx context.Context, stop func(store.Seal) bool) error {
	for {
		few, err := w.view.Seals(ctx, w.report.Number, fewSeals)
		if err != nil || len(few) == 0 {
			return err
		}
		for _, s := range few {
			if stop(s) {
				return nil
			}
			if err := errors.Join(w.link(s), w.content(ctx, s)); err != nil {
				return err
			}
			w.report.Number, w.report.Hash, w.report.SealedAt = s.Number, s.Hash, s.SealedAt
		}
	}
}

// link checks that a seal is whole and follows the one before.
func (w *walk) link(s store.Seal) error {
	switch {
	case s.Number != w.report.Number+1:
		return w.find(Finding{Seal: w.report.Number + 1, What: fmt.Sprintf("it is missing; the next one is seal %d", s.Number)})
	case !bytes.Equal(s.Previous, w.report.Hash):
		return w.find(Finding{Seal: s.Number, What: "it does not follow the seal before"})
	case !bytes.Equal(s.Hash, hashOf(w.customer, s)):
		return w.find(Finding{Seal: s.Number, What: "it was changed"})
	}
	return nil
}

// content holds the rows against the entries of a seal.
func (w *walk) content(ctx context.Context, s store.Seal) error {
	entries, ok := unpack(s.Entries)
	if !ok {
		return w.find(Finding{Seal: s.Number, What: "its entries are damaged"})
	}
	if err := w.readThrough(ctx, s.Last); err != nil {
		return err
	}
	for _, e := range entries {
		have, ok := w.loose[e.event]
		delete(w.loose, e.event)
		if ok && have == e.hash {
			w.report.Events++
			continue
		}
		if err := w.find(w.wrong(s, entries, e, have)); err != nil {
			return err
		}
	}
	return nil
}

// wrong says what became of an event.
func (w *walk) wrong(s store.Seal, entries []entry, e entry, have string) Finding {
	f := Finding{Event: e.event, Seal: s.Number}
	moved := slices.IndexFunc(entries, func(other entry) bool { return other.hash == have })
	switch {
	case have == "":
		f.What = fmt.Sprintf("it is missing; seal %d of %s has it", s.Number, s.SealedAt.Format(time.DateTime))
	case moved >= 0:
		f.What = fmt.Sprintf("it was re-ordered: here stands what was written as event %d", entries[moved].event)
	default:
		f.What = fmt.Sprintf("it was changed after seal %d of %s", s.Number, s.SealedAt.Format(time.DateTime))
	}
	return f
}

// readThrough reads rows up to an id.
func (w *walk) readThrough(ctx context.Context, last int64) error {
	for {
		for len(w.read) > 0 && w.read[0].ID <= last {
			e := entryOf(w.read[0])
			w.loose[e.event], w.read = e.hash, w.read[1:]
		}
		if len(w.read) > 0 || w.ended {
			return nil
		}
		if err := w.turn(ctx); err != nil {
			return err
		}
	}
}

// turn reads the next page of rows.
func (w *walk) turn(ctx context.Context) (err error) {
	if len(w.loose) > 50*page {
		return errors.Join(w.find(Finding{What: fmt.Sprintf("more than %d events stand in no seal", 50*page)}), errEnough)
	}
	w.read, err = w.view.EventsAfter(ctx, w.after, page)
	w.ended = len(w.read) < page
	if len(w.read) > 0 {
		w.after = w.read[len(w.read)-1].ID
	}
	return err
}

// end holds the last seal against where the chain was written down to end.
func (w *walk) end() error {
	if w.report.Number == w.chain.Number && bytes.Equal(w.report.Hash, w.chain.Hash) {
		return nil
	}
	if w.report.Number < w.chain.Number {
		return w.find(Finding{What: fmt.Sprintf("the chain ends with seal %d and was written down to end with seal %d: the seals after it are missing", w.report.Number, w.chain.Number)})
	}
	return w.find(Finding{Seal: w.report.Number, What: "it is not the seal that was written down as the last"})
}

// rest looks at the rows that no seal has named: they must be waiting for one.
func (w *walk) rest(ctx context.Context) error {
	for {
		for _, e := range w.read {
			w.loose[e.ID] = ""
		}
		w.read = nil
		for _, id := range slices.Sorted(maps.Keys(w.loose)) {
			if err := w.waits(ctx, id); err != nil {
				return err
			}
		}
		clear(w.loose)
		if w.ended {
			return w.lost(ctx)
		}
		if err := w.turn(ctx); err != nil {
			return err
		}
	}
}

// waits checks a row without a seal.
func (w *walk) waits(ctx context.Context, id int64) error {
	waits, err := w.view.WaitsForSeal(ctx, id)
	if err != nil {
		return err
	}
	if !waits {
		return w.find(Finding{Event: id, What: "it stands in no seal: it was added beneath the portal, or its seal was removed"})
	}
	w.report.Waiting++
	return nil
}

// lost looks at the events that wait: all must be there, and none for long.
func (w *walk) lost(ctx context.Context) error {
	gone, err := w.view.GoneUnsealed(ctx, most)
	if err != nil {
		return err
	}
	for _, id := range gone {
		if err := w.find(Finding{Event: id, What: "it was deleted before it was sealed"}); err != nil {
			return err
		}
	}
	if w.customer != portal.NoCustomer && w.chain.Number == 0 && w.report.Waiting == 0 && len(w.report.Findings) == 0 {
		return w.find(Finding{What: "it is empty, and even the event that the customer was added is gone"})
	}
	oldest, err := w.view.UnsealedEvents(ctx, 0, 1)
	if err != nil || len(oldest) == 0 || w.view.Now.Sub(oldest[0].At) <= promptly {
		return err
	}
	return w.find(Finding{Event: oldest[0].ID, Late: true, What: fmt.Sprintf(
		"it waits for its seal since %s; no portal is running, or its log says why it does not seal", oldest[0].At.Format(time.DateTime))})
}
