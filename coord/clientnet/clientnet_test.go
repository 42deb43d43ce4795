package clientnet

import (
	"bytes"
	"encoding/binary"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestFramesCutAnywhere sends the same frames in two writes, cut at every byte:
// over a pipe, where the parts arrive apart, and over a socket, where they may.
func TestFramesCutAnywhere(t *testing.T) {
	frames := [][]byte{numbered(1), {}, numbered(2), payload(300), {0}}
	var stream []byte
	for _, f := range frames {
		stream = append(stream, framed(f)...)
	}
	l := serve(t, &echo{}, Limits{})
	for cut := range len(stream) + 1 {
		for _, nc := range []net.Conn{l.pipe(), l.dial()} {
			write(t, nc, stream[:cut])
			write(t, nc, stream[cut:])
			for i, want := range frames {
				if got := readFrame(t, nc); !bytes.Equal(got, want) {
					t.Fatalf("cut at %d: frame %d is %q", cut, i, got)
				}
			}
			_ = nc.Close()
		}
	}
}

func TestFramesOneByteAtATime(t *testing.T) {
	l := serve(t, &echo{}, Limits{})
	nc := l.dial()
	for i := range 20 {
		for _, b := range framed(numbered(i)) {
			write(t, nc, []byte{b})
		}
		if got := readFrame(t, nc); !bytes.Equal(got, numbered(i)) {
			t.Fatalf("frame %d is %q", i, got)
		}
	}
}

// TestFramesOfAllSizes goes around the size of the read buffer, up to the limit.
func TestFramesOfAllSizes(t *testing.T) {
	l := serve(t, &echo{}, Limits{Frame: 1 << 20})
	nc := l.dial()
	sizes := []int{0, 1, readBytes - 5, readBytes - 4, readBytes - 3, readBytes, readBytes + 1, 4 * readBytes, 4*readBytes + 1, 1 << 20}
	var wait sync.WaitGroup
	wait.Go(func() {
		for _, n := range sizes {
			for _, f := range [][]byte{payload(n), numbered(n)} {
				if _, err := nc.Write(framed(f)); err != nil {
					t.Errorf("write %d bytes: %v", n, err)
				}
			}
		}
	})
	for _, n := range sizes {
		if got := readFrame(t, nc); !bytes.Equal(got, payload(n)) {
			t.Fatalf("frame of %d bytes came back with %d", n, len(got))
		}
		if got := readFrame(t, nc); !bytes.Equal(got, numbered(n)) {
			t.Fatalf("the frame behind one of %d bytes is %q", n, got)
		}
	}
	wait.Wait()
}

func TestFrameLengthOutOfRange(t *testing.T) {
	for name, prefix := range map[string][]byte{"too long": {0, 0, 0x10, 1}, "negative": {0xff, 0xff, 0xff, 0xff}, "least": {0x80, 0, 0, 0}} {
		t.Run(name, func(t *testing.T) {
			l := serve(t, &echo{}, Limits{Frame: 0x1000})
			nc := l.dial()
			write(t, nc, append(framed(numbered(1)), prefix...)) // what came before is answered
			if got := readFrame(t, nc); !bytes.Equal(got, numbered(1)) {
				t.Fatalf("got %q", got)
			}
			mustEnd(t, nc)
			l.eventually("the count", func() bool { return l.counter.of(RefusedFrame) == 1 })
			if log := l.log.String(); !strings.Contains(log, "frame length out of range") || !strings.Contains(log, "limit=4096") {
				t.Errorf("log: %s", log)
			}
			nc = l.dial() // at the limit it passes
			write(t, nc, framed(payload(0x1000)))
			if got := readFrame(t, nc); len(got) != 0x1000 {
				t.Errorf("%d bytes came back", len(got))
			}
		})
	}
}

func TestForeignProtocolsAreNamed(t *testing.T) {
	for first, want := range map[string]struct{ kind, text string }{
		"GET / HTTP/1.1\r\n\r\n":     {RefusedHTTP, "looks like HTTP"},
		"POST /x HTTP/1.1\r\n\r\n":   {RefusedHTTP, "looks like HTTP"},
		"PRI * HTTP/2.0\r\n\r\n":     {RefusedHTTP, "looks like HTTP/2"},
		"\x16\x03\x01\x02\x00\x01":   {RefusedTLS, "looks like a TLS hello on a plain port"},
		"SSH-2.0-OpenSSH_9.2\r\n":    {RefusedSSH, "looks like SSH"},
		"\xde\xad\xbe\xefsomething":  {RefusedFrame, "frame length out of range"},
		"what\x00\n\x1b[31m injects": {RefusedFrame, "frame length out of range"},
	} {
		t.Run(want.kind+" "+first[:4], func(t *testing.T) {
			l := serve(t, &echo{}, Limits{})
			nc := l.dial()
			write(t, nc, []byte(first))
			mustEnd(t, nc)
			l.eventually("the count", func() bool { return l.counter.of(want.kind) == 1 })
			log := l.log.String()
			if !strings.Contains(log, want.text) || strings.ContainsAny(log[:len(log)-1], "\x00\x1b\n") {
				t.Errorf("log: %q", log)
			}
			if n := len(l.host.received()); n > 0 {
				t.Errorf("%d frames reached the host", n)
			}
		})
	}
}

// TestForeignBytesInASession are only a length out of range.
func TestForeignBytesInASession(t *testing.T) {
	l := serve(t, &echo{}, Limits{})
	nc := l.dial()
	write(t, nc, framed(numbered(1)))
	readFrame(t, nc)
	write(t, nc, []byte("GET / HTTP/1.1\r\n\r\n"))
	mustEnd(t, nc)
	l.eventually("the count", func() bool { return l.counter.of(RefusedFrame) == 1 && l.counter.of(RefusedHTTP) == 0 })
}

// TestLogIsThrottled floods the server with bad input: all of it is counted.
func TestLogIsThrottled(t *testing.T) {
	l := serve(t, &echo{}, Limits{})
	const flood = 50
	for range flood {
		nc := l.dial()
		write(t, nc, []byte("GET / HTTP/1.1\r\n\r\n"))
		mustEnd(t, nc)
		_ = nc.Close()
	}
	l.eventually("the count", func() bool { return l.counter.of(RefusedHTTP) == flood })
	if n := strings.Count(l.log.String(), "HTTP"); n >= flood/2 {
		t.Errorf("%d lines for %d connections", n, flood)
	}
}

func TestLimits(t *testing.T) {
	for name, c := range map[string]struct {
		limits Limits
		kind   string
	}{
		"address": {Limits{PerAddress: 3}, RefusedTooManyHost},
		"total":   {Limits{Connections: 3, PerAddress: 100}, RefusedTooMany},
	} {
		t.Run(name, func(t *testing.T) {
			l := serve(t, &echo{}, c.limits)
			var open []net.Conn
			for range 3 {
				nc := l.dial()
				write(t, nc, framed(numbered(1)))
				readFrame(t, nc)
				open = append(open, nc)
			}
			mustEnd(t, l.dial())
			l.eventually("the count", func() bool { return l.counter.of(c.kind) == 1 })
			_ = open[1].Close() // makes room
			l.eventually("the end", func() bool {
				l.host.mu.Lock()
				defer l.host.mu.Unlock()
				return l.host.closed == 1
			})
			l.eventually("room", func() bool {
				nc := l.dial()
				defer nc.Close()
				if _, err := nc.Write(framed(numbered(2))); err != nil {
					return false
				}
				_, err := io.ReadFull(nc, make([]byte, 4))
				return err == nil
			})
		})
	}
}

func TestHandshakeTimeout(t *testing.T) {
	l := serve(t, &echo{}, Limits{HandshakeWithin: 50 * time.Millisecond})
	fast := l.dial()
	write(t, fast, framed(numbered(1)))
	readFrame(t, fast)
	silent, halting := l.dial(), l.dial()
	write(t, halting, []byte{0, 0, 0, 45, 0})
	mustEnd(t, silent)
	mustEnd(t, halting)
	l.eventually("the count", func() bool { return l.counter.of(RefusedNoHandshake) == 2 })
	// One that began in time has all the time in the world.
	write(t, fast, framed(numbered(2)))
	if got := readFrame(t, fast); !bytes.Equal(got, numbered(2)) {
		t.Errorf("got %q", got)
	}
}

func TestWords(t *testing.T) {
	l := serve(t, &echo{}, Limits{})
	for sent, want := range map[string]string{
		"ruok": "ruok", "ruok\n": "ruok", "ruok" + strings.Repeat("x", 100_000): "ruok",
		"stmk12345678": "stmk12345678", "stmk12345678rest": "stmk12345678",
	} {
		nc := l.dial()
		write(t, nc, []byte(sent))
		if got, err := io.ReadAll(nc); err != nil || string(got) != "answer to "+want {
			t.Errorf("%.20q was answered %q, error %v", sent, got, err)
		}
		_ = nc.Close()
	}
	for _, parts := range [][]string{
		{"r", "uok"}, {"ruo", "k"}, {"r", "u", "o", "k"}, {"stmk", "12345678"}, {"stm", "k1234", "5678"},
	} {
		nc := l.pipe()
		for _, p := range parts {
			write(t, nc, []byte(p))
		}
		want := "answer to " + strings.Join(parts, "")
		got := make([]byte, len(want))
		if _, err := io.ReadFull(nc, got); err != nil || string(got) != want {
			t.Errorf("%q was answered %q, error %v", parts, got, err)
		}
		_ = nc.Close()
	}
	if n := len(l.host.received()); n > 0 {
		t.Errorf("%d frames reached the host", n)
	}

	// In a session a word is a length.
	nc := l.dial()
	write(t, nc, framed(numbered(1)))
	readFrame(t, nc)
	write(t, nc, []byte("ruok"))
	mustEnd(t, nc)

	// One without an argument that never comes ends with its connection.
	half := l.dial()
	write(t, half, []byte("stmk12"))
	_ = half.CloseWrite()
	mustEnd(t, half)
}

func TestWordWithLargeAnswer(t *testing.T) {
	big := bytes.Repeat([]byte("line\n"), 400_000)
	l := serve(t, &echo{word: func(string) []byte { return big }}, Limits{})
	nc := l.dial()
	write(t, nc, []byte("ruok"))
	got, err := io.ReadAll(nc)
	if err != nil || !bytes.Equal(got, big) {
		t.Errorf("%d of %d bytes, error %v", len(got), len(big), err)
	}
}

// TestLastReplyArrives ends connections whose client has sent more than the
// server has read: a plain close would reset them and lose the reply.
func TestLastReplyArrives(t *testing.T) {
	reply := payload(100_000)
	l := serve(t, &echo{answer: func(_ *Conn, frame []byte) ([]byte, bool) { return reply, true }}, Limits{})
	for range 20 {
		nc := l.dial()
		write(t, nc, framed(numbered(1)))
		_, _ = nc.Write(bytes.Repeat(framed(payload(1000)), 200)) // may fail midway, that is the point
		if got := readFrame(t, nc); !bytes.Equal(got, reply) {
			t.Fatalf("%d bytes", len(got))
		}
		if _, err := nc.Read(make([]byte, 1)); err != io.EOF {
			t.Fatalf("after the last reply: %v", err)
		}
		_ = nc.Close()
	}
	l.host.mu.Lock()
	defer l.host.mu.Unlock()
	if len(l.host.frames) > 40*20 {
		t.Errorf("the host was handed %d frames of ended connections", len(l.host.frames))
	}
}

// TestLastReplyArrivesAtClose does the same when the whole server ends.
func TestLastReplyArrivesAtClose(t *testing.T) {
	hold := make(chan struct{})
	h := &echo{hold: hold, answer: func(*Conn, []byte) ([]byte, bool) { return nil, false }}
	l := serve(t, h, Limits{})
	nc := l.dial()
	write(t, nc, framed(numbered(1)))
	l.eventually("the frame", func() bool { return len(h.received()) > 0 })
	write(t, nc, bytes.Repeat(framed(payload(1000)), 100)) // stays unread
	h.mu.Lock()
	c := h.conns[1]
	h.mu.Unlock()
	last := payload(3 << 20) // more than the socket takes at once
	c.Send(framed(last), true)
	stopped := make(chan struct{})
	go func() {
		l.server.Close()
		close(stopped)
	}()
	l.eventually("Close to begin", func() bool {
		l.server.mu.Lock()
		defer l.server.mu.Unlock()
		return l.server.stopping
	})
	if got := readFrame(t, nc); !bytes.Equal(got, last) {
		t.Errorf("%d bytes", len(got))
	}
	_ = nc.Close()
	close(hold)
	<-stopped
}

// TestSlowReaderIsCutOff sends events to a client that does not read.
func TestSlowReaderIsCutOff(t *testing.T) {
	h := &echo{}
	l := serve(t, h, Limits{Unsent: 1 << 20})
	nc := l.dial()
	write(t, nc, framed(numbered(1)))
	readFrame(t, nc)
	h.mu.Lock()
	c := h.conns[1]
	h.mu.Unlock()
	event := framed(payload(100_000))
	for range 10_000 {
		c.Send(event, false)
		if l.counter.of(RefusedSlowReader) > 0 {
			break
		}
	}
	if l.counter.of(RefusedSlowReader) != 1 {
		t.Fatal("the server buffers without end")
	}
	l.eventually("the end", func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		return h.closed == 1
	})
	if !strings.Contains(l.log.String(), "does not read its replies") {
		t.Errorf("log: %s", l.log)
	}
}

// TestBackpressure: a client that pipelines requests and does not read is not
// read either, loses nothing, and goes on when it reads.
func TestBackpressure(t *testing.T) {
	reply := payload(50_000)
	h := &echo{answer: func(_ *Conn, frame []byte) ([]byte, bool) { return reply, false }}
	const unsent = 64 << 20
	l := serve(t, h, Limits{Unsent: unsent})
	nc := l.dial()
	const requests = 4000 // 200 MB of replies
	go func() {
		// Not so many to a batch that their replies alone pass the limit.
		for range requests {
			if _, err := nc.Write(framed(payload(1000))); err != nil {
				return
			}
		}
	}()
	steady := 0
	last := -1
	l.eventually("the server to stop reading", func() bool {
		n := len(h.received())
		if n == last {
			steady++
		} else {
			steady, last = 0, n
		}
		return n > 0 && steady > 200
	})
	if n := len(h.received()); n == requests {
		t.Error("the server took everything although nobody reads")
	}
	h.mu.Lock()
	c := h.conns[1]
	h.mu.Unlock()
	c.mu.Lock()
	backlog := c.backlog()
	c.mu.Unlock()
	if backlog > unsent/4 {
		t.Errorf("%d bytes are unsent", backlog)
	}
	for i := range requests {
		if got := readFrame(t, nc); len(got) != len(reply) {
			t.Fatalf("reply %d has %d bytes", i, len(got))
		}
	}
	if n := l.counter.of(RefusedSlowReader); n != 0 {
		t.Errorf("cut off %d times", n)
	}
	l.eventually("the writer to end", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return !c.writing
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	if cap(c.unsent) > 1<<20 {
		t.Errorf("a connection at rest keeps %d bytes", cap(c.unsent))
	}
}

// TestOneBatchAtATime: nothing is submitted before the batch before is released.
func TestOneBatchAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hold := make(chan struct{})
		h := &echo{hold: hold}
		l := withoutListener(t, h, Limits{})
		nc := l.pipe()
		go func() {
			for i := range 101 {
				if _, err := nc.Write(framed(numbered(i))); err != nil {
					t.Errorf("write frame %d: %v", i, err)
					return
				}
			}
		}()
		synctest.Wait() // until nothing can go on
		h.mu.Lock()
		if h.batches != 1 {
			t.Errorf("%d batches at once", h.batches)
		}
		h.hold = nil
		h.mu.Unlock()
		close(hold)
		for i := range 101 {
			if got := readFrame(t, nc); !bytes.Equal(got, numbered(i)) {
				t.Fatalf("frame %d is %q", i, got)
			}
		}
		_ = nc.Close()
		l.server.Close()
	})
}

func TestLargeFramesInFlight(t *testing.T) {
	hold := make(chan struct{})
	h := &echo{hold: hold}
	l := serve(t, h, Limits{LargeFrame: 50_000, LargeFrames: 250_000})
	first, second := l.dial(), l.dial()
	write(t, first, framed(payload(200_000)))
	l.eventually("the first", func() bool { return len(h.received()) == 1 })
	_, _ = second.Write(framed(payload(200_000)))
	mustEnd(t, second)
	if l.counter.of(RefusedLarge) != 1 {
		t.Error("not counted")
	}
	third := l.dial()
	write(t, third, framed(payload(40_000))) // not large
	if got := readFrame(t, third); len(got) != 40_000 {
		t.Errorf("%d bytes", len(got))
	}
	h.mu.Lock()
	h.hold = nil
	h.mu.Unlock()
	close(hold)
	readFrame(t, first)
	write(t, first, framed(payload(200_000)))
	readFrame(t, first)
	l.eventually("everything to be given back", func() bool { return l.server.large.Load() == 0 })
}

func TestHostRefuses(t *testing.T) {
	l := serve(t, &echo{refuse: true}, Limits{})
	mustEnd(t, l.dial())
}

// TestFlood opens and drops many connections at once; some half-way through a
// frame. All goroutines must end (serve checks).
func TestFlood(t *testing.T) {
	h := &echo{}
	l := serve(t, h, Limits{})
	var clients sync.WaitGroup
	const workers, each = 8, 100
	for w := range workers {
		clients.Go(func() {
			for i := range each {
				nc, err := net.Dial("tcp", l.address)
				if err != nil {
					t.Error(err)
					return
				}
				_ = nc.SetDeadline(time.Now().Add(patience))
				switch (w + i) % 4 {
				case 0:
				case 1:
					_, _ = nc.Write([]byte{0, 0})
				case 2:
					_, _ = nc.Write(binary.BigEndian.AppendUint32(nil, 100_000))
				default:
					_, _ = nc.Write(framed(numbered(i)))
					if _, err := io.ReadFull(nc, make([]byte, 4)); err != nil {
						t.Error(err)
					}
				}
				_ = nc.Close()
			}
		})
	}
	clients.Wait()
	l.eventually("all to be closed", func() bool {
		h.mu.Lock()
		defer h.mu.Unlock()
		return h.closed == workers*each
	})
}

// TestCloseDuringAccept ends servers while clients are dialing.
func TestCloseDuringAccept(t *testing.T) {
	for range 20 {
		l := serve(t, &echo{}, Limits{})
		done := make(chan struct{})
		go func() {
			defer close(done)
			for {
				nc, err := net.Dial("tcp", l.address)
				if err != nil {
					return
				}
				_, _ = nc.Write(framed(numbered(1)))
				_ = nc.Close()
			}
		}()
		l.eventually("a connection", func() bool { return len(l.host.received()) > 0 })
		l.server.Close() // before Serve ends: the worst order
		l.stopServing()
		<-done
	}
}
