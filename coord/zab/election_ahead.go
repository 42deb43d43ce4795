package zab

import "kafkacoord/coord/wire"

// ahead keeps the newest vote of each voter that looks for a leader while this
// server still has one. Often they have lost the same leader, and this server is
// about to notice. Without it their votes would have to be repeated, which is
// after MinNotification, and the ensemble would be without a leader until then, as
// ZooKeeper's is.
//
// A vote is kept no longer than that: for the others it is a message that came a
// little later.
type ahead map[wire.PeerID]aheadVote

type aheadVote struct {
	message wire.Notification
	// since is when it was seen first by tick, which knows the time; 0: not yet.
	since wire.Millis
}

func (a ahead) keep(from wire.PeerID, m *wire.Notification) { a[from] = aheadVote{message: *m} }

// tick forgets votes that are older than the wait.
func (a ahead) tick(now, wait wire.Millis) {
	for from, v := range a {
		switch {
		case v.since == 0:
			v.since = max(now, 1)
			a[from] = v
		case now-v.since > wait:
			delete(a, from)
		}
	}
}

// catchUp takes the votes of those that began to look for a leader a moment before
// this server.
func (e *election) catchUp(out *Output) {
	e.ahead.tick(e.now, e.minimumWait)
	for _, id := range e.quorums.voters {
		if v, found := e.ahead[id]; found && e.state == wire.PeerLooking {
			e.consider(id, &v.message, out)
		}
	}
	clear(e.ahead)
}
