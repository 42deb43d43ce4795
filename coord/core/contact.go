package core

import (
	"kafkacoord/coord/wire"
	"kafkacoord/coord/zab"
)

// contact is how a member knows whether it was in touch with its leader. A server
// that was cut off must not do for its clients what they may have done elsewhere.
type contact struct {
	previous wire.Millis // the turn before this one: what this turn brings came later
	late     wire.Millis // when the process last had no turn for more than a tick
	leader   wire.Millis // the leader was heard then or later
	steady   bool        // the server was in touch with the quorum that it lost

	learners map[wire.PeerID]wire.Millis // a leader heard them then or later
}

func newContact() contact {
	return contact{late: -forever, learners: make(map[wire.PeerID]wire.Millis)}
}

// turn begins a turn. A leader gives its learners something to do twice in a tick,
// so one that has nothing to do for a tick was stopped, or lost its leader; what
// it reads next may be old.
func (t *contact) turn(previous, now, tick wire.Millis) {
	if t.previous = previous; now-previous > tick {
		t.late = now
	}
}

// lost notes the state of things when this server serves no more: whether it has
// heard its leader, or as a leader a quorum, within a tick and a half.
func (m *member) lost(was zab.Role, now, tick wire.Millis) {
	t := &m.contact
	recently := tick * 3 / 2 // PINGs come twice in a tick, and the one before counts
	switch {
	case now-t.late <= tick:
		t.steady = false
	case was == zab.Leading:
		t.steady = m.config.Members.Quorum(func(id wire.PeerID) bool {
			heard, ok := t.learners[id]
			return id == m.config.Self || ok && now-heard <= recently
		})
	default:
		t.steady = now-t.leader <= recently
	}
	clear(t.learners)
}

// spokeJustNow tells whether a client was heard so lately that it has not left
// for silence: it gives a server two thirds of its timeout.
func (c *Core) spokeJustNow(cn *conn) bool {
	return c.mono-cn.spoke <= min(c.config.Tick, wire.Millis(cn.timeout)/3)
}

// closeSilent closes the connections whose clients have not been heard for half of
// their timeout when the server begins to serve. A client that lives speaks every
// third of it, and one that left has been silent for two thirds. Who of several
// servers has the client is known to a leader only since the beginning of its
// epoch: a connection that was left must not claim the session.
func (c *Core) closeSilent() {
	for _, cn := range c.conns {
		if cn != nil && cn.state == connOpen && c.mono-cn.spoke > wire.Millis(cn.timeout)/2 {
			c.inform("closing connection: its client was silent before there was a leader", "client", cn.remote)
			c.close(cn)
		}
	}
}
