package core

import (
	"kafkacoord/coord/tree"
	"kafkacoord/coord/wire"
	"kafkacoord/coord/zab"
)

// PeerEventKind says what a PeerEvent is.
type PeerEventKind uint8

// The kinds of events between servers.
const (
	// PeerNotification: an election message, in Notification, from Peer.
	PeerNotification PeerEventKind = iota
	// PeerReachable, PeerUnreachable: the connection for election messages to
	// Peer stands, or is gone.
	PeerReachable
	PeerUnreachable
	// LinkUp: a link between learner and leader stands: the one that Output.Dial
	// asked for, to Peer, or one that a learner opened, with Peer 0.
	LinkUp
	// LinkDown: a link is gone, or, with Link 0, the one that Output.Dial asked
	// for cannot be had.
	LinkDown
	// LinkPacket: a packet, in Packet. With SNAP comes the Snapshot behind it.
	LinkPacket
	// LinkMoving: bytes of a snapshot move on a link whose next packet takes long.
	LinkMoving
	// LogRead: the Entries that Output.ReadLog asked for on behalf of Link; OK
	// is false when the log does not hold them all, or there are too many.
	LogRead
)

// PeerEvent is something that happened between this server and another.
type PeerEvent struct {
	Kind         PeerEventKind
	Peer         wire.PeerID
	Link         zab.LinkID
	Notification wire.Notification
	Packet       wire.Packet // its memory is the core's from now on
	Snapshot     *State
	Entries      []zab.Entry
	OK           bool
}

// DiskDone reports one order of Output.Disk as carried out, in order. State is
// set for an order with Reload.
type DiskDone struct{ State *State }

// DiskOrder is one step for the log writer besides appending. It comes after
// the first At entries of Output.Append, and everything before it, is durable.
type DiskOrder struct {
	At int
	zab.DiskOrder
	// Reload: hand the state that the disk holds after a DiskTruncate to
	// Input.DiskDone.
	Reload bool
	// Snapshot is what a DiskInstall writes. Release the view afterwards.
	Snapshot *SnapshotView
}

// SnapshotView is a state that can be written while the server goes on. Release
// gives the view back; it must be called between two steps.
type SnapshotView struct {
	View     *tree.View
	Sessions map[wire.SessionID]int32 // timeouts in ms
	Release  func()
}

// PeerSend is a packet for a link. When Snapshot is set, its state follows the
// packet.
type PeerSend struct {
	Link     zab.LinkID
	Packet   wire.Packet
	Snapshot *SnapshotView
}
