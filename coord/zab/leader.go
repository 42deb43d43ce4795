package zab

import (
	"math"
	"strconv"

	"kafkacoord/coord/wire"
)

// epochJumpMax bounds how far ahead of all epochs known here one that a learner
// says it has accepted may be. Epochs grow by one with each election that nearly
// succeeded; a larger jump is made up, or read from a damaged file, and would use
// up the epochs, of which there are 2^31.
const epochJumpMax = 1 << 20

// leaderPhase is how far a leader has come with its epoch.
type leaderPhase uint8

const (
	phaseEpoch     leaderPhase = iota // gathers a quorum of learners, to choose an epoch
	phaseAccepting                    // writes the epoch
	phasePromises                     // gathers a quorum that follows no earlier epoch
	phaseHistory                      // gathers a quorum that has this leader's history
	phaseServing
)

// linkStage is how far a leader has come with a learner.
type linkStage uint8

const (
	stageHello    linkStage = iota // FOLLOWERINFO or OBSERVERINFO is awaited
	stageKnown                     // waits for LEADERINFO
	stageOffered                   // LEADERINFO is sent, ACKEPOCH awaited
	stagePromised                  // ACKEPOCH is here; waits for a quorum of them
	stageReading                   // waits for older transactions from the log on disk
	stageSyncing                   // NEWLEADER is sent, its ACK awaited
	stageReady                     // has the history; waits for UPTODATE
	stageServing
)

// learnerLink is a learner as its leader sees it.
type learnerLink struct {
	link     LinkID
	stage    linkStage
	gone     bool // closed; removed at the end of the call
	observer bool
	peer     wire.PeerID // from stageKnown on
	promised bool        // its ACKEPOCH counts
	last     wire.Zxid   // the end of its log, from ACKEPOCH
	later    bool        // its currentEpoch is later than this leader's was
	snapshot bool        // it is sent one
	silence  alarm
	joining  alarm // since the link began
	overdue  bool  // joining has rung before the learner served

	// match is the end of what the learner has acknowledged. Its log has the same
	// order as the leader's, so it has everything before that, too.
	match wire.Zxid
	// unacked is the oldest proposal that is timed, newest the one sent last; 0 for
	// none.
	unacked, newest           wire.Zxid
	unackedSince, newestSince wire.Millis

	// pings and pongs count from UPTODATE on; ZooKeeper answers none before.
	pings, pongs uint64
	roundPing    uint64 // the PING that belongs to the round of Confirm; 0: none yet
	syncs        []pendingSync
}

// awaited tells whether the next move is the learner's.
func (f *learnerLink) awaited() bool {
	return f.stage == stageHello || f.stage == stageOffered || f.stage == stageReading ||
		f.stage == stageSyncing || f.stage == stageServing
}

// leader is the part of a server that leads (ZooKeeper: Leader.java,
// LearnerHandler.java).
type leader struct {
	node     *Node
	phase    leaderPhase
	failed   string // why it must stop; "" while all is well
	patience alarm  // with the phase; stopped while serving
	links    []*learnerLink
	dropped  bool // a link is gone since the last sweep

	epoch int64
	// The own history as the epoch began: currentEpoch and end of the log. It is
	// what the learners' are compared with.
	ownEpoch int64
	ownLast  wire.Zxid
	joined   bool // the own history and currentEpoch are durable

	proposed  wire.Zxid // the newest proposal; epoch<<32 before the first
	committed wire.Zxid // while serving: the newest committed transaction
	candidate wire.Zxid // argument of reached
	reached   func(wire.PeerID) bool

	nextPing  wire.Millis
	round     uint64 // the token under way; 0: none
	nextRound uint64 // the token of those who asked meanwhile; 0: none
	confirmed uint64
}

func newLeader(n *Node) *leader {
	l := &leader{
		node: n, epoch: max(n.accepted, n.seenEpoch) + 1, ownEpoch: n.current, ownLast: n.history.last,
		nextPing: n.now + n.config.Tick/2,
	}
	l.reached = func(id wire.PeerID) bool {
		if id == n.config.Self {
			return n.disk.durable >= l.candidate
		}
		f := l.of(id)
		return f != nil && f.match >= l.candidate
	}
	l.enter(phaseEpoch)
	return l
}

// enter begins a phase, which has initLimit ticks.
func (l *leader) enter(p leaderPhase) {
	l.phase = p
	l.patience.start(l.node.ticks(l.node.config.InitLimit))
}

// fail says why this server must stop leading; the first reason stays.
func (l *leader) fail(reason string) {
	if l.failed == "" {
		l.failed = reason
	}
}

func (l *leader) find(link LinkID) *learnerLink {
	for _, f := range l.links {
		if f.link == link && !f.gone {
			return f
		}
	}
	return nil
}

// of returns the link of a server that has said who it is.
func (l *leader) of(id wire.PeerID) *learnerLink {
	for _, f := range l.links {
		if f.peer == id && f.stage > stageHello && !f.gone {
			return f
		}
	}
	return nil
}

// quorum tells whether this server and the followers for which in returns true
// are a quorum of all lists.
func (l *leader) quorum(in func(*learnerLink) bool) bool { return l.node.quorums.has(l.together(in)) }

func (l *leader) together(in func(*learnerLink) bool) func(wire.PeerID) bool {
	return func(id wire.PeerID) bool {
		if id == l.node.config.Self {
			return true
		}
		f := l.of(id)
		return f != nil && !f.observer && in(f)
	}
}

// missing says who is needed for a quorum.
func (l *leader) missing(in func(*learnerLink) bool) string {
	return l.node.quorums.missing(l.together(in))
}

// What learners are counted for.
func connected(*learnerLink) bool   { return true }
func joining(f *learnerLink) bool   { return f.stage == stageServing || !f.overdue }
func promised(f *learnerLink) bool  { return f.promised }
func inHistory(f *learnerLink) bool { return f.stage >= stageReady }

// drop closes a link.
func (l *leader) drop(f *learnerLink, out *Output, reason string) {
	if f.gone {
		return
	}
	warn(out, "the link of a learner is closed", "learner", f.peer, "reason", reason)
	out.Close = append(out.Close, f.link)
	f.gone, l.dropped = true, true
}

// sweep removes closed links. A leader whose quorum is gone stops at once; a
// learner that comes has initLimit to make up for one that is gone.
func (l *leader) sweep(out *Output) {
	if !l.dropped {
		return
	}
	l.dropped = false
	kept := l.links[:0]
	for _, f := range l.links {
		if !f.gone {
			kept = append(kept, f)
		}
	}
	clear(l.links[len(kept):])
	l.links = kept
	if l.phase == phaseServing && !l.quorum(joining) {
		l.fail("no quorum is connected; missing: " + l.missing(joining))
	}
}

// close closes all links.
func (l *leader) close(out *Output) {
	for _, f := range l.links {
		if !f.gone {
			out.Close = append(out.Close, f.link)
		}
	}
}

func (l *leader) linkUp(link LinkID) {
	f := &learnerLink{link: link}
	f.joining.start(l.node.ticks(l.node.config.InitLimit))
	l.links = append(l.links, f)
	l.move(f, stageHello)
}

func (l *leader) linkDown(link LinkID) {
	if f := l.find(link); f != nil {
		f.gone, l.dropped = true, true
	}
}

// move takes a learner to a stage.
func (l *leader) move(f *learnerLink, s linkStage) {
	f.stage = s
	l.extend(f)
}

// extend gives a learner time for its next packet.
func (l *leader) extend(f *learnerLink) {
	limit := l.node.config.InitLimit
	if f.stage == stageServing {
		limit = l.node.config.SyncLimit
	}
	f.silence.start(l.node.ticks(limit))
}

// packet takes a packet of a learner.
func (l *leader) packet(link LinkID, p *wire.Packet, out *Output) {
	f := l.find(link)
	if f == nil || l.failed != "" {
		return
	}
	l.extend(f)
	switch {
	case f.stage == stageHello:
		l.hello(f, p, out)
	case f.stage == stageOffered && p.Type == wire.PacketAckEpoch:
		l.ackEpoch(f, p, out)
	case f.stage >= stageSyncing && p.Type == wire.PacketAck:
		l.ack(f, p.Zxid, out)
	case f.stage == stageServing:
		l.request(f, p, out)
	default:
		l.drop(f, out, "it sent "+p.Type.String()+" out of turn")
	}
}

// hello takes a learner's introduction.
func (l *leader) hello(f *learnerLink, p *wire.Packet, out *Output) {
	n := l.node
	if p.Type != wire.PacketFollowerInfo && p.Type != wire.PacketObserverInfo {
		l.drop(f, out, "it began with "+p.Type.String()+" instead of FOLLOWERINFO or OBSERVERINFO")
		return
	}
	info, err := wire.DecodeLearnerInfo(p.Data)
	accepted := p.Zxid.Epoch()
	switch {
	case err != nil || info.ProtocolVersion < wire.LearnerProtocol:
		l.drop(f, out, "it speaks the protocol of ZooKeeper before 3.5")
		return
	case info.Server < 0 || info.Server == n.config.Self:
		l.drop(f, out, "it has no id of its own; check its myid file")
		return
	case info.ConfigVersion > n.config.Members.Version:
		l.drop(f, out, "its list of servers is newer than this server's; check reconfigEnabled and the lists")
		return
	case accepted < 0 || accepted >= min(math.MaxInt32, n.accepted+epochJumpMax):
		l.drop(f, out, "its accepted epoch is out of range")
		return
	}
	if former := l.of(info.Server); former != nil {
		if l.alive(former) {
			l.drop(f, out, "server."+strconv.FormatInt(int64(info.Server), 10)+" is being served on another link: "+
				"another server has the same myid, or the connection it had is stale and is given up shortly")
			return
		}
		l.drop(former, out, "the server has opened a new one")
	}
	f.peer, f.observer = info.Server, p.Type == wire.PacketObserverInfo
	if !n.quorums.known(f.peer) {
		note(out, "a learner that is in no list of servers is served, but does not count", "learner", f.peer)
	}
	l.move(f, stageKnown)
	l.greet(f, accepted, out)
}

// alive tells whether a serving learner has answered the last pings, so that
// whoever else says he is that server is another one. The link of a server that
// was started anew is normally down by then.
func (l *leader) alive(f *learnerLink) bool {
	return f.stage == stageServing && f.silence.age(l.node.now) <= l.node.config.Tick
}

// greet brings the learner's accepted epoch and the leader's together. An epoch
// that is chosen stays: a learner beyond it cannot follow. When that one votes,
// the leader makes room for an epoch that all can accept, but not more often than
// once in initLimit; in ZooKeeper the learner stays outside until the next
// election. A server that is in no list has no influence on the epoch.
func (l *leader) greet(f *learnerLink, accepted int64, out *Output) {
	n := l.node
	listed := n.quorums.known(f.peer)
	if listed {
		n.seenEpoch = max(n.seenEpoch, accepted)
	}
	switch {
	case l.phase == phaseEpoch && (listed || accepted < l.epoch):
		l.epoch = max(l.epoch, accepted+1)
		l.considerEpoch(out)
	case accepted > l.epoch && !f.observer && n.quorums.voter(f.peer) && n.now >= n.mayYield:
		n.mayYield = n.now + n.ticks(n.config.InitLimit)
		l.fail("a voter has accepted a later epoch")
	case accepted > l.epoch:
		l.drop(f, out, "it has accepted a later epoch; it can join after the next election")
	case l.phase > phaseAccepting:
		l.offer(f, out)
	}
}

// considerEpoch chooses the epoch once a quorum is here. It is durable before any
// LEADERINFO, so that no two leaders offer the same.
func (l *leader) considerEpoch(out *Output) {
	n := l.node
	if l.phase != phaseEpoch || l.failed != "" || l.epochsUsedUp() || !l.quorum(connected) {
		return
	}
	l.enter(phaseAccepting)
	n.orderEpochs(l.epoch, n.current, out, func(out *Output) {
		if n.leader != l {
			return
		}
		l.proposed = epochZxid(l.epoch)
		l.enter(phasePromises)
		for _, f := range l.links {
			if f.stage == stageKnown && !f.gone {
				l.offer(f, out)
			}
		}
		l.considerPromises(out)
	})
}

// noEpochLeft is why a server cannot lead any more.
const noEpochLeft = "all epochs are used up, of which there are 2^31; the data has to be moved to a new ensemble"

// epochsUsedUp tells whether there is no epoch left to establish: a zxid has 31
// bits for it. Such a leader does not fail at once, lest it is elected at once
// again, without end.
func (l *leader) epochsUsedUp() bool { return l.epoch > math.MaxInt32 }

func (l *leader) offer(f *learnerLink, out *Output) {
	l.move(f, stageOffered)
	send(out, f.link, wire.Packet{
		Type: wire.PacketLeaderInfo, Zxid: epochZxid(l.epoch), Data: wire.AppendLeaderInfo(nil, wire.LearnerProtocol),
	})
}

// ackEpoch takes a learner's promise to follow no earlier epoch. As long as no
// quorum has promised, one whose history is better than this leader's cannot
// follow it: it may have what a quorum agreed on. Later it is certain that it has
// not, and that its history must give way (ZooKeeper: Leader.waitForEpochAck).
func (l *leader) ackEpoch(f *learnerLink, p *wire.Packet, out *Output) {
	current, err := wire.DecodeAckEpoch(p.Data)
	if err != nil {
		l.drop(f, out, "its ACKEPOCH is malformed")
		return
	}
	f.last = p.Zxid
	if current != wire.EpochAccepted {
		epoch := int64(current)
		f.later = epoch > l.ownEpoch
		if l.phase <= phasePromises && (f.later || epoch == l.ownEpoch && p.Zxid > l.ownLast) {
			l.drop(f, out, "its history is ahead of this leader's")
			return
		}
		f.promised = p.Zxid != -1
	}
	l.move(f, stagePromised)
	if l.phase != phasePromises {
		l.synchronise(f, out)
		return
	}
	l.considerPromises(out)
	if l.phase == phasePromises && !l.node.quorums.has(l.mayPromise) {
		l.fail("too few voters are left that can still accept the epoch; the next one is tried")
	}
}

// mayPromise tells whether a voter counts for the epoch, or still may. One that had
// accepted it before, on a link that is gone, does not, and one that cannot be
// reached at present is not waited for.
func (l *leader) mayPromise(id wire.PeerID) bool {
	if id == l.node.config.Self {
		return true
	}
	f := l.of(id)
	if f == nil {
		reachable, tried := l.node.election.connected[id]
		return reachable || !tried
	}
	return !f.observer && (f.promised || f.stage < stagePromised)
}

// considerPromises raises currentEpoch once a quorum has promised: from then on
// no leader of an earlier epoch can commit anything, so this leader's history is
// final. With the order that writes it, the history is durable here.
func (l *leader) considerPromises(out *Output) {
	n := l.node
	if l.phase != phasePromises || !l.enough() {
		return
	}
	l.enter(phaseHistory)
	if n.quorums.seen(&n.config.Members) {
		n.orderMembership(out)
	}
	n.orderEpochs(n.accepted, l.epoch, out, func(out *Output) {
		if n.leader == l {
			l.joined = true
			l.considerHistory(out)
		}
	})
	for _, f := range l.links {
		if f.stage == stagePromised && !f.gone {
			l.synchronise(f, out)
		}
	}
}

// enough tells whether a quorum has promised. For a server that was never part
// of an ensemble and has no data, that means all voters: otherwise a few empty
// servers could outvote those with the data.
func (l *leader) enough() bool {
	if !l.quorum(promised) {
		return false
	}
	if l.node.config.Bootstrap || l.ownEpoch > 0 || l.ownLast != 0 || l.node.quorums.committed != nil {
		return true
	}
	in := l.together(promised)
	for _, id := range l.node.quorums.voters {
		if !in(id) {
			return false
		}
	}
	return true
}

// considerHistory begins to serve once a quorum has this leader's history, which
// is committed by that.
func (l *leader) considerHistory(out *Output) {
	n := l.node
	if l.phase != phaseHistory || !l.joined || l.failed != "" || !l.quorum(inHistory) {
		return
	}
	l.phase = phaseServing
	l.patience.stop()
	l.committed = n.history.last
	n.commitTo(l.committed, out)
	if n.quorums.commit(&n.config.Members) {
		n.orderMembership(out)
	}
	n.election.established(l.epoch)
	out.Changes = append(out.Changes, Change{Role: Leading, Serving: true, Leader: n.config.Self, Epoch: l.epoch})
	for _, f := range l.links {
		if f.stage == stageReady && !f.gone {
			l.admit(f, out)
		}
	}
}

// admit tells a learner that it may serve.
func (l *leader) admit(f *learnerLink, out *Output) {
	l.move(f, stageServing)
	send(out, f.link, wire.Packet{Type: wire.PacketUpToDate, Zxid: -1})
	if l.round != 0 {
		l.pingForRound(f, out)
	}
}
