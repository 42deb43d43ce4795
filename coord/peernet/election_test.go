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
			// What was sent is counted when the write has returned: the other side may
			// have it before.
			eventually(t, "the traffic is counted", func() bool {
				s := statusOf(small, 2)
				return s.BytesIn != 0 && s.FramesIn != 0 && s.BytesOut != 0 && !s.Since.IsZero()
			})
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
