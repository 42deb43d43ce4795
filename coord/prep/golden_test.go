package prep

import (
	"encoding/hex"
	"math"
	"strings"
	"testing"

	"kafkacoord/coord/tree"
	"kafkacoord/coord/wire"
)

func unhex(t *testing.T, text string) string {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Records that a Java server wrote, header, body and digest.
func TestGoldenTransactions(t *testing.T) {
	s := newServer(t, Config{Digest: true, CloseSessionTxn: true, Standalone: true})
	const id wire.SessionID = 0x1000025e30a0000
	s.sessions.Create(id, 10000, 0)
	check := func(now wire.Millis, z wire.Zxid, cxid int32, q wire.Request, want string) {
		t.Helper()
		var txn wire.Txn
		s.prep.Txn(now, z, &Request{Session: id, Cxid: cxid, Req: &q}, &txn)
		encoded := wire.AppendTxn(nil, &txn)
		if got := string(encoded); got != unhex(t, want) {
			t.Errorf("%s %s:\n got %x\nwant %x", q.Op, q.Path, got, unhex(t, want))
		}
	}
	check(0x1a2046f9022, 1, 0, wire.Request{Op: wire.OpCreateSession, Timeout: 10000}, `
01000025e30a0000 00000000 0000000000000001 000001a2046f9022 fffffff6 00002710 00000002 0000000051c6d660`)
	check(0x1a2046f908f, 2, 1, wire.Request{Op: wire.OpCreate, Path: "/a", Data: []byte("hello"), ACL: wire.OpenACL}, `
01000025e30a0000 00000001 0000000000000002 000001a2046f908f 00000001 00000002 2f61 00000005 68656c6c6f
00000001 0000001f 00000005 776f726c64 00000006 616e796f6e65 00 00000001 00000002 000000008adb574e`)
	check(3, 3, 2, wire.Request{Op: wire.OpDelete, Path: "/missing"}, `
01000025e30a0000 00000002 0000000000000003 0000000000000003 ffffffff ffffff9b`)
	check(4, 4, 3, wire.Request{Op: wire.OpMulti, Subs: []wire.Request{
		{Op: wire.OpCreate, Path: "/mf", Data: []byte("x"), ACL: wire.OpenACL},
		{Op: wire.OpDelete, Path: "/missing"},
		{Op: wire.OpDelete, Path: "/a"},
	}}, `
01000025e30a0000 00000003 0000000000000004 0000000000000004 0000000e 00000003
00000001 0000002c 00000003 2f6d66 00000001 78 00000001 0000001f 00000005 776f726c64 00000006 616e796f6e65 00 00000002
ffffffff 00000004 ffffff9b ffffffff 00000004 fffffffe 00000002 000000008adb574e`)
}

// The second published vector of the tree digest.
func TestGoldenDigest(t *testing.T) {
	s := newServer(t, Config{Digest: true, Standalone: true})
	s.sessions.Create(1, 10000, 0)
	var txn wire.Txn
	s.prep.Txn(1000, 5, &Request{Session: 1, Req: &wire.Request{
		Op: wire.OpCreate, Path: "/a", Data: []byte("x"), ACL: wire.OpenACL,
	}}, &txn)
	if txn.Digest != 0x859ff35c || s.prep.Digest() != txn.Digest {
		t.Errorf("digest %x, %x", txn.Digest, s.prep.Digest())
	}
	for path, want := range map[string]uint32{"/a": 0x00c494d7, "/": 0x3727112d} {
		if got := s.prep.find(path, nil).digest; got != want {
			t.Errorf("%s: digest %x, want %x", path, got, want)
		}
	}
}

func TestSequentialNames(t *testing.T) {
	p := &Prep{}
	f := func(number int32, want string) {
		t.Helper()
		if got := p.sequential("/a-", number); got != "/a-"+want {
			t.Errorf("%d: %s, want %s", number, got, want)
		}
	}
	f(0, "0000000000")
	f(42, "0000000042")
	f(math.MaxInt32, "2147483647")
	f(-1, "-000000001")
	f(-123456789, "-123456789")
	f(-1234567890, "-1234567890")
	f(math.MinInt32, "-2147483648")
}

func TestNextVersion(t *testing.T) {
	f := func(current, expected, want int32, wantCode wire.Code) {
		t.Helper()
		if got, code := nextVersion(current, expected); got != want || code != wantCode {
			t.Errorf("%d, expected %d: %d %v", current, expected, got, code)
		}
	}
	f(0, -1, 1, wire.OK)
	f(0, 0, 1, wire.OK)
	f(5, 4, 0, wire.BadVersion)
	f(5, -2, 0, wire.BadVersion)
	f(math.MaxInt32, math.MaxInt32, math.MinInt32, wire.OK)
	f(-2, -2, -1, wire.OK)
	f(-1, -1, 0, wire.OK)
}

// A server of ZooKeeper 3.5 and older lets the counter wrap; going on from such
// a tree, names continue below zero and -1 is no exception.
func TestNegativeCounter(t *testing.T) {
	l := tree.NewLoader(tree.Options{Digest: true})
	l.ACL(1, wire.OpenACL)
	for _, n := range []tree.SnapshotNode{
		{Path: "", ACL: -1},
		{Path: "/zookeeper", ACL: -1},
		{Path: "/q", ACL: 1, Cversion: -2},
	} {
		if err := l.Node(&n); err != nil {
			t.Fatal(err)
		}
	}
	loaded, err := l.Finish(7)
	if err != nil {
		t.Fatal(err)
	}
	s := newServer(t, Config{Digest: true, Standalone: true})
	s.sessions.Create(1, 10000, 0)
	s.tree, s.zxid = loaded, 7
	s.prep.Reset(loaded)
	for i, want := range []string{"/q/-000000002", "/q/-000000001", "/q/0000000000"} {
		txn, _ := s.request(Request{Session: 1, Req: &wire.Request{
			Op: wire.OpCreate, Path: "/q/", ACL: wire.OpenACL, Flags: wire.FlagPersistentSequential,
		}})
		if txn.Path != want || txn.ParentCversion != int32(i-1) {
			t.Errorf("%s cversion %d, want %s", txn.Path, txn.ParentCversion, want)
		}
	}
	s.apply(3)
}
