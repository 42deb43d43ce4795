package core

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"kafkacoord/coord/auth"
	"kafkacoord/coord/tree"
	"kafkacoord/coord/wire"
)

// load is a crowd of random clients on one server.
type load struct {
	host     *host
	random   *rand.Rand
	sessions []wire.SessionID // seen in connect responses, open or not
	xid      int32
	garbage  []byte // sent as payloads now and then
	trace    []byte // every byte and order that the server gave out
}

const loadConns = 6

func newLoad(t testing.TB, seed uint64, garbage []byte) *load {
	garbage = slices.Clone(garbage)
	if len(garbage) > 0 && garbage[0] == 0xff {
		garbage[0] = 0 // a reply to xid -1 looks like an event
	}
	c := testConfig()
	c.OutstandingLimit = 20
	c.TxnBytes = 300
	c.Prep.ExtendedTypes = true
	c.Container = ContainerConfig{CheckInterval: 3000, MaxPerMinute: 60, NeverUsed: 4000}
	h := newHost(t, c, auth.Config{DigestEnabled: true})
	return &load{host: h, random: rand.New(rand.NewPCG(seed, 1)), garbage: garbage}
}

// turn feeds one random batch of input.
func (l *load) turn() {
	h, r := l.host, l.random
	for id := range ConnID(loadConns) {
		switch {
		case !h.open[id]:
			if r.IntN(3) == 0 {
				h.openConn(id, netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 0, byte(id)}), 1))
				l.send(id, l.connectFrame())
			}
		case h.ordered[id].ended || r.IntN(60) == 0:
			if r.IntN(2) == 0 {
				l.send(id, l.requests())
			}
			h.closeConn(id)
		case r.IntN(2) == 0:
			l.send(id, l.requests())
		}
	}
	if h.appended > h.core.committed && r.IntN(2) == 0 {
		h.durable(h.core.committed + wire.Zxid(1+r.IntN(int(h.appended-h.core.committed))))
	}
	h.mono += wire.Millis(r.IntN(200))
	l.step()
}

func (l *load) send(id ConnID, frames []byte) {
	if len(frames) > 0 && !l.host.busy[id] {
		l.host.send(id, frames)
	}
}

func (l *load) step() {
	h := l.host
	got := h.step()
	for _, e := range h.out.Append {
		l.trace = append(l.trace, e.Payload...)
	}
	for i := range h.out.Replies {
		r := &h.out.Replies[i]
		l.trace = append(l.trace, byte(r.Conn))
		l.trace = append(l.trace, r.Bytes...)
		for _, frame := range got[r.Conn] {
			if frame.connect {
				if c, err := wire.DecodeConnectResponse(frame.body); err == nil && c.SessionID != 0 {
					l.sessions = append(l.sessions, c.SessionID)
				}
			}
		}
	}
	l.trace = fmt.Append(l.trace, h.out.Release, h.out.Notes)
}

func (l *load) connectFrame() []byte {
	r := l.random
	if len(l.sessions) == 0 || r.IntN(2) == 0 {
		return newSessionFrame(int32(r.IntN(6000)))
	}
	id := l.sessions[r.IntN(len(l.sessions))]
	password := wire.SessionPassword(id)
	c := wire.ConnectRequest{Timeout: 3000, SessionID: id, Password: password[:]}
	if r.IntN(10) == 0 {
		c.Password = []byte("wrong")
	}
	if r.IntN(20) == 0 {
		c.LastZxidSeen = 1 << 40
	}
	return connectFrame(&c)
}

func (l *load) requests() []byte {
	var frames []byte
	for range l.random.IntN(6) {
		l.xid++
		switch n := l.random.IntN(100); {
		case n == 0 && len(l.garbage) > 0:
			frames = append(frames, rawFrame(l.garbage)...)
		case n == 1:
			frames = append(frames, headerFrame(l.xid, wire.Op(l.random.IntN(120)-12), l.garbage)...)
		case n < 5:
			op := l.operation()
			frames = append(frames, headerFrame(l.xid, op.Op, l.garbage)...)
		default:
			op := l.operation()
			frames = append(frames, requestFrame(l.xid, &op)...)
		}
	}
	return frames
}

func (l *load) path() string {
	names := []string{"/a", "/b", "/a/c", "/a/d", "/b/e", "/zookeeper", "/", "/x/y", "", "/a/", "bad"}
	return names[l.random.IntN(len(names))]
}

func (l *load) acl() []wire.ACL {
	lists := [][]wire.ACL{
		wire.OpenACL, wire.OpenACL, wire.OpenACL,
		{{Perms: wire.PermAll, ID: wire.ID{Scheme: "auth"}}},
		{{Perms: wire.PermRead, ID: wire.AnyoneID}, {Perms: wire.PermAll, ID: wire.ID{Scheme: "ip", ID: "10.0.0.1"}}},
		{},
	}
	return lists[l.random.IntN(len(lists))]
}

var loadOps = []wire.Op{
	wire.OpCreate, wire.OpCreate, wire.OpCreate2, wire.OpCreateContainer, wire.OpCreateTTL, wire.OpDelete, wire.OpDelete,
	wire.OpSetData, wire.OpSetData, wire.OpSetACL, wire.OpMulti, wire.OpMultiRead, wire.OpSync, wire.OpPing,
	wire.OpGetData, wire.OpGetData, wire.OpExists, wire.OpExists, wire.OpGetChildren, wire.OpGetChildren2, wire.OpGetACL,
	wire.OpAuth, wire.OpSASL, wire.OpSetWatches, wire.OpSetWatches2, wire.OpAddWatch, wire.OpCheckWatches,
	wire.OpRemoveWatches, wire.OpGetEphemerals, wire.OpGetAllChildrenNumber, wire.OpWhoAmI, wire.OpReconfig,
}

func (l *load) operation() wire.Request {
	r := l.random
	if r.IntN(150) == 0 {
		return wire.Request{Op: wire.OpCloseSession}
	}
	q := l.single(loadOps[r.IntN(len(loadOps))])
	parts := []wire.Op{wire.OpCreate, wire.OpDelete, wire.OpSetData, wire.OpCheck, wire.OpCreate2}
	if q.Op == wire.OpMultiRead {
		parts = []wire.Op{wire.OpGetData, wire.OpGetChildren}
	}
	if q.Op == wire.OpMulti || q.Op == wire.OpMultiRead {
		for range r.IntN(4) {
			q.Subs = append(q.Subs, l.single(parts[r.IntN(len(parts))]))
		}
	}
	return q
}

func (l *load) single(op wire.Op) wire.Request {
	r := l.random
	q := wire.Request{
		Op: op, Path: l.path(), Data: make([]byte, r.IntN(40)), ACL: l.acl(), Flags: int32(r.IntN(4)), TTL: -1,
		Version: int32(r.IntN(3) - 1), Kind: int32(r.IntN(2)), Watch: r.IntN(2) == 0,
		RelativeZxid: wire.Zxid(r.IntN(200)), Reconfig: &wire.ReconfigRequest{},
	}
	switch op {
	case wire.OpCreateTTL:
		q.Flags, q.TTL = wire.FlagPersistentTTL, int64(1+r.IntN(5000))
	case wire.OpAuth:
		q.Scheme, q.Auth = "digest", []byte("u:"+string(rune('a'+r.IntN(3))))
	case wire.OpSASL:
		q.Auth = []byte{}
	case wire.OpCheckWatches, wire.OpRemoveWatches:
		q.Kind = int32(1 + r.IntN(5))
	case wire.OpSetWatches, wire.OpSetWatches2:
		q.DataWatches, q.ExistWatches, q.ChildWatches = []string{l.path()}, []string{l.path()}, []string{l.path()}
		q.PersistentWatches, q.PersistentRecursiveWatch = []string{l.path()}, []string{l.path()}
	}
	return q
}

// finish closes everything and checks that nothing is left over.
func (l *load) finish() {
	h := l.host
	h.t.Helper()
	l.host.settle()
	for id := range h.open {
		h.closeConn(id)
	}
	l.step()
	h.settle()
	switch {
	case h.core.Outstanding() != 0:
		h.t.Fatalf("%d requests are outstanding without a connection", h.core.Outstanding())
	case h.core.Watches().Counts().Total() != 0:
		h.t.Fatalf("watches without a connection: %+v", h.core.Watches().Counts())
	case h.core.Stats().Connections != 0 || len(h.core.bySession) != 0 || len(h.core.paused) != 0:
		h.t.Fatal("connections are left over")
	case h.core.tree.Digest() != h.core.prep.Digest():
		h.t.Fatal("the prediction of the tree's digest is wrong")
	case h.core.tree.Digest() != digestFromScratch(h.core.tree):
		h.t.Fatal("the tree's digest is wrong")
	}
	h.mono += 100_000
	l.step()
	h.settle()
	if n := h.core.Sessions().Len(); n != 0 || h.core.tree.NumEphemerals() != 0 {
		h.t.Fatalf("after their time %d sessions and %d ephemerals are left", n, h.core.tree.NumEphemerals())
	}
}

// digestFromScratch computes the digest of the tree from what a snapshot has.
func digestFromScratch(t *tree.Tree) (sum uint64) {
	v := t.View()
	defer t.Release(v)
	for n := range v.Nodes {
		f := t.Node(t.Find(n.Path)).Fields
		if !tree.Undigested(n.Path) {
			sum += uint64(tree.NodeDigest(n.Path, n.Data, &f))
		}
	}
	return sum
}

func TestRandomClients(t *testing.T) {
	for seed := range uint64(30) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			l := newLoad(t, seed, []byte{0, 0, 0, 9, 0xff, 0xff, 0xff, 0xf6, 0, 0, 0, 2, '/'})
			for range 300 {
				l.turn()
			}
			l.finish()
		})
	}
}

// TestSameInputSameOutput runs loads twice. Hash seeds differ between the two
// trees and nothing may show them.
func TestSameInputSameOutput(t *testing.T) {
	for seed := range uint64(10) {
		var traces [2][]byte
		for i := range traces {
			l := newLoad(t, seed, []byte("garbage"))
			for range 200 {
				l.turn()
			}
			l.finish()
			traces[i] = l.trace
		}
		if !slices.Equal(traces[0], traces[1]) {
			t.Errorf("seed %d: two runs gave %d and %d different bytes", seed, len(traces[0]), len(traces[1]))
		}
	}
}

// TestSameStartSameOutput recovers many sessions that expire together.
func TestSameStartSameOutput(t *testing.T) {
	sessions := map[wire.SessionID]int32{}
	for i := range wire.SessionID(50) {
		sessions[i*7919+1] = 4000
	}
	var logs [2]string
	for i := range logs {
		h := newHost(t, testConfig(), auth.Config{})
		h = newHostOn(t, testConfig(), auth.Config{}, State{Tree: h.core.tree, Sessions: sessions}, 0)
		h.mono = 10_000
		h.step()
		if len(h.log) != len(sessions) {
			t.Fatalf("%d of %d sessions expired", len(h.log), len(sessions))
		}
		logs[i] = fmt.Sprint(h.log)
	}
	if logs[0] != logs[1] {
		t.Error("sessions that expire together do so in an order that differs from run to run")
	}
}

// TestNewIDIsUnused starts a server with a wall clock that is set back, so that
// its first numbers are those of sessions it recovered.
func TestNewIDIsUnused(t *testing.T) {
	h := newHost(t, testConfig(), auth.Config{})
	first := h.connect(0, 4000)
	second := h.connect(1, 4000)
	again := newHostOn(t, testConfig(), auth.Config{}, State{
		Tree: h.core.tree, Sessions: map[wire.SessionID]int32{first: 4000, second: 4000}, Zxid: h.core.Zxid(),
	}, 0)
	if id := again.connect(0, 4000); id == first || id == second {
		t.Errorf("new session has the id %v of another", id)
	}
}

func FuzzStep(f *testing.F) {
	f.Add(uint64(1), []byte{})
	f.Add(uint64(2), headerFrame(1, wire.OpCreate, nil)[4:])
	f.Add(uint64(3), requestFrame(1, &wire.Request{Op: wire.OpMulti, Subs: []wire.Request{{Op: wire.OpDelete, Path: "/a"}}})[4:])
	f.Add(uint64(4), newSessionFrame(5000)[4:])
	f.Fuzz(func(t *testing.T, seed uint64, garbage []byte) {
		l := newLoad(t, seed, garbage)
		for range 60 {
			l.turn()
		}
		l.finish()
	})
}
