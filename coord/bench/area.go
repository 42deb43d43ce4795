package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"kafkacoord/coord/wire"
)

// Setting up and cleaning up use a few connections with deep queues: enough to
// keep any server busy.
const (
	setupConnections = 4
	setupOutstanding = 4   // of multis
	singleDepth      = 256 // of single requests
)

// area is the subtree that a run works in and what is in it.
type area struct {
	options *Options
	value   []byte
	// ranges are the keys that may exist, with a directory for each
	// directorySize of them. Create grows its ranges while it runs.
	ranges   []*sequence
	children int64 // of <root>/list
	made     bool  // the root exists
}

func newArea(o *Options) *area {
	return &area{options: o, value: bytes.Repeat([]byte{'v'}, o.ValueBytes)}
}

func (a *area) listPath() string { return a.options.Root + "/list" }

func (a *area) watchedPath() string { return a.options.Root + "/watched" }

func createRequest(path string, value []byte) wire.Request {
	return wire.Request{Op: wire.OpCreate, Path: path, Data: value, ACL: wire.OpenACL}
}

// single does one request on a connection of its own.
func (a *area) single(ctx context.Context, r wire.Request) error {
	c, err := connect(ctx, a.options, 0)
	if err != nil {
		return err
	}
	h, err := c.call(&r)
	if err != nil {
		c.discard()
		return err
	}
	if err := c.close(); err != nil {
		return err
	}
	if h.Err != wire.OK {
		return fmt.Errorf("bench: %s %s: %w", r.Op, r.Path, h.Err)
	}
	return nil
}

// prepare makes what the workload needs.
func (a *area) prepare(ctx context.Context) error {
	o := a.options
	if err := a.single(ctx, createRequest(o.Root, nil)); err != nil {
		return err
	}
	a.made = true
	switch o.Workload {
	case Set, Get, Mixed, Multi, Delete:
		return a.load(ctx, int64(o.Keys))
	case Children:
		if err := a.single(ctx, createRequest(a.listPath(), nil)); err != nil {
			return err
		}
		a.children = int64(o.Children)
		failed, err := drive(ctx, o, setupOutstanding, true, []source{&batches{
			end:     a.children,
			request: func(i int64) wire.Request { return createRequest(a.childPath(i), nil) },
		}})
		if err != nil {
			return err
		}
		return refused("create children", o.Root, failed)
	case Watch:
		return a.single(ctx, createRequest(a.watchedPath(), a.value))
	}
	return nil
}

func (a *area) childPath(i int64) string {
	b := append([]byte(a.listPath()), "/c0000000000"...)
	putDigits(b[len(b)-keyDigits:], i)
	return string(b)
}

// load creates the keys 0 to n-1 and their directories.
func (a *area) load(ctx context.Context, n int64) error {
	a.ranges = append(a.ranges, &sequence{at: n})
	directories := &batches{
		end:     (n + directorySize - 1) / directorySize,
		request: func(i int64) wire.Request { return createRequest(directoryPath(a.options.Root, i), nil) },
	}
	failed, err := drive(ctx, a.options, setupOutstanding, true, []source{directories})
	if err == nil {
		err = refused("create directories", a.options.Root, failed)
	}
	if err != nil {
		return err
	}
	failed, err = drive(ctx, a.options, setupOutstanding, true, a.split(0, n, func(key int64) wire.Request {
		return createRequest(keyPath(a.options.Root, key), a.value)
	}))
	if err != nil {
		return err
	}
	return refused("create znodes", a.options.Root, failed)
}

// split divides the keys from first to end among the set-up's connections.
func (a *area) split(first, end int64, request func(key int64) wire.Request) []source {
	sources := make([]source, 0, setupConnections)
	total := end - first
	for i := range setupConnections {
		n := share(total, i, setupConnections)
		if n == 0 {
			break
		}
		sources = append(sources, &batches{at: first, end: first + n, request: request})
		first += n
	}
	return sources
}

// source makes what the i-th connection asks for.
func (a *area) source(i int) source {
	o := a.options
	get := newTemplate(o.Root, func(path string) wire.Request {
		return wire.Request{Op: wire.OpGetData, Path: path}
	})
	set := newTemplate(o.Root, func(path string) wire.Request {
		return wire.Request{Op: wire.OpSetData, Path: path, Data: a.value, Version: -1}
	})
	pick := &randomSource{random: newRandom(i), keys: uint64(o.Keys), first: get, second: set, firstPercent: 100}
	switch o.Workload {
	case Create:
		return a.creator(i)
	case Delete:
		first := int64(0)
		for j := range i {
			first += share(int64(o.Keys), j, o.Connections)
		}
		return &sequence{at: first, end: first + share(int64(o.Keys), i, o.Connections), key: newTemplate(o.Root, deleteRequest)}
	case Set:
		pick.first = set
	case Mixed:
		pick.firstPercent = uint64(o.ReadPercent)
	case Children:
		list := wire.Request{Op: wire.OpGetChildren2, Path: a.listPath()}
		pick.first = template{frame: wire.AppendRequestFrame(nil, 0, &list)}
	case Multi:
		pick.first = newTemplate(o.Root, func(path string) wire.Request {
			return wire.Request{Op: wire.OpMulti, Subs: []wire.Request{
				{Op: wire.OpCheck, Path: path, Version: -1},
				{Op: wire.OpSetData, Path: path, Data: a.value, Version: -1},
			}}
		})
	}
	return pick
}

// creator gives each connection directories of its own.
func (a *area) creator(i int) source {
	o := a.options
	stride := keySpace / int64(o.Connections) / directorySize * directorySize
	first := int64(i) * stride
	s := &sequence{
		first: first, at: first, end: first + stride, root: o.Root, made: first / directorySize,
		key:       newTemplate(o.Root, func(path string) wire.Request { return createRequest(path, a.value) }),
		directory: func(path string) wire.Request { return createRequest(path, nil) },
	}
	a.ranges = append(a.ranges, s)
	return s
}

func deleteRequest(path string) wire.Request {
	return wire.Request{Op: wire.OpDelete, Path: path, Version: -1}
}

// remove deletes everything again, whatever of it there is.
func (a *area) remove(ctx context.Context) error {
	if !a.made || a.options.KeepData {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTimeout)
	defer cancel()
	if err := a.removeKeys(ctx); err != nil {
		return err
	}
	if a.children > 0 {
		request := func(i int64) wire.Request { return deleteRequest(a.childPath(i)) }
		if err := a.removeAll(ctx, 0, a.children, request); err != nil {
			return err
		}
	}
	for workload, path := range map[Workload]string{Children: a.listPath(), Watch: a.watchedPath()} {
		if a.options.Workload != workload {
			continue
		}
		if err := a.single(ctx, deleteRequest(path)); err != nil && !errors.Is(err, wire.NoNode) {
			return err
		}
	}
	return a.single(ctx, deleteRequest(a.options.Root))
}

// removeKeys deletes the keys of all ranges, then their directories.
func (a *area) removeKeys(ctx context.Context) error {
	root := a.options.Root
	var keys, directories spans
	for _, r := range a.ranges {
		keys = append(keys, span{r.first, r.at})
		directories = append(directories, span{
			r.first / directorySize,
			max((r.at+directorySize-1)/directorySize, r.made),
		})
	}
	err := a.removeAll(ctx, 0, keys.count(), func(i int64) wire.Request {
		return deleteRequest(keyPath(root, keys.at(i)))
	})
	if err != nil {
		return err
	}
	return a.removeAll(ctx, 0, directories.count(), func(i int64) wire.Request {
		return deleteRequest(directoryPath(root, directories.at(i)))
	})
}

// span is the numbers from first to end-1; spans are several, one after another.
type (
	span  struct{ first, end int64 }
	spans []span
)

func (s spans) count() int64 {
	var n int64
	for _, p := range s {
		n += p.end - p.first
	}
	return n
}

// at is the i-th number of all spans.
func (s spans) at(i int64) int64 {
	for _, p := range s {
		if i < p.end-p.first {
			return p.first + i
		}
		i -= p.end - p.first
	}
	return 0
}

// removeAll deletes in multis, and one by one when some of them failed, as they
// do when a znode is not there.
func (a *area) removeAll(ctx context.Context, first, end int64, request func(int64) wire.Request) error {
	failed, err := drive(ctx, a.options, setupOutstanding, true, a.split(first, end, request))
	if err != nil || len(failed) == 0 {
		return err
	}
	failed, err = drive(ctx, a.options, singleDepth, false, []source{&singles{at: first, end: end, request: request}})
	delete(failed, wire.NoNode)
	if err != nil {
		return err
	}
	return refused("delete znodes", a.options.Root, failed)
}

// singles asks for things one request each.
type singles struct {
	at, end int64
	request func(i int64) wire.Request
}

func (s *singles) next(dst []byte, xid int32) ([]byte, bool) {
	if s.at >= s.end {
		return dst, false
	}
	r := s.request(s.at)
	s.at++
	return wire.AppendRequestFrame(dst, xid, &r), true
}
