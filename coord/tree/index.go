package tree

// index finds nodes by the hash of their full path. It is an extendible hash
// table: a directory of small open-addressing tables that split one by one, so
// that no insertion ever moves more than one table's worth of entries, however
// large the tree is.
//
// An entry is hash<<32 | ref; 0 is empty. The top bits of the hash choose the
// table, the low bits the slot.
type index struct {
	depth     uint
	directory []*hashTable
}

const (
	tableSlots = 1024
	tableFull  = tableSlots * 7 / 8
	tableJoin  = tableSlots / 4 // in both twins
)

type hashTable struct {
	depth   uint // directory bits that all entries share
	count   int
	entries [tableSlots]uint64
}

func newIndex() index { return index{directory: []*hashTable{{}}} }

func (x *index) table(hash uint32) *hashTable {
	return x.directory[uint64(hash)>>(32-x.depth)]
}

func (x *index) insert(hash uint32, r Ref) {
	t := x.table(hash)
	for t.count >= tableFull {
		x.split(t, hash)
		t = x.table(hash)
	}
	t.put(uint64(hash)<<32 | uint64(r))
}

func (t *hashTable) put(e uint64) {
	i := uint32(e>>32) % tableSlots
	for t.entries[i] != 0 {
		i = (i + 1) % tableSlots
	}
	t.entries[i] = e
	t.count++
}

// remove deletes an entry and closes the gap, so that probes stay short without
// tombstones.
func (x *index) remove(hash uint32, r Ref) {
	t := x.table(hash)
	want := uint64(hash)<<32 | uint64(r)
	i := hash % tableSlots
	for t.entries[i] != want {
		if t.entries[i] == 0 {
			return
		}
		i = (i + 1) % tableSlots
	}
	t.count--
	for j := i; ; {
		j = (j + 1) % tableSlots
		e := t.entries[j]
		if e == 0 {
			break
		}
		home := uint32(e>>32) % tableSlots
		if (j-home)%tableSlots >= (j-i)%tableSlots {
			t.entries[i] = e
			i = j
		}
	}
	t.entries[i] = 0
	if t.count <= tableJoin/2 {
		x.join(t, hash)
	}
}

// join makes one table of a table and its twin when few entries are left in both,
// so that a tree that was large once does not stay slow.
func (x *index) join(t *hashTable, hash uint32) {
	for t.depth > 0 {
		span := 1 << (x.depth - t.depth)
		first := int(uint64(hash)>>(32-x.depth)) &^ (span - 1)
		twin := x.directory[first^span]
		if twin.depth != t.depth || t.count+twin.count > tableJoin {
			return
		}
		joined := &hashTable{depth: t.depth - 1}
		for _, from := range [2]*hashTable{t, twin} {
			for _, e := range from.entries {
				if e != 0 {
					joined.put(e)
				}
			}
		}
		first &^= span
		for i := range 2 * span {
			x.directory[first+i] = joined
		}
		t = joined
	}
}

// split replaces a full table by two that share one more directory bit.
func (x *index) split(t *hashTable, hash uint32) {
	if t.depth == x.depth {
		wide := make([]*hashTable, 2*len(x.directory))
		for i, old := range x.directory {
			wide[2*i], wide[2*i+1] = old, old
		}
		x.directory = wide
		x.depth++
	}
	halves := [2]*hashTable{{depth: t.depth + 1}, {depth: t.depth + 1}}
	bit := 31 - t.depth
	for _, e := range t.entries {
		if e != 0 {
			halves[(e>>32)>>bit&1].put(e)
		}
	}
	span := 1 << (x.depth - t.depth)
	first := int(uint64(hash)>>(32-x.depth)) &^ (span - 1)
	for i := range span {
		x.directory[first+i] = halves[i/(span/2)]
	}
}
