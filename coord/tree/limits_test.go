package tree

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"kafkacoord/coord/wire"
)

func TestDeepPaths(t *testing.T) {
	tr := New(digested)
	path := ""
	for depth := range 300 {
		path += fmt.Sprintf("/level%d", depth)
		tr.Apply(&wire.Txn{
			Type: wire.OpCreate, Zxid: wire.Zxid(depth + 1), Path: path, Data: []byte(path), ACL: wire.OpenACL, ParentCversion: 1,
		})
	}
	r := tr.Find(path)
	if r == 0 || tr.Path(r) != path || string(tr.Data(r)) != path {
		t.Fatalf("Find is %d", r)
	}
	if n := tr.NumDescendants(tr.Find("/level0")); n != 299 {
		t.Errorf("%d descendants", n)
	}
	mustBeSound(t, tr)
	reload(t, tr)
	tr.Apply(&wire.Txn{Type: wire.OpDelete, Zxid: 1000, Path: "/level0"})
	if tr.NumNodes() != 4 {
		t.Errorf("%d nodes left", tr.NumNodes())
	}
	mustBeSound(t, tr)
}

// Names and data around every border of the slab sizes.
func TestBlobSizes(t *testing.T) {
	tr := New(digested)
	apply := func(op wire.Op, path string, length int) {
		t.Helper()
		data := bytes.Repeat([]byte{byte(length)}, length)
		res, _ := tr.Apply(&wire.Txn{Type: op, Zxid: tr.Zxid() + 1, Path: path, Data: data, ACL: wire.OpenACL, ParentCversion: -1})
		if r := tr.Find(path); res.Code != wire.OK || r == 0 || !bytes.Equal(tr.Data(r), data) || tr.Path(r) != path {
			t.Fatalf("name of %d bytes, data of %d: %s", len(path)-1, length, res.Code)
		}
	}
	var sizes []int
	for _, units := range slotUnits {
		sizes = append(sizes, units*slabUnitBytes-1, units*slabUnitBytes, units*slabUnitBytes+1)
	}
	for _, size := range append(sizes, 64<<10, 64<<10+1, 1<<20) {
		apply(wire.OpCreate, "/d", size)
		apply(wire.OpSetData, "/d", size/2)
		apply(wire.OpSetData, "/d", size-2) // with the name exactly size bytes
		apply(wire.OpCreate, "/"+strings.Repeat("n", size), 0)
		apply(wire.OpCreate, "/"+strings.Repeat("n", size)+"/child", size%100)
		mustBeSound(t, tr)
		tr.Apply(&wire.Txn{Type: wire.OpDelete, Path: "/d"})
	}
	reload(t, tr)
	for _, size := range append(sizes, 64<<10, 64<<10+1, 1<<20) {
		tr.Apply(&wire.Txn{Type: wire.OpDelete, Path: "/" + strings.Repeat("n", size)})
	}
	if tr.NumNodes() != 4 {
		t.Errorf("%d nodes left", tr.NumNodes())
	}
	mustBeSound(t, tr)
}

// The slot sizes lose at most a ninth, fit every length, and fit the tables.
func TestSlotClasses(t *testing.T) {
	if len(slotUnits) > len(slabs{}.partial) {
		t.Fatalf("%d classes", len(slotUnits))
	}
	for length := 1; length <= blobSmallMax; length++ {
		class := classOf[(length+slabUnitBytes-1)/slabUnitBytes]
		slot := slotUnits[class] * slabUnitBytes
		if slot < length || class > 0 && slotUnits[class-1]*slabUnitBytes >= length {
			t.Fatalf("%d bytes in slots of %d", length, slot)
		}
		if lost := slot - length; lost >= slabUnitBytes && lost*9 > slot+9*slabUnitBytes {
			t.Errorf("%d bytes in slots of %d", length, slot)
		}
	}
}

// The index grows table by table and never loses an entry, whatever the order
// of insertion and removal.
func TestIndexSplits(t *testing.T) {
	tr := New(digested)
	const nodes = 20_000
	path := func(i int) string { return fmt.Sprintf("/node%d", i) }
	for i := range nodes {
		tr.Apply(&wire.Txn{Type: wire.OpCreate, Zxid: wire.Zxid(i), Path: path(i), ACL: wire.OpenACL, ParentCversion: -1})
	}
	mustBeSound(t, tr)
	if tr.index.depth < 4 {
		t.Errorf("depth %d", tr.index.depth)
	}
	for i := 0; i < nodes; i += 3 {
		tr.Apply(&wire.Txn{Type: wire.OpDelete, Path: path(i)})
	}
	mustBeSound(t, tr)
	for i := range nodes {
		if found := tr.Find(path(i)) != 0; found == (i%3 == 0) {
			t.Fatalf("%s found: %v", path(i), found)
		}
	}
}

// Tables that deletions leave nearly empty become one again, and split again
// when the tree grows again.
func TestIndexJoins(t *testing.T) {
	tr := New(digested)
	const nodes, left = 8000, 10
	path := func(i int) string { return fmt.Sprintf("/node%d", i) }
	tables := func() int {
		distinct := make(map[*hashTable]bool)
		for _, table := range tr.index.directory {
			distinct[table] = true
		}
		return len(distinct)
	}
	// check expects the nodes from first on, and no other.
	check := func(first int) {
		t.Helper()
		mustBeSound(t, tr)
		for i := range nodes {
			if found := tr.Find(path(i)) != 0; found != (i >= first) {
				t.Fatalf("%s found: %v", path(i), found)
			}
		}
	}
	grow := func(to int) {
		for i := range to {
			tr.Apply(&wire.Txn{Type: wire.OpCreate, Zxid: tr.Zxid() + 1, Path: path(i), ACL: wire.OpenACL, ParentCversion: -1})
		}
	}
	for round := range 2 {
		grow(nodes - round*left) // the second time some are there already
		check(0)
		grown := tables()
		if least := nodes / tableFull; grown < least {
			t.Fatalf("round %d: %d tables for %d nodes, want at least %d", round, grown, nodes, least)
		}
		for i := range nodes - left {
			tr.Apply(&wire.Txn{Type: wire.OpDelete, Zxid: tr.Zxid() + 1, Path: path(i)})
			if i%1000 == 0 {
				mustBeSound(t, tr)
			}
		}
		check(nodes - left)
		if got := tables(); got > 2 {
			t.Errorf("round %d: %d tables are left of %d for %d nodes", round, got, grown, left)
		}
	}
}
