package store

import (
	"math/rand/v2"
	"path/filepath"
	"time"

	"kafkacoord/coord/tree"
)

// Defaults and bounds of [Options] (ZooKeeper: SyncRequestProcessor.java,
// FilePadding.java, BinaryInputArchive.java).
const (
	DefaultPreallocBytes  = 64 << 20
	DefaultSnapCount      = 100_000
	DefaultSnapSizeBytes  = 4 << 30
	minSnapCount          = 2
	snapshotCandidatesMax = 100 // snapshots that recovery looks at
	versionDirectory      = "version-2"
	initializeFile        = "initialize"
	minRetainCount        = 3 // see Purge
)

// DefaultMaxRecordBytes is the least bound on a transaction, path or data in
// bytes. Java's is jute.maxbuffer plus zookeeper.jute.maxbuffer.extrasize, by
// default 2 MiB together, but it checks that only when reading: it writes the
// closing of a session with 100,000 ephemerals and cannot start on it. Here
// what was accepted is always written and read.
const DefaultMaxRecordBytes = 64 << 20

// Options say where the files are and which of ZooKeeper's switches are set.
// For numbers 0 means the default and a negative value switches the thing off.
type Options struct {
	DataDir string // dataDir: snapshots and epoch files, below its version-2
	LogDir  string // dataLogDir; "" means DataDir

	PreallocBytes  int64 // log growth step, zookeeper.preAllocSize
	SnapCount      int64 // transactions between snapshots, zookeeper.snapCount
	SnapSizeBytes  int64 // log bytes between snapshots, zookeeper.snapSizeLimitInKb
	LogSizeBytes   int64 // roll above this size, zookeeper.txnLogSizeLimitInKb; 0 is off
	MaxRecordBytes int   // longest transaction, path or data; at least DefaultMaxRecordBytes

	Compression Compression // of new snapshots, zookeeper.snapshot.compression.method

	NoSync           bool // zookeeper.forceSync=no: a power loss loses acknowledged writes
	NoAutoCreateDirs bool // zookeeper.datadir.autocreate=false
	NoAutoCreateData bool // zookeeper.db.autocreate=false
	TrustEmpty       bool // zookeeper.snapshot.trust.empty=true
	OmitLastZxid     bool // serializeLastProcessedZxid.enabled=false
	AcceptGaps       bool // start although transactions are missing from the logs

	// Tree is handed to the tree that recovery builds. Its Digest also says
	// whether digests are compared and snapshots get a digest section.
	Tree tree.Options

	// Random returns a number in [0, n); it spreads the snapshots of a cluster.
	// nil means math/rand/v2.
	Random func(n int64) int64
	// Now is the clock for durations; nil means time.Now.
	Now func() time.Time
	// OnSync hears how long each sync of the log took; nil is allowed. It runs
	// on the caller of Sync and must not call back into the store.
	OnSync func(took time.Duration)
}

func (o Options) withDefaults() Options {
	if o.LogDir == "" {
		o.LogDir = o.DataDir
	}
	o.PreallocBytes = defaulted(o.PreallocBytes, DefaultPreallocBytes)
	o.SnapCount = defaulted(o.SnapCount, DefaultSnapCount)
	if o.SnapCount > 0 {
		o.SnapCount = max(o.SnapCount, minSnapCount)
	}
	o.SnapSizeBytes = defaulted(o.SnapSizeBytes, DefaultSnapSizeBytes)
	o.MaxRecordBytes = max(o.MaxRecordBytes, DefaultMaxRecordBytes)
	if o.Random == nil {
		o.Random = rand.Int64N
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

func defaulted(value, standard int64) int64 {
	if value == 0 {
		return standard
	}
	return value
}

// snapshotDir is where snapshots and epoch files are.
func (o Options) snapshotDir() string { return filepath.Join(o.DataDir, versionDirectory) }

// logDir is where transaction logs are.
func (o Options) logDir() string { return filepath.Join(o.LogDir, versionDirectory) }
