package tree

import (
	"testing"

	"kafkacoord/coord/wire"
)

// The list is shown without a trace in zxid and digest, and a view taken before
// does not see it.
func TestShowList(t *testing.T) {
	tr := New(digested)
	tr.Apply(&wire.Txn{Type: wire.OpCreate, Zxid: 1, Path: "/a", ACL: wire.OpenACL, ParentCversion: 1})
	digest, zxid, size := tr.Digest(), tr.Zxid(), tr.ApproximateDataSize()
	before := tr.View()
	const list = "server.1=a:1:2:participant\nversion=100000003"
	tr.ShowList(list, 1<<32+3, 70)
	tr.ShowList(list, 1<<32+3, 99) // already shown
	r := tr.Find(wire.ConfigPath)
	want := wire.Stat{Version: -1, Aversion: -1, Mzxid: 1<<32 + 3, Mtime: 70, DataLength: int32(len(list))}
	if got := tr.Stat(r); got != want || string(tr.Data(r)) != list {
		t.Errorf("%+v, data %q; want %+v", got, tr.Data(r), want)
	}
	if tr.Digest() != digest || tr.Zxid() != zxid || tr.ApproximateDataSize() != size+int64(len(list)) {
		t.Errorf("digest %#x, was %#x; zxid %v, was %v; %d bytes, were %d", tr.Digest(), digest, tr.Zxid(), zxid, tr.ApproximateDataSize(), size)
	}
	before.Nodes(func(n *SnapshotNode) bool {
		if n.Path == wire.ConfigPath && len(n.Data) != 0 {
			t.Errorf("the view shows %q", n.Data)
		}
		return true
	})
	tr.Release(before)
	mustBeSound(t, tr)
}
