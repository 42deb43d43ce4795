package peernet

import (
	"net"
	"slices"
	"testing"
	"time"

	"kafkacoord/coord/wire"
)

// TestSlowReader fills the queue of a link whose other end does not read.
func TestSlowReader(t *testing.T) {
	network, log, kinds := observed(Network{})
	learner := dialer(t, LinksOptions{Network: network, QueueBytes: 1 << 20})
	proposal := wire.Packet{Type: wire.PacketProposal, Data: make([]byte, 100000)}
	learner.heard.awaitSending(t, "down 1", func() { learner.links.Send(1, proposal) })
	kinds.await(t, RefusedSlowReader, 1)
	if log.count("server=4") != 1 {
		t.Error("no line names the server that does not read")
	}
}

// TestQueuesTogether: what waits for all learners is bounded, too, and the one
// with the most to read pays.
func TestQueuesTogether(t *testing.T) {
	network, log, kinds := observed(Network{})
	learner := dialer(t, LinksOptions{Network: network, TotalQueueBytes: 64 << 20})
	second := dialRaw(t, learner.links.Addrs()[0])
	writeRaw(t, second, wire.AppendPacket(nil, &followerInfo))
	learner.heard.await(t, "up 0", 2)
	proposal := wire.Packet{Type: wire.PacketProposal, Data: make([]byte, 30<<20)}
	learner.links.Send(2, proposal)
	learner.links.Send(1, proposal)
	if got := learner.links.queued.Load(); got > 64<<20 || got < 30<<20 {
		t.Errorf("%d bytes are queued for both", got)
	}
	learner.links.Send(1, proposal)
	learner.heard.await(t, "down 1", 1)
	kinds.await(t, RefusedSlowReader, 1)
	if log.count("all links together") != 1 {
		t.Error("no line says why the link ends")
	}
	learner.links.CloseLink(2)
	eventually(t, "both links are forgotten", func() bool { return learner.links.link(1) == nil && learner.links.link(2) == nil })
	if slices.Contains(learner.heard.all(), "down 2") {
		t.Error("the link with little to send was closed")
	}
	if got := learner.links.queued.Load(); got != 0 {
		t.Errorf("%d bytes are queued without a link", got)
	}
}

// TestUnlistedLinks: learners that the list does not name have little room.
func TestUnlistedLinks(t *testing.T) {
	network, log, kinds := observed(Network{})
	l, heard := startLinks(t, LinksOptions{Network: network, Unlisted: 2, UnlistedQueueBytes: 1 << 20})
	at := open(t, l)
	join := func() net.Conn {
		nc := dialRaw(t, at)
		writeRaw(t, nc, wire.AppendPacket(nil, &followerInfo))
		return nc
	}
	first := join()
	heard.await(t, "up 0", 1)
	join()
	heard.await(t, "up 0", 2)
	wantEnd(t, join())
	kinds.await(t, RefusedTooMany, 1)
	if log.count("not in the list") != 1 {
		t.Error("no line says why the link is refused")
	}
	l.SetServers([]Server{serverAt(4, 1)})
	join()
	heard.await(t, "up 0", 3)

	proposal := wire.Packet{Type: wire.PacketProposal, Data: make([]byte, 100000)}
	heard.awaitSending(t, "down 1", func() { l.Send(1, proposal) })
	if log.count("limit_bytes=1048576") != 1 {
		t.Error("the link is not closed by the bound of its kind")
	}
	wantEnd(t, first)
}

// TestSlowReaderTimesOut leaves less than a queueful unread.
func TestSlowReaderTimesOut(t *testing.T) {
	learner := dialer(t, LinksOptions{QueueBytes: 1 << 30, WriteTimeout: 20 * time.Millisecond})
	learner.links.Send(1, wire.Packet{Type: wire.PacketProposal, Data: make([]byte, 32<<20)})
	learner.heard.await(t, "down 1", 1)
	if s := learner.links.Status(); len(s) != 1 || s[0].ID != 0 || s[0].LastError == "" {
		t.Errorf("status %+v", s)
	}
}
