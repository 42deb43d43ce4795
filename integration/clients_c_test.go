package integration_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// withoutCVariable is set on machines that cannot have the C client's library.
const withoutCVariable = "KAFKACOORD_WITHOUT_C_CLIENT"

// TestCClient compiles a program that uses ZooKeeper's C client and runs it.
// The library is the one that many other languages' clients are built on.
func TestCClient(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "c_client")
	command := exec.CommandContext(t.Context(), "cc", "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-DTHREADED", "-o", binary,
		filepath.Join(clientSources, "c_client.c"), "-lzookeeper_mt", "-lpthread")
	if said, err := command.CombinedOutput(); err != nil {
		if os.Getenv(withoutCVariable) != "" {
			t.Skipf("NOT TESTED: ZooKeeper's C client does not compile here and %s allows that", withoutCVariable)
		}
		t.Fatalf("compile with ZooKeeper's C client (Debian: apt-get install gcc libc6-dev libzookeeper-mt-dev; "+
			"%s=1 goes on without): %v\n%s", withoutCVariable, err, said)
	}
	clientProgram{name: "C client", path: binary, expected: "c_client.txt"}.run(t, startForClients(t))
}
