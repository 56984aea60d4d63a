package testkit

import (
	"sync"
	"testing"
	"time"
)

func TestClockStandsStillUntilMoved(t *testing.T) {
	start := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	clock := NewClock(start)
	if got := clock.Now(); !got.Equal(start) {
		t.Errorf("at first: %v, want %v", got, start)
	}
	clock.Advance(90 * time.Second)
	if got, want := clock.Now(), start.Add(90*time.Second); !got.Equal(want) {
		t.Errorf("moved: %v, want %v", got, want)
	}
	clock.Advance(-2 * time.Minute)
	if got, want := clock.Now(), start.Add(-30*time.Second); !got.Equal(want) {
		t.Errorf("moved back: %v, want %v", got, want)
	}
}

func TestClockIsSharedByGoroutines(t *testing.T) {
	start := time.Unix(0, 0)
	clock := NewClock(start)
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			clock.Advance(time.Second)
			clock.Now()
		})
	}
	wg.Wait()
	if got, want := clock.Now(), start.Add(50*time.Second); !got.Equal(want) {
		t.Errorf("after 50 moves: %v, want %v", got, want)
	}
}
