package core

import (
	"slices"

	"kafkacoord/coord/prep"
	"kafkacoord/coord/tree"
	"kafkacoord/coord/wire"
)

// write turns a client's write into a transaction. Its reply waits for the
// commit.
func (c *Core) write(cn *conn, xid int32, op wire.Op, body []byte) {
	undecodable := wire.DecodeRequest(op, body, &c.req) != nil
	if undecodable && op != wire.OpMulti || c.req.HasNullACL() {
		// Such a request takes no zxid, but it keeps its place.
		c.stats.Malformed++
		c.wait(cn, pending{xid: xid, op: op, err: wire.MarshallingError})
		c.drain(cn)
		return
	}
	if c.noWrites && op != wire.OpCloseSession {
		c.wait(cn, pending{xid: xid, op: op, err: wire.NotReadOnly})
		c.drain(cn)
		return
	}
	if !undecodable && c.tooLarge(&c.req, cn.ids) {
		c.stats.Malformed++
		c.warn("refusing a write: its transaction could be longer than the log takes", "client", cn.remote,
			"operation", op.String(), "limit", c.config.TxnBytes, "hint", "a larger jute.maxbuffer lets larger ones in")
		c.wait(cn, pending{xid: xid, op: op, err: wire.MarshallingError})
		c.drain(cn)
		return
	}
	c.req.Op = op
	p := pending{xid: xid, op: op}
	if c.member != nil {
		p.body = c.hold(body) // it may have to be given to another leader
	}
	if !c.leads() {
		c.wait(cn, p)
		c.forward(cn, cn.pending.last())
		return
	}
	code := c.propose(author{conn: cn, owner: localOwner, ids: cn.ids}, cn.session.ID, xid, &c.req, undecodable)
	switch {
	case code == wire.SessionMoved:
		c.close(cn)
		return
	case c.txn.Type == 0: // refused without a transaction
		p.err = code
		c.wait(cn, p)
		c.drain(cn)
		return
	}
	p.zxid = c.proposed
	c.wait(cn, p)
}

// author is who asks for a write.
type author struct {
	conn  *conn  // that waits for the reply; nil when it is none of this server's
	owner uint64 // as session.Table.Check takes it
	ids   []wire.ID
}

// internal is the author of the server's own transactions.
var internal = author{owner: localOwner}

// propose prepares one write and hands it to the log. A refused write is a
// transaction too. Without a zxid left for it, it is none, and waits for the next
// leader.
func (c *Core) propose(a author, session wire.SessionID, cxid int32, req *wire.Request, undecodable bool) wire.Code {
	if c.exhausted() {
		c.txn.Type = 0
		return wire.OK
	}
	r := prep.Request{Session: session, Cxid: cxid, Owner: a.owner, IDs: a.ids, Req: req, Undecodable: undecodable}
	zxid := c.proposed + 1
	code := c.prep.Txn(c.now, zxid, &r, &c.txn)
	if code == wire.SessionMoved || c.txn.Type == 0 {
		return code
	}
	c.boundList(&c.txn)
	c.log(a, txnRoom(req), c.prep.Prepared())
	return code
}

// log gives the transaction in c.txn to the log, and to the other servers.
func (c *Core) log(a author, room int, known tree.Prepared) {
	zxid := c.txn.Zxid
	c.proposed = zxid
	payload := c.arena.keep(wire.AppendTxn(c.arena.room(room), &c.txn))
	e := Entry{Zxid: zxid, Payload: payload}
	if c.member != nil {
		c.member.proposals = append(c.member.proposals, e)
	} else {
		c.out.Append = append(c.out.Append, e)
	}
	c.inflight.push(proposal{zxid: zxid, payload: payload, known: known, owner: a.owner, conn: a.conn})
	c.stats.Proposals++
}

// txnRoom guesses the length of a request's transaction; a wrong guess costs an
// allocation.
func txnRoom(req *wire.Request) int { return 160 + len(req.Path) + len(req.Data) + 64*len(req.ACL) }

// commit applies every transaction that is committed, in order.
func (c *Core) commit() {
	for n := 0; c.inflight.len() > 0 && c.inflight.front().zxid <= c.committed; n++ {
		if n%aheadStep == 0 {
			c.lookAheadInflight()
		}
		p := *c.inflight.front()
		c.inflight.pop()
		c.apply(&p)
	}
}

// apply applies one transaction, tells watchers, then answers who asked for it.
func (c *Core) apply(p *proposal) {
	txn := &c.applying
	if err := wire.DecodeTxn(p.payload, txn); err != nil {
		panic("core: own transaction " + p.zxid.String() + " does not decode") // broken invariant
	}
	c.stats.Commits++
	if txn.Type == wire.OpCreateSession {
		s := c.sessions.Create(txn.Session, txn.Timeout, c.mono)
		c.sessions.SetOwner(s, p.owner)
	}
	if c.member != nil && p.conn == nil {
		p.conn = c.authorOf(txn)
	}
	res, changes := c.tree.ApplyPrepared(txn, p.known)
	c.event.begin(txn.Zxid)
	for i := range changes {
		c.watches.Fire(changes[i], c.fire)
	}
	c.prep.Applied(txn.Zxid)
	var ended *conn
	if txn.Type == wire.OpCloseSession {
		ended = c.bySession[txn.Session]
		c.sessions.Remove(txn.Session)
	}
	if cn := p.conn; cn != nil && cn.state != connClosing {
		c.replyWrite(cn, txn, &res)
		c.drain(cn)
	}
	for _, cn := range p.syncs {
		c.drain(cn)
	}
	switch {
	case ended == nil:
	case ended.full && ended == p.conn:
		// It asked for the end itself, behind answers that are still to be sent.
		ended.ending = true
	default:
		// The client learns of an expiry when it reconnects and is refused.
		c.close(ended)
	}
}

// replyWrite answers the write at the head of the connection's queue.
func (c *Core) replyWrite(cn *conn, txn *wire.Txn, res *result) {
	if txn.Type == wire.OpError && txn.Err == wire.SessionMoved {
		c.close(cn) // without a reply: the client is elsewhere
		return
	}
	p := *cn.pending.front()
	if cn.full || c.member != nil && (p.zxid != txn.Zxid || !p.op.IsWrite()) {
		// In an ensemble a sync that waits for the leader may stand before it, or one
		// that waits for the same transaction.
		c.holdWriteReply(cn, txn, res)
		return
	}
	if p.zxid != txn.Zxid {
		panic("core: reply to " + txn.Zxid.String() + " is not next in its session") // broken invariant
	}
	cn.pending.pop()
	if p.op == wire.OpCreateSession {
		c.sessionCreated(cn, txn.Session)
		return
	}
	c.touch(cn)
	mark := len(cn.out)
	cn.out = appendWriteFrame(cn.out, &p, txn, res)
	c.stats.Sent++
	cn.stats.Sent++
	c.answered(cn, &p)
	c.stats.response(len(cn.out) - mark)
}

func appendWriteFrame(dst []byte, p *pending, txn *wire.Txn, res *result) []byte {
	code := wire.OK
	if txn.Type == wire.OpError {
		code = txn.Err
	}
	dst, mark := wire.BeginFrame(dst)
	dst = wire.AppendReplyHeader(dst, wire.ReplyHeader{Xid: p.xid, Zxid: txn.Zxid, Err: code})
	if code == wire.OK {
		dst = appendWriteReply(dst, p.op, txn, res)
	}
	return wire.EndFrame(dst, mark)
}

// holdWriteReply keeps the reply to a write of a connection that is full: it has
// its place behind replies that are not sent yet.
func (c *Core) holdWriteReply(cn *conn, txn *wire.Txn, res *result) {
	for i := cn.pending.head; i < len(cn.pending.items); i++ {
		p := &cn.pending.items[i]
		if p.op.IsWrite() && p.zxid == txn.Zxid {
			p.body, p.done = appendWriteFrame(nil, p, txn, res), true
			return
		}
	}
	panic("core: nobody waits for the reply to " + txn.Zxid.String()) // broken invariant
}

// sessionCreated opens the connection and takes the frames that came since.
func (c *Core) sessionCreated(cn *conn, id wire.SessionID) {
	c.establish(cn, id)
	frames := cn.unread
	cn.unread = nil
	c.frames(cn, frames)
	c.releaseOrPause(cn)
}

func appendWriteReply(dst []byte, op wire.Op, txn *wire.Txn, res *result) []byte {
	switch op {
	case wire.OpCreate:
		return wire.AppendString(dst, txn.Path)
	case wire.OpCreate2, wire.OpCreateContainer, wire.OpCreateTTL:
		return wire.AppendStat(wire.AppendString(dst, txn.Path), &res.Stat)
	case wire.OpSetData, wire.OpSetACL:
		return wire.AppendStat(dst, &res.Stat)
	case wire.OpMulti:
		return appendMultiReply(dst, txn, res)
	}
	return dst
}

// appendMultiReply appends one result for each part. When one failed, none
// keeps its own type: those before it are errors with code OK.
func appendMultiReply(dst []byte, txn *wire.Txn, res *result) []byte {
	failed := false
	for i := range txn.Subs {
		failed = failed || txn.Subs[i].Type == wire.OpError
	}
	for i := range txn.Subs {
		sub, r := &txn.Subs[i], &res.Subs[i]
		switch {
		case failed:
			dst = wire.AppendMultiError(dst, r.Code)
		case sub.Type == wire.OpCreate:
			dst = wire.AppendString(wire.AppendMultiResult(dst, wire.OpCreate, wire.OK), sub.Path)
		case sub.Type == wire.OpCreate2, sub.Type == wire.OpCreateContainer, sub.Type == wire.OpCreateTTL:
			dst = wire.AppendString(wire.AppendMultiResult(dst, wire.OpCreate2, wire.OK), sub.Path)
			dst = wire.AppendStat(dst, &r.Stat)
		case sub.Type == wire.OpSetData:
			dst = wire.AppendStat(wire.AppendMultiResult(dst, wire.OpSetData, wire.OK), &r.Stat)
		default:
			dst = wire.AppendMultiResult(dst, sub.Type, wire.OK)
		}
	}
	return wire.AppendMultiEnd(dst)
}

// closeOrphans orders, in the first turn, the end of sessions that own nodes
// but are not in the session table: what a recovery from an old or fuzzy
// snapshot may leave. ZooKeeper: ZooKeeperServer.java loadData.
func (c *Core) closeOrphans() {
	if c.started {
		return
	}
	c.started = true
	for _, id := range slices.Sorted(c.tree.EphemeralOwners()) {
		if c.sessions.Get(id) != nil {
			continue
		}
		c.warn("removing the ephemeral nodes of a session that does not exist any more", "session", id.String())
		c.req = wire.Request{Op: wire.OpCloseSession}
		c.propose(internal, id, 0, &c.req, false)
	}
}

// expire orders the end of sessions whose time is up.
func (c *Core) expire() {
	c.expired = c.sessions.Expire(c.mono, c.expired[:0])
	for _, id := range c.expired {
		c.stats.Expired++
		c.inform("session expired", "session", id.String())
		c.req = wire.Request{Op: wire.OpCloseSession}
		c.propose(internal, id, 0, &c.req, false)
	}
}
