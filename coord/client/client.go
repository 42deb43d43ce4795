package client

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"kafkacoord/coord/wire"
)

// closeTimeout bounds how long Close waits for the reply to closeSession. When
// it does not come the servers end the session after its timeout.
const closeTimeout = 5 * time.Second

// Client is one session. Its methods may be called from any goroutine.
type Client struct {
	config Config
	chroot chroot
	events *eventQueue
	ctx    context.Context // ends when the client is to stop
	stop   context.CancelFunc

	opened   chan struct{} // closed when the first connection is ready
	finished chan struct{} // closed when all goroutines but the event one have ended
	running  sync.WaitGroup
	lastSeen atomic.Int64 // zxid of the last ordinary reply; written by the reader

	// Owned by the goroutine that connects and reads.
	watches   watchTable
	readWrite bool // some server of this session was not read-only

	mu          sync.Mutex
	state       State
	failure     error // why the state is final
	closing     bool  // no more requests are taken
	session     Session
	server      string
	auths       []Auth
	queue       queue
	outstanding int           // calls without result
	room        chan struct{} // closed and replaced when there is room again; nil: nobody waits
	lastError   error         // of the last attempt to connect
	wake        chan struct{} // one slot: the writer has something to do
}

// Result is the outcome of one request.
type Result struct {
	Reply wire.Reply
	// Zxid is that of the reply's header: of the write itself, or what a read
	// has seen. It is also set when a write was refused, and 0 without reply.
	Zxid wire.Zxid
	Err  error // nil, or a *RequestError
}

// Dial connects, opens a session (or resumes one), and returns when it can be
// used. When ctx ends before that, it gives up; afterwards ctx has no meaning.
// Errors: ErrConfig, ErrSessionExpired for a session that cannot be resumed,
// wire.AuthFailed, or the context's error with that of the last attempt.
func Dial(ctx context.Context, config Config) (*Client, error) {
	config, err := config.withDefaults()
	if err != nil {
		return nil, err
	}
	c := &Client{
		config:   config,
		chroot:   chroot(config.Chroot),
		events:   newEventQueue(config.OnEvent, config.EventQueueMax),
		opened:   make(chan struct{}),
		finished: make(chan struct{}),
		watches:  newWatchTable(),
		auths:    config.Auth[:len(config.Auth):len(config.Auth)],
		wake:     make(chan struct{}, 1),
	}
	c.ctx, c.stop = context.WithCancel(context.Background())
	if config.Resume != nil {
		c.session = *config.Resume
		c.readWrite = true
	}
	c.running.Go(c.events.run)
	c.running.Go(func() {
		defer close(c.finished)
		defer c.events.close()
		c.run()
	})
	select {
	case <-c.opened:
		return c, nil
	case <-c.finished:
		c.Detach()
		return nil, c.failure
	case <-ctx.Done():
		c.Detach()
		return nil, fmt.Errorf("client: connect to %v: %w", config.Servers, errors.Join(context.Cause(ctx), c.lastError))
	}
}

// Do sends one request and waits for its reply. The zxid is that of the reply's
// header. r is read before Do returns and never changed. A multi that was
// refused is no error here: its Results say so.
//
// The error is a *RequestError: around the wire.Code of the reply, or
// ErrConnectionLoss, ErrSessionExpired, ErrClosed, ErrOperation or ctx's error;
// after the latter the request may still be carried out. Without a connection
// Do waits for one.
func (c *Client) Do(ctx context.Context, r *wire.Request) (wire.Reply, wire.Zxid, error) {
	k := &call{ready: make(chan struct{}, 1)}
	err := ctx.Err()
	if err == nil {
		err = c.enqueue(ctx, r, k, true)
	}
	if err != nil {
		return wire.Reply{}, 0, &RequestError{Op: r.Op, Path: r.Path, Err: err}
	}
	select {
	case <-k.ready:
		return k.result.Reply, k.result.Zxid, k.result.Err
	case <-ctx.Done():
		c.abandon(k)
		return wire.Reply{}, 0, &RequestError{Op: r.Op, Path: r.Path, Err: context.Cause(ctx)}
	}
}

// Go sends one request and calls done with its outcome, from the goroutine that
// reads replies: done must not block, nor wait for another request. r is read
// before Go returns. It never waits: at Config's limits done gets ErrQueueFull.
// done may be nil.
func (c *Client) Go(r *wire.Request, done func(Result)) {
	if done == nil {
		done = func(Result) {}
	}
	if err := c.enqueue(c.ctx, r, &call{done: done}, false); err != nil {
		done(Result{Err: &RequestError{Op: r.Op, Path: r.Path, Err: err}})
	}
}

// enqueue encodes a request and leaves it to the writer. With wait it blocks
// until there is room.
func (c *Client) enqueue(ctx context.Context, r *wire.Request, k *call, wait bool) error {
	switch r.Op {
	case wire.OpPing, wire.OpCloseSession, wire.OpCreateSession, wire.OpNotification, wire.OpError,
		wire.OpSetWatches, wire.OpSetWatches2:
		return ErrOperation
	}
	sent := c.chroot.request(r)
	k.op, k.path, k.outerPath, k.watch, k.kind = r.Op, r.Path, sent.Path, r.Watch, r.Kind
	if r.Op == wire.OpAuth {
		k.auth = &Auth{Scheme: r.Scheme, Data: append([]byte(nil), r.Auth...)}
	}
	c.mu.Lock()
	for {
		switch {
		case c.failure != nil:
			defer c.mu.Unlock()
			return c.failure
		case c.closing:
			c.mu.Unlock()
			return ErrClosed
		case c.outstanding < c.config.OutstandingMax && len(c.queue.bytes) < c.config.QueueBytesMax:
			c.push(k, sent)
			c.mu.Unlock()
			return nil
		case !wait:
			c.mu.Unlock()
			return ErrQueueFull
		}
		if c.room == nil {
			c.room = make(chan struct{})
		}
		room := c.room
		c.mu.Unlock()
		select {
		case <-room:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		c.mu.Lock()
	}
}

// push queues a call. The caller holds mu.
func (c *Client) push(k *call, r *wire.Request) {
	c.queue.push(k, r)
	c.outstanding++
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// release gives back the places of n calls. The caller holds mu.
func (c *Client) release(n int) {
	c.outstanding -= n
	if c.room != nil {
		close(c.room)
		c.room = nil
	}
}

// abandon takes a call back when it is not sent yet.
func (c *Client) abandon(k *call) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.release(c.queue.abandon(k))
}

// State is where the session stands now.
func (c *Client) State() State {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state
}

// Session is the session's identity and granted timeout.
func (c *Client) Session() Session {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.session
}

// Server is the address of the server that is or was last connected.
func (c *Client) Server() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.server
}

// LastZxid is the highest zxid that a reply has told of.
func (c *Client) LastZxid() wire.Zxid { return wire.Zxid(c.lastSeen.Load()) }

// Done is closed when the session has come to its end: closed, expired or
// refused.
func (c *Client) Done() <-chan struct{} { return c.finished }

// Close ends the session, after the replies to all requests before it, and waits
// for the client's goroutines and for OnEvent. Without a connection, or when the
// server does not answer within five seconds, the session is left to its
// timeout. Close may be called more than once, but not from OnEvent or done.
func (c *Client) Close() error {
	c.mu.Lock()
	if !c.closing {
		c.closing = true
		if c.state == Connected || c.state == ConnectedReadOnly {
			k := &call{op: wire.OpCloseSession, ready: make(chan struct{}, 1)}
			c.push(k, &wire.Request{Op: wire.OpCloseSession})
			c.mu.Unlock()
			c.awaitClose(k)
			c.mu.Lock()
		}
	}
	c.mu.Unlock()
	c.stop()
	c.running.Wait()
	return nil
}

func (c *Client) awaitClose(k *call) {
	timer := time.NewTimer(closeTimeout)
	defer timer.Stop()
	select {
	case <-k.ready:
	case <-c.finished:
	case <-timer.C:
	}
}

// Detach ends the client but not its session, which another client can resume
// until its timeout. Requests without reply fail with ErrClosed. Like Close, it
// waits.
func (c *Client) Detach() Session {
	c.mu.Lock()
	c.closing = true
	c.mu.Unlock()
	c.stop()
	c.running.Wait()
	return c.Session()
}
