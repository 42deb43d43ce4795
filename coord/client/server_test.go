package client

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kafkacoord/coord/wire"
)

var errDown = errors.New("the server is down")

// password is what the fake servers give to every session.
var password = []byte("0123456789abcdef")

// fakeServer is one address. Its connections are pipes; what it answers is up to
// the test.
type fakeServer struct {
	// down refuses connections; refuse answers that the session has expired.
	down, refuse, readOnly bool
	timeout                time.Duration
	// answer makes the reply to a request; nil: OK and no body. What it says
	// is sent in order; a frame of -1 bytes breaks the connection.
	answer func(c *fakeConnection, xid int32, r *wire.Request) (wire.ReplyHeader, []byte)
	silent bool // pings get no reply

	mu          sync.Mutex
	connections []*fakeConnection
	running     sync.WaitGroup
}

// fakeConnection is what one connection has seen.
type fakeConnection struct {
	server  *fakeServer
	socket  net.Conn
	connect wire.ConnectRequest

	mu       sync.Mutex
	wake     *sync.Cond
	replies  []byte
	closing  bool
	requests []seen
}

// seen is one request as it came.
type seen struct {
	at   time.Time
	xid  int32
	op   wire.Op
	path string
	body wire.Request
}

func newFakeServer() *fakeServer { return &fakeServer{timeout: 9 * time.Second} }

// network makes a Config that reaches the servers by the names given.
func network(t *testing.T, servers map[string]*fakeServer) Config {
	names := make([]string, 0, len(servers))
	for name, s := range servers {
		names = append(names, name)
		t.Cleanup(func() {
			s.disconnect()
			s.running.Wait()
		})
	}
	slices.Sort(names)
	return Config{
		Servers: names, SessionTimeout: 9 * time.Second,
		Dial: func(_ context.Context, address string) (net.Conn, error) { return servers[address].dial() },
	}
}

func (s *fakeServer) dial() (net.Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		return nil, errDown
	}
	here, there := net.Pipe()
	c := &fakeConnection{server: s, socket: there}
	c.wake = sync.NewCond(&c.mu)
	s.connections = append(s.connections, c)
	s.running.Go(c.read)
	s.running.Go(c.write)
	return here, nil
}

// set changes the server's fields.
func (s *fakeServer) set(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

// last is the newest connection.
func (s *fakeServer) last() *fakeConnection {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.connections) == 0 {
		return nil
	}
	return s.connections[len(s.connections)-1]
}

func (s *fakeServer) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.connections)
}

// disconnect breaks all connections.
func (s *fakeServer) disconnect() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.connections {
		c.send(nil, true)
	}
}

func (c *fakeConnection) send(b []byte, closing bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.replies = append(c.replies, b...)
	c.closing = c.closing || closing
	c.wake.Signal()
}

func (c *fakeConnection) write() {
	defer func() { _ = c.socket.Close() }()
	for {
		c.mu.Lock()
		for len(c.replies) == 0 && !c.closing {
			c.wake.Wait()
		}
		b, closing := c.replies, c.closing
		c.replies = nil
		c.mu.Unlock()
		if len(b) > 0 {
			if _, err := c.socket.Write(b); err != nil {
				return
			}
		}
		if closing {
			return
		}
	}
}

func (c *fakeConnection) read() {
	defer c.send(nil, true)
	for first := true; ; first = false {
		var length [4]byte
		if _, err := io.ReadFull(c.socket, length[:]); err != nil {
			return
		}
		body := make([]byte, binary.BigEndian.Uint32(length[:]))
		if _, err := io.ReadFull(c.socket, body); err != nil {
			return
		}
		if first {
			c.handshake(body)
		} else {
			c.request(body)
		}
	}
}

func (c *fakeConnection) handshake(body []byte) {
	c.connect, _ = wire.DecodeConnectRequest(body)
	s := c.server
	s.mu.Lock()
	defer s.mu.Unlock()
	r := wire.ConnectResponse{
		Timeout: int32(s.timeout.Milliseconds()), SessionID: c.connect.SessionID,
		Password: password, HasReadOnly: true, ReadOnly: s.readOnly,
	}
	if r.SessionID == 0 {
		r.SessionID = 77
	}
	if s.refuse {
		r = wire.ConnectResponse{Password: make([]byte, wire.PasswordSize), HasReadOnly: true}
	}
	frame, mark := wire.BeginFrame(nil)
	c.send(wire.EndFrame(wire.AppendConnectResponse(frame, &r), mark), s.refuse)
}

func (c *fakeConnection) request(body []byte) {
	d := wire.NewDecoder(body)
	xid, op := d.Int(), wire.Op(d.Int())
	var r wire.Request
	if err := wire.DecodeRequest(op, d.Rest(), &r); err != nil {
		c.send(nil, true)
		return
	}
	c.mu.Lock()
	c.requests = append(c.requests, seen{time.Now(), xid, op, r.Path, r})
	c.mu.Unlock()
	s := c.server
	s.mu.Lock()
	answer, silent := s.answer, s.silent
	s.mu.Unlock()
	h := wire.ReplyHeader{Xid: xid}
	var reply []byte
	switch {
	case op == wire.OpPing:
		if silent {
			return
		}
		h.Xid = wire.XidPing
	case answer != nil && op != wire.OpCloseSession:
		h, reply = answer(c, xid, &r)
		if h.Xid == noReply {
			return
		}
	}
	c.reply(h, reply)
	if op == wire.OpCloseSession {
		c.send(nil, true)
	}
}

// noReply is the xid of an answer that is not sent.
const noReply int32 = -99

func (c *fakeConnection) reply(h wire.ReplyHeader, body []byte) {
	frame, mark := wire.BeginFrame(nil)
	frame = append(wire.AppendReplyHeader(frame, h), body...)
	c.send(wire.EndFrame(frame, mark), false)
}

func (c *fakeConnection) event(kind wire.EventType, path string) {
	c.send(wire.AppendWatcherEvent(nil, 5, wire.WatcherEvent{Type: kind, State: wire.StateSyncConnected, Path: path}), false)
}

// seen lists the requests but pings.
func (c *fakeConnection) seen() []seen {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(c.requests), func(s seen) bool { return s.op == wire.OpPing })
}

func (c *fakeConnection) ops() []wire.Op {
	var out []wire.Op
	for _, s := range c.seen() {
		out = append(out, s.op)
	}
	return out
}

// echo answers every read with the path as data, every write with its path.
func echo(_ *fakeConnection, xid int32, r *wire.Request) (wire.ReplyHeader, []byte) {
	h := wire.ReplyHeader{Xid: xid, Zxid: 100}
	switch r.Op {
	case wire.OpGetData:
		return h, wire.AppendStat(wire.AppendBuffer(nil, []byte(r.Path)), &wire.Stat{})
	case wire.OpCreate, wire.OpSync:
		return h, wire.AppendString(nil, r.Path)
	case wire.OpExists:
		return h, wire.AppendStat(nil, &wire.Stat{})
	case wire.OpGetChildren2:
		return h, wire.AppendStat(wire.AppendStrings(nil, []string{"a"}), &wire.Stat{})
	}
	return h, nil
}

// never leaves every request without reply.
func never(*fakeConnection, int32, *wire.Request) (wire.ReplyHeader, []byte) {
	return wire.ReplyHeader{Xid: noReply}, nil
}

// bubble runs a test in a synctest bubble, which also finds leaked goroutines.
func bubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, f)
}

// dial connects and closes the client with the test.
func dial(t *testing.T, config Config) *Client {
	t.Helper()
	c, err := Dial(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return c
}

// recorder keeps all events.
type recorder struct {
	mu     sync.Mutex
	events []Event
}

func (r *recorder) add(e Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
}

func (r *recorder) states() []State {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []State
	for _, e := range r.events {
		if e.Type == EventSession {
			out = append(out, e.State)
		}
	}
	return out
}

func (r *recorder) paths() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []string
	for _, e := range r.events {
		if e.Type != EventSession {
			out = append(out, e.Path)
		}
	}
	return out
}
