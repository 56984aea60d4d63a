package main

import (
	"errors"
	"net"
)

// What a service manager is told (sd_notify(3)).
const (
	notifyReady    = "READY=1"
	notifyStopping = "STOPPING=1"
)

// notify tells the service manager how the portal stands, where there is one
// that wants to know: systemd starts a unit of Type=notify with the name of a
// socket in the environment.
func (w world) notify(state string) error {
	socket := w.Getenv("NOTIFY_SOCKET")
	if socket == "" {
		return nil
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		return err
	}
	_, err = conn.Write([]byte(state))
	return errors.Join(err, conn.Close())
}
