package replica

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"net/netip"
	"sync"
	"testing"
	"time"

	"kafkacoord/coord/auth"
	"kafkacoord/coord/core"
	"kafkacoord/coord/prep"
	"kafkacoord/coord/store"
	"kafkacoord/coord/tree"
	"kafkacoord/coord/vfs"
	"kafkacoord/coord/wire"
)

// server is a replica under test, with what it was made of.
type server struct {
	t         testing.TB
	replica   *Replica
	core      *core.Core
	recovered *store.Recovered
	cancel    context.CancelFunc
	done      chan struct{}
	err       error // set before done is closed
}

func storeOptions() store.Options {
	return store.Options{
		DataDir: "/data", PreallocBytes: 1 << 16, SnapCount: -1, Tree: tree.Options{Digest: true},
		Random: func(int64) int64 { return 0 },
	}
}

// start recovers a server from fs and runs it.
func start(t testing.TB, fs vfs.FS, so store.Options, o Options) *server {
	t.Helper()
	s, recovered, err := store.Open(fs, so)
	if err != nil {
		t.Fatal(err)
	}
	registry, err := auth.New(auth.Config{DigestEnabled: true})
	if err != nil {
		t.Fatal(err)
	}
	clock := Clock{Start: time.Now()}
	c := core.New(core.Config{
		ServerID: 1, Tick: 1000, MinSessionTimeout: 2000, MaxSessionTimeout: 60_000, OutstandingLimit: 1000, TxnBytes: 1 << 20,
		Prep: prep.Config{Digest: true, CloseSessionTxn: true, Standalone: true},
	}, registry, core.State{Tree: recovered.Tree, Sessions: recovered.Sessions, Zxid: recovered.LastZxid}, clock.Now(), clock.Mono())
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	v := &server{t: t, replica: New(c, s, clock, o), core: c, recovered: recovered, done: make(chan struct{})}
	ctx, cancel := context.WithCancel(t.Context())
	v.cancel = cancel
	go func() {
		v.err = v.replica.Run(ctx)
		close(v.done)
	}()
	return v
}

// stop ends the server and returns what Run returned.
func (v *server) stop() error {
	v.cancel()
	<-v.done
	return v.err
}

// client is a connection without a socket.
type client struct {
	server *server
	id     core.ConnID

	mu       sync.Mutex // guards the rest
	changed  *sync.Cond
	got      []byte
	last     bool
	released bool
	xid      int32
	session  wire.SessionID
}

func (c *client) Send(b []byte, last bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.got = append(c.got, b...)
	c.last = c.last || last
	c.changed.Broadcast()
}

func (c *client) Release() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.released = true
	c.changed.Broadcast()
}

func (c *client) CallWhenSent() { c.server.replica.Ready(c.id) }

// open connects without a session.
func (v *server) open() *client {
	c := &client{server: v, released: true}
	c.changed = sync.NewCond(&c.mu)
	id, ok := v.replica.Open(c, core.Opened{Remote: netip.MustParseAddrPort("10.0.0.1:1")})
	if !ok {
		return nil
	}
	c.id = id
	return c
}

// submit sends frames; the server must have released the batch before.
func (c *client) submit(frames []byte) {
	c.mu.Lock()
	c.released = false
	c.mu.Unlock()
	c.server.replica.Submit(c.id, frames)
}

func (c *client) request(r *wire.Request) int32 {
	c.xid++
	c.submit(wire.AppendRequestFrame(nil, c.xid, r))
	return c.xid
}

func (c *client) handshake(timeout int32) {
	dst, mark := wire.BeginFrame(nil)
	c.submit(wire.EndFrame(wire.AppendConnectRequest(dst, &wire.ConnectRequest{
		Timeout: timeout, Password: make([]byte, wire.PasswordSize),
	}), mark))
}

// frames takes what has arrived.
func (c *client) frames() (frames [][]byte, last bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.got) > 0 {
		n := int(binary.BigEndian.Uint32(c.got))
		frames = append(frames, c.got[4:4+n])
		c.got = c.got[4+n:]
	}
	return frames, c.last
}

var errEnded = errors.New("the server ended the connection")

// next waits for one frame. The condition is woken by Send and by gone.
func (c *client) next() ([]byte, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.got) == 0 || !c.released {
		if c.last {
			if len(c.got) == 0 {
				return nil, errEnded
			}
			break
		}
		c.changed.Wait()
	}
	n := int(binary.BigEndian.Uint32(c.got))
	frame := c.got[4 : 4+n]
	c.got = c.got[4+n:]
	return frame, nil
}

// gone wakes a client whose server has ended.
func (c *client) gone() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last = true
	c.changed.Broadcast()
}

// session opens a connection with a session.
func (v *server) session(timeout int32) *client {
	v.t.Helper()
	c := v.open()
	c.handshake(timeout)
	frame, err := c.next()
	if err != nil {
		v.t.Fatal(err)
	}
	r, err := wire.DecodeConnectResponse(frame)
	if err != nil {
		v.t.Fatal(err)
	}
	c.session = r.SessionID
	return c
}

// do sends a request and waits for its reply.
func (c *client) do(r *wire.Request) (wire.ReplyHeader, []byte, error) {
	c.request(r)
	frame, err := c.next()
	if err != nil {
		return wire.ReplyHeader{}, nil, err
	}
	d := wire.NewDecoder(frame)
	h := d.ReplyHeader()
	return h, d.Rest(), d.Err()
}

func create(path string, data []byte) *wire.Request {
	return &wire.Request{Op: wire.OpCreate, Path: path, Data: data, ACL: wire.OpenACL}
}

// gate is a file system whose syncs of log files wait until they are let go.
type gate struct {
	vfs.FS
	mu     sync.Mutex // guards closed
	closed chan struct{}
}

func (g *gate) shut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.closed = make(chan struct{})
}

func (g *gate) release() {
	g.mu.Lock()
	defer g.mu.Unlock()
	close(g.closed)
	g.closed = nil
}

func (g *gate) wait() {
	g.mu.Lock()
	closed := g.closed
	g.mu.Unlock()
	if closed != nil {
		<-closed
	}
}

func (g *gate) Create(name string) (vfs.File, error) {
	f, err := g.FS.Create(name)
	if err != nil {
		return nil, err
	}
	return &gatedFile{f, g}, nil
}

type gatedFile struct {
	vfs.File
	gate *gate
}

func (f *gatedFile) Sync() error {
	f.gate.wait()
	return f.File.Sync()
}

var _ io.Writer = (*gatedFile)(nil)
