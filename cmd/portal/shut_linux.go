package main

import (
	"errors"
	"net"

	"golang.org/x/sys/unix"
)

// shut turns new connections away at a listener that still hands out those
// that are there. Closing it would reset whatever the system has accepted and
// the program has not yet taken; a proxy takes such a reset for a request that
// was lost. What knocks from now on gets no answer, knocks again a second
// later, and is refused by then, which a proxy may send elsewhere safely.
//
// The filter is a program that the kernel runs on each segment that comes to
// the listener: drop those that begin a connection (SYN), pass the others, so
// that handshakes under way end well.
func shut(door net.Listener) error {
	const length, flags, syn, pass, drop = 4, 13, 0x02, 0xffff, 0
	filter := [length]unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_B | unix.BPF_ABS, K: flags},
		{Code: unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K, K: syn, Jt: 0, Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: drop},
		{Code: unix.BPF_RET | unix.BPF_K, K: pass},
	}
	listener, ok := door.(*net.TCPListener)
	if !ok {
		return errors.ErrUnsupported
	}
	raw, err := listener.SyscallConn()
	if err != nil {
		return err
	}
	program := unix.SockFprog{Len: length, Filter: &filter[0]}
	var refused error
	err = raw.Control(func(fd uintptr) {
		refused = unix.SetsockoptSockFprog(int(fd), unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &program)
	})
	return errors.Join(err, refused)
}
