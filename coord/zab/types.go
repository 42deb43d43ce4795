package zab

import "kafkacoord/coord/wire"

// LinkID numbers a connection between a learner and a leader, on either side of
// it. The owner gives the numbers and does not use one twice; 0 is none.
type LinkID uint64

// Role is what a server does at present.
type Role uint8

// The roles of a server.
const (
	Looking Role = iota
	Following
	Observing
	Leading
)

// String is the role in words.
func (r Role) String() string {
	return [...]string{"looking", "following", "observing", "leading"}[r]
}

// Entry is one transaction in its final encoding. Payload is never changed.
type Entry struct {
	Zxid    wire.Zxid
	Payload []byte
}

// Config is what a server knows before it starts. Times are in ms.
type Config struct {
	Self wire.PeerID
	// Members is the list of servers in the configuration file.
	Members Membership
	// Committed is the list that a quorum agreed on last, from disk; nil when
	// there never was one.
	Committed *Membership
	// Pending is a list seen from a leader that is not known to be committed,
	// from disk; nil when there is none.
	Pending *Membership

	Tick                 wire.Millis
	InitLimit, SyncLimit int // ticks
	// ConnectLimit is how many ticks a learner tries to reach its leader.
	ConnectLimit int

	// MinNotification and MaxNotification bound the time between repetitions of
	// a vote, which doubles; FinalizeWait is how long a server with a quorum
	// waits for better votes, unless everyone it can reach has voted.
	MinNotification, MaxNotification, FinalizeWait wire.Millis

	// WindowEntries and WindowBytes bound the newest transactions kept for
	// learners that lag: entries are dropped when both are exceeded.
	WindowEntries int
	WindowBytes   int
	// LogSync allows to bring a learner up to date from the log on disk.
	LogSync bool
	// SnapshotSync always sends a snapshot (forceSnapshotSync).
	SnapshotSync bool
	// ObserverSnapshots bounds the snapshots sent to observers at the same time; 0:
	// no bound.
	ObserverSnapshots int

	// Bootstrap lets empty servers form an ensemble before all voters of the list
	// have shown up empty, as ZooKeeper does: two fresh servers of three may start
	// although the third holds the data.
	Bootstrap bool

	// CounterMax is the last counter of an epoch; 0: the largest there is, 2^32-1.
	CounterMax int64
}

// EpochEnds tells whether z is the last zxid of its epoch: what comes next needs a
// later epoch (ZOOKEEPER-1277).
func (c *Config) EpochEnds(z wire.Zxid) bool {
	last := c.CounterMax
	if last == 0 {
		last = counterMax
	}
	return z.Counter() >= last
}

// State is what a server finds on its disk.
type State struct {
	// Last is the end of the log, committed or not; 0 for an empty server, -1
	// for one that lost its data: it votes for nobody.
	Last wire.Zxid
	// Recent are the newest entries of the log, without a gap, ending with Last;
	// possibly none.
	Recent []Entry
	// Floor is the oldest place that the log can be cut back to: that of the oldest
	// snapshot from which the log goes on; 0 for any.
	Floor wire.Zxid
	// Accepted and Current are the epochs of the files of the same names.
	Accepted, Current int64
}

// Output is what the owner must do after a call. Every call appends to it; the
// owner empties it with Reset.
type Output struct {
	// Commit: the transactions up to it are to be applied; 0: nothing new.
	Commit wire.Zxid
	Disk   []DiskOrder
	Sends  []Send

	Ballots []Ballot
	// Dial asks for a link to the quorum port of a server, answered by LinkUp or
	// LinkDown with link 0. It may replace one that is not answered yet; an answer
	// to that one does no harm. 0: no.
	Dial wire.PeerID
	// Close are links to close; nothing further comes from them.
	Close []LinkID
	// ReadLog asks for entries of the log on disk, answered by History.
	ReadLog []LogRange
	// Deliver are packets for the server behind the protocol, in order.
	Deliver []Delivery
	// Confirmed is the newest token of Node.Confirm that is answered; 0: none.
	Confirmed uint64
	// Changes tells of new roles, in order.
	Changes []Change
	Notes   []Note
}

// Reset empties the output and keeps its memory.
func (o *Output) Reset() {
	clear(o.Disk)
	clear(o.Sends)
	clear(o.Deliver)
	clear(o.Notes)
	*o = Output{
		Disk: o.Disk[:0], Sends: o.Sends[:0], Ballots: o.Ballots[:0], Close: o.Close[:0], ReadLog: o.ReadLog[:0],
		Deliver: o.Deliver[:0], Changes: o.Changes[:0], Notes: o.Notes[:0],
	}
}

// DiskKind says what a DiskOrder is.
type DiskKind uint8

// The orders for the disk.
const (
	// DiskAppend appends Entry to the log. It is answered by Durable, not
	// DiskDone.
	DiskAppend DiskKind = iota
	// DiskEpochs replaces the epoch files: Accepted, then Current.
	DiskEpochs
	// DiskTruncate drops all transactions after Zxid, from the log and from what
	// waits to be applied. When some of them have been applied (which can happen
	// only to what a server found in its log when it started), the state is
	// recovered from disk before DiskDone is called.
	DiskTruncate
	// DiskInstall makes the snapshot received on Link the state: on disk, before
	// which nothing counts any more, and in memory. Zxid is its transaction.
	DiskInstall
	// DiskMembership replaces the file with the lists: Committed, Pending.
	DiskMembership
)

// DiskOrder is one step of Output.Disk.
type DiskOrder struct {
	Kind               DiskKind
	Entry              Entry
	Zxid               wire.Zxid
	Link               LinkID
	Accepted, Current  int64
	Committed, Pending *Membership // nil: none
}

// Send is a packet for one link. When its type is SNAP, the owner sends the
// snapshot of its applied state, whose transaction is Packet.Zxid, right behind
// the packet.
type Send struct {
	Link   LinkID
	Packet wire.Packet
}

// Ballot is an election message for a server.
type Ballot struct {
	To           wire.PeerID
	Notification wire.Notification
}

// LogRange asks for the entries after After, up to and including Through, which
// a learner on Link lacks.
type LogRange struct {
	Link           LinkID
	After, Through wire.Zxid
}

// Delivery is a packet that concerns clients. At the leader: REQUEST,
// REVALIDATE and PING (with its table of touched sessions) from a learner. At a
// learner: REVALIDATE, SYNC and PING from the leader; the owner answers a PING
// at once with the table, by Node.Send.
type Delivery struct {
	Link   LinkID
	Peer   wire.PeerID
	Packet wire.Packet
}

// Change is a change of role. Serving is set when the server has joined a
// quorum, after the change to the role itself; before that its state may be
// behind, and requests must wait.
type Change struct {
	Role    Role
	Serving bool
	Leader  wire.PeerID // 0: none
	Epoch   int64       // established, when serving
}

// Note is a line for the operator's log: a text and key-value pairs.
type Note struct {
	Warn bool
	Text string
	Args []any
}

// Empty tells whether there is nothing to do.
func (o *Output) Empty() bool {
	return o.Commit == 0 && len(o.Disk) == 0 && len(o.Sends) == 0 && len(o.Ballots) == 0 && o.Dial == 0 &&
		len(o.Close) == 0 && len(o.ReadLog) == 0 && len(o.Deliver) == 0 && o.Confirmed == 0 && len(o.Changes) == 0 &&
		len(o.Notes) == 0
}
