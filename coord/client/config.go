package client

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"kafkacoord/coord/wire"
)

// Defaults of Config.
const (
	DefaultSessionTimeout = 30 * time.Second
	DefaultOutstandingMax = 10_000
	DefaultQueueBytesMax  = 64 << 20
	DefaultReplyBytesMax  = 64 << 20
	DefaultEventQueueMax  = 100_000
)

// ErrConfig says that Config has a value that Dial does not take.
var ErrConfig = errors.New("client: bad configuration")

// Auth is a credential, as addauth takes it: for the digest scheme, Data is
// user:password.
type Auth struct {
	Scheme string
	Data   []byte
}

// Session names a session and proves its ownership. With it another client can
// take the session over.
type Session struct {
	ID       wire.SessionID
	Password []byte
	// Timeout is what the server has granted.
	Timeout time.Duration
}

// Config says where and how to connect. Only Servers must be set.
type Config struct {
	// Servers are addresses, host:port. They are tried in random order; names
	// are resolved anew for each attempt.
	Servers []string
	// SessionTimeout is what to ask for, default DefaultSessionTimeout; servers
	// change it to fit their bounds.
	SessionTimeout time.Duration
	// Chroot is put before the path of every request and taken off the paths
	// of replies and events; "" and "/" stand for none. It need not exist to
	// connect.
	Chroot string
	// ReadOnly accepts a server that has lost its ensemble and only reads.
	ReadOnly bool
	// Auth is sent first on every connection. When a server refuses it, the
	// client ends with wire.AuthFailed.
	Auth []Auth
	// Resume takes over a session instead of opening a new one.
	Resume *Session
	// Dial replaces a plain TCP connection, for example by TLS.
	Dial func(ctx context.Context, address string) (net.Conn, error)
	// OnEvent is told of watch events and changes of the session's state, one
	// at a time and in order. It may use the client but not Close it.
	OnEvent func(Event)
	// EventQueueMax is how many events may wait for OnEvent, default
	// DefaultEventQueueMax. When more come, the connection is dropped and made
	// anew, upon which servers send again what one-shot watches have missed;
	// persistent watches have then missed events.
	EventQueueMax int
	// OutstandingMax is how many requests may be without reply, default
	// DefaultOutstandingMax, QueueBytesMax how many bytes of them may wait to
	// be written, default DefaultQueueBytesMax. At either limit Do waits and Go
	// fails with ErrQueueFull.
	OutstandingMax int
	QueueBytesMax  int
	// ReplyBytesMax is the largest reply that is accepted, default
	// DefaultReplyBytesMax. A larger one breaks the connection.
	ReplyBytesMax int
}

// withDefaults fills in defaults and checks the rest.
func (c Config) withDefaults() (Config, error) {
	setDefault(&c.SessionTimeout, DefaultSessionTimeout)
	setDefault(&c.OutstandingMax, DefaultOutstandingMax)
	setDefault(&c.QueueBytesMax, DefaultQueueBytesMax)
	setDefault(&c.ReplyBytesMax, DefaultReplyBytesMax)
	setDefault(&c.EventQueueMax, DefaultEventQueueMax)
	if c.Dial == nil {
		c.Dial = dialTCP
	}
	if len(c.Servers) == 0 {
		return c, fmt.Errorf("%w: no servers; give at least one host:port", ErrConfig)
	}
	if c.Chroot = strings.TrimSuffix(c.Chroot, "/"); c.Chroot != "" && !wire.PathOK(c.Chroot) {
		return c, fmt.Errorf("%w: chroot %q is not the path of a znode", ErrConfig, c.Chroot)
	}
	for _, f := range []struct {
		name  string
		value int64
	}{
		{"session timeout", c.SessionTimeout.Milliseconds()},
		{"outstanding requests", int64(c.OutstandingMax)},
		{"queue bytes", int64(c.QueueBytesMax)},
		{"reply bytes", int64(c.ReplyBytesMax)},
		{"event queue", int64(c.EventQueueMax)},
	} {
		if f.value < 1 || f.value > 1<<31-1 {
			return c, fmt.Errorf("%w: %s is %d; it must be 1 to 2^31-1", ErrConfig, f.name, f.value)
		}
	}
	return c, nil
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

func dialTCP(ctx context.Context, address string) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, "tcp", address)
}
