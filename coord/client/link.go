package client

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"kafkacoord/coord/wire"
)

const (
	// readBufferBytes is what one socket read may bring; larger replies get a
	// buffer of their own for as long as they last.
	readBufferBytes = 64 << 10
	// pingMax is the longest silence of a client (ZooKeeper: ClientCnxn.java).
	pingMax = 10 * time.Second
)

var (
	errAuthRefused = errors.New("the server refused the credentials")
	errSilence     = errors.New("the server was silent for two thirds of the session timeout")
	errEvents      = errors.New("events come faster than OnEvent takes them")
)

// link is one connection: a reader and a writer on one socket.
type link struct {
	client *Client
	socket net.Conn
	// readTimeout is how long a server may be silent: two thirds of the session
	// timeout. After half of it without a request the writer pings.
	readTimeout, pingAfter time.Duration
	base                   time.Time
	received               atomic.Int64 // nanoseconds since base, of the last read

	ended chan struct{} // closed when the reader has ended
	once  sync.Once
	cause error // why the socket was closed; set once, read after ended

	// Owned by the writer.
	first []byte // what goes before everything queued

	// Owned by the reader.
	in          []byte // what was read and not handled is in[start:end]
	start, end  int
	authReplies int     // replies to come to credentials in first
	inflight    []*call // sent, in order; those before answered have their reply
	answered    int
}

func newLink(c *Client, socket net.Conn, timeout time.Duration) *link {
	readTimeout := timeout * 2 / 3
	return &link{
		client: c, socket: socket, base: time.Now(), ended: make(chan struct{}),
		readTimeout: readTimeout, pingAfter: min(readTimeout/2, pingMax),
		in: make([]byte, readBufferBytes),
	}
}

// fail closes the socket, which ends reader and writer. The first cause counts.
func (l *link) fail(cause error) {
	l.once.Do(func() {
		l.cause = cause
		_ = l.socket.Close()
	})
}

// serve reads until the connection ends and returns why it did.
func (l *link) serve() error {
	release := context.AfterFunc(l.client.ctx, func() { l.fail(ErrClosed) })
	var writer sync.WaitGroup
	writer.Go(l.write)
	l.fail(l.read())
	close(l.ended)
	writer.Wait()
	release()
	return l.cause
}

// write sends what is queued, all of it at once, and pings when there is nothing.
func (l *link) write() {
	c := l.client
	timer := time.NewTimer(l.pingAfter)
	defer timer.Stop()
	buffer := l.first
	var sent time.Duration // when something was written last
	for {
		if len(buffer) > 0 {
			sent = time.Since(l.base)
			if err := l.flush(buffer); err != nil {
				l.fail(err)
				return
			}
		}
		c.mu.Lock()
		var dropped int
		buffer, dropped = c.queue.take(buffer)
		c.release(dropped)
		c.mu.Unlock()
		if len(buffer) > 0 {
			continue
		}
		now := time.Since(l.base)
		silent := now - time.Duration(l.received.Load())
		switch {
		case silent >= l.readTimeout:
			l.fail(errSilence)
			return
		case now-sent >= l.pingAfter:
			buffer = wire.AppendRequestFrame(buffer, wire.XidPing, &wire.Request{Op: wire.OpPing})
			continue
		}
		timer.Reset(min(l.pingAfter-(now-sent), l.readTimeout-silent))
		select {
		case <-c.wake:
		case <-timer.C:
		case <-l.ended:
			return
		}
	}
}

func (l *link) flush(frames []byte) error {
	if err := l.socket.SetWriteDeadline(time.Now().Add(l.readTimeout)); err != nil {
		return fmt.Errorf("client: write to %s: %w", l.client.server, err)
	}
	if _, err := l.socket.Write(frames); err != nil {
		return fmt.Errorf("client: write to %s: %w", l.client.server, err)
	}
	return nil
}

// read handles what comes until something is wrong.
func (l *link) read() error {
	for {
		if l.start > 0 {
			copy(l.in, l.in[l.start:l.end])
			l.end -= l.start
			l.start = 0
		}
		n, err := l.socket.Read(l.in[l.end:])
		l.end += n
		if n == 0 && err != nil {
			return fmt.Errorf("client: read from %s: %w", l.client.server, err)
		}
		l.received.Store(int64(time.Since(l.base)))
		replies, err := l.frames()
		if replies > 0 {
			l.client.mu.Lock()
			l.client.release(replies)
			l.client.mu.Unlock()
		}
		if err != nil {
			return err
		}
	}
}

// frames handles every whole frame that was read and makes room for the next.
func (l *link) frames() (replies int, err error) {
	for l.end-l.start >= 4 {
		length := int(int32(binary.BigEndian.Uint32(l.in[l.start:])))
		if length < wire.ReplyHeaderSize || length > l.client.config.ReplyBytesMax {
			return replies, fmt.Errorf("%w: a reply of %d bytes where %d to %d are allowed",
				ErrProtocol, length, wire.ReplyHeaderSize, l.client.config.ReplyBytesMax)
		}
		if l.end-l.start < 4+length {
			l.resize(4 + length)
			return replies, nil
		}
		frame := l.in[l.start+4 : l.start+4+length]
		l.start += 4 + length
		answered, err := l.frame(frame)
		if answered {
			replies++
		}
		if err != nil {
			return replies, err
		}
	}
	l.resize(readBufferBytes)
	return replies, nil
}

// resize makes the buffer large enough for one frame, or gives a large one back.
func (l *link) resize(need int) {
	need = max(need, readBufferBytes)
	if need > len(l.in) || need < len(l.in) && l.end-l.start <= need {
		in := make([]byte, need)
		l.end = copy(in, l.in[l.start:l.end])
		l.start = 0
		l.in = in
	}
}

// frame handles one frame; answered tells that a call got its result.
func (l *link) frame(frame []byte) (answered bool, err error) {
	d := wire.NewDecoder(frame)
	h := d.ReplyHeader()
	switch h.Xid {
	case wire.XidPing, wire.XidSetWatches:
		return false, nil
	case wire.XidNotification:
		return false, l.notification(h, d.Rest())
	case wire.XidAuth:
		return l.authReply(h)
	}
	k := l.next()
	if k != nil && k.xid == h.Xid {
		return true, l.reply(k, h, d.Rest())
	}
	err = fmt.Errorf("%w: an unexpected reply with xid %d", ErrProtocol, h.Xid)
	if k != nil {
		k.finish(Result{Err: fmt.Errorf("%w: %w", ErrConnectionLoss, err)})
	}
	return k != nil, err
}

// next takes the oldest call without reply, nil when there is none. Calls that
// wait for an auth reply are passed over: those come out of order.
func (l *link) next() *call {
	for i := l.answered; ; i++ {
		if i == len(l.inflight) && !l.fetch(&i) {
			return nil
		}
		if k := l.inflight[i]; k.xid != wire.XidAuth {
			return l.remove(i)
		}
	}
}

// nextAuth takes the oldest auth call.
func (l *link) nextAuth() *call {
	for i := l.answered; ; i++ {
		if i == len(l.inflight) && !l.fetch(&i) {
			return nil
		}
		if l.inflight[i].xid == wire.XidAuth {
			return l.remove(i)
		}
	}
}

// fetch gets the calls that were written meanwhile; it reports false when there
// are none. at is moved along when answered calls are dropped.
func (l *link) fetch(at *int) bool {
	n := copy(l.inflight, l.inflight[l.answered:])
	clear(l.inflight[n:])
	l.inflight = l.inflight[:n]
	*at -= l.answered
	l.answered = 0
	l.client.mu.Lock()
	l.inflight = l.client.queue.fetch(l.inflight)
	l.client.mu.Unlock()
	return *at < len(l.inflight)
}

// remove takes out the i-th call, in constant time when it is the oldest.
func (l *link) remove(i int) *call {
	k := l.inflight[i]
	copy(l.inflight[l.answered+1:i+1], l.inflight[l.answered:i])
	l.inflight[l.answered] = nil
	l.answered++
	return k
}

func (l *link) reply(k *call, h wire.ReplyHeader, body []byte) error {
	c := l.client
	if h.Zxid > 0 {
		c.lastSeen.Store(max(c.lastSeen.Load(), int64(h.Zxid)))
	}
	r := Result{Zxid: h.Zxid}
	if h.Err != wire.OK {
		r.Err = h.Err
	} else {
		var err error
		if r.Reply, err = wire.DecodeReply(k.op, body); err != nil {
			err = fmt.Errorf("%w: reply to %v: %w", ErrProtocol, k.op, err)
			k.finish(Result{Err: fmt.Errorf("%w: %w", ErrConnectionLoss, err)})
			return err
		}
		c.chroot.reply(k.op, &r.Reply)
	}
	c.watches.replied(k.op, k.outerPath, k.watch, k.kind, h.Err)
	k.finish(r)
	return nil
}

// authReply handles the reply to a credential: one of those every connection
// starts with, or that of a call.
func (l *link) authReply(h wire.ReplyHeader) (answered bool, err error) {
	c := l.client
	if l.authReplies > 0 {
		if h.Err != wire.OK {
			return false, errAuthRefused
		}
		if l.authReplies--; l.authReplies == 0 {
			c.ready()
		}
		return false, nil
	}
	k := l.nextAuth()
	if k == nil {
		return false, fmt.Errorf("%w: an unexpected reply to an auth request", ErrProtocol)
	}
	if h.Err != wire.OK {
		k.finish(Result{Err: h.Err})
		return true, nil
	}
	c.mu.Lock()
	c.auths = append(c.auths, *k.auth)
	c.mu.Unlock()
	k.finish(Result{})
	return true, nil
}

// notification hands on a watch event. One that OnEvent's queue has no room for
// leaves its watch in the table and breaks the connection, so that the server
// sends it again when the watch is set on the next one.
func (l *link) notification(h wire.ReplyHeader, body []byte) error {
	e, err := wire.DecodeWatcherEvent(body)
	if err != nil {
		return fmt.Errorf("%w: watch event: %w", ErrProtocol, err)
	}
	c := l.client
	if !c.events.add(Event{Type: e.Type, Path: c.chroot.inner(e.Path), Zxid: h.Zxid}) {
		return errEvents
	}
	c.watches.fired(e)
	return nil
}
