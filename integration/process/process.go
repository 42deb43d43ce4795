package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// logTailBytesMax bounds how much of the end of a log file LogTail reads.
const logTailBytesMax = 256 << 10

// Spec says what to run.
type Spec struct {
	// Name is what errors call the process, for example "ZooKeeper 3.9.4".
	Name string
	// Path is the program; Args are its arguments without the program itself.
	Path string
	Args []string
	// Env holds KEY=value pairs that are added to the parent's environment.
	Env []string
	// Dir is the working directory; empty is the parent's.
	Dir string
	// LogFile receives standard output and standard error. It is appended to,
	// so that a restarted server keeps one log. Its directory is created.
	LogFile string
}

// Process is one started child. Its methods may be called from any goroutine.
type Process struct {
	name    string
	logFile string
	process *os.Process
	// done is closed after the child was waited for; exit is set before that.
	done chan struct{}
	exit error
}

// Start runs spec and returns once the child exists. The child gets SIGKILL
// from the kernel when this process dies for whatever reason, so that a test
// run that is cut short leaves nothing behind.
func Start(spec Spec) (*Process, error) {
	if err := os.MkdirAll(filepath.Dir(spec.LogFile), 0o755); err != nil {
		return nil, fmt.Errorf("process: make the log directory of %s: %w", spec.Name, err)
	}
	log, err := os.OpenFile(spec.LogFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("process: open the log of %s: %w", spec.Name, err)
	}
	command := exec.Command(spec.Path, spec.Args...)
	command.Dir = spec.Dir
	command.Env = append(os.Environ(), spec.Env...)
	command.Stdout = log
	command.Stderr = log
	// A process group of its own keeps a Ctrl-C at the terminal for the
	// parent, which then stops its children in the right order.
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}

	p := &Process{name: spec.Name, logFile: spec.LogFile, done: make(chan struct{})}
	started := make(chan error, 1)
	go p.run(command, log, started)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("process: start %s (%s): %w", spec.Name, spec.Path, err)
	}
	return p, nil
}

// run starts the command and waits for it on one locked thread: Linux sends
// the parent-death signal when the thread that forked ends, not the process,
// so that thread has to live as long as the child does.
func (p *Process) run(command *exec.Cmd, log io.Closer, started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer func() { _ = log.Close() }()
	if err := command.Start(); err != nil {
		started <- err
		return
	}
	p.process = command.Process
	started <- nil
	p.exit = command.Wait()
	close(p.done)
}

// Pid is the child's process id; it stays the same after the child has ended.
func (p *Process) Pid() int { return p.process.Pid }

// Name is the name given in Spec.
func (p *Process) Name() string { return p.name }

// LogFile is the path of the child's log.
func (p *Process) LogFile() string { return p.logFile }

// Done is closed when the child has ended and was waited for.
func (p *Process) Done() <-chan struct{} { return p.done }

// Running reports whether the child has not ended yet.
func (p *Process) Running() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// Wait blocks until the child has ended and returns nil for exit code 0, else
// an *exec.ExitError. It returns the context's error when that ends first.
func (p *Process) Wait(ctx context.Context) error {
	select {
	case <-p.done:
		return p.exit
	case <-ctx.Done():
		return fmt.Errorf("process: wait for %s (pid %d): %w", p.name, p.Pid(), ctx.Err())
	}
}

// Stop sends SIGTERM and waits until the child has ended. When it has not
// after the given grace time it is killed, and Stop reports that as an error.
// Stopping a child that has ended already is no error.
func (p *Process) Stop(grace time.Duration) error {
	if !p.Running() {
		return nil
	}
	if err := p.signal(syscall.SIGTERM); err != nil {
		return err
	}
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-p.done:
		return nil
	case <-timer.C:
		err := fmt.Errorf("process: %s (pid %d) did not stop within %v of SIGTERM; killed; see %s", p.name, p.Pid(), grace, p.logFile)
		return errors.Join(err, p.Kill())
	}
}

// Kill sends SIGKILL and waits until the child has ended, so that its ports
// and file locks are free when Kill returns.
func (p *Process) Kill() error {
	if !p.Running() {
		return nil
	}
	if err := p.signal(syscall.SIGKILL); err != nil {
		return err
	}
	<-p.done
	return nil
}

// Pause stops the child with SIGSTOP: it keeps its sockets and answers nothing.
// It returns when no thread of the child runs any more.
func (p *Process) Pause() error {
	if err := p.signal(syscall.SIGSTOP); err != nil {
		return err
	}
	for p.Running() {
		stopped, err := p.stopped()
		if err != nil {
			return fmt.Errorf("process: wait until %s (pid %d) is stopped: %w", p.name, p.Pid(), err)
		}
		if stopped {
			break
		}
		time.Sleep(time.Millisecond)
	}
	return nil
}

// stopped tells whether the kernel has stopped all threads of the child. Source
// of the format: proc(5), /proc/PID/task/TID/stat.
func (p *Process) stopped() (bool, error) {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", p.Pid()))
	if err != nil {
		return false, err
	}
	for _, name := range threads {
		stat, err := os.ReadFile(name)
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
			continue // the thread has ended
		}
		if err != nil {
			return false, err
		}
		_, state, found := strings.Cut(string(stat), ") ")
		if found && !strings.HasPrefix(state, "T") {
			return false, nil
		}
	}
	return true, nil
}

// Continue lets a paused child run on.
func (p *Process) Continue() error { return p.signal(syscall.SIGCONT) }

func (p *Process) signal(sig syscall.Signal) error {
	err := p.process.Signal(sig)
	if errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("process: send %v to %s (pid %d): %w", sig, p.name, p.Pid(), err)
	}
	return nil
}

// LogTail returns the last n lines of the log, or what of them lies in its
// last 256 KiB. It returns the error's text when the log cannot be read, as it
// is meant for messages.
func (p *Process) LogTail(n int) string { return LogTail(p.logFile, n) }

// LogTail is Process.LogTail for any file.
func LogTail(path string, n int) string {
	file, err := os.Open(path)
	if err != nil {
		return err.Error()
	}
	defer func() { _ = file.Close() }()
	if info, err := file.Stat(); err == nil && info.Size() > logTailBytesMax {
		if _, err := file.Seek(-logTailBytesMax, io.SeekEnd); err != nil {
			return err.Error()
		}
	}
	data, err := io.ReadAll(io.LimitReader(file, logTailBytesMax))
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimRight(string(data), "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// EndWith kills the child when the test ends and, if the test failed, puts the
// end of the child's log into the test's output.
func (p *Process) EndWith(t testing.TB) {
	t.Helper()
	t.Cleanup(func() {
		if err := p.Kill(); err != nil {
			t.Errorf("end %s with the test: %v", p.name, err)
		}
		if t.Failed() {
			t.Logf("end of the log of %s (%s):\n%s", p.name, p.logFile, p.LogTail(40))
		}
	})
}
