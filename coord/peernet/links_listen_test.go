package peernet

import (
	"net"
	"testing"
	"time"

	"kafkacoord/coord/wire"
)

func TestStrangersAtTheQuorumPort(t *testing.T) {
	network, log, kinds := observed(Network{})
	l, heard := startLinks(t, LinksOptions{Network: network})
	at := open(t, l)
	packet := func(p wire.Packet) []byte { return wire.AppendPacket(nil, &p) }
	for i, c := range []struct {
		name, kind, line string
		bytes            []byte
	}{
		{"HTTP", RefusedForeign, "looks_like=HTTP", []byte("GET / HTTP/1.1\r\n\r\n")},
		{"TLS", RefusedInsecure, "a TLS hello", []byte("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")},
		{"an election handshake", RefusedWrongPort, "are the ports swapped", hello(wire.HandshakeOneAddress, 1, "a:1")},
		{"another packet first", RefusedPacket, "nothing known", packet(wire.Packet{Type: wire.PacketAck})},
		{"no id", RefusedPacket, "", packet(wire.Packet{Type: wire.PacketFollowerInfo, Data: []byte{1}})},
		{"too long", RefusedPacket, "", packet(wire.Packet{Type: wire.PacketFollowerInfo, Data: make([]byte, introductionBytes+1)})},
		{"half a packet", RefusedPacket, "", packet(followerInfo)[:20]},
		{"nothing", RefusedProbe, "probing the port", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			nc := dialRaw(t, at)
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
	if got := heard.all(); len(got) != 0 {
		t.Errorf("strangers became links: %v", got)
	}
}

// TestSilentLinks holds the port with connections that say nothing.
func TestSilentLinks(t *testing.T) {
	network, _, kinds := observed(Network{})
	l, heard := startLinks(t, LinksOptions{Network: network, IntroductionTimeout: time.Second, Strangers: 3})
	at := open(t, l)
	silent := []net.Conn{dialRaw(t, at), dialRaw(t, at)}
	learner := dialRaw(t, at)
	observer := followerInfo
	observer.Type = wire.PacketObserverInfo
	writeRaw(t, learner, wire.AppendPacket(nil, &observer))
	heard.await(t, "OBSERVERINFO 0x0", 1)
	third, refused := dialRaw(t, at), dialRaw(t, at)
	wantEnd(t, refused)
	for _, nc := range append(silent, third) {
		wantEnd(t, nc)
	}
	kinds.await(t, RefusedTooMany, 1)
	kinds.await(t, RefusedSilent, 3)
	writeRaw(t, learner, wire.AppendPacket(nil, &wire.Packet{Type: wire.PacketAck, Zxid: 1}))
	heard.await(t, "ACK 0x1", 1) // the time has no meaning for links
}

func TestTooManyLinks(t *testing.T) {
	network, _, kinds := observed(Network{})
	r := dialer(t, LinksOptions{Network: network, Links: 1})
	second := dialRaw(t, r.links.Addrs()[0])
	writeRaw(t, second, wire.AppendPacket(nil, &followerInfo))
	wantEnd(t, second)
	kinds.await(t, RefusedTooMany, 1)
}

// TestListen opens and closes the port, and opens one that is still taken.
func TestListen(t *testing.T) {
	taken := listenRaw(t)
	network, log, _ := observed(Network{})
	l, heard := startLinks(t, LinksOptions{Listen: []Address{loopback(portOf(taken.Addr()))}, Network: network})
	l.Listen(true)
	l.Listen(true)
	eventually(t, "it is told that the port is taken", func() bool { return log.count("cannot open the quorum port") > 0 })
	_ = taken.Close()
	at := open(t, l)
	learner := dialRaw(t, at)
	writeRaw(t, learner, wire.AppendPacket(nil, &followerInfo))
	heard.await(t, "up 0", 1)
	unknown := dialRaw(t, at)
	eventually(t, "the connection is accepted", func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		return len(l.introducing) == 1
	})
	for range 3 {
		l.Listen(false)
		if nc, err := net.Dial("tcp", at.String()); err == nil {
			_ = nc.Close()
			t.Fatal("the port is open after Listen(false)")
		}
		if len(l.Addrs()) != 0 {
			t.Error("it says that it listens")
		}
		open(t, l)
	}
	wantEnd(t, unknown)
	writeRaw(t, learner, wire.AppendPacket(nil, &wire.Packet{Type: wire.PacketAck, Zxid: 1}))
	heard.await(t, "ACK 0x1", 1) // links stay
}
