package view

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"kafkacoord/coord/client"
	"kafkacoord/kafkameta/model"
)

// Follower keeps a view equal to a live server.
//
// It has one goroutine, besides those of its client, which owns the view and
// calls the handler.
type Follower struct {
	reader *reader
	handle func(*View, []Change)
	cancel context.CancelFunc
	done   chan struct{}
	err    error // readable when done is closed

	mu      sync.RWMutex // guards the view against readers while it is changed
	current *client.Client
	changes []Change // of this batch; owned by the goroutine, as the next
	at      map[string]int
}

// Follow loads a cluster from a live server and keeps the view current until
// Close. When the load is over it returns; from then on handle, if it is not
// nil, hears of every change.
//
// handle is called from one goroutine at a time, with changes in the order in
// which they were seen, and the view as it is after them, which must not be
// kept. While it runs the view stands still and the next changes collect, so
// that several of one node may come as one. It must not call Close.
//
// When a connection is lost, the client makes a new one, and what changed
// meanwhile is read and told of as changes. When the session expires, a new one
// is opened: nothing in the tree depends on it. Changes of ACLs are seen only
// at such times, because no watch tells of them.
//
// Errors are those of LoadServer.
func Follow(ctx context.Context, s Server, handle func(v *View, changes []Change)) (*Follower, error) {
	r, err := newReader(s)
	if err != nil {
		return nil, err
	}
	if err := r.dial(ctx); err != nil {
		return nil, err
	}
	if err := r.load(ctx); err != nil {
		_ = r.client.Close() // the first error counts
		return nil, fmt.Errorf("view: follow %s at %s: %w", r.view.Chroot, r.client.Server(), err)
	}
	following, cancel := context.WithCancel(context.WithoutCancel(ctx))
	f := &Follower{reader: r, handle: handle, cancel: cancel, done: make(chan struct{}), current: r.client, at: make(map[string]int)}
	r.changed = f.changed
	go f.run(following)
	return f, nil
}

// Read calls a function with the view, which stands still meanwhile and must
// not be kept.
func (f *Follower) Read(look func(*View)) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	look(f.reader.view)
}

// State says whether there is a connection: without one the view may be old.
func (f *Follower) State() client.State {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.current.State()
}

// Done is closed when the follower has ended: by Close, or by what Err says.
func (f *Follower) Done() <-chan struct{} { return f.done }

// Err says why the follower has ended: nil after Close, ErrNoChroot when the
// chroot was deleted, or what no new session can help against. It waits for
// the end.
func (f *Follower) Err() error {
	<-f.done
	return f.err
}

// Close ends following and the session, and waits for both. The view stays as
// it was.
func (f *Follower) Close() {
	f.cancel()
	<-f.done
}

func (f *Follower) run(ctx context.Context) {
	defer close(f.done)
	for {
		err := f.follow(ctx)
		_ = f.reader.client.Close() // nothing was written that could be lost
		switch {
		case ctx.Err() != nil:
			return
		case !errors.Is(err, client.ErrSessionExpired):
			f.err = fmt.Errorf("view: follow %s: %w", f.reader.view.Chroot, err)
			return
		}
		if err := f.renew(ctx); err != nil {
			if ctx.Err() == nil {
				f.err = err
			}
			return
		}
	}
}

// renew opens a new session and lets everything be read again. What the old
// client may still say goes to an inbox that nobody reads.
func (f *Follower) renew(ctx context.Context) error {
	r := f.reader
	r.inbox, r.spare = newInbox(), nil
	r.jobs, r.again, r.isAgain, r.inFlight = nil, nil, nil, 0
	if err := r.dial(ctx); err != nil {
		return err
	}
	f.mu.Lock()
	f.current = r.client
	f.mu.Unlock()
	r.push(job{path: model.RootPath, deep: true})
	return nil
}

// follow takes in changes until the session or ctx ends.
func (f *Follower) follow(ctx context.Context) error {
	for {
		messages, err := f.reader.wait(ctx)
		if err != nil {
			return err
		}
		f.mu.Lock()
		err = f.reader.process(messages)
		if f.reader.idle() {
			f.reader.settle()
		}
		f.mu.Unlock()
		f.tell()
		if err != nil {
			return err
		}
	}
}

// changed notes that a node is not as it was. Several changes of one node in a
// batch become one.
func (f *Follower) changed(before, after *Znode) {
	c := Change{before, after}
	if i, there := f.at[c.Path()]; there {
		f.changes[i].After = after
		return
	}
	f.at[c.Path()] = len(f.changes)
	f.changes = append(f.changes, c)
}

// tell hands the changes of the batch to the handler.
func (f *Follower) tell() {
	changes := f.changes[:0]
	for _, c := range f.changes {
		if c.own() {
			changes = append(changes, c)
		}
	}
	f.changes = nil
	clear(f.at)
	if len(changes) > 0 && f.handle != nil {
		f.handle(f.reader.view, changes)
	}
}
