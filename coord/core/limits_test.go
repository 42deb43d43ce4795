package core

import (
	"net/netip"
	"strings"
	"testing"

	"kafkacoord/coord/auth"
	"kafkacoord/coord/wire"
)

// TestMultiReadIsBounded asks for a large node thousands of times at once.
func TestMultiReadIsBounded(t *testing.T) {
	h := newHost(t, testConfig(), auth.Config{})
	h.connect(0, 30_000)
	h.send(0, requestFrame(1, &wire.Request{Op: wire.OpCreate, Path: "/big", Data: make([]byte, 1<<20), ACL: wire.OpenACL}))
	h.step()
	h.settle()
	many := wire.Request{Op: wire.OpMultiRead}
	for range 20_000 {
		many.Subs = append(many.Subs, wire.Request{Op: wire.OpGetData, Path: "/big"})
	}
	h.send(0, requestFrame(2, &many))
	got := h.step()[0]
	if len(got) != 1 || got[0].header.Err != wire.MarshallingError || len(got[0].body) != 0 {
		t.Errorf("answers: %d", len(got))
	}
	many.Subs = many.Subs[:10]
	h.send(0, requestFrame(3, &many))
	if got := h.step()[0]; len(got) != 1 || got[0].header.Err != wire.OK || len(got[0].body) < 10<<20 {
		t.Errorf("answers to a moderate one: %d", len(got))
	}
}

// TestTransactionsFitTheLog tries to make long transactions out of requests
// that fit a frame: the log would end the server on one that it does not take.
func TestTransactionsFitTheLog(t *testing.T) {
	c := testConfig()
	c.TxnBytes = 2 * wire.DefaultMaxBuffer
	h := newHost(t, c, auth.Config{DigestEnabled: true})
	session := h.connect(0, 30_000)
	var xid int32
	do := func(r *wire.Request) wire.Code {
		t.Helper()
		xid++
		frame := requestFrame(xid, r)
		if len(frame) > wire.DefaultMaxBuffer+4 {
			t.Fatalf("a frame of %d bytes does not get here", len(frame))
		}
		h.send(0, frame)
		got := h.step()[0] // the host checks each transaction's length
		got = append(got, h.settle()[0]...)
		if len(got) != 1 {
			t.Fatalf("%d answers", len(got))
		}
		return got[0].header.Err
	}

	// Identities with long names, all of which an ACL entry "auth" stands for.
	for i := range 3 {
		user := strings.Repeat(string(rune('a'+i)), 800_000)
		if code := do(&wire.Request{Op: wire.OpAuth, Scheme: "digest", Auth: []byte(user + ":x")}); code != wire.OK {
			t.Fatal(code)
		}
	}
	authACL := []wire.ACL{{Perms: wire.PermAll, ID: wire.ID{Scheme: "auth"}}}
	if code := do(&wire.Request{Op: wire.OpCreate, Path: "/auth", ACL: authACL}); code != wire.MarshallingError {
		t.Errorf("create: %v", code)
	}

	// Malformed text becomes three times as long.
	malformed := []wire.ACL{{Perms: wire.PermAll, ID: wire.ID{Scheme: "digest", ID: "u:" + strings.Repeat("\x80", 900_000)}}}
	if code := do(&wire.Request{Op: wire.OpSetACL, Path: "/zookeeper", ACL: malformed, Version: -1}); code != wire.MarshallingError {
		t.Errorf("setACL: %v", code)
	}

	// The longest honest ones pass.
	if code := do(&wire.Request{Op: wire.OpCreate, Path: "/a", Data: make([]byte, 1_000_000), ACL: wire.OpenACL}); code != wire.OK {
		t.Errorf("create: %v", code)
	}
	many := wire.Request{Op: wire.OpMulti}
	for range 40_000 {
		many.Subs = append(many.Subs, wire.Request{Op: wire.OpCheck, Path: "/a", Version: 0})
	}
	if code := do(&many); code != wire.OK {
		t.Errorf("multi: %v", code)
	}

	// Ephemerals whose names together do not fit one list.
	for i := range 3 {
		path := "/" + strings.Repeat(string(rune('a'+i)), 900_000)
		if code := do(&wire.Request{Op: wire.OpCreate, Path: path, ACL: wire.OpenACL, Flags: wire.FlagEphemeral}); code != wire.OK {
			t.Errorf("ephemeral: %v", code)
		}
	}
	if code := do(&wire.Request{Op: wire.OpCloseSession}); code != wire.OK {
		t.Errorf("closeSession: %v", code)
	}
	if n := h.core.tree.NumEphemerals(); n != 0 || h.core.Sessions().Get(session) != nil {
		t.Errorf("%d ephemerals are left", n)
	}
	if h.core.tree.Digest() != h.core.prep.Digest() {
		t.Error("the prediction of the digest is wrong")
	}
}

// TestWaitingHoldsLittleMemory: one small request that waited must not cost its
// connection a block of memory for life.
func TestWaitingHoldsLittleMemory(t *testing.T) {
	h := newHost(t, testConfig(), auth.Config{})
	for id := range ConnID(100) {
		h.openConn(id, netip.MustParseAddrPort("10.0.0.1:1"))
		h.send(id, append(newSessionFrame(10_000), requestFrame(1, &wire.Request{Op: wire.OpSync, Path: "/"})...))
	}
	h.step()
	h.settle()
	h.step()
	bytes := 0
	for _, cn := range h.core.conns {
		bytes += cap(cn.unread) + cap(cn.out)
	}
	if bytes > 0 || cap(h.core.held.block) > arenaBlock {
		t.Errorf("100 connections at rest hold %d bytes, the core %d for requests", bytes, cap(h.core.held.block))
	}
}
