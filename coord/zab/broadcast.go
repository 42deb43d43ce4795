package zab

import "kafkacoord/coord/wire"

// counterMax is the largest counter that a zxid can have.
const counterMax = 0xffffffff

// propose logs transactions and sends them to all followers. Sending does not
// wait for the own disk; counting does. After the last zxid of the epoch it hands
// over at once: what is proposed is part of the next leader's history.
func (l *leader) propose(entries []Entry, out *Output) {
	n := l.node
	for _, e := range entries {
		if n.config.EpochEnds(l.proposed) {
			return
		}
		if e.Zxid != l.proposed+1 {
			l.fail("a transaction " + e.Zxid.String() + " was proposed after " + l.proposed.String())
			return
		}
		n.appendEntry(e, out)
		l.proposed = e.Zxid
		for _, f := range l.links {
			if f.stage >= stageSyncing && !f.observer && !f.gone {
				send(out, f.link, wire.Packet{Type: wire.PacketProposal, Zxid: e.Zxid, Data: e.Payload})
				l.time(f, e.Zxid)
			}
		}
		if n.config.EpochEnds(e.Zxid) {
			l.fail("the epoch has no zxid left; the next one begins with the next leader")
		}
	}
}

// time notes when a proposal was sent. One at a time is watched, from the
// learner's ACK of NEWLEADER on (ZooKeeper: LearnerHandler.SyncLimitCheck).
func (l *leader) time(f *learnerLink, z wire.Zxid) {
	if f.stage < stageReady {
		return
	}
	f.newest, f.newestSince = z, l.node.now
	if f.unacked == 0 {
		f.unacked, f.unackedSince = z, l.node.now
	}
}

// ack takes the ACK of NEWLEADER, of UPTODATE, or of a proposal, in any order:
// learners of some versions acknowledge proposals before NEWLEADER, or again
// after UPTODATE (ZOOKEEPER-4685).
func (l *leader) ack(f *learnerLink, z wire.Zxid, out *Output) {
	switch {
	case z == epochZxid(l.epoch):
		if f.stage == stageSyncing {
			l.haveHistory(f, out)
		}
	case z > l.proposed || z.Counter() == 0:
		l.drop(f, out, "it acknowledged "+z.String()+", which was not proposed")
	case !f.observer && z > f.match:
		f.match = z
		if f.unacked != 0 && z >= f.unacked {
			f.unacked, f.unackedSince = f.newest, f.newestSince
			if z >= f.newest {
				f.unacked = 0
			}
		}
		l.advance(out)
	}
}

// haveHistory notes that a learner has this leader's history for good.
func (l *leader) haveHistory(f *learnerLink, out *Output) {
	l.move(f, stageReady)
	if l.phase == phaseServing {
		l.admit(f, out)
		return
	}
	l.considerHistory(out)
}

// advance commits what a quorum has. Any end of a log may be the one up to which
// that is so.
func (l *leader) advance(out *Output) {
	if l.phase != phaseServing || l.failed != "" {
		return
	}
	best := l.better(l.committed, min(l.node.disk.durable, l.proposed))
	for _, f := range l.links {
		if !f.gone {
			best = l.better(best, f.match)
		}
	}
	if best > l.committed {
		l.commit(best, out)
	}
}

// better returns z if it is later than best and a quorum of every list has it.
func (l *leader) better(best, z wire.Zxid) wire.Zxid {
	if z <= best {
		return best
	}
	l.candidate = z
	if !l.node.quorums.has(l.reached) {
		return best
	}
	return z
}

// commit tells everyone of the transactions that became committed, in order.
func (l *leader) commit(z wire.Zxid, out *Output) {
	for _, e := range l.node.history.between(l.committed, z) {
		commit := wire.Packet{Type: wire.PacketCommit, Zxid: e.Zxid}
		inform := wire.Packet{Type: wire.PacketInform, Zxid: e.Zxid, Data: e.Payload}
		for _, f := range l.links {
			switch {
			case f.stage < stageSyncing || f.gone:
			case f.observer:
				send(out, f.link, inform)
			default:
				send(out, f.link, commit)
			}
		}
	}
	l.committed = z
	l.node.commitTo(z, out)
	l.releaseSyncs(out)
}
