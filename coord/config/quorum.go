package config

import "time"

// Quorum holds what an ensemble needs. A standalone server ignores it; it is
// parsed and validated in full all the same.
type Quorum struct {
	// Servers are the server.N lines in the order of their ids.
	Servers []Server
	// Groups are the group.N lines, Weights the weight.N lines (absent = 1).
	Groups  []Group
	Weights map[int64]int64
	// Version is the version of a dynamic configuration, 0 for a static list.
	Version int64

	// InitLimit and SyncLimit are in ticks; 0 = not set.
	InitLimit int
	SyncLimit int
	// ConnectToLearnerMasterLimit is in ticks; 0 = InitLimit.
	ConnectToLearnerMasterLimit int
	ElectionAlgorithm           int
	PeerType                    Role
	ListenOnAllIPs              bool
	// SyncEnabled lets observers write logs and snapshots.
	SyncEnabled bool
	// ObserverMasterPort is 0 or less when followers take no observers.
	ObserverMasterPort     int
	StandaloneEnabled      bool
	ReconfigEnabled        bool
	DynamicConfigFile      string
	MultiAddressEnabled    bool
	ReachabilityCheck      bool
	ReachabilityTimeout    time.Duration
	SSL                    bool
	PortUnification        bool
	ReloadCertFiles        bool
	SASL                   bool
	ServerRequireSASL      bool
	LearnerRequireSASL     bool
	ServerLoginContext     string
	LearnerLoginContext    string
	ServicePrincipal       string
	CommitLogCount         int
	SnapshotSizeFactor     float64
	ConnectTimeout         time.Duration
	ElectionReadTimeout    time.Duration
	ElectionBindRetries    int
	LeaderServes           bool
	MaxConcurrentSnapSyncs int
	MaxConcurrentDiffSyncs int
}

// What the notes of several keys say.
const (
	observersLog = "observers keep a log and snapshots"
	noQuorumTLS  = "the connections between servers are in the clear"
)

// Distributed reports whether the configuration asks for an ensemble: more
// than one server, or one with standaloneEnabled=false.
func (q *Quorum) Distributed() bool {
	voters := 0
	for _, s := range q.Servers {
		if s.Role == RoleParticipant {
			voters++
		}
	}
	return len(q.Servers) > 0 && (!q.StandaloneEnabled || voters > 1)
}

// quorumKeys are the keys of ZooKeeper's parser that matter in an ensemble only.
func quorumKeys() []key {
	return []key{
		fileKey("server.*", "", nil),
		fileKey("group.*", "", nil),
		fileKey("weight.*", "", nil),
		fileKey("initLimit", "", strictInt(func(c *Config) *int { return &c.Quorum.InitLimit })),
		fileKey("syncLimit", "", strictInt(func(c *Config) *int { return &c.Quorum.SyncLimit })),
		fileKey("connectToLearnerMasterLimit", "0", strictInt(func(c *Config) *int { return &c.Quorum.ConnectToLearnerMasterLimit })),
		fileKey("electionAlg", "3", electionAlgorithm),
		fileKey("peerType", "participant", peerType),
		fileKey("quorumListenOnAllIPs", "false", strictBool(func(c *Config) *bool { return &c.Quorum.ListenOnAllIPs })),
		fileKey("syncEnabled", "true", strictBool(func(c *Config) *bool { return &c.Quorum.SyncEnabled })).as(later, observersLog),
		fileKey("observerMasterPort", "0", strictInt(func(c *Config) *int { return &c.Quorum.ObserverMasterPort })).as(later, "followers take no observers; these find the leader"),
		fileKey("standaloneEnabled", "true", strictBool(func(c *Config) *bool { return &c.Quorum.StandaloneEnabled })),
		fileKey("reconfigEnabled", "false", strictBool(func(c *Config) *bool { return &c.Quorum.ReconfigEnabled })).as(later, "a reconfiguration at run time is refused; change the list of servers in the files and restart"),
		fileKey("dynamicConfigFile", "", plain(func(c *Config) *string { return &c.Quorum.DynamicConfigFile })),
		fileKey("quorum.cnxn.threads.size", "20", nil).as(silent, ""),
		fileKey("multiAddress.enabled", "false", strictBool(func(c *Config) *bool { return &c.Quorum.MultiAddressEnabled })),
		fileKey("multiAddress.reachabilityCheckEnabled", "true", strictBool(func(c *Config) *bool { return &c.Quorum.ReachabilityCheck })),
		fileKey("multiAddress.reachabilityCheckTimeoutMs", "1000", strictMillis(func(c *Config) *time.Duration { return &c.Quorum.ReachabilityTimeout })),
		fileKey("oraclePath", "", nil).as(refused, "a tie breaker from outside is not supported; use three servers"),
		fileKey("sslQuorum", "false", strictBool(func(c *Config) *bool { return &c.Quorum.SSL })),
		fileKey("portUnification", "false", strictBool(func(c *Config) *bool { return &c.Quorum.PortUnification })).as(later, noQuorumTLS),
		fileKey("sslQuorumReloadCertFiles", "false", strictBool(func(c *Config) *bool { return &c.Quorum.ReloadCertFiles })).as(later, noQuorumTLS),
		fileKey("quorum.auth.enableSasl", "false", strictBool(func(c *Config) *bool { return &c.Quorum.SASL })),
		fileKey("quorum.auth.serverRequireSasl", "false", strictBool(func(c *Config) *bool { return &c.Quorum.ServerRequireSASL })),
		fileKey("quorum.auth.learnerRequireSasl", "false", strictBool(func(c *Config) *bool { return &c.Quorum.LearnerRequireSASL })),
		fileKey("quorum.auth.server.saslLoginContext", "QuorumServer", plain(func(c *Config) *string { return &c.Quorum.ServerLoginContext })),
		fileKey("quorum.auth.learner.saslLoginContext", "QuorumLearner", plain(func(c *Config) *string { return &c.Quorum.LearnerLoginContext })),
		fileKey("quorum.auth.kerberos.servicePrincipal", "zkquorum/localhost", plain(func(c *Config) *string { return &c.Quorum.ServicePrincipal })),
	}
}

// learnerKeys are the system properties that matter in an ensemble only. Those
// without a typed field are kept as text.
func learnerKeys() []key {
	const quiet = ""
	list := []key{
		// Overrides the file's own syncEnabled.
		property("observer.syncEnabled", "", strictBool(func(c *Config) *bool { return &c.Quorum.SyncEnabled })).as(later, observersLog).off("true"),
		property("commitLogCount", "500", atLeast(500, func(c *Config) *int { return &c.Quorum.CommitLogCount },
			lenientInt(func(c *Config) *int { return &c.Quorum.CommitLogCount }))),
		property("snapshotSizeFactor", "0.33", lenientFloat(-1, 1, func(c *Config) *float64 { return &c.Quorum.SnapshotSizeFactor })),
		property("cnxTimeout", "5000", lenientMillis(func(c *Config) *time.Duration { return &c.Quorum.ConnectTimeout })),
		property("quorumCnxnTimeoutMs", "-1", lenientMillis(func(c *Config) *time.Duration { return &c.Quorum.ElectionReadTimeout })),
		property("electionPortBindRetry", "3", lenientInt(func(c *Config) *int { return &c.Quorum.ElectionBindRetries })),
		property("leaderServes", "yes", unless("no", func(c *Config) *bool { return &c.Quorum.LeaderServes })).as(later, "the leader serves clients too"),
		property("leader.maxConcurrentSnapSyncs", "10", lenientInt(func(c *Config) *int { return &c.Quorum.MaxConcurrentSnapSyncs })).also("maxConcurrentSnapSyncs"),
		property("leader.maxConcurrentDiffSyncs", "100", lenientInt(func(c *Config) *int { return &c.Quorum.MaxConcurrentDiffSyncs })).also("maxConcurrentDiffSyncs").as(later, "learners that need no snapshot are all served at once"),
		property("leader.maxTimeToWaitForEpoch", "-1", nil).also("maxTimeToWaitForEpoch").as(later, quiet),
		{name: "learner.asyncSending", properties: []string{"learner.asyncSending", "zookeeper.learner.asyncSending"}, fallback: "false", verdict: silent},
		{name: "learner.closeSocketAsync", properties: []string{"learner.closeSocketAsync", "zookeeper.learner.closeSocketAsync"}, fallback: "false", verdict: silent},
		{name: "leader.closeSocketAsync", properties: []string{"leader.closeSocketAsync", "zookeeper.leader.closeSocketAsync"}, fallback: "false", verdict: silent},
		flag("leader.nodelay", "true", nil).as(silent, quiet),
		flag("follower.nodelay", "true", nil).as(silent, quiet),
		property("messageTracker.BufferSize", "10", nil).as(ignored, quiet),
		property("messageTracker.Enabled", "false", nil).as(ignored, quiet),
	}
	for _, kept := range [][2]string{
		{"fastleader.minNotificationInterval", "200"},
		{"fastleader.maxNotificationInterval", "60000"},
		{"forceSnapshotSync", "false"},
	} {
		list = append(list, property(kept[0], kept[1], nil))
	}
	for _, without := range [][2]string{
		{"leader.ackLoggingFrequency", "1000"},
		{"leaderConnectDelayDuringRetryMs", "100"},
		{"observer.reconnectDelayMs", "0"},
		{"observer.election.DelayMs", "200"},
		{"observerMaster.sizeLimit", "33554432"},
		{"enableEagerACLCheck", "false"},
	} {
		list = append(list, property(without[0], without[1], nil).as(later, quiet))
	}
	for _, name := range []string{"forward_learner_requests_to_commit_processor_disabled", "follower.skipLearnerRequestToNextProcessor"} {
		list = append(list, property(name, "false", nil).as(silent, quiet))
	}
	return list
}
