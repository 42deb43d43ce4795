package oracle

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"kafkacoord/coord/wire"
)

const (
	// slots is how many connections a sequence uses at most.
	slots = 5
	// requestsMax bounds a pipelined batch, well below what makes a server
	// throttle its clients.
	requestsMax = 60
	// sessionTimeoutMillis is so long that no session of a sequence expires by
	// itself, since that would cost a zxid at a time of the server's choice.
	sessionTimeoutMillis = 300_000
	// expirySeeds: one seed in so many has a session that expires.
	expirySeeds = 25
)

// generate makes the sequence of a seed below root: the same steps for the same
// seed, whatever the root is called (its length must not change).
func generate(seed uint64, root string, o *Options) []step {
	operations := o.Operations
	g := generator{
		universe:      newUniverse(rand.New(rand.NewPCG(seed, 0x6f7261636c65)), root),
		quotaEnforced: o.QuotaEnforced,
	}
	g.connections = 3 + g.rng.IntN(slots-2)
	expireAt := -1
	if seed%expirySeeds == 1 {
		expireAt = operations/4 + g.rng.IntN(operations/2+1)
	}
	var steps []step
	for done := 0; done < operations; {
		s := g.step(operations - done)
		if expireAt >= 0 && done >= expireAt {
			s = step{kind: stepExpire}
			expireAt = -1
		}
		done += s.operations()
		steps = append(steps, s)
	}
	return steps
}

// generator knows of the state of the connections as much as it needs to make
// steps that can be taken.
type generator struct {
	*universe
	quotaEnforced bool
	connections   int
	open, used    [slots]bool
	xid           [slots]int32
}

func (g *generator) step(left int) step {
	slot := g.rng.IntN(g.connections)
	if !g.open[slot] {
		return g.connect(slot)
	}
	switch n := g.rng.IntN(1000); {
	case n < 12:
		g.open[slot] = false
		return step{kind: stepDrop, slot: slot}
	case n < 18:
		return g.connect(slot) // closes the old connection or leaves it behind
	case n < 26:
		return g.lastBatch(slot)
	case n < 46:
		return g.authBatch(slot)
	case n < 60:
		return g.batch(slot, g.quotaBatch())
	}
	n := 1
	switch {
	case g.chance(30):
		n = 2 + g.rng.IntN(7)
	case g.chance(8):
		n = 9 + g.rng.IntN(requestsMax-9)
	}
	var records []wire.Request
	for range min(n, left) {
		records = append(records, drawFrom(g.universe, requestKinds))
	}
	return g.batch(slot, records)
}

func (g *generator) batch(slot int, records []wire.Request) step {
	s := step{kind: stepBatch, slot: slot}
	var writesBarred bool
	for _, rec := range records {
		if writesBarred && rec.Op.IsWrite() {
			continue
		}
		r := g.request(slot, rec)
		s.requests = append(s.requests, r)
		writesBarred = writesBarred || g.barsWrites(rec.Op)
		if mayDiffer(&r) {
			break // what comes behind it would have other zxids
		}
	}
	return s
}

// mayDiffer tells whether two servers may do different things with the request
// by way of a listed difference.
func mayDiffer(r *request) bool {
	if r.null || r.rec.Op == wire.OpMultiRead {
		return true
	}
	return r.rec.Op == wire.OpMulti && slices.ContainsFunc(r.rec.Subs, hasNullACL)
}

func hasNullACL(r wire.Request) bool {
	switch r.Op {
	case wire.OpCreate, wire.OpCreate2, wire.OpCreateContainer, wire.OpCreateTTL:
		return r.ACL == nil
	}
	return false
}

// barsWrites tells whether no write may be pipelined behind the operation,
// because what ZooKeeper answers then depends on how far it has got. The
// record of a pending setACL keeps the old list, so that a write behind it is
// checked against the old list or the new one; and quotas are enforced on the
// usage that is applied, without the writes that are pending.
// ZooKeeper: PrepRequestProcessor.java.
func (g *generator) barsWrites(op wire.Op) bool {
	return op == wire.OpSetACL || g.quotaEnforced && op.IsWrite()
}

// request encodes a record and spoils some of them.
func (g *generator) request(slot int, rec wire.Request) request {
	g.xid[slot]++
	r := request{rec: rec, xid: g.xid[slot], body: wire.AppendRequest(nil, &rec)}
	if startsWithPath(rec.Op) {
		// The bytes of the path as they are: clients send code points beyond
		// the basic plane in four bytes as well as in two surrogates.
		rest := r.body[len(wire.AppendString(nil, rec.Path)):]
		r.body = append(wire.AppendBuffer(nil, []byte(rec.Path)), rest...)
	}
	switch rec.Op {
	case wire.OpSetWatches, wire.OpSetWatches2:
		r.zxidFirst = true
		if g.chance(70) {
			r.xid = wire.XidSetWatches
		}
	case wire.OpPing:
		if g.chance(70) {
			r.xid = wire.XidPing
		}
	default:
		if g.chance(2) {
			r.xid = pick(g.universe, []int32{0, -3, -100, -1 << 31, 1<<31 - 1})
		}
		if g.chance(3) {
			spoil(g.universe, &r)
		}
		return r
	}
	if rec.Op != wire.OpPing && g.chance(12) {
		spoil(g.universe, &r)
	}
	return r
}

// authBatch gives a connection an identity. The auth request comes first: it is
// answered out of order and changes who may see the events of those before it.
func (g *generator) authBatch(slot int) step {
	auth := wire.Request{Op: wire.OpAuth, Scheme: "digest", Auth: []byte(pick(g.universe, users))}
	switch {
	case g.chance(20):
		auth.Auth = []byte(SuperPassword)
	case g.chance(10):
		auth.Auth = []byte("super:wrong")
	case g.chance(8):
		auth.Scheme, auth.Auth = "ip", []byte("10.1.2.3")
	case g.chance(3):
		auth.Auth = []byte{}
	}
	records := []wire.Request{auth}
	for range g.rng.IntN(4) {
		records = append(records, drawFrom(g.universe, requestKinds))
	}
	s := g.batch(slot, records)
	s.requests[0] = request{rec: auth, xid: pick(g.universe, []int32{wire.XidAuth, wire.XidAuth, 7, 0}), body: wire.AppendRequest(nil, &auth)}
	return s
}

// lastBatch ends a connection in one of the ways a client can bring about.
func (g *generator) lastBatch(slot int) step {
	g.open[slot] = false
	var records []wire.Request
	for range g.rng.IntN(3) {
		records = append(records, drawFrom(g.universe, requestKinds))
	}
	s := g.batch(slot, records)
	g.xid[slot]++
	last := request{xid: g.xid[slot], end: answeredThenClosed}
	switch n := g.rng.IntN(100); {
	case n < 55:
		last.rec = wire.Request{Op: wire.OpCloseSession}
	case n < 70:
		last.rec = wire.Request{Op: pick(g.universe, []wire.Op{0, -1, 10, 13, 23, 99, 108, 1 << 30, -2, -1 << 31})}
		last.body = wire.AppendInt(wire.AppendString(nil, g.root), -1)
	case n < 80:
		last.rec = wire.Request{Op: wire.OpAuth, Scheme: pick(g.universe, []string{"world", "nobody", "", "super", "sasl", "x509", "auth", "digest"}), Auth: []byte("anyone")}
		if last.rec.Scheme == "digest" {
			last.rec.Auth = nil // the provider throws, which is a failure
		}
		last.body = wire.AppendRequest(nil, &last.rec)
		last.xid = wire.XidAuth
	case n < 88:
		last.rec = wire.Request{Op: wire.OpAuth, Scheme: "digest"}
		last.body = wire.AppendLong(nil, 5)[:g.rng.IntN(8)]
		last.xid, last.end, last.note = wire.XidAuth, closedUnanswered, "cut short"
	default:
		// Wanted difference: see Differences. The timeout is that of the
		// connection, since ZooKeeper gives it to the session.
		last.rec = pick(g.universe, []wire.Request{{Op: wire.OpCreateSession, Timeout: sessionTimeoutMillis}, {Op: wire.OpDeleteContainer, Path: g.root + "/absent"}})
		last.body = wire.AppendRequest(nil, &last.rec)
		last.note, last.end = "internal operation", staysOpen
	}
	if last.rec.Op != wire.OpCloseSession {
		// ZooKeeper refuses on receipt: the answer and the end of the
		// connection may overtake the replies before it.
		s.requests = s.requests[:0]
	}
	s.requests = append(s.requests, last)
	return s
}

func (g *generator) connect(slot int) step {
	c := connect{sessionOf: -1, timeout: sessionTimeoutMillis, hasReadOnly: g.chance(80)}
	c.readOnly = c.hasReadOnly && g.chance(30)
	if g.chance(10) {
		c.trailing = 1 + g.rng.IntN(9)
		c.hasReadOnly = true
	}
	var candidates []int
	for i := range g.used {
		if g.used[i] {
			candidates = append(candidates, i)
		}
	}
	if len(candidates) > 0 && g.chance(50) {
		c.sessionOf = pick(g.universe, candidates)
		c.lastZxid = pick(g.universe, []int64{0, 0, 0, 1, 1, 1 << 40})
	}
	if g.chance(12) {
		c.password = pick(g.universe, []passwordKind{passwordWrong, passwordNull, passwordShort})
	}
	if g.chance(20) {
		c.timeout = pick(g.universe, []int32{250_000, 400_000, 600_000, 2_000_000, 1<<31 - 1})
	}
	if c.sessionOf >= 0 && c.sessionOf != slot {
		g.open[c.sessionOf] = false // its connection goes, if the session is still there
	}
	g.open[slot], g.used[slot] = true, true
	if c.lastZxid == 1<<40 || c.sessionOf >= 0 && c.password != passwordRight {
		g.open[slot] = false
	}
	return step{kind: stepConnect, slot: slot, connect: c}
}

// rootName is the root of one run of one sequence; all have the same length.
func rootName(run int) string { return fmt.Sprintf("/run%06d", run%1_000_000) }
