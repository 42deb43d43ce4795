package bench

import (
	"context"
	"errors"
	"time"
)

// Filled says what Fill has loaded.
type Filled struct {
	// Root is the znode that Fill has made; the others are below it.
	Root string
	// Nodes is their number without Root and directories.
	Nodes int
	// Took is how long it was.
	Took time.Duration
}

// Path is the path of the i-th znode that Fill has made, from 0.
func (f Filled) Path(i int) string { return keyPath(f.Root, int64(i)) }

// Fill creates n znodes with size bytes of data each as fast as the server takes
// them, in multis of many creates, 10,000 below one parent. They stay; Remove
// deletes them. Of o, only Address, Root, SessionTimeout and Dial count.
func Fill(ctx context.Context, o Options, n, size int) (Filled, error) {
	o.Workload, o.Keys, o.ValueBytes, o.Connections = Get, n, size, 1
	if size == 0 {
		o.ValueBytes = -1
	}
	o = o.WithDefaults()
	if err := o.check(); err != nil {
		return Filled{}, err
	}
	began := time.Now()
	a := newArea(&o)
	if err := a.prepare(ctx); err != nil {
		return Filled{}, errors.Join(err, a.remove(ctx))
	}
	return Filled{Root: o.Root, Nodes: n, Took: time.Since(began)}, nil
}

// Remove deletes what Fill has made.
func (f Filled) Remove(ctx context.Context, o Options) error {
	o.Workload, o.Keys, o.Connections, o.Root = Get, f.Nodes, 1, f.Root
	o = o.WithDefaults()
	a := newArea(&o)
	a.made = true
	a.ranges = []*sequence{{at: int64(f.Nodes)}}
	return a.remove(ctx)
}

// Synchronous is what one client sees that waits for each reply before it sends
// the next request.
type Synchronous struct {
	Reads  Result `json:"reads"`
	Writes Result `json:"writes"`
}

// MeasureLatency runs Get and then Set with one connection and one outstanding
// request, each for o.Duration or o.Requests. AtStart and AtEnd are not called.
func MeasureLatency(ctx context.Context, o Options) (Synchronous, error) {
	o.Connections, o.Outstanding, o.AtStart, o.AtEnd = 1, 1, nil, nil
	o.Workload = Get
	reads, err := Run(ctx, o)
	if err != nil {
		return Synchronous{}, err
	}
	o.Workload = Set
	writes, err := Run(ctx, o)
	return Synchronous{Reads: reads, Writes: writes}, err
}
