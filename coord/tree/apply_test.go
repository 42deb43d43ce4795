package tree

import (
	"bytes"
	"reflect"
	"slices"
	"strings"
	"testing"

	"kafkacoord/coord/wire"
)

// base returns a tree with /p (cversion 1, one child /p/c owned by session 7)
// and /q, made by transactions 1 to 3 at the times 10 to 30.
func base(t testing.TB, o Options) *Tree {
	t.Helper()
	tr := New(o)
	for i, txn := range []wire.Txn{
		{Type: wire.OpCreate, Path: "/p", Data: []byte("pp"), ParentCversion: 1},
		{Type: wire.OpCreate, Path: "/p/c", Data: []byte("child"), Ephemeral: true, Session: 7, ParentCversion: 1},
		{Type: wire.OpCreate, Path: "/q", ParentCversion: 2},
	} {
		txn.Zxid, txn.Time, txn.ACL = wire.Zxid(i+1), wire.Millis(10*(i+1)), wire.OpenACL
		if res, _ := tr.Apply(&txn); res.Code != wire.OK {
			t.Fatalf("create %s: %s", txn.Path, res.Code)
		}
	}
	mustBeSound(t, tr)
	return tr
}

var readOnly = []wire.ACL{{Perms: wire.PermRead, ID: wire.ID{Scheme: "digest", ID: "joe:x"}}}

// fields is what a test says of one node after the transaction.
type fields struct {
	node Fields
	data []byte
	acl  []wire.ACL
}

func TestApplyOne(t *testing.T) {
	rootAfter := func(cversion, children int32, pzxid wire.Zxid) fields {
		return fields{node: Fields{Cversion: cversion, NumChildren: children, Pzxid: pzxid}, acl: wire.OpenACL}
	}
	pNode := Fields{Czxid: 1, Mzxid: 1, Pzxid: 2, Ctime: 10, Mtime: 10, Cversion: 1, NumChildren: 1}
	p := func(change func(n *Fields)) fields {
		n := pNode
		change(&n)
		return fields{node: n, data: []byte("pp"), acl: wire.OpenACL}
	}
	fresh := func(owner int64, data []byte, acl []wire.ACL) fields {
		return fields{node: Fields{Czxid: 9, Mzxid: 9, Pzxid: 9, Ctime: 90, Mtime: 90, Owner: owner}, data: data, acl: acl}
	}
	for _, c := range []struct {
		name    string
		options Options
		txn     wire.Txn
		code    wire.Code
		want    map[string]fields // nil data means null data
		gone    []string
		changes []Change
	}{
		{
			name: "create",
			txn:  wire.Txn{Type: wire.OpCreate, Path: "/p/n", Data: []byte("x"), ACL: readOnly, ParentCversion: 2},
			want: map[string]fields{
				"/p/n": fresh(0, []byte("x"), readOnly),
				"/p":   p(func(n *Fields) { n.Cversion, n.NumChildren, n.Pzxid = 2, 2, 9 }),
			},
			changes: []Change{{Type: wire.EventNodeCreated, Path: "/p/n", ACL: readOnly, ParentACL: wire.OpenACL}},
		},
		{
			name: "create2 of an ephemeral in the root, null data",
			txn:  wire.Txn{Type: wire.OpCreate2, Session: 5, Path: "/e", ACL: wire.OpenACL, Ephemeral: true, ParentCversion: 3},
			want: map[string]fields{"/e": fresh(5, nil, wire.OpenACL), "/": rootAfter(3, 4, 9)},
			changes: []Change{
				{Type: wire.EventNodeCreated, Path: "/e", ACL: wire.OpenACL, ParentACL: wire.OpenACL},
			},
		},
		{
			name: "create with an unknown parent cversion",
			txn:  wire.Txn{Type: wire.OpCreate, Path: "/p/n", Data: []byte{}, ACL: wire.OpenACL, ParentCversion: -1},
			want: map[string]fields{
				"/p/n": fresh(0, []byte{}, wire.OpenACL),
				"/p":   p(func(n *Fields) { n.Cversion, n.NumChildren, n.Pzxid = 2, 2, 9 }),
			},
			changes: []Change{{Type: wire.EventNodeCreated, Path: "/p/n", ACL: wire.OpenACL, ParentACL: wire.OpenACL}},
		},
		{
			name: "createContainer",
			txn:  wire.Txn{Type: wire.OpCreateContainer, Session: 5, Path: "/e", ACL: wire.OpenACL, ParentCversion: 3},
			want: map[string]fields{"/e": fresh(ContainerOwner, nil, wire.OpenACL), "/": rootAfter(3, 4, 9)},
			changes: []Change{
				{Type: wire.EventNodeCreated, Path: "/e", ACL: wire.OpenACL, ParentACL: wire.OpenACL},
			},
		},
		{
			name:    "createTTL",
			options: Options{ExtendedTypes: true},
			txn:     wire.Txn{Type: wire.OpCreateTTL, Session: 5, Path: "/e", ACL: wire.OpenACL, ParentCversion: 3, TTL: 5000},
			want:    map[string]fields{"/e": fresh(-0x00ffffffffffec78, nil, wire.OpenACL), "/": rootAfter(3, 4, 9)},
			changes: []Change{
				{Type: wire.EventNodeCreated, Path: "/e", ACL: wire.OpenACL, ParentACL: wire.OpenACL},
			},
		},
		{
			name: "create below a missing parent",
			txn:  wire.Txn{Type: wire.OpCreate, Path: "/no/n", ACL: wire.OpenACL, ParentCversion: 5},
			code: wire.NoNode, want: map[string]fields{"/": rootAfter(2, 3, 3)}, gone: []string{"/no/n", "/no"},
		},
		{
			name: "delete",
			txn:  wire.Txn{Type: wire.OpDelete, Path: "/p/c"},
			want: map[string]fields{"/p": p(func(n *Fields) { n.NumChildren, n.Pzxid = 0, 9 })},
			gone: []string{"/p/c"},
			changes: []Change{
				{Type: wire.EventNodeDeleted, Path: "/p/c", ACL: wire.OpenACL, ParentACL: wire.OpenACL},
			},
		},
		{
			name: "deleteContainer",
			txn:  wire.Txn{Type: wire.OpDeleteContainer, Path: "/q"},
			want: map[string]fields{"/": rootAfter(2, 2, 9)},
			gone: []string{"/q"},
			changes: []Change{
				{Type: wire.EventNodeDeleted, Path: "/q", ACL: wire.OpenACL, ParentACL: wire.OpenACL},
			},
		},
		{
			name: "delete of a missing node moves the parent's pzxid",
			txn:  wire.Txn{Type: wire.OpDelete, Path: "/p/no"},
			code: wire.NoNode, want: map[string]fields{"/p": p(func(n *Fields) { n.Pzxid = 9 })},
		},
		{
			name: "delete below a missing parent", txn: wire.Txn{Type: wire.OpDelete, Path: "/no/n"},
			code: wire.NoNode, want: map[string]fields{"/": rootAfter(2, 3, 3)},
		},
		{
			name: "setData",
			txn:  wire.Txn{Type: wire.OpSetData, Path: "/p", Data: []byte("longer than before"), Version: 12},
			want: map[string]fields{
				"/p": {
					node: Fields{Czxid: 1, Mzxid: 9, Pzxid: 2, Ctime: 10, Mtime: 90, Version: 12, Cversion: 1, NumChildren: 1},
					data: []byte("longer than before"), acl: wire.OpenACL,
				},
				"/": rootAfter(2, 3, 3),
			},
			changes: []Change{{Type: wire.EventNodeDataChanged, Path: "/p", ACL: wire.OpenACL}},
		},
		{
			name: "setData of the root",
			txn:  wire.Txn{Type: wire.OpSetData, Path: "/", Data: []byte("root"), Version: 1},
			want: map[string]fields{"/": {
				node: Fields{Mzxid: 9, Mtime: 90, Version: 1, Pzxid: 3, Cversion: 2, NumChildren: 3},
				data: []byte("root"), acl: wire.OpenACL,
			}},
			changes: []Change{{Type: wire.EventNodeDataChanged, Path: "/", ACL: wire.OpenACL}},
		},
		{name: "setData of a missing node", txn: wire.Txn{Type: wire.OpSetData, Path: "/no", Data: []byte("x")}, code: wire.NoNode},
		{
			name: "setACL",
			txn:  wire.Txn{Type: wire.OpSetACL, Path: "/p", ACL: readOnly, Version: 4},
			want: map[string]fields{"/p": {
				node: Fields{Czxid: 1, Mzxid: 1, Pzxid: 2, Ctime: 10, Mtime: 10, Aversion: 4, Cversion: 1, NumChildren: 1},
				data: []byte("pp"), acl: readOnly,
			}},
		},
		{name: "setACL of a missing node", txn: wire.Txn{Type: wire.OpSetACL, Path: "/no", ACL: readOnly}, code: wire.NoNode},
		{
			name: "reconfig",
			txn:  wire.Txn{Type: wire.OpReconfig, Path: wire.ConfigPath, Data: []byte("server.1=x"), Version: -1},
			want: map[string]fields{wire.ConfigPath: {
				node: Fields{Mzxid: 9, Mtime: 90, Version: -1, Aversion: -1},
				data: []byte("server.1=x"), acl: []wire.ACL{{Perms: wire.PermRead, ID: wire.AnyoneID}},
			}},
			changes: []Change{{
				Type: wire.EventNodeDataChanged, Path: wire.ConfigPath,
				ACL: []wire.ACL{{Perms: wire.PermRead, ID: wire.AnyoneID}},
			}},
		},
		{
			name: "closeSession without a list",
			txn:  wire.Txn{Type: wire.OpCloseSession, Session: 7},
			want: map[string]fields{"/p": p(func(n *Fields) { n.NumChildren, n.Pzxid = 0, 9 })},
			gone: []string{"/p/c"},
			changes: []Change{
				{Type: wire.EventNodeDeleted, Path: "/p/c", ACL: wire.OpenACL, ParentACL: wire.OpenACL},
			},
		},
		{
			name: "closeSession deletes what it lists, missing nodes skipped",
			txn:  wire.Txn{Type: wire.OpCloseSession, Session: 8, Paths: []string{"/no", "/p/c", "/q"}},
			want: map[string]fields{"/p": p(func(n *Fields) { n.NumChildren, n.Pzxid = 0, 9 }), "/": rootAfter(2, 2, 9)},
			gone: []string{"/p/c", "/q"},
			changes: []Change{
				{Type: wire.EventNodeDeleted, Path: "/p/c", ACL: wire.OpenACL, ParentACL: wire.OpenACL},
				{Type: wire.EventNodeDeleted, Path: "/q", ACL: wire.OpenACL, ParentACL: wire.OpenACL},
			},
		},
		{name: "createSession", txn: wire.Txn{Type: wire.OpCreateSession, Session: 9, Timeout: 1000}},
		{name: "check", txn: wire.Txn{Type: wire.OpCheck, Path: "/p", Version: 9}},
		{name: "error", txn: wire.Txn{Type: wire.OpError, Err: wire.NotEmpty}, code: wire.NotEmpty},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.options.Digest = true
			tr := base(t, c.options)
			before := dump(tr)
			c.txn.Zxid, c.txn.Time = 9, 90
			res, changes := tr.Apply(&c.txn)
			if res.Code != c.code || len(res.Subs) != 0 {
				t.Errorf("result %+v, want code %s", res, c.code)
			}
			if tr.Zxid() != 9 {
				t.Errorf("zxid is %s", tr.Zxid())
			}
			if !slices.EqualFunc(changes, c.changes, equalChange) {
				t.Errorf("changes\n%+v, want\n%+v", changes, c.changes)
			}
			mustBeSound(t, tr)
			after := dump(tr)
			for path, want := range c.want {
				if got := after[path]; !reflect.DeepEqual(got, want) {
					t.Errorf("%s is\n%+v, want\n%+v", path, got, want)
				}
				delete(after, path)
				delete(before, path)
			}
			for _, path := range c.gone {
				if _, ok := after[path]; ok {
					t.Errorf("%s exists", path)
				}
				delete(before, path)
			}
			if !reflect.DeepEqual(after, before) {
				t.Errorf("other nodes changed:\n%+v, before\n%+v", after, before)
			}
			if r := tr.Find(c.txn.Path); r != 0 && c.code == wire.OK && c.txn.Type != wire.OpCheck && c.txn.Path != "" {
				if res.Stat != tr.Stat(r) {
					t.Errorf("stat in the result %+v, of the node %+v", res.Stat, tr.Stat(r))
				}
			}
		})
	}
}

// dump reads the whole tree as clients may.
func dump(tr *Tree) map[string]fields {
	all := make(map[string]fields)
	v := tr.View()
	defer tr.Release(v)
	for n := range v.Nodes {
		r := tr.Find(n.Path)
		data := tr.Data(r)
		if !bytes.Equal(data, n.Data) || (data == nil) != (n.Data == nil) {
			panic("the view has other data than the tree: " + n.Path)
		}
		all[tr.Path(r)] = fields{node: tr.Node(r).Fields, data: bytes.Clone(data), acl: slices.Clone(tr.ACL(r))}
	}
	for path, f := range all { // empty data of built-in nodes reads as nil in the tables above
		if len(f.data) == 0 && (path == "/" || strings.HasPrefix(path, wire.ReservedPath)) {
			f.data = nil
			all[path] = f
		}
	}
	return all
}

func equalChange(a, b Change) bool {
	return a.Type == b.Type && a.Path == b.Path && slices.Equal(a.ACL, b.ACL) && slices.Equal(a.ParentACL, b.ParentACL)
}

func TestMulti(t *testing.T) {
	tr := base(t, digested)
	res, changes := tr.Apply(&wire.Txn{
		Type: wire.OpMulti, Session: 5, Zxid: 9, Time: 90,
		Subs: []wire.Txn{
			{Type: wire.OpCheck, Path: "/p", Version: 1},
			{Type: wire.OpCreate, Path: "/m", ACL: wire.OpenACL, ParentCversion: 3},
			{Type: wire.OpCreate, Path: "/m/e", ACL: wire.OpenACL, Ephemeral: true, ParentCversion: 1},
			{Type: wire.OpSetData, Path: "/m", Data: []byte("set"), Version: 1},
			{Type: wire.OpDelete, Path: "/q"},
		},
	})
	if len(res.Subs) != 5 || res.Code != wire.OK {
		t.Fatalf("result %+v", res)
	}
	for i, s := range res.Subs {
		if s.Code != wire.OK {
			t.Errorf("part %d: %s", i, s.Code)
		}
	}
	// Stats are those between the parts, not after the last.
	if s := res.Subs[1].Stat; s.Version != 0 || s.NumChildren != 0 || s.Czxid != 9 || s.Ctime != 90 {
		t.Errorf("stat of the create %+v", s)
	}
	if s := res.Subs[2].Stat; s.EphemeralOwner != 5 {
		t.Errorf("stat of the ephemeral %+v", s)
	}
	if s := res.Subs[3].Stat; s.Version != 1 || s.NumChildren != 1 || s.DataLength != 3 || s.Cversion != 1 {
		t.Errorf("stat of the setData %+v", s)
	}
	var kinds []wire.EventType
	for _, c := range changes {
		kinds = append(kinds, c.Type)
	}
	if want := []wire.EventType{1, 1, 3, 2}; !slices.Equal(kinds, want) {
		t.Errorf("changes %v, want %v", kinds, want)
	}
	if tr.Zxid() != 9 || tr.Find("/q") != 0 || tr.NumEphemerals() != 2 {
		t.Errorf("zxid %s, %d ephemerals", tr.Zxid(), tr.NumEphemerals())
	}
	mustBeSound(t, tr)
}

func TestFailedMulti(t *testing.T) {
	tr := base(t, digested)
	before, digest := dump(tr), tr.Digest()
	res, changes := tr.Apply(&wire.Txn{
		Type: wire.OpMulti, Zxid: 9, Time: 90,
		Subs: []wire.Txn{
			{Type: wire.OpCreate, Path: "/mf", ACL: wire.OpenACL, ParentCversion: 3},
			{Type: wire.OpError, Err: wire.NoNode},
			{Type: wire.OpError, Err: wire.RuntimeInconsistency},
		},
	})
	var codes []wire.Code
	for _, s := range res.Subs {
		codes = append(codes, s.Code)
	}
	if want := []wire.Code{wire.OK, wire.NoNode, wire.RuntimeInconsistency}; !slices.Equal(codes, want) {
		t.Errorf("codes %v, want %v", codes, want)
	}
	if len(changes) != 0 || !reflect.DeepEqual(dump(tr), before) || tr.Digest() != digest || tr.Zxid() != 9 {
		t.Errorf("a failed multi changed the tree: %+v", changes)
	}
}

func TestEmptyMulti(t *testing.T) {
	tr := base(t, digested)
	res, changes := tr.Apply(&wire.Txn{Type: wire.OpMulti, Zxid: 9})
	if len(res.Subs) != 0 || res.Code != wire.OK || len(changes) != 0 || tr.Zxid() != 9 {
		t.Errorf("result %+v, changes %v, zxid %s", res, changes, tr.Zxid())
	}
}

// What the tree keeps must not alias the transaction, whose memory is reused.
func TestApplyCopies(t *testing.T) {
	tr := New(digested)
	record := wire.AppendTxn(nil, &wire.Txn{
		Type: wire.OpCreate, Zxid: 1, Path: "/zookeeper/quota/a", Data: []byte("abc"), ACL: readOnly, ParentCversion: 1,
	})
	limits := wire.AppendTxn(nil, &wire.Txn{
		Type: wire.OpCreate, Zxid: 2, Path: "/zookeeper/quota/a/zookeeper_limits", Data: []byte("count=5"),
		ACL: readOnly, ParentCversion: 1,
	})
	for _, b := range [][]byte{record, limits} {
		var txn wire.Txn
		if err := wire.DecodeTxn(b, &txn); err != nil {
			t.Fatal(err)
		}
		tr.Apply(&txn)
		for i := range b {
			b[i] = '!'
		}
	}
	r := tr.Find("/zookeeper/quota/a/zookeeper_limits")
	if r == 0 || string(tr.Data(r)) != "count=5" || !slices.Equal(tr.ACL(r), readOnly) {
		t.Fatal("the node changed with the record it came from")
	}
	if got := tr.quotaPrefix("/a/b"); got != "/a" {
		t.Errorf("quota prefix %q", got)
	}
	mustBeSound(t, tr)
}
