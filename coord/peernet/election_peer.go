package peernet

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"time"

	"kafkacoord/coord/wire"
)

// reach is whether a server can be talked to.
type reach uint8

const (
	reachUnknown reach = iota
	reachDown
	reachUp
)

// traffic counts what went one way; its fields are atomic.
type traffic struct{ units, bytes atomic.Uint64 }

func (t *traffic) add(units, bytes int) {
	t.units.Add(uint64(units))
	t.bytes.Add(uint64(bytes))
}

// peer is what an Election knows of a server. Election.mu guards it, but for the
// counters.
type peer struct {
	id      wire.PeerID
	learned []Address // from its handshake
	kept    bool
	asked   bool // a connection is wanted once
	dialing bool // dial is running: at most one for a server
	// news wakes dial: there is a connection, or the server has shown up.
	news  chan struct{}
	retry backoff
	wait  time.Duration // before the next attempt

	conn   *ballotConn // nil: none
	unsent []byte      // the frame to send next; nil: none
	last   []byte      // the frame sent last

	// greeted is when, and greetedAt where, a handshake was sent last.
	greeted   time.Time
	greetedAt net.Addr
	// displacements counts how often since displaced it asked for a connection
	// that stood.
	displaced     time.Time
	displacements int

	reach, reported reach
	reporting       bool // a goroutine is telling the handler
	lastError       string

	in, out traffic
}

// startDialing sees to it that a connection that is wanted is being opened. The
// caller holds mu.
func (e *Election) startDialing(p *peer) {
	if p.dialing || !e.wanted(p) {
		return
	}
	p.dialing = true
	e.tasks.Go(func() { e.dial(p) })
}

// wanted tells whether a connection must be opened. The caller holds mu.
func (e *Election) wanted(p *peer) bool {
	return !e.closed && e.hello != nil && p.conn == nil && (p.kept || p.asked)
}

// dial tries to get a connection for as long as one is wanted.
func (e *Election) dial(p *peer) {
	for {
		e.mu.Lock()
		wait := p.wait
		p.wait = 0
		e.mu.Unlock()
		if wait > 0 {
			_ = e.await(p, wait)
		}
		e.mu.Lock()
		if !e.wanted(p) {
			p.dialing, p.asked = false, false
			e.forget(p)
			e.mu.Unlock()
			return
		}
		p.asked = false
		addresses := e.addresses(p)
		e.mu.Unlock()

		err := e.connect(p, addresses)
		e.mu.Lock()
		if err != nil && p.conn == nil && !e.closed {
			p.failed(err)
			p.wait = p.retry.step()
		}
		e.mu.Unlock()
		e.report(p)
	}
}

// await waits for news of a server and tells whether there were some.
func (e *Election) await(p *peer, within time.Duration) bool {
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case <-p.news:
		return true
	case <-timer.C:
	case <-e.ctx.Done():
	}
	return false
}

// connect makes one attempt. With a server of a larger id it ends well when that
// has dialled back.
func (e *Election) connect(p *peer, addresses []Address) error {
	ctx, cancel := context.WithTimeout(e.ctx, e.options.ConnectTimeout)
	defer cancel()
	nc, err := e.options.Network.dial(ctx, addresses)
	if err != nil {
		return err
	}
	if !e.mayGreet(p, nc.RemoteAddr()) {
		return nc.Close() // the server was faster; a handshake would end its connection
	}
	_ = nc.SetWriteDeadline(time.Now().Add(e.options.HandshakeTimeout))
	if _, err := nc.Write(e.hello); err != nil {
		_ = nc.Close()
		return fmt.Errorf("send the handshake to %s: %w", nc.RemoteAddr(), err)
	}
	if p.id < e.options.Self {
		e.mu.Lock()
		e.establish(p, nc, bufio.NewReader(nc))
		e.mu.Unlock()
		return nil
	}
	_ = nc.Close()
	for e.await(p, dialBackWithin) {
		if e.connected(p) {
			return nil
		}
	}
	return e.notDialledBack()
}

// mayGreet tells whether there is still no connection, and notes that a handshake
// is about to be sent.
func (e *Election) mayGreet(p *peer, remote net.Addr) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if p.conn != nil {
		return false
	}
	p.greeted, p.greetedAt = time.Now(), remote
	return true
}

func (e *Election) connected(p *peer) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return p.conn != nil
}

// establish makes a connection the one of its server, instead of any before. The
// caller holds mu.
func (e *Election) establish(p *peer, nc net.Conn, r *bufio.Reader) {
	c := &ballotConn{peer: p, nc: nc, r: r, since: time.Now(), wake: make(chan struct{}, 1), done: make(chan struct{})}
	if e.closed {
		_ = nc.Close()
		return
	}
	if p.conn != nil {
		p.conn.end()
	}
	p.conn, p.reach = c, reachUp
	if p.unsent == nil {
		p.unsent = p.last
	}
	signal(c.wake)
	signal(p.news)
	e.tasks.Go(func() { e.write(c) })
	e.tasks.Go(func() {
		e.report(p)
		e.drop(c, e.read(c))
	})
}

// drop ends a connection. If it was still that of its server, the server is out
// of reach now.
func (e *Election) drop(c *ballotConn, err error) {
	p := c.peer
	e.mu.Lock()
	c.end()
	if p.conn == c && !e.closed {
		e.lose(p, err)
		e.startDialing(p)
		e.forget(p)
	}
	e.mu.Unlock()
	e.report(p)
}

// lose takes the connection away from a server. One that ended soon is not opened
// again at once. The caller holds mu.
func (e *Election) lose(p *peer, err error) {
	if time.Since(p.conn.since) < e.stableAfter {
		p.wait = p.retry.step()
	} else {
		p.retry.reset()
	}
	p.conn = nil
	p.failed(err)
	select {
	case <-p.news: // that of the connection's beginning: it would cut the wait short
	default:
	}
}

// ballotConn is an established connection. Its fields do not change.
type ballotConn struct {
	peer  *peer
	nc    net.Conn
	r     *bufio.Reader
	since time.Time
	wake  chan struct{} // the peer has something unsent
	done  chan struct{} // closed by end
}

// end closes the connection. The caller holds Election.mu.
func (c *ballotConn) end() {
	select {
	case <-c.done:
	default:
		close(c.done)
		_ = c.nc.Close()
	}
}

// read hands over notifications until the connection ends. A notification that
// makes no sense is left out, as in ZooKeeper; a frame of a wrong length leaves
// nothing to hold on to.
func (e *Election) read(c *ballotConn) error {
	var header [4]byte
	var frame []byte
	for {
		if _, err := io.ReadFull(c.r, header[:]); err != nil {
			return ended(err)
		}
		length := int(int32(binary.BigEndian.Uint32(header[:])))
		if length <= 0 || length > wire.NotificationMax {
			e.refusals.add(RefusedFrame, "closing election connection: frame length out of range", "server", c.peer.id,
				"address", c.nc.RemoteAddr().String(), "length", length, "limit", wire.NotificationMax)
			return fmt.Errorf("a frame of %d bytes on the election connection", length)
		}
		if length > cap(frame) {
			frame = make([]byte, length)
		}
		frame = frame[:length]
		if _, err := io.ReadFull(c.r, frame); err != nil {
			return ended(err)
		}
		c.peer.in.add(1, len(header)+length)
		n, err := wire.DecodeNotification(frame)
		if err != nil {
			e.refusals.add(RefusedNotification, "dropping a malformed notification", "server", c.peer.id,
				"address", c.nc.RemoteAddr().String(), "length", length)
			continue
		}
		e.handler.Notification(c.peer.id, &n)
	}
}

// errEnded is the end of a connection by the other side.
var errEnded = errors.New("the server has closed the connection")

// ended says in words what the ordinary end of a connection is.
func ended(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errEnded
	}
	return fmt.Errorf("read: %w", err)
}

// write sends what there is to send until the connection ends.
func (e *Election) write(c *ballotConn) {
	for {
		select {
		case <-c.done:
			return
		case <-c.wake:
		}
		frame := e.takeUnsent(c)
		if frame == nil {
			continue
		}
		_ = c.nc.SetWriteDeadline(time.Now().Add(sendTimeout))
		if _, err := c.nc.Write(frame); err != nil {
			e.drop(c, fmt.Errorf("send a notification: %w", err))
			return
		}
		c.peer.out.add(1, len(frame))
	}
}

func (e *Election) takeUnsent(c *ballotConn) []byte {
	e.mu.Lock()
	defer e.mu.Unlock()
	p := c.peer
	if p.conn != c || p.unsent == nil {
		return nil
	}
	p.last, p.unsent = p.unsent, nil
	return p.last
}

// signal leaves a token in a channel of one, unless there is one.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
