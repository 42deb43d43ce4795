package core

import (
	"slices"
	"testing"

	"kafkacoord/coord/wire"
	"kafkacoord/coord/zab"
)

// TestInTouchWhenTheQuorumIsLost: a server that may have been cut off or stopped
// is not in touch, whatever its role.
func TestInTouchWhenTheQuorumIsLost(t *testing.T) {
	const tick, now = wire.Millis(1000), wire.Millis(100_000)
	list, err := zab.ParseMembership("server.1=h:1:2:participant\nserver.2=h:1:2:participant\nserver.3=h:1:2:participant\nversion=0")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		role           zab.Role
		leader         wire.Millis // ago
		second, third  wire.Millis // ago
		stopped, since wire.Millis // how long, ago
		want           bool
	}{
		"follower":                  {role: zab.Following, leader: 300, want: true},
		"observer":                  {role: zab.Observing, leader: 1500, want: true},
		"follower cut off":          {role: zab.Following, leader: 1501},
		"follower stopped":          {role: zab.Following, leader: 300, stopped: 1001, since: 500},
		"follower stopped shortly":  {role: zab.Following, leader: 300, stopped: 1000, since: 500, want: true},
		"follower stopped long ago": {role: zab.Following, leader: 300, stopped: 9000, since: 1001, want: true},
		"leader of all":             {role: zab.Leading, leader: 5000, second: 200, third: 900, want: true},
		"leader of a quorum":        {role: zab.Leading, second: 200, third: 4000, want: true},
		"leader cut off":            {role: zab.Leading, second: 1501, third: 4000},
		"leader stopped":            {role: zab.Leading, second: 100, third: 100, stopped: 2000, since: 100},
	} {
		m := &member{config: zab.Config{Self: 1, Members: list}, learnerClients: newLearnerClients()}
		m.contact.turn(now-c.since-c.stopped, now-c.since, tick)
		m.contact.leader = now - c.leader
		m.contact.learners[2], m.contact.learners[3] = now-c.second, now-c.third
		m.lost(c.role, now, tick)
		if m.contact.steady != c.want {
			t.Errorf("%s: steady is %v", name, m.contact.steady)
		}
	}
}

// TestAuthorOfTransactions: a transaction from the leader answers a write, or shows
// that the session's client is elsewhere, or neither.
func TestAuthorOfTransactions(t *testing.T) {
	const id, after = wire.SessionID(7), wire.Zxid(1<<32 + 5)
	for name, c := range map[string]struct {
		txn          wire.Txn
		author, ends bool
	}{
		"its own":                  {wire.Txn{Type: wire.OpCreate, Cxid: 3}, true, false},
		"its own, refused":         {wire.Txn{Type: wire.OpError, Err: wire.NodeExists, Cxid: 3}, true, false},
		"another kind of creation": {wire.Txn{Type: wire.OpCreate2, Cxid: 3}, true, false},
		"another operation":        {wire.Txn{Type: wire.OpDelete, Cxid: 3}, false, true},
		"another request":          {wire.Txn{Type: wire.OpCreate, Cxid: 4}, false, true},
		"another, refused":         {wire.Txn{Type: wire.OpError, Err: wire.NoNode, Cxid: 4}, false, true},
		"refused as moved":         {wire.Txn{Type: wire.OpError, Err: wire.SessionMoved, Cxid: 4}, false, false},
		"an expiry":                {wire.Txn{Type: wire.OpCloseSession}, false, false},
		"of an earlier connection": {wire.Txn{Type: wire.OpCreate, Cxid: 3, Zxid: after}, false, false},
		"of another session":       {wire.Txn{Type: wire.OpCreate, Cxid: 3, Session: 8}, false, false},
	} {
		h := newMemberHost(t, "server.1=h:1:2:participant\nserver.2=h:1:2:participant\nversion=0", 0)
		h.memberStep()
		core := h.core
		core.out = &h.out
		cn := &conn{state: connOpen, after: after, session: core.sessions.Create(id, 6000, 0)}
		cn.pending.push(pending{op: wire.OpCreate, xid: 3})
		core.bySession[id] = cn
		txn := c.txn
		if txn.Zxid == 0 {
			txn.Zxid = after + 1
		}
		if txn.Session == 0 {
			txn.Session = id
		}
		if got := core.authorOf(&txn); (got == cn) != c.author || got == nil == c.author {
			t.Errorf("%s: the author is %v", name, got)
		}
		if ended := cn.state == connClosing; ended != c.ends {
			t.Errorf("%s: the connection ends: %v", name, ended)
		}
	}
}

// TestWaitingWithoutALeader: who has given up anyway is sent away.
func TestWaitingWithoutALeader(t *testing.T) {
	core := &Core{config: Config{Tick: 1000}, member: &member{config: zab.Config{SyncLimit: 5}}}
	for name, c := range map[string]struct {
		state          connState
		waiting, write bool
		waited         wire.Millis
		want           bool
	}{
		"nothing wanted":          {connOpen, false, false, 90_000, false},
		"a write for a while":     {connOpen, false, true, 4000, false},
		"a write for too long":    {connOpen, false, true, 4001, true},
		"a batch for a while":     {connOpen, true, false, 5000, false},
		"a batch for too long":    {connOpen, true, false, 5001, true},
		"a session":               {connOpening, true, true, 1001, true},
		"a session, nothing sent": {connNew, false, false, 1001, false},
	} {
		cn := &conn{state: c.state, waiting: c.waiting, timeout: 6000}
		if c.write {
			cn.pending.push(pending{op: wire.OpSetData, xid: 1})
		}
		if got := core.waitedTooLong(cn, c.waited); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// TestReturningSessionAsksForItsPlace: a learner opens a returning session only
// when the leader has answered a sync, behind all that it had proposed before.
func TestReturningSessionAsksForItsPlace(t *testing.T) {
	const id = wire.SessionID(7)
	h := newMemberHost(t, "server.1=h:1:2:participant\nserver.2=h:1:2:participant\nversion=0", 0)
	h.memberStep()
	core := h.core
	core.out = &h.out
	core.sessions.Create(id, 6000, 0)
	cn := &conn{state: connOpening, wanted: id, timeout: 6000}
	core.member.opening[id] = cn
	valid := zab.Delivery{Packet: wire.Packet{
		Type: wire.PacketRevalidate, Data: wire.AppendRevalidationReply(nil, wire.RevalidationReply{Session: id, Valid: true}),
	}}
	core.revalidated(&valid)
	core.revalidated(&valid) // the answer to an earlier claim
	if n := core.member.syncs.len(); n != 1 || cn.state != connOpening {
		t.Fatalf("%d syncs are asked for, the connection's state is %d", n, cn.state)
	}
	core.proposed = 1<<32 + 9 // came before the answer
	core.synced()
	if cn.state != connOpen || cn.after != core.proposed || core.bySession[id] != cn {
		t.Errorf("after the answer the state is %d, transactions after %v are its own", cn.state, cn.after)
	}
}

// TestBrokenForwardedRequest: a server that sends what cannot be decoded loses its
// link, since its client would wait for ever.
func TestBrokenForwardedRequest(t *testing.T) {
	h := newMemberHost(t, "server.1=127.0.0.1:2888:3888:participant\nversion=0", 0)
	h.run(10)
	h.core.out = &h.out
	h.out.reset()
	h.core.forwarded(&zab.Delivery{Link: 9, Peer: 2, Packet: wire.Packet{Type: wire.PacketRequest, Data: []byte{1}}})
	if !slices.Contains(h.out.CloseLinks, zab.LinkID(9)) || len(h.core.member.proposals) > 0 {
		t.Errorf("links %v are closed, %d transactions proposed", h.out.CloseLinks, len(h.core.member.proposals))
	}
}

// TestExpiringSessionsLoseTheirConnections: when an expiry may not take place after
// all, the requests that it swallowed must not be waited for.
func TestExpiringSessionsLoseTheirConnections(t *testing.T) {
	h := newMemberHost(t, "server.1=h:1:2:participant\nserver.2=h:1:2:participant\nversion=0", 0)
	h.memberStep()
	core := h.core
	core.out = &h.out
	for i, c := range []struct{ closing, asked, ends bool }{
		{false, false, false}, {true, false, true}, {true, true, false},
	} {
		cn := &conn{state: connOpen, session: core.sessions.Create(wire.SessionID(i+1), 6000, 0)}
		if c.closing {
			core.sessions.SetClosing(cn.session)
		}
		if c.asked {
			cn.pending.push(pending{op: wire.OpCloseSession, xid: 1})
		}
		core.conns = []*conn{cn}
		core.closeExpiring()
		if ended := cn.state == connClosing; ended != c.ends {
			t.Errorf("closing %v, by the client %v: the connection ends: %v", c.closing, c.asked, ended)
		}
	}
}
