package zab

import "kafkacoord/coord/wire"

// plan is how a learner is brought in line: a packet, then all transactions of
// the leader after a place.
type plan struct {
	packet wire.PacketType // DIFF, TRUNC or SNAP; 0 when the log on disk is needed
	zxid   wire.Zxid       // of the packet
	after  wire.Zxid
}

var snapshotPlan = plan{packet: wire.PacketSnap}

// choose makes the plan for a learner whose log ends at last, when the history up
// to settled is what all servers will have (ZooKeeper: LearnerHandler.java,
// syncFollower).
//
// A log is cut only within an epoch, except back to the end of the own history:
// whoever has a transaction of a later epoch than that has the history before it.
func choose(h *history, settled, last wire.Zxid) plan {
	window := h.between(-1, settled)
	oldest := settled
	if len(window) > 0 {
		oldest = window[0].Zxid
	}
	// The place of a new epoch is no transaction: nothing can be cut there, and it
	// is the place of an empty log, too.
	newEpoch := last.Counter() == 0
	switch {
	case last == settled:
		return plan{wire.PacketDiff, last, last}
	case last > settled && !newEpoch:
		return plan{wire.PacketTrunc, settled, settled}
	case last > settled:
		return snapshotPlan
	case last < oldest && last > 0 && !newEpoch:
		return plan{}
	case last < oldest:
		return snapshotPlan
	case newEpoch || h.has(last):
		return plan{wire.PacketDiff, settled, last}
	}
	next := h.after(last)
	before := window[len(window)-len(h.between(last, settled))-1].Zxid
	if next[0].Zxid.Epoch() != last.Epoch() || before.Epoch() != last.Epoch() {
		return snapshotPlan
	}
	return plan{wire.PacketTrunc, before, before}
}

// settled is the end of what learners are sent as committed. Before this server
// serves that is its whole log: it is what NEWLEADER's quorum commits.
func (l *leader) settled() wire.Zxid {
	if l.phase == phaseServing {
		return l.committed
	}
	return l.node.history.last
}

// synchronise begins to bring a learner in line.
func (l *leader) synchronise(f *learnerLink, out *Output) {
	n := l.node
	p := snapshotPlan
	if !n.config.SnapshotSync && !f.later {
		p = choose(&n.history, l.settled(), f.last)
	}
	switch {
	case p.packet == 0 && n.config.LogSync:
		// The learner's last transaction is read, too: that it is in the log shows
		// that nothing has to be cut. The range ends inside the window, so that the
		// window may move meanwhile.
		through := l.settled()
		if window := n.history.between(-1, through); len(window) > 0 {
			through = window[len(window)/2].Zxid
		}
		l.move(f, stageReading)
		out.ReadLog = append(out.ReadLog, LogRange{f.link, f.last - 1, through})
	case p.packet == 0 || p.packet == wire.PacketSnap:
		l.sendSnapshot(f, out)
	default:
		l.sendPlan(f, p, nil, out)
	}
}

// history takes transactions from the log on disk for a learner.
func (l *leader) history(link LinkID, entries []Entry, ok bool, out *Output) {
	f := l.find(link)
	if f == nil || f.stage != stageReading || l.failed != "" {
		return
	}
	if !ok || !l.joins(entries, f.last) {
		l.sendSnapshot(f, out)
		return
	}
	p := plan{packet: wire.PacketDiff, zxid: l.settled(), after: entries[len(entries)-1].Zxid}
	l.sendPlan(f, p, entries[1:], out)
}

// joins tells whether entries begin with the transaction first, have no gap, and
// reach into the window (ZOOKEEPER-2418).
func (l *leader) joins(entries []Entry, first wire.Zxid) bool {
	if len(entries) == 0 || entries[0].Zxid != first {
		return false
	}
	for i := 1; i < len(entries); i++ {
		if !follows(entries[i-1].Zxid, entries[i].Zxid) {
			return false
		}
	}
	end := entries[len(entries)-1].Zxid
	return end == l.settled() || end < l.settled() && l.node.history.has(end)
}

// sendSnapshot sends the state as it is applied now. While this server does not
// serve yet, a part of its history may not be applied: it follows.
func (l *leader) sendSnapshot(f *learnerLink, out *Output) {
	n := l.node
	if limit := n.config.ObserverSnapshots; f.observer && limit > 0 && l.observerSnapshots() >= limit {
		l.drop(f, out, "too many observers are sent snapshots; it is to try again")
		return
	}
	f.snapshot = true
	applied := max(n.handed, 0)
	l.sendPlan(f, plan{wire.PacketSnap, applied, applied}, nil, out)
}

func (l *leader) observerSnapshots() int {
	count := 0
	for _, f := range l.links {
		if f.observer && f.snapshot && f.stage == stageSyncing && !f.gone {
			count++
		}
	}
	return count
}

// sendPlan sends the packet of the plan, older transactions from the log, those
// of the window, and, to a follower, those that are not committed yet. From then
// on the learner gets what others get, so that it misses nothing.
func (l *leader) sendPlan(f *learnerLink, p plan, older []Entry, out *Output) {
	n := l.node
	settled := l.settled()
	note(out, "a learner is brought in line", "learner", f.peer, "by", p.packet.String(), "zxid", p.zxid, "its log ended at", f.last)
	send(out, f.link, wire.Packet{Type: p.packet, Zxid: p.zxid})
	n.counts.sync(p.packet)
	for _, entries := range [][]Entry{older, n.history.between(p.after, settled)} {
		for _, e := range entries {
			send(out, f.link, wire.Packet{Type: wire.PacketProposal, Zxid: e.Zxid, Data: e.Payload})
			send(out, f.link, wire.Packet{Type: wire.PacketCommit, Zxid: e.Zxid})
		}
	}
	if !f.observer {
		for _, e := range n.history.after(settled) {
			send(out, f.link, wire.Packet{Type: wire.PacketProposal, Zxid: e.Zxid, Data: e.Payload})
		}
	}
	send(out, f.link, wire.Packet{
		Type: wire.PacketNewLeader, Zxid: epochZxid(l.epoch), Data: []byte(n.config.Members.Text),
	})
	l.move(f, stageSyncing)
}
