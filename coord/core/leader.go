package core

import (
	"kafkacoord/coord/tree"
	"kafkacoord/coord/wire"
	"kafkacoord/coord/zab"
)

// leaderDuties is what a member keeps while it leads.
type leaderDuties struct {
	confirming queue[confirming]
}

// confirming is a sync of an own client that waits until a quorum has confirmed
// that this server leads: else another may have answered writes already.
type confirming struct {
	token uint64
	conn  *conn
	zxid  wire.Zxid // proposed when it came
}

func (l *leaderDuties) stop() { l.confirming = queue[confirming]{} }

// owner is how the session table names the clients of another server.
func owner(peer wire.PeerID) uint64 { return uint64(peer)<<1 + localOwner + 1 }

// forwarded takes a request that a client sent to another server. Whatever
// becomes of it is a transaction, for the other server waits for one.
func (c *Core) forwarded(d *zab.Delivery) {
	if !c.leads() {
		return
	}
	r, err := wire.DecodeForwardedRequest(d.Packet.Data)
	if err != nil {
		// Its client would wait for ever for the transaction.
		c.warn("closing the link to a server that sent a broken request", "server", int64(d.Peer), "error", err.Error())
		c.stats.Malformed++
		c.out.CloseLinks = append(c.out.CloseLinks, d.Link)
		c.member.node.LinkDown(d.Link, &c.member.out)
		return
	}
	if r.Op == wire.OpSync {
		c.member.node.Sync(d.Link, &c.member.out)
		return
	}
	a := author{owner: owner(d.Peer), ids: d.Packet.IDs}
	undecodable := wire.DecodeRequest(r.Op, r.Body, &c.req) != nil
	c.req.Op = r.Op
	code := wire.OK
	switch {
	case undecodable && r.Op != wire.OpMulti, !undecodable && c.req.HasNullACL(), c.tooLarge(&c.req, a.ids):
		code = wire.MarshallingError
	case c.noWrites && r.Op != wire.OpCloseSession && r.Op != wire.OpCreateSession:
		code = wire.NotReadOnly
	}
	if code == wire.OK {
		if code = c.propose(a, r.Session, r.Cxid, &c.req, undecodable); code != wire.SessionMoved && c.txn.Type != 0 {
			return
		}
	}
	c.txn = wire.Txn{
		Session: r.Session, Cxid: r.Cxid, Zxid: c.proposed + 1, Time: c.now, Type: wire.OpError, Err: code,
		ACL: c.txn.ACL[:0], Subs: c.txn.Subs[:0],
	}
	c.log(a, txnRoom(&c.req), tree.Prepared{})
}

// validate answers a learner whose client came back with a session.
func (c *Core) validate(d *zab.Delivery) {
	r, err := wire.DecodeRevalidation(d.Packet.Data)
	if err != nil || !c.leads() {
		return
	}
	s := c.sessions.Get(r.Session)
	valid := s != nil && !s.Closing()
	if valid {
		c.sessions.SetOwner(s, owner(d.Peer))
		c.sessions.Touch(s, r.Timeout, c.mono)
		if old := c.bySession[r.Session]; old != nil {
			c.close(old) // the client has left it
		}
	}
	data := wire.AppendRevalidationReply(nil, wire.RevalidationReply{Session: r.Session, Valid: valid})
	c.member.node.Send(d.Link, wire.Packet{Type: wire.PacketRevalidate, Zxid: d.Packet.Zxid, Data: data}, &c.member.out)
}

// touchAll takes the sessions that a learner heard of.
func (c *Core) touchAll(d *zab.Delivery) {
	m := c.member
	m.contact.learners[d.Peer] = m.contact.previous
	var err error
	if m.touches, err = wire.DecodeTouches(m.touches, d.Packet.Data); err != nil {
		c.warn("ignoring a broken list of sessions of another server", "server", int64(d.Peer))
		return
	}
	for _, t := range m.touches {
		if s := c.sessions.Get(t.Session); s != nil {
			c.sessions.Touch(s, t.Timeout, c.mono)
		}
	}
}

// askLeader asks for the place of a sync in the history.
func (c *Core) askLeader(cn *conn, p *pending) {
	m := c.member
	if c.leads() {
		token := m.node.Confirm(&m.out)
		m.confirming.push(confirming{token: token, conn: cn, zxid: c.proposed})
		return
	}
	c.forward(cn, p)
	m.syncs.push(cn)
}

// confirmed lets the syncs go on that were waiting for a token up to this one.
func (c *Core) confirmed(token uint64) {
	queue := &c.member.confirming
	for queue.len() > 0 && queue.front().token <= token {
		f := *queue.front()
		queue.pop()
		if p := f.conn.nextSync(); p != nil {
			c.standAt(f.conn, p, f.zxid)
			c.drain(f.conn)
		}
	}
}

// standAt has a sync wait until the transactions up to z that are in the log are
// applied.
func (c *Core) standAt(cn *conn, p *pending, z wire.Zxid) {
	p.zxid = 0
	for i := len(c.inflight.items) - 1; i >= c.inflight.head; i-- {
		if f := &c.inflight.items[i]; f.zxid <= z {
			p.zxid = f.zxid
			f.syncs = append(f.syncs, cn)
			return
		}
	}
}
