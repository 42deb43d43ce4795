package secure

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"kafkacoord/coord/wire"
)

// ListenerOptions say how client connections are secured.
type ListenerOptions struct {
	// Keys are those of the ClientFamily.
	Keys *Keys
	// Unified lets plain connections through (client.portUnification); without
	// it the port speaks TLS only (secureClientPort).
	Unified bool
	// HandshakesMax bounds the handshakes under way; 0 or less = no bound
	// (netty.server.outstandingHandshake.limit). One more fails at once.
	HandshakesMax int
	// Identify gives the identities of a verified client certificate; nil = none.
	Identify func(*x509.Certificate) []wire.ID
}

// Listener accepts connections that secure themselves when they are first read,
// so that a slow handshake holds up only its own reader.
type Listener struct {
	net.Listener
	options    ListenerOptions
	server     *tls.Config
	handshakes atomic.Int64
}

// Listen wraps a listener. It fails without a key store.
func Listen(l net.Listener, o ListenerOptions) (*Listener, error) {
	server, err := o.Keys.Server()
	if err != nil {
		return nil, err
	}
	return &Listener{Listener: l, options: o, server: server}, nil
}

// Accept returns a *ClientConn at once; nothing was read of it.
func (l *Listener) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &ClientConn{listener: l, socket: nc}, nil
}

// Handshakes is how many are under way (metric outstanding_tls_handshake).
func (l *Listener) Handshakes() int { return int(l.handshakes.Load()) }

// ClientConn is a client's connection, TLS or plain. The first Read or Write finds
// out which and does the handshake, within the deadlines of the connection; when
// that fails, it and all later ones return the same *HandshakeError. One reader
// and one writer may use it at once.
type ClientConn struct {
	listener *Listener
	socket   net.Conn

	settling sync.Mutex // held during the handshake
	settled  bool
	failure  error
	stream   atomic.Pointer[stream] // nil before the handshake
}

// stream is what the bytes of the protocol go through.
type stream struct {
	net.Conn
	ids    []wire.ID
	secure bool
}

// settle does what the first use has to do.
func (c *ClientConn) settle() (*stream, error) {
	if s := c.stream.Load(); s != nil {
		return s, nil
	}
	c.settling.Lock()
	defer c.settling.Unlock()
	if !c.settled {
		c.settled = true
		s, err := c.begin()
		if err != nil {
			c.failure = err
			return nil, err
		}
		c.stream.Store(s)
	}
	return c.stream.Load(), c.failure
}

func (c *ClientConn) begin() (*stream, error) {
	nc := c.socket
	if c.listener.options.Unified {
		yes, whole, err := sniff(nc)
		if err != nil && len(whole.first) == 0 {
			return nil, err
		}
		if !yes {
			return &stream{Conn: whole}, nil
		}
		nc = whole
	}
	under := c.listener.handshakes.Add(1)
	defer c.listener.handshakes.Add(-1)
	if limit := c.listener.options.HandshakesMax; limit > 0 && under > int64(limit) {
		return nil, handshakeError(errTooManyHandshakes)
	}
	secured := tls.Server(nc, c.listener.server)
	if err := secured.Handshake(); err != nil {
		return nil, handshakeError(err)
	}
	s := &stream{Conn: secured, secure: true}
	if shown := secured.ConnectionState().PeerCertificates; len(shown) > 0 && c.listener.options.Identify != nil {
		s.ids = c.listener.options.Identify(shown[0])
	}
	return s, nil
}

// Identities are what the client's certificate proves: known once a Read has
// returned bytes, nil before and without certificate.
func (c *ClientConn) Identities() []wire.ID {
	if s := c.stream.Load(); s != nil {
		return s.ids
	}
	return nil
}

// Encrypted tells whether the connection turned out to be TLS.
func (c *ClientConn) Encrypted() bool {
	s := c.stream.Load()
	return s != nil && s.secure
}

// Read reads bytes of the protocol.
func (c *ClientConn) Read(p []byte) (int, error) {
	s, err := c.settle()
	if err != nil {
		return 0, err
	}
	return s.Read(p)
}

// Write writes bytes of the protocol.
func (c *ClientConn) Write(p []byte) (int, error) {
	s, err := c.settle()
	if err != nil {
		return 0, err
	}
	return s.Write(p)
}

// Close ends the connection; a handshake under way fails.
func (c *ClientConn) Close() error {
	if s := c.stream.Load(); s != nil {
		return s.Close()
	}
	return c.socket.Close()
}

// CloseWrite tells the client that nothing more will come, and goes on reading.
func (c *ClientConn) CloseWrite() error {
	var nc net.Conn = c.socket
	if s := c.stream.Load(); s != nil && s.secure {
		nc = s.Conn
	}
	if half, ok := nc.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

// LocalAddr is that of the socket.
func (c *ClientConn) LocalAddr() net.Addr { return c.socket.LocalAddr() }

// RemoteAddr is that of the socket.
func (c *ClientConn) RemoteAddr() net.Addr { return c.socket.RemoteAddr() }

// SetDeadline limits reads, writes and the handshake.
func (c *ClientConn) SetDeadline(t time.Time) error { return c.socket.SetDeadline(t) }

// SetReadDeadline limits reads and the handshake.
func (c *ClientConn) SetReadDeadline(t time.Time) error { return c.socket.SetReadDeadline(t) }

// SetWriteDeadline limits writes and the handshake.
func (c *ClientConn) SetWriteDeadline(t time.Time) error { return c.socket.SetWriteDeadline(t) }
