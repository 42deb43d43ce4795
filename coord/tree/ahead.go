package tree

// aheadMax bounds the nodes that are looked at ahead in one go: what they take,
// about 300 bytes each, must still be in the caches when it is used.
const aheadMax = 64

// ahead are nodes that will be needed soon.
type ahead struct {
	refs [aheadMax]Ref
	n    int
	// sum is made of what was loaded, so that the compiler does not leave the
	// loads out.
	sum uint64
}

// Ahead notes that the node at a path will be looked at soon; see LookAhead. The
// hash of the path is taken to be its alone. It returns false when no more nodes
// can be noted.
func (t *Tree) Ahead(path string) bool {
	hash := t.Hash(path)
	return t.AheadNode(Ref(t.index.table(hash).entries[hash%tableSlots]))
}

// AheadNode is Ahead for a node that was found before, which may be gone by now.
func (t *Tree) AheadNode(r Ref) bool {
	a := &t.ahead
	a.refs[a.n%aheadMax] = r
	a.n++
	return a.n < aheadMax
}

// LookAhead loads the nodes that were noted into the processor's caches, and
// forgets them. It changes nothing. A request alone waits for memory three times,
// for the index, for the record and for name and data; loads that do not depend on
// each other wait together. With batches of 16 a getData took 530 ns instead of
// 850 in a tree of a million nodes and 147 instead of 165 in one of 10,000, a
// setData 1460 instead of 1800 and 860 instead of 1045.
func (t *Tree) LookAhead() {
	a := &t.ahead
	noted := a.refs[:min(a.n, aheadMax)]
	a.n = 0
	for i, r := range noted {
		if r == 0 || r >= t.rec.next {
			noted[i] = root
			continue
		}
		n := t.rec.node(r)
		a.sum += uint64(n.Czxid) + uint64(n.name) // both cache lines of the record
	}
	for _, r := range noted {
		if n := t.rec.node(r); n.blob != 0 && n.blob&blobLarge == 0 {
			slab, at := t.blobs.memory[n.blob/slabUnits], int(n.blob%slabUnits)*slabUnitBytes
			a.sum += uint64(slab[at]) + uint64(slab[(at+64)%slabBytes])
		}
	}
}
