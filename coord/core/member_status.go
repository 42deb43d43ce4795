package core

import (
	"kafkacoord/coord/wire"
	"kafkacoord/coord/zab"
)

// MemberStatus is what there is to know of a server as part of an ensemble.
type MemberStatus struct {
	zab.Status
	Serving bool
	// Since is when, on the monotonic clock in ms, it began to serve, or else
	// ceased to.
	Since wire.Millis
}

// Member describes the server as part of an ensemble; ok is false for one that
// stands alone. Only the core's owner calls it, between two steps.
func (c *Core) Member() (s MemberStatus, ok bool) {
	if c.member == nil {
		return MemberStatus{}, false
	}
	return MemberStatus{c.member.node.Status(), c.serving(), c.member.times.since}, true
}

// MemberCounts are what the protocol has counted; zero for a server that stands
// alone.
func (c *Core) MemberCounts() zab.Counts {
	if c.member == nil {
		return zab.Counts{}
	}
	return c.member.node.Counts()
}

// MemberSamples are durations in ms.
type MemberSamples struct {
	// Unavailable are the times without a quorum, up to this server's serving again;
	// LeaderUnavailable those after which it leads.
	Unavailable, LeaderUnavailable []wire.Millis
	// Synced are the times from finding a leader to serving under it;
	// ObserverSynced the same of an observer.
	Synced, ObserverSynced []wire.Millis
	// Quorum are the times from a transaction's proposal to its commit, at a leader.
	// One transaction at a time is timed.
	Quorum []wire.Millis
	// Acks are the times to the acknowledgement of the same transactions.
	Acks []AckSample
}

// AckSample is the time that a server took to acknowledge a transaction.
type AckSample struct {
	Peer wire.PeerID
	Took wire.Millis
}

// memberSamplesMax bounds the samples of each kind that nobody takes.
const memberSamplesMax = 1 << 10

// TakeMemberSamples hands the samples since the last call to f and forgets them.
// It does nothing when there are none.
func (c *Core) TakeMemberSamples(f func(*MemberSamples)) {
	if c.member == nil || !c.member.times.news {
		return
	}
	t := &c.member.times
	f(&t.samples)
	s := &t.samples
	t.news, t.samples = false, MemberSamples{
		Unavailable: s.Unavailable[:0], LeaderUnavailable: s.LeaderUnavailable[:0],
		Synced: s.Synced[:0], ObserverSynced: s.ObserverSynced[:0], Quorum: s.Quorum[:0], Acks: s.Acks[:0],
	}
}

// memberTimes measures how long a member takes.
type memberTimes struct {
	since   wire.Millis // see MemberStatus
	joining wire.Millis // when the present role began
	news    bool        // there are samples
	samples MemberSamples
	timed   timed
}

// timed is the transaction whose way is measured.
type timed struct {
	zxid      wire.Zxid // 0: none
	since     wire.Millis
	own       bool // it is durable here
	committed bool
	links     []zab.LinkID // that have acknowledged it
}

// timedMax is how long, in ms, a transaction is watched for late
// acknowledgements before the next one is.
const timedMax wire.Millis = 1000

func (t *memberTimes) add(list *[]wire.Millis, took wire.Millis) {
	if len(*list) < memberSamplesMax {
		*list = append(*list, took)
		t.news = true
	}
}

// changed takes a change of the role.
func (t *memberTimes) changed(was, is zab.Change, now wire.Millis) {
	switch {
	case !is.Serving && was.Serving:
		t.since, t.joining = now, now
	case !is.Serving:
		t.joining = now
	case !was.Serving:
		t.add(&t.samples.Unavailable, now-t.since)
		switch is.Role {
		case zab.Leading:
			t.add(&t.samples.LeaderUnavailable, now-t.since)
		case zab.Following:
			t.add(&t.samples.Synced, now-t.joining)
		case zab.Observing:
			t.add(&t.samples.ObserverSynced, now-t.joining)
		}
		t.since = now
	}
	t.timed = timed{links: t.timed.links[:0]}
}

// proposed begins to time a transaction unless another one is on its way.
func (t *memberTimes) proposed(z wire.Zxid, voters int, now wire.Millis) {
	w := &t.timed
	all := w.committed && w.own && len(w.links) >= voters
	if w.zxid != 0 && !all && now-w.since < timedMax {
		return
	}
	*w = timed{zxid: z, since: now, links: w.links[:0]}
}

// durable and committed say how far the own log and the history have come.
func (t *memberTimes) durable(self wire.PeerID, z wire.Zxid, now wire.Millis) {
	if w := &t.timed; w.zxid != 0 && !w.own && z >= w.zxid {
		w.own = true
		t.ack(self, now-w.since)
	}
}

func (t *memberTimes) committed(z wire.Zxid, now wire.Millis) {
	if w := &t.timed; w.zxid != 0 && !w.committed && z >= w.zxid {
		w.committed = true
		t.add(&t.samples.Quorum, now-w.since)
	}
}

func (t *memberTimes) ack(peer wire.PeerID, took wire.Millis) {
	if len(t.samples.Acks) < memberSamplesMax {
		t.samples.Acks = append(t.samples.Acks, AckSample{peer, took})
		t.news = true
	}
}

// timeProposals takes the transactions that a leader has proposed in this turn.
func (c *Core) timeProposals(proposals []Entry) {
	m := c.member
	for i := range proposals {
		c.stats.proposalSize(len(proposals[i].Payload))
	}
	m.times.proposed(proposals[len(proposals)-1].Zxid, m.node.Voters(), c.mono)
}

// acknowledged takes an ACK of a follower.
func (c *Core) acknowledged(link zab.LinkID, z wire.Zxid) {
	m := c.member
	t := &m.times
	if w := &t.timed; w.zxid == 0 || z < w.zxid || z.Counter() == 0 {
		return
	}
	for _, heard := range t.timed.links {
		if heard == link {
			return
		}
	}
	if peer := m.node.Learner(link); peer != 0 {
		t.timed.links = append(t.timed.links, link)
		t.ack(peer, c.mono-t.timed.since)
	}
}
