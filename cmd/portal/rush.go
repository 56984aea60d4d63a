package main

import (
	"runtime"
	"sync"
	"time"
)

// calm is how long nobody has waited for a hash when a rush is over.
const calm = time.Second

// A rush is more people signing in than the cores can hash passwords for. Go's
// scheduler leaves a hash its turn of 10 ms, and a page waits for several of
// them; while there is a rush the program has twice the threads, so that the
// kernel shares the cores, in shorter turns. Passwords are still hashed by as
// many as there are cores. Without a rush the threads would only cost: hashes
// and pages lose their caches to each other.
type rush struct {
	mu   sync.Mutex
	here bool
	over *time.Timer
}

// waits is told of each caller that has to wait for a hash.
func (r *rush) waits() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.here {
		r.over.Reset(calm)
		return
	}
	r.here = true
	runtime.GOMAXPROCS(2 * runtime.GOMAXPROCS(0))
	r.over = time.AfterFunc(calm, r.leave)
}

func (r *rush) leave() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.here = false
	runtime.SetDefaultGOMAXPROCS()
}
