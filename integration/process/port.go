package process

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Ports are taken from below the range that Linux uses for outgoing
// connections (32768 and up), so that no client socket takes one between the
// moment it was found free and the moment the child listens on it.
const (
	portMin = 17000
	portMax = 31999
)

// pollInterval is how often the waiting functions look again.
const pollInterval = 20 * time.Millisecond

// FreePort returns a port on 127.0.0.1 that nothing listens on now. Another
// process may still take it; call WaitListening after the start of the child
// to be sure that it is the child that serves it.
func FreePort() (int, error) {
	var last error
	for range 100 {
		port := portMin + rand.IntN(portMax-portMin+1)
		// The wildcard address, as servers listen there too.
		listener, err := net.Listen("tcp", ":"+strconv.Itoa(port))
		if err != nil {
			last = err
			continue
		}
		if err := listener.Close(); err != nil {
			last = err
			continue
		}
		return port, nil
	}
	return 0, fmt.Errorf("process: no free port between %d and %d in 100 tries: %w", portMin, portMax, last)
}

// ErrStrangerListens says that the port is served by another process than the
// one that was asked about.
var ErrStrangerListens = errors.New("another process listens on the port")

// ErrEnded says that the child ended while somebody waited for it to serve.
var ErrEnded = errors.New("the process has ended")

// WaitListening blocks until the child itself listens on the TCP port. It
// fails at once with ErrEnded when the child has ended and with
// ErrStrangerListens when somebody else serves the port.
func (p *Process) WaitListening(ctx context.Context, port int) error {
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	for {
		inodes, err := listenersOf(port)
		if err != nil {
			return err
		}
		if len(inodes) > 0 {
			owned, err := ownsSocket(p.Pid(), inodes)
			if err == nil && owned {
				return nil
			}
			if err == nil && p.Running() {
				return fmt.Errorf("process: wait for %s (pid %d) on port %d: %w", p.name, p.Pid(), port, ErrStrangerListens)
			}
		}
		select {
		case <-p.done:
			return fmt.Errorf("process: wait for %s (pid %d) on port %d: %w (%v); end of %s:\n%s",
				p.name, p.Pid(), port, ErrEnded, p.exit, p.logFile, p.LogTail(20))
		case <-ctx.Done():
			return fmt.Errorf("process: wait for %s (pid %d) on port %d: %w; end of %s:\n%s",
				p.name, p.Pid(), port, ctx.Err(), p.logFile, p.LogTail(20))
		case <-ticker.C:
		}
	}
}

// listenersOf returns the socket inodes that listen on the port, on any
// address. Source of the format: proc(5), /proc/net/tcp.
func listenersOf(port int) (map[string]bool, error) {
	const stateListen = "0A"
	inodes := make(map[string]bool)
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		file, err := os.Open(table)
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("process: read the socket table: %w", err)
		}
		suffix := fmt.Sprintf(":%04X", port)
		scanner := bufio.NewScanner(file)
		for scanner.Scan() {
			fields := strings.Fields(scanner.Text())
			if len(fields) > 9 && fields[3] == stateListen && strings.HasSuffix(fields[1], suffix) {
				inodes[fields[9]] = true
			}
		}
		err = errors.Join(scanner.Err(), file.Close())
		if err != nil {
			return nil, fmt.Errorf("process: read %s: %w", table, err)
		}
	}
	return inodes, nil
}

// ownsSocket reports whether the process has one of the sockets open.
func ownsSocket(pid int, inodes map[string]bool) (bool, error) {
	dir := filepath.Join("/proc", strconv.Itoa(pid), "fd")
	entries, err := os.ReadDir(dir)
	if err != nil {
		return false, fmt.Errorf("process: list open files of pid %d: %w", pid, err)
	}
	for _, entry := range entries {
		target, err := os.Readlink(filepath.Join(dir, entry.Name()))
		if err != nil {
			continue // closed since the directory was read
		}
		inode, ok := strings.CutPrefix(target, "socket:[")
		if ok && inodes[strings.TrimSuffix(inode, "]")] {
			return true, nil
		}
	}
	return false, nil
}
