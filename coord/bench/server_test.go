package bench

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"

	"kafkacoord/coord/wire"
)

// fakeServer answers the requests that this package sends from a map, over
// pipes. What it does wrong on purpose is in its fields.
type fakeServer struct {
	refuse    bool      // no session is opened
	skipXid   bool      // every reply answers the request after the right one
	failSets  wire.Code // what setData answers
	closeOn   wire.Op   // the connection is closed when this arrives
	dribble   bool      // replies are written byte by byte
	bigReply  bool      // getData answers more than a read buffer holds
	badLength bool      // replies have a length that no frame can have

	mu       sync.Mutex
	nodes    map[string][]byte
	counts   map[string]int // children by parent
	watchers map[*fakeConnection]map[string]bool
	zxid     wire.Zxid
	running  sync.WaitGroup
	sessions int
}

type fakeConnection struct {
	server *fakeServer
	socket net.Conn
	// replies holds what is to be written. A pipe has no buffer, so that a
	// goroutine that reads has to leave the writing to another one.
	mu      sync.Mutex
	wake    *sync.Cond
	replies []byte
	closing bool
}

func newFakeServer(t *testing.T) *fakeServer {
	s := &fakeServer{nodes: map[string][]byte{"/": nil}, counts: make(map[string]int), watchers: make(map[*fakeConnection]map[string]bool)}
	t.Cleanup(s.running.Wait)
	return s
}

func (s *fakeServer) dial(context.Context, string) (net.Conn, error) {
	client, server := net.Pipe()
	c := &fakeConnection{server: s, socket: server}
	c.wake = sync.NewCond(&c.mu)
	s.running.Go(c.read)
	s.running.Go(c.write)
	return client, nil
}

// paths lists the znodes but the root.
func (s *fakeServer) paths() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for path := range s.nodes {
		if path != "/" {
			out = append(out, path)
		}
	}
	slices.Sort(out)
	return out
}

func (c *fakeConnection) queue(b []byte, closing bool) {
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
		b := c.replies
		c.replies = nil
		closing := c.closing
		c.mu.Unlock()
		for len(b) > 0 {
			n := len(b)
			if c.server.dribble {
				n = 1
			}
			if _, err := c.socket.Write(b[:n]); err != nil {
				return
			}
			b = b[n:]
		}
		if closing {
			return
		}
	}
}

func (c *fakeConnection) read() {
	defer c.queue(nil, true)
	connected := false
	for {
		var length [4]byte
		if _, err := io.ReadFull(c.socket, length[:]); err != nil {
			return
		}
		body := make([]byte, binary.BigEndian.Uint32(length[:]))
		if _, err := io.ReadFull(c.socket, body); err != nil {
			return
		}
		if !connected {
			connected = true
			c.handshake()
			continue
		}
		if c.server.handle(c, body) {
			return
		}
	}
}

func (c *fakeConnection) handshake() {
	r := wire.ConnectResponse{Timeout: 1000, SessionID: 1, Password: make([]byte, wire.PasswordSize), HasReadOnly: true}
	if c.server.refuse {
		r.Timeout, r.SessionID = 0, 0
	}
	c.server.mu.Lock()
	c.server.sessions++
	c.server.mu.Unlock()
	frame, mark := wire.BeginFrame(nil)
	c.queue(wire.EndFrame(wire.AppendConnectResponse(frame, &r), mark), false)
}

// handle answers one request; it reports true when the connection ends.
func (s *fakeServer) handle(c *fakeConnection, body []byte) bool {
	d := wire.NewDecoder(body)
	xid, op := d.Int(), wire.Op(d.Int())
	var r wire.Request
	if wire.DecodeRequest(op, d.Rest(), &r) != nil || op == s.closeOn {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.zxid++
	result, code := s.apply(c, &r)
	if s.skipXid {
		xid++
	}
	frame, mark := wire.BeginFrame(nil)
	frame = wire.AppendReplyHeader(frame, wire.ReplyHeader{Xid: xid, Zxid: s.zxid, Err: code})
	if code == wire.OK {
		frame = append(frame, result...)
	}
	frame = wire.EndFrame(frame, mark)
	if s.badLength {
		frame[0] = 0xff
	}
	c.queue(frame, op == wire.OpCloseSession)
	if op == wire.OpCloseSession {
		s.sessions--
		delete(s.watchers, c)
	}
	return op == wire.OpCloseSession
}

func (s *fakeServer) apply(c *fakeConnection, r *wire.Request) (body []byte, code wire.Code) {
	data, exists := s.nodes[r.Path]
	stat := wire.Stat{DataLength: int32(len(data))}
	switch r.Op {
	case wire.OpCreate:
		if _, ok := s.nodes[max(wire.ParentPath(r.Path), "/")]; !ok {
			return nil, wire.NoNode
		}
		if exists {
			return nil, wire.NodeExists
		}
		s.nodes[strings.Clone(r.Path)] = slices.Clone(r.Data)
		s.counts[strings.Clone(wire.ParentPath(r.Path))]++
		return wire.AppendString(nil, r.Path), wire.OK
	case wire.OpMulti:
		return s.multi(c, r), wire.OK
	case wire.OpCloseSession:
		return nil, wire.OK
	}
	if !exists {
		return nil, wire.NoNode
	}
	switch r.Op {
	case wire.OpDelete:
		if s.counts[r.Path] > 0 {
			return nil, wire.NotEmpty
		}
		delete(s.nodes, r.Path)
		s.counts[wire.ParentPath(r.Path)]--
	case wire.OpGetData:
		if r.Watch {
			if s.watchers[c] == nil {
				s.watchers[c] = make(map[string]bool)
			}
			s.watchers[c][strings.Clone(r.Path)] = true
		}
		if s.bigReply {
			data = make([]byte, 3*readBufferBytes+7)
		}
		return wire.AppendStat(wire.AppendBuffer(nil, data), &stat), wire.OK
	case wire.OpSetData:
		if s.failSets != wire.OK {
			return nil, s.failSets
		}
		s.nodes[strings.Clone(r.Path)] = slices.Clone(r.Data)
		s.notify(r.Path)
		return wire.AppendStat(nil, &stat), wire.OK
	case wire.OpGetChildren2:
		return wire.AppendStat(wire.AppendStrings(nil, s.children(r.Path)), &stat), wire.OK
	}
	return nil, wire.OK
}

func (s *fakeServer) notify(path string) {
	for c, paths := range s.watchers {
		if paths[path] {
			delete(paths, path)
			c.queue(wire.AppendWatcherEvent(nil, s.zxid, wire.WatcherEvent{
				Type: wire.EventNodeDataChanged, State: wire.StateSyncConnected, Path: path,
			}), false)
		}
	}
}

func (s *fakeServer) children(path string) []string {
	out := []string{}
	for p := range s.nodes {
		if rest, ok := strings.CutPrefix(p, path+"/"); ok && !strings.Contains(rest, "/") {
			out = append(out, rest)
		}
	}
	return out
}

// multi stops at the first failure but, unlike ZooKeeper, undoes nothing; no
// test here looks.
func (s *fakeServer) multi(c *fakeConnection, r *wire.Request) (body []byte) {
	for i := range r.Subs {
		sub, code := s.apply(c, &r.Subs[i])
		if code != wire.OK {
			body = body[:0]
			for j := range r.Subs {
				switch {
				case j < i:
					body = wire.AppendMultiError(body, wire.OK)
				case j == i:
					body = wire.AppendMultiError(body, code)
				default:
					body = wire.AppendMultiError(body, wire.RuntimeInconsistency)
				}
			}
			break
		}
		body = append(wire.AppendMultiResult(body, r.Subs[i].Op, wire.OK), sub...)
	}
	return wire.AppendMultiEnd(body)
}

var errNoServer = errors.New("no server here")
