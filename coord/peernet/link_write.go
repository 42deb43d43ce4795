package peernet

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"kafkacoord/coord/wire"
)

const (
	// writeBytes is what is given to the socket at once: little enough to be taken
	// within WriteTimeout over a slow line.
	writeBytes = 256 << 10
	// spareBytes is the largest buffer that a link without traffic keeps.
	spareBytes = 1 << 20
)

// segment is a part of a link's queue: bytes, then possibly a snapshot.
type segment struct {
	bytes   []byte
	packets int
	body    func(w io.Writer) error // nil: none
}

var errSlowReader = errors.New("it does not read what is sent to it")

// send queues packets.
func (c *link) send(packets []wire.Packet) {
	c.mu.Lock()
	if c.over {
		c.mu.Unlock()
		return
	}
	for i := range packets {
		c.enqueue(&packets[i])
	}
	overflow := c.queued > c.queueBytes
	c.mu.Unlock()
	if overflow {
		c.tooSlow("the server does not read what is sent to it", c.queueBytes)
		return
	}
	signal(c.wake)
}

// sendSnapshot queues a packet and a snapshot; false when the link is over.
func (c *link) sendSnapshot(p *wire.Packet, body func(w io.Writer) error) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return false
	}
	c.enqueue(p)
	c.queue[len(c.queue)-1].body = body
	signal(c.wake)
	return true
}

// enqueue appends a packet to the last segment. The caller holds mu.
func (c *link) enqueue(p *wire.Packet) {
	if n := len(c.queue); n == 0 || c.queue[n-1].body != nil {
		c.queue = append(c.queue, segment{bytes: c.spare})
		c.spare = nil
	}
	s := &c.queue[len(c.queue)-1]
	before := len(s.bytes)
	s.bytes = wire.AppendPacket(s.bytes, p)
	s.packets++
	c.count(len(s.bytes) - before)
}

// count adds to what is queued, unless the link is over. The caller holds mu.
func (c *link) count(bytes int) {
	if !c.over {
		c.queued += bytes
		c.links.queued.Add(int64(bytes))
	}
}

// tooSlow ends the link: a server that does not read must not take the memory of
// this one.
func (c *link) tooSlow(why string, limit int) {
	c.links.refusals.add(RefusedSlowReader, "closing link: "+why, "server", c.peer, "address", c.remote, "limit_bytes", limit)
	c.end(errSlowReader, false)
}

// write is the writer: each turn takes all that is queued.
func (c *link) write() {
	w := c.writer()
	for {
		select {
		case <-c.done:
			c.abandon(c.takeQueue())
			return
		case <-c.wake:
		}
		segments := c.takeQueue()
		for i := range segments {
			if err := c.writeSegment(w, &segments[i]); err != nil {
				c.end(err, false)
				c.abandon(segments[i+1:])
				break
			}
		}
	}
}

func (c *link) takeQueue() []segment {
	c.mu.Lock()
	defer c.mu.Unlock()
	segments := c.queue
	c.queue = nil
	return segments
}

// writeSegment sends a segment. If it fails the snapshot's body has been called
// nevertheless.
func (c *link) writeSegment(w *timedWriter, s *segment) error {
	_, err := w.Write(s.bytes)
	c.sent.add(s.packets, 0)
	c.mu.Lock()
	c.count(-len(s.bytes))
	if c.spare == nil && cap(s.bytes) <= spareBytes {
		c.spare = s.bytes[:0]
	}
	c.mu.Unlock()
	if err != nil {
		c.abandon([]segment{*s})
		return fmt.Errorf("send: %w", slow(err))
	}
	if s.body == nil {
		return nil
	}
	buffered := bufio.NewWriterSize(w, readBytes)
	if err := errors.Join(s.body(buffered), buffered.Flush()); err != nil {
		return fmt.Errorf("send a snapshot: %w", slow(err))
	}
	return nil
}

// slow names a time-out for what it is.
func slow(err error) error {
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return errSlowReader
	}
	return err
}

// abandon calls the bodies of snapshots that will not be sent.
func (c *link) abandon(segments []segment) {
	for _, s := range segments {
		if s.body != nil {
			_ = s.body(deadWriter{})
		}
	}
}

// timedWriter writes in pieces, each with a deadline, and counts the bytes.
type timedWriter struct {
	nc    net.Conn
	limit time.Duration
	bytes *traffic
}

func (c *link) writer() *timedWriter {
	c.mu.Lock()
	defer c.mu.Unlock()
	return &timedWriter{nc: c.nc, limit: c.links.options.WriteTimeout, bytes: &c.sent}
}

func (w *timedWriter) Write(b []byte) (written int, err error) {
	for written < len(b) && err == nil {
		var n int
		piece := b[written:min(len(b), written+writeBytes)]
		_ = w.nc.SetWriteDeadline(time.Now().Add(w.limit))
		n, err = w.nc.Write(piece)
		written += n
		w.bytes.add(0, n)
	}
	return written, err
}
