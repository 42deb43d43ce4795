package sim

import (
	"bytes"
	"encoding/binary"

	"kafkacoord/coord/core"
	"kafkacoord/coord/store"
	"kafkacoord/coord/wire"
	"kafkacoord/coord/zab"
)

// Bug is something that every host of a world does wrong on purpose, to see
// whether the judge notices.
type Bug int

// The bugs.
const (
	NoBug Bug = iota
	// AckBeforeSync reports entries as durable when they are only written.
	AckBeforeSync
	// LoseEntry leaves one entry of a longer batch out of the log.
	LoseEntry
	// SkipTruncate leaves the log as it is.
	SkipTruncate
	// SkipInstall does not write the leader's snapshot.
	SkipInstall
	// ForgetEpochs and ForgetAccepted do not write epoch files. Without the file
	// currentEpoch alone nothing is lost: recovery raises it to the accepted epoch
	// when the log shows that the server has joined it.
	ForgetEpochs
	ForgetAccepted
	// ForgetMembership does not write the lists of servers.
	ForgetMembership
	// CommitEarly tells followers to apply a transaction together with it.
	CommitEarly
	// ForgeAck tells the leader that a follower has what was just sent to it.
	ForgeAck
	// CountObserver takes an observer for a follower when it acknowledges.
	CountObserver
	// RepeatRequests hands a forwarded write to the leader twice.
	RepeatRequests
	// SkipSync answers a learner's sync without asking the leader.
	SkipSync
	// SwapPackets changes the order of two packets on a link.
	SwapPackets
	// LosePackets drops a proposal now and then, and the link goes on.
	LosePackets
	// DropTouches does not tell the leader of its learners' sessions.
	DropTouches
	// LoseEvents drops watch events on their way to clients.
	LoseEvents
	// SwapReplies changes the order of two answers to a client.
	SwapReplies
)

// Bugs are all of them with their names.
var Bugs = []struct {
	Bug  Bug
	Name string
}{
	{AckBeforeSync, "ack before sync"},
	{LoseEntry, "lose an entry"},
	{SkipTruncate, "skip the truncation"},
	{SkipInstall, "skip the installation"},
	{ForgetEpochs, "forget the epochs"},
	{ForgetAccepted, "forget the accepted epoch"},
	{ForgetMembership, "forget the membership"},
	{CommitEarly, "commit early"},
	{ForgeAck, "forge an ack"},
	{CountObserver, "count an observer"},
	{RepeatRequests, "repeat requests"},
	{SkipSync, "skip the sync"},
	{SwapPackets, "swap packets"},
	{LosePackets, "lose packets"},
	{DropTouches, "drop touches"},
	{LoseEvents, "lose events"},
	{SwapReplies, "swap replies"},
}

// written is what the log gets of a batch.
func (b Bug) written(batch []task) []store.Entry {
	entries := make([]store.Entry, 0, len(batch))
	for i := range batch {
		if b == LoseEntry && i == 1 {
			continue
		}
		e := batch[i].entry
		entries = append(entries, store.Entry{Zxid: e.Zxid, Payload: e.Payload})
	}
	return entries
}

// missend does what the world's bug makes of a packet. It returns true when that
// is all that becomes of it.
func (l *linkEnd) missend(p parcel) bool {
	switch kind := p.packet.Type; l.world.options.Bug {
	case CommitEarly:
		if kind == wire.PacketProposal {
			l.post(p)
			l.post(parcel{packet: wire.Packet{Type: wire.PacketCommit, Zxid: p.packet.Zxid}})
			return true
		}
		return kind == wire.PacketCommit && l.process.ledger.last().Epoch() == p.packet.Zxid.Epoch()
	case ForgeAck:
		if kind == wire.PacketProposal && l.world.chance(0.5) {
			l.forge(wire.Packet{Type: wire.PacketAck, Zxid: p.packet.Zxid})
		}
	case CountObserver:
		if kind == wire.PacketProposal && !l.follower {
			break
		}
		if kind == wire.PacketProposal && l.process.hasObserver() {
			l.forge(wire.Packet{Type: wire.PacketAck, Zxid: p.packet.Zxid})
		}
	case RepeatRequests:
		if kind == wire.PacketRequest && l.world.chance(0.1) {
			l.post(p)
		}
	case SkipSync:
		if r, err := wire.DecodeForwardedRequest(p.packet.Data); kind == wire.PacketRequest && err == nil && r.Op == wire.OpSync {
			l.forge(wire.Packet{Type: wire.PacketSync})
			return true
		}
	case SwapPackets:
		return l.swap(p)
	case LosePackets:
		return kind == wire.PacketProposal && l.world.chance(0.05)
	}
	return false
}

// forge makes a packet that looks as if it came from the other end.
func (l *linkEnd) forge(p wire.Packet) {
	l.world.after(l.world.network.delay(), func() {
		if l.open {
			l.process.hear(core.PeerEvent{Kind: core.LinkPacket, Link: l.id, Packet: p})
		}
	})
}

// swap holds back a proposal now and then until the next packet was sent.
func (l *linkEnd) swap(p parcel) bool {
	if l.delayed != nil {
		first := *l.delayed
		l.delayed = nil
		l.post(p)
		l.post(first)
		return true
	}
	if p.packet.Type == wire.PacketProposal && l.world.chance(0.2) {
		l.delayed = &p
		return true
	}
	return false
}

// hasObserver tells whether a learner that is no follower is linked.
func (p *process) hasObserver() bool {
	for id := zab.LinkID(1); id <= p.linkCount; id++ {
		if l := p.links[id]; l != nil && !l.follower {
			return true
		}
	}
	return false
}

// answered is what a client gets of the bytes that were meant for it.
func (w *World) answered(frames []byte) []byte {
	bug := w.options.Bug
	if bug != LoseEvents && bug != SwapReplies {
		return frames
	}
	var list [][]byte
	for len(frames) >= 4 {
		n := 4 + int(binary.BigEndian.Uint32(frames))
		isEvent := n >= 8 && int32(binary.BigEndian.Uint32(frames[4:])) == wire.XidNotification
		if bug != LoseEvents || !isEvent || w.chance(0.7) {
			list = append(list, frames[:n])
		}
		frames = frames[n:]
	}
	if n := len(list); bug == SwapReplies && n > 1 {
		list[n-1], list[n-2] = list[n-2], list[n-1]
	}
	return bytes.Join(list, nil)
}
