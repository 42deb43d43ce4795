package core

import (
	"kafkacoord/coord/wire"
	"kafkacoord/coord/zab"
)

// changed takes a new role. Clients stay connected through an election: their
// requests wait, and go to the next leader.
func (c *Core) changed(ch zab.Change) {
	m := c.member
	was := m.role
	m.role = ch
	waited := c.mono - m.times.since
	m.times.changed(was, ch, c.mono)
	switch {
	case ch.Serving:
		c.inform("serving in a quorum", "role", ch.Role.String(), "leader", int64(ch.Leader), "epoch", ch.Epoch,
			"ms", waited)
		list := &m.config.Members
		c.tree.ShowList(list.Text, wire.Zxid(list.Version), c.now)
		if ch.Role == zab.Leading {
			c.beginToLead(ch.Epoch)
		}
		c.goOn(ch)
	case was.Serving:
		c.dropProposals()
		c.sessions.TouchAll(c.mono) // what was being closed may not be closed after all
		m.learner.stop()
		m.leader.stop()
	}
}

// dropProposals takes back the transactions of this turn that the protocol was
// not given.
func (c *Core) dropProposals() {
	m := c.member
	if len(m.proposals) > 0 {
		c.cutAfter(m.proposals[0].Zxid - 1)
		clear(m.proposals)
		m.proposals = m.proposals[:0]
	}
}

// beginToLead prepares for writes. Everything in the log is applied by now.
func (c *Core) beginToLead(epoch int64) {
	c.proposed = wire.Zxid(epoch << 32)
	c.prep.Reset(c.tree)
	c.stats.resetProposals()
	c.sessions.TouchAll(c.mono)
	for _, cn := range c.conns {
		if cn != nil && cn.state == connOpen {
			c.sessions.SetOwner(cn.session, localOwner)
		}
	}
	c.reaper = reaper{next: c.mono + c.config.Container.CheckInterval}
	c.started = false // the ephemerals of lost sessions are looked for
}

// goOn takes up what waited while there was no leader.
func (c *Core) goOn(ch zab.Change) {
	m := c.member
	if ch.Role != zab.Leading {
		c.claimSessions()
	}
	c.settle(ch)
	m.epoch, m.unknown = ch.Epoch, false
	for _, cn := range c.conns {
		if cn == nil {
			continue
		}
		switch cn.state {
		case connOpening:
			c.openAgain(cn)
		case connOpen:
			c.drain(cn)
		}
		c.catchUp(cn)
	}
}

// catchUp takes the frames that came while a connection could not be served.
func (c *Core) catchUp(cn *conn) {
	if frames := cn.unread; len(frames) > 0 {
		cn.unread = nil
		c.frames(cn, frames)
	}
	c.releaseOrPause(cn)
}

// asked names a request within the history of transactions.
type asked struct {
	session wire.SessionID
	cxid    int32
}

// settle decides what becomes of writes that no leader has answered. One that
// is in the log is answered when it is applied. The history up to now is known
// and final: one that is in no part of it was lost with the leader that it was
// given to, and the next gets it, in the order of its connection. Only where
// that cannot be known, the client learns that it lost its connection: when a
// part of the history came as a snapshot, or when the leader is the same as
// before and may still have the request.
func (c *Core) settle(ch zab.Change) {
	m := c.member
	logged := c.logged()
	for _, cn := range c.conns {
		if cn == nil || cn.state != connOpen {
			continue
		}
		for i := cn.pending.head; i < len(cn.pending.items); i++ {
			p := &cn.pending.items[i]
			switch {
			case p.done || p.err != wire.OK:
			case p.op == wire.OpSync && p.zxid == forLeader:
				c.askLeader(cn, p)
			case p.op == wire.OpSync:
				c.standAt(cn, p, c.proposed)
			case !p.op.IsWrite() || p.zxid != 0:
			case logged[asked{cn.session.ID, p.xid}] > 0:
				logged[asked{cn.session.ID, p.xid}]--
			case m.unknown || ch.Epoch == m.epoch:
				c.inform("closing connection: whether its last write was carried out cannot be known", "client", cn.remote)
				c.close(cn)
			default:
				c.askAgain(cn, p)
			}
			if cn.state != connOpen {
				break
			}
		}
	}
}

// logged counts the requests behind the transactions that wait to be applied
// and whose connection is not known yet.
func (c *Core) logged() map[asked]int {
	found := make(map[asked]int)
	for i := c.inflight.head; i < len(c.inflight.items); i++ {
		p := &c.inflight.items[i]
		if p.conn != nil || wire.DecodeTxn(p.payload, &c.inLog) != nil {
			continue
		}
		found[asked{c.inLog.Session, c.inLog.Cxid}]++
	}
	return found
}

// askAgain gives a write to the present leader.
func (c *Core) askAgain(cn *conn, p *pending) {
	if !c.leads() {
		c.forward(cn, p)
		return
	}
	undecodable := wire.DecodeRequest(p.op, p.body, &c.req) != nil
	c.req.Op = p.op
	code := c.propose(author{conn: cn, owner: localOwner, ids: p.ids}, cn.session.ID, p.xid, &c.req, undecodable)
	switch {
	case code == wire.SessionMoved:
		c.close(cn)
	case c.txn.Type == 0:
		p.err = code
	default:
		p.zxid = c.proposed
	}
}

// openAgain orders again what a connection without a session waits for.
func (c *Core) openAgain(cn *conn) {
	switch {
	case cn.pending.len() == 0 && c.leads():
		c.attach(cn, cn.wanted)
	case cn.pending.len() == 0:
		c.revalidate(cn)
	case cn.pending.front().zxid == 0:
		// If it is in the history already, the second creation only touches it.
		c.orderSession(cn)
	}
}

// closeWaiting sends clients away when there is no leader for long: those that
// have no session here after a tick, the others after syncLimit ticks.
func (c *Core) closeWaiting() {
	m := c.member
	waited := c.mono - m.times.since
	if waited <= c.config.Tick {
		return
	}
	for _, cn := range c.conns {
		if cn == nil || !cn.waiting || cn.state == connClosing {
			continue
		}
		if cn.state == connOpen && waited <= c.config.Tick*wire.Millis(m.config.SyncLimit) {
			continue
		}
		c.inform("closing connection: this server has no leader", "client", cn.remote, "ms", waited)
		c.close(cn)
	}
}
