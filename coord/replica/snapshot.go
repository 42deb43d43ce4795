package replica

import (
	"context"
	"time"

	"kafkacoord/coord/store"
	"kafkacoord/coord/tree"
)

// snapshot starts a snapshotter unless one is at work. The caller has the turn.
func (r *Replica) snapshot(ctx context.Context) {
	if r.snapshotting {
		r.log.Info("snapshot skipped: the one before is still being written")
		return
	}
	r.snapshotting = true
	view, sessions := r.core.View()
	r.start("snapshotter", func() {
		began := time.Now()
		err := r.store.WriteSnapshot(ctx, store.Snapshot{View: view, Sessions: sessions})
		switch {
		case ctx.Err() != nil:
		case err != nil:
			// The log has everything; without snapshots it only grows.
			r.log.Error("snapshot failed; old files cannot be purged until one succeeds: check the disk", "error", err)
		default:
			took := time.Since(began)
			r.log.Info("snapshot written", "zxid", view.Zxid().String(), "nodes", view.NumNodes(), "took", took)
			if r.options.Observer != nil {
				r.options.Observer.Snapshot(took)
			}
		}
		r.releaseView(view)
	})
}

// releaseView has whoever takes the next turn release a view.
func (r *Replica) releaseView(v *tree.View) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stopped {
		return
	}
	r.inbox.requests = append(r.inbox.requests, func() {
		r.core.Tree().Release(v)
		r.snapshotting = false
	})
	r.rouse()
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
