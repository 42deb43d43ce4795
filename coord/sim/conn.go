package sim

import (
	"net/netip"

	"kafkacoord/coord/core"
)

// conn is a client's connection to a process. Bytes arrive in order in both
// directions until it breaks.
type conn struct {
	world   *World
	client  *client
	process *process
	id      core.ConnID

	toServer, toClient stream

	busy    bool   // the core has a batch that it has not released
	waiting []byte // came meanwhile

	ended       bool // the server will send no more, or hears no more
	clientClose bool // the client has closed or left it
}

// stream is one direction of a connection.
type stream struct {
	arrives Time     // when the newest bytes under way will be there
	held    []func() // arrivals, while the server is cut off from clients
	lost    bool     // nothing more arrives
}

// carry lets something arrive in its order, if it is not held up.
func (c *conn) carry(s *stream, arrive func()) {
	switch {
	case s.lost:
	case c.process.machine.clientsCut > 0:
		s.held = append(s.held, arrive)
	default:
		s.arrives = max(s.arrives, c.world.now+c.world.network.delay())
		c.world.after(s.arrives-c.world.now, arrive)
	}
}

// flush lets what was held up arrive, all at once. What a client has left may have
// been forgotten by its machine: then the server never hears of it.
func (c *conn) flush() {
	c.toServer.lost = c.clientClose && len(c.toServer.held) > 0 && c.world.chance(0.5)
	for _, s := range []*stream{&c.toServer, &c.toClient} {
		held := s.held
		s.held = nil
		c.carry(s, func() {
			for _, arrive := range held {
				arrive()
			}
		})
	}
}

// accept opens a connection to a process.
func (p *process) accept(c *client) *conn {
	var id core.ConnID
	if n := len(p.freeConns); n > 0 {
		id, p.freeConns = p.freeConns[n-1], p.freeConns[:n-1]
	} else {
		id = core.ConnID(len(p.conns))
		p.conns = append(p.conns, nil)
	}
	cn := &conn{world: p.world, client: c, process: p, id: id}
	p.conns[id] = cn
	remote := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(c.number)}), 1000)
	p.in.Opened = append(p.in.Opened, core.Opened{Conn: id, Remote: remote})
	p.wake()
	return cn
}

// send carries bytes to the server.
func (c *conn) send(frames []byte) {
	c.carry(&c.toServer, func() {
		if c.ended || c.process.dead {
			return
		}
		if c.busy {
			c.waiting = append(c.waiting, frames...)
			return
		}
		c.submit(frames)
	})
}

func (c *conn) submit(frames []byte) {
	c.busy = true
	c.process.in.Batches = append(c.process.in.Batches, core.Batch{Conn: c.id, Frames: frames})
	c.process.wake()
}

// released says that the core has consumed the batch.
func (c *conn) released() {
	c.busy = false
	if frames := c.waiting; len(frames) > 0 && !c.ended {
		c.waiting = nil
		c.submit(frames)
	}
}

// reply carries bytes to the client; last says that the server closes then.
func (c *conn) reply(frames []byte, last bool) {
	if c.ended {
		return
	}
	frames = c.world.answered(frames)
	c.carry(&c.toClient, func() {
		if !c.clientClose {
			c.client.receive(c, frames)
		}
		if last && !c.clientClose {
			c.client.disconnected(c)
		}
	})
	if last {
		c.leave()
	}
}

// leave tells the core that the connection is no more.
func (c *conn) leave() {
	if !c.ended {
		c.ended = true
		c.process.in.Closed = append(c.process.in.Closed, c.id)
		c.process.wake()
	}
}

// close is the client's: the server hears of it later.
func (c *conn) close() {
	c.clientClose = true
	c.carry(&c.toServer, func() {
		if !c.process.dead {
			c.leave()
		}
	})
}

// serverGone ends the connection with its server.
func (c *conn) serverGone() {
	c.ended = true
	c.world.after(c.world.between(Millisecond, 50*Millisecond), func() {
		if !c.clientClose {
			c.client.disconnected(c)
		}
	})
}
