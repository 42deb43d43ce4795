package tree

// chunkNodes is how many records one chunk holds: exactly 3 KiB, a size that the
// allocator has without loss. Larger chunks make a view cheaper, which copies
// their table, and dearer the first write to each chunk while a view is alive.
const chunkNodes = 32

// chunk is the unit of copy-on-write. A chunk that a live view may read is
// never written: the tree writes to a copy.
type chunk [chunkNodes]Node

// records holds all node records. Ref 0 is never given out.
type records struct {
	chunks []*chunk
	made   []uint64 // by chunk: newest view when it was made; a later one shares it
	free   []Ref
	next   Ref
	views  views
}

// node returns the record for reading.
func (s *records) node(r Ref) *Node {
	return &s.chunks[r/chunkNodes][r%chunkNodes]
}

// mutable returns the record for writing.
func (s *records) mutable(r Ref) *Node {
	i := r / chunkNodes
	if s.views.shares(s.made[i]) {
		c := *s.chunks[i]
		s.chunks[i] = &c
		s.made[i] = s.views.newest
	}
	return &s.chunks[i][r%chunkNodes]
}

// allocate returns a zeroed record that the caller fills.
func (s *records) allocate() (Ref, *Node) {
	if n := len(s.free); n > 0 {
		r := s.free[n-1]
		s.free = s.free[:n-1]
		rec := s.mutable(r)
		*rec = Node{}
		return r, rec
	}
	if s.next == 0 {
		s.next = 1
	}
	r := s.next
	s.next++
	if int(r/chunkNodes) == len(s.chunks) {
		c := new(chunk)
		for i := range c {
			c[i].name = nameFree
		}
		s.chunks = append(s.chunks, c)
		s.made = append(s.made, s.views.newest)
	}
	rec := s.mutable(r)
	*rec = Node{}
	return r, rec
}

func (s *records) release(r Ref) {
	*s.mutable(r) = Node{name: nameFree}
	s.free = append(s.free, r)
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
