package main

import (
	"runtime"
	"testing"
	"testing/synctest"
	"time"
)

// A rush has twice the threads from its first to a second after its last, and
// the next one begins with the usual ones.
func TestRush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		usual, r := runtime.GOMAXPROCS(0), new(rush)
		for range 2 {
			r.waits()
			time.Sleep(calm - time.Millisecond)
			r.waits()
			time.Sleep(calm - time.Millisecond)
			wantThreads(t, 2*usual)
			time.Sleep(time.Millisecond)
			synctest.Wait()
			wantThreads(t, usual)
		}
	})
}

func wantThreads(t *testing.T, want int) {
	t.Helper()
	if got := runtime.GOMAXPROCS(0); got != want {
		t.Errorf("%d threads, want %d", got, want)
	}
}
