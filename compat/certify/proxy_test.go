package certify_test

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"slices"
	"sync"
	"testing"

	"kafkacoord/coord/wire"
)

// breakage is one thing that a server does wrong. Its functions see whole
// frames without their length; those that are nil leave frames as they are.
type breakage struct {
	// connected changes the answer to a connect request.
	connected func(request *wire.ConnectRequest, answer *wire.ConnectResponse)
	// request may change a request, or return true to keep it from the server,
	// which is then answered as if it had been carried out.
	request func(r *wire.Request) (swallow bool)
	// reply returns what is sent instead of a reply.
	reply func(l *link, r *wire.Request, reply *reply) [][]byte
	// event returns what is sent instead of a watch event.
	event func(l *link, e wire.WatcherEvent, frame []byte) [][]byte
}

// reply is a decoded reply.
type reply struct {
	header wire.ReplyHeader
	wire.Reply
	frame []byte // as it came
}

// proxy stands between clients and a server and breaks one thing.
type proxy struct {
	t        *testing.T
	listener net.Listener
	server   string
	broken   breakage
	running  sync.WaitGroup

	mu    sync.Mutex
	ended bool
	links []*link
}

// startProxy returns the address of a proxy before a server.
func startProxy(t *testing.T, server string, broken breakage) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{t: t, listener: listener, server: server, broken: broken}
	p.running.Go(p.accept)
	t.Cleanup(func() {
		_ = listener.Close()
		p.mu.Lock()
		p.ended = true
		for _, l := range p.links {
			l.close()
		}
		p.mu.Unlock()
		p.running.Wait()
	})
	return listener.Addr().String()
}

func (p *proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", p.server)
		if err != nil {
			_ = client.Close()
			continue
		}
		l := &link{proxy: p, client: client, server: server, in: bufio.NewReader(client), out: bufio.NewReader(server)}
		p.mu.Lock()
		p.links = append(p.links, l)
		if p.ended {
			l.close()
		}
		p.mu.Unlock()
		p.running.Go(l.serve)
	}
}

// link is one client's connection through the proxy.
type link struct {
	proxy          *proxy
	client, server net.Conn
	in, out        *bufio.Reader

	// held is kept back by a breakage; owned by the goroutine that reads replies.
	held [][]byte

	mu      sync.Mutex
	zxid    wire.Zxid  // of the last reply
	waiting []*pending // requests without reply, oldest first
}

type pending struct {
	xid     int32
	request wire.Request
}

func (l *link) close() {
	_ = l.client.Close()
	_ = l.server.Close()
}

// waits tells whether requests are still without reply.
func (l *link) waits() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.waiting) > 0
}

func (l *link) serve() {
	defer l.close()
	if !l.shakeHands() {
		return
	}
	l.proxy.running.Go(func() {
		defer l.close()
		for l.passRequest() {
		}
	})
	for l.passReply() {
	}
}

func (l *link) shakeHands() bool {
	asked, ok := readFrame(l.in)
	if !ok || !writeFrames(l.server, asked) {
		return false
	}
	answered, ok := readFrame(l.out)
	if !ok {
		return false
	}
	if l.proxy.broken.connected != nil {
		request, err := wire.DecodeConnectRequest(asked)
		answer, answerErr := wire.DecodeConnectResponse(answered)
		if err != nil || answerErr != nil {
			l.proxy.t.Errorf("handshake: %v, %v", err, answerErr)
			return false
		}
		l.proxy.broken.connected(&request, &answer)
		answered = wire.AppendConnectResponse(nil, &answer)
	}
	return writeFrames(l.client, answered)
}

func (l *link) passRequest() bool {
	frame, ok := readFrame(l.in)
	if !ok {
		return false
	}
	d := wire.NewDecoder(frame)
	p := &pending{xid: d.Int()}
	op := wire.Op(d.Int())
	if err := wire.DecodeRequest(op, d.Rest(), &p.request); err != nil {
		l.proxy.t.Errorf("request %v: %v", op, err)
		return false
	}
	p.request.Op = op
	if change := l.proxy.broken.request; change != nil {
		if change(&p.request) {
			l.mu.Lock()
			header := wire.ReplyHeader{Xid: p.xid, Zxid: l.zxid}
			l.mu.Unlock()
			return writeFrames(l.client, wire.AppendReplyHeader(nil, header)) && op != wire.OpCloseSession
		}
		framed := wire.AppendRequestFrame(nil, p.xid, &p.request)
		frame = framed[4:]
	}
	l.mu.Lock()
	l.waiting = append(l.waiting, p)
	l.mu.Unlock()
	return writeFrames(l.server, frame)
}

func (l *link) passReply() bool {
	frame, ok := readFrame(l.out)
	if !ok {
		return false
	}
	d := wire.NewDecoder(frame)
	r := &reply{header: d.ReplyHeader(), frame: frame}
	if r.header.Xid == wire.XidNotification {
		e, err := wire.DecodeWatcherEvent(d.Rest())
		if err != nil {
			l.proxy.t.Errorf("watch event: %v", err)
			return false
		}
		if change := l.proxy.broken.event; change != nil {
			return writeFrames(l.client, change(l, e, frame)...)
		}
		return writeFrames(l.client, frame)
	}
	p := l.answered(r.header)
	if p == nil {
		l.proxy.t.Errorf("a reply with xid %d to no request", r.header.Xid)
		return false
	}
	if change := l.proxy.broken.reply; change != nil {
		if r.header.Err == wire.OK {
			var err error
			if r.Reply, err = wire.DecodeReply(p.request.Op, d.Rest()); err != nil {
				l.proxy.t.Errorf("reply to %v: %v", p.request.Op, err)
				return false
			}
		}
		return writeFrames(l.client, change(l, &p.request, r)...)
	}
	return writeFrames(l.client, frame)
}

// answered takes the request that a reply belongs to: that to an auth request
// may come before others.
func (l *link) answered(h wire.ReplyHeader) *pending {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.zxid = max(l.zxid, h.Zxid)
	for i, p := range l.waiting {
		if p.xid == h.Xid {
			l.waiting = slices.Delete(l.waiting, i, i+1)
			return p
		}
	}
	return nil
}

// frameMax bounds what the proxy passes on.
const frameMax = 64 << 20

func readFrame(r *bufio.Reader) ([]byte, bool) {
	var prefix [4]byte
	if _, err := io.ReadFull(r, prefix[:]); err != nil {
		return nil, false
	}
	n := binary.BigEndian.Uint32(prefix[:])
	if n > frameMax {
		return nil, false
	}
	frame := make([]byte, n)
	_, err := io.ReadFull(r, frame)
	return frame, err == nil
}

func writeFrames(w io.Writer, frames ...[]byte) bool {
	var out []byte
	for _, frame := range frames {
		out = wire.AppendBuffer(out, frame)
	}
	if len(out) == 0 {
		return true
	}
	_, err := w.Write(out)
	return err == nil
}

// encoded is the reply as a frame again, after a change to what was decoded.
func (r *reply) encoded(op wire.Op) []byte {
	frame := wire.AppendReplyHeader(nil, r.header)
	if r.header.Err != wire.OK {
		return frame
	}
	if op == wire.OpMulti {
		return appendResults(frame, r.Results)
	}
	return appendBody(frame, op, &r.Reply)
}

func appendResults(frame []byte, results []wire.MultiResult) []byte {
	for _, result := range results {
		if result.Op == wire.OpError {
			frame = wire.AppendMultiError(frame, result.Err)
			continue
		}
		frame = appendBody(wire.AppendMultiResult(frame, result.Op, wire.OK), result.Op, &result.Reply)
	}
	return wire.AppendMultiEnd(frame)
}

func appendBody(frame []byte, op wire.Op, r *wire.Reply) []byte {
	switch op {
	case wire.OpCreate:
		frame = wire.AppendString(frame, r.Path)
	case wire.OpGetData:
		frame = wire.AppendBuffer(frame, r.Data)
	case wire.OpGetChildren2:
		frame = wire.AppendStrings(frame, r.Children)
	case wire.OpGetACL:
		frame = wire.AppendACLs(frame, r.ACL)
	}
	if r.HasStat {
		frame = wire.AppendStat(frame, &r.Stat)
	}
	return frame
}
