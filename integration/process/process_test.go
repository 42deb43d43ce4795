package process_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"kafkacoord/integration/process"
)

// start runs a shell script as the child.
func start(t *testing.T, script string) *process.Process {
	t.Helper()
	child, err := process.Start(process.Spec{
		Name:    "shell",
		Path:    "/bin/sh",
		Args:    []string{"-c", script},
		Env:     []string{"GREETING=hello"},
		LogFile: filepath.Join(t.TempDir(), "logs", "shell.log"),
	})
	if err != nil {
		t.Fatal(err)
	}
	child.EndWith(t)
	return child
}

func TestOutputGoesToTheLog(t *testing.T) {
	child := start(t, `echo one; echo "$GREETING" >&2; exit 3`)
	if err := child.Wait(t.Context()); err == nil || !strings.Contains(err.Error(), "exit status 3") {
		t.Fatalf("Wait = %v, want exit status 3", err)
	}
	if got, want := child.LogTail(10), "one\nhello"; got != want {
		t.Fatalf("log = %q, want %q", got, want)
	}
	if got, want := child.LogTail(1), "hello"; got != want {
		t.Fatalf("last line = %q, want %q", got, want)
	}
}

func TestStopIsSigtermAndKillIsSigkill(t *testing.T) {
	polite := start(t, `trap 'echo asked; exit 0' TERM; echo up; while :; do sleep 0.05; done`)
	waitForLog(t, polite, "up")
	if err := polite.Stop(time.Minute); err != nil {
		t.Fatal(err)
	}
	if got := polite.LogTail(5); got != "up\nasked" {
		t.Fatalf("log after Stop = %q", got)
	}
	if err := polite.Stop(time.Minute); err != nil {
		t.Fatalf("second Stop = %v", err)
	}

	deaf := start(t, `trap '' TERM; echo up; while :; do sleep 0.05; done`)
	waitForLog(t, deaf, "up")
	if err := deaf.Stop(time.Millisecond); err == nil {
		t.Fatal("Stop of a deaf child reported no error")
	}
	if deaf.Running() {
		t.Fatal("the deaf child still runs")
	}
}

func TestPauseHoldsTheChild(t *testing.T) {
	child := start(t, `echo up; while :; do sleep 0.05; done`)
	waitForLog(t, child, "up")
	if err := child.Pause(); err != nil {
		t.Fatal(err)
	}
	if got := state(t, child.Pid()); got != "T" {
		t.Fatalf("state %s after Pause", got)
	}
	if err := child.Continue(); err != nil {
		t.Fatal(err)
	}
	if err := child.Kill(); err != nil {
		t.Fatal(err)
	}
}

func TestWaitListening(t *testing.T) {
	port, err := process.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()

	child := start(t, `while :; do sleep 0.05; done`)
	if err := child.WaitListening(t.Context(), port); !errors.Is(err, process.ErrStrangerListens) {
		t.Fatalf("WaitListening on this test's port = %v, want ErrStrangerListens", err)
	}

	free, err := process.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := child.WaitListening(ctx, free); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("WaitListening on a port nobody serves = %v, want DeadlineExceeded", err)
	}
	if err := child.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := child.WaitListening(t.Context(), free); !errors.Is(err, process.ErrEnded) {
		t.Fatalf("WaitListening for an ended child = %v, want ErrEnded", err)
	}
}

func TestStartNamesWhatIsMissing(t *testing.T) {
	_, err := process.Start(process.Spec{Name: "nothing", Path: "/does/not/exist", LogFile: filepath.Join(t.TempDir(), "log")})
	if err == nil || !strings.Contains(err.Error(), "/does/not/exist") {
		t.Fatalf("err = %v", err)
	}
}

// orphanVariable makes this test binary play the parent that dies.
const orphanVariable = "PROCESS_TEST_ORPHAN_LOG"

// A child is killed when its parent is, without the parent doing anything.
func TestChildDiesWithItsParent(t *testing.T) {
	if log := os.Getenv(orphanVariable); log != "" {
		_, err := process.Start(process.Spec{
			Name: "orphan", Path: "/bin/sh", Args: []string{"-c", "echo up; exec sleep 600"}, LogFile: log,
		})
		if err != nil {
			t.Fatal(err)
		}
		select {} // until the kill
	}
	directory := t.TempDir()
	parent, err := process.Start(process.Spec{
		Name:    "parent",
		Path:    os.Args[0],
		Args:    []string{"-test.run=^TestChildDiesWithItsParent$"},
		Env:     []string{orphanVariable + "=" + filepath.Join(directory, "orphan.log")},
		LogFile: filepath.Join(directory, "parent.log"),
	})
	if err != nil {
		t.Fatal(err)
	}
	parent.EndWith(t)
	for !strings.Contains(process.LogTail(filepath.Join(directory, "orphan.log"), 10), "up") {
		if !parent.Running() {
			t.Fatalf("the parent ended: %s", parent.LogTail(20))
		}
		time.Sleep(5 * time.Millisecond)
	}
	child := childOf(t, parent.Pid())
	if err := parent.Kill(); err != nil {
		t.Fatal(err)
	}
	for {
		stat, err := os.ReadFile(filepath.Join("/proc", child, "stat"))
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ESRCH) || strings.Contains(string(stat), ") Z ") {
			return // gone, or dead and not yet collected by init
		}
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// childOf returns the process id of the parent's only child.
func childOf(t *testing.T, parent int) string {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range stats {
		stat, err := os.ReadFile(name)
		if err != nil {
			continue // ended since the directory was read
		}
		fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
		if fields[1] == strconv.Itoa(parent) {
			return filepath.Base(filepath.Dir(name))
		}
	}
	t.Fatalf("process %d has no child", parent)
	return ""
}

func waitForLog(t *testing.T, child *process.Process, line string) {
	t.Helper()
	for !strings.Contains(child.LogTail(100), line) {
		select {
		case <-t.Context().Done():
			t.Fatalf("no %q in the log", line)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// state is the one-letter state of /proc/PID/stat.
func state(t *testing.T, pid int) string {
	t.Helper()
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		t.Fatal(err)
	}
	after := string(stat[strings.LastIndexByte(string(stat), ')')+1:])
	return strings.Fields(after)[0]
}
