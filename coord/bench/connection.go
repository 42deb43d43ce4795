package bench

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"kafkacoord/coord/wire"
)

// ErrProtocol says that the server sent something that no ZooKeeper sends.
var ErrProtocol = errors.New("bench: the server broke the protocol")

// ErrRefused says that the server did not open a session.
var ErrRefused = errors.New("bench: the server refused the session")

const (
	// readBufferBytes is what one socket read may bring. Bodies that are
	// larger are skipped piece by piece and need not fit.
	readBufferBytes = 64 << 10
	// replyHead is what has to be seen of a reply: its length and header.
	replyHead = 4 + wire.ReplyHeaderSize
	// connectResponseMax is the most a connect response can take: 37 bytes.
	connectResponseMax = 64
)

// connection is one session on one socket, used by one goroutine.
type connection struct {
	socket  net.Conn
	release func() bool // stops watching the context

	in         []byte // what was read and not looked at is in[start:end]
	start, end int
	skip       int // bytes of a reply's body that are still to come
	out        []byte

	xid      int32 // of the last request sent
	answered int32 // xid of the last reply
}

// connect opens a socket and a new session, the i-th of its kind. When ctx ends,
// all reads and writes of the connection fail.
func connect(ctx context.Context, o *Options, i int) (*connection, error) {
	address := o.address(i)
	socket, err := o.Dial(ctx, address)
	if err != nil {
		return nil, fmt.Errorf("bench: connect to %s: %w", address, err)
	}
	c := &connection{socket: socket, in: make([]byte, readBufferBytes)}
	c.release = context.AfterFunc(ctx, func() { _ = socket.SetDeadline(time.Unix(1, 0)) })
	if err := c.handshake(o.SessionTimeout); err != nil {
		c.discard()
		return nil, fmt.Errorf("bench: open a session at %s: %w", address, errors.Join(err, context.Cause(ctx)))
	}
	return c, nil
}

func (c *connection) handshake(timeout time.Duration) error {
	frame, mark := wire.BeginFrame(nil)
	frame = wire.AppendConnectRequest(frame, &wire.ConnectRequest{
		Timeout:     int32(timeout.Milliseconds()),
		Password:    make([]byte, wire.PasswordSize),
		HasReadOnly: true,
	})
	if _, err := c.socket.Write(wire.EndFrame(frame, mark)); err != nil {
		return err
	}
	var length [4]byte
	if _, err := io.ReadFull(c.socket, length[:]); err != nil {
		return err
	}
	n := binary.BigEndian.Uint32(length[:])
	if n > connectResponseMax {
		return fmt.Errorf("%w: a connect response of %d bytes", ErrProtocol, n)
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(c.socket, body); err != nil {
		return err
	}
	response, err := wire.DecodeConnectResponse(body)
	if err != nil {
		return err
	}
	if response.Timeout <= 0 {
		return ErrRefused
	}
	return nil
}

// nextXid numbers the next request; after the largest comes 1 again, as
// ZooKeeper's own client does it.
func nextXid(xid int32) int32 {
	if xid++; xid <= 0 {
		return 1
	}
	return xid
}

// fill reads what the socket has, at least one byte.
func (c *connection) fill() error {
	if c.start > 0 {
		copy(c.in, c.in[c.start:c.end])
		c.end -= c.start
		c.start = 0
	}
	n, err := c.socket.Read(c.in[c.end:])
	c.end += n
	if n > 0 {
		return nil
	}
	if err == nil {
		err = io.ErrNoProgress
	}
	return fmt.Errorf("bench: read from %s: %w", c.socket.RemoteAddr(), err)
}

// reply takes the next reply out of what was read. It reports false when more
// has to be read first. Replies have to come in the order of the requests.
//
// body is what is there of the body: all of it when whole is set, else whatever
// came with the header. It is valid until the next fill.
func (c *connection) reply(whole bool) (h wire.ReplyHeader, body []byte, ok bool, err error) {
	if c.skip > 0 {
		n := min(c.skip, c.end-c.start)
		c.start += n
		if c.skip -= n; c.skip > 0 {
			return h, nil, false, nil
		}
	}
	buffered := c.in[c.start:c.end]
	if len(buffered) < replyHead {
		return h, nil, false, nil
	}
	length := int(int32(binary.BigEndian.Uint32(buffered)))
	if length < wire.ReplyHeaderSize {
		return h, nil, false, fmt.Errorf("%w: a reply of %d bytes", ErrProtocol, length)
	}
	if whole && 4+length > len(buffered) {
		if 4+length > len(c.in) {
			return h, nil, false, fmt.Errorf("%w: a reply of %d bytes where %d are enough", ErrProtocol, length, len(c.in))
		}
		return h, nil, false, nil
	}
	h.Xid = int32(binary.BigEndian.Uint32(buffered[4:]))
	h.Zxid = wire.Zxid(binary.BigEndian.Uint64(buffered[8:]))
	h.Err = wire.Code(binary.BigEndian.Uint32(buffered[16:]))
	n := min(4+length, len(buffered))
	c.start += n
	c.skip = 4 + length - n
	if h.Xid > 0 {
		if c.answered = nextXid(c.answered); h.Xid != c.answered {
			return h, nil, false, fmt.Errorf("%w: reply %d where %d was next", ErrProtocol, h.Xid, c.answered)
		}
	}
	return h, buffered[replyHead:n], true, nil
}

// flush writes all of out at once.
func (c *connection) flush() error {
	if _, err := c.socket.Write(c.out); err != nil {
		return fmt.Errorf("bench: write to %s: %w", c.socket.RemoteAddr(), err)
	}
	c.out = c.out[:0]
	return nil
}

// call sends one request and waits for its reply, skipping notifications. The
// reply has to fit the read buffer.
func (c *connection) call(r *wire.Request) (wire.ReplyHeader, error) {
	c.xid = nextXid(c.xid)
	c.out = wire.AppendRequestFrame(c.out[:0], c.xid, r)
	if err := c.flush(); err != nil {
		return wire.ReplyHeader{}, err
	}
	return c.await(func(h wire.ReplyHeader) bool { return h.Xid > 0 })
}

// await reads until a reply that wanted accepts.
func (c *connection) await(wanted func(wire.ReplyHeader) bool) (wire.ReplyHeader, error) {
	for {
		h, _, ok, err := c.reply(false)
		switch {
		case err != nil:
			return h, err
		case ok && wanted(h):
			return h, nil
		case ok:
			continue
		}
		if err := c.fill(); err != nil {
			return h, err
		}
	}
}

// close ends the session, so that the server need not wait for its expiry, and
// closes the socket.
func (c *connection) close() error {
	defer c.discard()
	_, err := c.call(&wire.Request{Op: wire.OpCloseSession})
	return err
}

// discard closes the socket alone.
func (c *connection) discard() {
	c.release()
	_ = c.socket.Close()
}
