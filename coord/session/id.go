package session

import "kafkacoord/coord/wire"

// IDs generates session ids for one run of a server.
type IDs struct{ next uint64 }

// containerOwner is the one value that an ephemeral owner may not have: it
// marks container nodes (ZooKeeper: EphemeralType.java).
const containerOwner = 1 << 63

// NewIDs starts a generator: the high byte is the server's number (1 on a
// standalone server), the next 40 bits are the low bits of now in ms, the rest
// counts. Since ids must differ between runs as well, now has to come from a
// clock that does not start again with the process: time since boot, as Java's,
// or the wall clock. A clock of at most 65,536 ids per ms never repeats one.
// ZooKeeper: SessionTrackerImpl.java initializeNextSessionId.
func NewIDs(server uint8, now wire.Millis) IDs {
	return IDs{next: uint64(now)<<24>>8 | uint64(server)<<56}
}

// Next returns a new id. It is never 0, which asks for a new session, nor the
// mark of container nodes.
func (g *IDs) Next() wire.SessionID {
	if g.next == 0 || g.next == containerOwner {
		g.next++
	}
	id := g.next
	g.next++
	return wire.SessionID(id)
}
