package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"kafkacoord/integration/process"
)

const (
	// readyTimeout bounds a start on a loaded machine. Java takes about a
	// second, and five with a million znodes to load.
	readyTimeout = 90 * time.Second
	// stopGrace is how long a server may take to end after SIGTERM.
	stopGrace = 30 * time.Second
	// portTries bounds how often another free port is tried when a stranger
	// took the one that was found.
	portTries = 4
	// readyPollInterval is how often srvr is asked while waiting.
	readyPollInterval = 25 * time.Millisecond
)

// Launch starts the program on a configuration file, with its output in the
// log file, and returns once the process exists.
type Launch func(ctx context.Context, configFile, logFile string) (*process.Process, error)

// Options say what to run. DataDir and Launch are required.
type Options struct {
	// Name is what errors call the server, for example "ZooKeeper 3.9.4".
	Name string
	// Launch starts the program.
	Launch Launch
	// Address is where clients are served, default 127.0.0.1. A server with an
	// address of another network namespace can only be started with Launch.
	Address string
	// Port is the client port; 0 takes a free one, which the server then keeps
	// over restarts.
	Port int
	// DataDir is created when missing. The configuration and the log stand
	// beside it, as DataDir.cfg and DataDir.log.
	DataDir string
	// Config are further zoo.cfg lines "key=value". They replace the default
	// lines with the same key: see Config.
	Config []string
}

// Server is one server process with its files. Its methods are called from one
// goroutine at a time.
type Server struct {
	options Options
	port    int
	process *process.Process
}

// New returns a server that does not run yet.
func New(options Options) (*Server, error) {
	if options.Launch == nil || options.DataDir == "" {
		return nil, fmt.Errorf("server: start %s: Launch and DataDir must be given", options.Name)
	}
	dataDir, err := filepath.Abs(options.DataDir)
	if err != nil {
		return nil, fmt.Errorf("server: find the data directory of %s: %w", options.Name, err)
	}
	options.DataDir = dataDir
	if options.Address == "" {
		options.Address = loopback
	}
	return &Server{options: options, port: options.Port}, nil
}

// Start runs a new server and returns when it answers srvr with its mode, that
// is, when it serves sessions.
func Start(ctx context.Context, options Options) (*Server, error) {
	s, err := New(options)
	if err != nil {
		return nil, err
	}
	if s.port != 0 {
		return s, s.Restart(ctx)
	}
	for range portTries {
		if s.port, err = process.FreePort(); err != nil {
			return nil, err
		}
		err = s.Restart(ctx)
		if err == nil {
			return s, nil
		}
		if !errors.Is(err, process.ErrStrangerListens) && !strings.Contains(err.Error(), "already in use") {
			break
		}
	}
	return nil, err
}

// Restart starts the server again on its port and directories; one that still
// runs is stopped first. It returns when the server serves sessions.
func (s *Server) Restart(ctx context.Context) error {
	if err := s.Stop(); err != nil {
		return err
	}
	if err := s.Launch(ctx); err != nil {
		return err
	}
	if err := s.WaitServing(ctx); err != nil {
		return errors.Join(err, s.Kill())
	}
	return nil
}

// Launch starts the process and does not wait until it serves: a member of an
// ensemble cannot before others run too. The server must not run.
func (s *Server) Launch(ctx context.Context) error {
	if err := s.writeConfig(); err != nil {
		return err
	}
	started, err := s.options.Launch(ctx, s.ConfigFile(), s.LogFile())
	if err != nil {
		return err
	}
	s.process = started
	return nil
}

// WaitServing waits until the server serves sessions.
func (s *Server) WaitServing(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	if err := s.process.WaitListening(ctx, s.port); err != nil {
		return err
	}
	ticker := time.NewTicker(readyPollInterval)
	defer ticker.Stop()
	for {
		answer, err := s.FourLetterWord("srvr")
		if err == nil && strings.Contains(answer, "Mode: ") {
			return nil
		}
		select {
		case <-s.process.Done():
			return fmt.Errorf("server: %s: %w; end of its log:\n%s", s.options.Name, process.ErrEnded, s.LogTail(20))
		case <-ctx.Done():
			return fmt.Errorf("server: wait until %s on %s serves (srvr says %q, %v): %w; end of its log:\n%s",
				s.options.Name, s.Connect(), answer, err, ctx.Err(), s.LogTail(20))
		case <-ticker.C:
		}
	}
}

// loopback is where servers are unless told otherwise.
const loopback = "127.0.0.1"

// Config is the zoo.cfg that a server gets: defaults for a test on loopback,
// every four-letter word allowed, no admin server on a fixed port, and then
// the given lines.
func Config(port int, dataDir string, lines []string) string {
	defaults := []string{
		"tickTime=2000",
		"dataDir=" + dataDir,
		"clientPort=" + strconv.Itoa(port),
		"clientPortAddress=" + loopback,
		"maxClientCnxns=0",
		"4lw.commands.whitelist=*",
		"admin.enableServer=false",
	}
	given := make(map[string]bool)
	for _, line := range lines {
		key, _, _ := strings.Cut(line, "=")
		given[strings.TrimSpace(key)] = true
	}
	var text strings.Builder
	for _, line := range defaults {
		if key, _, _ := strings.Cut(line, "="); !given[key] {
			text.WriteString(line + "\n")
		}
	}
	for _, line := range lines {
		text.WriteString(line + "\n")
	}
	return text.String()
}

func (s *Server) writeConfig() error {
	if err := os.MkdirAll(s.options.DataDir, 0o755); err != nil {
		return fmt.Errorf("server: make the data directory of %s: %w", s.options.Name, err)
	}
	lines := slices.Concat([]string{"clientPortAddress=" + s.options.Address}, s.options.Config)
	text := Config(s.port, s.options.DataDir, lines)
	if err := os.WriteFile(s.ConfigFile(), []byte(text), 0o644); err != nil {
		return fmt.Errorf("server: write the configuration of %s: %w", s.options.Name, err)
	}
	return nil
}

// Name is the name given in Options.
func (s *Server) Name() string { return s.options.Name }

// Connect is the address clients use, 127.0.0.1:port unless Options has another
// Address.
func (s *Server) Connect() string { return net.JoinHostPort(s.options.Address, strconv.Itoa(s.port)) }

// Port is the client port.
func (s *Server) Port() int { return s.port }

// DataDir is the absolute data directory, ConfigFile and LogFile the files
// beside it.
func (s *Server) DataDir() string { return s.options.DataDir }

// ConfigFile is the path of the zoo.cfg; it is written anew at each start.
func (s *Server) ConfigFile() string { return s.options.DataDir + ".cfg" }

// LogFile is the path of the log, which restarts append to.
func (s *Server) LogFile() string { return s.options.DataDir + ".log" }

// Running tells whether the process of the latest start has not ended.
func (s *Server) Running() bool { return s.process != nil && s.process.Running() }

// Process is the process of the latest start.
func (s *Server) Process() *process.Process { return s.process }

// Pid is the process id of the latest start.
func (s *Server) Pid() int { return s.process.Pid() }

// LogTail returns the last n lines of the log.
func (s *Server) LogTail(n int) string { return process.LogTail(s.LogFile(), n) }

// SetConfig replaces the further zoo.cfg lines; it takes effect at the next
// Restart.
func (s *Server) SetConfig(lines ...string) { s.options.Config = lines }

// Stop ends the server with SIGTERM and waits until it has ended. A server
// that does not run is no error.
func (s *Server) Stop() error {
	if s.process == nil {
		return nil
	}
	return s.process.Stop(stopGrace)
}

// Kill ends the server with SIGKILL and waits until it has ended.
func (s *Server) Kill() error {
	if s.process == nil {
		return nil
	}
	return s.process.Kill()
}

// Pause stops the process with SIGSTOP: it keeps its sockets, answers nothing.
func (s *Server) Pause() error { return s.process.Pause() }

// Continue lets a paused server run on.
func (s *Server) Continue() error { return s.process.Continue() }

// EndWith kills the server when the test ends, whichever start it is at then,
// and shows the end of its log when the test failed.
func (s *Server) EndWith(t testing.TB) {
	t.Helper()
	t.Cleanup(func() {
		if err := s.Kill(); err != nil {
			t.Errorf("end %s with the test: %v", s.options.Name, err)
		}
		if t.Failed() {
			t.Logf("end of the log of %s (%s):\n%s", s.options.Name, s.LogFile(), s.LogTail(40))
		}
	})
}
