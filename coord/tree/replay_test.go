package tree

import (
	"math"
	"reflect"
	"slices"
	"testing"

	"kafkacoord/coord/wire"
)

// A snapshot written while the tree changed may hold effects of transactions
// that are then replayed onto it.
func TestReplayOntoANewerTree(t *testing.T) {
	create := func(path string, session wire.SessionID, cversion int32) wire.Txn {
		return wire.Txn{
			Type: wire.OpCreate, Path: path, Session: session, Ephemeral: session != 0, ACL: wire.OpenACL, ParentCversion: cversion,
		}
	}
	log := []wire.Txn{
		create("/a", 0, 1),
		create("/a/x", 0, 1),
		create("/a/y", 3, 2),
		{Type: wire.OpSetData, Path: "/a", Data: []byte("one"), Version: 1},
		{Type: wire.OpSetACL, Path: "/a", ACL: readOnly, Version: 1},
		{Type: wire.OpDelete, Path: "/a/x"},
		{Type: wire.OpCloseSession, Session: 3, Paths: []string{"/a/y"}},
		create("/b", 0, 2),
		{Type: wire.OpDelete, Path: "/b"},
		create("/b", 4, 3),
		{Type: wire.OpSetData, Path: "/a", Data: []byte("two"), Version: 2},
		{Type: wire.OpMulti, Subs: []wire.Txn{create("/m", 0, 4), {Type: wire.OpSetData, Path: "/m", Version: 1}}},
	}
	for i := range log {
		log[i].Zxid, log[i].Time = wire.Zxid(i+1), wire.Millis(100*i)
	}
	straight := New(digested)
	for i := range log {
		straight.Apply(&log[i])
	}
	// Everything is replayed from every point, as if the snapshot had seen all.
	for from := range log {
		tr := New(digested)
		for i := range log {
			tr.Apply(&log[i])
		}
		for i := from; i < len(log); i++ {
			tr.Apply(&log[i])
			mustBeSound(t, tr)
			if tr.Zxid() != straight.Zxid() {
				t.Fatalf("zxid went from %s to %s", straight.Zxid(), tr.Zxid())
			}
		}
		if tr.Digest() != straight.Digest() || !reflect.DeepEqual(dump(tr), dump(straight)) {
			t.Errorf("replayed from transaction %d:\n%+v, want\n%+v", from+1, dump(tr), dump(straight))
		}
	}
}

func TestCreateOfAnExistingNode(t *testing.T) {
	for _, c := range []struct {
		op              wire.Op
		cversion        int32 // of the transaction; the parent has 1
		wantCversion    int32
		wantParentPzxid wire.Zxid
	}{
		{wire.OpCreate, 5, 5, 9},
		{wire.OpCreate, 1, 1, 2},
		{wire.OpCreate, 0, 1, 2},
		{wire.OpCreate, -1, 2, 9}, // unknown: one more
		{wire.OpCreate, -2, 1, 2},
		{wire.OpCreate2, 5, 1, 2}, // only type 1 adjusts the parent
		{wire.OpCreateContainer, 5, 1, 2},
		{wire.OpCreateTTL, 5, 1, 2},
	} {
		tr := base(t, digested)
		stat := tr.Stat(tr.Find("/p/c"))
		res, changes := tr.Apply(&wire.Txn{
			Type: c.op, Zxid: 9, Time: 90, Path: "/p/c", Data: []byte("other"), ACL: readOnly, ParentCversion: c.cversion, TTL: 1,
		})
		p, child := tr.Node(tr.Find("/p")), tr.Find("/p/c")
		if res.Code != wire.NodeExists || len(changes) != 0 {
			t.Errorf("%v: result %s, changes %v", c, res.Code, changes)
		}
		if p.Cversion != c.wantCversion || p.Pzxid != c.wantParentPzxid || p.NumChildren != 1 {
			t.Errorf("%v: parent has cversion %d, pzxid %s", c, p.Cversion, p.Pzxid)
		}
		if !slices.Equal(tr.ACL(child), readOnly) {
			t.Errorf("%v: the ACL was not refreshed: %v", c, tr.ACL(child))
		}
		if tr.Stat(child) != stat || string(tr.Data(child)) != "child" {
			t.Errorf("%v: node is %+v %q", c, tr.Stat(child), tr.Data(child))
		}
		mustBeSound(t, tr)
	}
}

func TestParentNeverMovesBackwards(t *testing.T) {
	tr := base(t, digested)
	tr.Apply(&wire.Txn{Type: wire.OpCreate, Zxid: 50, Path: "/p/late", ACL: wire.OpenACL, ParentCversion: 40})
	tr.Apply(&wire.Txn{Type: wire.OpCreate, Zxid: 20, Path: "/p/old", ACL: wire.OpenACL, ParentCversion: 3})
	tr.Apply(&wire.Txn{Type: wire.OpDelete, Zxid: 21, Path: "/p/old"})
	tr.Apply(&wire.Txn{Type: wire.OpDelete, Zxid: 22, Path: "/p/none"})
	if p := tr.Node(tr.Find("/p")); p.Cversion != 40 || p.Pzxid != 50 || p.NumChildren != 2 {
		t.Errorf("parent has cversion %d, pzxid %s, %d children", p.Cversion, p.Pzxid, p.NumChildren)
	}
	if tr.Zxid() != 50 {
		t.Errorf("zxid %s", tr.Zxid())
	}
	mustBeSound(t, tr)
}

// The creation counter sticks at its largest value, and pzxid with it; the
// visible cversion wraps.
func TestCversionOverflow(t *testing.T) {
	tr := base(t, digested)
	p := tr.Find("/p")
	create := func(zxid wire.Zxid, path string, cversion int32) Result {
		res, changes := tr.Apply(&wire.Txn{Type: wire.OpCreate, Zxid: zxid, Path: path, ACL: wire.OpenACL, ParentCversion: cversion})
		if len(changes) != 1 {
			t.Errorf("%d changes: child watches must fire", len(changes))
		}
		return res
	}
	create(10, "/p/n2147483646", math.MaxInt32)
	for i, next := range []int32{math.MinInt32, math.MinInt32 + 1, -1} {
		create(wire.Zxid(11+i), "/p/m"+string(rune('a'+i)), next)
		if n := tr.Node(p); n.Cversion != math.MaxInt32 || n.Pzxid != 10 {
			t.Fatalf("after a create with cversion %d: %d, pzxid %s", next, n.Cversion, n.Pzxid)
		}
	}
	if s := tr.Stat(p); s.NumChildren != 5 || s.Cversion != -2-5 {
		t.Errorf("stat %+v", s)
	}
	tr.Apply(&wire.Txn{Type: wire.OpDelete, Zxid: 20, Path: "/p/ma"})
	if n := tr.Node(p); n.Cversion != math.MaxInt32 || n.Pzxid != 20 {
		t.Errorf("after a delete: %d, pzxid %s", n.Cversion, n.Pzxid)
	}
	mustBeSound(t, tr)
}

// Each create and each delete moves the visible cversion by one.
func TestVisibleCversion(t *testing.T) {
	tr := New(digested)
	for i := range 50 {
		tr.Apply(&wire.Txn{Type: wire.OpCreate, Zxid: wire.Zxid(2 * i), Path: "/n", ACL: wire.OpenACL, ParentCversion: int32(i + 1)})
		if s := tr.Stat(root); s.Cversion != int32(2*i) {
			t.Fatalf("cversion %d after create %d", s.Cversion, i)
		}
		tr.Apply(&wire.Txn{Type: wire.OpDelete, Zxid: wire.Zxid(2*i + 1), Path: "/n"})
		if s := tr.Stat(root); s.Cversion != int32(2*i+1) {
			t.Fatalf("cversion %d after delete %d", s.Cversion, i)
		}
	}
}

// A delete of a node that still has children happens only in a replay; all
// below goes too, quotas and ephemerals included.
func TestDeleteOfANodeWithChildren(t *testing.T) {
	tr := New(digested)
	fresh := dump(tr)
	zxid := wire.Zxid(0)
	for _, path := range []string{"/a", "/a/b", "/a/b/c", "/a/b/d", "/a/e"} {
		zxid++
		tr.Apply(&wire.Txn{
			Type: wire.OpCreate2, Zxid: zxid, Session: 3, Ephemeral: path > "/a/b", Path: path, ACL: readOnly, ParentCversion: -1,
		})
	}
	_, changes := tr.Apply(&wire.Txn{Type: wire.OpDelete, Zxid: 10, Path: "/a"})
	if len(changes) != 1 || changes[0].Path != "/a" {
		t.Errorf("changes %v", changes)
	}
	mustBeSound(t, tr)
	after := dump(tr)
	delete(after, "/")
	delete(fresh, "/")
	if !reflect.DeepEqual(after, fresh) || tr.NumEphemerals() != 0 {
		t.Errorf("left over: %+v", after)
	}
}

// A session that owns a node and a node below it: not possible by the rules,
// but possible in a log.
func TestCloseSessionOfNestedEphemerals(t *testing.T) {
	tr := New(digested)
	for i, path := range []string{"/a", "/a/b", "/a/b/c", "/d"} {
		tr.Apply(&wire.Txn{
			Type: wire.OpCreate, Zxid: wire.Zxid(i), Session: 3, Ephemeral: true, Path: path, ACL: wire.OpenACL, ParentCversion: -1,
		})
	}
	tr.Apply(&wire.Txn{Type: wire.OpCloseSession, Zxid: 9, Session: 3})
	if tr.NumNodes() != 4 || tr.NumEphemerals() != 0 {
		t.Errorf("%d nodes, %d ephemerals", tr.NumNodes(), tr.NumEphemerals())
	}
	mustBeSound(t, tr)
}

// Paths that no server writes must not lead into the tree by a second name.
func TestOddPaths(t *testing.T) {
	tr := base(t, digested)
	before := dump(tr)
	odd := []string{"//", "//p", "///", "p", "p/c", "x/", "//p/c", "\x00"}
	for i, path := range odd {
		for _, op := range []wire.Op{wire.OpCreate, wire.OpSetData, wire.OpSetACL, wire.OpDelete, wire.OpCloseSession} {
			res, changes := tr.Apply(&wire.Txn{
				Type: op, Zxid: wire.Zxid(10 + i), Path: path, Paths: []string{path}, ACL: wire.OpenACL, ParentCversion: 50,
			})
			if res.Code != wire.NoNode && op != wire.OpCloseSession || len(changes) != 0 {
				t.Errorf("%q, type %d: %s, %v", path, op, res.Code, changes)
			}
		}
		mustBeSound(t, tr)
	}
	if after := dump(tr); !reflect.DeepEqual(after, before) {
		t.Errorf("the tree changed:\n%+v, before\n%+v", after, before)
	}
	for _, op := range []wire.Op{wire.OpCreate, wire.OpDelete} {
		for _, path := range []string{"", "/"} {
			if res, changes := tr.Apply(&wire.Txn{Type: op, Path: path, ACL: wire.OpenACL}); res.Code == wire.OK || len(changes) != 0 {
				t.Errorf("type %d of %q: %s", op, path, res.Code)
			}
			mustBeSound(t, tr)
		}
	}
}
