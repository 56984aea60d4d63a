package auth

import (
	"testing"
	"time"
)

// A wait is given in the unit that people would say it in, never too short.
func TestWaitsInWords(t *testing.T) {
	t.Parallel()
	for wait, want := range map[time.Duration]string{
		time.Second: "1 second", 1500 * time.Millisecond: "2 seconds", 90 * time.Second: "90 seconds", 91 * time.Second: "2 minutes",
		time.Hour: "60 minutes", 90 * time.Minute: "90 minutes", 90*time.Minute + time.Second: "2 hours", 1135 * time.Minute: "19 hours",
		24 * time.Hour: "24 hours",
	} {
		if got := inWords(wait); got != want {
			t.Errorf("%v: %q, want %q", wait, got, want)
		}
	}
}
