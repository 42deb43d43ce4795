package core

import (
	"kafkacoord/coord/wire"
	"kafkacoord/coord/zab"
)

// learner is what a member keeps for its clients while another server leads.
type learner struct {
	opening map[wire.SessionID]*conn // connections that wait for their session
	syncs   queue[*conn]             // whose sync the leader has; it answers in order
	touched []*conn                  // whose sessions the leader is to be told of
}

func newLearner() learner {
	return learner{opening: make(map[wire.SessionID]*conn)}
}

// stop forgets what the leader that is lost was asked.
func (l *learner) stop() {
	l.syncs = queue[*conn]{}
	for _, cn := range l.touched {
		cn.reported = false
	}
	l.touched = l.touched[:0]
}

// forLeader is the zxid of a sync whose place in the history the leader has yet
// to say.
const forLeader = wire.Zxid(1) << 62

// forward gives a write to the leader. There is no answer: the transaction comes
// back in its place in the history.
func (c *Core) forward(cn *conn, p *pending) {
	id := cn.wanted
	if cn.session != nil {
		id = cn.session.ID
	}
	r := wire.ForwardedRequest{Session: id, Cxid: p.xid, Op: p.op, Body: p.body}
	packet := wire.Packet{Type: wire.PacketRequest, Zxid: -1, Data: wire.AppendForwardedRequest(nil, &r)}
	if p.op != wire.OpCreateSession {
		packet.IDs = p.ids
	}
	c.member.node.Send(0, packet, &c.member.out)
	c.stats.Forwarded++
}

// authorOf finds the connection of this server that a transaction from the
// leader answers, and marks the request with its zxid.
func (c *Core) authorOf(txn *wire.Txn) *conn {
	var cn *conn
	if txn.Type == wire.OpCreateSession {
		cn = c.member.opening[txn.Session]
	} else if cn = c.bySession[txn.Session]; cn != nil && txn.Zxid <= cn.after {
		return nil // of an earlier connection of the session
	}
	if cn == nil {
		return nil
	}
	for i := cn.pending.head; i < len(cn.pending.items); i++ {
		p := &cn.pending.items[i]
		if !p.op.IsWrite() || p.zxid != 0 || p.done || p.err != wire.OK {
			continue
		}
		// A close without the client's asking for it is an expiry.
		if p.xid != txn.Cxid || (txn.Type == wire.OpCloseSession) != (p.op == wire.OpCloseSession) {
			return nil
		}
		p.zxid = txn.Zxid
		return cn
	}
	return nil
}

// revalidate asks the leader whether a session that comes back still lives.
func (c *Core) revalidate(cn *conn) {
	m := c.member
	if other := m.opening[cn.wanted]; other != nil && other != cn {
		c.close(other) // the client has given it up for this one
	}
	m.opening[cn.wanted], cn.validated = cn, false
	c.askFor(cn.wanted, cn.timeout)
}

// claimSessions tells a leader which sessions have their clients here, before it
// gets their writes: it takes a session for the server that asked last.
func (c *Core) claimSessions() {
	for _, cn := range c.conns {
		if cn != nil && cn.state == connOpen {
			c.askFor(cn.session.ID, cn.timeout)
		}
	}
}

func (c *Core) askFor(id wire.SessionID, timeout int32) {
	m := c.member
	data := wire.AppendRevalidation(nil, wire.Revalidation{Session: id, Timeout: timeout})
	m.node.Send(0, wire.Packet{Type: wire.PacketRevalidate, Zxid: -1, Data: data}, &m.out)
}

// revalidated takes the leader's answer.
func (c *Core) revalidated(d *zab.Delivery) {
	m := c.member
	r, err := wire.DecodeRevalidationReply(d.Packet.Data)
	cn := m.opening[r.Session]
	if err != nil || cn != nil && cn.pending.len() > 0 {
		return
	}
	switch {
	case cn == nil:
		if open := c.bySession[r.Session]; open != nil && !r.Valid {
			c.close(open) // the leader that is gone let it expire
		}
	case !r.Valid:
		c.refuseExpired(cn, r.Session)
	case c.sessions.Get(r.Session) != nil:
		c.reattached(cn, r.Session)
	default:
		cn.validated = true // its creation is on the way
	}
}

// sessionKnown goes on with a connection that waited for its session to become
// known here.
func (c *Core) sessionKnown(id wire.SessionID) {
	if cn := c.member.opening[id]; cn != nil && cn.validated {
		c.reattached(cn, id)
	}
}

func (c *Core) reattached(cn *conn, id wire.SessionID) {
	cn.after = c.proposed // what is on the way is of the session's old connection
	c.establish(cn, id)
	c.standBehind(cn)
	c.catchUp(cn)
}

// report puts a connection on the list of those whose sessions the leader is
// told of with the next ping.
func (m *member) report(cn *conn) {
	if !cn.reported && m.role.Role != zab.Leading {
		cn.reported = true
		m.touched = append(m.touched, cn)
	}
}

// answerPing tells the leader which sessions were heard of since its last ping.
func (c *Core) answerPing(d *zab.Delivery) {
	m := c.member
	m.touches = m.touches[:0]
	for _, cn := range m.touched {
		cn.reported = false
		if cn.state == connOpen {
			m.touches = append(m.touches, wire.Touch{Session: cn.session.ID, Timeout: cn.timeout})
		}
	}
	m.touched = m.touched[:0]
	table := wire.AppendTouches([]byte{}, m.touches) // an empty table, not none
	m.node.Send(0, wire.Packet{Type: wire.PacketPing, Zxid: d.Packet.Zxid, Data: table}, &m.out)
}

// synced answers the oldest sync that the leader was given: what was before it
// is applied.
func (c *Core) synced() {
	m := c.member
	if m.syncs.len() == 0 {
		return
	}
	cn := *m.syncs.front()
	m.syncs.pop() // also when the client is gone: answers are counted
	if p := cn.nextSync(); p != nil {
		p.zxid = 0
		c.drain(cn)
	}
}

// nextSync is the oldest sync of a connection that waits for the leader's word.
func (cn *conn) nextSync() *pending {
	for i := cn.pending.head; i < len(cn.pending.items); i++ {
		if p := &cn.pending.items[i]; p.op == wire.OpSync && p.zxid == forLeader && p.err == wire.OK {
			return p
		}
	}
	return nil
}
