package sim

import (
	"context"
	"errors"

	"kafkacoord/coord/core"
	"kafkacoord/coord/store"
	"kafkacoord/coord/vfs"
	"kafkacoord/coord/zab"
)

// task is one piece of work for the log: an entry or an order.
type task struct {
	entry   core.Entry
	order   core.DiskOrder
	isOrder bool
}

// writer is the log writer of a process: one batch at a time, in order, each
// durable before the next begins.
type writer struct {
	process     *process
	queue       []task
	busy        bool
	snapshotDue bool
}

// work begins the next batch: all entries up to the next order, or one order.
func (w *writer) work() {
	if w.busy || len(w.queue) == 0 || w.process.dead {
		return
	}
	w.busy = true
	if w.queue[0].isOrder {
		order := w.queue[0].order
		w.queue = w.queue[1:]
		w.process.after(w.latency(), func() { w.carryOut(&order) })
		return
	}
	n := 0
	for n < len(w.queue) && !w.queue[n].isOrder {
		n++
	}
	batch := w.queue[:n:n]
	w.queue = w.queue[n:]
	w.append(batch)
}

// latency is the time of a write and its sync.
func (w *writer) latency() Time {
	world := w.process.world
	return Time(float64(world.between(200, 4*Millisecond)) * w.process.machine.slow)
}

func (w *writer) append(batch []task) {
	p := w.process
	last := batch[len(batch)-1].entry.Zxid
	entries := p.world.options.Bug.written(batch)
	if p.diskFailed(p.store.Append(entries)) {
		return
	}
	if p.world.options.Bug == AckBeforeSync {
		p.in.Durable = max(p.in.Durable, last)
		p.wake()
	}
	p.after(w.latency(), func() {
		if p.diskFailed(p.store.Sync()) {
			return
		}
		for _, t := range batch {
			p.machine.kept.add(noteOf(t.entry))
		}
		if p.store.ShouldSnapshot() {
			p.store.Roll()
			w.snapshotDue = true
		}
		p.in.Durable = last
		p.wake()
		w.busy = false
		w.work()
	})
}

// carryOut does one order and reports it.
func (w *writer) carryOut(o *core.DiskOrder) {
	p := w.process
	done := core.DiskDone{}
	var err error
	switch o.Kind {
	case zab.DiskEpochs:
		err = w.epochs(o)
	case zab.DiskTruncate:
		done, err = w.truncate(o)
	case zab.DiskInstall:
		err = w.install(o)
	case zab.DiskMembership:
		err = w.membership(o)
	}
	if p.diskFailed(err) {
		return
	}
	p.world.tracef("server %d: disk order %d done, zxid %v epochs %d %d", p.machine.id, o.Kind, o.Zxid, o.Accepted, o.Current)
	p.in.DiskDone = append(p.in.DiskDone, done)
	p.wake()
	w.busy = false
	w.work()
}

func (w *writer) epochs(o *core.DiskOrder) error {
	s := w.process.store
	switch w.process.world.options.Bug {
	case ForgetEpochs:
		return nil
	case ForgetAccepted:
		return s.SetCurrentEpoch(o.Current)
	}
	if err := s.SetAcceptedEpoch(o.Accepted); err != nil {
		return err
	}
	return s.SetCurrentEpoch(o.Current)
}

func (w *writer) truncate(o *core.DiskOrder) (core.DiskDone, error) {
	p := w.process
	s := p.store
	if p.world.options.Bug == SkipTruncate {
		// Memory is truncated all the same.
		var err error
		if s, _, err = store.Open(p.machine.disk.Clone(), p.machine.options); err != nil {
			return core.DiskDone{}, err
		}
	} else {
		p.machine.kept.cut(o.Zxid)
	}
	r, err := s.Truncate(o.Zxid)
	if err != nil || !o.Reload {
		return core.DiskDone{}, err
	}
	return core.DiskDone{State: &core.State{Tree: r.Tree, Sessions: r.Sessions, Zxid: r.LastZxid}}, nil
}

func (w *writer) install(o *core.DiskOrder) error {
	p := w.process
	defer o.Snapshot.Release()
	if p.world.options.Bug == SkipInstall {
		return nil
	}
	err := p.store.Install(context.Background(), store.Snapshot{Sessions: o.Snapshot.Sessions, View: o.Snapshot.View})
	if err == nil {
		p.machine.kept = ledger{base: o.Snapshot.View.Zxid()}
	}
	return err
}

func (w *writer) membership(o *core.DiskOrder) error {
	if w.process.world.options.Bug == ForgetMembership {
		return nil
	}
	var m store.Membership
	if o.Committed != nil {
		m.Committed = o.Committed.Text
	}
	if o.Pending != nil {
		m.Pending = o.Pending.Text
	}
	return w.process.store.SetMembership(m)
}

// diskFailed handles an error of the disk, which ends the process: by a loss of
// power that a fault has ordered, or as a failure of the run.
func (p *process) diskFailed(err error) bool {
	switch {
	case err == nil:
		return false
	case errors.Is(err, vfs.ErrCrashed):
		p.machine.crash(false)
		p.world.after(p.world.between(100*Millisecond, 5*Second), p.machine.start)
	default:
		p.world.fail("server %d: %w", p.machine.id, err)
	}
	return true
}

// beginSnapshot takes a view and writes it later, when the log holds all that it
// shows.
func (p *process) beginSnapshot() {
	p.writer.snapshotDue = false
	s := p.core.Snapshot()
	p.snapshot = s
	p.after(p.world.between(5*Millisecond, 300*Millisecond), func() { p.finishSnapshot(s) })
}

func (p *process) finishSnapshot(s *core.SnapshotView) {
	switch {
	case p.snapshot != s: // the state that it shows is no more
		return
	case p.machine.kept.last() < s.View.Zxid():
		p.after(p.world.between(Millisecond, 10*Millisecond), func() { p.finishSnapshot(s) })
		return
	}
	err := p.store.WriteSnapshot(context.Background(), store.Snapshot{Sessions: s.Sessions, View: s.View})
	p.dropSnapshot()
	if p.diskFailed(err) {
		return
	}
	if p.world.chance(0.5) {
		_, err := p.store.Purge(3)
		p.diskFailed(err)
	}
}

// dropSnapshot ends the writing of a snapshot before the log is cut: it could
// bring back what is cut off.
func (p *process) dropSnapshot() {
	if p.snapshot != nil {
		p.snapshot.Release()
		p.snapshot = nil
	}
}
