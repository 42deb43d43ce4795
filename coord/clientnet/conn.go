package clientnet

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	// readBytes is what one read of a socket takes at most.
	readBytes = 16 << 10
	// lingerTime is how long a connection that the server ends goes on reading,
	// so that its last replies are not lost to a reset.
	lingerTime = time.Second
	// lingerBytes bounds what is read meanwhile.
	lingerBytes = 4 << 20
)

// Conn is one client connection.
type Conn struct {
	server *Server
	nc     net.Conn
	raw    syscall.RawConn // nil where the socket cannot be read directly (TLS)
	remote netip.AddrPort
	id     ConnID

	// Reader's own.
	started bool // the first frame was submitted
	partial []byte
	buffer  *[readBytes]byte

	// idle holds a token when no batch is with the host.
	idle chan struct{}
	gone chan struct{} // closed by abort
	done chan struct{} // closed by finish: the host will take nothing more
	lent *[readBytes]byte
	big  int64 // bytes of the large frame that is lent

	mu       sync.Mutex // guards the rest
	unsent   []byte
	sending  int  // bytes that the writer has taken out of unsent and not yet sent
	writing  bool // a writer goroutine is at work
	last     bool // the connection ends after unsent
	broken   bool
	asked    bool // CallWhenSent came while too much was unsent
	held     bool // Release came while too much was unsent
	lingered atomic.Bool
	aborted  sync.Once
}

func newConn(s *Server, nc net.Conn, remote netip.AddrPort) *Conn {
	c := &Conn{server: s, nc: nc, remote: remote, idle: make(chan struct{}, 1), gone: make(chan struct{}), done: make(chan struct{})}
	c.idle <- struct{}{}
	if sc, ok := nc.(*net.TCPConn); ok {
		if raw, err := sc.SyscallConn(); err == nil {
			c.raw = raw
		}
	}
	return c
}

// abort ends the connection at once.
func (c *Conn) abort() {
	c.aborted.Do(func() {
		close(c.gone)
		_ = c.nc.Close()
	})
}

// end ends the connection: at once, or a moment later if its last bytes are on
// their way.
func (c *Conn) end() {
	c.mu.Lock()
	delivering := (c.last || c.lingered.Load()) && !c.broken
	c.mu.Unlock()
	if !delivering {
		c.abort()
		return
	}
	time.AfterFunc(c.server.linger, c.abort)
}

// run is the reader.
func (c *Conn) run() {
	if d := c.server.options.Limits.HandshakeWithin; d > 0 {
		_ = c.nc.SetReadDeadline(time.Now().Add(d))
	}
	err := c.read()
	if errors.Is(err, os.ErrDeadlineExceeded) && !c.started {
		c.server.refuse(RefusedNoHandshake, "closing connection: no session was opened in time", "client", c.remote.String())
	}
	if c.lingered.Load() {
		c.linger()
	}
	c.abort()
	c.putBuffer()
	c.mu.Lock()
	c.broken = true // no writer may start any more
	c.mu.Unlock()
	c.server.host.Close(c.id)
	c.server.forget(c)
}

// read takes what comes until the connection ends.
func (c *Conn) read() error {
	for {
		n, err := c.fill()
		if err != nil {
			return err
		}
		if c.lingered.Load() {
			return nil
		}
		data := c.buffer[:n]
		if !c.started {
			if answered, err := c.greet(data); answered || err != nil {
				return err
			}
		}
		whole, need, err := c.cut(data)
		if err != nil {
			return err
		}
		rest := data[whole:]
		if whole == 0 && need > readBytes {
			if err := c.readLarge(rest, need); err != nil {
				return err
			}
			continue
		}
		c.partial = append(c.partial[:0], rest...)
		if whole > 0 {
			buffer := c.buffer
			c.buffer = nil
			if !c.submit(data[:whole], buffer) {
				return net.ErrClosed
			}
		} else {
			c.putBuffer()
		}
	}
}

// fill reads into a buffer that begins with the incomplete frame of before. The
// buffer is taken only when there is something to read.
func (c *Conn) fill() (int, error) {
	if c.raw == nil {
		c.takeBuffer()
		kept := copy(c.buffer[:], c.partial)
		n, err := c.nc.Read(c.buffer[kept:])
		if n == 0 && err != nil {
			return 0, err
		}
		return kept + n, nil
	}
	var n, kept int
	var readErr error
	err := c.raw.Read(func(fd uintptr) bool {
		c.takeBuffer()
		kept = copy(c.buffer[:], c.partial)
		for {
			n, readErr = syscall.Read(int(fd), c.buffer[kept:])
			if readErr != syscall.EINTR {
				break
			}
		}
		if readErr == syscall.EAGAIN {
			c.putBuffer()
			return false
		}
		return true
	})
	switch {
	case err != nil:
		return 0, err
	case readErr != nil:
		return 0, os.NewSyscallError("read", readErr)
	case n == 0:
		return 0, io.EOF
	}
	return kept + n, nil
}

func (c *Conn) takeBuffer() {
	if c.buffer == nil {
		c.buffer = c.server.buffers.Get().(*[readBytes]byte)
	}
}

func (c *Conn) putBuffer() {
	if c.buffer != nil {
		c.server.buffers.Put(c.buffer)
		c.buffer = nil
	}
}

// greet looks at the first bytes of a connection: a four-letter word is
// answered; it is consumed as such before it could be a length.
func (c *Conn) greet(data []byte) (answered bool, err error) {
	if len(data) < 4 {
		return false, nil
	}
	word := [4]byte(data)
	if !c.server.options.IsWord(word) {
		return false, nil
	}
	length := 4 + c.server.options.WordArgument(string(word[:]))
	if len(data) < length {
		rest := make([]byte, length-len(data))
		_, err := io.ReadFull(c.nc, rest)
		if err != nil {
			return true, err
		}
		data = append(data[:len(data):len(data)], rest...)
	}
	if reply := c.server.host.Word(c.id, string(data[:length])); reply != nil {
		_ = c.nc.SetWriteDeadline(time.Now().Add(10 * time.Second))
		_, err = c.nc.Write(reply)
	}
	c.finish()
	return true, err
}

// cut returns the length of the whole frames that data begins with, and the
// length with prefix of the frame after them.
func (c *Conn) cut(data []byte) (whole, need int, err error) {
	for {
		rest := data[whole:]
		if len(rest) < 4 {
			return whole, 4, nil
		}
		length := int(int32(binary.BigEndian.Uint32(rest)))
		if length < 0 || length > c.server.options.Limits.Frame {
			c.refuseLength(rest, length)
			if whole > 0 { // what came before it is in order
				buffer := c.buffer
				c.buffer = nil
				c.submit(data[:whole], buffer)
				c.await()
			}
			return 0, 0, errBadLength
		}
		if len(rest) < 4+length {
			return whole, 4 + length, nil
		}
		whole += 4 + length
	}
}

var errTooLarge = errors.New("clientnet: too many large requests")

var errBadLength = errors.New("clientnet: frame length out of range")

// readLarge reads one frame that does not fit the buffer.
func (c *Conn) readLarge(have []byte, need int) error {
	// Grow with what arrives: a length alone must not cost memory.
	frame := append(make([]byte, 0, min(need, 4*readBytes)), have...)
	c.putBuffer()
	c.partial = c.partial[:0]
	for len(frame) < need {
		if len(frame) == cap(frame) {
			frame = append(make([]byte, 0, min(need, 2*cap(frame))), frame...)
		}
		n, err := c.nc.Read(frame[len(frame):cap(frame)])
		frame = frame[:len(frame)+n]
		if n == 0 && err != nil {
			return err
		}
	}
	if !c.await() {
		return net.ErrClosed
	}
	if limit := &c.server.options.Limits; limit.LargeFrame > 0 && need > limit.LargeFrame {
		if c.server.large.Add(int64(need)) > limit.LargeFrames {
			c.server.large.Add(-int64(need))
			c.server.refuse(RefusedLarge, "closing connection: too many large requests at once",
				"client", c.remote.String(), "length", need)
			return errTooLarge
		}
		c.big = int64(need)
	}
	if !c.submit(frame, nil) {
		return net.ErrClosed
	}
	return nil
}

// submit hands frames to the host once it has released the batch before.
func (c *Conn) submit(frames []byte, buffer *[readBytes]byte) bool {
	select {
	case <-c.idle:
	default:
		if !c.await() {
			return false
		}
		<-c.idle
	}
	if !c.started {
		c.started = true
		_ = c.nc.SetReadDeadline(time.Time{})
	}
	c.lent = buffer
	c.server.host.Submit(c.id, frames)
	return true
}

// await waits until the host has released the batch submitted last.
func (c *Conn) await() bool {
	select {
	case <-c.idle:
		c.idle <- struct{}{}
		return true
	case <-c.done:
		return false
	case <-c.gone:
		return false
	}
}

// linger reads on for a moment after the server ended the connection: closing a
// socket with unread input would reset it and could destroy the last reply.
func (c *Conn) linger() {
	c.takeBuffer()
	for total := 0; total < lingerBytes; {
		n, err := c.nc.Read(c.buffer[:])
		if err != nil {
			return
		}
		total += n
	}
}
