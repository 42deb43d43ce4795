package core

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"kafkacoord/coord/auth"
	"kafkacoord/coord/prep"
	"kafkacoord/coord/tree"
	"kafkacoord/coord/wire"
)

// wallAtZero is the wall clock when the monotonic clock of the tests is 0.
const wallAtZero = 1_000_000

func testConfig() Config {
	return Config{
		ServerID: 1, Tick: 1000, MinSessionTimeout: 2000, MaxSessionTimeout: 40_000, OutstandingLimit: 1000,
		Prep: prep.Config{Digest: true, CloseSessionTxn: true, Standalone: true},
	}
}

// host is what drives a core in tests: it collects the input of the next turn,
// steps, and checks what must hold after every turn.
type host struct {
	t    testing.TB
	core *Core
	in   Input
	out  Output
	mono wire.Millis

	appended wire.Zxid             // newest given to the log
	busy     map[ConnID]bool       // batches that are not released
	open     map[ConnID]bool       // connections whose end was not stepped
	ordered  map[ConnID]*checklist // what each connection waits for
	log      [][]byte              // every payload appended
}

// checklist holds the requests of one connection that the server has not
// answered, to find replies out of order.
type checklist struct {
	shaken  bool
	waiting []sentRequest
	ended   bool
	zxid    wire.Zxid // of the last reply
}

type sentRequest struct {
	xid int32
	op  wire.Op
}

// received is one frame that a client gets.
type received struct {
	connect bool
	header  wire.ReplyHeader
	op      wire.Op
	body    []byte
}

func newHost(t testing.TB, c Config, a auth.Config) *host {
	t.Helper()
	return newHostOn(t, c, a, State{Tree: tree.New(tree.Options{Digest: c.Prep.Digest, ExtendedTypes: c.Prep.ExtendedTypes})}, 0)
}

func newHostOn(t testing.TB, c Config, a auth.Config, s State, mono wire.Millis) *host {
	t.Helper()
	registry, err := auth.New(a)
	if err != nil {
		t.Fatal(err)
	}
	return &host{
		t: t, core: New(c, registry, s, wallAtZero+mono, mono), mono: mono, appended: s.Zxid,
		busy: map[ConnID]bool{}, open: map[ConnID]bool{}, ordered: map[ConnID]*checklist{},
	}
}

func (h *host) openConn(id ConnID, remote netip.AddrPort) {
	h.in.Opened = append(h.in.Opened, Opened{Conn: id, Remote: remote})
	h.open[id] = true
	h.ordered[id] = &checklist{}
}

func (h *host) closeConn(id ConnID) { h.in.Closed = append(h.in.Closed, id) }

// send adds frames to the connection's batch of this turn.
func (h *host) send(id ConnID, frames []byte) {
	h.t.Helper()
	if h.busy[id] {
		h.t.Fatalf("connection %d: its batch is not released, so it cannot send", id)
	}
	h.expect(id, frames)
	for i := range h.in.Batches {
		if h.in.Batches[i].Conn == id {
			h.in.Batches[i].Frames = append(h.in.Batches[i].Frames, frames...)
			return
		}
	}
	h.in.Batches = append(h.in.Batches, Batch{Conn: id, Frames: frames})
}

func (h *host) expect(id ConnID, frames []byte) {
	list := h.ordered[id]
	for len(frames) >= 4 {
		n := int(binary.BigEndian.Uint32(frames))
		frame := frames[4:min(4+n, len(frames))]
		frames = frames[min(4+n, len(frames)):]
		if !list.shaken {
			list.shaken = true
			continue
		}
		if len(frame) >= wire.RequestHeaderSize {
			r := sentRequest{int32(binary.BigEndian.Uint32(frame)), wire.Op(binary.BigEndian.Uint32(frame[4:]))}
			list.waiting = append(list.waiting, r)
		}
	}
}

// durable says that the log has synced everything up to z.
func (h *host) durable(z wire.Zxid) { h.in.Durable = z }

// step takes a turn and returns what each connection received. The buffers of
// the batches are destroyed afterwards, as their owner may do.
func (h *host) step() map[ConnID][]received {
	h.t.Helper()
	h.in.Now, h.in.Mono = wallAtZero+h.mono, h.mono
	for i := range h.in.Batches {
		h.busy[h.in.Batches[i].Conn] = true
	}
	h.core.Step(&h.in, &h.out)
	for i := range h.in.Batches {
		for j := range h.in.Batches[i].Frames {
			h.in.Batches[i].Frames[j] = 0xee
		}
	}
	for _, e := range h.out.Append {
		newEpoch := h.core.member != nil && e.Zxid.Epoch() > h.appended.Epoch() && e.Zxid.Counter() == 1
		if e.Zxid != h.appended+1 && !newEpoch {
			h.t.Fatalf("transaction %v follows %v", e.Zxid, h.appended)
		}
		if most := h.core.config.TxnBytes; most > 0 && len(e.Payload) > most {
			h.t.Fatalf("transaction %v has %d bytes, the log takes %d", e.Zxid, len(e.Payload), most)
		}
		h.appended = e.Zxid
		h.log = append(h.log, append([]byte(nil), e.Payload...))
	}
	for _, id := range h.out.Release {
		if !h.busy[id] {
			h.t.Fatalf("connection %d is released twice", id)
		}
		delete(h.busy, id)
	}
	got := map[ConnID][]received{}
	for i := range h.out.Replies {
		r := &h.out.Replies[i]
		if !h.open[r.Conn] {
			h.t.Fatalf("output for connection %d, which is gone", r.Conn)
		}
		got[r.Conn] = append(got[r.Conn], h.receive(r)...)
	}
	for _, id := range h.in.Closed {
		delete(h.open, id)
		delete(h.busy, id)
	}
	h.in = Input{Ready: slices.Clone(h.out.Full)}
	h.checkCounts()
	return got
}

// receive cuts a connection's output and checks it against what was asked.
func (h *host) receive(r *Reply) []received {
	h.t.Helper()
	list := h.ordered[r.Conn]
	if list.ended {
		h.t.Fatalf("connection %d: output after its end", r.Conn)
	}
	list.ended = r.Close
	var out []received
	for b := r.Bytes; len(b) > 0; {
		n := int(binary.BigEndian.Uint32(b))
		frame := append([]byte(nil), b[4:4+n]...)
		b = b[4+n:]
		if h.isConnectResponse(r.Conn) {
			out = append(out, received{connect: true, body: frame})
			continue
		}
		d := wire.NewDecoder(frame)
		got := received{header: d.ReplyHeader(), body: frame[wire.ReplyHeaderSize:]}
		if d.Err() != nil {
			h.t.Fatalf("connection %d: a frame of %d bytes is no reply", r.Conn, n)
		}
		if got.header.Xid != wire.XidNotification {
			got.op = h.answered(r.Conn, list, got.header)
		}
		out = append(out, got)
	}
	return out
}

// isConnectResponse tells whether the next frame is the connection's first.
func (h *host) isConnectResponse(id ConnID) bool {
	list := h.ordered[id]
	first := list.zxid == 0
	if first {
		list.zxid = -1
	}
	return first
}

// answered finds the request that a reply belongs to: the oldest one, but for
// the operations that are answered past others.
func (h *host) answered(id ConnID, list *checklist, header wire.ReplyHeader) wire.Op {
	h.t.Helper()
	if header.Zxid > 0 {
		if header.Zxid < list.zxid {
			h.t.Fatalf("connection %d: reply of %v after one of %v", id, header.Zxid, list.zxid)
		}
		list.zxid = header.Zxid
	}
	for i, r := range list.waiting {
		overtakes := r.op == wire.OpAuth || r.op == wire.OpSASL || header.Err == wire.SessionClosedNeedsAuth ||
			header.Err == wire.Unimplemented && header.Zxid == -1
		xid := r.xid
		if r.op == wire.OpPing && header.Err == wire.OK {
			xid = wire.XidPing
		}
		if xid == header.Xid && (i == 0 || overtakes) {
			list.waiting = append(list.waiting[:i:i], list.waiting[i+1:]...)
			return r.op
		}
	}
	h.t.Fatalf("connection %d: reply to xid %d, waiting are %v", id, header.Xid, list.waiting)
	return 0
}

// checkCounts compares the core's running count of requests with its queues.
func (h *host) checkCounts() {
	h.t.Helper()
	want := 0
	for _, cn := range h.core.conns {
		if cn == nil || cn.full {
			continue
		}
		for i := cn.pending.head; i < len(cn.pending.items); i++ {
			if cn.pending.items[i].counted {
				want++
			}
		}
	}
	if got := h.core.Outstanding(); got != want {
		h.t.Fatalf("Outstanding is %d, the connections wait for %d", got, want)
	}
	if h.core.Zxid() > h.core.committed || h.core.committed > h.core.proposed {
		h.t.Fatalf("applied %v, durable %v, proposed %v: each may at most reach the next",
			h.core.Zxid(), h.core.committed, h.core.proposed)
	}
}

// settle makes everything durable until nothing is under way.
func (h *host) settle() map[ConnID][]received {
	h.t.Helper()
	all := map[ConnID][]received{}
	for range 10_000 {
		h.durable(h.appended)
		for id, frames := range h.step() {
			all[id] = append(all[id], frames...)
		}
		if h.core.inflight.len() == 0 && len(h.busy) == 0 {
			return all
		}
	}
	h.t.Fatal("the server does not come to rest")
	return nil
}

// Frames that clients send.

func connectFrame(r *wire.ConnectRequest) []byte {
	dst, mark := wire.BeginFrame(nil)
	return wire.EndFrame(wire.AppendConnectRequest(dst, r), mark)
}

func newSessionFrame(timeout int32) []byte {
	return connectFrame(&wire.ConnectRequest{Timeout: timeout, Password: make([]byte, wire.PasswordSize), HasReadOnly: true})
}

func requestFrame(xid int32, r *wire.Request) []byte { return wire.AppendRequestFrame(nil, xid, r) }

func rawFrame(payload []byte) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(payload))), payload...)
}

func headerFrame(xid int32, op wire.Op, body []byte) []byte {
	p := binary.BigEndian.AppendUint32(nil, uint32(xid))
	p = binary.BigEndian.AppendUint32(p, uint32(op))
	return rawFrame(append(p, body...))
}

// connect opens a connection with a new session.
func (h *host) connect(id ConnID, timeout int32) wire.SessionID {
	h.t.Helper()
	h.openConn(id, netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(id + 1)}), 1000))
	h.send(id, newSessionFrame(timeout))
	h.step()
	got := h.settle()[id]
	if len(got) != 1 || !got[0].connect {
		h.t.Fatalf("connect was answered with %v", got)
	}
	r, err := wire.DecodeConnectResponse(got[0].body)
	if err != nil || r.SessionID == 0 {
		h.t.Fatalf("connect response %+v, error %v", r, err)
	}
	return r.SessionID
}

func (r received) String() string {
	return fmt.Sprintf("{%d %v %v %x}", r.header.Xid, r.header.Zxid, r.header.Err, r.body)
}
