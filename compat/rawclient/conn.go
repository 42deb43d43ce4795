package rawclient

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"kafkacoord/coord/wire"
)

// DefaultTimeout is how long Dial, Recv and the calls built on them wait for
// the server unless Conn.Timeout says otherwise.
const DefaultTimeout = 10 * time.Second

// replyBytesMax bounds the frames that Recv accepts. ZooKeeper does not limit
// its replies; no test asks for one near this size.
const replyBytesMax = 64 << 20

var (
	// ErrClosed says that the server closed the connection.
	ErrClosed = errors.New("closed by the server")
	// ErrTimeout says that nothing (more) came in time.
	ErrTimeout = errors.New("no answer in time")
	// ErrFrameLength says that the server sent an impossible frame length.
	ErrFrameLength = errors.New("impossible frame length from the server")
)

// Conn is one connection to a server. Make it with Dial.
type Conn struct {
	// Timeout bounds each read; a change holds from the next read on.
	Timeout time.Duration

	conn   net.Conn
	reader *bufio.Reader
	out    []byte
}

// Dial opens a TCP connection and sends nothing.
func Dial(addr string) (*Conn, error) {
	conn, err := net.DialTimeout("tcp", addr, DefaultTimeout)
	if err != nil {
		return nil, fmt.Errorf("rawclient: dial %s: %w", addr, err)
	}
	return New(conn), nil
}

// New makes a client of an open connection, for example a TLS one.
func New(conn net.Conn) *Conn {
	return &Conn{Timeout: DefaultTimeout, conn: conn, reader: bufio.NewReaderSize(conn, 32<<10)}
}

// Close closes the connection without a word to the server; the session lives on.
func (c *Conn) Close() error { return c.conn.Close() }

// LocalAddr is the client's end of the connection.
func (c *Conn) LocalAddr() net.Addr { return c.conn.LocalAddr() }

// SendBytes writes b as it is. A connection that the server closed may take
// the bytes without an error: only a read tells.
func (c *Conn) SendBytes(b []byte) error {
	if err := c.conn.SetWriteDeadline(time.Now().Add(c.Timeout)); err != nil {
		return c.failed("send to", err)
	}
	if _, err := c.conn.Write(b); err != nil {
		return c.failed("send to", err)
	}
	return nil
}

// SendFrame writes payload behind its length.
func (c *Conn) SendFrame(payload []byte) error {
	c.out = wire.AppendInt(c.out[:0], int32(len(payload)))
	c.out = append(c.out, payload...)
	return c.SendBytes(c.out)
}

// Send writes one request frame with any xid, operation and body.
func (c *Conn) Send(xid int32, op wire.Op, body []byte) error {
	c.out = AppendFrame(c.out[:0], xid, op, body)
	return c.SendBytes(c.out)
}

// AppendFrame appends a request frame with any xid, operation and body to dst,
// for pipelining.
func AppendFrame(dst []byte, xid int32, op wire.Op, body []byte) []byte {
	dst = wire.AppendInt(dst, int32(wire.RequestHeaderSize+len(body)))
	dst = wire.AppendInt(dst, xid)
	dst = wire.AppendInt(dst, int32(op))
	return append(dst, body...)
}

// RecvPayload reads one frame and returns what stands behind its length. The
// slice belongs to the caller.
func (c *Conn) RecvPayload() ([]byte, error) {
	if err := c.conn.SetReadDeadline(time.Now().Add(c.Timeout)); err != nil {
		return nil, c.failed("read from", err)
	}
	var prefix [4]byte
	if _, err := io.ReadFull(c.reader, prefix[:]); err != nil {
		return nil, c.failed("read from", err)
	}
	n := binary.BigEndian.Uint32(prefix[:])
	if n > replyBytesMax {
		return nil, fmt.Errorf("rawclient: read from %s: %w: %d", c.conn.RemoteAddr(), ErrFrameLength, int32(n))
	}
	payload := make([]byte, n)
	if _, err := io.ReadFull(c.reader, payload); err != nil {
		return nil, c.failed("read from", err)
	}
	return payload, nil
}

// ReadAll returns everything the server sends until it closes the connection.
func (c *Conn) ReadAll() ([]byte, error) {
	if err := c.conn.SetReadDeadline(time.Now().Add(c.Timeout)); err != nil {
		return nil, c.failed("read from", err)
	}
	b, err := io.ReadAll(io.LimitReader(c.reader, replyBytesMax))
	if err != nil {
		if err = c.failed("read from", err); errors.Is(err, ErrClosed) {
			return b, nil
		}
		return b, err
	}
	return b, nil
}

// failed translates a socket error into one of this package's.
func (c *Conn) failed(action string, err error) error {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		err = fmt.Errorf("%w (%v)", ErrTimeout, c.Timeout)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF),
		errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		err = fmt.Errorf("%w (%v)", ErrClosed, err)
	}
	return fmt.Errorf("rawclient: %s %s: %w", action, c.conn.RemoteAddr(), err)
}
