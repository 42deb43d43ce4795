package replica

import (
	"context"
	"runtime"
	"slices"
	"time"

	"kafkacoord/coord/core"
	"kafkacoord/coord/wire"
)

// loop is the goroutine that has the turn unless it sleeps.
func (r *Replica) loop(ctx context.Context) error {
	clock := Clock{Start: r.epoch}
	timer := time.NewTimer(0)
	defer timer.Stop()
	r.snapshotIfDue(false)
	for {
		stop, err := r.await(ctx, timer, clock)
		if err != nil {
			r.refuseMore()
			return err
		}
		if stop {
			return r.finish(clock)
		}
		r.step()
	}
}

// step takes one turn of the core. The caller has the turn.
func (r *Replica) step() {
	// Let every reader that has something queue it first: a turn costs the same
	// for one request as for many, and each connection one write.
	runtime.Gosched()
	taken := &r.taken
	r.take(taken)
	for _, f := range taken.requests {
		f()
	}
	began := time.Now()
	r.in = core.Input{
		Now: wire.Millis(began.UnixMilli()), Mono: wire.Millis(began.Sub(r.epoch).Milliseconds()),
		Opened: taken.opened, Batches: taken.batches, Closed: taken.closed, Ready: taken.ready, Durable: taken.durable,
		Peers: taken.peers, DiskDone: taken.diskDone,
	}
	r.carryOut(&r.in, &r.out)
	r.snapshotIfDue(taken.snapshot)
	if r.options.Observer != nil {
		r.options.Observer.Turn(r.core, &r.out, time.Since(began))
	}
	taken.reset()
}

// carryOut steps the core and does what it says.
func (r *Replica) carryOut(in *core.Input, out *core.Output) {
	r.core.Step(in, out)
	// The log first: the disk works while replies are sent.
	if len(out.Append) > 0 || len(out.Disk) > 0 {
		r.writer.treeBytes.Store(r.core.Tree().ApproximateDataSize())
		r.writer.append(out.Append, out.Disk)
	}
	r.tell(in, out)
	r.mu.Lock()
	conns := r.conns // elements of open connections do not change
	r.mu.Unlock()
	for i := range out.Replies {
		reply := &out.Replies[i]
		if c := conns[reply.Conn]; c != nil {
			c.Send(reply.Bytes, reply.Close)
		}
	}
	for _, id := range out.Full {
		if c := conns[id]; c != nil {
			c.CallWhenSent()
		}
	}
	for _, id := range out.Release {
		if c := conns[id]; c != nil {
			c.Release()
		}
	}
	if len(in.Closed) > 0 {
		r.mu.Lock()
		for _, id := range in.Closed {
			r.conns[id] = nil
			r.freeIDs = append(r.freeIDs, id)
		}
		r.mu.Unlock()
	}
	r.notes.write(out.Notes)
}

// await sleeps until there is something to do. It returns true when ctx ended.
func (r *Replica) await(ctx context.Context, timer *time.Timer, clock Clock) (stop bool, err error) {
	r.mu.Lock()
	if !r.inbox.empty() {
		r.mu.Unlock()
		select {
		case <-ctx.Done():
			return true, nil
		case err := <-r.fatal:
			return false, err
		default:
			return false, nil
		}
	}
	r.armed = r.core.NextWake()
	wait := r.armed - clock.Mono()
	r.turn = turnFree
	r.mu.Unlock()
	timer.Reset(time.Duration(max(wait, 0)) * time.Millisecond)
	select {
	case <-r.wake:
		return false, nil
	case <-timer.C:
	case <-ctx.Done():
		stop = true
	case err = <-r.fatal:
	}
	r.takeTurn()
	return stop, err
}

// takeTurn makes the loop, awake by itself, the one that has the turn.
func (r *Replica) takeTurn() {
	r.mu.Lock()
	if r.turn == turnFree {
		r.turn = turnLoop
		r.mu.Unlock()
		return
	}
	// Somebody has stolen it, or is handing it over just now.
	r.recall = r.turn == turnStolen
	r.mu.Unlock()
	<-r.wake
}

// take swaps the inbox with an empty one.
func (r *Replica) take(taken *inbox) {
	r.mu.Lock()
	r.inbox, *taken = *taken, r.inbox
	r.mu.Unlock()
}

func (r *Replica) refuseMore() {
	r.mu.Lock()
	r.stopped = true
	requests := r.inbox.requests
	r.inbox.requests = nil
	r.mu.Unlock()
	for _, f := range requests {
		f()
	}
}

// finish takes no more input, waits for the log and answers what is durable.
func (r *Replica) finish(clock Clock) error {
	r.refuseMore()
	r.writer.stop()
	r.writer.wait()
	select {
	case err := <-r.fatal:
		return err
	default:
	}
	var taken inbox
	r.take(&taken)
	in := core.Input{Now: clock.Now(), Mono: clock.Mono(), Durable: taken.durable}
	var out core.Output
	r.core.Step(&in, &out)
	r.mu.Lock()
	conns := slices.Clone(r.conns)
	r.mu.Unlock()
	for i := range out.Replies {
		if c := conns[out.Replies[i].Conn]; c != nil {
			c.Send(out.Replies[i].Bytes, true)
		}
	}
	return nil
}
