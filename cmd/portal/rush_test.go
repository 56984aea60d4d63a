package main

import (
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// A rush has twice the threads from the first who waits to a second after the
// last has begun to, longer where somebody waits still, and the next rush
// begins with the usual ones. The clock is the bubble's.
func TestRush(t *testing.T) {
	before := runtime.GOMAXPROCS(0)
	t.Cleanup(func() { runtime.GOMAXPROCS(before) })
	runtime.SetDefaultGOMAXPROCS()
	usual := runtime.GOMAXPROCS(0)
	synctest.Test(t, func(t *testing.T) {
		var waiting atomic.Int32
		r := &rush{waiting: func() int { return int(waiting.Load()) }}
		for range 2 {
			r.begin()
			wantThreads(t, calm-time.Millisecond, 2*usual)
			r.begin()
			waiting.Store(1)
			wantThreads(t, 2*calm-time.Millisecond, 2*usual)
			waiting.Store(0)
			wantThreads(t, time.Millisecond, usual)
		}
	})
}

// wantThreads holds how many threads there are after a while.
func wantThreads(t *testing.T, after time.Duration, want int) {
	t.Helper()
	rest(after)
	synctest.Wait()
	if got := runtime.GOMAXPROCS(0); got != want {
		t.Errorf("%d threads, want %d", got, want)
	}
}
