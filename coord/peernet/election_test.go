package peernet

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"kafkacoord/coord/wire"
)

// startElection runs an election on a free port, or the one given.
func startElection(t *testing.T, o ElectionOptions, port int) (*Election, ballots) {
	t.Helper()
	heard := ballots{newRecord()}
	if o.Listen == nil {
		o.Listen = []Address{loopback(port)}
	}
	if o.Advertise == nil {
		o.Advertise = []Address{loopback(port)}
	}
	e := NewElection(heard, o)
	e.stableAfter = 0
	if err := e.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e, heard
}

func portOfElection(e *Election) int { return portOf(e.Addrs()[0]) }

func serverAt(id wire.PeerID, port int) Server {
	return Server{ID: id, Addresses: []Address{loopback(port)}}
}

// statusOf is what an election knows of a server.
func statusOf(e *Election, id wire.PeerID) PeerStatus {
	for _, s := range e.Status() {
		if s.Peer == id {
			return s
		}
	}
	return PeerStatus{}
}

// TestArbitration lets either side, or both, ask for the connection: it is
// always that of the larger id, and carries both ways.
func TestArbitration(t *testing.T) {
	for _, c := range []struct{ smallKeeps, largeKeeps bool }{{true, false}, {false, true}, {true, true}} {
		t.Run(fmt.Sprintf("small %v large %v", c.smallKeeps, c.largeKeeps), func(t *testing.T) {
			small, smallHeard := startElection(t, ElectionOptions{Self: 1}, 0)
			large, largeHeard := startElection(t, ElectionOptions{Self: 2}, 0)
			servers := []Server{serverAt(1, portOfElection(small)), serverAt(2, portOfElection(large))}
			small.SetServers(servers)
			large.SetServers(servers)
			small.Send(2, note(11)) // an own attempt, too
			if c.smallKeeps {
				small.Keep(1, 2)
			}
			if c.largeKeeps {
				large.Keep(1, 2)
			}
			smallHeard.await(t, "2 up", 1)
			largeHeard.await(t, "1 up", 1)
			large.Send(1, note(22))
			largeHeard.await(t, "1 says round 11", 1)
			smallHeard.await(t, "2 says round 22", 1)
			eventually(t, "the larger one has dialled", func() bool {
				s, l := statusOf(small, 2), statusOf(large, 1)
				return s.Connected && l.Connected && l.Remote == small.Addrs()[0].String() && s.Remote != large.Addrs()[0].String()
			})
			if s := statusOf(small, 2); s.BytesIn == 0 || s.FramesIn == 0 || s.BytesOut == 0 || s.Since.IsZero() {
				t.Errorf("status %+v", s)
			}
		})
	}
}

func TestThreeServers(t *testing.T) {
	var elections []*Election
	var heard []ballots
	var servers []Server
	for id := range wire.PeerID(3) {
		e, h := startElection(t, ElectionOptions{Self: id + 1}, 0)
		elections, heard = append(elections, e), append(heard, h)
		servers = append(servers, serverAt(id+1, portOfElection(e)))
	}
	for i, e := range elections {
		e.SetServers(servers)
		e.Keep(1, 2, 3)
		for to := range wire.PeerID(3) {
			e.Send(to+1, note(int64(i+1)))
		}
	}
	for i, h := range heard {
		for from := range 3 {
			if from != i {
				h.await(t, fmt.Sprintf("%d says round %d", from+1, from+1), 1)
			}
		}
		if slices.Contains(h.all(), fmt.Sprintf("%d up", i+1)) {
			t.Errorf("server %d has connected to itself", i+1)
		}
	}
}

// TestHandshakeBytes reads what a server sends when it connects: one write, which
// ends the connection towards a larger id.
func TestHandshakeBytes(t *testing.T) {
	for _, c := range []struct {
		name  string
		multi bool
		to    wire.PeerID
		want  []byte
	}{
		{"towards a smaller id", false, 1, hello(wire.HandshakeOneAddress, 2, "127.0.0.1:7777")},
		{"towards a larger id", false, 3, hello(wire.HandshakeOneAddress, 2, "127.0.0.1:7777")},
		{"several addresses", true, 1, hello(wire.HandshakeSeveralAddresses, 2, "127.0.0.1:7777", "[::1]:7778")},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := listenRaw(t)
			e, _ := startElection(t, ElectionOptions{
				Self: 2, Listen: []Address{loopback(0)}, MultiAddress: c.multi,
				Advertise: []Address{loopback(7777), {Host: "::1", Port: 7778}},
			}, 0)
			e.SetServers([]Server{serverAt(c.to, portOf(l.Addr()))})
			e.Keep(c.to)
			nc := acceptRaw(t, l)
			b := make([]byte, 1024)
			n, err := nc.Read(b)
			if err != nil || !bytes.Equal(b[:n], c.want) {
				t.Fatalf("one read brings %x, %v, want %x", b[:n], err, c.want)
			}
			if c.to > 2 {
				wantEnd(t, nc)
				return
			}
			e.Send(c.to, note(5))
			if got, want := readRaw(t, nc, len(noteFrame(5))), noteFrame(5); !bytes.Equal(got, want) {
				t.Errorf("frame %x, want %x", got, want)
			}
		})
	}
}

// TestAcceptedHandshakes connects as a larger id in every form.
func TestAcceptedHandshakes(t *testing.T) {
	e, heard := startElection(t, ElectionOptions{Self: 2}, 0)
	for i, c := range []struct {
		name  string
		hello []byte
		from  wire.PeerID
	}{
		{"one address", hello(wire.HandshakeOneAddress, 5, "zk5:3888"), 5},
		{"several", hello(wire.HandshakeSeveralAddresses, 6, "zk6:3888", "[::1]:3888"), 6},
		{"legacy", hello(wire.HandshakeLegacy, 7), 7},
		{"first without an id", hello(wire.HandshakeLegacy, wire.AnonymousPeer), -1},
		{"second without an id", hello(wire.HandshakeLegacy, wire.AnonymousPeer), -2},
	} {
		t.Run(c.name, func(t *testing.T) {
			nc := dialRaw(t, e.Addrs()[0])
			for _, b := range append(bytes.Clone(c.hello), noteFrame(int64(i))...) { // in the smallest pieces
				writeRaw(t, nc, []byte{b})
			}
			heard.await(t, fmt.Sprintf("%d up", c.from), 1)
			heard.await(t, fmt.Sprintf("%d says round %d", c.from, i), 1)
			e.Send(c.from, note(9))
			if got := readRaw(t, nc, len(noteFrame(9))); !bytes.Equal(got, noteFrame(9)) {
				t.Errorf("frame %x", got)
			}
			_ = nc.Close()
			heard.await(t, fmt.Sprintf("%d down", c.from), 1)
			eventually(t, "the stranger is forgotten", func() bool { return len(e.Status()) == 0 })
		})
	}
}

// TestDialBack asks for a connection as a smaller id, once unknown, once listed.
func TestDialBack(t *testing.T) {
	l := listenRaw(t)
	address := l.Addr().String()
	e, heard := startElection(t, ElectionOptions{Self: 2}, 0)
	knock := func(addresses ...string) {
		nc := dialRaw(t, e.Addrs()[0])
		writeRaw(t, nc, hello(wire.HandshakeSeveralAddresses, 1, addresses...))
		wantEnd(t, nc)
	}
	want := e.hello

	knock("0.0.0.0:1", "no-port", address)
	first := acceptRaw(t, l)
	if got := readRaw(t, first, len(want)); !bytes.Equal(got, want) {
		t.Errorf("it dials back with %x", got)
	}
	heard.await(t, "1 up", 1)
	_ = first.Close()
	heard.await(t, "1 down", 1)

	// A wildcard and an unresolvable name are no use: the list has the address.
	e.SetServers([]Server{serverAt(1, portOf(l.Addr()))})
	knock("0.0.0.0:1", "[::]:1")
	second := acceptRaw(t, l)
	readRaw(t, second, len(want))
	heard.await(t, "1 up", 2)

	// It has asked again, so it has lost the connection.
	knock(address)
	wantEnd(t, second)
	readRaw(t, acceptRaw(t, l), len(want))
	heard.await(t, "1 up", 3)
}

// TestCrossingHandshakes: a request for a connection that was sent before the
// connection stood must not end it.
func TestCrossingHandshakes(t *testing.T) {
	l := listenRaw(t)
	e, heard := startElection(t, ElectionOptions{Self: 2}, 0)
	e.mu.Lock()
	e.stableAfter = time.Hour
	e.mu.Unlock()
	e.SetServers([]Server{serverAt(1, portOf(l.Addr()))})
	e.Keep(1)
	nc := acceptRaw(t, l)
	readRaw(t, nc, len(e.hello))
	heard.await(t, "1 up", 1)
	knock := dialRaw(t, e.Addrs()[0])
	writeRaw(t, knock, hello(wire.HandshakeOneAddress, 1, "127.0.0.1:1"))
	wantEnd(t, knock)
	e.Send(1, note(3))
	readRaw(t, nc, len(noteFrame(3)))
}

// TestNewestConnectionWins: a server with a larger id connects again.
func TestNewestConnectionWins(t *testing.T) {
	e, heard := startElection(t, ElectionOptions{Self: 2}, 0)
	connect := func() net.Conn {
		nc := dialRaw(t, e.Addrs()[0])
		writeRaw(t, nc, hello(wire.HandshakeOneAddress, 3, "127.0.0.1:1"))
		return nc
	}
	old := connect()
	heard.await(t, "3 up", 1)
	e.Send(3, note(1))
	readRaw(t, old, len(noteFrame(1)))
	fresh := connect()
	wantEnd(t, old)
	// The last message comes again, as nobody knows what became of it.
	if got := readRaw(t, fresh, len(noteFrame(1))); !bytes.Equal(got, noteFrame(1)) {
		t.Errorf("first frame %x", got)
	}
	writeRaw(t, fresh, noteFrame(8))
	heard.await(t, "3 says round 8", 1)
	if slices.Contains(heard.all(), "3 down") {
		t.Errorf("a replaced connection counted as lost: %v", heard.all())
	}
}

// TestNewestMessageWins queues more than one message while there is no
// connection.
func TestNewestMessageWins(t *testing.T) {
	port := freePort(t)
	e, heard := startElection(t, ElectionOptions{Self: 2}, 0)
	e.SetServers([]Server{serverAt(1, port)})
	e.Keep(1)
	heard.await(t, "1 down", 1)
	for round := range int64(4) {
		e.Send(1, note(round))
	}
	_, other := startElection(t, ElectionOptions{Self: 1}, port)
	other.await(t, "2 says round 3", 1)
	if said := other.all(); slices.Contains(said, "2 says round 0") || slices.Contains(said, "2 says round 2") {
		t.Errorf("older messages came, too: %v", said)
	}
}

// TestReachability follows a server that is not there, comes, and goes.
func TestReachability(t *testing.T) {
	for _, id := range []wire.PeerID{1, 3} {
		t.Run(fmt.Sprintf("server 2 and server %d", id), func(t *testing.T) {
			port := freePort(t)
			e, heard := startElection(t, ElectionOptions{Self: 2}, 0)
			e.SetServers([]Server{serverAt(id, port)})
			e.Keep(id)
			down, up := fmt.Sprintf("%d down", id), fmt.Sprintf("%d up", id)
			heard.await(t, down, 1)
			if s := statusOf(e, id); s.LastError == "" || s.Connected {
				t.Errorf("status of a server that is not there: %+v", s)
			}
			for round := 1; round <= 2; round++ {
				other, _ := startElection(t, ElectionOptions{Self: id}, port)
				other.SetServers([]Server{serverAt(2, portOfElection(e))})
				heard.await(t, up, round)
				other.Close()
				heard.await(t, down, round+1)
			}
		})
	}
}

// TestConnectTimesOut: no answer is as good as a refusal, only later.
func TestConnectTimesOut(t *testing.T) {
	stuck := func(ctx context.Context, _ string) ([]netip.Addr, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	e, heard := startElection(t, ElectionOptions{Self: 2, Network: Network{Resolve: stuck}, Listen: []Address{{Port: 0}}, ConnectTimeout: time.Millisecond}, 0)
	e.SetServers([]Server{serverAt(1, 1)})
	e.Keep(1)
	heard.await(t, "1 down", 1)
}

// TestSilentConnections holds connections open that say nothing.
func TestSilentConnections(t *testing.T) {
	network, log, kinds := observed(Network{})
	e, heard := startElection(t, ElectionOptions{Self: 2, Network: network, Strangers: 4, HandshakeTimeout: 2 * time.Second}, 0)
	silent := []net.Conn{dialRaw(t, e.Addrs()[0]), dialRaw(t, e.Addrs()[0]), dialRaw(t, e.Addrs()[0])}
	half := hello(wire.HandshakeOneAddress, 9, "127.0.0.1:1")
	writeRaw(t, silent[1], half[:9])
	server := dialRaw(t, e.Addrs()[0])
	writeRaw(t, server, append(hello(wire.HandshakeOneAddress, 3, "127.0.0.1:1"), noteFrame(1)...))
	heard.await(t, "3 says round 1", 1)
	for _, nc := range silent {
		wantEnd(t, nc)
	}
	kinds.await(t, RefusedSilent, 3)
	if n := log.count("it did not say who it is in time"); n != 1 {
		t.Errorf("%d lines about silent connections, want 1", n)
	}
}

func TestTooManyStrangers(t *testing.T) {
	network, _, kinds := observed(Network{})
	e, heard := startElection(t, ElectionOptions{Self: 2, Network: network, Strangers: 2}, 0)
	e.SetServers([]Server{serverAt(7, 1)})
	for id := range wire.PeerID(2) {
		writeRaw(t, dialRaw(t, e.Addrs()[0]), hello(wire.HandshakeLegacy, 3+id))
		heard.await(t, fmt.Sprintf("%d up", 3+id), 1)
	}
	refused := dialRaw(t, e.Addrs()[0])
	writeRaw(t, refused, hello(wire.HandshakeLegacy, 5))
	wantEnd(t, refused)
	kinds.await(t, RefusedTooMany, 1)
	writeRaw(t, dialRaw(t, e.Addrs()[0]), hello(wire.HandshakeLegacy, 7))
	heard.await(t, "7 up", 1)

	waiting := []net.Conn{dialRaw(t, e.Addrs()[0]), dialRaw(t, e.Addrs()[0]), dialRaw(t, e.Addrs()[0])}
	wantEnd(t, waiting[2])
	kinds.await(t, RefusedTooMany, 2)
}

func TestStrangersAtTheElectionPort(t *testing.T) {
	network, log, kinds := observed(Network{})
	e, _ := startElection(t, ElectionOptions{Self: 2, Network: network}, 0)
	follower := wire.AppendPacket(nil, &wire.Packet{Type: wire.PacketFollowerInfo, Data: make([]byte, 20)})
	for i, c := range []struct {
		name, kind, line string
		bytes            []byte
	}{
		{"HTTP", RefusedForeign, "looks_like=HTTP", []byte("GET / HTTP/1.1\r\n\r\n")},
		{"TLS", RefusedInsecure, "a TLS hello", []byte("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")},
		{"a learner", RefusedWrongPort, "are the ports swapped", follower},
		{"garbage", RefusedHandshake, "nothing known", []byte("\x81garbage")},
		{"own id", RefusedOwnID, "same myid", hello(wire.HandshakeOneAddress, 2, "a:1")},
		{"a negative id", RefusedHandshake, "", hello(wire.HandshakeOneAddress, -2, "a:1")},
		{"an address too long", RefusedHandshake, "", hello(wire.HandshakeOneAddress, 1, string(make([]byte, 2049)))},
		{"nothing", RefusedProbe, "probing the port", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			nc := dialRaw(t, e.Addrs()[0])
			writeRaw(t, nc, c.bytes)
			_ = nc.(*net.TCPConn).CloseWrite()
			wantEnd(t, nc)
			kinds.awaitThat(t, "a refusal", func(events []string) bool { return len(events) == i+1 })
			if got := kinds.all()[i]; got != c.kind {
				t.Errorf("refused as %s, want %s", got, c.kind)
			}
			if c.line != "" && log.count(c.line) == 0 {
				t.Errorf("no line with %q", c.line)
			}
		})
	}
	if len(e.Status()) != 0 {
		t.Errorf("strangers are remembered: %+v", e.Status())
	}
}

// TestFrames sends notifications whole, in pieces and malformed.
func TestFrames(t *testing.T) {
	network, _, kinds := observed(Network{})
	e, heard := startElection(t, ElectionOptions{Self: 2, Network: network}, 0)
	connect := func() net.Conn {
		nc := dialRaw(t, e.Addrs()[0])
		writeRaw(t, nc, hello(wire.HandshakeOneAddress, 3, "127.0.0.1:1"))
		return nc
	}
	nc := connect()
	writeRaw(t, nc, slices.Concat(noteFrame(1), noteFrame(1), []byte{0, 0, 0, 3, 1, 2, 3}, noteFrame(2)))
	heard.await(t, "3 says round 1", 2)
	heard.await(t, "3 says round 2", 1)
	kinds.await(t, RefusedNotification, 1)

	for i, length := range []uint32{0, wire.NotificationMax + 1, 1 << 31} {
		writeRaw(t, nc, wire.AppendInt(nil, int32(length)))
		wantEnd(t, nc)
		kinds.await(t, RefusedFrame, i+1)
		heard.await(t, "3 down", i+1)
		nc = connect()
		heard.await(t, "3 up", i+2)
	}
	// The longest that is allowed, cut short by the end of the connection.
	writeRaw(t, nc, append(wire.AppendInt(nil, wire.NotificationMax), make([]byte, 1000)...))
	_ = nc.Close()
	heard.await(t, "3 down", 4)
}

// TestHostMoves gives a name another address while the server is away.
func TestHostMoves(t *testing.T) {
	var dns names
	e, heard := startElection(t, ElectionOptions{Self: 2, Network: Network{Resolve: dns.resolve}}, 0)
	port := freePort(t)
	e.SetServers([]Server{{ID: 1, Addresses: []Address{{Host: "zk1", Port: port}}}})
	e.Keep(1)
	heard.await(t, "1 down", 1) // the name is not known
	other, _ := startElection(t, ElectionOptions{Self: 1, Listen: []Address{{Host: "127.0.0.2", Port: port}}}, 0)
	dns.set("zk1", "127.0.0.2")
	heard.await(t, "1 up", 1)
	other.Close()
	heard.await(t, "1 down", 2)
	startElection(t, ElectionOptions{Self: 1, Listen: []Address{{Host: "127.0.0.3", Port: port}}}, 0)
	dns.set("zk1", "127.0.0.3")
	heard.await(t, "1 up", 2)
}

// TestSeveralAddresses reaches a server at the last of its addresses: nobody
// listens at the first, and the others' names are unknown or cannot be looked up.
func TestSeveralAddresses(t *testing.T) {
	var dns names
	resolve := func(ctx context.Context, host string) ([]netip.Addr, error) {
		if host == "stuck" {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return dns.resolve(ctx, host)
	}
	other, _ := startElection(t, ElectionOptions{Self: 1}, 0)
	e, heard := startElection(t, ElectionOptions{Self: 2, Network: Network{Resolve: resolve}, ConnectTimeout: time.Hour}, 0)
	e.SetServers([]Server{{ID: 1, Addresses: []Address{
		loopback(freePort(t)), {Host: "unknown", Port: 1}, {Host: "stuck", Port: 1}, loopback(portOfElection(other)),
	}}})
	e.Keep(1)
	heard.await(t, "1 up", 1)
}

func TestBackoff(t *testing.T) {
	for _, c := range []struct {
		jitter func() float64
		want   []time.Duration // ms
	}{
		{nil, []time.Duration{50, 100, 200, 400, 800, 1000, 1000}},
		{func() float64 { return 0 }, []time.Duration{25, 50, 100, 200, 400, 500, 500}},
		{func() float64 { return 0.5 }, []time.Duration{37, 75, 150, 300, 600, 750, 750}},
	} {
		b := newBackoff(retryLeast, retryMost, c.jitter)
		for range 2 {
			for i, want := range c.want {
				if got := b.step().Truncate(time.Millisecond); got != want*time.Millisecond {
					t.Errorf("wait %d is %v, want %d ms", i, got, want)
				}
			}
			b.reset()
		}
	}
}

func TestBindRetries(t *testing.T) {
	taken := listenRaw(t)
	o := ElectionOptions{Self: 1, Listen: []Address{loopback(portOf(taken.Addr()))}, Advertise: []Address{loopback(0)}}
	o.BindTries = 2
	if err := NewElection(ballots{newRecord()}, o).Start(t.Context()); err == nil {
		t.Fatal("a port was bound twice")
	}
	o.BindTries = 0
	e := NewElection(ballots{newRecord()}, o)
	t.Cleanup(e.Close)
	started := make(chan error)
	go func() { started <- e.Start(t.Context()) }()
	_ = taken.Close()
	if err := <-started; err != nil {
		t.Errorf("start after the port has become free: %v", err)
	}
}

// TestCloseInTheMiddle closes while connections are being opened and used.
func TestCloseInTheMiddle(t *testing.T) {
	silent := listenRaw(t) // accepts, never reads
	e, _ := startElection(t, ElectionOptions{Self: 2}, 0)
	e.SetServers([]Server{serverAt(1, portOf(silent.Addr())), serverAt(3, portOf(silent.Addr())), serverAt(4, freePort(t))})
	e.Keep(1, 3, 4)
	dialRaw(t, e.Addrs()[0])
	for id := range wire.PeerID(5) {
		e.Send(id, note(1))
	}
	e.Close()
	e.Close()
	e.Send(1, note(2))
	e.Keep(1)
	if err := e.Start(t.Context()); err == nil {
		t.Error("an election was started after Close")
	}
}
