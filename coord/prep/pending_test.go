package prep

import (
	"fmt"
	"strings"
	"testing"

	"kafkacoord/coord/wire"
)

// Far more in flight than any queue starts with, and paths too long to keep.
func TestManyInFlight(t *testing.T) {
	s := newServer(t, Config{Digest: true, CloseSessionTxn: true, Standalone: true})
	s.sessions.Create(1, 10000, 0)
	const n = 3 * freeChangesMax / 2
	long := strings.Repeat("x", 2*keyKeptBytesMax)
	for i := range n {
		_, code := s.request(Request{Session: 1, Req: &wire.Request{
			Op: wire.OpCreate, Path: fmt.Sprintf("/%s-%d", long[:i%len(long)], i), ACL: wire.OpenACL, Flags: wire.FlagEphemeral,
		}})
		if code != wire.OK {
			t.Fatal(code)
		}
	}
	txn, _ := s.request(Request{Session: 1, Req: &wire.Request{Op: wire.OpCloseSession}})
	if len(txn.Paths) != n {
		t.Fatalf("%d paths to delete, want %d", len(txn.Paths), n)
	}
	s.apply(n / 2)
	if got := s.prep.pending.byPath.count; got != n+1 {
		t.Errorf("%d nodes pending, want all and the root", got)
	}
	s.apply(n)
	if got := len(s.prep.pending.free); got != freeChangesMax {
		t.Errorf("%d changes kept, want %d", got, freeChangesMax)
	}
	for _, c := range s.prep.pending.free {
		if cap(c.key) > keyKeptBytesMax || c.acl != nil || c.next != nil {
			t.Fatalf("kept change of %d bytes, list %v", cap(c.key), c.acl)
		}
	}
	if got, want := digestFromScratch(s.tree), s.prep.Digest(); got != want {
		t.Errorf("digest %x, predicted %x", got, want)
	}
}

// After a flood the memory is given back.
func TestPendingShrinks(t *testing.T) {
	var p pending
	p.reset()
	var base state
	for i := range pendingShrink + 1 {
		p.touch(wire.Zxid(i+1), &node{path: fmt.Sprint("/", i), hash: uint32(i), state: &base})
	}
	p.drop(pendingShrink)
	if p.empty() || p.byPath.count != 1 || len(p.queue) <= pendingShrink {
		t.Fatalf("%d nodes, queue of %d", p.byPath.count, len(p.queue))
	}
	p.drop(pendingShrink + 1)
	if !p.empty() || len(p.queue) > pendingShrink || len(p.free) != 0 {
		t.Errorf("queue of %d, %d kept", len(p.queue), len(p.free))
	}
}

// Reset forgets what is in flight: a new leader starts from its tree.
func TestReset(t *testing.T) {
	s := newServer(t, Config{Digest: true, Standalone: true})
	s.sessions.Create(1, 10000, 0)
	create := Request{Session: 1, Req: &wire.Request{Op: wire.OpCreate, Path: "/a", ACL: wire.OpenACL}}
	s.request(create)
	if _, code := s.request(create); code != wire.NodeExists {
		t.Fatal(code)
	}
	s.prep.Reset(s.tree)
	if got, want := s.prep.Digest(), s.tree.Digest(); got != want {
		t.Errorf("digest %x, the tree's is %x", got, want)
	}
	if _, code := s.request(create); code != wire.OK {
		t.Error(code)
	}
}

// The decoder lets no other operation into a multi, and neither does Prep.
func TestForeignPartOfMulti(t *testing.T) {
	s := newServer(t, Config{Standalone: true})
	s.sessions.Create(1, 10000, 0)
	for _, op := range []wire.Op{wire.OpSetACL, wire.OpCloseSession, wire.OpDeleteContainer, wire.OpMulti, wire.OpGetData} {
		var txn wire.Txn
		code := s.prep.Txn(1, 1, &Request{Session: 1, Req: &wire.Request{
			Op: wire.OpMulti, Subs: []wire.Request{{Op: op, Path: "/a", ACL: wire.OpenACL}},
		}}, &txn)
		if code != wire.Unimplemented || txn.Subs[0].Type != wire.OpError {
			t.Errorf("%s: %v", op, code)
		}
	}
}

// cycle prepares requests that leave the tree out, with so many in flight.
type cycle struct {
	p        *Prep
	zxid     wire.Zxid
	inFlight wire.Zxid
	txn      wire.Txn
}

func newCycle(t testing.TB, inFlight wire.Zxid) *cycle {
	s := newServer(t, Config{Digest: true, CloseSessionTxn: true, Standalone: true})
	s.sessions.Create(1, 10000, 0)
	for _, path := range []string{"/brokers", "/brokers/topics", "/brokers/topics/first"} {
		s.request(Request{Session: 1, Req: &wire.Request{Op: wire.OpCreate, Path: path, Data: make([]byte, 100), ACL: wire.OpenACL}})
	}
	s.apply(len(s.inFlight))
	return &cycle{p: s.prep, zxid: s.zxid, inFlight: inFlight}
}

func (c *cycle) do(r *Request) {
	c.zxid++
	if code := c.p.Txn(1000, c.zxid, r, &c.txn); code != wire.OK {
		panic(fmt.Sprintf("%s %s: %v", r.Req.Op, r.Req.Path, code))
	}
	c.p.Applied(c.zxid - c.inFlight)
}

func requests(n int, q wire.Request) []*Request {
	out := make([]*Request, n)
	for i := range out {
		one := q
		if q.Op != wire.OpSetData {
			one.Path = fmt.Sprintf("%s-%04d", q.Path, i)
		}
		out[i] = &Request{Session: 1, Owner: 1, Req: &one}
	}
	return out
}

var steadyRequests = []struct {
	name string
	q    wire.Request
}{
	{"create", wire.Request{Op: wire.OpCreate, Path: "/brokers/topics/topic", Data: make([]byte, 100), ACL: wire.OpenACL}},
	{"sequential", wire.Request{Op: wire.OpCreate, Path: "/brokers/topics/topic", Data: make([]byte, 100), ACL: wire.OpenACL, Flags: wire.FlagEphemeralSequential}},
	{"setData", wire.Request{Op: wire.OpSetData, Path: "/brokers/topics/first", Data: make([]byte, 100), Version: -1}},
	{"multi", wire.Request{Op: wire.OpMulti, Subs: []wire.Request{
		{Op: wire.OpCheck, Path: "/brokers/topics", Version: -1},
		{Op: wire.OpSetData, Path: "/brokers/topics/first", Version: -1},
	}}},
}

// In steady state a write allocates nothing here.
func TestSteadyStateAllocations(t *testing.T) {
	for _, test := range steadyRequests {
		c := newCycle(t, 20)
		list := requests(64, test.q)
		i := 0
		next := func() { c.do(list[i%len(list)]); i++ }
		for range 1000 {
			next()
		}
		if n := testing.AllocsPerRun(1000, next); n != 0 {
			t.Errorf("%s: %v allocations", test.name, n)
		}
	}
}

func BenchmarkTxn(b *testing.B) {
	for _, inFlight := range []wire.Zxid{0, 500} {
		for _, test := range steadyRequests {
			b.Run(fmt.Sprintf("%s/inFlight=%d", test.name, inFlight), func(b *testing.B) {
				b.ReportAllocs()
				c := newCycle(b, inFlight)
				list := requests(1024, test.q)
				i := 0
				for b.Loop() {
					c.do(list[i%len(list)])
					i++
				}
			})
		}
	}
}
