package zab

import (
	"cmp"
	"slices"

	"kafkacoord/coord/wire"
)

// Phase is how far a server has come since its last election.
//
// ZooKeeper: QuorumPeer.ZabState.
type Phase uint8

// The phases of the protocol.
const (
	PhaseElection Phase = iota
	PhaseDiscovery
	PhaseSynchronization
	PhaseBroadcast
)

// String is the phase as ZooKeeper names it.
func (p Phase) String() string {
	return [...]string{"election", "discovery", "synchronization", "broadcast"}[p]
}

// Status is what there is to know of a node for an operator. It is plain data
// that the receiver owns, but for the lists, which are immutable.
type Status struct {
	Self  wire.PeerID
	Role  Role
	Phase Phase
	// Sync is how a learner is brought in line: DIFF, TRUNC or SNAP; 0 when that is
	// not known, or over.
	Sync   wire.PacketType
	Leader wire.PeerID // 0 while looking
	Epoch  int64       // that the leader establishes or has established; 0 while looking

	// Accepted and Current are the epochs of the files of the same names.
	Accepted, Current int64
	Last              wire.Zxid // end of the log, durable or not; -1: the data is lost
	Durable           wire.Zxid
	// Applied is what the server has been told to apply. Before it serves that may
	// be more than was committed: what was in its log when it started.
	Applied wire.Zxid
	// Unapplied is the number of transactions of the log after Applied, as far as
	// they are in memory.
	Unapplied int

	// Awaits says in words what has to happen before the server serves; "" when it
	// does.
	Awaits string

	// Configured is the list of the configuration file, Agreed the one that a quorum
	// agreed on last, Pending one that a leader has shown and that may have been
	// agreed on; nil: none.
	Configured, Agreed, Pending *Membership
	// Differing are the servers known to have another list than Configured.
	Differing []wire.PeerID

	Round  int64 // of the election
	Counts Counts

	// Learners are the links of a leader, in the order of the servers.
	Learners []LearnerStatus
}

// Counts are what a node counts from its start.
type Counts struct {
	Elections int64       // begun
	Decided   int64       // elections that found a leader
	Took      wire.Millis // the last of them, in ms

	Diffs, Truncs, Snaps int64 // sent to learners
	Proposals, Commits   int64 // of a leader, received while serving
}

// sync counts how a learner is brought in line.
func (c *Counts) sync(packet wire.PacketType) {
	switch packet {
	case wire.PacketDiff:
		c.Diffs++
	case wire.PacketTrunc:
		c.Truncs++
	case wire.PacketSnap:
		c.Snaps++
	}
}

// LearnerStatus is a learner as its leader sees it.
type LearnerStatus struct {
	Peer     wire.PeerID // 0 until it has said who it is
	Observer bool
	Voter    bool // of one of the lists
	Stage    string
	Serving  bool
	// Acknowledged is the end of what it has acknowledged, 0 when that is not known:
	// before it has this leader's history, and of observers, which acknowledge
	// nothing. Lag is how many transactions of the leader's log come after it, -1
	// when not known.
	Acknowledged wire.Zxid
	Lag          int64
	// Silent is how long ago, in ms, it was heard of, as of the last tick.
	Silent       wire.Millis
	PendingSyncs int
}

// Synced counts the learners that serve: followers that vote, followers that do
// not, and observers.
func (s *Status) Synced() (voters, others, observers int) {
	for i := range s.Learners {
		switch l := &s.Learners[i]; {
		case !l.Serving:
		case l.Observer:
			observers++
		case l.Voter:
			voters++
		default:
			others++
		}
	}
	return voters, others, observers
}

// PeerState is the state in the words of ZooKeeper's metric peer_state:
// "looking", "leading - broadcast", "following - synchronization - diff".
//
// ZooKeeper: QuorumPeer.getDetailedPeerState.
func (s *Status) PeerState() string {
	if s.Role == Looking {
		return s.Role.String()
	}
	text := s.Role.String() + " - " + s.Phase.String()
	if s.Phase != PhaseSynchronization {
		return text
	}
	switch s.Sync {
	case wire.PacketDiff:
		return text + " - diff"
	case wire.PacketSnap:
		return text + " - snap"
	case wire.PacketTrunc:
		return text + " - trunc"
	}
	return text
}

// Status describes the node. It costs some allocations.
func (n *Node) Status() Status {
	s := Status{
		Self: n.config.Self, Role: n.role, Accepted: n.accepted, Current: n.current,
		Last: n.history.last, Durable: n.disk.durable, Applied: max(n.handed, 0),
		Unapplied:  len(n.history.after(n.handed)),
		Configured: n.quorums.configured, Agreed: n.quorums.committed, Pending: n.quorums.pending,
		Round: n.election.clock, Counts: n.counts, Awaits: n.awaits(),
	}
	for id := range n.election.courtesy.differing {
		s.Differing = append(s.Differing, id)
	}
	slices.Sort(s.Differing)
	switch {
	case n.leader != nil:
		s.Leader, s.Epoch, s.Phase = n.config.Self, n.leader.epoch, n.leader.phase.public()
		s.Learners = n.leader.status()
	case n.learner != nil:
		s.Leader, s.Epoch, s.Phase = n.learner.leader, n.learner.epoch, n.learner.stage.phase()
		if s.Phase == PhaseSynchronization {
			s.Sync = n.learner.sync.mode
		}
	}
	return s
}

// Learner is the server at the other end of a leader's link; 0 when there is no
// such link, or it has not said who it is.
func (n *Node) Learner(link LinkID) wire.PeerID {
	if n.leader == nil {
		return 0
	}
	if f := n.leader.find(link); f != nil && f.stage > stageHello {
		return f.peer
	}
	return 0
}

// Voters is how many followers that serve vote: those whose acknowledgement of a
// transaction a leader can expect.
func (n *Node) Voters() int {
	count := 0
	if n.leader != nil {
		for _, f := range n.leader.links {
			if f.stage == stageServing && !f.observer && !f.gone && n.quorums.voter(f.peer) {
				count++
			}
		}
	}
	return count
}

// Counts are the node's counters.
func (n *Node) Counts() Counts { return n.counts }

func (p leaderPhase) public() Phase {
	switch p {
	case phaseHistory:
		return PhaseSynchronization
	case phaseServing:
		return PhaseBroadcast
	}
	return PhaseDiscovery
}

func (s learnerStage) phase() Phase {
	switch {
	case s == learnerServing:
		return PhaseBroadcast
	case s >= learnerTaking:
		return PhaseSynchronization
	}
	return PhaseDiscovery
}

// stageNames say what a leader sees of a learner.
var stageNames = [...]string{
	stageHello:    "introducing itself",
	stageKnown:    "waiting for the epoch",
	stageOffered:  "accepting the epoch",
	stagePromised: "waiting for a quorum",
	stageReading:  "waiting for the log on the leader's disk",
	stageSyncing:  "synchronizing",
	stageReady:    "synchronized, waiting for a quorum",
	stageServing:  "serving",
}

func (l *leader) status() []LearnerStatus {
	var list []LearnerStatus
	for _, f := range l.links {
		if f.gone {
			continue
		}
		s := LearnerStatus{
			Peer: f.peer, Observer: f.observer, Voter: !f.observer && l.node.quorums.voter(f.peer),
			Stage: stageNames[f.stage], Serving: f.stage == stageServing, PendingSyncs: len(f.syncs),
			Silent: f.silence.age(l.node.now), Lag: -1,
		}
		if !f.observer && f.stage >= stageReady {
			s.Acknowledged = l.acknowledged(f)
			s.Lag = int64(len(l.node.history.after(s.Acknowledged)))
		}
		list = append(list, s)
	}
	slices.SortFunc(list, func(a, b LearnerStatus) int { return cmp.Compare(a.Peer, b.Peer) })
	return list
}

// acknowledged is the end of what a follower has for certain. Before its first
// ACK of a proposal that is what it was sent before it joined.
func (l *leader) acknowledged(f *learnerLink) wire.Zxid {
	switch {
	case f.match != 0:
		return f.match
	case f.unacked != 0:
		return f.unacked - 1
	}
	return l.node.history.last
}

// age is how long ago, as of the last tick, the alarm was started.
func (a *alarm) age(now wire.Millis) wire.Millis {
	if !a.running {
		return 0
	}
	return max(now-(a.at-a.length), 0)
}

// awaits is Status.Awaits.
func (n *Node) awaits() string {
	switch {
	case n.leader != nil:
		return n.leader.awaits()
	case n.learner != nil:
		return n.learner.awaits()
	}
	return n.election.awaits()
}

func (e *election) awaits() string {
	if missing := e.quorums.missing(e.supports); missing != "" {
		return "the votes of " + missing
	}
	if !e.mayElect() {
		return "the votes of all voters, because this server and those that vote are empty: " + serverNames(e.absent())
	}
	return "better votes"
}

func (l *leader) awaits() string {
	switch {
	case l.phase == phaseServing:
		return ""
	case l.phase == phasePromises && l.missing(promised) == "":
		in := l.together(promised)
		absent := slices.DeleteFunc(slices.Clone(l.node.quorums.voters), in)
		return "all voters to accept the epoch, because this server is empty: " + serverNames(absent)
	case l.epochsUsedUp():
		return "an operator: " + noEpochLeft
	case l.phase == phaseEpoch:
		return l.missing(connected) + " to connect"
	case l.phase == phasePromises:
		return l.missing(promised) + " to accept the epoch"
	case l.phase == phaseHistory && l.missing(inHistory) != "":
		return l.missing(inHistory) + " to take this leader's history"
	}
	return "the own disk"
}

func (l *learner) awaits() string {
	leader := "the leader, " + serverNames([]wire.PeerID{l.leader}) + ","
	switch l.stage {
	case learnerServing:
		return ""
	case learnerDialling:
		return leader + " to be reached"
	case learnerHello:
		return leader + " to have a quorum for its epoch"
	case learnerAnswered, learnerTaking:
		return leader + " to send its history"
	case learnerJoined:
		return leader + " to say that a quorum has its history"
	}
	return "the own disk"
}
