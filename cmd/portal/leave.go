package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"
)

// settle is how long what knocked before the way in was shut has to come in.
// It is longer than the way from any proxy, and no visitor notices.
const settle = 200 * time.Millisecond

// Why the portal ends.
var (
	errInterrupted = errors.New("Ctrl-C was pressed")
	errTerminated  = errors.New("the system asked it to end")
)

// untilSignal is a context that the first signal to end the program ends. The
// second one ends the program at once, as if nobody listened.
func untilSignal() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		defer signal.Stop(signals)
		select {
		case got := <-signals:
			if got == os.Interrupt {
				cancel(errInterrupted)
				return
			}
			cancel(errTerminated)
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(nil) }
}

// departure is how a node leaves those that rely on it: it says so first, to
// whoever asks whether it is ready, and goes on answering until they have
// noticed.
type departure struct {
	drain   time.Duration
	world   world
	log     *slog.Logger
	leaving atomic.Bool
}

var errLeaving = errors.New("this node is being stopped")

// ready is not ready from the moment on at which the node begins to leave.
func (d *departure) ready(node func(context.Context) error) func(context.Context) error {
	return func(ctx context.Context) error {
		if d.leaving.Load() {
			return errLeaving
		}
		return node(ctx)
	}
}

// answers asks each visitor of a node that leaves to come back over another
// connection, which may lead elsewhere (RFC 9112, section 9.6; HTTP/2 says the
// same by GOAWAY).
func (d *departure) answers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if d.leaving.Load() {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

// grace is how long a node that leaves goes on taking visitors. Whoever presses
// Ctrl-C sits at the machine and has no proxy that must notice.
func (d *departure) grace(ctx context.Context) time.Duration {
	if errors.Is(context.Cause(ctx), errInterrupted) {
		return 0
	}
	return d.drain
}

// serveUntil serves until the context ends. Then it is not ready any more, goes
// on serving for the grace, shuts the way in, and lets what is under way end:
// who has been let in is answered.
func (d *departure) serveUntil(ctx context.Context, server *http.Server, way *wayIn) error {
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(way) }()
	d.tell(notifyReady)
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	d.leaving.Store(true)
	d.tell(notifyStopping)
	grace := d.grace(ctx)
	d.log.Info("stopping: not ready any more, and serving on for the proxies to notice", "cause", context.Cause(ctx), "drain", grace.String())
	select {
	case err := <-failed:
		return err
	case <-time.After(grace):
	}
	if grace > 0 && shut(way.door) == nil {
		<-time.After(settle)
	}
	d.log.Info("stopping: nobody is let in any more; requests that are under way may end")
	return finish(ctx, server)
}

// tell tells the service manager.
func (d *departure) tell(state string) {
	if err := d.world.notify(state); err != nil {
		d.log.Warn("the service manager could not be told how the portal stands", "state", state, "error", err)
	}
}

// finish stops taking connections and waits until the last request is answered.
func finish(ctx context.Context, server *http.Server) error {
	within, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	return server.Shutdown(within)
}

// wayIn is where visitors come in: the listener, with TLS where it ends here,
// and the door itself beneath.
type wayIn struct {
	net.Listener
	door        net.Listener
	certificate *validity // nil where TLS ends elsewhere
}

// open makes a door: plain TCP, since a door of Multipath TCP cannot be shut
// without losing who stands before it.
func open(ctx context.Context, address string) (net.Listener, error) {
	var config net.ListenConfig
	config.SetMultipathTCP(false)
	return config.Listen(ctx, "tcp", address)
}
