package tree

// refSet is a set of nodes with a defined order (that of insertion, disturbed
// by removals). Small sets are searched, larger ones keep positions.
type refSet struct {
	refs      []Ref
	positions map[Ref]int
}

const refSetSearched = 32

func (s *refSet) add(r Ref) {
	s.refs = append(s.refs, r)
	switch {
	case s.positions != nil:
		s.positions[r] = len(s.refs) - 1
	case len(s.refs) > refSetSearched:
		s.positions = make(map[Ref]int, 2*len(s.refs))
		for i, r := range s.refs {
			s.positions[r] = i
		}
	}
}

func (s *refSet) remove(r Ref) {
	i := -1
	if s.positions != nil {
		if p, ok := s.positions[r]; ok {
			i = p
			delete(s.positions, r)
		}
	} else {
		for j, have := range s.refs {
			if have == r {
				i = j
				break
			}
		}
	}
	if i < 0 {
		return
	}
	last := len(s.refs) - 1
	if last == 0 {
		*s = refSet{} // neither maps nor slices shrink
		return
	}
	if i != last {
		s.refs[i] = s.refs[last]
		if s.positions != nil {
			s.positions[s.refs[i]] = i
		}
	}
	s.refs = s.refs[:last]
}
