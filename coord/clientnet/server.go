package clientnet

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// ConnID is the number that the host gives a connection.
type ConnID uint32

// Host takes what connections bring.
type Host interface {
	// Open registers a connection; false when the server is stopping.
	Open(c *Conn, remote netip.AddrPort) (ConnID, bool)
	// Submit takes whole frames and owns their memory until it calls
	// Conn.Release.
	Submit(id ConnID, frames []byte)
	// Ready answers CallWhenSent.
	Ready(id ConnID)
	// Close is the last call for a connection.
	Close(id ConnID)
	// Word answers a four-letter word, which its argument may follow; nil closes
	// without an answer.
	Word(id ConnID, word string) []byte
}

// Counter hears of refused input.
type Counter interface {
	// Refused counts one connection or frame that was refused, by kind: one of
	// the Refused constants.
	Refused(kind string)
}

// Kinds of refused input.
const (
	RefusedTooMany     = "too_many_connections"
	RefusedTooManyHost = "too_many_connections_from_address"
	RefusedFrame       = "frame_length"
	RefusedHTTP        = "http"
	RefusedTLS         = "tls_on_plain_port"
	RefusedSSH         = "ssh"
	RefusedNoHandshake = "no_handshake"
	RefusedSlowReader  = "slow_reader"
	RefusedLarge       = "large_requests"
)

// Limits bound what clients can make the server hold.
type Limits struct {
	Frame           int           // longest frame in bytes (jute.maxbuffer)
	Connections     int           // in total; 0: none (maxCnxns)
	PerAddress      int           // from one address; 0: none (maxClientCnxns)
	HandshakeWithin time.Duration // a connection without session ends after it
	// LargeFrame is the length from which a frame counts as large, 0 or less:
	// none does; LargeFrames is how many bytes of large frames may be with the
	// host at once before their connection is closed (largeRequestThreshold and
	// largeRequestMaxBytes). Frames that fit one read never count.
	LargeFrame  int
	LargeFrames int64
	// Unsent is how many bytes of replies and events may wait for a client that
	// does not read before it is cut off. From an eighth of it on no further
	// request is read.
	Unsent int
}

// DefaultUnsent is the default of Limits.Unsent: 64 MiB.
const DefaultUnsent = 64 << 20

// Options are what a server needs to know.
type Options struct {
	Limits    Limits
	KeepAlive bool
	Log       *slog.Logger
	Counter   Counter
	// IsWord tells whether the first four bytes of a connection are a known
	// four-letter word.
	IsWord func([4]byte) bool
	// WordArgument is how many bytes of argument follow a word.
	WordArgument func(word string) int
}

// Server accepts connections for one host on any number of listeners.
type Server struct {
	options Options
	host    Host
	log     *throttledLog
	buffers sync.Pool    // of *[readBytes]byte
	large   atomic.Int64 // bytes of large frames with the host
	linger  time.Duration

	mu       sync.Mutex // guards the rest
	conns    map[*Conn]struct{}
	open     int // admitted
	byAddr   map[netip.Addr]int
	stopping bool
	tasks    sync.WaitGroup
}

// NewServer returns a server without listeners.
func NewServer(h Host, o Options) *Server {
	if o.Limits.Unsent <= 0 {
		o.Limits.Unsent = DefaultUnsent
	}
	return &Server{
		options: o, host: h, log: newThrottledLog(o.Log), linger: lingerTime,
		buffers: sync.Pool{New: func() any { return new([readBytes]byte) }},
		conns:   make(map[*Conn]struct{}), byAddr: make(map[netip.Addr]int),
	}
}

// Serve accepts connections until ctx ends or the listener fails, then closes
// the listener. Connections live on until Close.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	stop := context.AfterFunc(ctx, func() { _ = l.Close() })
	defer stop()
	pause := time.Duration(0)
	for {
		nc, err := l.Accept()
		switch {
		case err == nil:
			pause = 0
			s.accept(nc)
		case ctx.Err() != nil:
			return nil
		case temporary(err):
			// Out of file descriptors: those that are open must be able to end.
			pause = min(max(2*pause, 5*time.Millisecond), time.Second)
			s.log.warn("cannot accept connections; is the limit of open files too low?", "error", err)
			select {
			case <-ctx.Done():
			case <-time.After(pause):
			}
		default:
			return fmt.Errorf("clientnet: accept on %s: %w", l.Addr(), err)
		}
	}
}

func temporary(err error) bool {
	for _, e := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.ECONNABORTED} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// accept starts a connection, or closes it at once when a limit is reached.
func (s *Server) accept(nc net.Conn) {
	remote := remoteOf(nc)
	if kind := s.admit(remote.Addr()); kind != "" {
		s.refuse(kind, "connection refused: too many are open", "client", remote.String(), "limit", kind)
		_ = nc.Close()
		return
	}
	if tc, ok := nc.(*net.TCPConn); ok {
		_ = tc.SetKeepAlive(s.options.KeepAlive)
	}
	c := newConn(s, nc, remote)
	id, ok := s.host.Open(c, remote)
	if !ok {
		s.release(remote.Addr())
		_ = nc.Close()
		return
	}
	c.id = id
	if !s.start(c) {
		s.host.Close(id)
		s.release(remote.Addr())
		_ = nc.Close()
	}
}

// start runs the connection's reader; false when the server is closing, which
// would not wait for it.
func (s *Server) start(c *Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping {
		return false
	}
	s.conns[c] = struct{}{}
	s.tasks.Go(c.run)
	return true
}

func remoteOf(nc net.Conn) netip.AddrPort {
	if a, ok := nc.RemoteAddr().(*net.TCPAddr); ok {
		p := a.AddrPort()
		return netip.AddrPortFrom(p.Addr().Unmap(), p.Port())
	}
	return netip.AddrPort{}
}

// admit counts a new connection in; it returns which limit forbids it.
func (s *Server) admit(a netip.Addr) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.options.Limits.Connections > 0 && s.open >= s.options.Limits.Connections:
		return RefusedTooMany
	case s.options.Limits.PerAddress > 0 && s.byAddr[a] >= s.options.Limits.PerAddress:
		return RefusedTooManyHost
	}
	s.open++
	s.byAddr[a]++
	return ""
}

func (s *Server) release(a netip.Addr) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open--
	if s.byAddr[a]--; s.byAddr[a] <= 0 {
		delete(s.byAddr, a)
	}
}

func (s *Server) forget(c *Conn) {
	s.release(c.remote.Addr())
	s.mu.Lock()
	delete(s.conns, c)
	s.mu.Unlock()
}

func (s *Server) refuse(kind, text string, args ...any) {
	if s.options.Counter != nil {
		s.options.Counter.Refused(kind)
	}
	s.log.warn(text, args...)
}

// Close ends all connections and waits for their goroutines. Those that have
// been sent their last bytes get a moment to deliver them.
func (s *Server) Close() {
	s.mu.Lock()
	s.stopping = true
	conns := make([]*Conn, 0, len(s.conns))
	for c := range s.conns {
		conns = append(conns, c)
	}
	s.mu.Unlock()
	for _, c := range conns {
		c.end()
	}
	s.tasks.Wait()
}
