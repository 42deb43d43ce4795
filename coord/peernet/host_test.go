package peernet

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"kafkacoord/coord/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a condition may take on a machine under load.
const patience = 30 * time.Second

// record is a list of events in words, which tests wait for.
type record struct {
	mu     sync.Mutex
	events []string
	news   chan struct{}
}

func newRecord() *record { return &record{news: make(chan struct{}, 1)} }

func (r *record) add(format string, args ...any) {
	r.mu.Lock()
	r.events = append(r.events, fmt.Sprintf(format, args...))
	r.mu.Unlock()
	signal(r.news)
}

func (r *record) all() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.events)
}

// await waits until an event has come n times in all.
func (r *record) await(t *testing.T, event string, n int) {
	t.Helper()
	r.awaitThat(t, fmt.Sprintf("%d times %q", n, event), func(events []string) bool {
		count := 0
		for _, e := range events {
			if e == event {
				count++
			}
		}
		return count >= n
	})
}

func (r *record) awaitThat(t *testing.T, what string, ok func(events []string) bool) {
	t.Helper()
	deadline := time.After(patience)
	for !ok(r.all()) {
		select {
		case <-r.news:
		case <-deadline:
			t.Fatalf("waiting for %s, there is:\n%s", what, strings.Join(r.all(), "\n"))
		}
	}
}

// eventually waits for something that no event tells of.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waiting until %s", what)
		}
	}
}

func loopback(port int) Address { return Address{Host: "127.0.0.1", Port: port} }

func portOf(a net.Addr) int { return a.(*net.TCPAddr).Port }

// freePort is a port that nothing listens on.
func freePort(t *testing.T) int {
	t.Helper()
	l := listenRaw(t)
	port := portOf(l.Addr())
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return port
}

func listenRaw(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func acceptRaw(t *testing.T, l net.Listener) net.Conn {
	t.Helper()
	_ = l.(*net.TCPListener).SetDeadline(time.Now().Add(patience))
	nc, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	return watched(t, nc)
}

func dialRaw(t *testing.T, a net.Addr) net.Conn {
	t.Helper()
	nc, err := net.Dial("tcp", a.String())
	if err != nil {
		t.Fatal(err)
	}
	return watched(t, nc)
}

// watched closes a connection with the test, and lets no read of it hang.
func watched(t *testing.T, nc net.Conn) net.Conn {
	t.Cleanup(func() { _ = nc.Close() })
	_ = nc.SetDeadline(time.Now().Add(patience))
	return nc
}

func writeRaw(t *testing.T, nc net.Conn, b []byte) {
	t.Helper()
	if _, err := nc.Write(b); err != nil {
		t.Fatal(err)
	}
}

func readRaw(t *testing.T, nc net.Conn, n int) []byte {
	t.Helper()
	b := make([]byte, n)
	if _, err := io.ReadFull(nc, b); err != nil {
		t.Fatalf("reading %d bytes: %v", n, err)
	}
	return b
}

// wantEnd reads until the other side has closed the connection.
func wantEnd(t *testing.T, nc net.Conn) {
	t.Helper()
	_, err := io.Copy(io.Discard, nc)
	if e, ok := err.(net.Error); ok && e.Timeout() {
		t.Fatal("the connection was not closed")
	}
}

// lines is a log that can be searched.
type lines struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buffer.Write(b)
}

func (l *lines) count(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.buffer.String(), text)
}

// observed is a network whose log and refusals a test can see.
func observed(n Network) (Network, *lines, *record) {
	text, kinds := &lines{}, newRecord()
	n.Log = slog.New(slog.NewTextHandler(text, nil))
	n.Refused = func(kind string) { kinds.add("%s", kind) }
	return n, text, kinds
}

// names is a resolver whose answers a test changes.
type names struct {
	mu    sync.Mutex
	hosts map[string]string
}

func (n *names) set(host, ip string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.hosts == nil {
		n.hosts = make(map[string]string)
	}
	n.hosts[host] = ip
}

func (n *names) resolve(_ context.Context, host string) ([]netip.Addr, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if ip, ok := n.hosts[host]; ok {
		host = ip
	}
	a, err := netip.ParseAddr(host)
	if err != nil {
		return nil, fmt.Errorf("no such host: %s", host)
	}
	return []netip.Addr{a}, nil
}

// ballots records what an Election tells.
type ballots struct{ *record }

func (b ballots) Notification(from wire.PeerID, n *wire.Notification) {
	b.add("%d says round %d", from, n.Round)
}

func (b ballots) Reachable(peer wire.PeerID, up bool) {
	b.add("%d %s", peer, map[bool]string{true: "up", false: "down"}[up])
}

// note is a notification that tests tell apart by its round.
func note(round int64) *wire.Notification {
	return &wire.Notification{Leader: 1, Round: round, Config: "version=0"}
}

func noteFrame(round int64) []byte {
	b, mark := wire.BeginFrame(nil)
	return wire.EndFrame(wire.AppendNotification(b, note(round)), mark)
}

func hello(version int64, id wire.PeerID, addresses ...string) []byte {
	return wire.AppendElectionHandshake(nil, &wire.ElectionHandshake{Version: version, Server: id, Addresses: addresses})
}
