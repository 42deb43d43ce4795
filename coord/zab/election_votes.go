package zab

import "kafkacoord/coord/wire"

// heard is a vote that came from a server.
type heard struct {
	vote
	state   wire.PeerState // of the sender
	version int32          // of its message
}

// roundJumpMax bounds how far ahead of this server's round another one's may be.
// Rounds grow by one with each election; a larger jump is made up, and would take
// everyone who follows it to where the clock ends.
const roundJumpMax = 1 << 20

// above is the order of votes: by epoch, log and, to break ties, server. The
// round does not count.
func (v vote) above(w vote) bool {
	switch {
	case v.epoch != w.epoch:
		return v.epoch > w.epoch
	case v.zxid != w.zxid:
		return v.zxid > w.zxid
	}
	return v.leader > w.leader
}

// hasData tells whether the proposed leader has ever been part of an ensemble.
func (v vote) hasData() bool { return v.zxid > 0 || v.epoch > 0 }

// agrees is the equality of votes. Those of servers that have a leader agree when
// they follow the same one in the same epoch; their zxid and round may differ
// (ZOOKEEPER-1805), and old servers do not know the epoch.
//
// ZooKeeper: Vote.java.
func (n heard) agrees(other heard) bool {
	switch {
	case n.state == wire.PeerLooking || other.state == wire.PeerLooking:
		return n.vote == other.vote
	case (n.version > 0) != (other.version > 0):
		return n.leader == other.leader
	}
	return n.leader == other.leader && n.epoch == other.epoch
}

// notification takes a message from another server, in every state. It may be
// old, repeated or from anybody.
func (e *election) notification(from wire.PeerID, m *wire.Notification, out *Output) {
	if !e.started || from == e.self {
		return
	}
	if m.Round > e.clock+roundJumpMax {
		if e.courtesy.worthNoting(from) {
			e.warn(out, "a message with a round that no election reaches is ignored; is its sender a server of this ensemble?",
				"from", from, "round", m.Round, "own", e.clock)
		}
		return
	}
	e.compareLists(from, m, out)
	looking := m.State == wire.PeerLooking
	switch {
	case !e.quorums.voter(from):
		if looking {
			e.answerNonVoter(from, out)
		}
	case e.state != wire.PeerLooking:
		if looking {
			e.ahead.keep(from, m)
			e.send(from, e.current, out)
		}
	default:
		if looking && m.Round < e.clock {
			e.send(from, e.proposal, out)
		}
		e.consider(from, m, out)
	}
}

// consider takes a message of a voter into account.
func (e *election) consider(from wire.PeerID, m *wire.Notification, out *Output) {
	n := heard{
		vote:  vote{leader: m.Leader, zxid: m.Zxid, round: m.Round, epoch: m.PeerEpoch},
		state: m.State, version: m.Version,
	}
	if !e.quorums.voter(n.leader) {
		// Voters without a voice of their own say noLeader until they know better.
		if n.leader != noLeader && e.courtesy.worthNoting(from) {
			e.warn(out, "a vote is for a server that is no voter in the list; compare the server lines of both configurations",
				"from", from, "leader", n.leader)
		}
		return
	}
	switch n.state {
	case wire.PeerLooking:
		e.considerLooking(from, n, out)
	case wire.PeerFollowing, wire.PeerLeading:
		e.considerEstablished(from, n, out)
	}
}

// considerLooking takes the vote of a server that looks for a leader too.
func (e *election) considerLooking(from wire.PeerID, n heard, out *Output) {
	if e.initial.zxid == lostData || n.zxid == lostData || n.round < e.clock {
		return
	}
	if n.leader == e.self && (e.initial.leader != e.self || n.above(e.initial)) {
		// It is about what this server was before it lost data or its vote. Only a
		// new round makes the others forget it.
		e.enterRound(n.round + 1)
		e.propose(e.initial)
		e.broadcast(out)
		return
	}
	switch {
	case n.round > e.clock:
		e.enterRound(n.round)
		e.propose(e.initial)
		if e.beats(n.vote) {
			e.propose(n.vote)
		}
		e.broadcast(out)
	case e.beats(n.vote):
		e.propose(n.vote)
		e.broadcast(out)
	}
	// Within a round a server's votes only become better: this one was overtaken.
	if former, found := e.received[from]; found && former.state == wire.PeerLooking && former.above(n.vote) {
		return
	}
	e.received[from] = n
	e.tally(out)
}

// beats tells whether a vote is better than the proposal. Servers of weight 0 are
// not elected.
func (e *election) beats(v vote) bool {
	return v.above(e.proposal) && e.quorums.electable(v.leader)
}

// considerEstablished takes the word of a server that has a leader: a quorum of
// them, with the leader itself, is an ensemble to join.
func (e *election) considerEstablished(from wire.PeerID, n heard, out *Output) {
	if n.round == e.clock {
		inRound := n
		inRound.version = 0 // so that of two established servers only the leader is compared, as in ZooKeeper
		e.received[from] = inRound
		if e.joins(e.received, n) {
			e.decide(n.vote, "a quorum follows it, elected in this round", out)
			return
		}
	}
	e.outside[from] = n
	if e.joins(e.outside, n) {
		e.clock = n.round
		e.decide(n.vote, "a quorum follows it already", out)
	}
}

// joins tells whether a quorum agrees with a vote, its leader among them.
func (e *election) joins(votes map[wire.PeerID]heard, n heard) bool {
	agreeing := func(id wire.PeerID) bool {
		other, found := votes[id]
		return found && other.agrees(n)
	}
	if !e.quorums.has(agreeing) {
		return false
	}
	if n.leader == e.self {
		// The others may mean what this server was before it lost its data.
		return n.round == e.clock && e.initial.leader == e.self && e.initial.zxid != lostData && !n.above(e.initial)
	}
	leader, found := votes[n.leader]
	return found && leader.state == wire.PeerLeading
}

// compareLists tells the operator, once for each server, that it has another list.
// Nothing else follows from it: lists change by configuration, not by messages.
func (e *election) compareLists(from wire.PeerID, m *wire.Notification, out *Output) {
	own, c := e.quorums.configured, &e.courtesy
	if m.Config == "" || m.Config == own.Text || m.Config == c.alike || c.differing[from] || !e.quorums.known(from) {
		return
	}
	list, err := ParseMembership(m.Config)
	switch {
	case err != nil:
		e.warn(out, "a server sends a list of servers that cannot be read", "from", from, "error", err)
	case !list.Equal(own) || list.Version != own.Version:
		e.warn(out, "a server has another list of servers; make the server lines of both configurations equal",
			"from", from, "own", own.Text, "other", list.Text)
	default:
		c.alike = m.Config
		return
	}
	c.differing[from] = true
}

// answerNonVoter tells a server without a vote where the ensemble is. The round
// is the clock, not that of the vote, so that it can take part in a round.
func (e *election) answerNonVoter(from wire.PeerID, out *Output) {
	known := e.quorums.known(from)
	if !known && e.courtesy.worthNoting(from) {
		e.warn(out, "a server that is not in the list looks for a leader; add its server line here, or stop it", "from", from)
	}
	if !e.courtesy.mayAnswer(from, known, e.now+e.minimumWait) {
		return
	}
	v := e.current
	v.round = e.clock
	e.send(from, v, out)
}
