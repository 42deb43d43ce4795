package tree

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
	"testing"

	"kafkacoord/coord/wire"
)

// mustBeSound walks everything in the tree and fails the test when two of its
// structures disagree.
func mustBeSound(t testing.TB, tr *Tree) {
	t.Helper()
	c := checker{tree: tr, paths: make(map[Ref]string)}
	c.records()
	c.children()
	c.index()
	c.blobs()
	c.acls()
	c.owners()
	c.totals()
	if len(c.problems) > 0 {
		t.Fatalf("broken tree (%d nodes):\n%s", tr.count, strings.Join(c.problems, "\n"))
	}
}

type checker struct {
	tree     *Tree
	paths    map[Ref]string // of every node in use
	problems []string
}

func (c *checker) expect(ok bool, format string, args ...any) {
	if !ok && len(c.problems) < 20 {
		c.problems = append(c.problems, fmt.Sprintf(format, args...))
	}
}

// records finds the nodes in use and checks the free list against them.
func (c *checker) records() {
	rec := &c.tree.rec
	free := make(map[Ref]bool)
	vacant := 0 // chunks without nodes that take memory
	for i, slots := range rec.vacant {
		for slot := range Ref(chunkNodes) {
			if slots>>slot&1 != 0 {
				free[Ref(i*chunkNodes)+slot] = true
			}
		}
		c.expect(rec.open[i/64]>>(i%64)&1 == min(uint64(slots), 1), "chunk %d: free records %x, open %v", i, slots, rec.open[i/64])
		c.expect(slots == 0 || i/64 >= rec.low, "chunk %d is open, the search begins at %d", i, rec.low*64)
		if slots == allVacant(i) && rec.chunks[i] != &vacantChunk {
			vacant++
		}
	}
	c.expect(vacant <= 1, "%d chunks without nodes take memory", vacant)
	c.expect(len(rec.made) == len(rec.chunks) && len(rec.vacant) == len(rec.chunks), "%d chunks, %d numbers, %d sets",
		len(rec.chunks), len(rec.made), len(rec.vacant))
	for r := range Ref(len(rec.chunks) * chunkNodes) {
		used := rec.node(r).name != nameFree
		if r == 0 || r >= rec.next {
			c.expect(!used, "record %d was never given out and is in use", r)
			continue
		}
		c.expect(used != free[r], "record %d: in use %v, in the free list %v", r, used, free[r])
		if used {
			c.paths[r] = ""
		}
	}
	c.expect(len(c.paths) == c.tree.count, "%d records in use, %d nodes counted", len(c.paths), c.tree.count)
	for r := range c.paths {
		c.paths[r] = c.tree.Path(r)
		c.expect(c.tree.Find(c.paths[r]) == r, "Find(%.60q) is not %d", c.paths[r], r)
	}
}

func (c *checker) children() {
	t := c.tree
	slots := make(map[uint32]bool)
	for _, slot := range t.kids.free {
		c.expect(!slots[slot] && t.kids.lists[slot] == nil, "free child list %d", slot)
		slots[slot] = true
	}
	seen := 0
	for r := range c.paths {
		n := t.rec.node(r)
		switch {
		case n.NumChildren == 0:
			c.expect(n.kids == 0, "childless %d has list %d", r, n.kids)
		case n.NumChildren > 1:
			c.expect(!slots[n.kids], "child list %d is used twice or free", n.kids)
			slots[n.kids] = true
			c.expect(len(t.kids.of(n)) == int(n.NumChildren), "list of %d", r)
		}
		for i := range n.NumChildren {
			child := t.rec.node(t.child(n, i))
			c.expect(child.name != nameFree && child.parent == r, "child %d of %d has parent %d", i, r, child.parent)
			c.expect(child.position == uint32(i), "child %d of %d thinks it is %d", i, r, child.position)
			seen++
		}
	}
	c.expect(len(slots) == len(t.kids.lists), "%d child lists, %d accounted for", len(t.kids.lists), len(slots))
	c.expect(seen == t.count-1, "%d children of %d nodes", seen, t.count)
}

func (c *checker) index() {
	x := &c.tree.index
	c.expect(len(x.directory) == 1<<x.depth, "directory of %d at depth %d", len(x.directory), x.depth)
	found := make(map[Ref]bool)
	for i := 0; i < len(x.directory); {
		table := x.directory[i]
		c.expect(table.depth <= x.depth, "table of depth %d in a directory of depth %d", table.depth, x.depth)
		span := 1 << (x.depth - min(table.depth, x.depth))
		c.expect(i%span == 0, "table of %d entries at directory entry %d", span, i)
		span = min(span, len(x.directory)-i)
		count := 0
		for j := range span {
			c.expect(x.directory[i+j] == table, "directory entry %d", i+j)
		}
		for _, e := range table.entries {
			if e == 0 {
				continue
			}
			count++
			c.expect(x.table(uint32(e>>32)) == table, "entry %x in the wrong table", e)
			path := c.paths[Ref(e)]
			c.expect(path != "" && c.tree.Hash(path) == uint32(e>>32), "entry %x has the hash of another path than %.60q", e, path)
			c.expect(!found[Ref(e)], "record %d indexed twice", Ref(e))
			found[Ref(e)] = true
		}
		c.expect(count == table.count && count <= tableFull, "table counts %d of %d", table.count, count)
		i += span
	}
	for r := range found {
		_, used := c.paths[r]
		c.expect(used && r != root, "record %d indexed but not in use", r)
	}
	c.expect(len(found) == c.tree.count-1, "%d entries, %d nodes", len(found), c.tree.count)
}

// blobs checks that slots in use and freed ones fill what was carved of each
// slab, without overlap, and that the lists of slabs are right.
func (c *checker) blobs() {
	s := &c.tree.blobs
	live := make(map[blobRef]bool)
	use := func(ref blobRef) {
		c.expect(!live[ref], "blob %x used twice", ref)
		live[ref] = true
	}
	for r := range c.paths {
		n := c.tree.rec.node(r)
		size := n.nameLen() + int(n.DataLength())
		c.expect((n.blob == 0) == (size == 0), "blob %x for %d bytes", n.blob, size)
		c.expect(size == 0 || (n.blob&blobLarge != 0) == (size > blobSmallMax), "blob %x for %d bytes", n.blob, size)
		if n.blob == 0 {
			continue
		}
		use(n.blob)
		if n.blob&blobLarge == 0 {
			class := s.slabs[n.blob/slabUnits].class
			c.expect(class == classOf[(size+slabUnitBytes-1)/slabUnitBytes], "%d bytes in class %d", size, class)
		}
	}
	for _, w := range s.waiting {
		use(w.ref)
	}
	c.slabs(s, live)
	c.large(s, live)
}

func (c *checker) slabs(s *slabs, live map[blobRef]bool) {
	listed := make(map[uint32]bool)
	for class, list := range s.partial {
		for _, number := range list {
			c.expect(!listed[number] && s.slabs[number].listed, "slab %d listed twice or unaware", number)
			c.expect(int(s.slabs[number].class) == class, "slab %d in the list of class %d", number, class)
			listed[number] = true
		}
	}
	empty := make(map[uint32]bool)
	for _, number := range s.empty {
		c.expect(!empty[number] && s.memory[number] == nil, "slab %d is not empty", number)
		empty[number] = true
	}
	spare := make(map[uint8]bool) // classes with a slab without blobs
	for i := range s.slabs {
		sl := &s.slabs[i]
		if s.memory[i] == nil {
			c.expect(i == 0 || empty[uint32(i)], "slab %d without memory is lost", i)
			continue
		}
		units := slotUnits[sl.class]
		free := 0
		for at := sl.free; at != 0; free++ {
			unit := int(at - 1)
			c.expect(!live[blobRef(i*slabUnits+unit)], "slab %d: free slot %d is in use", i, unit)
			if free > slabUnits {
				c.expect(false, "slab %d: the free list is a circle", i)
				break
			}
			at = binary.LittleEndian.Uint32(s.memory[i][unit*slabUnitBytes:])
		}
		used := 0
		for unit := 0; unit < int(sl.carved); unit += units {
			if live[blobRef(i*slabUnits+unit)] {
				used++
				delete(live, blobRef(i*slabUnits+unit))
			}
		}
		c.expect(used == int(sl.live) && (used+free)*units == int(sl.carved),
			"slab %d: %d slots in use, %d counted, %d free, %d of %d units carved", i, used, sl.live, free, sl.carved, slabUnits)
		space := sl.free != 0 || int(sl.carved)+units <= slabUnits
		c.expect(space == listed[uint32(i)], "slab %d: space %v, listed %v", i, space, listed[uint32(i)])
		if sl.live == 0 {
			c.expect(!spare[sl.class], "class %d keeps more than one slab without blobs", sl.class)
			spare[sl.class] = true
		}
	}
}

// large runs after slabs, which leaves only large blobs in live.
func (c *checker) large(s *slabs, live map[blobRef]bool) {
	gaps := make(map[uint32]bool)
	for _, i := range s.gaps {
		c.expect(!gaps[i] && s.large[i] == nil, "gap %d holds a blob", i)
		gaps[i] = true
	}
	for i := range s.large {
		ref := blobLarge | blobRef(i)
		c.expect(live[ref] != gaps[uint32(i)], "large blob %d: in use %v, gap %v", i, live[ref], gaps[uint32(i)])
		delete(live, ref)
	}
	c.expect(len(live) == 0, "%d blobs outside of any slab", len(live))
}

func (c *checker) acls() {
	table := &c.tree.acls
	refs := make([]int, len(table.entries))
	refs[aclBuiltIn], refs[aclOpen] = table.entries[aclBuiltIn].refs, 1
	for r := range c.paths {
		if k := c.tree.rec.node(r).acl; k != aclBuiltIn {
			refs[k]++
		}
	}
	for k, e := range table.entries {
		c.expect(e.refs == refs[k], "ACL %d counts %d users of %d", k, e.refs, refs[k])
		c.expect((e.refs == 0) == slices.Contains(table.free, aclKey(k)), "ACL %d with %d users, free list", k, e.refs)
		if e.refs > 0 && aclKey(k) != aclBuiltIn {
			c.expect(table.keys[string(wire.AppendACLs(nil, e.acl))] == aclKey(k), "ACL %d is not found by its text", k)
		}
	}
	c.expect(len(table.keys)+len(table.free)+1 == len(table.entries), "%d lists by text", len(table.keys))
}

func (c *checker) owners() {
	t := c.tree
	sets := map[Kind]int{}
	for r := range c.paths {
		n := t.rec.node(r)
		kind := KindOf(n.Owner, t.options.ExtendedTypes)
		if r == root || kind == Persistent {
			continue
		}
		sets[kind]++
		var set *refSet
		switch kind {
		case Ephemeral:
			set = t.ephemerals[wire.SessionID(n.Owner)]
		case Container:
			set = &t.containers
		case TTL:
			set = &t.ttls
		}
		c.expect(set != nil && slices.Contains(set.refs, r), "%q is in no set of kind %d", c.paths[r], kind)
	}
	ephemerals := 0
	for s, set := range t.ephemerals {
		c.expect(len(set.refs) > 0, "empty set of session %s", s)
		ephemerals += len(set.refs)
		c.set(set)
	}
	c.set(&t.containers)
	c.set(&t.ttls)
	c.expect(ephemerals == sets[Ephemeral] && ephemerals == t.ephemeralCount,
		"%d ephemerals, %d in sets, %d counted", sets[Ephemeral], ephemerals, t.ephemeralCount)
	c.expect(len(t.containers.refs) == sets[Container], "%d containers, %d in the set", sets[Container], len(t.containers.refs))
	c.expect(len(t.ttls.refs) == sets[TTL], "%d TTL nodes, %d in the set", sets[TTL], len(t.ttls.refs))
}

func (c *checker) set(s *refSet) {
	if s.positions == nil {
		return
	}
	c.expect(len(s.positions) == len(s.refs), "set of %d with %d positions", len(s.refs), len(s.positions))
	for i, r := range s.refs {
		c.expect(s.positions[r] == i, "record %d at %d thinks it is at %d", r, i, s.positions[r])
	}
}

// totals recomputes the running sums from what clients can see.
func (c *checker) totals() {
	t := c.tree
	var size int64
	var digest uint64
	for r, path := range c.paths {
		if r != root {
			size += int64(len(path))
		}
		size += int64(len(t.Data(r)))
		d := nodeDigest(path, t.Data(r), &t.Node(r).Fields)
		digest += uint64(d)
		c.expect(!t.options.Digest || t.NodeDigest(r) == d, "digest of %.60q", path)
	}
	c.expect(size == t.dataSize, "%d bytes, %d counted", size, t.dataSize)
	c.expect(!t.options.Digest && t.digest == 0 || t.options.Digest && t.digest == digest,
		"digest is %x, kept %x", digest, t.digest)
	for target := range t.quotas {
		c.expect(t.Find(quotaNode(target, quotaLimits)) != 0, "quota of %q has no limits", target)
	}
}

// nodeDigest is the node digest written down a second time, from the format.
func nodeDigest(path string, data []byte, n *Fields) uint32 {
	if strings.HasPrefix(path, "/zookeeper/") {
		return 0
	}
	if path == "/" {
		path = ""
	}
	b := append([]byte(path), data...)
	for _, v := range []int64{int64(n.Czxid), int64(n.Mzxid), int64(n.Pzxid), int64(n.Ctime), int64(n.Mtime)} {
		b = wire.AppendLong(b, v)
	}
	for _, v := range []int32{n.Version, n.Cversion, n.Aversion} {
		b = wire.AppendInt(b, v)
	}
	return crc32.ChecksumIEEE(wire.AppendLong(b, n.Owner))
}
