package backend

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"kafkacoord/integration/coordproc"
	"kafkacoord/integration/javazk"
	"kafkacoord/integration/server"
)

// Variable names the environment variable that chooses the backend: "coord"
// (also when unset) or "java", which is ZooKeeper javazk.Newest.
const Variable = "BACKEND"

// Server is what a suite needs of a server, or later of an ensemble.
type Server interface {
	// Name is for messages: "coord", "Java ZooKeeper 3.9.4".
	Name() string
	// Connect is the value for zookeeper.connect without a chroot.
	Connect() string
	// Stop ends it politely, Kill with SIGKILL; both wait until it is gone.
	Stop() error
	Kill() error
	// Restart stops what still runs and starts again on the same port and
	// data, returning when sessions are served.
	Restart(ctx context.Context) error
	// LogTail returns the last n lines of its log.
	LogTail(n int) string
}

var _ Server = (*server.Server)(nil)

// Options are those that both backends have.
type Options struct {
	// DataDir holds the data; zoo.cfg and log stand beside it.
	DataDir string
	// Config are further zoo.cfg lines, see server.Config.
	Config []string
	// Progress receives lines while something is downloaded; nil drops them.
	Progress io.Writer
}

// Start runs the chosen backend and returns when it serves sessions.
func Start(ctx context.Context, options Options) (*server.Server, error) {
	switch kind := os.Getenv(Variable); kind {
	case "", "coord":
		return coordproc.Start(ctx, coordproc.Options{DataDir: options.DataDir, Config: options.Config})
	case "java":
		return javazk.Start(ctx, javazk.Options{
			DataDir:  options.DataDir,
			Config:   options.Config,
			Flags:    []string{"-Xmx256m", "-XX:TieredStopAtLevel=1"},
			Progress: options.Progress,
		})
	default:
		return nil, fmt.Errorf("backend: %s=%q, want coord or java", Variable, kind)
	}
}

// StartTest is Start for a test: an empty DataDir is a temporary one, a
// failure ends the test, and the server ends with the test, its log shown if
// that failed.
func StartTest(t testing.TB, options Options) *server.Server {
	t.Helper()
	if options.DataDir == "" {
		options.DataDir = filepath.Join(t.TempDir(), "server")
	}
	if options.Progress == nil {
		options.Progress = os.Stderr
	}
	s, err := Start(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	s.EndWith(t)
	return s
}
