package clientnet

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience bounds every wait of these tests; none takes nearly as long.
const patience = 20 * time.Second

// echo is a host that answers each frame as it is told to.
type echo struct {
	answer func(c *Conn, frame []byte) (reply []byte, last bool) // nil: the frame itself
	word   func(word string) []byte
	hold   chan struct{} // when set, a batch is released only once it is closed

	mu      sync.Mutex // guards the rest
	conns   map[ConnID]*Conn
	next    ConnID
	refuse  bool
	frames  [][]byte
	batches int
	ready   int
	words   []string
	closed  int
}

func (e *echo) Open(c *Conn, _ netip.AddrPort) (ConnID, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.refuse {
		return 0, false
	}
	if e.conns == nil {
		e.conns = map[ConnID]*Conn{}
	}
	e.next++
	e.conns[e.next] = c
	return e.next, true
}

func (e *echo) Ready(ConnID) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.ready++
}

func (e *echo) Submit(id ConnID, frames []byte) {
	e.mu.Lock()
	c := e.conns[id]
	var out []byte
	last := false
	e.batches++
	for len(frames) > 0 {
		n := int(binary.BigEndian.Uint32(frames))
		frame := bytes.Clone(frames[4 : 4+n])
		frames = frames[4+n:]
		e.frames = append(e.frames, frame)
		reply, end := frame, false
		if e.answer != nil {
			reply, end = e.answer(c, frame)
		}
		if reply != nil {
			out = append(out, framed(reply)...)
		}
		if last = end; last {
			break
		}
	}
	hold := e.hold
	e.mu.Unlock()
	if len(out) > 0 || last {
		c.Send(out, last)
	}
	if hold != nil {
		go func() {
			<-hold
			c.Release()
		}()
		return
	}
	c.Release()
}

func (e *echo) Close(id ConnID) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.conns, id)
	e.closed++
}

func (e *echo) Word(_ ConnID, word string) []byte {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.words = append(e.words, word)
	if e.word != nil {
		return e.word(word)
	}
	return []byte("answer to " + word)
}

func (e *echo) received() [][]byte {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.frames
}

// counts counts refusals.
type counts struct {
	mu   sync.Mutex
	kind map[string]int
}

func (c *counts) Refused(kind string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kind == nil {
		c.kind = map[string]int{}
	}
	c.kind[kind]++
}

func (c *counts) of(kind string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.kind[kind]
}

// lines keeps log lines.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// listening is a server on a port of its own.
type listening struct {
	t       testing.TB
	server  *Server
	host    *echo
	counter *counts
	log     *lines
	address string
	stop    func() // ends it; may be called twice

	stopServing func() // ends the listener alone
}

func serve(t testing.TB, h *echo, limits Limits) *listening {
	t.Helper()
	before := runtime.NumGoroutine()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := withoutListener(t, h, limits)
	l.address = listener.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- l.server.Serve(ctx, listener) }()
	l.stopServing = sync.OnceFunc(func() {
		cancel()
		if err := <-served; err != nil {
			t.Errorf("Serve returned %v", err)
		}
	})
	l.stop = sync.OnceFunc(func() {
		l.stopServing()
		l.server.Close()
		l.server.mu.Lock()
		open, addresses := len(l.server.conns), len(l.server.byAddr)
		l.server.mu.Unlock()
		if open != 0 || addresses != 0 {
			t.Errorf("%d connections from %d addresses are left", open, addresses)
		}
		for deadline := time.Now().Add(patience); runtime.NumGoroutine() > before; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				stacks := make([]byte, 1<<16)
				t.Errorf("goroutines are left:\n%s", stacks[:runtime.Stack(stacks, true)])
				return
			}
		}
	})
	t.Cleanup(l.stop)
	return l
}

// withoutListener is a server that is reached by pipe alone. Its user closes it.
func withoutListener(t testing.TB, h *echo, limits Limits) *listening {
	if limits.Frame == 0 {
		limits.Frame = 1 << 20
	}
	l := &listening{t: t, host: h, counter: &counts{}, log: &lines{}}
	l.server = NewServer(h, Options{
		Limits: limits, Log: slog.New(slog.NewTextHandler(l.log, nil)), Counter: l.counter,
		IsWord: func(w [4]byte) bool { return string(w[:]) == "ruok" || string(w[:]) == "stmk" },
		WordArgument: func(w string) int {
			if w == "stmk" {
				return 8
			}
			return 0
		},
	})
	l.server.linger = patience
	return l
}

// eventually waits for a condition.
func (l *listening) eventually(what string, ok func() bool) {
	l.t.Helper()
	for deadline := time.Now().Add(patience); !ok(); {
		if time.Now().After(deadline) {
			l.t.Fatalf("waited in vain for %s; log:\n%s", what, l.log)
		}
		time.Sleep(time.Millisecond)
	}
}

func (l *listening) dial() *net.TCPConn {
	l.t.Helper()
	nc, err := net.Dial("tcp", l.address)
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { _ = nc.Close() })
	if err := nc.SetDeadline(time.Now().Add(patience)); err != nil {
		l.t.Fatal(err)
	}
	return nc.(*net.TCPConn)
}

// pipe is a connection in memory. A write to it returns when the server has read
// the bytes: those of the next one arrive apart from them.
func (l *listening) pipe() net.Conn {
	l.t.Helper()
	nc, served := net.Pipe()
	l.t.Cleanup(func() { _ = nc.Close() })
	if err := nc.SetDeadline(time.Now().Add(patience)); err != nil {
		l.t.Fatal(err)
	}
	l.server.accept(served)
	return nc
}

func framed(payload []byte) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(payload))), payload...)
}

func write(t testing.TB, nc net.Conn, b []byte) {
	t.Helper()
	if _, err := nc.Write(b); err != nil {
		t.Fatal(err)
	}
}

func readFrame(t testing.TB, nc net.Conn) []byte {
	t.Helper()
	var head [4]byte
	if _, err := io.ReadFull(nc, head[:]); err != nil {
		t.Fatalf("read a frame: %v", err)
	}
	frame := make([]byte, binary.BigEndian.Uint32(head[:]))
	if _, err := io.ReadFull(nc, frame); err != nil {
		t.Fatalf("read a frame of %d bytes: %v", len(frame), err)
	}
	return frame
}

// mustEnd waits for the end of a connection without further bytes.
func mustEnd(t testing.TB, nc net.Conn) {
	t.Helper()
	n, err := io.Copy(io.Discard, nc)
	if e, ok := err.(net.Error); ok && e.Timeout() {
		t.Fatal("the server does not end the connection")
	}
	if n > 0 {
		t.Fatalf("%d bytes before the end", n)
	}
}

func payload(n int) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(i * 7)
	}
	return p
}

func numbered(i int) []byte { return fmt.Appendf(nil, "frame %d", i) }
