package zab

import (
	"kafkacoord/coord/wire"
)

// Bounds of the pause between attempts to reach the leader, which doubles. The
// first is short: usually the leader is about to open its port.
const (
	dialPauseMin wire.Millis = 10
	dialPauseMax wire.Millis = 100
)

// learnerStage is how far a learner has come with its leader.
type learnerStage uint8

const (
	learnerDialling  learnerStage = iota
	learnerHello                  // FOLLOWERINFO is sent, LEADERINFO awaited
	learnerAccepting              // the new epoch is being written
	learnerAnswered               // ACKEPOCH is sent; DIFF, TRUNC or SNAP awaited
	learnerTaking                 // takes the leader's history, until NEWLEADER
	learnerHolding                // NEWLEADER waits for an order that cuts the log
	learnerSettling               // what NEWLEADER settles is being written
	learnerJoined                 // NEWLEADER is acknowledged, UPTODATE awaited
	learnerServing
)

// learner is a follower or an observer: the part of a server that has a leader
// (ZooKeeper: Learner.java, Follower.java, Observer.java).
type learner struct {
	node   *Node
	leader wire.PeerID
	link   LinkID // 0 while dialling
	stage  learnerStage
	failed string // why this leader is to be left; "" while all is well

	retry   alarm       // of dialling; stopped while an answer is awaited
	pause   wire.Millis // before the next retry
	giveUp  alarm       // of dialling
	silence alarm       // of the leader

	epoch int64
	sync  learnerSync
	acked wire.Zxid // proposals up to it are acknowledged
}

func newLearner(n *Node, leader wire.PeerID) *learner {
	l := &learner{node: n, leader: leader, pause: dialPauseMin}
	l.giveUp.start(n.ticks(n.config.ConnectLimit))
	return l
}

func (l *learner) observes() bool { return l.node.role == Observing }

// fail says why this leader is to be left; the first reason stays.
func (l *learner) fail(reason string) {
	if l.failed == "" {
		l.failed = reason
	}
}

// begin dials the leader: at once, or, when the last attempts to follow one have
// failed, after a pause, so that servers that do not get on do not keep each other
// busy.
func (l *learner) begin(failures int, out *Output) {
	if failures == 0 {
		l.dial(out)
		return
	}
	l.retry.start(min(dialPauseMin<<min(failures, 10), dialPauseMax))
}

// close leaves the leader.
func (l *learner) close(out *Output) {
	if l.link != 0 {
		out.Close = append(out.Close, l.link)
	}
	l.node.failures++
	if l.stage == learnerServing {
		l.node.failures = 0
	}
}

func (l *learner) dial(out *Output) {
	l.retry.stop()
	out.Dial = l.leader
}

// wants tells whether a link to the server is what this learner waits for.
func (l *learner) wants(peer wire.PeerID) bool {
	return peer == l.leader && l.stage == learnerDialling && l.failed == ""
}

func (l *learner) linkUp(link LinkID, out *Output) {
	n := l.node
	l.link, l.stage = link, learnerHello
	l.retry.stop()
	l.giveUp.stop()
	l.extend()
	info := wire.LearnerInfo{
		Server: n.config.Self, ProtocolVersion: wire.LearnerProtocol, ConfigVersion: n.config.Members.Version,
	}
	hello := wire.Packet{
		Type: wire.PacketFollowerInfo, Zxid: epochZxid(n.accepted), Data: wire.AppendLearnerInfo(nil, &info),
	}
	if l.observes() {
		hello.Type = wire.PacketObserverInfo
	}
	send(out, link, hello)
}

func (l *learner) linkDown(link LinkID) {
	switch {
	case link == 0 && l.stage == learnerDialling:
		l.retry.start(l.pause)
		l.pause = min(2*l.pause, dialPauseMax)
	case link != 0 && link == l.link:
		l.link = 0
		l.fail("the link is gone")
	}
}

// extend gives the leader time for its next packet.
func (l *learner) extend() {
	limit := l.node.config.InitLimit
	if l.stage >= learnerJoined {
		limit = l.node.config.SyncLimit
	}
	l.silence.start(l.node.ticks(limit))
}

func (l *learner) tick(out *Output) {
	now := l.node.now
	switch {
	case l.giveUp.rings(now):
		l.fail("it could not be reached in time")
	case l.silence.rings(now) && l.awaitsLeader():
		l.fail("it was silent for too long")
	case l.retry.rings(now):
		l.dial(out)
	}
}

// awaitsLeader is false while the leader waits for this server's disk.
func (l *learner) awaitsLeader() bool {
	return l.stage != learnerAccepting && l.stage != learnerHolding && l.stage != learnerSettling
}

func (l *learner) nextWake() wire.Millis {
	now := l.node.now
	wake := min(l.retry.wake(now), l.giveUp.wake(now))
	if l.awaitsLeader() {
		wake = min(wake, l.silence.wake(now))
	}
	return wake
}

// packet takes a packet of the leader.
func (l *learner) packet(p *wire.Packet, out *Output) {
	if l.failed != "" {
		return
	}
	l.extend()
	switch l.stage {
	case learnerHello:
		l.leaderInfo(p, out)
	case learnerAnswered:
		l.beginSync(p, out)
	case learnerTaking, learnerHolding, learnerSettling, learnerJoined:
		l.take(p, out)
	case learnerServing:
		l.broadcast(p, out)
	default:
		l.fail("it sent " + p.Type.String() + " out of turn")
	}
}

// leaderInfo takes the leader's epoch. It is durable before ACKEPOCH promises
// that no leader of an earlier one will be followed.
func (l *learner) leaderInfo(p *wire.Packet, out *Output) {
	n := l.node
	if p.Type != wire.PacketLeaderInfo {
		l.fail("it answered with " + p.Type.String() + " instead of LEADERINFO")
		return
	}
	l.epoch = p.Zxid.Epoch()
	answer := ackEpoch{zxid: n.history.last, epoch: int32(n.current)}
	switch {
	case l.epoch < n.accepted:
		l.fail("its epoch is older than one accepted before")
		return
	case n.restore:
		// What a server says that lost its data: it does not count in the leader's
		// quorum, and there is no history but a snapshot that fits.
		answer = ackEpoch{zxid: -1, epoch: wire.EpochAccepted}
	case l.epoch == n.accepted:
		answer.epoch = wire.EpochAccepted
	}
	if l.epoch == n.accepted {
		l.answer(answer, out)
		return
	}
	l.stage = learnerAccepting
	n.orderEpochs(l.epoch, n.current, out, func(out *Output) {
		if n.learner == l && l.stage == learnerAccepting {
			l.answer(answer, out)
		}
	})
}

// ackEpoch is what a learner says of its log.
type ackEpoch struct {
	zxid  wire.Zxid
	epoch int32
}

func (l *learner) answer(a ackEpoch, out *Output) {
	l.stage = learnerAnswered
	l.extend()
	send(out, l.link, wire.Packet{Type: wire.PacketAckEpoch, Zxid: a.zxid, Data: wire.AppendAckEpoch(nil, a.epoch)})
}

// progress goes on with what waited for the disk: it acknowledges the proposals
// that have become durable, one packet each.
func (l *learner) progress(out *Output) {
	n := l.node
	if l.failed != "" {
		return
	}
	if l.stage == learnerHolding && n.disk.cuts == 0 {
		l.settle(out)
	}
	if l.stage != learnerServing || l.observes() {
		return
	}
	for _, e := range n.history.between(l.acked, n.disk.durable) {
		l.acked = e.Zxid
		l.ack(e.Zxid, out)
	}
}

func (l *learner) ack(z wire.Zxid, out *Output) {
	send(out, l.link, wire.Packet{Type: wire.PacketAck, Zxid: z})
}

// broadcast takes a packet of a leader that serves.
func (l *learner) broadcast(p *wire.Packet, out *Output) {
	switch p.Type {
	case wire.PacketProposal:
		if !l.observes() {
			l.append(Entry{p.Zxid, p.Data}, out)
		}
	case wire.PacketCommit, wire.PacketCommitAndActivate:
		if !l.observes() {
			l.commit(p, out)
		}
	case wire.PacketInform, wire.PacketInformAndActivate:
		if e, ok := l.informed(p, out); ok && l.observes() {
			if l.append(e, out) {
				l.node.commitTo(e.Zxid, out)
			}
		}
	case wire.PacketPing, wire.PacketRevalidate, wire.PacketSync:
		out.Deliver = append(out.Deliver, Delivery{Link: l.link, Peer: l.leader, Packet: *p})
	}
}

// append logs a transaction, unless it is not the next one.
func (l *learner) append(e Entry, out *Output) bool {
	if !follows(l.node.history.last, e.Zxid) {
		l.fail("it sent " + e.Zxid.String() + " after " + l.node.history.last.String())
		return false
	}
	l.node.counts.Proposals++
	l.node.appendEntry(e, out)
	return true
}

// commit applies the next transaction, whether or not it is on the own disk.
func (l *learner) commit(p *wire.Packet, out *Output) {
	n := l.node
	n.counts.Commits++
	waiting := n.history.after(n.handed)
	if len(waiting) == 0 || waiting[0].Zxid != p.Zxid {
		l.fail("it committed " + p.Zxid.String() + ", which is not the next transaction")
		return
	}
	l.noteActivation(p, out)
	n.commitTo(p.Zxid, out)
}

// informed returns the transaction in a packet for observers.
func (l *learner) informed(p *wire.Packet, out *Output) (Entry, bool) {
	e := Entry{p.Zxid, p.Data}
	if p.Type == wire.PacketInformAndActivate {
		if len(p.Data) < 8 {
			l.fail("it sent a truncated INFORMANDACTIVATE")
			return e, false
		}
		l.noteActivation(p, out)
		e.Payload = p.Data[8:] // behind the designated leader
	}
	return e, true
}

// noteActivation tells the operator of a reconfiguration: the list of this server
// is the one in its file.
func (l *learner) noteActivation(p *wire.Packet, out *Output) {
	if p.Type == wire.PacketCommitAndActivate || p.Type == wire.PacketInformAndActivate {
		warn(out, "the leader has changed the list of servers; update the list in this server's configuration file and restart it",
			"zxid", p.Zxid)
	}
}

// epochZxid is the zxid that stands for an epoch.
func epochZxid(epoch int64) wire.Zxid { return wire.Zxid(epoch << 32) }
