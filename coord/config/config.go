package config

import "time"

// Config is the configuration of one server, validated and with defaults
// filled in. It is a plain value: built once by Load, Parse or Default and then
// only read.
type Config struct {
	// File is the path the configuration was read from, empty for Default.
	File string

	// DataDir holds snapshots, myid and the pid file; DataLogDir holds the
	// transaction logs. Neither carries the "version-2" suffix. DataLogDir
	// equals DataDir unless set.
	DataDir    string
	DataLogDir string

	// ClientPort is the plaintext client port; 0 = no such listener.
	ClientPort int
	// ClientPortAddress is the host to bind; empty = all interfaces.
	ClientPortAddress string
	// SecureClientPort is the TLS client port; 0 = no such listener.
	SecureClientPort        int
	SecureClientPortAddress string
	// Listen holds listener settings that ZooKeeper does not have.
	Listen Listen

	// TickTime is the base time unit, above zero.
	TickTime time.Duration
	// MinSessionTimeout and MaxSessionTimeout clamp what clients ask for;
	// 2 and 20 ticks unless set.
	MinSessionTimeout time.Duration
	MaxSessionTimeout time.Duration

	// MaxClientConnections is the limit per client IP; 0 or less = none.
	MaxClientConnections int
	// MaxConnections is the limit in total; 0 or less = none.
	MaxConnections int
	// ListenBacklog is the TCP backlog; -1 = what the system gives.
	ListenBacklog int
	// SessionlessTimeout closes connections that never opened a session.
	SessionlessTimeout time.Duration
	// TCPKeepAlive turns keep-alive on for client sockets, PeerTCPKeepAlive
	// for sockets between servers.
	TCPKeepAlive     bool
	PeerTCPKeepAlive bool

	// SnapCount is the number of transactions after which a snapshot is taken
	// (at a random point in the second half); at least 2.
	SnapCount int
	// SnapSizeLimit does the same by log bytes; 0 or less = off.
	SnapSizeLimit int64
	// PreAllocSize is the step in bytes by which the log file grows; 0 or less =
	// no preallocation.
	PreAllocSize int64
	// TxnLogSizeLimit starts a new log file above this many bytes; 0 or less = off.
	TxnLogSizeLimit int64
	// ForceSync is false when the operator gave up fsync (forceSync=no).
	ForceSync bool
	// DiskReserve is the free space in bytes below which writes of clients are
	// refused, before the disk is full; 0 or less = not watched.
	DiskReserve int64
	// FsyncWarning is the duration above which an fsync is logged and counted.
	FsyncWarning time.Duration
	// FlushDelay holds a log batch back for company, MaxWriteQueuePollTime
	// bounds one wait (a third of FlushDelay unless set), MaxBatchSize bounds
	// the batch in requests (0 or less = no bound).
	FlushDelay            time.Duration
	MaxWriteQueuePollTime time.Duration
	MaxBatchSize          int
	SnapshotCompression   Compression
	TrustEmptySnapshot    bool
	// AcceptGaps starts a server although transactions are missing from its logs.
	AcceptGaps        bool
	DatadirAutocreate bool
	DBAutocreate      bool
	// DigestEnabled keeps the incremental digest of the tree.
	DigestEnabled bool
	// SerializeLastZxid appends the last zxid to snapshots.
	SerializeLastZxid bool
	// CloseSessionTxn writes the ephemeral list into closeSession transactions.
	CloseSessionTxn bool
	// ExtendedTypes allows TTL nodes.
	ExtendedTypes bool
	Container     Container

	// MaxBuffer is the largest packet and node value in bytes (jute.maxbuffer).
	MaxBuffer int
	// MaxBufferExtra is added when reading our own logs and peers' records.
	MaxBufferExtra int
	LargeRequest   LargeRequest
	// GlobalOutstandingLimit is the number of requests in flight above which
	// reading from busy connections pauses.
	GlobalOutstandingLimit int
	RequestThrottle        RequestThrottle
	// ThrottledOpWait answers requests that waited longer with -127; 0 = off.
	ThrottledOpWait    time.Duration
	ConnectionThrottle ConnectionThrottle

	// ReadOnlyMode lets a partitioned member serve read-only clients.
	ReadOnlyMode bool
	// EnforceQuota makes quotas hard.
	EnforceQuota bool
	// SkipACL disables all ACL checks.
	SkipACL bool
	// FourLetterWhitelist is 4lw.commands.whitelist, split and trimmed; "*" is
	// kept as it is.
	FourLetterWhitelist []string
	Digest              Digest
	EnforceAuth         EnforceAuth
	LocalSessions       LocalSessions

	AutoPurge AutoPurge
	Metrics   Metrics
	JVMPause  JVMPause
	Admin     Admin
	// AuditEnabled is audit.enable.
	AuditEnabled bool
	Quorum       Quorum

	// ZooKeeperDefaults is true under compat.defaults=zookeeper.
	ZooKeeperDefaults bool

	properties map[string]Property
}

// Listen holds listener settings of our own.
type Listen struct {
	// RandomClientPort binds the plaintext listener to a port that the system
	// chooses; ClientPort is then only a wish for reports. For embedding and tests.
	RandomClientPort bool
}

// Compression is the format of snapshot files.
type Compression uint8

// The snapshot formats. ZooKeeper: SnapStream.java.
const (
	CompressionNone Compression = iota
	CompressionGzip
	CompressionSnappy
)

// String is the value of snapshot.compression.method.
func (c Compression) String() string {
	switch c {
	case CompressionGzip:
		return "gz"
	case CompressionSnappy:
		return "snappy"
	default:
		return ""
	}
}

// Container drives the reaper of container and TTL nodes.
type Container struct {
	CheckInterval time.Duration
	// MaxPerMinute bounds deletions.
	MaxPerMinute int
	// MaxNeverUsed also removes containers that never had a child and are
	// older than this; 0 = never.
	MaxNeverUsed time.Duration
}

// LargeRequest bounds the memory of big requests in flight.
type LargeRequest struct {
	// MaxBytes is the sum allowed in flight.
	MaxBytes int64
	// Threshold is the size from which a request counts; -1 = off.
	Threshold int64
}

// RequestThrottle is the throttler in front of the pipeline.
type RequestThrottle struct {
	// MaxRequests in the pipeline; 0 = off.
	MaxRequests int
	// StallTime is the step of waiting.
	StallTime time.Duration
	// DropStale drops stale requests while stalled.
	DropStale bool
	// StaleLatencyCheck counts a request older than its session timeout as
	// stale, StaleConnectionCheck one whose connection is gone.
	StaleLatencyCheck    bool
	StaleConnectionCheck bool
}

// ConnectionThrottle is the token bucket for new sessions.
// ZooKeeper: BlueThrottle.java.
type ConnectionThrottle struct {
	// Tokens is the size of the bucket; 0 = off.
	Tokens int
	// FillTime and FillCount: FillCount tokens come back every FillTime.
	FillTime  time.Duration
	FillCount int
	// FreezeTime is the least time between two changes of the drop
	// probability; negative = no random drop.
	FreezeTime    time.Duration
	DropIncrease  float64
	DropDecrease  float64
	DecreaseRatio float64
	// WeightEnabled makes sessions cost their weight instead of 1.
	WeightEnabled bool
	GlobalWeight  int
	LocalWeight   int
	RenewWeight   int
}

// Digest is the built-in digest scheme.
type Digest struct {
	Enabled bool
	// Super is "super:<base64 digest>", empty = no super user.
	Super string
	// Algorithm is the Java name of the hash: SHA1, SHA-256, …
	Algorithm string
}

// EnforceAuth demands that sessions authenticate before other requests.
type EnforceAuth struct {
	Enabled bool
	Schemes []string
}

// LocalSessions are the sessions known to one server only.
type LocalSessions struct {
	Enabled          bool
	UpgradingEnabled bool
}

// AutoPurge removes old snapshots and logs.
type AutoPurge struct {
	// Interval between purges; 0 or less = off.
	Interval time.Duration
	// Retain is the number of snapshots to keep, at least 3.
	Retain int
}

// Metrics is the HTTP exporter.
type Metrics struct {
	Enabled bool
	Host    string
	Port    int
	// ExportRuntime adds the process_, go_ and jvm_ families.
	ExportRuntime bool
}

// JVMPause watches for pauses of the whole process.
type JVMPause struct {
	Enabled       bool
	InfoThreshold time.Duration
	WarnThreshold time.Duration
	SleepTime     time.Duration
}

// Admin is the admin HTTP server.
type Admin struct {
	Enabled     bool
	Address     string
	Port        int
	CommandURL  string
	IdleTimeout time.Duration
}

// Property returns the text of a key as the operator set it, known or unknown,
// typed here or not; ok is false when it was not set. The keys of the file win
// over -D properties.
func (c *Config) Property(key string) (value string, ok bool) {
	p, ok := c.properties[key]
	return p.Value, ok
}
