package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"kafkacoord/coord/wire"
	"kafkacoord/integration/coordproc"
	"kafkacoord/integration/javazk"
	"kafkacoord/integration/server"
)

// contestant is one of the servers that are compared.
type contestant struct {
	*server.Server
	kind string // java or coord
}

// start runs a server on a new directory and waits until it serves.
func start(ctx context.Context, s *settings, kind, name string, config ...string) (*contestant, error) {
	dir := filepath.Join(s.dir, name+"-"+kind)
	var started *server.Server
	var err error
	if kind == "java" {
		started, err = javazk.Start(ctx, javazk.Options{DataDir: dir, Config: config, Progress: s.progress})
	} else {
		started, err = coordproc.Start(ctx, coordproc.Options{DataDir: dir, Config: config})
	}
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", kind, err)
	}
	return &contestant{Server: started, kind: kind}, nil
}

// end kills the server and removes its data, to have the disk for the next one.
func (c *contestant) end() error {
	return errors.Join(c.Kill(), os.RemoveAll(c.DataDir()))
}

// ticksPerSecond is USER_HZ, the unit of times in /proc, which is 100 on every
// Linux that runs Go.
const ticksPerSecond = 100

func (c *contestant) cpu() (time.Duration, error) { return cpuTime(c.Pid()) }

// cpuTime is the CPU time, user and system, that a process has used. Source of the
// format: proc(5), /proc/PID/stat, fields 14 and 15.
func cpuTime(pid int) (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, fmt.Errorf("read the CPU time of a server: %w", err)
	}
	// The program's name, in parentheses, may hold spaces.
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if len(fields) < 13 {
		return 0, fmt.Errorf("read the CPU time of process %d: %d fields in its stat", pid, len(fields))
	}
	user, err1 := strconv.ParseInt(fields[11], 10, 64)
	system, err2 := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * time.Second / ticksPerSecond, errors.Join(err1, err2)
}

// resident is the resident memory in bytes (proc(5), VmRSS).
func (c *contestant) resident() (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.Pid()))
	if err != nil {
		return 0, fmt.Errorf("read the memory of %s: %w", c.kind, err)
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
			return kib << 10, err
		}
	}
	return 0, fmt.Errorf("read the memory of %s: no VmRSS", c.kind)
}

// snapshots are the names of the snapshot files.
func (c *contestant) snapshots() (map[string]bool, error) {
	files, err := filepath.Glob(filepath.Join(c.DataDir(), "version-2", "snapshot.*"))
	names := make(map[string]bool)
	for _, f := range files {
		names[f] = true
	}
	return names, err
}

// A starting server is asked for a session again and again, by attempts that do
// not wait for each other: Java, for a moment, takes a request and forgets it.
// The pause between them grows with the time that has passed, so that they are a
// small part of what they measure and of the load.
const (
	probePauseMin = time.Millisecond
	probeShare    = 50 // the pause is this part of the time so far
	probesMax     = 100
)

// restart starts the stopped server again and returns the time from then until
// the first client has a session.
func (c *contestant) restart(ctx context.Context) (time.Duration, error) {
	if err := c.Stop(); err != nil {
		return 0, err
	}
	ctx, cancel := context.WithCancel(ctx)
	began := time.Now()
	answered := make(chan time.Duration, 1)
	var probes sync.WaitGroup
	defer probes.Wait()
	defer cancel()
	probes.Go(func() { c.probe(ctx, &probes, began, answered) })
	if err := c.Restart(ctx); err != nil {
		return 0, err
	}
	select {
	case took := <-answered:
		return took, nil
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
}

// probe starts attempts until one has a session.
func (c *contestant) probe(ctx context.Context, probes *sync.WaitGroup, began time.Time, answered chan<- time.Duration) {
	ctx, done := context.WithCancel(ctx)
	places := make(chan struct{}, probesMax)
	for ctx.Err() == nil {
		select {
		case places <- struct{}{}:
		case <-ctx.Done():
			continue
		}
		probes.Go(func() {
			defer func() { <-places }()
			if handshake(ctx, c.Connect()) != nil {
				return
			}
			done()
			select {
			case answered <- time.Since(began):
			default:
			}
		})
		timer := time.NewTimer(max(time.Since(began)/probeShare, probePauseMin))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
		}
	}
	done()
}

// handshake opens a session, with the shortest timeout, and leaves it.
func handshake(ctx context.Context, address string) error {
	var d net.Dialer
	socket, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	release := context.AfterFunc(ctx, func() { _ = socket.Close() })
	defer func() {
		if release() {
			_ = socket.Close()
		}
	}()
	frame, mark := wire.BeginFrame(nil)
	frame = wire.AppendConnectRequest(frame, &wire.ConnectRequest{Timeout: 1, Password: make([]byte, wire.PasswordSize), HasReadOnly: true})
	if _, err := socket.Write(wire.EndFrame(frame, mark)); err != nil {
		return err
	}
	_, err = io.ReadFull(socket, make([]byte, 4+37))
	return err
}

// warnOfMemoryDisk tells when the directory is in memory, where a sync is free.
func warnOfMemoryDisk(dir string, progress io.Writer) {
	const tmpfsMagic = 0x01021994
	var f syscall.Statfs_t
	if err := syscall.Statfs(dir, &f); err == nil && f.Type == tmpfsMagic {
		fmt.Fprintf(progress, "warning: %s is in memory, so that synced writes cost nothing; give -dir on a disk\n", dir)
	}
}
