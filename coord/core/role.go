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
		m.contact.leader = c.mono
		c.inform("serving in a quorum", "role", ch.Role.String(), "leader", int64(ch.Leader), "epoch", ch.Epoch,
			"ms", waited)
		list := &m.config.Members
		c.tree.ShowList(list.Text, wire.Zxid(list.Version), c.now)
		c.closeSilent()
		if ch.Role == zab.Leading {
			c.beginToLead(ch.Epoch)
		}
		c.goOn(ch, waited)
	case was.Serving:
		m.lost(was.Role, c.mono, c.config.Tick)
		c.dropProposals()
		c.closeExpiring()
		c.sessions.TouchAll(c.mono) // what was being closed may not be closed after all
		m.learnerClients.stop()
		m.leaderDuties.stop()
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

// goOn takes up what waited while there was no leader, for that many ms.
func (c *Core) goOn(ch zab.Change, waited wire.Millis) {
	m := c.member
	if ch.Role != zab.Leading {
		c.claimSessions()
	}
	c.settle(ch, m.contact.steady && waited <= c.config.Tick)
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
// given to, and the next gets it, in the order of its connection. Where that
// cannot be known, or where the client may have gone on at another server, the
// client learns that it lost its connection: when a part of the history came as a
// snapshot, when the leader is the same as before and may still have the request,
// and when connection or server were out of touch. See DESIGN.md.
func (c *Core) settle(ch zab.Change, inTouch bool) {
	logged := c.logged()
	for _, cn := range c.conns {
		if cn == nil || cn.state != connOpen {
			continue
		}
		again := inTouch && !c.member.unknown && ch.Epoch != c.member.epoch && c.spokeJustNow(cn)
		for i := cn.pending.head; i < len(cn.pending.items) && cn.state == connOpen; i++ {
			c.settleOne(cn, &cn.pending.items[i], logged, again)
		}
	}
}

// settleOne decides about one request; again says whether a write of this
// connection may be given to the leader again.
func (c *Core) settleOne(cn *conn, p *pending, logged map[asked]int, again bool) {
	name := asked{cn.session.ID, p.xid}
	switch {
	case p.done || p.err != wire.OK:
	case p.op == wire.OpSync && p.zxid == forLeader:
		c.askLeader(cn, p)
	case p.op == wire.OpSync:
		c.standAt(cn, p, c.proposed)
	case !p.op.IsWrite() || p.zxid != 0:
	case logged[name] > 0:
		logged[name]--
	case again:
		c.askAgain(cn, p)
	default:
		c.inform("closing connection: whether its last write was carried out, or is still wanted, cannot be known",
			"client", cn.remote)
		c.close(cn)
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
// have no session here after a tick, those that wait for a write after two thirds
// of their timeout, when they give up by themselves, the others after syncLimit
// ticks.
func (c *Core) closeWaiting() {
	waited := c.mono - c.member.times.since
	if waited <= c.config.Tick {
		return
	}
	for _, cn := range c.conns {
		if cn == nil || cn.state == connClosing || !c.waitedTooLong(cn, waited) {
			continue
		}
		c.inform("closing connection: this server has no leader", "client", cn.remote, "ms", waited)
		c.close(cn)
	}
}

func (c *Core) waitedTooLong(cn *conn, waited wire.Millis) bool {
	switch {
	case cn.state == connOpen && cn.awaitsWrite() && waited > wire.Millis(cn.timeout)*2/3:
		return true
	case !cn.waiting:
		return false
	}
	return cn.state != connOpen || waited > c.config.Tick*wire.Millis(c.member.config.SyncLimit)
}

// awaitsWrite tells whether a write of the connection is not carried out.
func (cn *conn) awaitsWrite() bool {
	for i := cn.pending.head; i < len(cn.pending.items); i++ {
		if p := &cn.pending.items[i]; p.op.IsWrite() && !p.done && p.err == wire.OK {
			return true
		}
	}
	return false
}

// closeExpiring closes the connections of sessions that were being expired: their
// requests since then were dropped, and the sessions may live on.
func (c *Core) closeExpiring() {
	for _, cn := range c.conns {
		if cn == nil || cn.state != connOpen || !cn.session.Closing() {
			continue
		}
		if n := cn.pending.len(); n > 0 && cn.pending.last().op == wire.OpCloseSession {
			continue // its client has asked for it, and for nothing since
		}
		c.close(cn)
	}
}
