package zab

import "kafkacoord/coord/wire"

// earlyMax bounds the learners that may wait for this server to finish its
// election.
const earlyMax = 256

// Node is one server's part in the ensemble. It has one owner.
type Node struct {
	config   Config
	quorums  *quorums
	election *election
	now      wire.Millis
	begun    bool
	role     Role

	history history
	// handed is the newest transaction given to the owner for applying. What was
	// in the log when the server started has been applied before.
	handed            wire.Zxid
	disk              disk
	accepted, current int64 // the epochs, as ordered
	// restore is set when the log cannot be brought in line with a leader's by
	// adding and cutting: the next leader is asked for a snapshot.
	restore bool
	// floor is the place of the snapshot that came last: the log cannot be cut
	// before it.
	floor wire.Zxid
	// seenEpoch is the highest epoch that a learner in one of the lists had accepted.
	seenEpoch int64
	// mayYield is when a leader may stop again because a voter has accepted a later
	// epoch.
	mayYield wire.Millis
	tokens   uint64 // of Confirm, given so far
	counts   Counts

	learner *learner // while following or observing
	leader  *leader  // while leading
	// failures is how many times in a row a leader was left before it served.
	failures int
	early    []early
}

// early is a link that a learner opened before this server knew that it leads:
// learners may hear of the outcome first.
type early struct {
	link    LinkID
	packet  *wire.Packet // the learner's first
	timeout alarm
}

// New returns a node that is looking for a leader. Start begins the election.
func New(c Config, s State) *Node {
	n := &Node{
		config: c, history: newHistory(s.Last, s.Recent), handed: s.Last,
		accepted: s.Accepted, current: s.Current, seenEpoch: s.Accepted,
		restore: s.Last < 0, floor: s.Floor,
	}
	n.disk.durable = s.Last
	n.quorums = newQuorums(&n.config)
	n.election = newElection(&n.config, n.quorums)
	return n
}

// Start begins the first election.
func (n *Node) Start(now wire.Millis, out *Output) {
	n.now, n.begun, n.mayYield = now, true, now
	n.counts.Elections++
	n.election.start(n.now, n.history.last, n.current, out)
	n.conclude(out)
}

// Tick lets time pass. It must be called when the time of NextWake has come, and
// may be called at any other; calls of the other methods do not move the clock.
func (n *Node) Tick(now wire.Millis, out *Output) {
	if !n.begun {
		return
	}
	n.now = max(n.now, now)
	n.election.tick(n.now, out)
	switch {
	case n.leader != nil:
		n.leader.tick(out)
	case n.learner != nil:
		n.learner.tick(out)
	}
	n.expireEarly(out)
	n.conclude(out)
}

// NextWake is when Tick wants to be called.
func (n *Node) NextWake() wire.Millis {
	wake := n.election.nextWake()
	switch {
	case n.leader != nil:
		wake = min(wake, n.leader.nextWake())
	case n.learner != nil:
		wake = min(wake, n.learner.nextWake())
	}
	for i := range n.early {
		wake = min(wake, n.early[i].timeout.wake(n.now))
	}
	return wake
}

// Notification takes an election message of a server.
func (n *Node) Notification(from wire.PeerID, m *wire.Notification, out *Output) {
	n.election.notification(from, m, out)
	n.conclude(out)
}

// Reachable tells whether there is a connection for election messages to a
// server. It decides only how long the node waits for late votes.
func (n *Node) Reachable(peer wire.PeerID, connected bool, out *Output) {
	n.election.reachable(peer, connected, out)
	n.conclude(out)
}

// LinkUp tells of a new link: the one asked for by Output.Dial, with the server
// dialled, or one that a learner opened to this server, with peer 0.
func (n *Node) LinkUp(link LinkID, peer wire.PeerID, out *Output) {
	switch {
	case peer == 0 && n.leader != nil:
		n.leader.linkUp(link)
	case peer == 0 && n.role == Looking && len(n.early) < earlyMax:
		e := early{link: link}
		e.timeout.start(n.ticks(n.config.InitLimit))
		n.early = append(n.early, e)
	case n.learner != nil && n.learner.wants(peer):
		n.learner.linkUp(link, out)
	default:
		out.Close = append(out.Close, link)
	}
	n.conclude(out)
}

// LinkDown tells of the end of a link that Node did not close itself; link 0
// means that the one asked for by Output.Dial could not be had.
func (n *Node) LinkDown(link LinkID, out *Output) {
	switch {
	case n.leader != nil:
		n.leader.linkDown(link)
	case n.learner != nil:
		n.learner.linkDown(link)
	}
	n.forgetEarly(link)
	n.conclude(out)
}

// Packet takes a packet from a link. A SNAP packet is handed over when the
// snapshot behind it has been received whole; the owner keeps it until a
// DiskInstall for the link, or the link's end. Node keeps the packet's data. It
// does not look into transactions: a packet with one that the owner could not
// apply is not for Packet but for Refuse.
func (n *Node) Packet(link LinkID, p *wire.Packet, out *Output) {
	switch {
	case n.leader != nil:
		n.leader.packet(link, p, out)
	case n.learner != nil:
		if n.learner.link == link {
			n.learner.packet(p, out)
		}
	default:
		n.earlyPacket(link, p, out)
	}
	n.conclude(out)
}

// Alive says that bytes move on a link whose next packet takes long, because a
// snapshot is behind it: the node waits on.
func (n *Node) Alive(link LinkID) {
	switch {
	case n.leader != nil:
		if f := n.leader.find(link); f != nil {
			n.leader.extend(f)
		}
	case n.learner != nil:
		if n.learner.link == link {
			n.learner.extend()
		}
	}
}

// Durable says that all entries up to z are in the log for good.
func (n *Node) Durable(z wire.Zxid, out *Output) {
	n.disk.written(min(z, n.history.last))
	n.progress(out)
}

// DiskDone says that the oldest disk order that is no append has been carried
// out, and with it all before it.
func (n *Node) DiskDone(out *Output) {
	w, ok := n.disk.done()
	if !ok {
		return
	}
	if w.then != nil {
		w.then(out)
	}
	n.progress(out)
}

// progress goes on with what waited for the disk.
func (n *Node) progress(out *Output) {
	switch {
	case n.leader != nil:
		n.leader.advance(out)
	case n.learner != nil:
		n.learner.progress(out)
	}
	n.trim()
	n.conclude(out)
}

// History answers Output.ReadLog with the entries asked for, or with ok false
// when the log does not hold all of them or there are too many.
func (n *Node) History(link LinkID, entries []Entry, ok bool, out *Output) {
	if n.leader != nil {
		n.leader.history(link, entries, ok, out)
	}
	n.conclude(out)
}

// Propose broadcasts the next transactions of a serving leader: the first has
// the zxid after the last one's. The leader hands over with the last zxid of its
// epoch; LogEnd tells how many were taken.
func (n *Node) Propose(entries []Entry, out *Output) {
	if n.leader == nil || n.leader.phase != phaseServing {
		warn(out, "transactions were proposed at a server that does not lead; they are dropped", "count", len(entries))
		return
	}
	n.leader.propose(entries, out)
	n.conclude(out)
}

// LogEnd is the end of the log, durable or not: the last of what was given to
// Propose and taken; -1 when the data is lost.
func (n *Node) LogEnd() wire.Zxid { return n.history.last }

// Refuse closes a link on which something came that the owner cannot take. A
// learner leaves its leader by that.
func (n *Node) Refuse(link LinkID, reason string, out *Output) {
	switch {
	case n.leader != nil:
		if f := n.leader.find(link); f != nil {
			n.leader.drop(f, out, reason)
		}
	case n.learner != nil:
		if n.learner.link == link {
			n.learner.fail(reason)
		}
	default:
		n.forgetEarly(link)
		out.Close = append(out.Close, link)
	}
	n.conclude(out)
}

// Send queues a packet that concerns clients: at a learner to the leader's link,
// which link may be or 0, at a leader to a learner's. It is dropped unless the
// link is serving.
func (n *Node) Send(link LinkID, p wire.Packet, out *Output) {
	switch {
	case n.leader != nil:
		if f := n.leader.find(link); f != nil && f.stage == stageServing {
			send(out, link, p)
		}
	case n.learner != nil:
		if l := n.learner; l.stage == learnerServing && (link == 0 || link == l.link) {
			send(out, l.link, p)
		}
	}
}

// Confirm asks a serving leader to make sure that it leads still: a quorum must
// answer a PING sent after this call. Output.Confirmed reports tokens from this
// one on. Calls within one round share the next. Tokens only grow; at a server
// that is no serving leader the token is 0 and there will be no answer.
func (n *Node) Confirm(out *Output) (token uint64) {
	if n.leader == nil || n.leader.phase != phaseServing {
		return 0
	}
	return n.leader.confirm(out)
}

// Sync answers a learner's sync request: SYNC goes to the link behind the COMMIT
// of all that is proposed now, once a quorum has confirmed that this server
// leads still.
func (n *Node) Sync(link LinkID, out *Output) {
	if n.leader != nil {
		n.leader.sync(link, out)
	}
	n.conclude(out)
}

// conclude ends a call: roles that have failed are left, and a role that the
// election has found is taken. Only here a role changes, so that everything else
// may rely on the one it was called in.
func (n *Node) conclude(out *Output) {
	for n.begun {
		switch {
		case n.leader != nil:
			n.leader.sweep(out)
			if n.leader.failed == "" {
				return
			}
			warn(out, "this server stops leading", "reason", n.leader.failed, "epoch", n.leader.epoch)
			n.look(out)
		case n.learner != nil:
			if n.learner.failed == "" {
				return
			}
			warn(out, "this server leaves its leader", "leader", n.learner.leader, "reason", n.learner.failed)
			n.look(out)
		default:
			v, state, ok := n.election.decided()
			if !ok {
				return
			}
			n.assume(v, state, out)
		}
	}
}

// look gives up the role and begins an election.
func (n *Node) look(out *Output) {
	if n.leader != nil {
		n.leader.close(out)
	} else {
		n.learner.close(out)
	}
	n.leader, n.learner, n.role = nil, nil, Looking
	out.Changes = append(out.Changes, Change{Role: Looking})
	n.counts.Elections++
	n.election.start(n.now, n.history.last, n.current, out)
}

// assume takes the role that the election has found.
func (n *Node) assume(v vote, state wire.PeerState, out *Output) {
	n.counts.Decided++
	n.counts.Took = n.now - n.election.began
	waiting := n.early
	n.early = nil
	if state == wire.PeerLeading {
		n.role = Leading
		out.Changes = append(out.Changes, Change{Role: n.role, Leader: n.config.Self})
		n.leader = newLeader(n)
		for _, e := range waiting {
			n.leader.linkUp(e.link)
			if e.packet != nil {
				n.leader.packet(e.link, e.packet, out)
			}
		}
		n.leader.considerEpoch(out)
		return
	}
	for _, e := range waiting {
		out.Close = append(out.Close, e.link)
	}
	n.role = Following
	if state == wire.PeerObserving {
		n.role = Observing
	}
	out.Changes = append(out.Changes, Change{Role: n.role, Leader: v.leader})
	n.learner = newLearner(n, v.leader)
	n.learner.begin(n.failures, out)
}

// commitTo hands the transactions up to z to the owner.
func (n *Node) commitTo(z wire.Zxid, out *Output) {
	if z <= n.handed {
		return
	}
	n.handed, out.Commit = z, z
	n.trim()
}

// trim keeps the history within its bounds; what is not applied or not durable
// yet stays.
func (n *Node) trim() {
	n.history.trim(min(n.handed, n.disk.durable), n.config.WindowEntries, n.config.WindowBytes)
}

// ticks is the length of so many ticks.
func (n *Node) ticks(count int) wire.Millis { return wire.Millis(count) * n.config.Tick }

// earlyPacket keeps the first packet of a learner that came early. A second one
// is against the protocol: the learner must wait for an answer.
func (n *Node) earlyPacket(link LinkID, p *wire.Packet, out *Output) {
	for i := range n.early {
		e := &n.early[i]
		if e.link != link {
			continue
		}
		if e.packet != nil {
			n.forgetEarly(link)
			out.Close = append(out.Close, link)
			return
		}
		kept := *p
		e.packet = &kept
	}
}

func (n *Node) forgetEarly(link LinkID) {
	for i := range n.early {
		if n.early[i].link == link {
			n.early = append(n.early[:i], n.early[i+1:]...)
			return
		}
	}
}

func (n *Node) expireEarly(out *Output) {
	for i := len(n.early) - 1; i >= 0; i-- {
		if e := &n.early[i]; e.timeout.rings(n.now) {
			out.Close = append(out.Close, e.link)
			n.early = append(n.early[:i], n.early[i+1:]...)
		}
	}
}

func send(out *Output, link LinkID, p wire.Packet) {
	out.Sends = append(out.Sends, Send{Link: link, Packet: p})
}

func note(out *Output, text string, args ...any) {
	out.Notes = append(out.Notes, Note{Text: text, Args: args})
}

func warn(out *Output, text string, args ...any) {
	out.Notes = append(out.Notes, Note{Warn: true, Text: text, Args: args})
}
