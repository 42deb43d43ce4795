package tree

import "math/bits"

// chunkNodes is how many records one chunk holds: exactly 3 KiB, a size that the
// allocator has without loss. Larger chunks make a view cheaper, which copies
// their table, and dearer the first write to each chunk while a view is alive.
const chunkNodes = 32

// chunk is the unit of copy-on-write. A chunk that a live view may read is
// never written: the tree writes to a copy.
type chunk [chunkNodes]Node

// vacantChunk stands for every chunk without nodes. It is read, never written.
var vacantChunk = func() (c chunk) {
	for i := range c {
		c[i].name = nameFree
	}
	return c
}()

// records holds all node records. Ref 0 is never given out. The lowest free record
// is given out first and chunks without nodes are given back: a tree that was
// large once would else have its few nodes spread over all that memory (Find in
// 10,000 nodes after a million: 75 ns against 48 ns).
type records struct {
	chunks []*chunk
	made   []uint64 // by chunk: newest view when it was made; a later one shares it
	vacant []uint32 // by chunk: bits of its free records
	open   []uint64 // bits of the chunks with free records
	low    int      // no word of open before this one has a bit
	spare  int      // chunk that is kept without nodes, or was; lest it come and go
	next   Ref      // after the last record
	views  views
}

// node returns the record for reading.
func (s *records) node(r Ref) *Node {
	return &s.chunks[r/chunkNodes][r%chunkNodes]
}

// mutable returns the record for writing.
func (s *records) mutable(r Ref) *Node {
	i := r / chunkNodes
	if s.chunks[i] == &vacantChunk || s.views.shares(s.made[i]) {
		c := *s.chunks[i]
		s.chunks[i] = &c
		s.made[i] = s.views.newest
	}
	return &s.chunks[i][r%chunkNodes]
}

// allocate returns a zeroed record that the caller fills.
func (s *records) allocate() (Ref, *Node) {
	i := s.openChunk()
	slot := bits.TrailingZeros32(s.vacant[i])
	s.vacant[i] &^= 1 << slot
	if s.vacant[i] == 0 {
		s.open[i/64] &^= 1 << (i % 64)
	}
	r := Ref(i*chunkNodes + slot)
	rec := s.mutable(r)
	*rec = Node{}
	return r, rec
}

// openChunk returns the first chunk with a free record, a new one if there is none.
func (s *records) openChunk() int {
	for ; s.low < len(s.open); s.low++ {
		if word := s.open[s.low]; word != 0 {
			return s.low*64 + bits.TrailingZeros64(word)
		}
	}
	i := len(s.chunks)
	s.chunks, s.made, s.vacant = append(s.chunks, &vacantChunk), append(s.made, s.views.newest), append(s.vacant, allVacant(i))
	if i%64 == 0 {
		s.open = append(s.open, 0)
	}
	s.next += chunkNodes
	s.opened(i)
	return i
}

func (s *records) opened(i int) {
	s.open[i/64] |= 1 << (i % 64)
	s.low = min(s.low, i/64)
}

// allVacant is the set of free records of a chunk without nodes.
func allVacant(i int) uint32 {
	if i == 0 {
		return 1<<32 - 2 // without Ref 0
	}
	return 1<<32 - 1
}

func (s *records) release(r Ref) {
	*s.mutable(r) = Node{name: nameFree}
	i := int(r / chunkNodes)
	s.vacant[i] |= 1 << (r % chunkNodes)
	s.opened(i)
	if s.vacant[i] != allVacant(i) {
		return
	}
	// Of two chunks without nodes the lower one stays: it is used first.
	if other := s.spare; other != i && s.vacant[other] == allVacant(other) {
		s.chunks[max(i, other)] = &vacantChunk
		i = min(i, other)
	}
	s.spare = i
}

// views counts the live views. Each has a number; numbers only grow.
type views struct {
	newest uint64
	alive  []uint64 // ascending
}

// shares tells whether a chunk made when seq was newest is read by a live view.
func (v *views) shares(seq uint64) bool {
	return len(v.alive) > 0 && seq < v.alive[len(v.alive)-1]
}

func (v *views) open() uint64 {
	v.newest++
	v.alive = append(v.alive, v.newest)
	return v.newest
}

func (v *views) close(seq uint64) {
	for i, s := range v.alive {
		if s == seq {
			v.alive = append(v.alive[:i], v.alive[i+1:]...)
			return
		}
	}
}

// oldest is the number of the oldest live view; with none it is past newest.
func (v *views) oldest() uint64 {
	if len(v.alive) == 0 {
		return v.newest + 1
	}
	return v.alive[0]
}
