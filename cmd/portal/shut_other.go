//go:build !linux

package main

import (
	"errors"
	"net"
)

// shut is there on Linux only. Elsewhere a connection that comes in the very
// moment in which the listener is closed is reset.
func shut(net.Listener) error { return errors.ErrUnsupported }
