package tree

import (
	"encoding/hex"
	"maps"
	"slices"
	"strings"
	"testing"

	"kafkacoord/coord/wire"
)

var digested = Options{Digest: true}

func TestDigestOfAFreshTree(t *testing.T) {
	tr := New(digested)
	if d := tr.Digest(); d != 0x51c6d660 {
		t.Errorf("tree digest %#x, want 0x51c6d660", d)
	}
	for path, want := range map[string]uint32{
		"/": 0x04128908, "/zookeeper": 0x4db44d58, "/zookeeper/quota": 0, "/zookeeper/config": 0,
	} {
		if d := tr.NodeDigest(tr.Find(path)); d != want {
			t.Errorf("digest of %s is %#x, want %#x", path, d, want)
		}
	}
	mustBeSound(t, tr)
}

func TestDigestAfterACreate(t *testing.T) {
	tr := New(digested)
	tr.Apply(&wire.Txn{
		Type: wire.OpCreate, Zxid: 5, Time: 1000, Path: "/a", Data: []byte("x"), ACL: wire.OpenACL, ParentCversion: 1,
	})
	a := tr.Find("/a")
	if got, want := tr.NodeDigest(a), uint32(0x00c494d7); got != want {
		t.Errorf("node digest %#x, want %#x", got, want)
	}
	if got, want := tr.NodeDigest(root), uint32(0x3727112d); got != want {
		t.Errorf("root digest %#x, want %#x", got, want)
	}
	if got, want := tr.Digest(), uint64(0x859ff35c); got != want {
		t.Errorf("tree digest %#x, want %#x", got, want)
	}
	if got := NodeDigest("/a", []byte("x"), &tr.Node(a).Fields); got != tr.NodeDigest(a) {
		t.Errorf("digest from scratch %#x, want %#x", got, tr.NodeDigest(a))
	}
}

// The records of a real log file, each with the digest that the Java server
// wrote behind it.
func TestDigestsInALog(t *testing.T) {
	tr := New(digested)
	for _, text := range []string{
		"01000025e30a0000 00000000 0000000000000001 000001a2046f9022 fffffff6 00002710 00000002 0000000051c6d660",
		`01000025e30a0000 00000001 0000000000000002 000001a2046f908f 00000001
		00000002 2f61 00000005 68656c6c6f 00000001 0000001f 00000005 776f726c64 00000006 616e796f6e65
		00 00000001 00000002 000000008adb574e`,
	} {
		record, err := hex.DecodeString(strings.Join(strings.Fields(text), ""))
		if err != nil {
			t.Fatal(err)
		}
		var txn wire.Txn
		if err := wire.DecodeTxn(record, &txn); err != nil || !txn.HasDigest {
			t.Fatalf("decode: %v, digest %v", err, txn.HasDigest)
		}
		tr.Apply(&txn)
		if tr.Digest() != txn.Digest {
			t.Errorf("digest after zxid %d is %#x, want %#x", txn.Zxid, tr.Digest(), txn.Digest)
		}
	}
	if string(tr.Data(tr.Find("/a"))) != "hello" || tr.Zxid() != 2 {
		t.Errorf("data %q, zxid %s", tr.Data(tr.Find("/a")), tr.Zxid())
	}
	mustBeSound(t, tr)
}

func TestDigestOff(t *testing.T) {
	tr := New(Options{})
	tr.Apply(&wire.Txn{Type: wire.OpCreate, Zxid: 1, Path: "/a", ACL: wire.OpenACL, ParentCversion: 1})
	tr.Apply(&wire.Txn{Type: wire.OpDelete, Zxid: 2, Path: "/a"})
	if tr.Digest() != 0 {
		t.Errorf("digest %#x", tr.Digest())
	}
	mustBeSound(t, tr)
}

func TestUndigested(t *testing.T) {
	for path, want := range map[string]bool{
		"": false, "/": false, "/zookeeper": false, "/zookeeper/": true, "/zookeeper/config": true,
		"/zookeeperx": false, "/a/zookeeper/b": false,
	} {
		if Undigested(path) != want {
			t.Errorf("Undigested(%q) = %v", path, !want)
		}
	}
}

func TestFreshTree(t *testing.T) {
	tr := New(digested)
	for path, want := range map[string]wire.Stat{
		"/":                 {Cversion: -1, NumChildren: 1},
		"":                  {Cversion: -1, NumChildren: 1},
		"/zookeeper":        {Cversion: -2, NumChildren: 2},
		"/zookeeper/quota":  {},
		"/zookeeper/config": {Aversion: -1},
	} {
		r := tr.Find(path)
		if r == 0 {
			t.Fatalf("no %q", path)
		}
		if s := tr.Stat(r); s != want {
			t.Errorf("stat of %q is %+v, want %+v", path, s, want)
		}
		if len(tr.Data(r)) != 0 {
			t.Errorf("data of %q is %q", path, tr.Data(r))
		}
		acl := wire.OpenACL
		if path == "/zookeeper/config" {
			acl = []wire.ACL{{Perms: wire.PermRead, ID: wire.AnyoneID}}
		}
		if !slices.Equal(tr.ACL(r), acl) || tr.OpenACL(r) != (path != "/zookeeper/config") {
			t.Errorf("ACL of %q is %v", path, tr.ACL(r))
		}
	}
	if tr.NumNodes() != 4 || tr.NumEphemerals() != 0 || tr.Zxid() != 0 {
		t.Errorf("nodes %d, ephemerals %d, zxid %s", tr.NumNodes(), tr.NumEphemerals(), tr.Zxid())
	}
	if want := int64(len("/zookeeper/zookeeper/quota/zookeeper/config")); tr.ApproximateDataSize() != want {
		t.Errorf("data size %d, want %d", tr.ApproximateDataSize(), want)
	}
	if tr.NumDescendants(root) != 3 || tr.NumDescendants(tr.Find("/zookeeper")) != 2 {
		t.Errorf("descendants %d and %d", tr.NumDescendants(root), tr.NumDescendants(tr.Find("/zookeeper")))
	}
	if names := slices.Sorted(tr.Children(tr.Find("/zookeeper"))); !slices.Equal(names, []string{"config", "quota"}) {
		t.Errorf("children of /zookeeper: %q", names)
	}
	for _, path := range []string{"zookeeper", "/zookeeper/", "//", "/zookeeper/quot", "/z", "x", "/zookeeper//quota"} {
		if r := tr.Find(path); r != 0 {
			t.Errorf("Find(%q) = %d (%s)", path, r, tr.Path(r))
		}
	}
	if len(maps.Collect(eachOwner(tr))) != 0 {
		t.Error("a fresh tree has ephemeral owners")
	}
}

// eachOwner yields the sessions with ephemerals and how many they have.
func eachOwner(tr *Tree) func(yield func(wire.SessionID, int) bool) {
	return func(yield func(wire.SessionID, int) bool) {
		for s := range tr.EphemeralOwners() {
			n := 0
			for range tr.Ephemerals(s) {
				n++
			}
			if !yield(s, n) {
				return
			}
		}
	}
}
