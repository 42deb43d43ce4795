package tree

import (
	"slices"

	"kafkacoord/coord/wire"
)

// View is the tree as it was at one zxid. It may be read by one other goroutine
// while the tree changes; the tree's owner gets it from Tree.View and gives it
// back with Tree.Release.
type View struct {
	seq    uint64
	zxid   wire.Zxid
	digest uint64
	count  int
	next   Ref
	chunks []*chunk
	memory []*slabMemory
	large  [][]byte
	acls   []aclEntry
}

// View takes an immutable view of the tree. It costs a copy of the tables of
// chunks and slabs (about 260 KiB for a million nodes of 100 bytes), not of the
// nodes.
func (t *Tree) View() *View {
	return &View{
		seq: t.rec.views.open(), zxid: t.zxid, digest: t.digest, count: t.count, next: t.rec.next,
		chunks: slices.Clone(t.rec.chunks), memory: slices.Clone(t.blobs.memory),
		large: slices.Clone(t.blobs.large), acls: slices.Clone(t.acls.entries),
	}
}

// Release ends a view; nobody may read it any more.
func (t *Tree) Release(v *View) {
	t.rec.views.close(v.seq)
	t.blobs.settle(&t.rec.views, settleAtEnd)
	*v = View{}
}

// Zxid is the last transaction that the view shows.
func (v *View) Zxid() wire.Zxid { return v.zxid }

// Digest is the digest of the tree as the view shows it.
func (v *View) Digest() uint64 { return v.digest }

// NumNodes is the number of nodes in the view.
func (v *View) NumNodes() int { return v.count }

// SnapshotNode is one node as a snapshot holds it.
type SnapshotNode struct {
	Path                string // "" for the root; valid during the call
	Data                []byte // nil: null data; valid during the call
	ACL                 int64  // key of the list; -1 is the built-in open one
	Czxid, Mzxid, Pzxid wire.Zxid
	Ctime, Mtime        wire.Millis
	Version             int32
	Cversion            int32 // stored
	Aversion            int32
	Owner               int64 // stored
}

// notNull is empty data, which is not null data.
var notNull = []byte{}

// snapshotKey is the key an interned list has in snapshots.
func snapshotKey(k aclKey) int64 {
	if k == aclBuiltIn {
		return -1
	}
	return int64(k)
}

// ACLs yields the lists that nodes of the view refer to, with their keys.
func (v *View) ACLs(yield func(key int64, acl []wire.ACL) bool) {
	for k, e := range v.acls {
		if aclKey(k) == aclBuiltIn || e.refs == 0 || aclKey(k) == aclOpen && e.refs == 1 {
			continue
		}
		if !yield(int64(k), e.acl) {
			return
		}
	}
}

// Nodes yields every node, a parent always before its children, the root first.
func (v *View) Nodes(yield func(n *SnapshotNode) bool) {
	w := walker{view: v, done: make([]uint64, v.next/64+1)}
	for r := root; r < v.next; r++ {
		if v.node(r).name != nameFree && !w.visit(r, yield) {
			return
		}
	}
}

func (v *View) node(r Ref) *Node { return &v.chunks[r/chunkNodes][r%chunkNodes] }

// walker yields nodes in the order of their records, ancestors first.
type walker struct {
	view *View
	done []uint64 // bitmap of refs
	path []byte
	line []Ref // from a node up to the root
	out  SnapshotNode
}

func (w *walker) visit(r Ref, yield func(n *SnapshotNode) bool) bool {
	if w.isDone(r) {
		return true
	}
	w.line = w.line[:0]
	for at := r; at != root; at = w.view.node(at).parent {
		w.line = append(w.line, at)
	}
	w.path = w.path[:0]
	if !w.isDone(root) && !w.emit(root, yield) {
		return false
	}
	for _, at := range slices.Backward(w.line) {
		n := w.view.node(at)
		w.path = append(w.path, '/')
		w.path = append(w.path, blobAt(w.view.memory, w.view.large, n.blob, n.nameLen())...)
		if !w.isDone(at) && !w.emit(at, yield) {
			return false
		}
	}
	return true
}

func (w *walker) isDone(r Ref) bool { return w.done[r/64]>>(r%64)&1 != 0 }

func (w *walker) emit(r Ref, yield func(n *SnapshotNode) bool) bool {
	w.done[r/64] |= 1 << (r % 64)
	n := w.view.node(r)
	w.out = SnapshotNode{
		Path: bytesAsString(w.path), ACL: snapshotKey(n.acl),
		Czxid: n.Czxid, Mzxid: n.Mzxid, Pzxid: n.Pzxid, Ctime: n.Ctime, Mtime: n.Mtime,
		Version: n.Version, Cversion: n.Cversion, Aversion: n.Aversion, Owner: n.Owner,
	}
	if n.dataLen >= 0 {
		name := n.nameLen()
		w.out.Data = notNull
		if n.dataLen > 0 {
			w.out.Data = blobAt(w.view.memory, w.view.large, n.blob, name+int(n.dataLen))[name:]
		}
	}
	return yield(&w.out)
}
