package metrics

// CounterID, GaugeID, FloatGaugeID, SummaryID and the keyed ones name one
// metric each; they index the tables below.
type (
	CounterID      uint8
	GaugeID        uint8
	FloatGaugeID   uint8
	SummaryID      uint8
	KeyedCounterID uint8
	KeyedGaugeID   uint8
	KeyedSummaryID uint8
)

// Counters only grow. Those without another unit count events or bytes.
const (
	AddDeadWatcherStallTime CounterID = iota
	BytesReceivedCount
	ConnectionClosedWithoutZooKeeperServerRunning
	CommitCount
	ConnectionDropCount
	ConnectionRejected
	ConnectionRequestCount
	ConnectionRevalidateCount
	DeadWatchersCleared
	DeadWatchersQueued
	DiffCount
	DigestMismatchesCount
	EnsembleAuthFail
	EnsembleAuthSkip
	EnsembleAuthSuccess
	InsecureAdminCount
	LargeRequestsRejected
	LearnerCommitReceivedCount
	LearnerProposalReceivedCount
	LookingCount
	OutstandingChangesQueued
	OutstandingChangesRemoved
	PrepProcessorRequestQueued
	ProposalCount
	QuitLeadingDueToDisloyalVoter
	RequestCommitQueued
	RequestThrottleWaitCount
	RequestsNotForwardedToCommitProcessor
	ResponseBytes
	ResponsePacketCacheHits
	ResponsePacketCacheMisses
	ResponsePacketGetChildrenCacheHits
	ResponsePacketGetChildrenCacheMisses
	RestoreErrorCount
	RestoreRateLimitedCount
	RevalidateCount
	SessionlessConnectionsExpired
	SkipLearnerRequestToNextProcessorCount
	SnapCount
	SnapshotErrorCount
	SnapshotRateLimitedCount
	StaleReplies
	StaleRequests
	StaleRequestsDropped
	StaleSessionsExpired
	SyncProcessorRequestQueued
	ThrottledOps
	TLSHandshakeExceeded
	UnrecoverableErrorCount
	UnsuccessfulHandshake
	WatchBytes
	LoopTurns
	LoopBusyMicros
	LoopRequests
	LogBytes
	Fsyncs
	SlowFsyncs
	Snapshots
	PurgedFiles
	AuthFailures
	Elections
	counterCount
)

// Gauges show a present number: sizes in bytes, times in milliseconds.
const (
	EphemeralsCount GaugeID = iota
	NumAliveConnections
	OutstandingRequests
	ZnodeCount
	GlobalSessions
	LocalSessions
	WatchCount
	ApproximateDataSize
	PacketsReceived
	PacketsSent
	MinLatency
	MaxLatency
	LastClientResponseSize
	MaxClientResponseSize
	MinClientResponseSize
	AuthFailedCount
	NonMTLSLocalConnectionCount
	NonMTLSRemoteConnectionCount
	OutstandingTLSHandshake
	OpenFileDescriptorCount
	MaxFileDescriptorCount
	Uptime
	QuorumSize
	Learners
	SyncedFollowers
	SyncedNonVotingFollowers
	SyncedObservers
	PendingSyncs
	LeaderUptime
	LastProposalSize
	MaxProposalSize
	MinProposalSize
	Followers
	Serving
	LoopQueueRequests
	LoopQueueBytes
	LogQueueBytes
	DataDirectoryBytes
	LogDirectoryBytes
	DiskFreeBytes
	LastZxid
	gaugeCount
)

// Gauges with a fraction.
const (
	AverageLatency FloatGaugeID = iota
	ConnectionDropProbability
	floatGaugeCount
)

// Summaries: milliseconds unless the name ends in Count, Size, Bytes or Micros.
const (
	CommitCommitProcessorRequestQueued SummaryID = iota
	CommitProcessTime
	ConcurrentRequestProcessingInCommitProcessor
	ConnectionTokenDeficit
	DBInitTime
	ElectionTime
	FollowerSyncTime
	FsyncTime
	InflightDiffCount
	InflightSnapCount
	LeaderUnavailableTime
	LearnerRequestProcessorQueueSize
	NettyQueuedBufferCapacity
	NodeChangedWatchCount
	NodeChildrenWatchCount
	NodeCreatedWatchCount
	NodeDeletedWatchCount
	ObserverSyncTime
	PendingSessionQueueSize
	PrepProcessTime
	PrepProcessorQueueSize
	ProposalProcessTime
	ReadCommitProcessorIssued
	ReadCommitProcessorRequestQueued
	ReadsAfterWriteInSessionQueue
	ReadsIssuedFromSessionQueue
	RequestsInSessionQueue
	RestoreTime
	SessionQueuesDrained
	SnapshotTime
	SocketClosingTime
	StartupSnapLoadTime
	StartupTxnsLoadTime
	StartupTxnsLoaded
	SyncProcessTime
	SyncProcessorBatchSize
	SyncProcessorQueueSize
	TimeWaitingEmptyPoolInCommitProcessorReadMillis
	UnavailableTime
	WriteBatchTimeInCommitProcessor
	WriteCommitProcessorIssued
	WriteCommitProcessorRequestQueued
	CloseSessionPrepTime
	CommitPropagationLatency
	DeadWatchersCleanerLatency
	JVMPauseTimeMillis
	LocalWriteCommittedTimeMillis
	ObserverMasterCommitProcessTimeMillis
	ObserverMasterProposalProcessTimeMillis
	PrepProcessorQueueTimeMillis
	PropagationLatency
	ProposalAckCreationLatency
	ProposalLatency
	QuorumAckLatency
	ReadCommitProcessorTimeMillis
	ReadFinalProcessorTimeMillis
	ReadLatency
	RequestThrottleQueueTimeMillis
	ServerWriteCommittedTimeMillis
	SyncProcessorQueueAndFlushTimeMillis
	SyncProcessorQueueFlushTimeMillis
	SyncProcessorQueueTimeMillis
	UpdateLatency
	WriteCommitProcessorTimeMillis
	WriteFinalProcessorTimeMillis
	LoopTurnMicros
	LoopBatchRequests
	FsyncMicros
	LogBatchBytes
	summaryCount
)

// Counters with one series for each key.
const (
	QuotaExceededErrorPerNamespace KeyedCounterID = iota
	BadFrames
	ConnectionsRefused
	RequestsByOperation
	FourLetterWords
	PeerRefusals
	keyedCounterCount
)

// Gauges with one series for each key.
const (
	QuotaCountLimitPerNamespace KeyedGaugeID = iota
	QuotaCountUsagePerNamespace
	QuotaBytesLimitPerNamespace
	QuotaBytesUsagePerNamespace
	LearnerLag
	PeerConnected
	LearnerQueueBytes
	keyedGaugeCount
)

// Summaries with one series for each key.
const (
	WritePerNamespace KeyedSummaryID = iota
	ReadPerNamespace
	LearnerHandlerQuorumPacketSize
	AckLatency
	LearnerHandlerQuorumPacketTimeMillis
	keyedSummaryCount
)

// Scope tells in which roles a gauge exists. Alerts rely on the absence of
// leader_uptime everywhere but on the leader.
type Scope uint8

// The scopes of gauges.
const (
	// ScopeServing gauges exist while the server serves in any role.
	ScopeServing Scope = iota
	// ScopeAlways gauges exist as long as the process.
	ScopeAlways
	// ScopeQuorum gauges exist on members of an ensemble.
	ScopeQuorum
	// ScopeLeader gauges exist on the leader.
	ScopeLeader
)

// definition is one row of the tables.
type definition struct {
	name  string
	help  string  // ZooKeeper's own metrics have their name as help
	label string  // label of keyed metrics, "key" unless told
	unit  float64 // factor from the stored number to the exported one, 0 = 1
	scope Scope
	// advanced summaries have more quantiles than the median.
	advanced bool
	// mntrOnly metrics are aliases for old dashboards.
	mntrOnly bool
}

// micro is the unit of metrics that store microseconds and export seconds.
const micro = 1e-6

// The tables of every metric. Names and kinds are those of ZooKeeper 3.9,
// which is what the dashboards and alert rules of its users contain; names with
// the prefix coord_ are our own and do not appear in mntr.
//
// ZooKeeper: ServerMetrics.java, ZooKeeperServer.java, LeaderZooKeeperServer.java.

var counterTable = [counterCount]definition{
	AddDeadWatcherStallTime:                       {name: "add_dead_watcher_stall_time"},
	BytesReceivedCount:                            {name: "bytes_received_count"},
	ConnectionClosedWithoutZooKeeperServerRunning: {name: "cnxn_closed_without_zk_server_running"},
	CommitCount:                                   {name: "commit_count"},
	ConnectionDropCount:                           {name: "connection_drop_count"},
	ConnectionRejected:                            {name: "connection_rejected"},
	ConnectionRequestCount:                        {name: "connection_request_count"},
	ConnectionRevalidateCount:                     {name: "connection_revalidate_count"},
	DeadWatchersCleared:                           {name: "dead_watchers_cleared"},
	DeadWatchersQueued:                            {name: "dead_watchers_queued"},
	DiffCount:                                     {name: "diff_count"},
	DigestMismatchesCount:                         {name: "digest_mismatches_count"},
	EnsembleAuthFail:                              {name: "ensemble_auth_fail"},
	EnsembleAuthSkip:                              {name: "ensemble_auth_skip"},
	EnsembleAuthSuccess:                           {name: "ensemble_auth_success"},
	InsecureAdminCount:                            {name: "insecure_admin_count"},
	LargeRequestsRejected:                         {name: "large_requests_rejected"},
	LearnerCommitReceivedCount:                    {name: "learner_commit_received_count"},
	LearnerProposalReceivedCount:                  {name: "learner_proposal_received_count"},
	LookingCount:                                  {name: "looking_count"},
	OutstandingChangesQueued:                      {name: "outstanding_changes_queued"},
	OutstandingChangesRemoved:                     {name: "outstanding_changes_removed"},
	PrepProcessorRequestQueued:                    {name: "prep_processor_request_queued"},
	ProposalCount:                                 {name: "proposal_count"},
	QuitLeadingDueToDisloyalVoter:                 {name: "quit_leading_due_to_disloyal_voter"},
	RequestCommitQueued:                           {name: "request_commit_queued"},
	RequestThrottleWaitCount:                      {name: "request_throttle_wait_count"},
	RequestsNotForwardedToCommitProcessor:         {name: "requests_not_forwarded_to_commit_processor"},
	ResponseBytes:                                 {name: "response_bytes"},
	ResponsePacketCacheHits:                       {name: "response_packet_cache_hits"},
	ResponsePacketCacheMisses:                     {name: "response_packet_cache_misses"},
	ResponsePacketGetChildrenCacheHits:            {name: "response_packet_get_children_cache_hits"},
	ResponsePacketGetChildrenCacheMisses:          {name: "response_packet_get_children_cache_misses"},
	RestoreErrorCount:                             {name: "restore_error_count"},
	RestoreRateLimitedCount:                       {name: "restore_rate_limited_count"},
	RevalidateCount:                               {name: "revalidate_count"},
	SessionlessConnectionsExpired:                 {name: "sessionless_connections_expired"},
	SkipLearnerRequestToNextProcessorCount:        {name: "skip_learner_request_to_next_processor_count"},
	SnapCount:                                     {name: "snap_count"},
	SnapshotErrorCount:                            {name: "snapshot_error_count"},
	SnapshotRateLimitedCount:                      {name: "snapshot_rate_limited_count"},
	StaleReplies:                                  {name: "stale_replies"},
	StaleRequests:                                 {name: "stale_requests"},
	StaleRequestsDropped:                          {name: "stale_requests_dropped"},
	StaleSessionsExpired:                          {name: "stale_sessions_expired"},
	SyncProcessorRequestQueued:                    {name: "sync_processor_request_queued"},
	ThrottledOps:                                  {name: "throttled_ops"},
	TLSHandshakeExceeded:                          {name: "tls_handshake_exceeded"},
	UnrecoverableErrorCount:                       {name: "unrecoverable_error_count"},
	UnsuccessfulHandshake:                         {name: "unsuccessful_handshake"},
	WatchBytes:                                    {name: "watch_bytes"},
	LoopTurns:                                     {name: "coord_loop_turns_total", help: "Turns of the main loop."},
	LoopBusyMicros:                                {name: "coord_loop_busy_seconds_total", help: "Seconds the main loop was not waiting; its rate is the busy share.", unit: micro},
	LoopRequests:                                  {name: "coord_loop_requests_total", help: "Requests taken by the main loop."},
	LogBytes:                                      {name: "coord_log_bytes_total", help: "Bytes appended to the transaction log."},
	Fsyncs:                                        {name: "coord_fsyncs_total", help: "Syncs of the transaction log."},
	SlowFsyncs:                                    {name: "coord_slow_fsyncs_total", help: "Syncs of the transaction log above fsync.warningthresholdms."},
	Snapshots:                                     {name: "coord_snapshots_total", help: "Snapshots written."},
	PurgedFiles:                                   {name: "coord_purged_files_total", help: "Snapshot and log files removed by the purge."},
	AuthFailures:                                  {name: "coord_auth_failures_total", help: "Authentications that clients tried and failed."},
	Elections:                                     {name: "coord_elections_total", help: "Elections that found a leader."},
}

var gaugeTable = [gaugeCount]definition{
	EphemeralsCount:              {name: "ephemerals_count"},
	NumAliveConnections:          {name: "num_alive_connections"},
	OutstandingRequests:          {name: "outstanding_requests"},
	ZnodeCount:                   {name: "znode_count"},
	GlobalSessions:               {name: "global_sessions"},
	LocalSessions:                {name: "local_sessions"},
	WatchCount:                   {name: "watch_count"},
	ApproximateDataSize:          {name: "approximate_data_size"},
	PacketsReceived:              {name: "packets_received"},
	PacketsSent:                  {name: "packets_sent"},
	MinLatency:                   {name: "min_latency"},
	MaxLatency:                   {name: "max_latency"},
	LastClientResponseSize:       {name: "last_client_response_size"},
	MaxClientResponseSize:        {name: "max_client_response_size"},
	MinClientResponseSize:        {name: "min_client_response_size"},
	AuthFailedCount:              {name: "auth_failed_count"},
	NonMTLSLocalConnectionCount:  {name: "non_mtls_local_conn_count"},
	NonMTLSRemoteConnectionCount: {name: "non_mtls_remote_conn_count"},
	OutstandingTLSHandshake:      {name: "outstanding_tls_handshake"},
	OpenFileDescriptorCount:      {name: "open_file_descriptor_count"},
	MaxFileDescriptorCount:       {name: "max_file_descriptor_count"},
	Uptime:                       {name: "uptime"},
	QuorumSize:                   {name: "quorum_size", scope: ScopeQuorum},
	Learners:                     {name: "learners", scope: ScopeLeader},
	SyncedFollowers:              {name: "synced_followers", scope: ScopeLeader},
	SyncedNonVotingFollowers:     {name: "synced_non_voting_followers", scope: ScopeLeader},
	SyncedObservers:              {name: "synced_observers", scope: ScopeLeader},
	PendingSyncs:                 {name: "pending_syncs", scope: ScopeLeader},
	LeaderUptime:                 {name: "leader_uptime", scope: ScopeLeader},
	LastProposalSize:             {name: "last_proposal_size", scope: ScopeLeader},
	MaxProposalSize:              {name: "max_proposal_size", scope: ScopeLeader},
	MinProposalSize:              {name: "min_proposal_size", scope: ScopeLeader},
	Followers:                    {name: "followers", scope: ScopeLeader, mntrOnly: true},
	Serving:                      {name: "coord_serving", help: "1 while requests are served, 0 else.", scope: ScopeAlways},
	LoopQueueRequests:            {name: "coord_loop_queue_requests", help: "Requests waiting for the main loop.", scope: ScopeAlways},
	LoopQueueBytes:               {name: "coord_loop_queue_bytes", help: "Bytes of requests waiting for the main loop.", scope: ScopeAlways},
	LogQueueBytes:                {name: "coord_log_queue_bytes", help: "Bytes waiting for the log writer.", scope: ScopeAlways},
	DataDirectoryBytes:           {name: "coord_data_directory_bytes", help: "Size of the snapshot directory.", scope: ScopeAlways},
	LogDirectoryBytes:            {name: "coord_log_directory_bytes", help: "Size of the transaction log directory.", scope: ScopeAlways},
	DiskFreeBytes:                {name: "coord_disk_free_bytes", help: "Bytes free on the disk of the transaction log.", scope: ScopeAlways},
	LastZxid:                     {name: "coord_last_zxid", help: "Zxid of the last applied transaction; the epoch is in the upper 32 bits."},
}

var floatGaugeTable = [floatGaugeCount]definition{
	AverageLatency:            {name: "avg_latency"},
	ConnectionDropProbability: {name: "connection_drop_probability"},
}

var summaryTable = [summaryCount]definition{
	CommitCommitProcessorRequestQueued:              {name: "commit_commit_proc_req_queued"},
	CommitProcessTime:                               {name: "commit_process_time"},
	ConcurrentRequestProcessingInCommitProcessor:    {name: "concurrent_request_processing_in_commit_processor"},
	ConnectionTokenDeficit:                          {name: "connection_token_deficit"},
	DBInitTime:                                      {name: "dbinittime"},
	ElectionTime:                                    {name: "election_time"},
	FollowerSyncTime:                                {name: "follower_sync_time"},
	FsyncTime:                                       {name: "fsynctime"},
	InflightDiffCount:                               {name: "inflight_diff_count"},
	InflightSnapCount:                               {name: "inflight_snap_count"},
	LeaderUnavailableTime:                           {name: "leader_unavailable_time"},
	LearnerRequestProcessorQueueSize:                {name: "learner_request_processor_queue_size"},
	NettyQueuedBufferCapacity:                       {name: "netty_queued_buffer_capacity"},
	NodeChangedWatchCount:                           {name: "node_changed_watch_count"},
	NodeChildrenWatchCount:                          {name: "node_children_watch_count"},
	NodeCreatedWatchCount:                           {name: "node_created_watch_count"},
	NodeDeletedWatchCount:                           {name: "node_deleted_watch_count"},
	ObserverSyncTime:                                {name: "observer_sync_time"},
	PendingSessionQueueSize:                         {name: "pending_session_queue_size"},
	PrepProcessTime:                                 {name: "prep_process_time"},
	PrepProcessorQueueSize:                          {name: "prep_processor_queue_size"},
	ProposalProcessTime:                             {name: "proposal_process_time"},
	ReadCommitProcessorIssued:                       {name: "read_commit_proc_issued"},
	ReadCommitProcessorRequestQueued:                {name: "read_commit_proc_req_queued"},
	ReadsAfterWriteInSessionQueue:                   {name: "reads_after_write_in_session_queue"},
	ReadsIssuedFromSessionQueue:                     {name: "reads_issued_from_session_queue"},
	RequestsInSessionQueue:                          {name: "requests_in_session_queue"},
	RestoreTime:                                     {name: "restore_time"},
	SessionQueuesDrained:                            {name: "session_queues_drained"},
	SnapshotTime:                                    {name: "snapshottime"},
	SocketClosingTime:                               {name: "socket_closing_time"},
	StartupSnapLoadTime:                             {name: "startup_snap_load_time"},
	StartupTxnsLoadTime:                             {name: "startup_txns_load_time"},
	StartupTxnsLoaded:                               {name: "startup_txns_loaded"},
	SyncProcessTime:                                 {name: "sync_process_time"},
	SyncProcessorBatchSize:                          {name: "sync_processor_batch_size"},
	SyncProcessorQueueSize:                          {name: "sync_processor_queue_size"},
	TimeWaitingEmptyPoolInCommitProcessorReadMillis: {name: "time_waiting_empty_pool_in_commit_processor_read_ms"},
	UnavailableTime:                                 {name: "unavailable_time"},
	WriteBatchTimeInCommitProcessor:                 {name: "write_batch_time_in_commit_processor"},
	WriteCommitProcessorIssued:                      {name: "write_commit_proc_issued"},
	WriteCommitProcessorRequestQueued:               {name: "write_commit_proc_req_queued"},
	CloseSessionPrepTime:                            {name: "close_session_prep_time", advanced: true},
	CommitPropagationLatency:                        {name: "commit_propagation_latency", advanced: true},
	DeadWatchersCleanerLatency:                      {name: "dead_watchers_cleaner_latency", advanced: true},
	JVMPauseTimeMillis:                              {name: "jvm_pause_time_ms", advanced: true},
	LocalWriteCommittedTimeMillis:                   {name: "local_write_committed_time_ms", advanced: true},
	ObserverMasterCommitProcessTimeMillis:           {name: "om_commit_process_time_ms", advanced: true},
	ObserverMasterProposalProcessTimeMillis:         {name: "om_proposal_process_time_ms", advanced: true},
	PrepProcessorQueueTimeMillis:                    {name: "prep_processor_queue_time_ms", advanced: true},
	PropagationLatency:                              {name: "propagation_latency", advanced: true},
	ProposalAckCreationLatency:                      {name: "proposal_ack_creation_latency", advanced: true},
	ProposalLatency:                                 {name: "proposal_latency", advanced: true},
	QuorumAckLatency:                                {name: "quorum_ack_latency", advanced: true},
	ReadCommitProcessorTimeMillis:                   {name: "read_commitproc_time_ms", advanced: true},
	ReadFinalProcessorTimeMillis:                    {name: "read_final_proc_time_ms", advanced: true},
	ReadLatency:                                     {name: "readlatency", advanced: true},
	RequestThrottleQueueTimeMillis:                  {name: "request_throttle_queue_time_ms", advanced: true},
	ServerWriteCommittedTimeMillis:                  {name: "server_write_committed_time_ms", advanced: true},
	SyncProcessorQueueAndFlushTimeMillis:            {name: "sync_processor_queue_and_flush_time_ms", advanced: true},
	SyncProcessorQueueFlushTimeMillis:               {name: "sync_processor_queue_flush_time_ms", advanced: true},
	SyncProcessorQueueTimeMillis:                    {name: "sync_processor_queue_time_ms", advanced: true},
	UpdateLatency:                                   {name: "updatelatency", advanced: true},
	WriteCommitProcessorTimeMillis:                  {name: "write_commitproc_time_ms", advanced: true},
	WriteFinalProcessorTimeMillis:                   {name: "write_final_proc_time_ms", advanced: true},
	LoopTurnMicros:                                  {name: "coord_loop_turn_seconds", help: "Duration of one turn of the main loop.", unit: micro, advanced: true},
	LoopBatchRequests:                               {name: "coord_loop_batch_requests", help: "Requests taken in one turn of the main loop.", advanced: true},
	FsyncMicros:                                     {name: "coord_fsync_seconds", help: "Duration of one sync of the transaction log.", unit: micro, advanced: true},
	LogBatchBytes:                                   {name: "coord_log_batch_bytes", help: "Bytes made durable by one sync.", advanced: true},
}

var keyedCounterTable = [keyedCounterCount]definition{
	QuotaExceededErrorPerNamespace: {name: "quota_exceeded_error_per_namespace"},
	BadFrames:                      {name: "coord_bad_frames_total", help: "Frames that closed their connection, by what they looked like.", label: "reason"},
	ConnectionsRefused:             {name: "coord_connections_refused_total", help: "Connections closed at once, by reason.", label: "reason"},
	RequestsByOperation:            {name: "coord_requests_total", help: "Requests answered, by operation.", label: "operation"},
	FourLetterWords:                {name: "coord_four_letter_words_total", help: "Four-letter words answered, by word.", label: "word"},
	PeerRefusals:                   {name: "coord_peer_refusals_total", help: "Connections and frames refused on the ports for other servers, by reason.", label: "reason"},
}

var keyedGaugeTable = [keyedGaugeCount]definition{
	QuotaCountLimitPerNamespace: {name: "quota_count_limit_per_namespace"},
	QuotaCountUsagePerNamespace: {name: "quota_count_usage_per_namespace"},
	QuotaBytesLimitPerNamespace: {name: "quota_bytes_limit_per_namespace"},
	QuotaBytesUsagePerNamespace: {name: "quota_bytes_usage_per_namespace"},
	LearnerLag:                  {name: "coord_learner_lag_transactions", help: "Transactions of the leader's log that a follower has not acknowledged.", label: "server"},
	PeerConnected:               {name: "coord_peer_connected", help: "1 while there is a connection for election messages with the server, 0 else.", label: "server"},
	LearnerQueueBytes:           {name: "coord_learner_queue_bytes", help: "Bytes that wait to be sent to a server that is led.", label: "server"},
}

var keyedSummaryTable = [keyedSummaryCount]definition{
	WritePerNamespace:                    {name: "write_per_namespace"},
	ReadPerNamespace:                     {name: "read_per_namespace"},
	LearnerHandlerQuorumPacketSize:       {name: "learner_handler_qp_size"},
	AckLatency:                           {name: "ack_latency", advanced: true},
	LearnerHandlerQuorumPacketTimeMillis: {name: "learner_handler_qp_time_ms", advanced: true},
}
