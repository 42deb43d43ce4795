package sim

import (
	"encoding/binary"

	"kafkacoord/coord/wire"
)

// sessionTimeout is what clients ask for, in ms.
const sessionTimeout = 6 * tick

// client is a simulated client: one session at a time, on one connection at a
// time, with several requests outstanding.
type client struct {
	world  *World
	number int
	only   wire.PeerID // the server that it stays with; 0: any

	conn     *conn
	shaken   bool // the connect response has come
	session  wire.SessionID
	password []byte
	xid      int32
	seen     wire.Zxid // newest in any reply
	pending  []*call
	heard    Time // when the server was last heard
	round    int  // counts connections, so that old timers do nothing
	idle     bool // asks nothing any more
	closing  bool // has asked for the end of its session

	watches map[string]wire.Zxid // data watches: the change that was seen when set
	work    workload
}

// call is a request on its way.
type call struct {
	xid   int32
	op    wire.Op
	path  string
	watch bool
	// done gets the reply; lost says that there is none and never will be.
	done func(h wire.ReplyHeader, r wire.Reply)
	lost func()
}

func (w *World) addClient(i int) *client {
	c := &client{world: w, number: i, watches: map[string]wire.Zxid{}}
	c.work = workload{client: c, world: w}
	w.clients = append(w.clients, c)
	w.after(w.between(100*Millisecond, 2*Second), c.connect)
	return c
}

// connect opens a connection to some server and the session on it.
func (c *client) connect() {
	if c.conn != nil {
		return
	}
	w := c.world
	m := w.machines[w.random.IntN(len(w.machines))]
	if c.only != 0 {
		m = w.machine(c.only)
	}
	c.round++
	if m.process == nil || m.clientsCut > 0 {
		c.retry()
		return
	}
	c.conn = m.process.accept(c)
	c.shaken = false
	c.heard = w.now
	r := wire.ConnectRequest{
		LastZxidSeen: c.seen, Timeout: sessionTimeout, SessionID: c.session, Password: c.password, HasReadOnly: true,
	}
	if c.session == 0 {
		r.Password = make([]byte, wire.PasswordSize)
	}
	frame, mark := wire.BeginFrame(nil)
	c.conn.send(wire.EndFrame(wire.AppendConnectRequest(frame, &r), mark))
	round := c.round
	w.after(sessionTimeout/3*Millisecond, func() { c.keepAlive(round) })
}

func (c *client) retry() { c.world.after(c.world.between(20*Millisecond, 500*Millisecond), c.connect) }

// keepAlive pings a server that has nothing to say and leaves one that is
// silent.
func (c *client) keepAlive(round int) {
	if c.conn == nil || c.round != round {
		return
	}
	if c.world.now-c.heard > sessionTimeout*2/3*Millisecond {
		c.drop()
		return
	}
	if c.shaken {
		c.send(&call{op: wire.OpPing}, &wire.Request{Op: wire.OpPing})
	}
	c.world.after(sessionTimeout/4*Millisecond, func() { c.keepAlive(round) })
}

// drop leaves the server and goes to another one.
func (c *client) drop() {
	if c.conn != nil {
		c.conn.close()
		c.disconnected(c.conn)
	}
}

// disconnected gives up what is outstanding and reconnects.
func (c *client) disconnected(cn *conn) {
	if c.conn != cn {
		return
	}
	cn.clientClose = true
	c.conn = nil
	lost := c.pending
	c.pending, c.closing = nil, false
	for _, call := range lost {
		if call.lost != nil {
			call.lost()
		}
	}
	c.retry()
}

// ready tells whether requests can be sent.
func (c *client) ready() bool { return c.conn != nil && c.shaken && !c.closing }

// send puts a request on its way. The operation's xid is the next one, but for
// pings and the setting of watches again.
func (c *client) send(k *call, r *wire.Request) {
	switch k.op {
	case wire.OpPing:
		k.xid = wire.XidPing
	case wire.OpSetWatches:
		k.xid = wire.XidSetWatches
	default:
		c.xid++
		k.xid = c.xid
	}
	c.closing = c.closing || k.op == wire.OpCloseSession
	c.pending = append(c.pending, k)
	c.conn.send(wire.AppendRequestFrame(nil, k.xid, r))
}

// receive takes bytes from the server.
func (c *client) receive(cn *conn, frames []byte) {
	if c.conn != cn {
		return
	}
	c.heard = c.world.now
	for len(frames) >= 4 && c.conn == cn {
		n := int(binary.BigEndian.Uint32(frames))
		frame := frames[4 : 4+n]
		frames = frames[4+n:]
		if !c.shaken {
			c.connected(frame)
			continue
		}
		c.frame(frame)
	}
}

// connected takes the answer to the connect request.
func (c *client) connected(frame []byte) {
	r, err := wire.DecodeConnectResponse(frame)
	if err != nil {
		c.world.fail("client %d: connect response: %w", c.number, err)
		return
	}
	if r.SessionID == 0 {
		c.world.tracef("client %d: session %v is over", c.number, c.session)
		c.over()
		c.drop()
		return
	}
	if c.session != 0 && r.SessionID != c.session {
		c.world.fail("client %d: asked for session %v, got %v", c.number, c.session, r.SessionID)
		return
	}
	fresh := c.session == 0
	c.session, c.password, c.shaken = r.SessionID, r.Password, true
	c.world.tracef("client %d: session %v on server %d", c.number, c.session, c.conn.process.machine.id)
	if !fresh && len(c.watches) > 0 {
		c.setWatches()
	}
	c.work.connected(fresh)
}

// over forgets a session that has ended.
func (c *client) over() {
	c.session, c.password, c.xid = 0, nil, 0
	c.closing = false
	clear(c.watches)
}

// frame takes a reply or an event.
func (c *client) frame(frame []byte) {
	d := wire.NewDecoder(frame)
	h := d.ReplyHeader()
	if d.Err() != nil {
		c.world.fail("client %d: a frame of %d bytes is no reply", c.number, len(frame))
		return
	}
	if h.Xid == wire.XidNotification {
		c.event(frame[wire.ReplyHeaderSize:])
		return
	}
	if len(c.pending) == 0 || c.pending[0].xid != h.Xid {
		c.world.fail("session %v: reply to request %d out of order", c.session, h.Xid)
		return
	}
	k := c.pending[0]
	c.pending = c.pending[1:]
	if h.Zxid > 0 {
		if h.Zxid < c.seen {
			c.world.fail("session %v: reply of %v after one of %v", c.session, h.Zxid, c.seen)
			return
		}
		c.seen = h.Zxid
	}
	var r wire.Reply
	if h.Err == wire.OK {
		var err error
		if r, err = wire.DecodeReply(k.op, frame[wire.ReplyHeaderSize:]); err != nil {
			c.world.fail("session %v: reply %x to %v: %w", c.session, frame, k.op, err)
			return
		}
	}
	c.replied(k, h, &r)
}

func (c *client) replied(k *call, h wire.ReplyHeader, r *wire.Reply) {
	if k.op.IsWrite() && h.Err == wire.OK {
		c.world.judge.acknowledged(c.session, k.xid, h.Zxid)
	}
	if k.xid > 0 && h.Zxid > 0 {
		c.world.judge.shown(c.session, k.xid, h.Zxid)
	}
	c.checkWatch(k, h, r)
	if k.done != nil {
		k.done(h, *r)
	}
	if k.op == wire.OpCloseSession {
		c.over()
		c.drop()
	}
}

// event takes a watch event: the watch is used up.
func (c *client) event(body []byte) {
	ev, err := wire.DecodeWatcherEvent(body)
	if err != nil {
		c.world.fail("client %d: watch event: %w", c.number, err)
		return
	}
	delete(c.watches, ev.Path)
}

// checkWatch compares what a reply shows with the watches that have not fired,
// and registers the watch that the request has set.
func (c *client) checkWatch(k *call, h wire.ReplyHeader, r *wire.Reply) {
	if k.op != wire.OpGetData && k.op != wire.OpExists || h.Err != wire.OK && h.Err != wire.NoNode {
		return
	}
	change := r.Stat.Mzxid // 0: there is no node
	if seen, watched := c.watches[k.path]; watched && seen != change {
		c.world.fail("session %v: %s shows %v, the watch set at %v was not told", c.session, k.path, change, seen)
		return
	}
	if k.watch && (h.Err == wire.OK || k.op == wire.OpExists) {
		c.watches[k.path] = change
	}
}

// setWatches sets all watches again after moving to another connection.
func (c *client) setWatches() {
	r := wire.Request{Op: wire.OpSetWatches, RelativeZxid: c.seen}
	for _, path := range watchedPaths {
		switch seen, watched := c.watches[path]; {
		case watched && seen == 0:
			r.ExistWatches = append(r.ExistWatches, path)
		case watched:
			r.DataWatches = append(r.DataWatches, path)
		}
	}
	c.send(&call{op: wire.OpSetWatches}, &r)
}
