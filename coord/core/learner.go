package core

import (
	"kafkacoord/coord/wire"
	"kafkacoord/coord/zab"
)

// learnerClients is what a member keeps for its clients while another server
// leads.
type learnerClients struct {
	opening map[wire.SessionID]*conn // connections that wait for their session
	syncs   queue[*conn]             // whose sync the leader has; it answers in order
	contact contact
	touched []*conn // whose sessions the leader is to be told of
}

func newLearnerClients() learnerClients {
	return learnerClients{opening: make(map[wire.SessionID]*conn), contact: newContact()}
}

// stop forgets what the leader that is lost was asked.
func (l *learnerClients) stop() {
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
// leader answers, and marks the request with its zxid. A connection whose session
// has a request carried out that is not its own is left by its client: it is
// closed, and what it still wanted written is forgotten.
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
	if p := cn.nextWrite(); p != nil && p.xid == txn.Cxid && answers(txn.Type, p.op) {
		p.zxid = txn.Zxid
		return cn
	}
	if ofClient(txn) {
		c.inform("closing connection: its client goes on at another server", "client", cn.remote,
			"session", txn.Session.String())
		c.close(cn)
	}
	return nil
}

// nextWrite is the oldest write of a connection that no transaction is known of.
func (cn *conn) nextWrite() *pending {
	for i := cn.pending.head; i < len(cn.pending.items); i++ {
		if p := &cn.pending.items[i]; p.op.IsWrite() && p.zxid == 0 && !p.done && p.err == wire.OK {
			return p
		}
	}
	return nil
}

// answers tells whether a transaction of this type can come of the operation.
// Servers differ in the type that they give to the kinds of creation.
func answers(txn, op wire.Op) bool {
	return txn == op || txn == wire.OpError || creates(txn) && creates(op)
}

func creates(op wire.Op) bool {
	return op == wire.OpCreate || op == wire.OpCreate2 || op == wire.OpCreateContainer || op == wire.OpCreateTTL
}

// ofClient tells whether the session's client asked for a transaction, from where
// it is now: servers make some by themselves, and what comes from a server that
// the client has left is refused as moved.
func ofClient(txn *wire.Txn) bool {
	return txn.Cxid != 0 && txn.Type != wire.OpCreateSession && (txn.Type != wire.OpError || txn.Err != wire.SessionMoved)
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
	case !cn.validated:
		cn.validated = true
		c.askPlace(cn)
	}
}

// askPlace asks where in the history a returning session stands: the answer of
// the leader comes behind all that it had proposed before, the writes of the
// session's earlier connection among it. An observer cannot tell by itself, for it
// sees nothing of what is under way.
func (c *Core) askPlace(cn *conn) {
	c.forward(cn, &pending{op: wire.OpSync, body: wire.AppendString(nil, "/"), ids: cn.ids})
	c.member.syncs.push(cn)
}

// reattached gives the session to its returning client. All that the client may
// have asked for before is applied.
func (c *Core) reattached(cn *conn) {
	id := cn.wanted
	if c.sessions.Get(id) == nil {
		c.refuseExpired(cn, id) // it ended meanwhile
		return
	}
	c.establish(cn, id)
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
	m.contact.leader = m.contact.previous
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
	if cn.state == connOpening {
		c.reattached(cn)
		return
	}
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
