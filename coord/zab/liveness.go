package zab

import "kafkacoord/coord/wire"

// pendingSyncsMax bounds the sync requests that wait on one link.
const pendingSyncsMax = 100_000

// pendingSync is a sync request of a learner that is not answered.
type pendingSync struct {
	after wire.Zxid // to be committed before
	token uint64    // of the round that must have confirmed this leader
}

func (l *leader) tick(out *Output) {
	n := l.node
	if l.failed != "" {
		return
	}
	if l.patience.rings(n.now) {
		l.fail(l.lacking())
		return
	}
	for _, f := range l.links {
		if f.stage < stageServing && f.joining.rings(n.now) && !f.overdue {
			f.overdue, l.dropped = true, true
		}
		if f.gone || !f.silence.rings(n.now) || !f.awaited() {
			continue
		}
		if f.stage == stageReading {
			l.sendSnapshot(f, out)
			continue
		}
		l.drop(f, out, "it was silent for too long")
	}
	if n.now >= l.nextPing {
		l.nextPing = n.now + max(n.config.Tick/2, 1)
		l.pingAll(out)
	}
}

// lacking says what the phase has waited for in vain.
func (l *leader) lacking() string {
	const text = "there was no quorum within initLimit; "
	switch {
	case l.epochsUsedUp():
		return noEpochLeft
	case l.phase == phaseEpoch:
		return text + "not connected: " + l.missing(connected)
	case l.phase == phasePromises:
		return text + "without acknowledgement of the epoch: " + l.missing(promised)
	case l.phase == phaseHistory:
		return text + "without acknowledgement of the history: " + l.missing(inHistory)
	}
	return text + "the own disk is too slow"
}

func (l *leader) nextWake() wire.Millis {
	now := l.node.now
	wake := min(l.patience.wake(now), l.nextPing)
	for _, f := range l.links {
		if f.awaited() {
			wake = min(wake, f.silence.wake(now))
		}
		if f.stage < stageServing && !f.overdue {
			wake = min(wake, f.joining.wake(now))
		}
	}
	return wake
}

// pingAll lets learners know that the leader lives, and learns whether they do.
// One that leaves a proposal without an answer for too long holds up the others
// when they need it for a quorum: it is sent away to start over.
func (l *leader) pingAll(out *Output) {
	n := l.node
	for _, f := range l.links {
		if f.stage < stageSyncing || f.gone {
			continue
		}
		if f.unacked != 0 && n.now-f.unackedSince >= n.ticks(n.config.SyncLimit) {
			l.drop(f, out, "it did not acknowledge "+f.unacked.String()+" within syncLimit")
			continue
		}
		l.ping(f, out)
	}
}

func (l *leader) ping(f *learnerLink, out *Output) {
	send(out, f.link, wire.Packet{Type: wire.PacketPing, Zxid: l.proposed})
	if f.stage == stageServing {
		f.pings++
	}
}

// request takes a packet of a serving learner that is no ACK. Types that are
// unknown are ignored, as in ZooKeeper.
func (l *leader) request(f *learnerLink, p *wire.Packet, out *Output) {
	switch p.Type {
	case wire.PacketPing:
		// Answers come in the order of the questions.
		f.pongs = min(f.pongs+1, f.pings)
		out.Deliver = append(out.Deliver, Delivery{Link: f.link, Peer: f.peer, Packet: *p})
		l.considerRound(out)
	case wire.PacketRequest, wire.PacketRevalidate:
		out.Deliver = append(out.Deliver, Delivery{Link: f.link, Peer: f.peer, Packet: *p})
	}
}

// confirm returns the token of a round that begins at or after now.
func (l *leader) confirm(out *Output) uint64 {
	n := l.node
	if l.round == 0 {
		n.tokens++
		l.startRound(n.tokens, out)
		return n.tokens
	}
	if l.nextRound == 0 {
		n.tokens++
		l.nextRound = n.tokens
	}
	return l.nextRound
}

func (l *leader) startRound(token uint64, out *Output) {
	l.round = token
	for _, f := range l.links {
		f.roundPing = 0
		if f.stage == stageServing && !f.gone {
			l.pingForRound(f, out)
		}
	}
	l.considerRound(out)
}

func (l *leader) pingForRound(f *learnerLink, out *Output) {
	if f.observer {
		return
	}
	l.ping(f, out)
	f.roundPing = f.pings
}

// considerRound ends the round when a quorum has answered. A server that has
// answered had not begun to follow a later leader, so no such leader had a quorum
// when the round began.
func (l *leader) considerRound(out *Output) {
	for l.round != 0 && l.failed == "" && l.quorum(answered) {
		l.confirmed = l.round
		out.Confirmed = l.round
		l.round = 0
		l.releaseSyncs(out)
		if next := l.nextRound; next != 0 {
			l.nextRound = 0
			l.startRound(next, out)
		}
	}
}

func answered(f *learnerLink) bool { return f.roundPing != 0 && f.pongs >= f.roundPing }

// sync takes a learner's request to be answered behind all that is proposed now.
func (l *leader) sync(link LinkID, out *Output) {
	f := l.find(link)
	if f == nil || f.stage != stageServing || l.failed != "" {
		return
	}
	if len(f.syncs) >= pendingSyncsMax {
		l.drop(f, out, "too many of its sync requests wait")
		return
	}
	token := l.confirm(out)
	f.syncs = append(f.syncs, pendingSync{l.proposed, token})
	l.release(f, out)
}

func (l *leader) releaseSyncs(out *Output) {
	for _, f := range l.links {
		if len(f.syncs) > 0 && !f.gone {
			l.release(f, out)
		}
	}
}

// release answers the oldest requests of a learner that nothing holds up: it
// matches answers by their order.
func (l *leader) release(f *learnerLink, out *Output) {
	done := 0
	for _, s := range f.syncs {
		// A proposal of an epoch that has none is its own beginning.
		if s.token > l.confirmed || s.after > l.committed && s.after.Counter() != 0 {
			break
		}
		send(out, f.link, wire.Packet{Type: wire.PacketSync})
		done++
	}
	f.syncs = append(f.syncs[:0], f.syncs[done:]...)
}
