package coord

import (
	"sync/atomic"
	"time"

	"kafkacoord/coord/clientnet"
	"kafkacoord/coord/config"
	"kafkacoord/coord/core"
	"kafkacoord/coord/metrics"
	"kafkacoord/coord/store"
)

// observer turns what the server's goroutines tell into metrics. The loop calls
// Turn, the log writer Synced, connections Refused; each touches numbers of its
// own, or atomic ones.
type observer struct {
	set  *metrics.Set
	slow time.Duration // syncs that take longer are counted as slow

	last core.Stats // of the turn before; the loop's own

	read, update *metrics.Summary

	member   memberObserver
	refusing atomic.Bool // writes, because the disk is nearly full
}

func newObserver(cfg *config.Config) *observer {
	set := metrics.NewSet()
	if !cfg.Quorum.Distributed() {
		set.SetRole(metrics.RoleStandalone)
	}
	return &observer{
		set: set, slow: cfg.FsyncWarning,
		read: set.Summary(metrics.ReadLatency), update: set.Summary(metrics.UpdateLatency),
	}
}

// Turn adds what a turn changed; most turns change few counters.
func (o *observer) Turn(c *core.Core, out *core.Output, busy time.Duration) {
	now := c.Stats()
	add := func(id metrics.CounterID, have, before int64) {
		if have != before {
			o.set.Counter(id).Add(have - before)
		}
	}
	add(metrics.BytesReceivedCount, now.BytesReceived, o.last.BytesReceived)
	add(metrics.ResponseBytes, now.ResponseBytes, o.last.ResponseBytes)
	add(metrics.WatchBytes, now.EventBytes, o.last.EventBytes)
	add(metrics.ConnectionRequestCount, now.ConnectRequests, o.last.ConnectRequests)
	add(metrics.ConnectionRevalidateCount, now.Reattached, o.last.Reattached)
	add(metrics.StaleSessionsExpired, now.Expired, o.last.Expired)
	add(metrics.AuthFailures, now.AuthFailed, o.last.AuthFailed)
	add(metrics.RequestThrottleWaitCount, now.Throttled, o.last.Throttled)
	requests := now.Read.Count + now.Update.Count - o.last.Read.Count - o.last.Update.Count
	o.set.Counter(metrics.LoopTurns).Inc()
	o.set.Counter(metrics.LoopBusyMicros).Add(busy.Microseconds())
	o.set.Counter(metrics.LoopRequests).Add(requests)
	o.set.Summary(metrics.LoopTurnMicros).Observe(busy.Microseconds())
	if now.Malformed != o.last.Malformed {
		o.set.KeyedCounter(metrics.BadFrames).With("malformed").Add(now.Malformed - o.last.Malformed)
	}
	if now.UnknownOps != o.last.UnknownOps {
		o.set.KeyedCounter(metrics.BadFrames).With("unknown_operation").Add(now.UnknownOps - o.last.UnknownOps)
	}
	c.TakeLatencies(func(read, update *core.Latency) {
		takeLatency(o.read, read)
		takeLatency(o.update, update)
	})
	var logged int64
	for i := range out.Append {
		logged += int64(len(out.Append[i].Payload))
	}
	add(metrics.LogBytes, logged, 0)
	o.countHistory(c, now)
	o.last = *now
}

func takeLatency(to *metrics.Summary, l *core.Latency) {
	if l.Zero > 0 {
		to.ObserveN(0, l.Zero)
	}
	if len(l.New) == 0 {
		return
	}
	r := metrics.NewRecorder(to)
	for _, took := range l.New {
		r.Observe(int64(took))
	}
	r.Flush()
}

// Synced counts one sync of the log.
func (o *observer) Synced(entries int, took time.Duration) {
	o.set.Counter(metrics.Fsyncs).Inc()
	if o.slow > 0 && took > o.slow {
		o.set.Counter(metrics.SlowFsyncs).Inc()
	}
	o.set.Summary(metrics.FsyncTime).Observe(took.Milliseconds())
	o.set.Summary(metrics.FsyncMicros).Observe(took.Microseconds())
	o.set.Summary(metrics.SyncProcessorBatchSize).Observe(int64(entries))
}

// Disk notes the free space of the disk.
func (o *observer) Disk(free int64, refusing bool) {
	o.set.Gauge(metrics.DiskFreeBytes).Set(free)
	o.refusing.Store(refusing)
}

// Snapshot counts one snapshot.
func (o *observer) Snapshot(took time.Duration) {
	o.set.Counter(metrics.Snapshots).Inc()
	o.set.Summary(metrics.SnapshotTime).Observe(took.Milliseconds())
}

// Refused counts input that was refused before it reached the core.
func (o *observer) Refused(kind string) {
	switch kind {
	case clientnet.RefusedTooMany, clientnet.RefusedTooManyHost:
		o.set.Counter(metrics.ConnectionRejected).Inc()
		o.set.KeyedCounter(metrics.ConnectionsRefused).With(kind).Inc()
	case clientnet.RefusedLarge:
		o.set.Counter(metrics.LargeRequestsRejected).Inc()
	case clientnet.RefusedNoHandshake:
		o.set.Counter(metrics.SessionlessConnectionsExpired).Inc()
	default:
		o.set.Counter(metrics.ConnectionDropCount).Inc()
		o.set.KeyedCounter(metrics.BadFrames).With(kind).Inc()
	}
}

func (o *observer) recovered(r *store.Recovered) {
	o.set.Summary(metrics.DBInitTime).Observe((r.SnapshotTime + r.ReplayTime).Milliseconds())
	o.set.Summary(metrics.StartupSnapLoadTime).Observe(r.SnapshotTime.Milliseconds())
	o.set.Summary(metrics.StartupTxnsLoadTime).Observe(r.ReplayTime.Milliseconds())
	o.set.Summary(metrics.StartupTxnsLoaded).Observe(int64(r.TxnsLoaded))
	o.set.Counter(metrics.DigestMismatchesCount).Add(int64(r.DigestMismatches))
}
