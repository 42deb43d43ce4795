package tree

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	"kafkacoord/coord/wire"
)

// model is the znode tree written as plainly as possible, from the rules of
// storage-format and client-protocol: what Tree is compared with.
type model struct {
	nodes map[string]*modelNode // the root is ""
	zxid  wire.Zxid
}

type modelNode struct {
	data     []byte
	acl      []wire.ACL
	node     Fields // NumChildren left out
	children map[string]bool
}

func newModel() *model {
	m := &model{nodes: map[string]*modelNode{
		"":                {data: []byte{}, acl: wire.OpenACL, children: map[string]bool{"zookeeper": true}},
		wire.ReservedPath: {data: []byte{}, acl: wire.OpenACL, children: map[string]bool{"quota": true, "config": true}},
		wire.QuotaPath:    {data: []byte{}, acl: wire.OpenACL, children: map[string]bool{}},
		wire.ConfigPath: {
			data: []byte{}, acl: []wire.ACL{{Perms: 1, ID: wire.AnyoneID}}, node: Fields{Aversion: -1}, children: map[string]bool{},
		},
	}}
	return m
}

func (m *model) apply(txn *wire.Txn) {
	if txn.Type != wire.OpMulti {
		m.one(txn, txn)
	} else if !slices.ContainsFunc(txn.Subs, func(s wire.Txn) bool { return s.Type == wire.OpError }) {
		for i := range txn.Subs {
			m.one(&txn.Subs[i], txn)
		}
	}
	m.zxid = max(m.zxid, txn.Zxid)
}

func (m *model) one(txn, header *wire.Txn) {
	n := m.at(txn.Path)
	switch txn.Type {
	case wire.OpCreate, wire.OpCreateContainer, wire.OpCreateTTL:
		m.create(txn, header)
	case wire.OpDelete:
		m.remove(txn.Path, header.Zxid)
	case wire.OpSetData:
		if n != nil {
			n.data = bytes.Clone(txn.Data)
			n.node.Version, n.node.Mzxid, n.node.Mtime = txn.Version, header.Zxid, header.Time
		}
	case wire.OpSetACL:
		if n != nil {
			n.acl, n.node.Aversion = txn.ACL, txn.Version
		}
	case wire.OpCloseSession:
		for _, path := range txn.Paths {
			m.remove(path, header.Zxid)
		}
		for _, path := range m.ephemerals(header.Session) {
			m.remove(path, header.Zxid)
		}
	}
}

func (m *model) at(path string) *modelNode {
	if path == "/" {
		path = ""
	}
	return m.nodes[path]
}

func (m *model) create(txn, header *wire.Txn) {
	parent := m.nodes[wire.ParentPath(txn.Path)]
	if parent == nil {
		return
	}
	n := m.at(txn.Path)
	if n == nil || txn.Type == wire.OpCreate {
		cversion := txn.ParentCversion
		if cversion == -1 {
			cversion = parent.node.Cversion + 1
		}
		if cversion > parent.node.Cversion {
			parent.node.Cversion, parent.node.Pzxid = cversion, header.Zxid
		}
	}
	if n != nil {
		n.acl = txn.ACL
		return
	}
	parent.children[wire.BaseName(txn.Path)] = true
	n = &modelNode{data: bytes.Clone(txn.Data), acl: txn.ACL, children: map[string]bool{}}
	n.node.Czxid, n.node.Mzxid, n.node.Pzxid = header.Zxid, header.Zxid, header.Zxid
	n.node.Ctime, n.node.Mtime = header.Time, header.Time
	switch {
	case txn.Type == wire.OpCreateContainer:
		n.node.Owner = -1 << 63
	case txn.Type == wire.OpCreateTTL:
		n.node.Owner = -1<<56 | txn.TTL
	case txn.Ephemeral:
		n.node.Owner = int64(header.Session)
	}
	m.nodes[txn.Path] = n
}

func (m *model) remove(path string, zxid wire.Zxid) {
	parent := m.nodes[wire.ParentPath(path)]
	if parent == nil {
		return
	}
	parent.node.Pzxid = max(parent.node.Pzxid, zxid)
	if m.nodes[path] == nil {
		return
	}
	delete(parent.children, wire.BaseName(path))
	m.forget(path)
}

func (m *model) forget(path string) {
	for name := range m.nodes[path].children {
		m.forget(path + "/" + name)
	}
	delete(m.nodes, path)
}

func (m *model) ephemerals(s wire.SessionID) []string {
	var paths []string
	for path, n := range m.nodes {
		if n.node.Owner == int64(s) && s != 0 {
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	return paths
}

func (m *model) descendants(path string) int {
	count := 0
	for name := range m.nodes[path].children {
		count += 1 + m.descendants(path+"/"+name)
	}
	return count
}

// isEphemeral holds for the owners that the generator makes.
func (n *modelNode) isEphemeral() bool { return n.node.Owner > 0 }

func (n *modelNode) stat() wire.Stat {
	s := wire.Stat{
		Czxid: n.node.Czxid, Mzxid: n.node.Mzxid, Pzxid: n.node.Pzxid, Ctime: n.node.Ctime, Mtime: n.node.Mtime,
		Version: n.node.Version, Aversion: n.node.Aversion, DataLength: int32(len(n.data)),
		NumChildren: int32(len(n.children)), Cversion: 2*n.node.Cversion - int32(len(n.children)),
	}
	if n.isEphemeral() {
		s.EphemeralOwner = wire.SessionID(n.node.Owner)
	}
	return s
}

// difference compares a tree with the model by all that the tree answers.
func (m *model) difference(tr *Tree) error {
	var digest uint64
	var size int64
	owners := make(map[wire.SessionID]int)
	for path, n := range m.nodes {
		if err := m.differenceAt(tr, path, n); err != nil {
			return fmt.Errorf("%q: %w", path, err)
		}
		n.node.NumChildren = 0
		digest += uint64(nodeDigest(path, n.data, &n.node))
		size += int64(len(path) + len(n.data))
		if n.isEphemeral() {
			owners[wire.SessionID(n.node.Owner)]++
		}
	}
	ephemerals := 0
	for _, n := range owners {
		ephemerals += n
	}
	switch {
	case tr.NumNodes() != len(m.nodes):
		return fmt.Errorf("%d nodes, want %d", tr.NumNodes(), len(m.nodes))
	case tr.Digest() != digest:
		return fmt.Errorf("digest %x, want %x", tr.Digest(), digest)
	case tr.ApproximateDataSize() != size:
		return fmt.Errorf("%d bytes, want %d", tr.ApproximateDataSize(), size)
	case tr.Zxid() != m.zxid:
		return fmt.Errorf("zxid %s, want %s", tr.Zxid(), m.zxid)
	case tr.NumEphemerals() != ephemerals || !maps.Equal(maps.Collect(eachOwner(tr)), owners):
		return fmt.Errorf("ephemerals %v, want %v", maps.Collect(eachOwner(tr)), owners)
	}
	for s := range owners {
		var paths []string
		for r := range tr.Ephemerals(s) {
			paths = append(paths, tr.Path(r))
		}
		slices.Sort(paths)
		if want := m.ephemerals(s); !slices.Equal(paths, want) {
			return fmt.Errorf("ephemerals of %s are %q, want %q", s, paths, want)
		}
	}
	return nil
}

func (m *model) differenceAt(tr *Tree, path string, n *modelNode) error {
	r := tr.Find(path)
	if r == 0 {
		return fmt.Errorf("is missing")
	}
	data := tr.Data(r)
	names := slices.Sorted(tr.Children(r))
	encoded := wire.NewDecoder(tr.AppendChildren(nil, r))
	fromWire := encoded.Strings()
	slices.Sort(fromWire)
	switch want := n.stat(); {
	case tr.Path(r) != pathOrRoot(path):
		return fmt.Errorf("has the path %q", tr.Path(r))
	case tr.Stat(r) != want:
		return fmt.Errorf("has the stat %+v, want %+v", tr.Stat(r), want)
	case !bytes.Equal(data, n.data) || (data == nil) != (n.data == nil):
		return fmt.Errorf("has the data %.40q (null %v), want %.40q (null %v)", data, data == nil, n.data, n.data == nil)
	case !slices.Equal(tr.ACL(r), n.acl):
		return fmt.Errorf("has the ACL %v, want %v", tr.ACL(r), n.acl)
	case tr.OpenACL(r) != slices.Equal(n.acl, wire.OpenACL):
		return fmt.Errorf("has an open ACL: %v", tr.OpenACL(r))
	case !slices.Equal(names, slices.Sorted(maps.Keys(n.children))) || !slices.Equal(names, fromWire):
		return fmt.Errorf("has the children %.200q, on the wire %.200q", names, fromWire)
	case len(names) < 100 && tr.NumDescendants(r) != m.descendants(path):
		return fmt.Errorf("has %d descendants, want %d", tr.NumDescendants(r), m.descendants(path))
	}
	return nil
}

// generator makes random transactions, mostly valid ones, over some universe of
// paths.
type generator struct {
	random *rand.Rand
	path   func(*rand.Rand) string
	zxid   wire.Zxid
	grow   int // of 100 transactions, how many create
	recent []wire.Txn
}

var someACLs = [][]wire.ACL{
	wire.OpenACL, wire.OpenACL, wire.OpenACL, readOnly,
	{{Perms: wire.PermAll, ID: wire.ID{Scheme: "sasl", ID: "kafka"}}, {Perms: wire.PermRead, ID: wire.AnyoneID}},
}

func (g *generator) next() wire.Txn {
	if len(g.recent) > 0 && g.random.IntN(50) == 0 {
		return g.recent[g.random.IntN(len(g.recent))] // replayed
	}
	g.zxid++
	txn := g.one()
	if g.random.IntN(10) == 0 {
		multi := wire.Txn{Type: wire.OpMulti, Session: txn.Session}
		for range g.random.IntN(5) {
			multi.Subs = append(multi.Subs, g.one())
		}
		if g.random.IntN(5) == 0 {
			multi.Subs = append(multi.Subs, wire.Txn{Type: wire.OpError, Err: wire.NotEmpty})
		}
		txn = multi
	}
	txn.Zxid, txn.Time = g.zxid, wire.Millis(1700000000000+1000*int64(g.zxid))
	if len(g.recent) < 50 {
		g.recent = append(g.recent, txn)
	} else {
		g.recent[g.random.IntN(50)] = txn
	}
	return txn
}

func (g *generator) one() wire.Txn {
	r := g.random
	acl := someACLs[r.IntN(len(someACLs))]
	if r.IntN(200) == 0 { // lists that come and go
		acl = []wire.ACL{{Perms: int32(r.IntN(32)), ID: wire.ID{Scheme: "ip", ID: fmt.Sprint(r.IntN(1000))}}}
	}
	txn := wire.Txn{
		Session: wire.SessionID(1 + r.IntN(12)), Path: g.path(r), ACL: acl, ParentCversion: -1, Version: int32(r.IntN(1000)),
	}
	switch n := r.IntN(100); {
	case n < g.grow:
		txn.Data = g.data()
		switch r.IntN(10) {
		case 0:
			txn.Type = wire.OpCreateContainer
		case 1:
			txn.Type, txn.TTL = wire.OpCreateTTL, 1+r.Int64N(1<<40-1)
		default:
			txn.Type, txn.Ephemeral = wire.OpCreate, r.IntN(3) == 0
			txn.ParentCversion = int32(r.IntN(2)*r.IntN(5000)) - 1
		}
	case n < 80:
		txn.Type = wire.OpDelete
	case n < 93:
		txn.Type, txn.Data = wire.OpSetData, g.data()
	case n < 98 || r.IntN(20) > 0:
		txn.Type = wire.OpSetACL
	default:
		txn.Type = wire.OpCloseSession
		for range r.IntN(3) {
			if path := g.path(r); !strings.HasPrefix(path, wire.ReservedPath) {
				txn.Paths = append(txn.Paths, path)
			}
		}
	}
	if strings.HasPrefix(txn.Path, wire.ReservedPath) && txn.Type == wire.OpDelete {
		txn.Type = wire.OpSetACL
	}
	return txn
}

func (g *generator) data() []byte {
	r := g.random
	var length int
	switch n := r.IntN(200); {
	case n < 10:
		return nil
	case n < 20:
		return []byte{}
	case n < 170:
		length = 1 + r.IntN(200)
	case n < 199:
		length = 1 + r.IntN(9000)
	default:
		length = 8000 + r.IntN(40000)
	}
	b := make([]byte, length)
	for i := 0; i < length; i += 1 + length/16 {
		b[i] = byte(r.Uint32())
	}
	b[length-1] = byte(r.Uint32())
	return b
}
