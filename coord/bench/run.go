package bench

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"kafkacoord/coord/wire"
)

// cleanupTimeout bounds the removal of the run's znodes, which goes on after
// ctx has ended.
const cleanupTimeout = 5 * time.Minute

// Run prepares the znodes that o asks for, runs the workload and removes them
// again. It blocks until then; when ctx ends it stops, still cleans up, and
// returns the context's error. Replies with an error code are counted in the
// result; an error is returned when the run itself could not be done: ErrOption,
// a connection that broke, ErrProtocol, or preparations that the server refused.
func Run(ctx context.Context, o Options) (result Result, err error) {
	o = o.WithDefaults()
	if err := o.check(); err != nil {
		return Result{}, err
	}
	area := newArea(&o)
	if err := area.prepare(ctx); err != nil {
		return Result{}, errors.Join(err, area.remove(ctx))
	}
	if o.Workload == Watch {
		result, err = runWatch(ctx, &o)
	} else {
		result, err = runLoad(ctx, &o, area)
	}
	return result, errors.Join(err, area.remove(ctx))
}

// runLoad drives all workloads but Watch.
func runLoad(ctx context.Context, o *Options, a *area) (Result, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	when := schedule{base: time.Now(), measureFrom: o.Ramp + o.WarmUp}
	when.stopAt = when.measureFrom + o.Duration
	workers := make([]*worker, o.Connections)
	var running sync.WaitGroup
	for i := range workers {
		when.quota = share(o.Requests, i, o.Connections)
		workers[i] = newWorker(a.source(i), o.Outstanding, when)
		workers[i].multi = o.Workload == Multi
		if o.Requests > 0 && when.quota == 0 {
			continue // fewer requests than connections
		}
		delay := o.Ramp * time.Duration(i) / time.Duration(o.Connections)
		running.Go(func() {
			if err := workers[i].session(ctx, o, i, delay); err != nil {
				cancel(err)
			}
		})
	}
	done := make(chan struct{})
	go func() {
		running.Wait()
		close(done)
	}()
	used := measure(ctx, o, when, done)
	<-done
	if err := context.Cause(ctx); err != nil {
		return Result{}, err
	}
	return summarize(o, workers, used), nil
}

// session is the life of the i-th connection of a run.
func (w *worker) session(ctx context.Context, o *Options, i int, delay time.Duration) error {
	if err := sleep(ctx, delay); err != nil {
		return err
	}
	c, err := connect(ctx, o, i)
	if err != nil {
		return err
	}
	w.connection = c
	if o.address(i) != o.address(0) {
		// What was prepared through another member must be there.
		if _, err := c.call(&wire.Request{Op: wire.OpSync, Path: o.Root}); err != nil {
			c.discard()
			return err
		}
	}
	if err := w.run(); err != nil {
		c.discard()
		return err
	}
	return c.close()
}

// measure calls the hooks at the borders of the measured part and returns the
// CPU time that this process used in between.
func measure(ctx context.Context, o *Options, when schedule, done <-chan struct{}) time.Duration {
	until := func(at time.Duration) bool {
		timer := time.NewTimer(at - time.Since(when.base))
		defer timer.Stop()
		select {
		case <-timer.C:
			return true
		case <-done:
		case <-ctx.Done():
		}
		return false
	}
	if when.measureFrom > 0 && !until(when.measureFrom) {
		return 0
	}
	if o.AtStart != nil {
		o.AtStart()
	}
	before := processTime()
	until(when.stopAt)
	used := processTime() - before
	if o.AtEnd != nil {
		o.AtEnd()
	}
	return used
}

// share divides total among n, the first ones getting the remainder.
func share(total int64, i, n int) int64 {
	s := total / int64(n)
	if int64(i) < total%int64(n) {
		s++
	}
	return s
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// drive runs sources to their end, one connection each, and returns how many
// requests failed with which code. It is for preparing and cleaning up.
func drive(ctx context.Context, o *Options, outstanding int, multi bool, sources []source) (map[wire.Code]int64, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	workers := make([]*worker, len(sources))
	var running sync.WaitGroup
	for i, s := range sources {
		workers[i] = newWorker(s, outstanding, schedule{base: time.Now()})
		workers[i].multi = multi
		running.Go(func() {
			if err := workers[i].session(ctx, o, i, 0); err != nil {
				cancel(err)
			}
		})
	}
	running.Wait()
	failed := make(map[wire.Code]int64)
	for _, w := range workers {
		for code, n := range w.tally.errors {
			failed[code] += n
		}
	}
	return failed, context.Cause(ctx)
}

// refused turns failed preparations into an error.
func refused(action, root string, failed map[wire.Code]int64) error {
	for code, n := range failed {
		return fmt.Errorf("bench: %s below %s: %d requests failed, for example with: %w", action, root, n, code)
	}
	return nil
}
