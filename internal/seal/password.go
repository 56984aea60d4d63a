package seal

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"golang.org/x/text/unicode/norm"
)

const (
	saltSize = 16              // bytes of a new salt
	tagSize  = 32              // bytes of a new tag
	patience = 5 * time.Second // in the queue: after it "try again" helps more
)

// ErrBusy says that too many passwords wait to be hashed. The same request may
// succeed a second later.
var ErrBusy = errors.New("too many password checks at once")

// A Hasher hashes and verifies passwords with argon2id, a bounded number at a
// time: the memory it takes is slots times Params.MemoryKiB, whatever the load.
// It may be used by many goroutines.
//
// A wait ends with ErrBusy at once when the queue is full and after five seconds
// in it, and with the context's error when the context ends. A hash that has
// begun is finished.
// The caller bounds the length of passwords.
type Hasher struct {
	params Params
	nobody string        // hash that VerifyNobody works against
	slots  chan struct{} // one element for each hash at work
	queue  chan struct{} // one element for each caller that waits for a slot
	look   func(context.Context) Watch
	wait   func() // told when a caller begins to wait
}

// NewHasher returns a Hasher that runs slots hashes at once while at most queue
// callers wait. It panics when Params.Validate fails, slots is below 1 or queue
// below 0.
func NewHasher(p Params, slots, queue int) *Hasher {
	if err := p.Validate(); err != nil {
		panic("seal: " + err.Error())
	}
	if slots < 1 || queue < 0 {
		panic("seal: a Hasher needs a slot and no negative queue")
	}
	nobody := phc{params: p, salt: make([]byte, saltSize), tag: make([]byte, tagSize)}
	return &Hasher{
		params: p,
		nobody: nobody.String(),
		slots:  make(chan struct{}, slots),
		queue:  make(chan struct{}, queue),
	}
}

// NormalizePassword returns the NFC form of a password, which is what is
// hashed and what length rules count; keyboards differ in how they compose
// accents. Nothing else is changed (NIST SP 800-63B-4 section 3.1.1.2).
func NormalizePassword(s string) string {
	return norm.NFC.String(s)
}

// Hash returns the PHC string of a password under a new random salt.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	w, err := h.begin(ctx)
	if err != nil {
		return "", err
	}
	defer h.end(w)
	hash := phc{params: h.params, salt: make([]byte, saltSize), tag: make([]byte, tagSize)}
	rand.Read(hash.salt) // never fails: it ends the program instead
	hash.tag = hash.compute(password)
	return hash.String(), nil
}

// Verify tells whether a password matches a PHC string, and whether the
// matching hash is stale: cheaper than a new one, so to be replaced now that
// the password is at hand. Beside the errors of waiting it returns
// ErrMalformedHash; on any error match is false.
func (h *Hasher) Verify(ctx context.Context, stored, password string) (match, stale bool, err error) {
	hash, err := parsePHC(stored)
	if err != nil {
		return false, false, err
	}
	w, err := h.begin(ctx)
	if err != nil {
		return false, false, err
	}
	defer h.end(w)
	match = hash.matches(password)
	return match, match && hash.below(h.params), nil
}

// VerifyNobody does the work of Verify for a login ID that nobody has, so that
// the time taken does not tell. It returns only the errors of waiting.
func (h *Hasher) VerifyNobody(ctx context.Context, password string) error {
	_, _, err := h.Verify(ctx, h.nobody, password)
	return err
}

// Busy tells whether the queue is full, so that whoever comes can be sent away
// before anything is done for the request.
func (h *Hasher) Busy() bool { return len(h.slots) == cap(h.slots) && len(h.queue) == cap(h.queue) }

// acquire takes a slot, waiting in the queue when there is none.
func (h *Hasher) acquire(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case h.slots <- struct{}{}:
		return nil
	default:
	}
	select {
	case h.queue <- struct{}{}:
		defer func() { <-h.queue }()
	default:
		return ErrBusy
	}
	if h.wait != nil {
		h.wait()
	}
	tired := time.NewTimer(patience)
	defer tired.Stop()
	select {
	case h.slots <- struct{}{}:
		return nil
	case <-tired.C:
		return ErrBusy
	case <-ctx.Done():
		return ctx.Err()
	}
}

// A Watch looks on at one hash. Begun is told when the wait for a slot is over,
// or that it was in vain; Done, after a wait that was not, when the hash is made.
type Watch interface {
	Begun(err error)
	Done()
}

// Watched has somebody look on at each hash from now on: look is called when a
// hash is asked for.
func (h *Hasher) Watched(look func(context.Context) Watch) { h.look = look }

// WhenWaiting has tell called, from now on, whenever a caller begins to wait.
func (h *Hasher) WhenWaiting(tell func()) { h.wait = tell }

// Load tells how many hashes are at work and how many callers wait, and how
// many may at most.
func (h *Hasher) Load() (working, waiting, slots, queue int) {
	return len(h.slots), len(h.queue), cap(h.slots), cap(h.queue)
}

// begin takes a slot under the eyes of whoever looks on.
func (h *Hasher) begin(ctx context.Context) (Watch, error) {
	if h.look == nil {
		return nil, h.acquire(ctx)
	}
	w := h.look(ctx)
	err := h.acquire(ctx)
	w.Begun(err)
	return w, err
}

func (h *Hasher) release() { <-h.slots }

// end gives the slot back.
func (h *Hasher) end(w Watch) {
	h.release()
	if w != nil {
		w.Done()
	}
}
