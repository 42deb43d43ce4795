package core

import (
	"encoding/binary"
	"net/netip"

	"kafkacoord/coord/auth"
	"kafkacoord/coord/session"
	"kafkacoord/coord/wire"
)

type connState uint8

const (
	connNew     connState = iota // no connect request yet
	connOpening                  // its session is being created
	connOpen
	connClosing // no further request is taken; ends after this turn's bytes
)

// conn is a client connection as the core sees it.
type conn struct {
	id     ConnID
	remote string
	addr   netip.Addr
	secure bool
	state  connState

	// ids is replaced, never changed in place: pending requests keep the
	// identities they came with.
	ids []wire.ID

	session  *session.Session
	wanted   wire.SessionID // while it is opening: the session that it waits for
	timeout  int32          // negotiated on this connection, ms
	readOnly bool           // the connect request carried the flag

	pending queue[pending]
	unread  []byte      // frames that wait: for the session, or until full is over
	full    bool        // answers wait until the client has taken what it was sent
	ending  bool        // its session is closed: it ends after the answers that wait
	seen    wire.Millis // monotonic: when a request last touched the session

	out     []byte
	touched bool
	asking  bool // it sent a four-letter word
	waiting bool // its batch is not released yet

	// Of a member of an ensemble that does not lead:
	after     wire.Zxid   // transactions up to it are not of this connection
	reported  bool        // it is in the list of sessions to tell the leader of
	validated bool        // the leader knows the session that it wants
	spoke     wire.Millis // monotonic: its client sent something then or later

	stats ConnStats
}

// pending is a request that waits for its turn to be answered: a write for its
// transaction, anything else for the writes before it.
type pending struct {
	xid     int32
	op      wire.Op
	err     wire.Code // answered with this code when its turn comes
	zxid    wire.Zxid // of the write, 0 before it is known; for sync, what must be applied before it
	body    []byte
	ids     []wire.ID
	at      wire.Millis
	counted bool // as outstanding
	silent  bool // a barrier, not a request: a sync without an answer
	done    bool // a write whose reply, a whole frame in body, is ready
}

// Space for output is kept from turn to turn, but not by connections: most of
// them are at rest.
const (
	outKeptBytes = 64 << 10
	outKeptCount = 256
)

// flushed forgets the output of the last turn.
func (c *Core) flushed(cn *conn) {
	cn.touched = false
	if n := cap(cn.out); n > 0 && n <= outKeptBytes && len(c.spare) < outKeptCount {
		c.spare = append(c.spare, cn.out[:0])
	}
	cn.out = nil
}

// touch prepares a connection for output in this turn.
func (c *Core) touch(cn *conn) {
	if cn.touched {
		return
	}
	cn.touched = true
	c.touched = append(c.touched, cn)
	if n := len(c.spare); n > 0 {
		cn.out, c.spare = c.spare[n-1], c.spare[:n-1]
	}
}

func (c *Core) conn(id ConnID) *conn {
	if int(id) < len(c.conns) {
		return c.conns[id]
	}
	return nil
}

func (c *Core) opened(o *Opened) {
	for int(o.Conn) >= len(c.conns) {
		c.conns = append(c.conns, nil)
	}
	cn := &conn{
		id: o.Conn, remote: o.Remote.String(), addr: o.Remote.Addr(), secure: o.Secure,
		ids: []wire.ID{auth.AddressID(o.Remote.Addr())},
	}
	cn.stats.start(c.now)
	c.conns[o.Conn] = cn
	c.stats.Connections++
}

// closed forgets a connection. Its session lives on; writes on their way are
// carried out, their replies dropped.
func (c *Core) closed(id ConnID) {
	cn := c.conn(id)
	if cn == nil {
		return
	}
	c.detach(cn)
	if cn.waiting { // nobody submits for it any more, but the batch is given back
		cn.waiting = false
		c.out.Release = append(c.out.Release, id)
	}
	c.conns[id] = nil
	c.stats.Connections--
}

// detach ends a connection's part in the server: no more input is taken, no
// watch fires to it.
func (c *Core) detach(cn *conn) {
	cn.state = connClosing
	c.watches.RemoveConn(cn.id)
	if cn.session != nil && c.bySession[cn.session.ID] == cn {
		delete(c.bySession, cn.session.ID)
	}
	for cn.pending.len() > 0 {
		if cn.pending.front().counted && !cn.full {
			c.outstanding--
		}
		cn.pending.pop()
	}
	cn.unread, cn.full = nil, false
	if c.member != nil {
		c.member.forget(cn)
	}
}

// close orders the connection closed after what it has been sent.
func (c *Core) close(cn *conn) {
	if cn.state != connClosing {
		c.detach(cn)
		c.touch(cn)
	}
}

// batch takes the frames of one read in order.
func (c *Core) batch(b *Batch) {
	cn := c.conn(b.Conn)
	if cn == nil {
		return
	}
	if cn.state == connClosing {
		c.out.Release = append(c.out.Release, cn.id)
		return
	}
	cn.waiting = true
	if c.member != nil {
		cn.spoke = c.member.contact.previous
	}
	c.stats.BytesReceived += int64(len(b.Frames))
	c.lookAhead(b.Frames)
	c.frames(cn, b.Frames)
	c.releaseOrPause(cn)
}

func (c *Core) frames(cn *conn, frames []byte) {
	for len(frames) >= 4 {
		if !c.serving() || cn.state == connOpening || c.isFull(cn) {
			cn.unread = append(cn.unread, frames...)
			return
		}
		if cn.state == connClosing {
			return
		}
		n := int(binary.BigEndian.Uint32(frames))
		if n < 0 || n > len(frames)-4 {
			c.warn("connection sent a broken batch", "client", cn.remote)
			c.close(cn)
			return
		}
		frame := frames[4 : 4+n : 4+n]
		frames = frames[4+n:]
		if cn.state == connNew {
			c.connect(cn, frame)
		} else {
			c.request(cn, frame)
		}
	}
}

// releaseOrPause lets the connection read on unless it waits for its session,
// or the server has too much to do and some of it is this connection's.
func (c *Core) releaseOrPause(cn *conn) {
	if !cn.waiting || cn.state == connOpening || cn.full {
		return
	}
	if !c.serving() && cn.state != connClosing {
		return
	}
	if cn.state != connClosing && c.overLimit(cn) {
		c.paused = append(c.paused, cn.id)
		c.stats.Throttled++
		return
	}
	cn.waiting = false
	c.out.Release = append(c.out.Release, cn.id)
}

// turnBytesMax is how much one connection is answered in a turn, give or take one
// reply: a small batch may ask for a large node many hundred times.
const turnBytesMax = 1 << 20

// isFull tells whether a connection must wait until its client has taken what it
// was sent, and notes it the first time.
func (c *Core) isFull(cn *conn) bool {
	if !cn.full && len(cn.out) >= turnBytesMax && cn.state == connOpen {
		cn.full = true
		c.outstanding -= cn.countedRequests()
		c.out.Full = append(c.out.Full, cn.id)
	}
	return cn.full
}

// countedRequests are the requests that wait and count as outstanding. While a
// connection is full they do not: a client that reads slowly must not hold up
// the others.
func (cn *conn) countedRequests() (n int) {
	for _, p := range cn.pending.items[cn.pending.head:] {
		if p.counted {
			n++
		}
	}
	return n
}

// ready goes on where isFull stopped: first with the requests that were taken,
// then with the frames behind them.
func (c *Core) ready(id ConnID) {
	cn := c.conn(id)
	if cn == nil || !cn.full {
		return
	}
	cn.full = false
	c.outstanding += cn.countedRequests()
	c.heard(cn) // the client reads: it lives
	c.drain(cn)
	if cn.ending && cn.pending.len() == 0 {
		c.close(cn)
	}
	if !cn.full {
		frames := cn.unread
		cn.unread = nil
		c.frames(cn, frames)
	}
	c.releaseOrPause(cn)
}

func (c *Core) overLimit(cn *conn) bool {
	return c.outstanding > c.config.OutstandingLimit && cn.pending.len() > 0
}

// resume lets paused connections read on once the backlog is gone.
func (c *Core) resume() {
	if len(c.paused) == 0 {
		return
	}
	still := c.paused[:0]
	for _, id := range c.paused {
		cn := c.conn(id)
		switch {
		case cn == nil || !cn.waiting:
		case c.overLimit(cn), !c.serving():
			still = append(still, id)
		default:
			cn.waiting = false
			c.out.Release = append(c.out.Release, id)
		}
	}
	c.paused = still
}

// request takes one frame of an open connection.
func (c *Core) request(cn *conn, frame []byte) {
	if len(frame) < wire.RequestHeaderSize {
		c.warn("closing connection: frame too short for a request header", "client", cn.remote, "length", len(frame))
		c.stats.Malformed++
		c.close(cn)
		return
	}
	xid := int32(binary.BigEndian.Uint32(frame))
	op := wire.Op(binary.BigEndian.Uint32(frame[4:]))
	body := frame[wire.RequestHeaderSize:]
	c.stats.Received++
	cn.stats.received(xid, op)
	switch {
	case op == wire.OpAuth:
		c.authRequest(cn, xid, body)
	case op == wire.OpSASL:
		c.saslRequest(cn, xid, body)
	case !c.auth.MayRequest(cn.ids):
		c.header(cn, xid, 0, wire.SessionClosedNeedsAuth)
		c.warn("closing connection: no identity of a required scheme", "client", cn.remote)
		c.close(cn)
	default:
		c.ordered(cn, xid, op, body)
	}
}

// ordered takes a request that keeps its place in the session's order. Only
// such requests keep a session alive.
func (c *Core) ordered(cn *conn, xid int32, op wire.Op, body []byte) {
	if cn.seen != c.mono {
		cn.seen = c.mono
		c.heard(cn)
	}
	switch {
	case !op.ClientMaySend():
		c.refuseUnknown(cn, xid, op)
	case cn.session.Closing():
		// The session is expired or being closed: no answer.
	case op.IsWrite():
		c.write(cn, xid, op, body)
	case op == wire.OpSync:
		c.sync(cn, xid, body)
	case cn.pending.len() == 0:
		c.read(cn, xid, op, body, cn.ids)
		c.stats.latency(&c.stats.Read, 0)
		cn.stats.answered(c.tree.Zxid(), c.mono, 0)
	default:
		c.wait(cn, pending{xid: xid, op: op, body: c.hold(body)})
	}
}

// heard notes that a connection's client lives.
func (c *Core) heard(cn *conn) {
	c.sessions.Touch(cn.session, cn.timeout, c.mono)
	if c.member != nil {
		c.member.report(cn)
	}
}

func (c *Core) refuseUnknown(cn *conn, xid int32, op wire.Op) {
	c.warn("closing connection: operation unknown or not for clients", "client", cn.remote, "operation", int32(op))
	c.stats.UnknownOps++
	c.header(cn, xid, -1, wire.Unimplemented)
	c.close(cn)
}

// hold copies the body of a request that waits: the batch it came in is reused
// after the turn.
func (c *Core) hold(body []byte) []byte {
	return c.held.keep(append(c.held.room(len(body)), body...))
}

func (c *Core) wait(cn *conn, p pending) {
	p.ids, p.at = cn.ids, c.mono
	if p.counted = p.xid > 0; p.counted {
		c.outstanding++
	}
	cn.pending.push(p)
}

func (c *Core) answered(cn *conn, p *pending) {
	if p.counted {
		c.outstanding--
	}
	class := &c.stats.Read
	if p.op.IsWrite() {
		class = &c.stats.Update
	}
	took := c.mono - p.at
	c.stats.latency(class, took)
	cn.stats.answered(c.tree.Zxid(), c.mono, took)
}

// drain answers everything at the head of a connection's queue that waits for
// no transaction any more.
func (c *Core) drain(cn *conn) {
	for cn.state == connOpen && cn.pending.len() > 0 {
		p := *cn.pending.front()
		if !p.done && p.err == wire.OK && (p.op.IsWrite() || p.op == wire.OpSync && p.zxid > c.tree.Zxid()) {
			return
		}
		if c.isFull(cn) {
			return
		}
		cn.pending.pop()
		switch {
		case p.silent:
			continue
		case p.done:
			c.touch(cn)
			// The zxids of a connection's replies never go back: reads before this
			// write have been answered from a later state.
			binary.BigEndian.PutUint64(p.body[8:], uint64(c.tree.Zxid()))
			cn.out = append(cn.out, p.body...)
			c.stats.Sent++
			cn.stats.Sent++
		case p.err != wire.OK:
			c.header(cn, p.xid, c.tree.Zxid(), p.err)
		case p.op == wire.OpSync:
			c.syncReply(cn, p.xid, p.body)
		default:
			c.read(cn, p.xid, p.op, p.body, p.ids)
		}
		c.answered(cn, &p)
	}
}

// header sends a reply without a body.
func (c *Core) header(cn *conn, xid int32, zxid wire.Zxid, err wire.Code) {
	c.touch(cn)
	dst, mark := wire.BeginFrame(cn.out)
	dst = wire.AppendReplyHeader(dst, wire.ReplyHeader{Xid: xid, Zxid: zxid, Err: err})
	cn.out = wire.EndFrame(dst, mark)
	c.stats.Sent++
	cn.stats.Sent++
}
