package integration_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"kafkacoord/integration/jvm"
)

// kazooVersion is the one that make test installs.
const kazooVersion = "2.11.0"

// TestKazoo runs a Python program that uses kazoo's operations, watches and
// recipes, and lives through a restart of the server.
func TestKazoo(t *testing.T) {
	path, err := kazooPath(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	clientProgram{
		name: "kazoo " + kazooVersion, path: "python3",
		args:     []string{filepath.Join(clientSources, "kazoo_client.py")},
		env:      []string{"PYTHONPATH=" + path, "PYTHONDONTWRITEBYTECODE=1", "PYTHONIOENCODING=utf-8"},
		expected: "kazoo_client.txt",
	}.run(t, startForClients(t))
}

// kazooPath is the PYTHONPATH with kazoo: the one the tests were started with,
// or where make test puts it.
func kazooPath(ctx context.Context) (string, error) {
	cache, err := jvm.CacheDir()
	if err != nil {
		return "", err
	}
	installed := filepath.Join(cache, "tools", "kazoo-"+kazooVersion)
	var said []byte
	for _, path := range []string{os.Getenv("PYTHONPATH"), installed} {
		command := exec.CommandContext(ctx, "python3", "-c", "import kazoo; assert kazoo.__version__ == '"+kazooVersion+"'")
		command.Env = append(os.Environ(), "PYTHONPATH="+path)
		if said, err = command.CombinedOutput(); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("kazoo %s for python3 is not there (make test installs it): %w\n%s", kazooVersion, err, said)
}
