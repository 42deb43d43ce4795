package config

import (
	"fmt"
	"strings"
	"time"
)

// What the notes of several keys say.
const (
	noPauseMonitor    = "pauses of the process are not watched"
	noLogDelay        = "the log holds no batch back: one takes what came while the one before was made durable"
	noRequestThrottle = "requests are bounded by globalOutstandingLimit alone"
	noAdminServer     = "there is no admin server; use /metrics and the four-letter words"
)

// fileKeys are the keys of ZooKeeper's parser that a standalone server uses.
// ZooKeeper: QuorumPeerConfig.java.
func fileKeys() []key {
	return []key{
		fileKey("dataDir", "", directory(func(c *Config) *string { return &c.DataDir })),
		fileKey("dataLogDir", "", directory(func(c *Config) *string { return &c.DataLogDir })),
		fileKey("clientPort", "", strictPort(func(c *Config) *int { return &c.ClientPort })),
		fileKey("clientPortAddress", "", plain(func(c *Config) *string { return &c.ClientPortAddress })),
		fileKey("secureClientPort", "", strictPort(func(c *Config) *int { return &c.SecureClientPort })).as(later, "clients cannot connect with TLS"),
		fileKey("secureClientPortAddress", "", plain(func(c *Config) *string { return &c.SecureClientPortAddress })).as(later, ""),
		fileKey("tickTime", "3000", strictMillis(func(c *Config) *time.Duration { return &c.TickTime })),
		fileKey("maxClientCnxns", "60", strictInt(func(c *Config) *int { return &c.MaxClientConnections })),
		fileKey("minSessionTimeout", "-1", strictMillis(func(c *Config) *time.Duration { return &c.MinSessionTimeout })),
		fileKey("maxSessionTimeout", "-1", strictMillis(func(c *Config) *time.Duration { return &c.MaxSessionTimeout })),
		fileKey("clientPortListenBacklog", "-1", strictInt(func(c *Config) *int { return &c.ListenBacklog })).as(later, "the backlog of the operating system is used"),
		fileKey("localSessionsEnabled", "false", strictBool(func(c *Config) *bool { return &c.LocalSessions.Enabled })).as(later, "every session is a global one"),
		fileKey("localSessionsUpgradingEnabled", "false", strictBool(func(c *Config) *bool { return &c.LocalSessions.UpgradingEnabled })).as(later, "every session is a global one"),
		fileKey("autopurge.snapRetainCount", "3", retainCount),
		fileKey("autopurge.purgeInterval", "0", purgeInterval).better("1"),
		fileKey("jvm.pause.monitor", "false", strictBool(func(c *Config) *bool { return &c.JVMPause.Enabled })).as(later, noPauseMonitor),
		fileKey("jvm.pause.info-threshold.ms", "1000", strictMillis(func(c *Config) *time.Duration { return &c.JVMPause.InfoThreshold })).as(later, noPauseMonitor),
		fileKey("jvm.pause.warn-threshold.ms", "10000", strictMillis(func(c *Config) *time.Duration { return &c.JVMPause.WarnThreshold })).as(later, noPauseMonitor),
		fileKey("jvm.pause.sleep.time.ms", "500", strictMillis(func(c *Config) *time.Duration { return &c.JVMPause.SleepTime })).as(later, noPauseMonitor),
		fileKey("metricsProvider.className", defaultMetricsProvider, metricsProvider),
		fileKey("metricsProvider.httpPort", "7000", strictPort(func(c *Config) *int { return &c.Metrics.Port })),
		fileKey("metricsProvider.httpHost", "0.0.0.0", plain(func(c *Config) *string { return &c.Metrics.Host })),
		fileKey("metricsProvider.exportJvmInfo", "true", lenientBool(func(c *Config) *bool { return &c.Metrics.ExportRuntime })),
		fileKey("metricsProvider.numWorkerThreads", "1", nil).as(silent, ""),
		fileKey("metricsProvider.maxQueueSize", "1000000", nil).as(silent, ""),
		fileKey("metricsProvider.workerShutdownTimeoutMs", "1000", nil).as(silent, ""),
		fileKey("metricsProvider.prometheusMetricsSummaryRotateIntervalSeconds", "60", nil).as(silent, ""),
		fileKey("metricsProvider.httpsPort", "", nil).as(later, "metrics are served without TLS only"),
		fileKey("metricsProvider.ssl.*", "", nil).as(later, "metrics are served without TLS only"),
	}
}

// The metrics providers that ZooKeeper ships.
const (
	defaultMetricsProvider    = "org.apache.zookeeper.metrics.impl.DefaultMetricsProvider"
	nullMetricsProvider       = "org.apache.zookeeper.metrics.impl.NullMetricsProvider"
	prometheusMetricsProvider = "org.apache.zookeeper.metrics.prometheus.PrometheusMetricsProvider"
)

func metricsProvider(c *Config, _ *key, text string) error {
	switch text {
	case prometheusMetricsProvider:
		c.Metrics.Enabled = true
	case defaultMetricsProvider, nullMetricsProvider:
		c.Metrics.Enabled = false
	default:
		return fmt.Errorf("metrics provider class was not found: %s; this server has the built-in %s", text, prometheusMetricsProvider)
	}
	return nil
}

// directory stores a path and, as ZooKeeper does, asks for the ./ that shows a
// relative path to be meant.
func directory(field func(*Config) *string) setter {
	return func(c *Config, _ *key, text string) error {
		*field(c) = text
		if text != "" && !strings.HasPrefix(text, "/") && text != "." && !strings.HasPrefix(text, "./") {
			return adjustedError{fmt.Sprintf("%s is relative. Prepend ./ to indicate that you're sure!", text)}
		}
		return nil
	}
}

func retainCount(c *Config, k *key, text string) error {
	n, err := decimal(text)
	if err != nil {
		return err
	}
	c.AutoPurge.Retain = max(n, retainMin)
	if n < retainMin {
		return adjustedError{fmt.Sprintf("Invalid %s: %d. Defaulting to %d", k.name, n, retainMin)}
	}
	return nil
}

// retainMin snapshots are always kept: one may be damaged, one half written.
const retainMin = 3

// storageKeys are the system properties of log, snapshots and tree.
func storageKeys() []key {
	const kib = 1024
	return []key{
		property("snapCount", "100000", atLeast(2, func(c *Config) *int { return &c.SnapCount },
			lenientInt(func(c *Config) *int { return &c.SnapCount }))),
		property("snapSizeLimitInKb", "4194304", lenientScaled(kib, func(c *Config) *int64 { return &c.SnapSizeLimit })),
		property("preAllocSize", "65536", lenientScaled(kib, func(c *Config) *int64 { return &c.PreAllocSize })),
		property("txnLogSizeLimitInKb", "-1", lenientScaled(kib, func(c *Config) *int64 { return &c.TxnLogSizeLimit })),
		property("forceSync", "yes", unless("no", func(c *Config) *bool { return &c.ForceSync })),
		{
			name: "fsync.warningthresholdms", properties: []string{"fsync.warningthresholdms", "zookeeper.fsync.warningthresholdms"},
			fallback: "1000", set: lenientMillis(func(c *Config) *time.Duration { return &c.FsyncWarning }),
		},
		property("snapshot.compression.method", "", compression),
		property("snapshot.trust.empty", "false", lenientBool(func(c *Config) *bool { return &c.TrustEmptySnapshot })),
		property("datadir.autocreate", "true", lenientBool(func(c *Config) *bool { return &c.DatadirAutocreate })),
		property("db.autocreate", "true", lenientBool(func(c *Config) *bool { return &c.DBAutocreate })),
		property("digest.enabled", "true", lenientBool(func(c *Config) *bool { return &c.DigestEnabled })),
		property("serializeLastProcessedZxid.enabled", "true", lenientBool(func(c *Config) *bool { return &c.SerializeLastZxid })),
		property("closeSessionTxn.enabled", "true", lenientBool(func(c *Config) *bool { return &c.CloseSessionTxn })),
		property("extendedTypesEnabled", "false", lenientBool(func(c *Config) *bool { return &c.ExtendedTypes })),
		property("emulate353TTLNodes", "false", notTrue("the TTL layout of 3.5.3 is not supported; data written with it would be misread. Remove the TTL nodes with the old server first")),
		flag("znode.container.checkIntervalMs", "60000", lenientMillis(func(c *Config) *time.Duration { return &c.Container.CheckInterval })),
		flag("znode.container.maxPerMinute", "10000", lenientInt(func(c *Config) *int { return &c.Container.MaxPerMinute })),
		flag("znode.container.maxNeverUsedIntervalMs", "0", lenientMillis(func(c *Config) *time.Duration { return &c.Container.MaxNeverUsed })),
		property("maxResponseCacheSize", "400", nil).as(silent, ""),
		property("maxGetChildrenResponseCacheSize", "400", nil).as(silent, ""),
		property("watchManagerName", "", oneOf("org.apache.zookeeper.server.watch.WatchManager", "org.apache.zookeeper.server.watch.WatchManagerOptimized")).as(silent, ""),
		property("watcherCleanThreadsNum", "2", nil).as(silent, ""),
		property("watcherCleanThreshold", "1000", nil).as(silent, ""),
		property("watcherCleanIntervalInSeconds", "600", nil).as(silent, ""),
		property("maxInProcessingDeadWatchers", "-1", nil).as(silent, ""),
		property("bitHashCacheSize", "10", nil).as(silent, ""),
		property("pathStats.*", "", nil).as(ignored, "paths are not sampled"),
		property("test.allowDiscontinuousProposals", "", nil).as(refused, "it exists for ZooKeeper's own tests and endangers data"),
		property("testingonly.initialZxid", "", nil).as(refused, "it exists for ZooKeeper's own tests and endangers data"),
		property("controllerPort", "", nil).as(refused, "it exists for ZooKeeper's own tests and lets anybody stop the server"),
	}
}

// networkKeys are the system properties of connections, limits and throttles.
func networkKeys() []key {
	return []key{
		flag("jute.maxbuffer", "1048575", lenientInt(func(c *Config) *int { return &c.MaxBuffer })),
		property("jute.maxbuffer.extrasize", "", lenientInt(func(c *Config) *int { return &c.MaxBufferExtra })),
		property("largeRequestMaxBytes", "104857600", lenientScaled(1, func(c *Config) *int64 { return &c.LargeRequest.MaxBytes })),
		property("largeRequestThreshold", "-1", lenientScaled(1, func(c *Config) *int64 { return &c.LargeRequest.Threshold })),
		property("maxCnxns", "0", lenientInt(func(c *Config) *int { return &c.MaxConnections })),
		property("globalOutstandingLimit", "1000", lenientInt(func(c *Config) *int { return &c.GlobalOutstandingLimit })),
		property("serverCnxnFactory", "", oneOf("org.apache.zookeeper.server.NIOServerCnxnFactory", "org.apache.zookeeper.server.NettyServerCnxnFactory")).as(silent, ""),
		property("nio.numSelectorThreads", "", nil).as(silent, ""),
		property("nio.numWorkerThreads", "", nil).as(silent, ""),
		property("nio.directBufferBytes", "65536", nil).as(silent, ""),
		property("nio.shutdownTimeout", "5000", nil).as(silent, ""),
		property("nio.sessionlessCnxnTimeout", "10000", lenientMillis(func(c *Config) *time.Duration { return &c.SessionlessTimeout })),
		property("commitProcessor.numWorkerThreads", "", nil).as(silent, ""),
		property("commitProcessor.shutdownTimeout", "5000", nil).as(silent, ""),
		property("commitProcessor.maxReadBatchSize", "-1", nil).as(silent, ""),
		property("commitProcessor.maxCommitBatchSize", "1", nil).as(silent, ""),
		property("flushDelay", "0", lenientMillis(func(c *Config) *time.Duration { return &c.FlushDelay })).as(later, noLogDelay),
		property("maxWriteQueuePollTime", "", lenientMillis(func(c *Config) *time.Duration { return &c.MaxWriteQueuePollTime })).as(later, noLogDelay),
		property("maxBatchSize", "1000", lenientInt(func(c *Config) *int { return &c.MaxBatchSize })).as(later, noLogDelay),
		property("intBufferStartingSizeBytes", "1024", nil).as(silent, ""),
		property("request_throttle_max_requests", "0", lenientInt(func(c *Config) *int { return &c.RequestThrottle.MaxRequests })).also("requestThrottleLimit").as(later, noRequestThrottle),
		property("request_throttle_stall_time", "100", lenientMillis(func(c *Config) *time.Duration { return &c.RequestThrottle.StallTime })).also("requestThrottleStallTime").as(later, noRequestThrottle),
		property("request_throttle_drop_stale", "true", lenientBool(func(c *Config) *bool { return &c.RequestThrottle.DropStale })).also("requestThrottleDropStale").as(later, noRequestThrottle),
		property("request_stale_latency_check", "false", lenientBool(func(c *Config) *bool { return &c.RequestThrottle.StaleLatencyCheck })).also("requestStaleLatencyCheck").as(later, noRequestThrottle),
		property("request_stale_connection_check", "true", lenientBool(func(c *Config) *bool { return &c.RequestThrottle.StaleConnectionCheck })).also("requestStaleConnectionCheck").as(later, noRequestThrottle),
		property("request_throttler.shutdownTimeout", "10000", nil).as(silent, ""),
		property("throttled_op_wait_time", "0", lenientMillis(func(c *Config) *time.Duration { return &c.ThrottledOpWait })).also("throttledOpWaitTime").as(later, noRequestThrottle),
		property("connection_throttle_tokens", "0", lenientInt(func(c *Config) *int { return &c.ConnectionThrottle.Tokens })).also("connectionMaxTokens"),
		property("connection_throttle_fill_time", "1", lenientMillis(func(c *Config) *time.Duration { return &c.ConnectionThrottle.FillTime })).also("connectionTokenFillTime"),
		property("connection_throttle_fill_count", "1", lenientInt(func(c *Config) *int { return &c.ConnectionThrottle.FillCount })).also("connectionTokenFillCount"),
		property("connection_throttle_freeze_time", "-1", lenientMillis(func(c *Config) *time.Duration { return &c.ConnectionThrottle.FreezeTime })).also("connectionFreezeTime"),
		property("connection_throttle_drop_increase", "0.02", lenientFloat(0, 1, func(c *Config) *float64 { return &c.ConnectionThrottle.DropIncrease })).also("connectionDropIncrease"),
		property("connection_throttle_drop_decrease", "0.002", lenientFloat(0, 1, func(c *Config) *float64 { return &c.ConnectionThrottle.DropDecrease })).also("connectionDropDecrease"),
		property("connection_throttle_decrease_ratio", "0", lenientFloat(0, 1, func(c *Config) *float64 { return &c.ConnectionThrottle.DecreaseRatio })).also("connectionDecreaseRatio"),
		property("connection_throttle_weight_enabled", "false", lenientBool(func(c *Config) *bool { return &c.ConnectionThrottle.WeightEnabled })),
		property("connection_throttle_global_session_weight", "3", lenientInt(func(c *Config) *int { return &c.ConnectionThrottle.GlobalWeight })),
		property("connection_throttle_local_session_weight", "1", lenientInt(func(c *Config) *int { return &c.ConnectionThrottle.LocalWeight })).as(later, "every session is a global one"),
		property("connection_throttle_renew_session_weight", "2", lenientInt(func(c *Config) *int { return &c.ConnectionThrottle.RenewWeight })),
		property("tcpKeepAlive", "false", lenientBool(func(c *Config) *bool { return &c.PeerTCPKeepAlive })),
		property("clientTcpKeepAlive", "false", lenientBool(func(c *Config) *bool { return &c.TCPKeepAlive })),
		property("netty.advancedFlowControl.enabled", "false", nil).as(silent, "").also("advancedFlowControlEnabled"),
		property("netty.server.outstandingHandshake.limit", "-1", nil).as(silent, "").also("outstandingHandshake.limit"),
		property("netty.server.earlyDropSecureConnectionHandshakes", "false", nil).as(silent, ""),
		flag("readonlymode.enabled", "false", lenientBool(func(c *Config) *bool { return &c.ReadOnlyMode })),
		property("enforceQuota", "false", lenientBool(func(c *Config) *bool { return &c.EnforceQuota })),
		property("4lw.commands.whitelist", "srvr", commaList(func(c *Config) *[]string { return &c.FourLetterWhitelist })),
		property("admin.enableServer", "true", func(c *Config, _ *key, text string) error {
			c.Admin.Enabled = text != "false"
			return nil
		}).as(later, noAdminServer).off("false"),
		property("admin.serverAddress", "0.0.0.0", plain(func(c *Config) *string { return &c.Admin.Address })).as(later, noAdminServer),
		property("admin.serverPort", "8080", lenientInt(func(c *Config) *int { return &c.Admin.Port })).as(later, noAdminServer),
		property("admin.commandURL", "/commands", plain(func(c *Config) *string { return &c.Admin.CommandURL })).as(later, noAdminServer),
		property("admin.idleTimeout", "30000", lenientMillis(func(c *Config) *time.Duration { return &c.Admin.IdleTimeout })).as(later, noAdminServer),
		property("admin.httpVersion", "11", nil).as(later, noAdminServer),
		property("admin.rateLimiterIntervalInMS", "300000", nil).as(later, noAdminServer),
		property("admin.snapshot.enabled", "true", nil).as(later, noAdminServer).off("false"),
		property("admin.restore.enabled", "true", nil).as(later, noAdminServer).off("false"),
		property("admin.portUnification", "false", nil).as(later, noAdminServer),
		property("admin.forceHttps", "false", notTrue("there is no admin server in this version, with HTTPS or without; remove the line")),
		property("admin.needClientAuth", "false", notTrue("there is no admin server in this version, so no client is asked for a certificate; remove the line")),
	}
}

// ownKeys are the keys that ZooKeeper does not have.
func ownKeys() []key {
	return []key{
		fileKey("compat.defaults", "kafkacoord", compatDefaults),
		fileKey("coord.listen.randomClientPort", "false", strictBool(func(c *Config) *bool { return &c.Listen.RandomClientPort })),
		fileKey("coord.recovery.acceptGaps", "false", strictBool(func(c *Config) *bool { return &c.AcceptGaps })),
		fileKey("coord.disk.reserveMiB", "0", lenientScaled(1<<20, func(c *Config) *int64 { return &c.DiskReserve })).better("128"),
		fileKey("coord.metrics.httpPort", "0", ownMetricsPort),
		fileKey("coord.metrics.httpHost", "", func(c *Config, _ *key, text string) error {
			if text != "" {
				c.Metrics.Host = text
			}
			return nil
		}),
	}
}

func compatDefaults(c *Config, _ *key, text string) error {
	switch text {
	case compatZooKeeper:
		c.ZooKeeperDefaults = true
	case "kafkacoord":
		c.ZooKeeperDefaults = false
	default:
		return fmt.Errorf("'%s' is no set of defaults; use zookeeper or kafkacoord", text)
	}
	return nil
}

const compatZooKeeper = "zookeeper"

// ownMetricsPort turns the exporter on without naming a Java class.
func ownMetricsPort(c *Config, k *key, text string) error {
	port := 0
	if err := strictPort(func(*Config) *int { return &port })(c, k, text); err != nil {
		return err
	}
	if port > 0 {
		c.Metrics.Enabled, c.Metrics.Port = true, port
	}
	return nil
}
