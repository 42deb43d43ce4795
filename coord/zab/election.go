package zab

import (
	"math"
	"slices"

	"kafkacoord/coord/wire"
)

// vote is a proposal for a leader.
type vote struct {
	leader wire.PeerID
	zxid   wire.Zxid // the end of the leader's log
	round  int64
	epoch  int64 // the leader's currentEpoch
}

// Values of proposals that mean no server and no log.
const (
	// noLeader is proposed by a server that cannot be elected itself, together
	// with the zxid and epoch of the same value by an observer (ZooKeeper:
	// Long.MIN_VALUE).
	noLeader wire.PeerID = math.MinInt64
	// lostData is the end of the log of a server that lost its data.
	lostData wire.Zxid = -1
)

// patience is how long an election may take, in ms, before the operator is told
// at each repetition of the vote whom it waits for.
const patience wire.Millis = 2000

// election finds a leader, and tells other servers about the one there is
// (ZooKeeper: FastLeaderElection.java).
type election struct {
	self         wire.PeerID
	quorums      *quorums
	bootstrap    bool
	minimumWait  wire.Millis
	maximumWait  wire.Millis
	finalizeWait wire.Millis

	now     wire.Millis // of the last start or tick
	clock   int64       // the round
	started bool        // at least once
	state   wire.PeerState
	current vote // the outcome of the last election, which others are told

	// connected has the voters that are known to be reachable or not; the others
	// have not been tried yet.
	connected map[wire.PeerID]bool
	courtesy  courtesy
	ahead     ahead

	// Of the election that is under way; state is then PeerLooking.
	began    wire.Millis
	initial  vote // for this server, or for nobody
	proposal vote // its round is clock
	newcomer bool // without data, so with no say over those who may have some

	received map[wire.PeerID]heard // votes of this round
	outside  map[wire.PeerID]heard // votes of servers that have a leader
	wait     wire.Millis           // between repetitions
	resend   wire.Millis           // time of the next repetition
	settling settling
	deadline wire.Millis // when settling is settlingTimed
}

// settling says whether a quorum supports the proposal, and how far the wait for
// better votes is. Only calls that move the clock can set the time of its end.
type settling uint8

const (
	settlingNot settling = iota
	settlingUntimed
	settlingTimed
)

func newElection(c *Config, q *quorums) *election {
	minimum := max(c.MinNotification, 1)
	return &election{
		self: c.Self, quorums: q, bootstrap: c.Bootstrap,
		minimumWait: minimum, maximumWait: max(c.MaxNotification, minimum), finalizeWait: c.FinalizeWait,
		connected: make(map[wire.PeerID]bool),
		courtesy:  newCourtesy(),
		ahead:     make(ahead),
		received:  make(map[wire.PeerID]heard),
		outside:   make(map[wire.PeerID]heard),
	}
}

// start begins a round. last is the end of the own log, epoch the own
// currentEpoch. The result is there when decided says so, which may be at once.
func (e *election) start(now wire.Millis, last wire.Zxid, epoch int64, out *Output) {
	e.now, e.began = now, now
	e.state = wire.PeerLooking
	e.initial = vote{leader: e.self, zxid: last, epoch: epoch}
	if !e.started {
		e.started, e.current = true, e.initial
	}
	switch {
	case e.quorums.configured.Observer(e.self):
		e.initial = vote{leader: noLeader, zxid: math.MinInt64, epoch: math.MinInt64}
	case !e.quorums.configured.Voter(e.self):
		e.initial.leader = noLeader
	}
	e.newcomer = !e.bootstrap && last == 0 && e.quorums.committed == nil
	clear(e.outside)
	e.enterRound(e.clock + 1)
	e.propose(e.initial)
	e.wait = e.minimumWait
	e.resend = now + e.wait
	e.note(out, "looking for a leader", "round", e.clock, "zxid", last, "epoch", epoch)
	e.broadcast(out)
	e.tally(out)
	e.catchUp(out)
}

// enterRound forgets the votes of the round before.
func (e *election) enterRound(round int64) {
	e.clock = round
	clear(e.received)
	clear(e.courtesy.noted)
}

// propose makes a vote this server's own, and its own the first that counts for
// it.
func (e *election) propose(v vote) {
	v.round = e.clock
	e.proposal = v
	e.settling = settlingNot
	if e.quorums.voter(e.self) && e.quorums.voter(v.leader) && e.initial.zxid != lostData {
		e.received[e.self] = heard{vote: v, state: wire.PeerLooking}
	}
}

// broadcast sends the proposal to all other voters.
func (e *election) broadcast(out *Output) {
	for _, id := range e.quorums.voters {
		if id != e.self {
			e.send(id, e.proposal, out)
		}
	}
}

func (e *election) send(to wire.PeerID, v vote, out *Output) {
	out.Ballots = append(out.Ballots, Ballot{To: to, Notification: wire.Notification{
		State: e.state, Leader: v.leader, Zxid: v.zxid, Round: v.round, PeerEpoch: v.epoch,
		Version: wire.NotificationVersion, Config: e.quorums.configured.Text,
	}})
}

// tick lets time pass; nextWake is when it wants to be called.
func (e *election) tick(now wire.Millis, out *Output) {
	e.now = now
	e.courtesy.tick(now)
	e.ahead.tick(now, e.minimumWait)
	if !e.started || e.state != wire.PeerLooking {
		return
	}
	if e.settling == settlingUntimed {
		e.settling, e.deadline = settlingTimed, now+e.finalizeWait
	}
	if e.settling == settlingTimed && now >= e.deadline {
		e.decide(e.proposal, "a quorum votes for it, and no better vote came", out)
		return
	}
	if now >= e.resend {
		e.wait = min(2*e.wait, e.maximumWait)
		e.resend = now + e.wait
		e.broadcast(out)
		e.explain(out)
	}
}

// explain tells the operator, in an election that takes long, whom it waits for.
func (e *election) explain(out *Output) {
	if e.now-e.began < patience {
		return
	}
	if missing := e.quorums.missing(e.supports); missing != "" {
		e.note(out, "no leader yet", "round", e.clock, "proposed", e.proposal.leader, "waiting for", missing)
	} else if !e.mayElect() {
		e.warn(out, "no leader yet: this server and those that vote are empty; so that the data of another one is not lost, "+
			"it waits for the votes of all", "round", e.clock, "waiting for", serverNames(e.absent()))
	}
}

func (e *election) nextWake() wire.Millis {
	wake := e.courtesy.wake()
	if !e.started || e.state != wire.PeerLooking {
		return wake
	}
	switch e.settling {
	case settlingUntimed:
		wake = e.now
	case settlingTimed:
		wake = min(wake, e.deadline)
	}
	return min(wake, e.resend)
}

// reachable tells which servers can be talked to.
func (e *election) reachable(peer wire.PeerID, connected bool, out *Output) {
	if peer == e.self || !e.quorums.voter(peer) {
		return
	}
	former, tried := e.connected[peer]
	e.connected[peer] = connected
	if !e.started || e.state != wire.PeerLooking || tried && former == connected {
		return
	}
	if connected {
		// What was sent before may be lost, and the next repetition be far.
		e.send(peer, e.proposal, out)
		return
	}
	e.tally(out)
}

// decided returns the outcome once there is one. From then on the election
// answers other servers with it, in the given state.
func (e *election) decided() (v vote, state wire.PeerState, ok bool) {
	if !e.started || e.state == wire.PeerLooking {
		return vote{}, wire.PeerLooking, false
	}
	return e.current, e.state, true
}

// established replaces the epoch of the vote by the one that the ensemble has
// settled on, for servers that join later (ZOOKEEPER-1732).
func (e *election) established(epoch int64) {
	if _, _, ok := e.decided(); ok {
		e.current.epoch = epoch
	}
}

// tally looks whether the votes of this round are enough to decide.
func (e *election) tally(out *Output) {
	if e.state != wire.PeerLooking {
		return
	}
	switch {
	case !e.quorums.has(e.supports), !e.mayElect():
		e.settling = settlingNot
	case e.unanimous():
		e.decide(e.proposal, "all reachable voters vote for it", out)
	case e.settling == settlingNot:
		e.settling = settlingUntimed
	}
}

// supports tells whether a server votes for the proposal in this round.
func (e *election) supports(id wire.PeerID) bool {
	n, found := e.received[id]
	return found && n.vote == e.proposal
}

// mayElect tells whether the proposal may win on votes alone. A newcomer helps
// only a leader with data to win, because two fresh servers of three could
// otherwise start an empty ensemble while the third, with the data, is away. When
// all voters show up empty, there is nothing to lose.
func (e *election) mayElect() bool {
	return !e.newcomer || e.proposal.hasData() || len(e.absent()) == 0
}

// absent are the voters that have not shown up empty in this round.
func (e *election) absent() []wire.PeerID {
	return slices.DeleteFunc(slices.Clone(e.quorums.voters), func(id wire.PeerID) bool {
		n, found := e.received[id]
		return found && !n.hasData()
	})
}

// unanimous tells whether no voter that can be reached could still bring a better
// vote. A voter that nobody has tried to reach yet could.
func (e *election) unanimous() bool {
	return !slices.ContainsFunc(e.quorums.voters, func(id wire.PeerID) bool {
		connected, tried := e.connected[id]
		return !e.supports(id) && (connected || !tried)
	})
}

// decide ends the election.
func (e *election) decide(v vote, reason string, out *Output) {
	switch {
	case v.leader == e.self:
		e.state = wire.PeerLeading
	case e.quorums.configured.Observer(e.self):
		e.state = wire.PeerObserving
	default:
		e.state = wire.PeerFollowing
	}
	e.current = v
	e.settling = settlingNot
	e.note(out, "leader elected", "leader", v.leader, "because", reason, "round", v.round,
		"zxid", v.zxid, "epoch", v.epoch, "millis", e.now-e.began)
}

func (e *election) note(out *Output, text string, args ...any) {
	out.Notes = append(out.Notes, Note{Text: text, Args: args})
}

func (e *election) warn(out *Output, text string, args ...any) {
	out.Notes = append(out.Notes, Note{Warn: true, Text: text, Args: args})
}
