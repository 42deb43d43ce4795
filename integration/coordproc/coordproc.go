package coordproc

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"kafkacoord/integration/jvm"
	"kafkacoord/integration/network"
	"kafkacoord/integration/process"
	"kafkacoord/integration/server"
)

const (
	// binaryVariable names the environment variable with a coord binary to
	// use instead of building one.
	binaryVariable = "COORD_BIN"
	// mainPackage is what is built.
	mainPackage = "kafkacoord/coord/cmd/coord"
)

// Options say which server to run. DataDir is required except in StartTest.
type Options struct {
	// Port is the client port; 0 takes a free one.
	Port int
	// Host is a network host to run on instead of this machine; clients then
	// find the server at its ClientAddress. Only New takes it.
	Host *network.Host
	// DataDir is created when missing. zoo.cfg and log stand beside it, as
	// DataDir.cfg and DataDir.log.
	DataDir string
	// Config are further zoo.cfg lines, see server.Config.
	Config []string
	// Flags go between serve and --config.
	Flags []string
	// Env holds KEY=value pairs for the process, for example GOMEMLIMIT.
	Env []string
}

// Start builds the binary when needed, runs it, and returns when it serves
// sessions.
func Start(ctx context.Context, options Options) (*server.Server, error) {
	complete, err := serverOptions(ctx, options)
	if err != nil {
		return nil, err
	}
	return server.Start(ctx, complete)
}

// New builds the binary when needed and returns a server that does not run yet:
// a member of an ensemble. Port must be given.
func New(ctx context.Context, options Options) (*server.Server, error) {
	complete, err := serverOptions(ctx, options)
	if err != nil {
		return nil, err
	}
	return server.New(complete)
}

func serverOptions(ctx context.Context, options Options) (server.Options, error) {
	binary, err := Binary(ctx)
	if err != nil {
		return server.Options{}, err
	}
	launch := func(_ context.Context, configFile, logFile string) (*process.Process, error) {
		path, arguments := binary, slices.Concat([]string{"serve"}, options.Flags, []string{"--config", configFile})
		if options.Host != nil {
			path, arguments = options.Host.Command(path, arguments...)
		}
		return process.Start(process.Spec{
			Name:    "coord",
			Path:    path,
			Args:    arguments,
			Env:     options.Env,
			LogFile: logFile,
		})
	}
	var address string
	if options.Host != nil {
		address = options.Host.ClientAddress()
	}
	return server.Options{
		Name:    "coord",
		Launch:  launch,
		Address: address,
		Port:    options.Port,
		DataDir: options.DataDir,
		Config:  options.Config,
	}, nil
}

// StartTest is Start for a test: an empty DataDir is a temporary one, a
// failure ends the test, and the server ends with the test, its log shown if
// that failed.
func StartTest(t testing.TB, options Options) *server.Server {
	t.Helper()
	if options.DataDir == "" {
		options.DataDir = filepath.Join(t.TempDir(), "coord")
	}
	s, err := Start(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	s.EndWith(t)
	return s
}

var built struct {
	sync.Mutex
	path string
}

// Binary is the path of the coord binary: COORD_BIN, or one that is built from
// this checkout at the first call. The go command's own cache makes the build
// short when nothing changed.
func Binary(ctx context.Context) (string, error) {
	if path := os.Getenv(binaryVariable); path != "" {
		return filepath.Abs(path)
	}
	built.Lock()
	defer built.Unlock()
	if built.path != "" {
		return built.path, nil
	}
	cache, err := jvm.CacheDir()
	if err != nil {
		return "", err
	}
	root, err := moduleRoot(ctx)
	if err != nil {
		return "", err
	}
	// Each process that builds has a directory of its own: a running binary
	// cannot be overwritten, and two checkouts may test at once.
	dir := filepath.Join(cache, "bin")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("coordproc: make the build directory: %w", err)
	}
	removeStale(dir)
	path := filepath.Join(dir, fmt.Sprintf("coord-%d", os.Getpid()))
	command := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", path, mainPackage)
	command.Dir = root
	command.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := command.CombinedOutput(); err != nil {
		return "", fmt.Errorf("coordproc: build %s: %w\n%s", mainPackage, err, output)
	}
	built.path = path
	return path, nil
}

// moduleRoot is the directory of this module's go.mod.
func moduleRoot(ctx context.Context) (string, error) {
	output, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("coordproc: find the module: %w", err)
	}
	file := string(bytes.TrimSpace(output))
	if file == "" || file == os.DevNull {
		return "", errors.New("coordproc: not inside the module; run from the checkout or set " + binaryVariable)
	}
	return filepath.Dir(file), nil
}

// removeStale deletes binaries of processes that have ended. A failure is of
// no consequence: the next run tries again.
func removeStale(dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, entry := range entries {
		pid, ok := strings.CutPrefix(entry.Name(), "coord-")
		if !ok {
			continue
		}
		if _, err := os.Stat(filepath.Join("/proc", pid)); errors.Is(err, os.ErrNotExist) {
			_ = os.Remove(filepath.Join(dir, entry.Name()))
		}
	}
}
