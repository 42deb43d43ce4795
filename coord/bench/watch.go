package bench

import (
	"context"
	"sync"
	"time"

	"kafkacoord/coord/wire"
)

// runWatch measures fan-out in rounds: every connection reads one znode with a
// watch; when all have, one more connection changes it; the round ends when the
// last watcher has been told.
func runWatch(ctx context.Context, o *Options) (Result, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	path := newArea(o).watchedPath()
	f := fanOut{options: o, path: path, base: time.Now()}
	f.start = make([]chan struct{}, o.Connections)
	f.armed = make(chan struct{}, o.Connections)
	f.told = make(chan time.Duration, o.Connections)
	var running sync.WaitGroup
	for i := range f.start {
		f.start[i] = make(chan struct{}, 1)
		running.Go(func() {
			if err := f.watcher(ctx, i); err != nil {
				cancel(err)
			}
		})
	}
	result, err := f.writer(ctx)
	if err != nil {
		cancel(err)
	}
	for _, c := range f.start {
		close(c)
	}
	running.Wait()
	if err := context.Cause(ctx); err != nil {
		return Result{}, err
	}
	return result, nil
}

// fanOut is what the writer and the watchers of runWatch share. The channels
// have room for a whole round, so that nobody blocks on them but to wait.
type fanOut struct {
	options *Options
	path    string
	base    time.Time
	start   []chan struct{}    // one a watcher: arm again
	armed   chan struct{}      // one value a watcher and round
	told    chan time.Duration // when a watcher was told
}

// watcher arms and waits, a round for each value from its start.
func (f *fanOut) watcher(ctx context.Context, i int) error {
	c, err := connect(ctx, f.options, i)
	if err != nil {
		return err
	}
	for range f.start[i] {
		h, err := c.call(&wire.Request{Op: wire.OpGetData, Path: f.path, Watch: true})
		if err == nil && h.Err != wire.OK {
			err = h.Err
		}
		if err != nil {
			c.discard()
			return err
		}
		f.armed <- struct{}{}
		if _, err := c.await(func(h wire.ReplyHeader) bool { return h.Xid == wire.XidNotification }); err != nil {
			c.discard()
			return err
		}
		f.told <- time.Since(f.base)
	}
	return c.close()
}

// writer runs the rounds.
func (f *fanOut) writer(ctx context.Context) (Result, error) {
	o := f.options
	c, err := connect(ctx, o, 0)
	if err != nil {
		return Result{}, err
	}
	value := newArea(o).value
	var rounds Histogram
	var before time.Duration
	measuring := false
	end := o.WarmUp + o.Duration
	for time.Since(f.base) < end && (o.Requests == 0 || rounds.Count() < uint64(o.Requests)) {
		if !measuring && time.Since(f.base) >= o.WarmUp {
			measuring = true
			before = processTime()
			if o.AtStart != nil {
				o.AtStart()
			}
		}
		took, err := f.round(ctx, c, value)
		if err != nil {
			c.discard()
			return Result{}, err
		}
		if measuring {
			rounds.Record(took)
		}
	}
	used := processTime() - before
	if o.AtEnd != nil && measuring {
		o.AtEnd()
	}
	if err := c.close(); err != nil {
		return Result{}, err
	}
	return f.result(&rounds, used), nil
}

func (f *fanOut) result(rounds *Histogram, used time.Duration) Result {
	o := f.options
	r := Result{
		Workload: Watch, Address: o.Address, Connections: o.Connections, Outstanding: 1, ValueBytes: o.ValueBytes,
		Seconds:  rounds.sum / float64(time.Second),
		Requests: int64(rounds.Count()) * int64(o.Connections),
		Latency:  rounds.Summary(),
	}
	if r.Requests > 0 {
		r.Throughput = float64(r.Requests) / r.Seconds
		r.GeneratorMicros = float64(used.Microseconds()) / float64(r.Requests)
	}
	return r
}

// round arms all watchers, changes the znode and returns the time from the
// change to the last notification.
func (f *fanOut) round(ctx context.Context, c *connection, value []byte) (time.Duration, error) {
	for _, s := range f.start {
		s <- struct{}{}
	}
	for range f.start {
		select {
		case <-f.armed:
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		}
	}
	began := time.Since(f.base)
	h, err := c.call(&wire.Request{Op: wire.OpSetData, Path: f.path, Data: value, Version: -1})
	if err == nil && h.Err != wire.OK {
		err = h.Err
	}
	if err != nil {
		return 0, err
	}
	var last time.Duration
	for range f.start {
		select {
		case at := <-f.told:
			last = max(last, at)
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		}
	}
	return last - began, nil
}
