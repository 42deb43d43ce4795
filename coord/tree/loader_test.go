package tree

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"kafkacoord/coord/wire"
)

// reload writes a tree's view into a loader and checks that the result is equal.
func reload(t testing.TB, tr *Tree) *Tree {
	t.Helper()
	v := tr.View()
	l := NewLoader(tr.options)
	for key, acl := range v.ACLs {
		l.ACL(key, acl)
	}
	for n := range v.Nodes {
		if err := l.Node(n); err != nil {
			t.Fatal(err)
		}
	}
	loaded, err := l.Finish(v.Zxid())
	if err != nil {
		t.Fatal(err)
	}
	if v.Digest() != tr.Digest() || v.NumNodes() != tr.NumNodes() || v.Zxid() != tr.Zxid() {
		t.Fatalf("view of %d nodes, digest %x, zxid %s", v.NumNodes(), v.Digest(), v.Zxid())
	}
	tr.Release(v)
	mustBeSound(t, loaded)
	if len(tr.quotas) == 0 { // usage is recounted
		mustBeEqual(t, loaded, tr)
	}
	return loaded
}

func mustBeEqual(t testing.TB, got, want *Tree) {
	t.Helper()
	if got.Digest() != want.Digest() || got.Zxid() != want.Zxid() || got.NumNodes() != want.NumNodes() ||
		got.NumEphemerals() != want.NumEphemerals() || got.ApproximateDataSize() != want.ApproximateDataSize() {
		t.Errorf("digest %x, zxid %s, %d nodes, %d ephemerals, %d bytes; want %x, %s, %d, %d, %d",
			got.Digest(), got.Zxid(), got.NumNodes(), got.NumEphemerals(), got.ApproximateDataSize(),
			want.Digest(), want.Zxid(), want.NumNodes(), want.NumEphemerals(), want.ApproximateDataSize())
	}
	a, b := dump(got), dump(want)
	for path, f := range b {
		if !reflect.DeepEqual(a[path], f) {
			t.Fatalf("%q is\n%+v, want\n%+v", path, a[path], f)
		}
	}
	if len(a) != len(b) {
		t.Fatalf("%d nodes, want %d", len(a), len(b))
	}
}

func TestLoaderRoundTrip(t *testing.T) {
	for _, o := range []Options{{}, {Digest: true}, {Digest: true, ExtendedTypes: true}} {
		tr := New(o)
		reload(t, tr)
		tr = base(t, o)
		for i, txn := range []wire.Txn{
			{Type: wire.OpCreateTTL, Path: "/t", TTL: 7, ACL: readOnly},
			{Type: wire.OpCreateContainer, Path: "/c", ACL: []wire.ACL{}},
			{Type: wire.OpCreate, Path: "/c/null", ACL: nil},
			{Type: wire.OpCreate, Path: "/c/empty", Data: []byte{}, ACL: wire.OpenACL},
			{Type: wire.OpSetData, Path: "/", Data: []byte("data of the root"), Version: 3},
			{Type: wire.OpSetACL, Path: "/", ACL: readOnly, Version: 3},
			{Type: wire.OpCreate, Path: "/big", Data: make([]byte, 100_000), ACL: wire.OpenACL},
			{Type: wire.OpDelete, Path: "/p/c"},
		} {
			txn.Zxid, txn.Time, txn.ParentCversion = wire.Zxid(10+i), wire.Millis(i), -1
			tr.Apply(&txn)
		}
		loaded := reload(t, tr)
		// It goes on as the original does.
		next := wire.Txn{Type: wire.OpCreate, Zxid: 50, Path: "/c/next", ACL: readOnly, ParentCversion: -1}
		tr.Apply(&next)
		loaded.Apply(&next)
		mustBeEqual(t, loaded, tr)
		mustBeSound(t, loaded)
	}
}

func TestLoaderErrors(t *testing.T) {
	node := func(path string) *SnapshotNode { return &SnapshotNode{Path: path, ACL: -1} }
	for name, c := range map[string]struct {
		paths []string
		want  string
	}{
		"parent missing":          {[]string{"", "/a/b"}, "before its parent"},
		"parent comes later":      {[]string{"", "/a/b", "/a"}, "before its parent"},
		"node twice":              {[]string{"", "/a", "/a"}, "twice"},
		"root twice":              {[]string{"", "/a", ""}, "root comes twice"},
		"no root":                 {[]string{"/a", "/a/b"}, "no root"},
		"nothing":                 {nil, "no root"},
		"no slash":                {[]string{"", "a"}, "no parent path"},
		"root by its other name":  {[]string{"", "/"}, "twice"},
		"below the root's alias":  {[]string{"", "//a"}, "before its parent"},
		"alias after child of it": {[]string{"", "/b", "//"}, "before its parent"},
	} {
		l := NewLoader(digested)
		var err error
		for _, path := range c.paths {
			if err = l.Node(node(path)); err != nil {
				break
			}
		}
		if err == nil {
			_, err = l.Finish(1)
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
	}
}

// Snapshots of old versions lack built-in nodes; fuzzy ones lack lists.
func TestLoaderRepairs(t *testing.T) {
	l := NewLoader(digested)
	l.ACL(4, readOnly)
	l.ACL(4, readOnly) // listed twice, and unused lists
	l.ACL(5, wire.OpenACL)
	l.ACL(6, []wire.ACL{{Perms: 1, ID: wire.ID{Scheme: "ip", ID: "::1"}}})
	for _, n := range []SnapshotNode{
		{Path: "", ACL: 4},
		{Path: "/a", ACL: 4, Owner: 17},
		{Path: "/lost", ACL: 99},
		{Path: "/lost2", ACL: 99},
		{Path: "/open", ACL: 5},
	} {
		if err := l.Node(&n); err != nil {
			t.Fatal(err)
		}
	}
	tr, err := l.Finish(77)
	if err != nil {
		t.Fatal(err)
	}
	mustBeSound(t, tr)
	for path, want := range map[string][]wire.ACL{
		"/": readOnly, "/a": readOnly, "/open": wire.OpenACL, "/lost": aclMissing, "/lost2": aclMissing,
		wire.ReservedPath: wire.OpenACL, wire.QuotaPath: wire.OpenACL,
		wire.ConfigPath: {{Perms: wire.PermRead, ID: wire.AnyoneID}},
	} {
		if r := tr.Find(path); r == 0 || !slices.Equal(tr.ACL(r), want) {
			t.Errorf("ACL of %s is %v, want %v", path, tr.ACL(r), want)
		}
	}
	if len(tr.acls.keys) != 4 { // open, read-only, missing, config
		t.Errorf("lists kept: %d", len(tr.acls.keys))
	}
	if tr.Zxid() != 77 || tr.NumEphemerals() != 1 {
		t.Errorf("zxid %s, %d ephemerals", tr.Zxid(), tr.NumEphemerals())
	}
	// Replay repairs what was missing.
	tr.Apply(&wire.Txn{Type: wire.OpCreate, Zxid: 70, Path: "/lost", ACL: readOnly, ParentCversion: 1})
	tr.Apply(&wire.Txn{Type: wire.OpSetACL, Zxid: 71, Path: "/lost2", ACL: wire.OpenACL, Version: 1})
	if !slices.Equal(tr.ACL(tr.Find("/lost")), readOnly) || !tr.OpenACL(tr.Find("/lost2")) || len(tr.acls.keys) != 3 {
		t.Error("replay did not repair the lists")
	}
	mustBeSound(t, tr)
}

// Built-in nodes are written with key -1 and their list is never listed; an
// explicit open list is, once it has users.
func TestSnapshotACLs(t *testing.T) {
	tr := New(digested)
	keys := func() map[int64]int {
		v := tr.View()
		defer tr.Release(v)
		listed := maps.Collect(v.ACLs)
		uses := make(map[int64]int)
		for n := range v.Nodes {
			uses[n.ACL]++
			if _, ok := listed[n.ACL]; !ok && n.ACL != -1 {
				t.Errorf("list %d of %s is not listed", n.ACL, n.Path)
			}
		}
		for key := range listed {
			if uses[key] == 0 || key <= 0 {
				t.Errorf("list %d has %d users", key, uses[key])
			}
		}
		return uses
	}
	if got := keys(); len(got) != 2 || got[-1] != 3 {
		t.Errorf("lists of a fresh tree: %v", got)
	}
	tr.Apply(&wire.Txn{Type: wire.OpCreate, Zxid: 1, Path: "/a", ACL: wire.OpenACL, ParentCversion: 1})
	if got := keys(); len(got) != 3 || got[-1] != 3 || got[int64(aclOpen)] != 1 {
		t.Errorf("lists with an open node: %v", got)
	}
	tr.Apply(&wire.Txn{Type: wire.OpSetACL, Zxid: 2, Path: "/a", ACL: readOnly, Version: 1})
	if got := keys(); len(got) != 3 || got[int64(aclOpen)] != 0 {
		t.Errorf("lists after setACL: %v", got)
	}
}
