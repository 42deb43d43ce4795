package sim

import (
	"bytes"
	"context"
	"slices"

	"kafkacoord/coord/core"
	"kafkacoord/coord/store"
	"kafkacoord/coord/wire"
	"kafkacoord/coord/zab"
)

// linkEnd is one end of a connection between a learner and a leader. What is
// sent arrives at the other end in order, or the link breaks.
type linkEnd struct {
	world   *World
	process *process
	id      zab.LinkID
	other   *linkEnd
	open    bool // its process knows it as a link

	arrives  Time     // when the newest parcel under way will be there
	held     []parcel // behind a partition, in order
	broken   bool     // what is under way from here gets lost
	follower bool     // the other end is a follower; known to the leader's end
	delayed  *parcel  // by a bug that swaps packets
}

// parcel is something under way: a packet, or the end of the link.
type parcel struct {
	packet   wire.Packet
	snapshot *core.SnapshotView // behind a SNAP
	end      bool
}

// connect makes a link from a learner to a leader.
func connect(learner, leader *process) {
	a, b := newLinkEnd(learner), newLinkEnd(leader)
	a.other, b.other = b, a
	learner.hear(core.PeerEvent{Kind: core.LinkUp, Link: a.id, Peer: leader.machine.id})
	leader.hear(core.PeerEvent{Kind: core.LinkUp, Link: b.id})
}

func newLinkEnd(p *process) *linkEnd {
	p.linkCount++
	l := &linkEnd{world: p.world, process: p, id: p.linkCount, open: true}
	p.links[l.id] = l
	return l
}

// send takes a packet from the core.
func (l *linkEnd) send(p wire.Packet, s *core.SnapshotView) {
	p.Data, p.IDs = slices.Clone(p.Data), slices.Clone(p.IDs)
	part := parcel{packet: p, snapshot: s}
	if l.world.options.Bug != NoBug && l.missend(part) {
		return
	}
	l.post(part)
}

// post puts a parcel on its way.
func (l *linkEnd) post(p parcel) {
	if len(l.held) > 0 || l.world.network.isCut(l.process.machine.id, l.other.process.machine.id) {
		l.held = append(l.held, p)
		return
	}
	delay := l.world.network.delay()
	if p.snapshot != nil {
		delay += l.world.between(Millisecond, 200*Millisecond)
	}
	l.arrives = max(l.arrives, l.world.now+delay)
	l.world.after(l.arrives-l.world.now, func() { l.arrive(p) })
}

// flush sends what a partition held back, once it is healed.
func (l *linkEnd) flush() {
	held := l.held
	l.held = nil
	for _, p := range held {
		l.post(p)
	}
}

// arrive hands a parcel to the other end's process.
func (l *linkEnd) arrive(p parcel) {
	to := l.other
	if l.broken || !to.open {
		l.drop(p)
		return
	}
	if p.end {
		to.down()
		return
	}
	if p.packet.Type == wire.PacketFollowerInfo {
		to.follower = true
	}
	if kind := int(p.packet.Type); kind >= 0 && kind < len(l.world.packets) {
		l.world.packets[kind]++
	}
	to.process.heard(&p.packet)
	if l.world.options.Bug == DropTouches && p.packet.Type == wire.PacketPing && to.process.listening {
		p.packet.Data = nil
	}
	e := core.PeerEvent{Kind: core.LinkPacket, Link: to.id, Packet: p.packet}
	if p.snapshot != nil {
		e.Snapshot = l.transfer(p)
		if e.Snapshot == nil {
			return
		}
	}
	to.process.hear(e)
}

// transfer takes a state through its form on the wire.
func (l *linkEnd) transfer(p parcel) *core.State {
	var body bytes.Buffer
	snapshot := store.Snapshot{Sessions: p.snapshot.Sessions, View: p.snapshot.View}
	_, err := store.WriteSnapshotBody(context.Background(), &body, snapshot)
	l.drop(p)
	if err != nil {
		l.world.fail("server %d: write a snapshot for a learner: %w", l.process.machine.id, err)
		return nil
	}
	loaded, _, err := store.ReadSnapshotBody(&body, "snapshot from the leader", p.packet.Zxid, l.other.process.machine.options)
	if err != nil {
		l.world.fail("server %d: read a snapshot from the leader: %w", l.other.process.machine.id, err)
		return nil
	}
	return &core.State{Tree: loaded.Tree, Sessions: loaded.Sessions, Zxid: p.packet.Zxid}
}

// drop gives back what a parcel holds.
func (l *linkEnd) drop(p parcel) {
	if p.snapshot != nil && !l.process.dead {
		p.snapshot.Release()
	}
}

// down tells the process that its link is gone.
func (l *linkEnd) down() {
	if !l.open {
		return
	}
	l.open = false
	delete(l.process.links, l.id)
	l.process.hear(core.PeerEvent{Kind: core.LinkDown, Link: l.id})
}

// close ends the link after what was sent on it.
func (l *linkEnd) close() {
	l.open = false
	delete(l.process.links, l.id)
	l.post(parcel{end: true})
}

// cutOff breaks the link: what is under way is lost, both ends find out later.
func (l *linkEnd) cutOff() {
	for _, end := range []*linkEnd{l, l.other} {
		end.lose()
		end.world.after(end.world.between(Millisecond, 200*Millisecond), end.down)
	}
}

func (l *linkEnd) lose() {
	l.broken = true
	for _, p := range l.held {
		l.drop(p)
	}
	l.held = nil
}

// processEnded ends the link with its process. What the process has sent may
// still arrive.
func (l *linkEnd) processEnded() {
	l.open = false
	if l.world.chance(0.5) {
		l.post(parcel{end: true})
		return
	}
	l.lose()
	other := l.other
	l.world.after(l.world.between(Millisecond, 100*Millisecond), other.down)
}
