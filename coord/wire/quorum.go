package wire

import "strconv"

// PacketType is the type of a packet between a learner and its leader.
type PacketType int32

// Packet types (ZooKeeper: Leader.java).
const (
	PacketRequest           PacketType = 1
	PacketProposal          PacketType = 2
	PacketAck               PacketType = 3
	PacketCommit            PacketType = 4
	PacketPing              PacketType = 5
	PacketRevalidate        PacketType = 6
	PacketSync              PacketType = 7
	PacketInform            PacketType = 8
	PacketCommitAndActivate PacketType = 9
	PacketNewLeader         PacketType = 10
	PacketFollowerInfo      PacketType = 11
	PacketUpToDate          PacketType = 12
	PacketDiff              PacketType = 13
	PacketTrunc             PacketType = 14
	PacketSnap              PacketType = 15
	PacketObserverInfo      PacketType = 16
	PacketLeaderInfo        PacketType = 17
	PacketAckEpoch          PacketType = 18
	PacketInformAndActivate PacketType = 19
)

var packetNames = [...]string{
	1: "REQUEST", "PROPOSAL", "ACK", "COMMIT", "PING", "REVALIDATE", "SYNC", "INFORM", "COMMITANDACTIVATE", "NEWLEADER",
	"FOLLOWERINFO", "UPTODATE", "DIFF", "TRUNC", "SNAP", "OBSERVERINFO", "LEADERINFO", "ACKEPOCH", "INFORMANDACTIVATE",
}

// String is the packet's name as ZooKeeper's documents spell it.
func (t PacketType) String() string {
	if t > 0 && int(t) < len(packetNames) {
		return packetNames[t]
	}
	return "packet " + strconv.Itoa(int(t))
}

// Packet is the unit of the learner protocol (ZooKeeper: QuorumPacket). What
// Zxid and Data mean depends on the type.
type Packet struct {
	Type PacketType
	Zxid Zxid
	Data []byte // nil is the null buffer, which differs from an empty one
	IDs  []ID   // nil is the null list; REQUEST alone has one
}

// LearnerProtocol is the version that learners and leaders of 3.5 and later
// announce.
const LearnerProtocol int32 = 0x10000

// LearnerInfo is the data of FOLLOWERINFO and OBSERVERINFO.
type LearnerInfo struct {
	Server          PeerID
	ProtocolVersion int32
	ConfigVersion   int64 // of the committed configuration; 0 for a static list
}

// ForwardedRequest is the data of REQUEST: a client's write on its way to the
// leader.
type ForwardedRequest struct {
	Session SessionID
	Cxid    int32
	Op      Op
	Body    []byte // the client's request body, without its header
}

// PeerState is what a server says of itself in a notification.
type PeerState int32

// The states of a server (ZooKeeper: QuorumPeer.ServerState).
const (
	PeerLooking   PeerState = 0
	PeerFollowing PeerState = 1
	PeerLeading   PeerState = 2
	PeerObserving PeerState = 3
)

// String is the state's name as ZooKeeper prints it.
func (s PeerState) String() string {
	switch s {
	case PeerLooking:
		return "LOOKING"
	case PeerFollowing:
		return "FOLLOWING"
	case PeerLeading:
		return "LEADING"
	case PeerObserving:
		return "OBSERVING"
	}
	return "state " + strconv.Itoa(int(s))
}

// Notification is a message of the election (ZooKeeper: FastLeaderElection.java).
type Notification struct {
	State     PeerState
	Leader    PeerID // proposed
	Zxid      Zxid   // of the proposed leader: the end of its log
	Round     int64  // of the election; the sender's logical clock
	PeerEpoch int64  // currentEpoch of the proposed leader
	Version   int32  // of the message: 2 since 3.5
	Config    string // of the sender's ensemble, in canonical form; "" when none was sent
}

// NotificationVersion is the version of the messages we send.
const NotificationVersion int32 = 2
