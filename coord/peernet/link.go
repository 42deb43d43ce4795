package peernet

import (
	"fmt"
	"net"
	"sync"
	"time"

	"kafkacoord/coord/wire"
)

// link is one connection between a learner and a leader. It has a reader, which
// makes all calls of the handler, and a writer.
type link struct {
	links   *Links
	dialled bool
	remote  string
	since   time.Time
	id      LinkID      // given by Links.add
	peer    wire.PeerID // known before Links.add

	// Set before Links.add.
	unlisted   bool // accepted from a server that is not in the list
	queueBytes int  // bound of queued

	in            packetReader // the reader's own
	received      traffic
	sent          traffic
	snapshotTaken bool // the reader's own: a leader sends at most one

	wake chan struct{} // something is queued
	done chan struct{} // closed by end

	mu     sync.Mutex // guards the rest; Links.mu may be held, but not taken
	nc     net.Conn
	over   bool
	quiet  bool // LinkDown is not called
	reason error
	queue  []segment
	queued int    // bytes in queue and in the writer's hands; 0 when over
	spare  []byte // memory for the next segment
}

func newLink(l *Links, nc net.Conn, peer wire.PeerID, dialled bool) *link {
	c := &link{
		links: l, dialled: dialled, remote: nc.RemoteAddr().String(), since: time.Now(), peer: peer, nc: nc,
		queueBytes: l.options.QueueBytes,
		wake:       make(chan struct{}, 1), done: make(chan struct{}),
	}
	c.in = newPacketReader(&meteredReader{nc, &c.received}, l.options.PacketBytes)
	return c
}

// secured replaces the connection by one that it is wrapped in. Only the reader
// may call it, before it reads.
func (c *link) secured(nc net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.nc = nc
	c.in = newPacketReader(&meteredReader{nc, &c.received}, c.links.options.PacketBytes)
}

// run is the reader.
func (c *link) run() {
	l := c.links
	peer := c.peer
	if !c.dialled {
		peer = 0
	}
	l.handler.LinkUp(c.id, peer, c.remote)
	l.tasks.Go(c.write)
	c.end(c.read(), false)

	c.mu.Lock()
	reason, quiet := c.reason, c.quiet
	c.mu.Unlock()
	reason = fmt.Errorf("peernet: link with server %d at %s: %w", c.peer, c.remote, reason)
	l.mu.Lock()
	delete(l.links, c.id)
	if !quiet {
		l.noteError(c.peer, reason)
	}
	l.mu.Unlock()
	if !quiet {
		l.handler.LinkDown(c.id, reason)
	}
}

// end closes the connection; the first reason counts. If the owner of Links wants
// it, quiet spares it LinkDown.
func (c *link) end(reason error, quiet bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.quiet = c.quiet || quiet
	if c.over {
		return
	}
	c.over, c.reason = true, reason
	c.links.queued.Add(-int64(c.queued))
	c.queued = 0
	close(c.done)
	_ = c.nc.Close()
}

// ended tells whether the link is over.
func (c *link) ended() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.over
}

// waiting is how many bytes are queued.
func (c *link) waiting() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.queued
}

func (c *link) status() LinkStatus {
	c.mu.Lock()
	defer c.mu.Unlock()
	return LinkStatus{
		ID: c.id, Peer: c.peer, Dialled: c.dialled, Remote: c.remote, Since: c.since,
		PacketsIn: c.received.units.Load(), BytesIn: c.received.bytes.Load(),
		PacketsOut: c.sent.units.Load(), BytesOut: c.sent.bytes.Load(), QueueBytes: c.queued,
	}
}
