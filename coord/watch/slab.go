package watch

const (
	slabChunk = 512
	// slabKept is how many chunks an empty slab keeps.
	slabKept = 16
)

// slab holds values of one type under small numbers from 1 on. It grows in
// chunks, so that growing copies nothing and pointers into it stay valid.
type slab[T any] struct {
	chunks []*[slabChunk]T
	used   uint32 // highest number ever given out
	free   []uint32
}

func (s *slab[T]) at(i uint32) *T { return &s.chunks[i/slabChunk][i%slabChunk] }

func (s *slab[T]) add(v T) uint32 {
	var i uint32
	if n := len(s.free); n > 0 {
		i, s.free = s.free[n-1], s.free[:n-1]
	} else {
		s.used++
		i = s.used
		if int(i/slabChunk) == len(s.chunks) {
			s.chunks = append(s.chunks, new([slabChunk]T))
		}
	}
	*s.at(i) = v
	return i
}

func (s *slab[T]) remove(i uint32) {
	var zero T
	*s.at(i) = zero
	s.free = append(s.free, i)
}

// release empties a slab that grew large and tells whether it did. Nothing in
// it may be in use.
func (s *slab[T]) release() bool {
	if len(s.chunks) <= slabKept {
		return false
	}
	*s = slab[T]{}
	return true
}
