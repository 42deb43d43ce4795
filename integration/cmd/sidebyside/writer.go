package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"kafkacoord/compat/rawclient"
	"kafkacoord/coord/bench"
	"kafkacoord/coord/wire"
	"kafkacoord/integration/ensemble"
)

const (
	// writerTimeoutMillis is the session timeout of a writer.
	writerTimeoutMillis = 30_000
	// A writer that has lost its connection comes back to the same server at once,
	// and again and again. An attempt that is not answered is given up soon: Java,
	// while it elects, takes a connection and may forget it. The first attempts are
	// the shortest, so that a busy machine is not asked in vain for ever.
	reconnectPause      = 2 * time.Millisecond
	reconnectTimeoutMin = 100 * time.Millisecond
	reconnectTimeoutMax = 5 * time.Second
)

// errExpired says that a server did not know a writer's session any more.
var errExpired = errors.New("the session has expired")

// writer is one client of one server that changes its znode over and over, each
// time when the change before is acknowledged.
type writer struct {
	address string
	change  wire.Request
	session wire.ConnectRequest
	xid     int32

	mu     sync.Mutex // guards the rest
	counts writes
	last   time.Time // of the last acknowledgement
}

// writes is what a writer has seen since it was asked last.
type writes struct {
	acknowledged int
	dropped      int // connections
	longest      time.Duration
	// latency is the time from one acknowledgement to the next, which is that of a
	// write with everything that came between.
	latency bench.Histogram
}

// run writes until ctx ends.
func (w *writer) run(ctx context.Context) error {
	for {
		c, err := w.connect(ctx)
		if ctx.Err() != nil || err != nil {
			return err
		}
		release := context.AfterFunc(ctx, func() { _ = c.Close() })
		err = w.write(c)
		release()
		_ = c.Close()
		if ctx.Err() != nil {
			return nil
		}
		var refused wire.Code
		if errors.As(err, &refused) {
			return fmt.Errorf("write %s at %s: %w", w.change.Path, w.address, err)
		}
		w.mu.Lock()
		w.counts.dropped++
		w.mu.Unlock()
	}
}

// write writes until the connection breaks or the server refuses.
func (w *writer) write(c *rawclient.Conn) error {
	for {
		w.xid++
		reply, _, err := c.Request(w.xid, &w.change)
		if err != nil {
			return err
		}
		if reply.Header.Err != wire.OK {
			return reply.Header.Err
		}
		w.session.LastZxidSeen = reply.Header.Zxid
		w.acknowledge()
	}
}

func (w *writer) acknowledge() {
	now := time.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.last.IsZero() {
		waited := now.Sub(w.last)
		w.counts.longest = max(w.counts.longest, waited)
		w.counts.latency.Record(waited)
	}
	w.last = now
	w.counts.acknowledged++
}

// connect tries until it has the session again, the session is gone, or ctx ends.
func (w *writer) connect(ctx context.Context) (*rawclient.Conn, error) {
	timeout := reconnectTimeoutMin
	for ctx.Err() == nil {
		c, err := rawclient.Dial(w.address)
		if err == nil {
			c.Timeout = timeout
			var answer rawclient.Connected
			answer, err = c.Connect(w.session)
			switch {
			case err != nil:
				_ = c.Close()
			case answer.Refused():
				return nil, errors.Join(fmt.Errorf("connect to %s: %w", w.address, errExpired), c.Close())
			default:
				c.Timeout = rawclient.DefaultTimeout
				w.session.SessionID, w.session.Password = answer.SessionID, answer.Password
				return c, nil
			}
		}
		if errors.Is(err, rawclient.ErrTimeout) {
			timeout = min(2*timeout, reconnectTimeoutMax)
		}
		pause := time.NewTimer(reconnectPause)
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
		}
	}
	return nil, nil
}

// take returns what the writer has seen, and has it begin anew; a write that is
// under way counts from its beginning.
func (w *writer) take() writes {
	w.mu.Lock()
	defer w.mu.Unlock()
	seen := w.counts
	w.counts = writes{}
	return seen
}

func (w *writer) acknowledged() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.counts.acknowledged
}

// writers are several of them.
type writers struct {
	all     []*writer
	ctx     context.Context // of the writers; its cause tells what has gone wrong
	fail    context.CancelCauseFunc
	running sync.WaitGroup
}

// startWriters begins to write through each of the servers with some clients.
func startWriters(ctx context.Context, clients, valueBytes int, servers ...*ensemble.Member) (*writers, error) {
	ws := &writers{}
	ws.ctx, ws.fail = context.WithCancelCause(ctx)
	for _, m := range servers {
		for i := range clients {
			path := fmt.Sprintf("/writer-%d-%d", m.ID, i)
			if err := makeZnode(m.Connect(), path); err != nil {
				ws.end()
				return nil, err
			}
			w := &writer{
				address: m.Connect(),
				change:  wire.Request{Op: wire.OpSetData, Path: path, Data: make([]byte, valueBytes), Version: -1},
				session: wire.ConnectRequest{
					Timeout: writerTimeoutMillis, Password: make([]byte, wire.PasswordSize), HasReadOnly: true,
				},
			}
			ws.all = append(ws.all, w)
			ws.running.Go(func() {
				if err := w.run(ws.ctx); err != nil {
					ws.fail(err)
				}
			})
		}
	}
	return ws, nil
}

// makeZnode makes a znode unless it is there.
func makeZnode(address, path string) error {
	c, _, err := rawclient.Open(address, writerTimeoutMillis)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	reply, _, err := c.Request(1, &wire.Request{Op: wire.OpCreate, Path: path, ACL: wire.OpenACL})
	if err == nil && reply.Header.Err != wire.OK && reply.Header.Err != wire.NodeExists {
		err = reply.Header.Err
	}
	if err == nil {
		_, _, err = c.Request(2, &wire.Request{Op: wire.OpCloseSession})
	}
	if err != nil {
		return fmt.Errorf("make %s at %s: %w", path, address, err)
	}
	return nil
}

// await waits until each writer has so many acknowledgements more than it has
// taken.
func (ws *writers) await(more int) error {
	before := make([]int, len(ws.all))
	for i, w := range ws.all {
		before[i] = w.acknowledged()
	}
	err := ensemble.Await(ws.ctx, fmt.Sprintf("every client has done %d writes", more), func() error {
		for i, w := range ws.all {
			if done := w.acknowledged() - before[i]; done < more {
				return fmt.Errorf("the one of %s has done %d", w.address, done)
			}
		}
		return nil
	})
	if cause := context.Cause(ws.ctx); cause != nil {
		return cause
	}
	return err
}

// end stops the writers and waits for them. The sessions are left to expire.
func (ws *writers) end() {
	ws.fail(nil)
	ws.running.Wait()
}
