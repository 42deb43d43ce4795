package core

import (
	"bytes"
	"errors"

	"kafkacoord/coord/auth"
	"kafkacoord/coord/wire"
)

// localOwner is the owner of a session whose client is connected to this server.
const localOwner = 1

// connect handles the first frame of a connection: a new session, or one that
// comes back. The order of checks is ZooKeeper's (ZooKeeperServer.java
// processConnectRequest).
func (c *Core) connect(cn *conn, frame []byte) {
	r, err := wire.DecodeConnectRequest(frame)
	if err != nil {
		c.stats.Malformed++
		c.warn("closing connection: its first frame is no connect request", "client", cn.remote, "length", len(frame))
		c.close(cn)
		return
	}
	c.stats.ConnectRequests++
	cn.readOnly = r.HasReadOnly
	cost := c.config.Throttle.NewCost
	if r.SessionID != 0 {
		cost = c.config.Throttle.RenewCost
	}
	if !c.throttle.admit(c.mono, cost) {
		c.stats.Throttled++
		c.inform("closing connection: sessions are opened too fast (connection throttle)", "client", cn.remote)
		c.close(cn)
		return
	}
	if r.LastZxidSeen > c.tree.Zxid() {
		// Silently: a refusal would end a healthy session. The client tries
		// another server.
		c.inform("closing connection: the client has seen a newer transaction than this server",
			"client", cn.remote, "seen", r.LastZxidSeen.String(), "here", c.tree.Zxid().String())
		c.close(cn)
		return
	}
	cn.timeout = min(max(r.Timeout, c.config.MinSessionTimeout), c.config.MaxSessionTimeout)
	if r.SessionID == 0 {
		c.newSession(cn)
		return
	}
	c.reattach(cn, &r)
}

// newSession orders the creation of a session; the response is sent when it is
// committed.
func (c *Core) newSession(cn *conn) {
	cn.state, cn.wanted = connOpening, c.newID()
	cn.pending.push(pending{op: wire.OpCreateSession, at: c.mono, ids: cn.ids})
	if c.member != nil {
		cn.pending.last().body = wire.AppendInt(nil, cn.timeout)
		c.member.opening[cn.wanted] = cn
	}
	c.orderSession(cn)
}

// orderSession orders the creation of the session that a connection waits for.
func (c *Core) orderSession(cn *conn) {
	if !c.leads() {
		c.forward(cn, cn.pending.front())
		return
	}
	c.req = wire.Request{Op: wire.OpCreateSession, Timeout: cn.timeout}
	c.propose(author{conn: cn, owner: localOwner}, cn.wanted, 0, &c.req, false)
	cn.pending.front().zxid = c.proposed
}

// newID returns an id that no session has: one from the last run may have the
// next number if the wall clock was set back between the runs.
func (c *Core) newID() wire.SessionID {
	for {
		if id := c.ids.Next(); c.sessions.Get(id) == nil {
			return id
		}
	}
}

// reattach gives a session to the connection its client opened now. An older
// connection of that session is closed before the password is looked at.
func (c *Core) reattach(cn *conn, r *wire.ConnectRequest) {
	c.stats.Reattached++
	if old := c.bySession[r.SessionID]; old != nil {
		c.close(old)
	}
	password := wire.SessionPassword(r.SessionID)
	switch {
	case !bytes.Equal(password[:], r.Password):
		c.stats.BadPasswords++
		c.warn("refusing session: wrong password", "client", cn.remote, "session", r.SessionID.String())
		c.refuseSession(cn)
		return
	case !c.leads():
		cn.state, cn.wanted = connOpening, r.SessionID
		c.revalidate(cn)
		return
	}
	c.attach(cn, r.SessionID)
}

// attach gives a connection the session that its client has the password of,
// unless the session has ended. The server leads.
func (c *Core) attach(cn *conn, id wire.SessionID) {
	s := c.sessions.Get(id)
	if s == nil || s.Closing() {
		c.refuseExpired(cn, id)
		return
	}
	c.sessions.SetOwner(s, localOwner)
	c.establish(cn, id)
	c.standBehind(cn)
}

func (c *Core) refuseExpired(cn *conn, id wire.SessionID) {
	c.inform("refusing session: it is expired or closed", "client", cn.remote, "session", id.String())
	c.refuseSession(cn)
}

// standBehind makes the requests of a returning session wait for all that is
// under way: the old connection's writes may be among it, and a client that
// looks whether its write was carried out must not look too early.
func (c *Core) standBehind(cn *conn) {
	if c.inflight.len() == 0 {
		return
	}
	c.wait(cn, pending{op: wire.OpSync, zxid: c.proposed, silent: true})
	c.inflight.last().syncs = append(c.inflight.last().syncs, cn)
}

// establish binds a connection to its session and tells the client.
func (c *Core) establish(cn *conn, id wire.SessionID) {
	if c.member != nil {
		c.member.forget(cn)
	}
	cn.state = connOpen
	cn.after = c.proposed // what is on the way is of the session's old connection
	cn.session = c.sessions.Get(id)
	c.heard(cn)
	c.bySession[id] = cn
	password := wire.SessionPassword(id)
	c.connectResponse(cn, &wire.ConnectResponse{Timeout: cn.timeout, SessionID: id, Password: password[:]})
	cn.stats.established(wire.OpCreateSession)
}

func (c *Core) refuseSession(cn *conn) {
	c.connectResponse(cn, &wire.ConnectResponse{Password: make([]byte, wire.PasswordSize)})
	c.close(cn)
}

func (c *Core) connectResponse(cn *conn, r *wire.ConnectResponse) {
	r.HasReadOnly = cn.readOnly
	c.touch(cn)
	dst, mark := wire.BeginFrame(cn.out)
	cn.out = wire.EndFrame(wire.AppendConnectResponse(dst, r), mark)
}

var errTooManyIDs = errors.New("the connection holds too many identities")

// authRequest answers at once, past requests that wait: an identity counts for
// all requests after it.
func (c *Core) authRequest(cn *conn, xid int32, body []byte) {
	if err := wire.DecodeRequest(wire.OpAuth, body, &c.req); err != nil {
		c.stats.Malformed++
		c.warn("closing connection: broken auth request", "client", cn.remote)
		c.close(cn)
		return
	}
	gained, err := c.auth.Authenticate(c.req.Scheme, c.req.Auth, auth.Peer{Addr: cn.addr})
	ids, fits := auth.Merge(cn.ids, gained)
	if err == nil && !fits {
		err = errTooManyIDs
	}
	if err != nil {
		c.stats.AuthFailed++
		c.warn("closing connection: authentication failed", "client", cn.remote, "reason", err.Error())
		c.header(cn, xid, 0, wire.AuthFailed)
		c.close(cn)
		return
	}
	cn.ids = ids
	c.header(cn, xid, 0, wire.OK)
}

// saslRequest answers as a server without SASL does: an empty token and OK,
// which clients take as the end of the negotiation.
func (c *Core) saslRequest(cn *conn, xid int32, body []byte) {
	if err := wire.DecodeRequest(wire.OpSASL, body, &c.req); err != nil {
		c.stats.Malformed++
		c.warn("closing connection: broken sasl request", "client", cn.remote)
		c.close(cn)
		return
	}
	c.touch(cn)
	dst, mark := wire.BeginFrame(cn.out)
	dst = wire.AppendReplyHeader(dst, wire.ReplyHeader{Xid: xid})
	cn.out = wire.EndFrame(wire.AppendBuffer(dst, nil), mark)
	c.stats.Sent++
	cn.stats.Sent++
}
