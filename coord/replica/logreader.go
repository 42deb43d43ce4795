package replica

import (
	"context"
	"slices"
	"sync"

	"kafkacoord/coord/core"
	"kafkacoord/coord/zab"
)

// Bounds of what is read from the log for one learner, in bytes. The largest must
// fit in the queue of a link with room to spare: what is read is sent at once.
const (
	logSyncMin = 1 << 20
	logSyncMax = 128 << 20
)

// logReader reads the log on disk for servers that lag, one range after the
// other, so that it holds the memory of one only. For each link the newest
// request counts; it ends with the link.
type logReader struct {
	work context.Context // ends with the server
	// start runs a goroutine that the server waits for.
	start func(name string, f func())
	// read reads one range; the event is dropped when ctx has ended.
	read func(ctx context.Context, wanted zab.LogRange) core.PeerEvent
	hear func(events ...core.PeerEvent)

	mu      sync.Mutex // guards the rest
	waiting []zab.LogRange
	running bool
	reading zab.LinkID         // 0: none
	cancel  context.CancelFunc // of what is being read; nil: nothing
}

// ask queues a range, instead of another for the same link.
func (l *logReader) ask(wanted zab.LogRange) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.drop(wanted.Link)
	l.waiting = append(l.waiting, wanted)
	if !l.running {
		l.running = true
		l.start("log reader", l.run)
	}
}

// forget gives up what was asked for on behalf of a link.
func (l *logReader) forget(link zab.LinkID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.drop(link)
}

// drop is forget for who holds mu.
func (l *logReader) drop(link zab.LinkID) {
	l.waiting = slices.DeleteFunc(l.waiting, func(r zab.LogRange) bool { return r.Link == link })
	if l.cancel != nil && l.reading == link {
		l.cancel()
	}
}

// run is the goroutine; it ends when nothing is left to read.
func (l *logReader) run() {
	for {
		wanted, ctx, ok := l.next()
		if !ok {
			return
		}
		if event := l.read(ctx, wanted); ctx.Err() == nil {
			l.hear(event)
		}
	}
}

// next ends what was read before and takes what has waited longest.
func (l *logReader) next() (wanted zab.LogRange, ctx context.Context, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cancel != nil {
		l.cancel()
	}
	l.reading, l.cancel = 0, nil
	if len(l.waiting) == 0 || l.work.Err() != nil {
		l.waiting, l.running = nil, false
		return zab.LogRange{}, nil, false
	}
	wanted = l.waiting[0]
	l.waiting = slices.Delete(l.waiting, 0, 1)
	ctx, l.cancel = context.WithCancel(l.work)
	l.reading = wanted.Link
	return wanted, ctx, true
}

// readLog fetches what a learner lacks from the log on disk. Beyond a share of
// the size of the tree a snapshot is quicker.
func (r *Replica) readLog(ctx context.Context, wanted zab.LogRange) core.PeerEvent {
	bytes := logSyncMax
	if share := r.options.LogSyncShare; share > 0 {
		bytes = min(bytes, max(logSyncMin, int(share*float64(r.writer.treeBytes.Load()))))
	}
	entries, ok, err := r.store.EntriesContext(ctx, wanted.After, wanted.Through, bytes)
	if err != nil && ctx.Err() == nil {
		r.log.Warn("cannot read the log for a server that lags: it gets a snapshot", "error", err)
	}
	event := core.PeerEvent{Kind: core.LogRead, Link: wanted.Link, OK: ok && err == nil}
	for i := range entries {
		event.Entries = append(event.Entries, zab.Entry{Zxid: entries[i].Zxid, Payload: entries[i].Payload})
	}
	return event
}
