package main

import (
	"runtime"
	"sync"
	"time"

	"portal/internal/seal"
)

// calm is for how long nobody has begun to wait for a hash when a rush may be
// over.
const calm = time.Second

// A rush is more people signing in than the cores can hash passwords for. Go's
// scheduler leaves a hash its turn of 10 ms, and a page waits for several of
// them; while there is a rush the program has twice the threads, so that the
// kernel shares the cores, in shorter turns. Passwords are still hashed by as
// many as there are cores. Without a rush the threads would only cost: hashes
// and pages lose their caches to each other.
type rush struct {
	waiting func() int // how many wait for a hash now

	mu   sync.Mutex
	here bool
	over *time.Timer
}

// expectRush prepares for a rush to the hasher.
func expectRush(h *seal.Hasher) {
	r := &rush{waiting: func() int {
		_, waiting, _, _ := h.Load()
		return waiting
	}}
	h.WhenWaiting(r.begin)
}

// begin is told of each caller that has to wait.
func (r *rush) begin() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.here {
		r.over.Reset(calm)
		return
	}
	r.here = true
	runtime.GOMAXPROCS(2 * runtime.GOMAXPROCS(0))
	r.over = time.AfterFunc(calm, r.end)
}

// end goes back to the usual threads, unless somebody waits still.
func (r *rush) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.waiting() > 0 {
		r.over.Reset(calm)
		return
	}
	r.here = false
	runtime.SetDefaultGOMAXPROCS()
}
