package wire

import "strconv"

// Zxid is a transaction id: the epoch in the high 32 bits, a counter in the
// low 32. A standalone server has epoch 0.
type Zxid int64

// Epoch returns the high half of the zxid.
func (z Zxid) Epoch() int64 { return int64(z) >> 32 }

// Counter returns the low half of the zxid.
func (z Zxid) Counter() int64 { return int64(z) & 0xffffffff }

// String prints the zxid as ZooKeeper does: 0x and lower-case hex, no padding.
func (z Zxid) String() string { return "0x" + strconv.FormatUint(uint64(z), 16) }

// SessionID names a client session; 0 asks for a new one.
type SessionID int64

// String prints the session id as ZooKeeper does: 0x and lower-case hex.
func (s SessionID) String() string { return "0x" + strconv.FormatUint(uint64(s), 16) }

// Millis is a point in time or a length of time in milliseconds. Which clock it
// is read from is said where it is used: transaction times are wall clock.
type Millis int64

// PeerID is the number of a server in its ensemble, the N of server.N.
type PeerID int64

// Permission bits of an ACL entry (ZooKeeper: ZooDefs.Perms).
const (
	PermRead   int32 = 1
	PermWrite  int32 = 2
	PermCreate int32 = 4
	PermDelete int32 = 8
	PermAdmin  int32 = 16
	PermAll    int32 = 31
)

// ID is an identity or the right-hand side of an ACL entry: a scheme and a
// name whose form the scheme defines.
type ID struct {
	Scheme string
	ID     string
}

// AnyoneID is the identity that everybody has.
var AnyoneID = ID{Scheme: "world", ID: "anyone"}

// ACL is one entry of an access control list.
type ACL struct {
	Perms int32
	ID    ID
}

// OpenACL is world:anyone with all permissions. It must not be modified.
var OpenACL = []ACL{{Perms: PermAll, ID: AnyoneID}}

// Stat is a znode's metadata as a client sees it (68 bytes on the wire). The
// visible cversion and ephemeralOwner differ from the stored ones.
type Stat struct {
	Czxid          Zxid
	Mzxid          Zxid
	Ctime          Millis
	Mtime          Millis
	Version        int32
	Cversion       int32
	Aversion       int32
	EphemeralOwner SessionID
	DataLength     int32
	NumChildren    int32
	Pzxid          Zxid
}

// StatSize is the encoded length of a Stat in bytes.
const StatSize = 68

// ReplyHeader precedes every reply but the connect response.
type ReplyHeader struct {
	Xid  int32
	Zxid Zxid
	Err  Code
}

// ReplyHeaderSize is the encoded length of a ReplyHeader in bytes.
const ReplyHeaderSize = 16

// Special xids (ZooKeeper: ClientCnxn.java).
const (
	XidNotification int32 = -1
	XidPing         int32 = -2
	XidAuth         int32 = -4
	XidSetWatches   int32 = -8
)

// EventType is the kind of change a watch event reports.
type EventType int32

// Event types that a server sends (ZooKeeper: Watcher.Event.EventType).
const (
	EventNodeCreated         EventType = 1
	EventNodeDeleted         EventType = 2
	EventNodeDataChanged     EventType = 3
	EventNodeChildrenChanged EventType = 4
)

// StateSyncConnected is the only keeper state a server ever sends in an event.
const StateSyncConnected int32 = 3

// WatcherEvent is the body of a notification.
type WatcherEvent struct {
	Type  EventType
	State int32
	Path  string
}

// Create flags (ZooKeeper: CreateMode.java).
const (
	FlagPersistent              int32 = 0
	FlagEphemeral               int32 = 1
	FlagPersistentSequential    int32 = 2
	FlagEphemeralSequential     int32 = 3
	FlagContainer               int32 = 4
	FlagPersistentTTL           int32 = 5
	FlagPersistentSequentialTTL int32 = 6
)

// Modes of addWatch.
const (
	WatchPersistent          int32 = 0
	WatchPersistentRecursive int32 = 1
)

// Watcher types of checkWatches and removeWatches.
const (
	WatcherChildren            int32 = 1
	WatcherData                int32 = 2
	WatcherAny                 int32 = 3
	WatcherPersistent          int32 = 4
	WatcherPersistentRecursive int32 = 5
)

// DefaultMaxBuffer is the default of jute.maxbuffer in bytes: the largest frame
// a server accepts.
const DefaultMaxBuffer = 0xfffff
