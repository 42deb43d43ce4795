package replica

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/pprof"
	"sync"
	"time"

	"kafkacoord/coord/core"
	"kafkacoord/coord/store"
	"kafkacoord/coord/wire"
)

// Conn is a client connection as the server needs it. Whoever has the turn calls
// its methods: the loop, or a goroutine within Submit.
type Conn interface {
	// Send queues bytes to the client and, with last, ends the connection after
	// them. It does not block and keeps nothing of b. It is called at most
	// once a turn.
	Send(b []byte, last bool)
	// Release says that the batch submitted last is consumed.
	Release()
	// CallWhenSent asks for one call of Replica.Ready once the client has taken
	// most of what it was sent. The call may come at once.
	CallWhenSent()
}

// Observer hears what the server does, to count it. Its methods must be quick;
// each is called by one goroutine at a time, Turn not always by the same.
type Observer interface {
	// Turn is called after each step by whoever has the turn.
	Turn(c *core.Core, out *core.Output, busy time.Duration)
	// Synced is called by the log writer after each sync.
	Synced(entries int, took time.Duration)
	// Disk is called now and then with the free space in bytes.
	Disk(free int64, refusing bool)
	// Snapshot is called when a snapshot is on disk.
	Snapshot(took time.Duration)
}

// Options are the habits of a replica.
type Options struct {
	Log      *slog.Logger
	Observer Observer
	// PurgeEvery removes files beyond the PurgeRetain newest snapshots; 0: never.
	PurgeEvery  time.Duration
	PurgeRetain int
	// SnapshotAtStart writes a snapshot as soon as the server runs, so that the
	// next start has little to replay.
	SnapshotAtStart bool
	// PutOffSnapshots lets a snapshot that is due wait while the log to replay is
	// small against the tree.
	PutOffSnapshots bool
	// DiskReserve is the free space in bytes below which writes of clients are
	// refused, so that the log never meets a full disk; 0: not watched.
	DiskReserve int64
	// FsyncWarning logs syncs that take longer; 0: never.
	FsyncWarning time.Duration
	// Peers are the other servers of the ensemble; nil for a server that stands
	// alone.
	Peers Peers
	// LogSyncShare bounds what is read from the log on disk for a learner that
	// lags, as a share of the size of the tree; 0: no bound
	// (snapshotSizeFactor).
	LogSyncShare float64
}

// Replica runs a server. Its exported methods may be called from any goroutine.
type Replica struct {
	options Options
	log     *slog.Logger
	writer  *logWriter
	logs    *logReader // set before the first turn
	store   *store.Store
	epoch   time.Time       // origin of the monotonic clock
	work    context.Context // of what ends with Run; set before the first turn

	// These belong to whoever has the turn.
	core         *core.Core
	snapshotting bool
	notes        noteLog
	taken        inbox
	in           core.Input
	out          core.Output

	// mu guards what goroutines hand to each other, the turn included.
	mu      sync.Mutex
	inbox   inbox
	turn    turn
	recall  bool        // the loop waits for a stolen turn
	armed   wire.Millis // monotonic: when the sleeping loop will wake by itself
	stopped bool
	conns   []Conn        // by ConnID; written under mu, read under mu
	freeIDs []core.ConnID // numbers of connections whose end was stepped

	// files keeps snapshots and what rewrites the data directory apart: held by the
	// snapshotter, and by the log writer in alone.
	files   sync.Mutex
	abandon context.CancelFunc // of the newest snapshot; guarded by mu

	wake  chan struct{} // hands the turn to the loop
	tasks sync.WaitGroup
	fatal chan error
}

// turn says who may step the core.
type turn uint8

const (
	turnLoop   turn = iota // the loop
	turnFree               // nobody: the loop sleeps and the inbox is empty
	turnStolen             // a goroutine that submitted while the turn was free
)

// stolenSteps is how many steps a goroutine takes with a stolen turn before it
// hands a server that stays busy to the loop.
const stolenSteps = 4

// inbox is what has been queued for the next turn.
type inbox struct {
	opened   []core.Opened
	batches  []core.Batch
	closed   []core.ConnID
	ready    []core.ConnID
	durable  wire.Zxid
	snapshot bool // somebody asked for one
	requests []func()
	peers    []core.PeerEvent
	diskDone []core.DiskDone
}

func (b *inbox) empty() bool {
	return len(b.opened) == 0 && len(b.batches) == 0 && len(b.closed) == 0 && b.durable == 0 && !b.snapshot &&
		len(b.requests) == 0 && len(b.ready) == 0 && len(b.peers) == 0 && len(b.diskDone) == 0
}

func (b *inbox) reset() {
	clear(b.opened)
	clear(b.batches)
	clear(b.requests)
	clear(b.peers)
	clear(b.diskDone)
	b.peers, b.diskDone = b.peers[:0], b.diskDone[:0]
	b.opened, b.batches, b.closed = b.opened[:0], b.batches[:0], b.closed[:0]
	b.ready = b.ready[:0]
	b.durable, b.snapshot, b.requests = 0, false, b.requests[:0]
}

// Clock is the origin of the clocks that a core is driven by: Now is the wall
// clock, Mono counts from Start.
type Clock struct{ Start time.Time }

// Now is the wall clock in ms.
func (Clock) Now() wire.Millis { return wire.Millis(time.Now().UnixMilli()) }

// Mono is the time since Start in ms.
func (k Clock) Mono() wire.Millis { return wire.Millis(time.Since(k.Start).Milliseconds()) }

// New returns a replica of a core whose monotonic clock began at clock.Start.
// The replica owns core and store from now on.
func New(c *core.Core, s *store.Store, clock Clock, o Options) *Replica {
	r := &Replica{
		options: o, log: o.Log, core: c, store: s,
		wake: make(chan struct{}, 1), epoch: clock.Start, fatal: make(chan error, 1),
	}
	r.notes = noteLog{log: o.Log, seen: make(map[string]*noteCount)}
	r.writer = newLogWriter(r, s)
	return r
}

// Open registers a connection and returns its number; false when the server is
// stopping.
func (r *Replica) Open(c Conn, o core.Opened) (core.ConnID, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stopped {
		return 0, false
	}
	var id core.ConnID
	if n := len(r.freeIDs); n > 0 {
		id = r.freeIDs[n-1]
		r.freeIDs = r.freeIDs[:n-1]
		r.conns[id] = c
	} else {
		id = core.ConnID(len(r.conns))
		r.conns = append(r.conns, c)
	}
	o.Conn = id
	r.inbox.opened = append(r.inbox.opened, o)
	r.rouse()
	return id, true
}

// Submit hands whole frames to the server, which owns their memory until it
// calls Conn.Release. When nobody has the turn, the caller takes it and answers
// itself: waking the loop would cost more than most turns.
func (r *Replica) Submit(id core.ConnID, frames []byte) {
	r.mu.Lock()
	r.inbox.batches = append(r.inbox.batches, core.Batch{Conn: id, Frames: frames})
	r.stepIfFree()
}

// stepIfFree takes the turn if nobody has it. The caller holds mu, which is
// released.
func (r *Replica) stepIfFree() {
	if r.turn != turnFree || r.stopped {
		r.mu.Unlock()
		return
	}
	r.turn = turnStolen
	r.mu.Unlock()
	for steps := 1; ; steps++ {
		r.step()
		r.mu.Lock()
		if r.giveBack(steps) {
			r.mu.Unlock()
			return
		}
		r.mu.Unlock()
	}
}

// giveBack ends a stolen turn when there is nothing left to do, or hands it to
// the loop: when the loop waits for it, must wake earlier than it knows, or when
// enough steps were taken. The caller holds mu.
func (r *Replica) giveBack(steps int) bool {
	idle := r.inbox.empty()
	switch {
	case r.recall, r.core.NextWake() < r.armed, !idle && steps >= stolenSteps:
		r.recall = false
		r.turn = turnLoop
		r.wake <- struct{}{}
	case idle:
		r.turn = turnFree
	default:
		return false
	}
	return true
}

// Ready answers Conn.CallWhenSent.
func (r *Replica) Ready(id core.ConnID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.inbox.ready = append(r.inbox.ready, id)
	r.rouse()
}

// Close says that a connection is gone. It must be the last call for its number.
func (r *Replica) Close(id core.ConnID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.inbox.closed = append(r.inbox.closed, id)
	r.rouse()
}

// Inspect has whoever has the turn run f before a step, or at the end, and waits
// for it. f must not call Inspect. It returns false, without running f, when the
// server has stopped.
func (r *Replica) Inspect(f func(c *core.Core)) bool {
	done := make(chan struct{})
	r.mu.Lock()
	if r.stopped {
		r.mu.Unlock()
		return false
	}
	r.inbox.requests = append(r.inbox.requests, func() { f(r.core); close(done) })
	r.rouse()
	r.mu.Unlock()
	<-done
	return true
}

// durable is called by the log writer.
func (r *Replica) durable(zxid wire.Zxid) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.inbox.durable = zxid
	r.rouse()
}

// rouse gives the loop the turn if nobody has it. The caller holds mu.
func (r *Replica) rouse() {
	if r.turn == turnFree {
		r.turn = turnLoop
		r.wake <- struct{}{}
	}
}

// fail ends the server with an error; the first one counts.
func (r *Replica) fail(err error) {
	select {
	case r.fatal <- err:
	default:
	}
}

// Run runs the server until ctx ends or the log fails. At the end everything
// taken on is logged, answered as far as it is durable, and the log is closed.
func (r *Replica) Run(ctx context.Context) error {
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	r.work = work
	r.logs = &logReader{work: work, start: r.start, read: r.readLog, hear: r.Hear}
	r.start("log writer", r.writer.run)
	if r.options.PurgeEvery > 0 {
		r.start("purger", func() { r.purge(work) })
	}
	if r.options.DiskReserve > 0 {
		r.start("disk watcher", func() { r.watchDisk(work) })
	}
	var err error
	pprof.Do(ctx, pprof.Labels("goroutine", "loop"), func(context.Context) { err = r.loop(ctx) })
	cancel()
	r.writer.stop()
	r.tasks.Wait()
	if closeErr := r.store.Close(); err == nil && closeErr != nil {
		err = fmt.Errorf("replica: close the log: %w", closeErr)
	}
	return err
}

func (r *Replica) start(name string, f func()) {
	r.tasks.Go(func() {
		pprof.Do(context.Background(), pprof.Labels("goroutine", name), func(context.Context) { f() })
	})
}
