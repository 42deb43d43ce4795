package sim

import (
	"testing"

	"kafkacoord/coord/wire"
)

// TestHalfOpenClient cuts a follower off with a write that it has not passed on.
// The client moves, sees that the write is not there and goes on; the epoch
// changes, and the follower comes back with the connection that looks alive. The
// write must not be carried out any more: the judge sees whether it is.
func TestHalfOpenClient(t *testing.T) {
	forgotten := 0
	const seeds = 12
	eachSeed(t, seeds, func(t *testing.T, seed uint64) {
		s := newScene(t, seed, 3, 2)
		s.quiet(true)
		old := s.leader()
		stale := s.others(old)[seed%2]
		c := s.settledOn(stale)
		set := func(value string, done func()) {
			path := registerPath(0)
			c.send(&call{op: wire.OpSetData, path: path, done: func(wire.ReplyHeader, wire.Reply) { done() }},
				&wire.Request{Op: wire.OpSetData, Path: path, Data: []byte(value), Version: -1})
		}
		left := c.conn
		s.isolated(stale)
		set("left behind", func() { t.Error("a write was answered by a server that is cut off") })
		s.await(stale.process.holdsRequest)
		stale.clientsCut++
		c.only = old.id
		s.await(func() bool { return c.conn != left && c.ready() })
		answered := false
		if seed%3 != 0 {
			set("went on", func() { answered = true })
		} else {
			c.send(&call{op: wire.OpGetData, path: registerPath(0), done: func(wire.ReplyHeader, wire.Reply) { answered = true }},
				&wire.Request{Op: wire.OpGetData, Path: registerPath(0)})
		}
		s.await(func() bool { return answered })
		old.crash(true)
		old.start()
		s.await(func() bool { return s.leader() != nil && s.serving() == 2 })
		s.rejoin(stale)
		s.await(func() bool { return s.serving() == 3 })
		s.RunFor(2 * Second)
		if left.toServer.lost {
			forgotten++
		}
		c.only = 0
		s.settle()
	})
	if forgotten == 0 || forgotten == seeds {
		t.Errorf("in %d of %d seeds the server never heard that its client had left", forgotten, seeds)
	}
}

// settledOn moves the first client to a server.
func (s *scene) settledOn(m *machine) *client {
	s.t.Helper()
	c := s.clients[0]
	c.only = m.id
	if c.conn == nil || c.conn.process != m.process {
		c.drop()
	}
	s.await(func() bool { return c.ready() && c.conn.process == m.process && len(c.pending) == 0 })
	return c
}

// holdsRequest tells whether a request for the leader is held up.
func (p *process) holdsRequest() bool {
	for _, l := range p.links {
		for i := range l.held {
			if l.held[i].packet.Type == wire.PacketRequest {
				return true
			}
		}
	}
	return false
}

// TestActiveClientStays kills a leader that has not got a write. The follower was in
// touch until then, so it gives the write to the next leader: its client keeps the
// connection and gets the answer.
func TestActiveClientStays(t *testing.T) {
	eachSeed(t, 12, func(t *testing.T, seed uint64) {
		s := newScene(t, seed, 3, 2)
		s.quiet(true)
		old := s.leader()
		c := s.settledOn(s.others(old)[seed%2])
		stays, answered := c.conn, false
		s.RunFor(2 * Second) // the follower has been in touch for a while
		s.network.cut(stays.process.machine.id, old.id)
		path := registerPath(0)
		c.send(&call{op: wire.OpSetData, path: path, done: func(h wire.ReplyHeader, _ wire.Reply) { answered = h.Err == wire.OK }},
			&wire.Request{Op: wire.OpSetData, Path: path, Data: []byte("goes on"), Version: -1})
		s.await(stays.process.holdsRequest)
		old.crash(true)
		s.await(func() bool { return answered || c.conn != stays })
		if !answered {
			t.Errorf("the client lost its connection\n%s", s.Trace())
		}
		old.start()
		c.only = 0
		s.settle()
	})
}
