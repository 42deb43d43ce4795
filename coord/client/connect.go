package client

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"time"

	"kafkacoord/coord/wire"
)

const (
	// attemptMin and attemptMax bound one attempt to connect; within them it
	// gets its share of the session timeout.
	attemptMin = 500 * time.Millisecond
	attemptMax = 10 * time.Second
	// backoffMin is the pause after all servers were tried in vain; it doubles
	// up to backoffMax, and varies by half so that clients do not come at once.
	backoffMin = 50 * time.Millisecond
	backoffMax = time.Second
	// stableAfter is how long a connection must last to count as a success.
	stableAfter = time.Second
	// connectResponseMax is the most a connect response can take: 37 bytes.
	connectResponseMax = 64
)

// run connects and serves until the session has ended.
func (c *Client) run() {
	servers := slices.Clone(c.config.Servers)
	rand.Shuffle(len(servers), func(i, j int) { servers[i], servers[j] = servers[j], servers[i] })
	failures := 0
	for at := 0; ; at++ {
		server := servers[at%len(servers)]
		l, err := c.connect(server)
		if err == nil {
			began := time.Now()
			err = l.serve()
			c.lost(l, err)
			if time.Since(began) >= stableAfter {
				failures = 0
			}
		}
		if c.ended(err) {
			return
		}
		if failures++; failures%len(servers) == 0 && !c.pause(failures/len(servers)) {
			c.finish(Closed, ErrClosed)
			return
		}
	}
}

// ended tells whether a failed connection was the last one, and if so finishes.
func (c *Client) ended(err error) bool {
	c.mu.Lock()
	c.lastError = err
	closing := c.closing
	c.mu.Unlock()
	switch {
	case errors.Is(err, errRefused):
		c.finish(Expired, fmt.Errorf("client: session %v: %w", c.session.ID, ErrSessionExpired))
	case errors.Is(err, errAuthRefused):
		c.finish(AuthFailed, fmt.Errorf("client: %w", wire.AuthFailed))
	case closing || c.ctx.Err() != nil:
		c.finish(Closed, ErrClosed)
	default:
		return false
	}
	return true
}

// pause waits before the next round of attempts; false means to stop.
func (c *Client) pause(round int) bool {
	wait := min(backoffMin<<min(round-1, 10), backoffMax)
	timer := time.NewTimer(wait/2 + rand.N(wait))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-c.ctx.Done():
		return false
	}
}

// connect makes one attempt at one server.
func (c *Client) connect(server string) (*link, error) {
	c.mu.Lock()
	request := wire.ConnectRequest{
		LastZxidSeen: c.LastZxid(),
		Timeout:      int32(c.config.SessionTimeout.Milliseconds()),
		SessionID:    c.session.ID,
		Password:     c.session.Password,
		ReadOnly:     c.config.ReadOnly,
		HasReadOnly:  true,
	}
	c.mu.Unlock()
	if request.SessionID == 0 || !c.readWrite {
		// A session that only read-only servers know is known to no other.
		request.SessionID, request.Password = 0, make([]byte, wire.PasswordSize)
	}
	share := c.config.SessionTimeout / time.Duration(len(c.config.Servers))
	ctx, cancel := context.WithTimeout(c.ctx, min(max(share, attemptMin), attemptMax))
	defer cancel()
	socket, err := c.config.Dial(ctx, server)
	if err != nil {
		return nil, fmt.Errorf("client: connect to %s: %w", server, err)
	}
	release := context.AfterFunc(ctx, func() { _ = socket.Close() })
	response, err := handshake(socket, &request)
	if !release() && err == nil {
		err = context.Cause(ctx) // and the socket is closed
	}
	if err != nil {
		_ = socket.Close()
		return nil, fmt.Errorf("client: open a session at %s: %w", server, err)
	}
	return c.connected(socket, server, &response), nil
}

func handshake(socket net.Conn, request *wire.ConnectRequest) (response wire.ConnectResponse, err error) {
	frame, mark := wire.BeginFrame(nil)
	frame = wire.AppendConnectRequest(frame, request)
	if _, err := socket.Write(wire.EndFrame(frame, mark)); err != nil {
		return response, err
	}
	var length [4]byte
	if _, err := io.ReadFull(socket, length[:]); err != nil {
		return response, err
	}
	n := binary.BigEndian.Uint32(length[:])
	if n > connectResponseMax {
		return response, fmt.Errorf("%w: a connect response of %d bytes", ErrProtocol, n)
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(socket, body); err != nil {
		return response, err
	}
	if response, err = wire.DecodeConnectResponse(body); err != nil {
		return response, err
	}
	if response.Timeout <= 0 || request.SessionID != 0 && response.SessionID != request.SessionID {
		return response, errRefused
	}
	return response, nil
}

// connected takes note of a new connection and makes its link. What it must say
// first is written before anything that is queued: credentials, then watches.
func (c *Client) connected(socket net.Conn, server string, r *wire.ConnectResponse) *link {
	c.readWrite = c.readWrite || !r.ReadOnly
	state := Connected
	if r.ReadOnly {
		state = ConnectedReadOnly
	}
	c.mu.Lock()
	c.session = Session{ID: r.SessionID, Password: r.Password, Timeout: time.Duration(r.Timeout) * time.Millisecond}
	c.server = server
	c.state = state
	l := newLink(c, socket, c.session.Timeout)
	for _, a := range c.auths {
		l.first = wire.AppendRequestFrame(l.first, wire.XidAuth, &wire.Request{Op: wire.OpAuth, Scheme: a.Scheme, Auth: a.Data})
		l.authReplies++
	}
	c.mu.Unlock()
	for _, w := range c.watches.requests(c.LastZxid()) {
		l.first = wire.AppendRequestFrame(l.first, wire.XidSetWatches, &w)
	}
	c.events.add(Event{Type: EventSession, State: state, Server: server})
	if l.authReplies == 0 {
		c.ready()
	}
	return l
}

// ready lets Dial return, the first time.
func (c *Client) ready() {
	select {
	case <-c.opened:
	default:
		close(c.opened)
	}
}

// lost fails what was sent on a connection that is gone.
func (c *Client) lost(l *link, cause error) {
	c.mu.Lock()
	c.state = Connecting
	server := c.server
	l.inflight = c.queue.fetch(l.inflight)
	calls := l.inflight[l.answered:]
	c.release(len(calls))
	c.mu.Unlock()
	stopping := c.ctx.Err() != nil
	err := ErrClosed
	if !stopping {
		err = fmt.Errorf("%w: %w", ErrConnectionLoss, cause)
	}
	for _, k := range calls {
		k.finish(Result{Err: err})
	}
	if !stopping {
		c.events.add(Event{Type: EventSession, State: Connecting, Server: server, Err: cause})
	}
}

// finish ends the client for good: everything queued fails.
func (c *Client) finish(state State, err error) {
	c.mu.Lock()
	c.state, c.failure = state, err
	_, dropped := c.queue.take(nil)
	calls := c.queue.fetch(nil)
	c.release(len(calls) + dropped)
	c.mu.Unlock()
	c.stop()
	for _, k := range calls {
		k.finish(Result{Err: err})
	}
	c.events.add(Event{Type: EventSession, State: state, Err: err})
}
