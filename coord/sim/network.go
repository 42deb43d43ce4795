package sim

import (
	"kafkacoord/coord/core"
	"kafkacoord/coord/wire"
	"kafkacoord/coord/zab"
)

// way is a direction between two machines.
type way struct{ from, to wire.PeerID }

// network carries everything between machines.
type network struct {
	world *World
	cuts  map[way]int // partitions that swallow this direction
	votes map[way]*wire.Notification
	loss  float64 // of election messages
	slow  float64 // how many times longer than usual things take
}

func newNetwork(w *World) network {
	return network{world: w, cuts: map[way]int{}, votes: map[way]*wire.Notification{}, slow: 1}
}

// delay is the time of one message on its way.
func (n *network) delay() Time {
	return Time(float64(n.world.between(100, 3*Millisecond)) * n.slow)
}

func (n *network) isCut(from, to wire.PeerID) bool { return n.cuts[way{from, to}] > 0 }

// cut swallows what goes from one machine to another, until it is healed as
// often.
func (n *network) cut(from, to wire.PeerID) {
	n.world.tracef("network: %d -> %d cut", from, to)
	n.cuts[way{from, to}]++
	// TCP notices late or never.
	n.review(from, to, n.world.between(Second, 20*Second))
}

func (n *network) heal(from, to wire.PeerID) {
	if n.cuts[way{from, to}] == 0 {
		return
	}
	n.world.tracef("network: %d -> %d healed", from, to)
	n.cuts[way{from, to}]--
	if n.isCut(from, to) {
		return
	}
	n.review(from, to, n.world.between(Millisecond, Second))
	if m := n.world.machine(to); m != nil && m.process != nil {
		p := m.process
		for id := zab.LinkID(1); id <= p.linkCount; id++ {
			if l := p.links[id]; l != nil && l.other.process.machine.id == from {
				l.other.flush()
			}
		}
	}
}

// started and stopped tell of the life of a machine's process.
func (n *network) started(m *machine) { n.reviewAll(m, 100*Millisecond) }
func (n *network) stopped(m *machine) { n.reviewAll(m, 50*Millisecond) }

func (n *network) reviewAll(m *machine, atMost Time) {
	for _, other := range n.world.machines {
		if other != m {
			n.review(m.id, other.id, n.world.between(Millisecond, atMost))
		}
	}
}

// review finds out, some time later, whether the election channel between two
// machines stands, and tells those that thought otherwise.
func (n *network) review(a, b wire.PeerID, later Time) {
	n.world.after(later, func() {
		x, y := n.world.machine(a), n.world.machine(b)
		stands := x.process != nil && y.process != nil && !n.isCut(a, b) && !n.isCut(b, a)
		n.reviewSide(x, y, stands)
		n.reviewSide(y, x, stands)
	})
}

func (n *network) reviewSide(m, other *machine, stands bool) {
	p := m.process
	if p == nil {
		return
	}
	var want *process
	if stands {
		want = other.process
	}
	if p.peers[other.id] == want {
		return
	}
	if p.peers[other.id] != nil {
		p.hear(core.PeerEvent{Kind: core.PeerUnreachable, Peer: other.id})
	}
	p.peers[other.id] = want
	if want != nil {
		p.hear(core.PeerEvent{Kind: core.PeerReachable, Peer: other.id})
	}
}

// vote sends an election message. It replaces one that is still waiting.
func (n *network) vote(p *process, b zab.Ballot) {
	direction := way{p.machine.id, b.To}
	m := b.Notification
	if n.votes[direction] != nil {
		n.votes[direction] = &m
		return
	}
	n.votes[direction] = &m
	n.world.after(n.delay(), func() {
		m := n.votes[direction]
		n.votes[direction] = nil
		to := n.world.machine(direction.to)
		if to == nil || to.process == nil || n.isCut(direction.from, direction.to) || n.world.chance(n.loss) {
			return
		}
		to.process.hear(core.PeerEvent{Kind: core.PeerNotification, Peer: direction.from, Notification: *m})
	})
}

// dial is an attempt to open a link.
type dial struct{ to wire.PeerID }

// dial opens a link to another server's quorum port. A new attempt replaces one
// that is under way.
func (p *process) dial(to wire.PeerID) {
	w := p.world
	d := &dial{to}
	p.dialling = d
	failed := func() {
		if p.dialling == d {
			p.dialling = nil
			p.hear(core.PeerEvent{Kind: core.LinkDown, Peer: to})
		}
	}
	if w.network.isCut(p.machine.id, to) || w.network.isCut(to, p.machine.id) {
		w.after(w.between(Second, 5*Second), failed) // nobody says no
		return
	}
	w.after(w.network.delay(), func() {
		m := w.machine(to)
		if m == nil || m.process == nil || !m.process.listening {
			w.after(w.network.delay(), failed)
			return
		}
		if p.dialling == d && !p.dead {
			p.dialling = nil
			connect(p, m.process)
		}
	})
}
