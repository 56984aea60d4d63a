package testkit

import (
	"fmt"
	"runtime"
	"testing"
)

// recorder is a test that is expected to fail: it keeps why.
type recorder struct {
	testing.TB
	message string
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.message = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

// fatal runs f, which must end by Fatalf, and returns the message.
func fatal(t *testing.T, f func(testing.TB)) string {
	t.Helper()
	r := &recorder{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		f(r)
	}()
	<-done
	if r.message == "" {
		t.Fatal("did not fail")
	}
	return r.message
}
