package admin

import (
	"strings"
	"time"

	"kafkacoord/coord/config"
	"kafkacoord/coord/metrics"
)

// Mode is the role of a server as the words show it.
type Mode string

// The modes. ZooKeeper: ServerStats.getServerState.
const (
	ModeStandalone Mode = "standalone"
	ModeLeader     Mode = "leader"
	ModeFollower   Mode = "follower"
	ModeObserver   Mode = "observer"
	ModeReadOnly   Mode = "read-only"
)

// Detail names the parts of a Status that cost something to gather; a Source
// fills the others always and these when asked.
type Detail uint16

// The parts.
const (
	// DetailConnections: Status.Connections.
	DetailConnections Detail = 1 << iota
	// DetailWatchSummary: Status.WatchSummary.
	DetailWatchSummary
	// DetailWatches: Status.Watches.
	DetailWatches
	// DetailSessions: Status.Sessions, Ephemerals and ConnectionExpiry.
	DetailSessions
	// DetailDirectories: DataDirSize and LogDirSize, which walk the directories.
	DetailDirectories
	// DetailDigests: Status.Digests.
	DetailDigests
	// DetailCounts: EphemeralCount, ApproximateDataSize, WatchCount, sessions.
	DetailCounts
	// DetailMember: Status.Member and Disk.
	DetailMember
)

// Status is what the words tell about a server at one moment. It is plain data
// that the receiver owns.
type Status struct {
	// Serving is false while the server starts, elects or stops; then only
	// words that need no server are answered with more than one sentence.
	Serving bool
	// ReadOnly is true on a member that serves read-only clients only.
	ReadOnly bool
	Mode     Mode
	// PeerState is "leading - broadcast" and the like; empty standalone.
	PeerState string

	// Latencies of requests in ms since the start or the last srst; the average
	// is rounded to four decimals when shown.
	LatencyMin, LatencyMax int64
	LatencyAverage         float64
	// Received and Sent count packets since the start or the last srst, each
	// word as one packet received and its answer as one sent.
	Received, Sent int64
	// ConnectionCount counts the client connections, that of the asker included.
	ConnectionCount int
	// Outstanding counts requests in the pipeline.
	Outstanding int64
	// Zxid is the last applied one.
	Zxid int64
	// NodeCount counts znodes, the four reserved ones and the root included.
	NodeCount int64
	// Proposals are the sizes of proposals; shown by the leader.
	Proposals ProposalSizes

	// Connections are the client connections, that of the asker included.
	Connections  []ConnectionStatus
	WatchSummary WatchSummary
	// Watches are the data and exists watches, any order.
	Watches []SessionWatches
	// Sessions are the sessions by expiry.
	Sessions SessionStatus

	EphemeralCount      int64
	ApproximateDataSize int64
	WatchCount          int64
	GlobalSessions      int64
	LocalSessions       int64
	// Uptime is the time since this role began to serve.
	Uptime time.Duration
	// ResponseSizes are -1 before the first response.
	ResponseSizes ProposalSizes

	// DataDirSize and LogDirSize are bytes.
	DataDirSize, LogDirSize int64
	// Digests are the retained digests, oldest first.
	Digests []DigestStatus
	// Settings are the numbers of the configuration, see SettingsOf.
	Settings Settings
	// Member is what a member of an ensemble tells of itself and others; nil for a
	// server that stands alone.
	Member *MemberStatus
	Disk   DiskStatus
}

// ProposalSizes are sizes in bytes; -1 before the first.
type ProposalSizes struct{ Last, Min, Max int64 }

// ConnectionStatus is one client connection.
type ConnectionStatus struct {
	// Remote is "10.0.0.7:46364".
	Remote string
	// InterestOps are the events waited for: 1 read, 4 write, 0 none.
	InterestOps int
	// Queued counts requests read and not answered.
	Queued         int64
	Received, Sent int64
	// SessionID is 0 without a session; then what follows is not shown.
	SessionID int64
	// LastOperation is ZooKeeper's short name of the last operation, as
	// wire.Op.Short has it; "NA" before the first.
	LastOperation string
	Established   time.Time
	Timeout       time.Duration
	// LastCxid is negative before the first request.
	LastCxid int64
	LastZxid int64
	// LastResponse is the monotonic clock at the last response, in ms.
	LastResponse int64
	// Latencies in ms.
	LastLatency, MinLatency, AverageLatency, MaxLatency int64
	// ExpireAt is when the connection is closed for silence; used by dump.
	ExpireAt time.Time
}

// WatchSummary counts data and exists watches.
type WatchSummary struct{ Connections, Paths, Total int64 }

// SessionWatches are the watched paths of one session.
type SessionWatches struct {
	SessionID int64
	Paths     []string
}

// SessionStatus is what dump shows.
type SessionStatus struct {
	// Expiries are the tracked sessions (standalone and leader).
	Expiries []SessionExpiry
	// Learner tells that this server tracks no expiry; then the global sessions
	// are listed with their timeouts.
	Learner bool
	// Ephemerals are the sessions that own nodes.
	Ephemerals []SessionWatches
}

// SessionExpiry is one tracked session.
type SessionExpiry struct {
	SessionID int64
	ExpireAt  time.Time
	Timeout   time.Duration
}

// DigestStatus is one retained digest of the tree.
type DigestStatus struct {
	Zxid   int64
	Digest uint64
}

// Settings are the numbers that conf shows.
type Settings struct {
	ClientPort       int
	SecureClientPort int
	// DataDir and DataLogDir are shown with the version-2 suffix added.
	DataDir, DataLogDir                  string
	TickTime                             time.Duration
	MaxClientConnections                 int
	MinSessionTimeout, MaxSessionTimeout time.Duration
	ListenBacklog                        int
	// ServerID is 0 standalone.
	ServerID int64
	// Quorum is shown by members of an ensemble; nil standalone.
	Quorum *QuorumSettings
}

// QuorumSettings is the second half of conf.
type QuorumSettings struct {
	InitLimit, SyncLimit, ElectionAlgorithm int
	ElectionPort, QuorumPort                int
	// PeerType is 0 for a participant, 1 for an observer.
	PeerType int
	// Membership are the lines "server.1=…" and "version=…".
	Membership []string
}

// SettingsOf takes the numbers of a standalone server from its configuration.
// A caller that binds other ports than the configured ones changes them; a
// member adds its id and what QuorumSettingsOf returns.
func SettingsOf(c *config.Config) Settings {
	return Settings{
		ClientPort: orAbsent(c.ClientPort), SecureClientPort: orAbsent(c.SecureClientPort),
		DataDir: c.DataDir, DataLogDir: c.DataLogDir,
		TickTime: c.TickTime, MaxClientConnections: c.MaxClientConnections,
		MinSessionTimeout: c.MinSessionTimeout, MaxSessionTimeout: c.MaxSessionTimeout,
		ListenBacklog: c.ListenBacklog,
	}
}

// QuorumSettingsOf takes the second half of conf from the configuration of the
// server with the given id. membership is the list of servers in ZooKeeper's
// canonical form.
func QuorumSettingsOf(c *config.Config, self int64, membership string) *QuorumSettings {
	q := &c.Quorum
	s := &QuorumSettings{
		InitLimit: q.InitLimit, SyncLimit: q.SyncLimit, ElectionAlgorithm: q.ElectionAlgorithm,
		Membership: strings.Split(strings.TrimSuffix(membership, "\n"), "\n"),
	}
	for i := range q.Servers {
		server := &q.Servers[i]
		if server.ID != self {
			continue
		}
		if len(server.Addresses) > 0 {
			s.ElectionPort, s.QuorumPort = server.Addresses[0].ElectionPort, server.Addresses[0].QuorumPort
		}
		if server.Role == config.RoleObserver {
			s.PeerType = 1
		}
	}
	return s
}

// orAbsent is a port, or the -1 that ZooKeeper shows for one that is not set.
func orAbsent(port int) int {
	if port == 0 {
		return -1
	}
	return port
}

// Source is the server that is asked. Its methods are called from connection
// goroutines, several at a time.
type Source interface {
	// Status is the present state with the details asked for.
	Status(detail Detail) Status
	// ResetServerStats restarts latencies, packet counts, response and proposal
	// sizes (word srst). The metrics are reset by Answer.
	ResetServerStats()
	// ResetConnectionStats restarts the counts of every connection (word crst).
	ResetConnectionStats()
	// Metrics is the set behind mntr.
	Metrics() *metrics.Set
}

// Publish copies the numbers of a status into the gauges of the same meaning,
// so that mntr, /metrics and srvr tell the same. The status needs DetailCounts
// and DetailMember.
// A server calls it before each scrape; Answer calls it for mntr.
func Publish(s *Status, set *metrics.Set) {
	for id, value := range map[metrics.GaugeID]int64{
		metrics.EphemeralsCount: s.EphemeralCount, metrics.NumAliveConnections: int64(s.ConnectionCount),
		metrics.OutstandingRequests: s.Outstanding, metrics.ZnodeCount: s.NodeCount,
		metrics.GlobalSessions: s.GlobalSessions, metrics.LocalSessions: s.LocalSessions,
		metrics.WatchCount: s.WatchCount, metrics.ApproximateDataSize: s.ApproximateDataSize,
		metrics.PacketsReceived: s.Received, metrics.PacketsSent: s.Sent,
		metrics.MinLatency: s.LatencyMin, metrics.MaxLatency: s.LatencyMax,
		metrics.LastClientResponseSize: s.ResponseSizes.Last, metrics.MinClientResponseSize: s.ResponseSizes.Min,
		metrics.MaxClientResponseSize: s.ResponseSizes.Max,
		metrics.Uptime:                s.Uptime.Milliseconds(), metrics.LastZxid: s.Zxid,
		metrics.LastProposalSize: s.Proposals.Last, metrics.MinProposalSize: s.Proposals.Min, metrics.MaxProposalSize: s.Proposals.Max,
	} {
		set.Gauge(id).Set(value)
	}
	set.FloatGauge(metrics.AverageLatency).Set(metrics.RoundAverage(s.LatencyAverage))
	serving := int64(0)
	if s.Serving {
		serving = 1
	}
	set.Gauge(metrics.Serving).Set(serving)
	if s.Member != nil {
		publishMember(s.Member, s.Mode == ModeLeader, set)
	}
}
