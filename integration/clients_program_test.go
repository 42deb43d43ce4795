package integration_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"kafkacoord/integration/backend"
	"kafkacoord/integration/server"
)

// clientSources holds the client programs, each with a text file of the lines
// that it has to print.
const clientSources = "testdata/clients"

// programPatience bounds one client program on a loaded machine.
const programPatience = 4 * time.Minute

// clientProgram is a program in another language that uses a client library
// and prints what it sees, one line "name: value" each. The server's address is
// its last argument. A line that begins
// with "? " asks the test for something; the program waits for the answer, a
// line on its standard input.
type clientProgram struct {
	name string
	path string
	args []string
	env  []string
	// expected is the file below clientSources with the lines.
	expected string
}

// startForClients starts the server under test for client programs.
func startForClients(t *testing.T) *server.Server {
	t.Helper()
	return backend.StartTest(t, backend.Options{Config: []string{
		"tickTime=1000", "maxSessionTimeout=120000", "extendedTypesEnabled=true",
	}})
}

// run runs the program to its end against the server and compares what it
// prints, line by line. It answers "? restart" by restarting the server.
func (p clientProgram) run(t *testing.T, s *server.Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), programPatience)
	defer cancel()
	// The kernel kills the program when the thread that started it ends.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	command := exec.CommandContext(ctx, p.path, append(slices.Clone(p.args), s.Connect())...)
	command.Env = append(os.Environ(), p.env...)
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var complaints bytes.Buffer
	command.Stderr = &complaints
	input, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatalf("start %s: %v", p.name, err)
	}
	lines, serveErr := serveProgram(ctx, s, output, input)
	err = command.Wait()
	if serveErr != nil || err != nil {
		said := complaints.Bytes()
		t.Errorf("%s: %v, %v; it complained:\n%s", p.name, err, serveErr, said[max(0, len(said)-8<<10):])
	}
	p.compare(t, lines)
}

// serveProgram collects the lines of a program and does what it asks for.
func serveProgram(ctx context.Context, s *server.Server, output io.Reader, input io.Writer) ([]string, error) {
	var lines []string
	scanner := bufio.NewScanner(output)
	for scanner.Scan() {
		question, asks := strings.CutPrefix(scanner.Text(), "? ")
		if !asks {
			lines = append(lines, scanner.Text())
			continue
		}
		if question != "restart" {
			return lines, fmt.Errorf("nobody answers %q", question)
		}
		if err := s.Restart(ctx); err != nil {
			return lines, err
		}
		if _, err := fmt.Fprintln(input, "done"); err != nil {
			return lines, fmt.Errorf("answer %q: %w", question, err)
		}
	}
	return lines, scanner.Err()
}

// compare wants the lines of the expected file, in their order.
func (p clientProgram) compare(t *testing.T, lines []string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(clientSources, p.expected))
	if err != nil {
		t.Fatal(err)
	}
	wanted := strings.Split(strings.TrimSpace(string(text)), "\n")
	wrong := 0
	for i := range max(len(lines), len(wanted)) {
		got, want := "(nothing)", "(nothing)"
		if i < len(lines) {
			got = lines[i]
		}
		if i < len(wanted) {
			want = wanted[i]
		}
		if got == want {
			continue
		}
		if t.Errorf("%s, line %d\n got %s\nwant %s", p.name, i+1, got, want); wrong == 4 {
			t.Fatalf("%s: and more; it printed:\n%s", p.name, strings.Join(lines, "\n"))
		}
		wrong++
	}
	t.Logf("%s: %d results checked", p.name, len(wanted))
}
