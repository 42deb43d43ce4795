package zab

import "kafkacoord/coord/wire"

// syncBytesMax bounds the proposals a learner holds in memory before NEWLEADER
// and UPTODATE.
const syncBytesMax = 256 << 20

// learnerSync is what a learner has received of its leader's history. Nothing of
// it counts before NEWLEADER (ZOOKEEPER-2872, ZOOKEEPER-3642), but for a cut of
// the log: that leaves a log that the leader has too.
type learnerSync struct {
	mode wire.PacketType // DIFF, TRUNC or SNAP
	base wire.Zxid       // the place in the leader's history where entries begin
	// entries are the proposals received, in order; committed and logged tell how
	// many of them are so.
	entries           []Entry
	committed, logged int
	bytes             int
	list              *Membership // of the leader; nil when it sent none
}

// last is the newest transaction received.
func (s *learnerSync) last() wire.Zxid {
	if len(s.entries) == 0 {
		return s.base
	}
	return s.entries[len(s.entries)-1].Zxid
}

// beginSync takes the packet that says how the own log is brought in line.
func (l *learner) beginSync(p *wire.Packet, out *Output) {
	n := l.node
	l.sync = learnerSync{mode: p.Type, base: p.Zxid}
	l.stage = learnerTaking
	note(out, "the leader brings this server in line", "leader", l.leader, "by", p.Type.String(), "zxid", p.Zxid,
		"the log ended at", n.history.last)
	if n.restore && p.Type != wire.PacketSnap {
		n.restore = false
		l.fail("it sent no snapshot, which this server needs because its log does not fit")
		return
	}
	switch p.Type {
	case wire.PacketDiff:
		// The packet's zxid only informs (ZOOKEEPER-2355).
		l.sync.base = n.history.last
	case wire.PacketTrunc:
		l.truncate(p.Zxid, out)
	case wire.PacketSnap:
	default:
		l.fail("it began with " + p.Type.String() + " instead of DIFF, TRUNC or SNAP")
	}
}

func (l *learner) truncate(z wire.Zxid, out *Output) {
	n := l.node
	if !n.history.covers(z) || z < n.floor {
		n.restore = true
		l.fail("it cut the log at " + z.String() + ", which is no place in it; a snapshot is asked for next")
		return
	}
	n.history.truncate(z)
	n.handed = min(n.handed, z)
	n.order(DiskOrder{Kind: DiskTruncate, Zxid: z}, out, nil)
}

// take takes a packet of the leader's history. Up to UPTODATE nothing is applied
// or acknowledged, because the leader's epoch may fail until then.
func (l *learner) take(p *wire.Packet, out *Output) {
	switch p.Type {
	case wire.PacketProposal:
		l.collect(Entry{p.Zxid, p.Data})
	case wire.PacketCommit, wire.PacketCommitAndActivate:
		l.collectCommit(p, out)
	case wire.PacketInform, wire.PacketInformAndActivate:
		if e, ok := l.informed(p, out); ok && l.collect(e) {
			l.collectCommit(&wire.Packet{Type: wire.PacketCommit, Zxid: e.Zxid}, out)
		}
	case wire.PacketNewLeader:
		l.newLeader(p, out)
	case wire.PacketUpToDate:
		l.upToDate(out)
	case wire.PacketPing:
		// Not answered, as in ZooKeeper: the leader counts answers from UPTODATE on.
	default:
		l.fail("it sent " + p.Type.String() + " before UPTODATE")
	}
}

// collect keeps a proposal. The snapshot may contain some that are sent again:
// the leader reads its zxid after it has begun to forward.
func (l *learner) collect(e Entry) bool {
	s := &l.sync
	if s.mode == wire.PacketSnap && e.Zxid <= s.base {
		return true
	}
	if !follows(s.last(), e.Zxid) {
		// The leader's memory may have a hole (ZOOKEEPER-4925), its state has not.
		l.node.restore = true
		l.fail("it sent " + e.Zxid.String() + " after " + s.last().String() + "; a snapshot is asked for next")
		return false
	}
	if s.bytes += len(e.Payload); s.bytes > syncBytesMax {
		l.fail("it sent more than can be held before NEWLEADER")
		return false
	}
	s.entries = append(s.entries, e)
	return true
}

func (l *learner) collectCommit(p *wire.Packet, out *Output) {
	s := &l.sync
	switch {
	case s.committed < len(s.entries) && s.entries[s.committed].Zxid == p.Zxid:
		s.committed++
		l.noteActivation(p, out)
	case s.mode == wire.PacketSnap && p.Zxid <= s.base:
	default:
		l.fail("it committed " + p.Zxid.String() + ", which is not the next transaction")
	}
}

// newLeader ends the leader's history.
func (l *learner) newLeader(p *wire.Packet, out *Output) {
	if l.stage != learnerTaking || p.Zxid != epochZxid(l.epoch) {
		l.fail("it sent an unexpected NEWLEADER for " + p.Zxid.String())
		return
	}
	if len(p.Data) > 0 {
		if list, err := ParseMembership(string(p.Data)); err != nil {
			warn(out, "the leader's list of servers is not understood and ignored", "leader", l.leader, "error", err)
		} else {
			l.sync.list = &list
		}
	}
	if l.node.disk.cuts > 0 {
		// The owner recovers its state from disk when the log has been cut; what
		// comes next must find it there.
		l.stage = learnerHolding
		return
	}
	l.settle(out)
}

// settle makes the leader's history the own one, and the epoch current: from then
// on this server may only be led by servers that have this history. NEWLEADER is
// acknowledged when all of it is durable.
func (l *learner) settle(out *Output) {
	n, s := l.node, &l.sync
	l.stage = learnerSettling
	if s.mode == wire.PacketSnap {
		n.history.replace(s.base)
		n.handed, n.floor, n.restore = s.base, s.base, false
		n.order(DiskOrder{Kind: DiskInstall, Zxid: s.base, Link: l.link}, out, nil)
	}
	if s.list != nil && n.quorums.seen(s.list) {
		n.orderMembership(out)
	}
	l.logCollected(s.committed, out)
	l.acked = n.history.last
	n.orderEpochs(n.accepted, l.epoch, out, func(out *Output) {
		if n.learner == l && l.failed == "" {
			l.stage = learnerJoined
			l.extend()
			l.ack(epochZxid(l.epoch), out)
		}
	})
}

// logCollected appends the collected entries, up to the given number of them.
func (l *learner) logCollected(count int, out *Output) {
	s := &l.sync
	for ; s.logged < count; s.logged++ {
		l.node.appendEntry(s.entries[s.logged], out)
	}
}

// upToDate says that a quorum has settled on the leader's history: what the own
// log had at NEWLEADER, the part kept by DIFF included, is committed.
func (l *learner) upToDate(out *Output) {
	n, s := l.node, &l.sync
	if l.stage != learnerJoined {
		l.fail("it sent UPTODATE before its history was acknowledged")
		return
	}
	l.stage = learnerServing
	l.extend()
	l.ack(epochZxid(l.epoch), out)
	if s.list != nil && n.quorums.commit(s.list) {
		n.orderMembership(out)
	}
	settled := l.acked
	count := len(s.entries)
	if l.observes() {
		count = s.committed // an observer logs what is committed only
	}
	l.logCollected(count, out)
	if s.committed > 0 {
		settled = max(settled, s.entries[s.committed-1].Zxid)
	}
	l.sync = learnerSync{}
	n.commitTo(settled, out)
	n.election.established(l.epoch)
	out.Changes = append(out.Changes, Change{Role: n.role, Serving: true, Leader: l.leader, Epoch: l.epoch})
}
