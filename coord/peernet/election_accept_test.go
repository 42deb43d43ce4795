package peernet

import (
	"bytes"
	"fmt"
	"net"
	"testing"
	"time"

	"kafkacoord/coord/wire"
)

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

// TestAttemptsThatCross: a connection that ends without a byte is no probe when
// its host has just got another.
func TestAttemptsThatCross(t *testing.T) {
	network, log, kinds := observed(Network{})
	l := listenRaw(t)
	e, heard := startElection(t, ElectionOptions{Self: 2, Network: network}, 0)
	e.SetServers([]Server{serverAt(1, portOf(l.Addr()))})
	late := dialRaw(t, e.Addrs()[0])
	e.Keep(1)
	readRaw(t, acceptRaw(t, l), len(e.hello))
	heard.await(t, "1 up", 1)
	e.mu.Lock()
	p := e.peers[1]
	p.conn.since = time.Now().Add(time.Hour) // however slow the test is
	e.mu.Unlock()
	_ = late.(*net.TCPConn).CloseWrite()
	wantEnd(t, late)

	e.mu.Lock()
	p.conn.since, p.greeted = time.Time{}, time.Now().Add(-2*crossingWithin)
	e.mu.Unlock()
	probe := dialRaw(t, e.Addrs()[0])
	_ = probe.(*net.TCPConn).CloseWrite()
	wantEnd(t, probe)
	kinds.await(t, RefusedProbe, 1)
	if got := kinds.all(); len(got) != 1 || log.count("probing the port") != 1 {
		t.Errorf("refused are %v", got)
	}
	if sameHost(&net.TCPAddr{IP: net.IPv4(10, 0, 0, 1)}, &net.TCPAddr{IP: net.IPv4(10, 0, 0, 2)}) {
		t.Error("two hosts are the same")
	}
}

// TestSharedID: a server that asks again and again for a connection that stands.
func TestSharedID(t *testing.T) {
	network, log, kinds := observed(Network{})
	l := listenRaw(t)
	e, heard := startElection(t, ElectionOptions{Self: 2, Network: network}, 0)
	e.SetServers([]Server{serverAt(1, portOf(l.Addr()))})
	e.Keep(1)
	for i := range sharedIDTimes {
		readRaw(t, acceptRaw(t, l), len(e.hello))
		heard.await(t, "1 up", i+1)
		if got := len(kinds.all()); got != 0 {
			t.Fatalf("told after %d times", i)
		}
		nc := dialRaw(t, e.Addrs()[0])
		writeRaw(t, nc, hello(wire.HandshakeOneAddress, 1, "127.0.0.1:1"))
		wantEnd(t, nc)
	}
	kinds.await(t, RefusedSharedID, 1)
	eventually(t, "a line says what may be wrong", func() bool { return log.count("do two servers have the same myid") == 1 })
	p := &peer{}
	for i := range 3 * sharedIDTimes { // a server that restarts now and then
		if p.displace(time.Unix(int64(i)*40, 0)) {
			t.Fatal("two servers are suspected because one restarts now and then")
		}
	}
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
