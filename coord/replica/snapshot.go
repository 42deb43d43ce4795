package replica

import (
	"context"
	"time"

	"kafkacoord/coord/core"
	"kafkacoord/coord/store"
)

// snapshot starts a snapshotter unless one is at work. The caller has the turn.
func (r *Replica) snapshot(ctx context.Context) {
	if r.snapshotting {
		r.log.Info("snapshot skipped: the one before is still being written")
		return
	}
	r.snapshotting = true
	snapshot := r.core.Snapshot()
	// What a quorum has may be applied before the own log has it, and the log must
	// lead to the snapshot.
	logged := r.writer.reached()
	ctx, cancel := context.WithCancel(ctx)
	r.mu.Lock()
	r.abandon = cancel
	r.mu.Unlock()
	r.start("snapshotter", func() {
		defer cancel()
		select {
		case <-logged:
			r.writeSnapshot(ctx, snapshot)
		case <-ctx.Done():
		}
		r.Between(func() {
			snapshot.Release()
			r.snapshotting = false
		})
	})
}

func (r *Replica) writeSnapshot(ctx context.Context, s *core.SnapshotView) {
	r.files.Lock()
	defer r.files.Unlock()
	began := time.Now()
	p := pace{ctx: ctx, began: began}
	err := r.store.WriteSnapshot(ctx, store.Snapshot{View: s.View, Sessions: s.Sessions, Rest: p.rest})
	switch {
	case ctx.Err() != nil:
	case err != nil:
		// The log has everything; without snapshots it only grows.
		r.log.Error("snapshot failed; old files cannot be purged until one succeeds: check the disk", "error", err)
	default:
		took := time.Since(began)
		r.log.Info("snapshot written", "zxid", s.View.Zxid().String(), "nodes", s.View.NumNodes(), "took", took)
		if r.options.Observer != nil {
			r.options.Observer.Snapshot(took)
		}
	}
}

// alone gives up a snapshot that is being written and runs f, which rewrites the
// data directory: a snapshot of what was there before must not outlive it.
func (r *Replica) alone(f func() error) error {
	r.mu.Lock()
	if r.abandon != nil {
		r.abandon()
	}
	r.mu.Unlock()
	r.files.Lock()
	defer r.files.Unlock()
	return f()
}

// snapshotIfDue starts a snapshot when the log has grown enough, when one is
// asked for, or at the start. What is in the log of a member that has no leader
// may have to go again: it must not get into a snapshot. The caller has the turn.
func (r *Replica) snapshotIfDue(asked bool) {
	due := r.writer.wantsSnapshot() || asked
	if !due && !r.options.SnapshotAtStart || !r.core.Serving() {
		return
	}
	r.options.SnapshotAtStart = false
	r.snapshot(r.work)
}

// Snapshot asks for a snapshot, which begins soon unless one is being written,
// and returns without waiting for it; false when the server is stopping.
func (r *Replica) Snapshot() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stopped {
		return false
	}
	r.inbox.snapshot = true
	r.rouse()
	return true
}

// purge removes old files, at once and then at every interval.
func (r *Replica) purge(ctx context.Context) {
	ticker := time.NewTicker(r.options.PurgeEvery)
	defer ticker.Stop()
	for {
		removed, err := r.store.Purge(r.options.PurgeRetain)
		switch {
		case err != nil:
			r.log.Error("purge of old snapshots and logs failed", "error", err)
		case len(removed.Files) > 0:
			r.log.Info("purged old snapshots and logs", "files", len(removed.Files), "bytes", removed.Bytes)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}
