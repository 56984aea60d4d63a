package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"syscall"
	"time"
	"unsafe"
)

// child is a server in a process of its own.
type child struct {
	command *exec.Cmd
	base    *url.URL
}

// startTimeout is how long a server may take to say where it is.
const startTimeout = 30 * time.Second

// start runs a server that says on its first line of output where it is.
func start(ctx context.Context, program string, args ...string) (*child, error) {
	command := exec.CommandContext(ctx, program, args...)
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	command.WaitDelay = startTimeout
	out, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	c := &child{command: command}
	if err == nil {
		c.base, err = url.Parse(regexp.MustCompile(`http://\S+`).FindString(line))
	}
	if err != nil || c.base.Host == "" {
		return nil, errors.Join(fmt.Errorf("%s did not start: %q", program, line), err, c.stop())
	}
	return c, nil
}

// stop ends the server as an operator would.
func (c *child) stop() error {
	err := c.command.Process.Signal(syscall.SIGTERM)
	if wait := c.command.Wait(); wait != nil && c.command.ProcessState.ExitCode() > 0 {
		err = errors.Join(err, wait)
	}
	return err
}

// cpu is the processor time that the server has used so far, to the
// nanosecond: /proc counts in steps of 10 ms, which is too coarse for a sample.
func (c *child) cpu() (time.Duration, error) {
	const ofProcess = 2 // CPUCLOCK_SCHED of include/linux/posix-timers.h
	clock := ^c.command.Process.Pid<<3 | ofProcess
	var used syscall.Timespec
	_, _, failed := syscall.Syscall(syscall.SYS_CLOCK_GETTIME, uintptr(clock), uintptr(unsafe.Pointer(&used)), 0)
	if failed != 0 {
		return 0, fmt.Errorf("processor time of process %d: %w", c.command.Process.Pid, failed)
	}
	return time.Duration(used.Nano()), nil
}

// memory is a line of the server's memory, VmRSS or VmHWM, in MiB.
func (c *child) memory(line string) (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.command.Process.Pid))
	if err != nil {
		return 0, err
	}
	found := regexp.MustCompile(line + `:\s+(\d+) kB`).FindSubmatch(text)
	if found == nil {
		return 0, fmt.Errorf("no %s for process %d", line, c.command.Process.Pid)
	}
	kib, err := strconv.ParseFloat(string(found[1]), 64)
	return kib / 1024, err
}

// forgetPeak makes VmHWM begin anew.
func (c *child) forgetPeak() error {
	return os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", c.command.Process.Pid), []byte("5"), 0)
}
