package network_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"testing"
	"time"

	"kafkacoord/integration/network"
)

const (
	// patience bounds what has to arrive, silence is how long nothing may.
	patience = time.Minute
	silence  = 300 * time.Millisecond
	// echoPort is free on a host of one's own.
	echoPort = "7007"
	// listenVariable and dialVariable make this test binary the process on a host:
	// one that echoes, and one that joins a connection with its standard files.
	listenVariable = "NETWORK_TEST_LISTEN"
	dialVariable   = "NETWORK_TEST_DIAL"
)

func TestMain(m *testing.M) {
	var err error
	if address := os.Getenv(listenVariable); address != "" {
		err = echo(address)
	} else if address := os.Getenv(dialVariable); address != "" {
		err = join(address)
	} else {
		os.Exit(m.Run())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func echo(address string) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	fmt.Println("listening")
	for {
		connection, err := listener.Accept()
		if err != nil {
			return err
		}
		go func() { _, _ = io.Copy(connection, connection) }()
	}
}

func join(address string) error {
	connection, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	go func() { _, _ = io.Copy(connection, os.Stdin) }()
	_, err = io.Copy(os.Stdout, connection)
	return err
}

// TestPulledCables echoes lines through a host while its cables are taken out and
// put back: meanwhile nothing arrives, and then everything does.
func TestPulledCables(t *testing.T) {
	n := network.StartTest(t, 2)
	if n == nil {
		t.SkipNow() // said already
	}
	near, far := n.Hosts[0], n.Hosts[1]
	if line := <-start(t, far, listenVariable+"=:"+echoPort).lines; line != "listening" {
		t.Fatalf("the server says %q", line)
	}
	connection, err := net.DialTimeout("tcp", net.JoinHostPort(far.ClientAddress(), echoPort), patience)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = connection.Close() })
	fromHere := newTalk(connection, connection)
	fromPeer := start(t, near, dialVariable+"="+net.JoinHostPort(far.Address(), echoPort))

	for _, step := range []struct {
		name       string
		do         func() error
		here, peer bool
	}{
		{"whole", func() error { return nil }, true, true},
		{"cut from peers", func() error { return far.CutFromPeers(t.Context()) }, true, false},
		{"cut off", func() error { return far.CutOff(t.Context()) }, false, false},
		{"healed", func() error { return far.Heal(t.Context()) }, true, true},
	} {
		if err := step.do(); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		fromHere.exchange(t, step.name+", from here", step.here)
		fromPeer.exchange(t, step.name+", from the other host", step.peer)
	}
}

// TestWithoutTheCommand takes the ip command away.
func TestWithoutTheCommand(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	if _, err := network.New(t.Context(), 1); !errors.Is(err, network.ErrUnavailable) {
		t.Errorf("a network without the ip command: %v, want %v", err, network.ErrUnavailable)
	}
}

// talk is a way to lines that come back.
type talk struct {
	to    io.Writer
	lines chan string
	sent  int
	heard int
}

func newTalk(to io.Writer, from io.Reader) *talk {
	k := &talk{to: to, lines: make(chan string, 100)}
	go func() {
		defer close(k.lines)
		for scanner := bufio.NewScanner(from); scanner.Scan(); {
			k.lines <- scanner.Text()
		}
	}()
	return k
}

// start runs this binary on a host until the test ends.
func start(t *testing.T, h *network.Host, variable string) *talk {
	t.Helper()
	path, arguments := h.Command(os.Args[0])
	command := exec.Command(path, arguments...)
	command.Env = append(os.Environ(), variable)
	command.Stderr = os.Stderr
	stdin, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	})
	return newTalk(stdin, stdout)
}

// exchange sends a line and wants all that were sent back, or nothing at all.
func (k *talk) exchange(t *testing.T, what string, answered bool) {
	t.Helper()
	k.sent++
	if _, err := fmt.Fprintf(k.to, "line %d\n", k.sent); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	wait := patience
	if !answered {
		wait = silence
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for k.heard < k.sent {
		select {
		case line, open := <-k.lines:
			if !open || !answered {
				t.Fatalf("%s: heard %q (connection open: %v)", what, line, open)
			}
			k.heard++
			if want := fmt.Sprint("line ", k.heard); line != want {
				t.Fatalf("%s: %q came back, want %q", what, line, want)
			}
		case <-timer.C:
			if answered {
				t.Fatalf("%s: nothing came back within %v", what, wait)
			}
			return
		}
	}
}
