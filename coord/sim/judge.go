package sim

import (
	"kafkacoord/coord/core"
	"kafkacoord/coord/wire"
	"kafkacoord/coord/zab"
)

// judge watches every server and client from outside. The history is the one
// order of transactions that there must be: it grows when a server is the first
// to apply something, and every other server must agree.
type judge struct {
	world   *World
	history ledger
	digests map[wire.Zxid]uint64    // of the tree after a transaction, from whom applied it first
	born    map[int64]*process      // who gave out the first zxid of an epoch
	given   wire.Zxid               // the newest zxid that somebody gave out
	closed  map[wire.SessionID]note // closeSession transactions in the history
	newest  map[wire.SessionID]int32
	// requests are the transactions of clients' requests.
	requests map[request]note
	opened   map[wire.SessionID]int32 // timeout in ms
	acks     []note                   // what clients were told is done
	replies  map[wire.SessionID]reply // the newest
}

// reply is what a client was told last: the state after a transaction.
type reply struct {
	cxid int32
	zxid wire.Zxid
}

// request names a request of a client.
type request struct {
	session wire.SessionID
	cxid    int32
}

func newJudge(w *World) *judge {
	return &judge{
		world: w, digests: map[wire.Zxid]uint64{}, born: map[int64]*process{},
		closed: map[wire.SessionID]note{}, newest: map[wire.SessionID]int32{}, requests: map[request]note{}, opened: map[wire.SessionID]int32{},
		replies: map[wire.SessionID]reply{},
	}
}

// logged hears of an entry that a core orders to be logged. Who is the first to
// log a zxid leads its epoch: others have it from there.
func (j *judge) logged(p *process, e core.Entry) {
	if last := p.ledger.last(); e.Zxid <= last {
		j.world.fail("server %d logs %v after %v", p.machine.id, e.Zxid, last)
		return
	}
	if e.Zxid <= j.given {
		return
	}
	j.given = e.Zxid
	epoch := e.Zxid.Epoch()
	if epoch == 0 {
		j.proposed(p, e)
		return // a server that stands alone
	}
	if leader := j.born[epoch]; leader == nil {
		j.born[epoch] = p
		j.world.tracef("server %d: leads epoch %d", p.machine.id, epoch)
	} else if leader != p {
		j.world.fail("servers %d and %d both lead epoch %d", leader.machine.id, p.machine.id, epoch)
	}
	j.proposed(p, e)
}

// turned compares what a server has applied in a turn with the history.
func (j *judge) turned(p *process) {
	if p.reloads > 0 {
		return // the tree still shows what is cut off already
	}
	applied := p.core.Zxid()
	if applied < p.applied {
		j.world.fail("server %d goes back from %v to %v", p.machine.id, p.applied, applied)
		return
	}
	if applied > p.applied || applied > j.history.last() && p.core.Serving() {
		j.applied(p, applied)
		p.applied = applied
	}
	if applied > j.history.last() {
		return // recovered, and not yet known to be committed
	}
	digest := p.core.Tree().Digest()
	if first, known := j.digests[applied]; !known {
		j.digests[applied] = digest
	} else if first != digest {
		j.world.fail("server %d: digest %x after %v, elsewhere it is %x", p.machine.id, digest, applied, first)
	}
}

// applied checks that a server's log up to a transaction and the history are the
// same, as far as both are known, and extends the history.
func (j *judge) applied(p *process, through wire.Zxid) {
	first := len(p.ledger.notes)
	for first > 0 && p.ledger.notes[first-1].zxid > p.applied {
		first--
	}
	// What was recovered and never seen to be committed is part of the history
	// now that something behind it is.
	for first > 0 && p.ledger.notes[first-1].zxid > j.history.last() {
		first--
	}
	previous := p.ledger.base
	if first > 0 {
		previous = p.ledger.notes[first-1].zxid
	} else if previous > j.history.last() && !j.bridge(p, previous) {
		j.world.fail("server %d builds on %v, which no server has in its log", p.machine.id, previous)
		return
	}
	for _, n := range p.ledger.notes[first:] {
		if n.zxid > through {
			return
		}
		if !j.agree(p, previous, n) {
			return
		}
		previous = n.zxid
	}
	if previous < through {
		j.world.fail("server %d applied %v, which is not in its log", p.machine.id, through)
	}
}

// bridge extends the history up to a state that a server has as a snapshot, from
// the log of a server that has the transactions.
func (j *judge) bridge(p *process, to wire.Zxid) bool {
	for _, m := range j.world.machines {
		i, found := m.kept.find(to)
		if !found || m.kept.base > j.history.last() {
			continue
		}
		first, _ := m.kept.find(j.history.last() + 1)
		for _, n := range m.kept.notes[first : i+1] {
			if !j.extend(p, n) {
				return false
			}
		}
		return true
	}
	return false
}

// agree compares one transaction with the history, or adds it.
func (j *judge) agree(p *process, previous wire.Zxid, n note) bool {
	h := &j.history
	i, found := h.find(n.zxid)
	switch {
	case found && h.notes[i].hash != n.hash:
		j.world.fail("server %d: %v differs from what others applied", p.machine.id, n.zxid)
	case !found && i < len(h.notes):
		j.world.fail("server %d applied %v, which others left out before %v", p.machine.id, n.zxid, h.notes[i].zxid)
	case i > 0 && previous < h.notes[i-1].zxid:
		j.world.fail("server %d applied %v after %v and left out %v", p.machine.id, n.zxid, previous, h.notes[i-1].zxid)
	case i > 0 && previous > h.notes[i-1].zxid:
		j.world.fail("server %d applied %v after %v, others after %v", p.machine.id, n.zxid, previous, h.notes[i-1].zxid)
	case !found:
		return j.extend(p, n)
	default:
		return true
	}
	return false
}

// extend adds a committed transaction to the history.
func (j *judge) extend(p *process, n note) bool {
	if !j.durable(p.machine.list, n) {
		j.world.fail("server %d applied %v, which no quorum has on disk", p.machine.id, n.zxid)
		return false
	}
	end, over := j.closed[n.session]
	switch {
	case over && n.kind != wire.OpError:
		j.world.fail("session %v: %v %v (request %d) comes after its end with %v (request %d)",
			n.session, n.kind, n.zxid, n.cxid, end.zxid, end.cxid)
		return false
	case n.kind == wire.OpCloseSession:
		j.closed[n.session] = n
	}
	// A request that was refused may be of a connection that the session has left.
	if n.cxid > 0 && n.kind != wire.OpError {
		if n.cxid <= j.newest[n.session] {
			j.world.fail("session %v: request %d of %v comes after request %d", n.session, n.cxid, n.zxid, j.newest[n.session])
			return false
		}
		if r := j.replies[n.session]; n.cxid < r.cxid {
			j.world.fail("session %v: request %d is carried out with %v, after request %d was answered from %v",
				n.session, n.cxid, n.zxid, r.cxid, r.zxid)
			return false
		}
		j.newest[n.session] = n.cxid
		j.requests[request{n.session, n.cxid}] = n
	}
	j.history.add(n)
	return true
}

// durable tells whether a quorum of a list has a transaction for good.
func (j *judge) durable(list zab.Membership, n note) bool {
	return list.Quorum(func(id wire.PeerID) bool {
		m := j.world.machine(id)
		return m != nil && m.kept.holds(n)
	})
}

// acknowledged hears that a client was told of a write's success.
func (j *judge) acknowledged(session wire.SessionID, cxid int32, z wire.Zxid) {
	// The reply's zxid may be later than the transaction's: an answer that waits
	// behind a sync shows what was applied meanwhile.
	n, found := j.requests[request{session, cxid}]
	if !found || n.zxid > z {
		j.world.fail("session %v was told at %v that its request %d is done, which nobody applied", session, z, cxid)
		return
	}
	j.acks = append(j.acks, n)
}

// shown hears that a client got a reply. Its session's earlier requests are in what
// it was shown, or never will be: this is how a client that has moved finds out
// what has become of them.
func (j *judge) shown(session wire.SessionID, cxid int32, z wire.Zxid) {
	for earlier := max(cxid-2*outstandingMax, 1); earlier < cxid; earlier++ {
		if n := j.requests[request{session, earlier}]; n.zxid > z {
			j.world.fail("session %v: request %d was answered from %v, before request %d at %v", session, cxid, z, earlier, n.zxid)
		}
	}
	j.replies[session] = reply{cxid, z}
}

// settled compares the end states of all servers.
func (j *judge) settled() {
	w := j.world
	var first *process
	for _, m := range w.machines {
		if m.retired {
			continue
		}
		p := m.process
		if p == nil {
			w.fail("server %d does not run at the end", m.id)
			return
		}
		if first == nil {
			first = p
		}
		t, want := p.core.Tree(), first.core.Tree()
		if t.Zxid() != want.Zxid() || t.Digest() != want.Digest() {
			w.fail("at rest server %d has %v with digest %x, server %d %v with digest %x",
				first.machine.id, want.Zxid(), want.Digest(), m.id, t.Zxid(), t.Digest())
			return
		}
		for _, n := range j.acks {
			if !p.ledger.holds(n) {
				w.fail("server %d has lost %v, which session %v was told is done", m.id, n.zxid, n.session)
				return
			}
		}
		for owner := range t.EphemeralOwners() {
			if p.core.Sessions().Get(owner) == nil {
				w.fail("server %d has ephemerals of session %v, which is over", m.id, owner)
				return
			}
		}
	}
}
