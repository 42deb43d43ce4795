package clientnet

import (
	"net"
	"syscall"
	"time"
)

// sendWithin bounds how long a blocked write may take before the client counts
// as dead.
const sendWithin = 60 * time.Second

// sendBytes is what the writer hands to the socket at once: small enough for a
// slow client to take within sendWithin.
const sendBytes = 256 << 10

// Send writes b without blocking; what the socket does not take waits for a
// writer. With last, the connection ends after it. It keeps nothing of b.
func (c *Conn) Send(b []byte, last bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.broken || c.last {
		return
	}
	c.last = last
	if len(b) > 0 && !c.writing {
		n := c.tryWrite(b)
		b = b[n:]
	}
	switch {
	case len(b) > 0:
		c.enqueue(b)
	case last && !c.writing:
		c.finish()
	}
}

// tryWrite writes what the socket takes at once and returns how much that was.
func (c *Conn) tryWrite(b []byte) (n int) {
	if c.raw == nil {
		return 0
	}
	var failure error
	err := c.raw.Write(func(fd uintptr) bool {
		for n < len(b) {
			m, err := syscall.Write(int(fd), b[n:])
			if err == syscall.EINTR {
				continue
			}
			if err != nil {
				failure = err
				return true
			}
			n += m
		}
		return true
	})
	if err != nil || failure != nil && failure != syscall.EAGAIN {
		c.broken = true
		c.abort()
		return len(b)
	}
	return n
}

// enqueue keeps bytes for the writer and starts it. The caller holds mu.
func (c *Conn) enqueue(b []byte) {
	if c.backlog()+len(b) > c.server.options.Limits.Unsent {
		c.broken = true
		c.server.refuse(RefusedSlowReader, "closing connection: the client does not read its replies",
			"client", c.remote.String(), "unsent", c.backlog())
		c.abort()
		return
	}
	c.unsent = append(c.unsent, b...)
	if !c.writing {
		c.writing = true
		c.server.tasks.Go(c.write)
	}
}

// write is the writer: it ends when nothing is left.
func (c *Conn) write() {
	var batch, rest []byte
	for c.more(&batch, &rest) {
		chunk := rest[:min(len(rest), sendBytes)]
		rest = rest[len(chunk):]
		_ = c.nc.SetWriteDeadline(time.Now().Add(sendWithin))
		if _, err := c.nc.Write(chunk); err != nil {
			c.mu.Lock()
			c.broken = true
			c.mu.Unlock()
			c.abort()
		}
		_ = c.nc.SetWriteDeadline(time.Time{})
	}
}

// more gives the writer what has gathered once the rest of its batch is sent,
// and lets the reader go on when the backlog is small. It returns false when
// the writer must end.
func (c *Conn) more(batch, rest *[]byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(*rest) == 0 {
		*batch, c.unsent = c.unsent, (*batch)[:0]
		*rest = *batch
	}
	c.sending = len(*rest)
	if c.held && !c.backlogged() {
		c.held = false
		c.idle <- struct{}{}
	}
	if c.asked && !c.backlogged() {
		c.asked = false
		c.server.host.Ready(c.id)
	}
	if len(*rest) > 0 && !c.broken {
		return true
	}
	c.writing = false
	c.unsent, c.sending = nil, 0 // a connection at rest holds no memory
	if c.last && !c.broken {
		c.finish()
	}
	return false
}

// backlog is how many bytes wait for the client. The caller holds mu.
func (c *Conn) backlog() int { return len(c.unsent) + c.sending }

// backlogged tells whether so much is unsent that no more requests should be
// read. The caller holds mu.
func (c *Conn) backlogged() bool { return c.backlog() > c.server.options.Limits.Unsent/8 }

// finish ends the sending side and lets the reader linger.
func (c *Conn) finish() {
	tc, ok := c.nc.(*net.TCPConn)
	if !ok {
		c.abort()
		return
	}
	if c.lingered.Swap(true) {
		return
	}
	close(c.done) // the reader may wait for a release that will not come
	_ = tc.CloseWrite()
	_ = c.nc.SetReadDeadline(time.Now().Add(c.server.linger))
	time.AfterFunc(c.server.linger, c.abort)
}

// CallWhenSent calls the host's Ready once little waits for the client.
func (c *Conn) CallWhenSent() {
	c.mu.Lock()
	c.asked = c.writing && c.backlogged() && !c.broken
	now := !c.asked
	c.mu.Unlock()
	if now {
		c.server.host.Ready(c.id)
	}
}

// Release takes the batch submitted last back and lets the reader submit the
// next, once the client has read enough of its replies.
func (c *Conn) Release() {
	if c.lent != nil {
		c.server.buffers.Put(c.lent)
		c.lent = nil
	}
	if c.big > 0 {
		c.server.large.Add(-c.big)
		c.big = 0
	}
	c.mu.Lock()
	hold := c.writing && c.backlogged() && !c.broken
	c.held = hold
	c.mu.Unlock()
	if !hold {
		c.idle <- struct{}{}
	}
}
