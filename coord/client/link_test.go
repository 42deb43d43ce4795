package client

import (
	"errors"
	"net"
	"testing"
	"time"

	"kafkacoord/coord/wire"
)

// FuzzFrames feeds a reader with anything: it must fail with an error, not
// panic, and take no more memory than ReplyBytesMax allows.
func FuzzFrames(f *testing.F) {
	frame := func(h wire.ReplyHeader, body []byte) []byte {
		b, mark := wire.BeginFrame(nil)
		return wire.EndFrame(append(wire.AppendReplyHeader(b, h), body...), mark)
	}
	f.Add(frame(wire.ReplyHeader{Xid: 1}, wire.AppendStat(wire.AppendBuffer(nil, []byte("x")), &wire.Stat{})))
	f.Add(frame(wire.ReplyHeader{Xid: wire.XidAuth, Err: wire.AuthFailed}, nil))
	f.Add(append(frame(wire.ReplyHeader{Xid: wire.XidPing}, nil), wire.AppendWatcherEvent(nil, 1, wire.WatcherEvent{Type: 1, Path: "/"})...))
	f.Add([]byte{0x7f, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, input []byte) {
		const replyBytesMax = 100_000
		here, there := net.Pipe()
		defer func() { _ = there.Close() }()
		c := &Client{config: Config{ReplyBytesMax: replyBytesMax}, events: newEventQueue(nil, 1), watches: newWatchTable(), opened: make(chan struct{})}
		results := 0
		for _, op := range []wire.Op{wire.OpGetData, wire.OpAuth, wire.OpMulti, wire.OpGetChildren2} {
			k := &call{op: op, auth: &Auth{}, done: func(Result) { results++ }}
			c.queue.push(k, &wire.Request{Op: op, Path: "/"})
		}
		c.queue.take(nil)
		l := newLink(c, here, time.Second)
		go func() {
			_, _ = there.Write(input)
			_ = there.Close()
		}()
		if err := l.read(); err == nil {
			t.Error("reading ended without error")
		}
		if results > 4 || len(l.in) > max(readBufferBytes, replyBytesMax+4) {
			t.Errorf("%d results of 4, a buffer of %d bytes", results, len(l.in))
		}
		l.fail(errors.New("done"))
	})
}
