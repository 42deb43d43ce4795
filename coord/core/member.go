package core

import (
	"kafkacoord/coord/prep"
	"kafkacoord/coord/wire"
	"kafkacoord/coord/zab"
)

// member is what a server knows as part of an ensemble. Each piece belongs to
// one of three: the protocol, this server as a learner, this server as a leader.
type member struct {
	config zab.Config
	node   *zab.Node
	out    zab.Output
	spare  zab.Output // the one that is being carried out
	begun  bool

	role    zab.Change // the newest
	epoch   int64      // in which unanswered writes were given to a leader
	unknown bool       // the history has a part that was never seen: it came as a snapshot

	received  map[zab.LinkID]*State // snapshots that are not installed
	proposals []Entry               // of this turn
	touches   []wire.Touch          // scratch
	times     memberTimes

	learnerClients
	leaderDuties
}

func newMember(config zab.Config, s State) *member {
	return &member{
		config: config,
		node: zab.New(config, zab.State{
			Last: s.Zxid, Recent: s.Recent, Accepted: s.Accepted, Current: s.Current, Floor: s.Floor,
		}),
		received:       make(map[zab.LinkID]*State),
		learnerClients: newLearnerClients(),
	}
}

// Serving tells whether the server takes requests: always when it stands alone,
// else while it is part of a quorum.
func (c *Core) Serving() bool { return c.serving() }

// serving tells whether requests are taken. A member of an ensemble without a
// leader lets them wait.
func (c *Core) serving() bool { return c.member == nil || c.member.role.Serving }

// leads tells whether this server turns writes into transactions. With the last
// zxid of its epoch a leader ceases to: further writes wait as they do when there
// is no leader.
func (c *Core) leads() bool {
	return c.member == nil || c.member.role.Role == zab.Leading && c.member.role.Serving && !c.exhausted()
}

// exhausted tells whether there is no zxid for a further transaction. A server that
// stands alone has no epochs: there the counter runs over into them, as in
// ZooKeeper.
func (c *Core) exhausted() bool { return c.member != nil && c.member.config.EpochEnds(c.proposed) }

func (m *member) nextWake() wire.Millis { return m.node.NextWake() }

// forget drops what refers to a connection that ends.
func (m *member) forget(cn *conn) {
	if m.opening[cn.wanted] == cn {
		delete(m.opening, cn.wanted)
	}
	cn.wanted = 0
}

// hearPeers takes in what the log, the disk and other servers did.
func (c *Core) hearPeers(in *Input) {
	m := c.member
	if !m.begun {
		m.begun = true
		m.times.since = c.mono
		m.node.Start(c.mono, &m.out)
		c.carryOut()
	}
	if in.Durable > 0 {
		// What was cut off the log meanwhile may have been reported as well.
		m.node.Durable(min(in.Durable, c.proposed), &m.out)
		m.times.durable(m.config.Self, in.Durable, c.mono)
		c.carryOut()
	}
	for i := range in.DiskDone {
		if s := in.DiskDone[i].State; s != nil {
			c.adopt(s)
		}
		m.node.DiskDone(&m.out)
		c.carryOut()
	}
	for i := range in.Peers {
		c.peerEvent(&in.Peers[i])
		c.carryOut()
	}
}

func (c *Core) peerEvent(e *PeerEvent) {
	m := c.member
	switch e.Kind {
	case PeerNotification:
		m.node.Notification(e.Peer, &e.Notification, &m.out)
	case PeerReachable, PeerUnreachable:
		m.node.Reachable(e.Peer, e.Kind == PeerReachable, &m.out)
	case LinkUp:
		m.node.LinkUp(e.Link, e.Peer, &m.out)
	case LinkDown:
		delete(m.received, e.Link)
		m.node.LinkDown(e.Link, &m.out)
	case LinkPacket:
		if e.Snapshot != nil {
			m.received[e.Link] = e.Snapshot
		}
		if e.Packet.Type == wire.PacketAck {
			c.acknowledged(e.Link, e.Packet.Zxid)
		}
		if reason := c.unreadable(&e.Packet); reason != "" {
			m.node.Refuse(e.Link, reason, &m.out)
			return
		}
		m.node.Packet(e.Link, &e.Packet, &m.out)
	case LinkMoving:
		m.node.Alive(e.Link)
	case LogRead:
		m.node.History(e.Link, e.Entries, e.OK, &m.out)
	}
}

// unreadable says what is wrong with a transaction from the leader; "" for nothing.
// Once in the log, it could neither be applied nor got rid of.
func (c *Core) unreadable(p *wire.Packet) string {
	payload := p.Data
	switch p.Type {
	case wire.PacketProposal, wire.PacketInform:
	case wire.PacketInformAndActivate:
		payload = payload[min(8, len(payload)):] // behind the designated leader
	default:
		return ""
	}
	if wire.DecodeTxn(payload, &c.inLog) != nil {
		return "it sent a transaction " + p.Zxid.String() + " that cannot be read"
	}
	if c.inLog.Zxid != p.Zxid {
		return "it sent the transaction " + c.inLog.Zxid.String() + " as " + p.Zxid.String()
	}
	return ""
}

// tellPeers ends a turn: new transactions go out, time passes.
func (c *Core) tellPeers() {
	m := c.member
	if len(m.proposals) > 0 {
		proposals := m.proposals
		m.proposals = m.proposals[len(m.proposals):]
		m.node.Propose(proposals, &m.out)
		if end := m.node.LogEnd(); end < proposals[len(proposals)-1].Zxid {
			c.cutAfter(end) // the others were not taken
		}
		c.timeProposals(proposals)
		clear(proposals)
		m.proposals = proposals[:0]
	}
	m.node.Tick(c.mono, &m.out)
	c.carryOut()
	if !c.serving() {
		c.closeWaiting()
	}
	// Learners may hear before this server does that it leads, and wait there.
	c.out.Listen = m.role.Role == zab.Leading || m.role.Role == zab.Looking
}

// carryOut does what the protocol asks for, until it asks for nothing more.
func (c *Core) carryOut() {
	m := c.member
	for !m.out.Empty() {
		m.out, m.spare = m.spare, m.out
		o := &m.spare
		for i := range o.Disk {
			c.diskOrder(&o.Disk[i])
		}
		if o.Commit > c.committed {
			c.committed = o.Commit
			m.times.committed(o.Commit, c.mono)
			c.commit()
		}
		for i := range o.Sends {
			c.sendPeer(&o.Sends[i])
		}
		for i := range o.Notes {
			c.out.Notes = append(c.out.Notes, Note(o.Notes[i]))
		}
		c.out.Ballots = append(c.out.Ballots, o.Ballots...)
		c.out.ReadLog = append(c.out.ReadLog, o.ReadLog...)
		for _, link := range o.Close {
			delete(m.received, link)
			c.out.CloseLinks = append(c.out.CloseLinks, link)
		}
		if o.Dial != 0 {
			c.out.Dial = o.Dial
		}
		for i := range o.Changes {
			c.changed(o.Changes[i])
		}
		for i := range o.Deliver {
			c.deliver(&o.Deliver[i])
		}
		if o.Confirmed != 0 {
			c.confirmed(o.Confirmed)
		}
		o.Reset()
	}
}

// deliver takes a packet that concerns clients.
func (c *Core) deliver(d *zab.Delivery) {
	leading := c.member.role.Role == zab.Leading
	switch d.Packet.Type {
	case wire.PacketRequest:
		c.forwarded(d)
	case wire.PacketRevalidate:
		if leading {
			c.validate(d)
		} else {
			c.revalidated(d)
		}
	case wire.PacketPing:
		if leading {
			c.touchAll(d)
		} else {
			c.answerPing(d)
		}
	case wire.PacketSync:
		c.synced()
	}
}

func (c *Core) sendPeer(s *zab.Send) {
	send := PeerSend{Link: s.Link, Packet: s.Packet}
	if s.Packet.Type == wire.PacketSnap {
		send.Snapshot = c.Snapshot()
	}
	c.out.Sends = append(c.out.Sends, send)
}

// diskOrder passes an order on, and does to the state in memory what it does to
// that on disk.
func (c *Core) diskOrder(o *zab.DiskOrder) {
	order := DiskOrder{At: len(c.out.Append), DiskOrder: *o}
	switch o.Kind {
	case zab.DiskAppend:
		c.out.Append = append(c.out.Append, o.Entry)
		if o.Entry.Zxid > c.proposed { // a leader has its own already
			c.proposed = o.Entry.Zxid
			c.inflight.push(proposal{zxid: o.Entry.Zxid, payload: o.Entry.Payload})
		}
		return
	case zab.DiskTruncate:
		order.Reload = o.Zxid < c.tree.Zxid()
		c.cutAfter(o.Zxid)
	case zab.DiskInstall:
		c.cutAfter(0)
		if s := c.member.received[o.Link]; s != nil {
			delete(c.member.received, o.Link)
			c.adopt(s)
			c.member.unknown = true
		}
		order.Snapshot = c.Snapshot()
	}
	c.out.Disk = append(c.out.Disk, order)
}

// cutAfter forgets the transactions after z that wait to be applied. Who asked
// for one of them asks again when there is a leader.
func (c *Core) cutAfter(z wire.Zxid) {
	for c.inflight.len() > 0 && c.inflight.last().zxid > z {
		p := c.inflight.last()
		if p.conn != nil {
			p.conn.unassign(p.zxid)
		}
		c.inflight.popLast()
	}
	if c.proposed > z {
		c.proposed = z
	}
}

// unassign says that a write of this connection is no transaction after all.
func (cn *conn) unassign(z wire.Zxid) {
	for i := cn.pending.head; i < len(cn.pending.items); i++ {
		if p := &cn.pending.items[i]; p.op.IsWrite() && p.zxid == z {
			p.zxid = 0
		}
	}
}

// adopt replaces the whole state by one from disk or from the leader. Clients
// reconnect: what they watch may have changed unseen.
func (c *Core) adopt(s *State) {
	for _, cn := range c.conns {
		if cn != nil && cn.state != connNew {
			c.close(cn)
		}
	}
	c.tree = s.Tree
	c.sessions = newSessions(c.config.Tick, s.Sessions, c.mono)
	c.prep = prep.New(c.tree, c.auth, c.sessions, c.config.Prep)
	c.proposed, c.committed = s.Zxid, s.Zxid
}
