package tree

import (
	"hash/maphash"
	"iter"
	"strings"
	"unsafe"

	"kafkacoord/coord/wire"
)

// Options choose what a tree maintains.
type Options struct {
	// ExtendedTypes makes owners with the TTL encoding TTL nodes
	// (zookeeper.extendedTypesEnabled).
	ExtendedTypes bool
	// Digest keeps the digest of the whole tree current.
	Digest bool
}

// Tree is the znode tree. It has one owner; nothing in it is safe for
// concurrent use but its views.
type Tree struct {
	options Options
	seed    maphash.Seed

	rec   records
	blobs slabs
	index index
	kids  childLists
	acls  aclTable

	zxid     wire.Zxid
	digest   uint64
	digests  []DigestAt
	count    int   // nodes, the root included
	dataSize int64 // bytes of paths and data

	parents [parentSlots]parentPath
	ahead   ahead

	ephemerals     map[wire.SessionID]*refSet
	ephemeralCount int
	containers     refSet
	ttls           refSet
	quotas         map[string]struct{} // prefixes with a zookeeper_limits node

	changes []Change // of the last Apply
}

const root Ref = 1

// New returns a tree with the built-in nodes of a fresh server.
func New(o Options) *Tree {
	t := empty(o)
	reserved := t.add(wire.ReservedPath, root, []byte{}, aclBuiltIn, &Fields{})
	t.add(wire.QuotaPath, reserved, []byte{}, aclBuiltIn, &Fields{})
	t.addConfigNode(reserved)
	return t
}

// empty returns a tree with nothing but the root.
func empty(o Options) *Tree {
	t := &Tree{
		options: o, seed: maphash.MakeSeed(), index: newIndex(), acls: newACLTable(),
		ephemerals: make(map[wire.SessionID]*refSet),
		quotas:     make(map[string]struct{}),
	}
	_, n := t.rec.allocate()
	t.count = 1
	t.enterDigest(n, "", nil)
	return t
}

func (t *Tree) addConfigNode(reserved Ref) {
	key := t.acls.intern([]wire.ACL{{Perms: wire.PermRead, ID: wire.AnyoneID}})
	t.add(wire.ConfigPath, reserved, []byte{}, key, &Fields{Aversion: -1})
}

// Hash is that of a path in this tree, for FindHashed.
func (t *Tree) Hash(path string) uint32 {
	return uint32(maphash.String(t.seed, path) >> 32)
}

// Find returns the node at a path, or 0. "" and "/" are the root. The path is
// not validated: one that breaks the rules of paths simply does not exist.
func (t *Tree) Find(path string) Ref { return t.FindHashed(path, t.Hash(path)) }

// FindHashed is Find for callers that have the hash of the path.
func (t *Tree) FindHashed(path string, hash uint32) Ref {
	if len(path) < 2 {
		if path == "" || path == "/" {
			return root
		}
		return 0
	}
	table := t.index.table(hash)
	for i := hash % tableSlots; ; i = (i + 1) % tableSlots {
		e := table.entries[i]
		if e == 0 {
			return 0
		}
		if uint32(e>>32) == hash && t.hasPath(Ref(e), path) {
			return Ref(e)
		}
	}
}

// parentOf returns the node that holds, or would hold, the node at a path; 0 if
// there is none. A node has one spelling: "//a" does not lie below the root.
func (t *Tree) parentOf(path string) Ref {
	slash := strings.LastIndexByte(path, '/')
	if slash < 0 || path[:slash] == "/" {
		return 0
	}
	return t.Find(path[:slash])
}

// hasPath compares a node's names with a path from its end to the root. The walk
// ends early at a node whose path is remembered, as that of the parent is when
// one of its children was found before.
func (t *Tree) hasPath(r Ref, path string) bool {
	var parent Ref // of the node itself, at path[:parentEnd]
	var parentEnd int
	end := len(path)
	for r != root {
		n := t.rec.node(r)
		start := end - n.nameLen()
		if start < 1 || path[start-1] != '/' || path[start:end] != t.nameOf(n) {
			return false
		}
		r, end = n.parent, start-1
		if known := &t.parents[r%parentSlots]; known.node == r {
			if path[:end] != string(known.path) {
				return false
			}
			break
		}
		if parent == 0 {
			parent, parentEnd = r, end
		}
	}
	if r == root && end != 0 {
		return false
	}
	if parent != 0 && parent != root && parentEnd <= parentPathMax {
		known := &t.parents[parent%parentSlots]
		known.node, known.path = parent, append(known.path[:0], path[:parentEnd]...)
	}
	return true
}

// parentPath remembers the path of a node below which another was found: reads
// and writes are often for siblings. Nodes do not move, so it holds until the
// node is deleted.
type parentPath struct {
	node Ref // 0: none
	path []byte
}

const (
	parentSlots   = 64      // by reference; a power of two
	parentPathMax = 1 << 10 // bytes; longer paths are not remembered
)

func (t *Tree) nameOf(n *Node) string {
	return bytesAsString(blobAt(t.blobs.memory, t.blobs.large, n.blob, n.nameLen()))
}

// bytesAsString gives a string that shares the memory of b.
func bytesAsString(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// stringAsBytes gives the bytes of s, which must not be written.
func stringAsBytes(s string) []byte { return unsafe.Slice(unsafe.StringData(s), len(s)) }

// Node returns the record of a node, to be read until the next Apply.
func (t *Tree) Node(r Ref) *Node { return t.rec.node(r) }

// Data returns a node's data, nil for null data. It aliases the tree and is
// valid until the next Apply.
func (t *Tree) Data(r Ref) []byte { return t.dataOf(t.rec.node(r)) }

func (t *Tree) dataOf(n *Node) []byte {
	switch {
	case n.dataLen < 0:
		return nil
	case n.dataLen == 0:
		return notNull
	}
	name := n.nameLen()
	return blobAt(t.blobs.memory, t.blobs.large, n.blob, name+int(n.dataLen))[name:]
}

// ACL returns a node's access control list, which must not be modified.
func (t *Tree) ACL(r Ref) []wire.ACL { return t.aclOf(t.rec.node(r)) }

func (t *Tree) aclOf(n *Node) []wire.ACL { return t.acls.entries[n.acl].acl }

// OpenACL tells whether everybody may do everything with the node: the common
// case, answered without looking at the list.
func (t *Tree) OpenACL(r Ref) bool { return t.rec.node(r).acl <= aclOpen }

// Stat returns a node's metadata as clients see it.
func (t *Tree) Stat(r Ref) wire.Stat { return t.statOf(t.rec.node(r)) }

func (t *Tree) statOf(n *Node) wire.Stat {
	s := wire.Stat{
		Czxid: n.Czxid, Mzxid: n.Mzxid, Ctime: n.Ctime, Mtime: n.Mtime,
		Version: n.Version, Cversion: 2*n.Cversion - n.NumChildren, Aversion: n.Aversion,
		DataLength: n.DataLength(), NumChildren: n.NumChildren, Pzxid: n.Pzxid,
	}
	if KindOf(n.Owner, t.options.ExtendedTypes) == Ephemeral {
		s.EphemeralOwner = wire.SessionID(n.Owner)
	}
	return s
}

// Path returns the full path of a node.
func (t *Tree) Path(r Ref) string {
	if r == root {
		return "/"
	}
	length := 0
	for at := r; at != root; at = t.rec.node(at).parent {
		length += 1 + t.rec.node(at).nameLen()
	}
	b := make([]byte, length)
	for at := r; at != root; {
		n := t.rec.node(at)
		length -= n.nameLen()
		copy(b[length:], t.nameOf(n))
		length--
		b[length] = '/'
		at = n.parent
	}
	return bytesAsString(b)
}

// NodeDigest is the node's share of the tree digest; 0 below /zookeeper/ and when
// the tree was told not to keep a digest.
func (t *Tree) NodeDigest(r Ref) uint32 { return t.rec.node(r).digest }

// Digest is the digest of the whole tree: the sum of all node digests modulo
// 2^64. It is 0 when the tree was told not to keep one.
func (t *Tree) Digest() uint64 { return t.digest }

// Zxid is the last transaction applied.
func (t *Tree) Zxid() wire.Zxid { return t.zxid }

// NumNodes is the number of nodes, the root included.
func (t *Tree) NumNodes() int { return t.count }

// NumEphemerals is the number of ephemeral nodes.
func (t *Tree) NumEphemerals() int { return t.ephemeralCount }

// ApproximateDataSize is the sum of all path and data lengths in bytes.
func (t *Tree) ApproximateDataSize() int64 { return t.dataSize }

// Children yields the names of a node's children in no particular order. The
// names alias the tree and are valid until the next Apply.
func (t *Tree) Children(r Ref) iter.Seq[string] {
	return func(yield func(string) bool) {
		n := t.rec.node(r)
		for i := range n.NumChildren {
			if !yield(t.nameOf(t.rec.node(t.child(n, i)))) {
				return
			}
		}
	}
}

// AppendChildren appends the names of a node's children as a vector of strings.
func (t *Tree) AppendChildren(dst []byte, r Ref) []byte {
	n := t.rec.node(r)
	dst = wire.AppendInt(dst, n.NumChildren)
	for i := range n.NumChildren {
		// Names in the tree have no code point above U+FFFF, so that
		// AppendString would write the same bytes.
		name := t.nameOf(t.rec.node(t.child(n, i)))
		dst = append(wire.AppendInt(dst, int32(len(name))), name...)
	}
	return dst
}

// NumDescendants counts the nodes below r at any depth.
func (t *Tree) NumDescendants(r Ref) int {
	if r == root {
		return t.count - 1
	}
	nodes, _ := t.subtree(r)
	return nodes - 1
}

// subtree counts the nodes at and below r and the bytes of their data.
func (t *Tree) subtree(r Ref) (nodes int, bytes int64) {
	stack := []Ref{r}
	for len(stack) > 0 {
		n := t.rec.node(stack[len(stack)-1])
		stack = stack[:len(stack)-1]
		nodes++
		bytes += int64(n.DataLength())
		for i := range n.NumChildren {
			stack = append(stack, t.child(n, i))
		}
	}
	return nodes, bytes
}

// Ephemerals yields the nodes a session owns.
func (t *Tree) Ephemerals(s wire.SessionID) iter.Seq[Ref] {
	return func(yield func(Ref) bool) {
		set := t.ephemerals[s]
		if set == nil {
			return
		}
		for _, r := range set.refs {
			if !yield(r) {
				return
			}
		}
	}
}

// EphemeralOwners yields the sessions that own ephemerals, in no particular
// order.
func (t *Tree) EphemeralOwners() iter.Seq[wire.SessionID] {
	return func(yield func(wire.SessionID) bool) {
		for s := range t.ephemerals {
			if !yield(s) {
				return
			}
		}
	}
}

// Expirable yields the container and TTL nodes without children that the reaper
// may remove at the wall-clock time now: containers that once had a child, or
// were not touched for neverUsed ms (0: never), and TTL nodes past their time.
// ZooKeeper: ContainerManager.java.
func (t *Tree) Expirable(now wire.Millis, neverUsed int64) iter.Seq[Ref] {
	return func(yield func(Ref) bool) {
		for _, r := range t.containers.refs {
			n := t.rec.node(r)
			used := n.Cversion > 0
			stale := neverUsed > 0 && int64(now-n.Mtime) > neverUsed
			if n.NumChildren == 0 && (used || stale) && !yield(r) {
				return
			}
		}
		for _, r := range t.ttls.refs {
			n := t.rec.node(r)
			if n.NumChildren == 0 && int64(now-n.Mtime) > TTLOf(n.Owner) && !yield(r) {
				return
			}
		}
	}
}

// add puts a new node below parent; fields holds everything but the links.
func (t *Tree) add(path string, parent Ref, data []byte, key aclKey, fields *Fields) Ref {
	name := path[strings.LastIndexByte(path, '/')+1:]
	r, n := t.rec.allocate()
	n.Fields = *fields
	n.parent, n.acl = parent, key
	n.name = uint32(len(name))
	if Undigested(path) {
		n.name |= nameUndigested
	}
	t.setBlob(n, name, data)
	t.addChild(t.rec.mutable(parent), r, n)
	t.index.insert(t.Hash(path), r)
	t.count++
	t.dataSize += int64(len(path) + len(data))
	t.addOwner(r, n.Owner)
	t.enterDigest(n, path, data)
	return r
}

// overwrite replaces a node's data where it stands, if it takes a slot of the same
// size and no view may be reading it.
func (t *Tree) overwrite(n *Node, data []byte) bool {
	name := n.nameLen()
	before, after := name+int(n.DataLength()), name+len(data)
	if len(t.rec.views.alive) > 0 || !sameSlot(before, after) {
		return false
	}
	copy(blobAt(t.blobs.memory, t.blobs.large, n.blob, after)[name:], data)
	n.dataLen = int32(len(data))
	if data == nil {
		n.dataLen = -1
	}
	return true
}

// setBlob stores name and data in memory of the tree.
func (t *Tree) setBlob(n *Node, name string, data []byte) {
	ref, b := t.blobs.allocate(len(name) + len(data))
	copy(b, name)
	copy(b[len(name):], data)
	n.blob = ref
	n.dataLen = int32(len(data))
	if data == nil {
		n.dataLen = -1
	}
}

// removeNode takes a node without children out of the tree.
func (t *Tree) removeNode(r Ref, path string) {
	n := t.rec.node(r)
	t.digest -= uint64(n.digest)
	t.index.remove(t.Hash(path), r)
	t.removeChild(t.rec.mutable(n.parent), n)
	t.removeOwner(r, n.Owner)
	t.count--
	t.dataSize -= int64(len(path)) + int64(n.DataLength())
	t.acls.release(n.acl)
	t.blobs.release(n.blob, &t.rec.views)
	t.rec.release(r)
	if known := &t.parents[r%parentSlots]; known.node == r {
		known.node = 0
	}
}

func (t *Tree) addOwner(r Ref, owner int64) {
	switch KindOf(owner, t.options.ExtendedTypes) {
	case Ephemeral:
		set := t.ephemerals[wire.SessionID(owner)]
		if set == nil {
			set = &refSet{}
			t.ephemerals[wire.SessionID(owner)] = set
		}
		set.add(r)
		t.ephemeralCount++
	case Container:
		t.containers.add(r)
	case TTL:
		t.ttls.add(r)
	}
}

func (t *Tree) removeOwner(r Ref, owner int64) {
	switch KindOf(owner, t.options.ExtendedTypes) {
	case Ephemeral:
		set := t.ephemerals[wire.SessionID(owner)]
		set.remove(r)
		if len(set.refs) == 0 {
			delete(t.ephemerals, wire.SessionID(owner))
		}
		t.ephemeralCount--
	case Container:
		t.containers.remove(r)
	case TTL:
		t.ttls.remove(r)
	}
}

// digested tells whether the tree digest covers a node.
func (t *Tree) digested(n *Node) bool { return t.options.Digest && n.name&nameUndigested == 0 }

// enterDigest gives a new node, or one with new data, its digest.
func (t *Tree) enterDigest(n *Node, path string, data []byte) {
	if t.digested(n) {
		t.replaceDigest(n, NodeDigest(path, data, &n.Fields))
	}
}

func (t *Tree) replaceDigest(n *Node, digest uint32) {
	t.digest += uint64(digest) - uint64(n.digest)
	n.digest = digest
}

// setFields changes fields of a node that keeps its data.
func (t *Tree) setFields(n *Node, f Fields) {
	if t.digested(n) {
		t.replaceDigest(n, n.digest^FieldsDelta(&n.Fields)^FieldsDelta(&f))
	}
	n.Fields = f
}
