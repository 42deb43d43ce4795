package replica

import (
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"kafkacoord/coord/core"
	"kafkacoord/coord/store"
)

// logWriter is the goroutine that owns the open log: group commit. Whatever
// turns queue while one write and sync is under way makes up the next.
type logWriter struct {
	replica *Replica
	store   *store.Store

	mu       sync.Mutex // guards queued, sleeping and stopping
	queued   []store.Entry
	orders   []logOrder // At counts entries of queued
	sleeping bool
	stopping bool
	wake     chan struct{}
	done     chan struct{}

	snapshotDue atomic.Bool
	// treeBytes is the approximate size of the tree, as of the last turn with writes.
	treeBytes atomic.Int64
	logged    int64         // bytes since the last roll; the writer's own
	epochs    *store.Epochs // on disk, the writer's own; nil: not written yet
}

// logOrder is an order of the core, or the end of what somebody waits for.
type logOrder struct {
	core.DiskOrder
	reached chan struct{} // closed when all before it is durable; nil for an order
}

func newLogWriter(r *Replica, s *store.Store) *logWriter {
	return &logWriter{replica: r, store: s, wake: make(chan struct{}, 1), done: make(chan struct{})}
}

// append queues entries and other orders; the caller has the turn. The payloads
// must not change.
func (w *logWriter) append(entries []core.Entry, orders []core.DiskOrder) {
	w.mu.Lock()
	for _, o := range orders {
		o.At += len(w.queued)
		w.orders = append(w.orders, logOrder{DiskOrder: o})
	}
	for i := range entries {
		w.queued = append(w.queued, store.Entry{Zxid: entries[i].Zxid, Payload: entries[i].Payload})
	}
	w.rouse()
	w.mu.Unlock()
}

// reached returns a channel that is closed once all that was queued is durable.
func (w *logWriter) reached() <-chan struct{} {
	done := make(chan struct{})
	w.mu.Lock()
	defer w.mu.Unlock()
	w.orders = append(w.orders, logOrder{DiskOrder: core.DiskOrder{At: len(w.queued)}, reached: done})
	w.rouse()
	return done
}

func (w *logWriter) rouse() {
	if w.sleeping {
		w.sleeping = false
		w.wake <- struct{}{}
	}
}

// stop lets the writer end once its queue is written.
func (w *logWriter) stop() {
	w.mu.Lock()
	w.stopping = true
	w.rouse()
	w.mu.Unlock()
}

func (w *logWriter) wait() { <-w.done }

// wantsSnapshot tells once that the log has grown enough for a snapshot.
func (w *logWriter) wantsSnapshot() bool {
	return w.snapshotDue.Load() && w.snapshotDue.Swap(false)
}

// worthSnapshot puts a snapshot that is due off while the log to replay is small
// against the tree: writing a large tree again and again would cost more than a
// restart saves. Replaying as much as the tree holds takes about twice as long as
// loading the tree.
func (w *logWriter) worthSnapshot() bool {
	return !w.replica.options.PutOffSnapshots || w.logged >= w.treeBytes.Load()
}

func (w *logWriter) run() {
	defer close(w.done)
	var batch []store.Entry
	var orders []logOrder
	for {
		// Let a turn that is about to queue more do so first: a sync costs the same
		// for one transaction as for many.
		runtime.Gosched()
		w.mu.Lock()
		for len(w.queued) == 0 && len(w.orders) == 0 {
			if w.stopping {
				w.mu.Unlock()
				return
			}
			w.sleeping = true
			w.mu.Unlock()
			<-w.wake
			w.mu.Lock()
		}
		batch, w.queued = w.queued, batch[:0]
		orders, w.orders = w.orders, orders[:0]
		w.mu.Unlock()
		if err := w.do(batch, orders); err != nil {
			w.replica.fail(err)
			return
		}
		clear(batch)
		clear(orders)
	}
}

// do writes entries and carries out the orders between them.
func (w *logWriter) do(batch []store.Entry, orders []logOrder) error {
	written := 0
	for i := range orders {
		at := orders[i].At
		if err := w.write(batch[written:at]); err != nil {
			return err
		}
		written = at
		if err := w.carryOut(&orders[i]); err != nil {
			return err
		}
	}
	return w.write(batch[written:])
}

func (w *logWriter) write(batch []store.Entry) error {
	if len(batch) == 0 {
		return nil
	}
	last := batch[len(batch)-1].Zxid
	if err := w.store.Append(batch); err != nil {
		return fmt.Errorf("replica: the server stops because its log cannot be written: %w", err)
	}
	began := time.Now()
	if err := w.store.Sync(); err != nil {
		return fmt.Errorf("replica: the server stops because its log cannot be synced: %w", err)
	}
	took := time.Since(began)
	if o := w.replica.options.Observer; o != nil {
		o.Synced(len(batch), took)
	}
	if limit := w.replica.options.FsyncWarning; limit > 0 && took > limit {
		w.replica.log.Warn("slow disk: a sync of the transaction log took long; every write waits for it",
			"took", took, "transactions", len(batch))
	}
	for i := range batch {
		w.logged += int64(len(batch[i].Payload))
	}
	if w.store.ShouldSnapshot() && w.worthSnapshot() {
		w.store.Roll()
		w.logged = 0
		w.snapshotDue.Store(true)
	}
	w.replica.durable(last)
	return nil
}
