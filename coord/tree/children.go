package tree

// A node's children are a list of refs; Node.kids says where it is:
//
//	NumChildren 0   nowhere
//	NumChildren 1   kids is the child itself
//	otherwise       kids is an index into childLists
//
// Each child knows its position, so that removal swaps in the last one in
// constant time. The order is that of creation, disturbed by removals:
// ZooKeeper promises none.
type childLists struct {
	lists [][]Ref
	free  []uint32
}

func (l *childLists) of(n *Node) []Ref {
	return l.lists[n.kids]
}

func (t *Tree) addChild(parent *Node, child Ref, rec *Node) {
	switch parent.NumChildren {
	case 0:
		parent.kids = uint32(child)
		rec.position = 0
	case 1:
		first := Ref(parent.kids)
		var slot uint32
		if n := len(t.kids.free); n > 0 {
			slot = t.kids.free[n-1]
			t.kids.free = t.kids.free[:n-1]
		} else {
			slot = uint32(len(t.kids.lists))
			t.kids.lists = append(t.kids.lists, nil)
		}
		t.kids.lists[slot] = append(make([]Ref, 0, 4), first, child)
		parent.kids = slot
		rec.position = 1
	default:
		list := t.kids.of(parent)
		rec.position = uint32(len(list))
		t.kids.lists[parent.kids] = append(list, child)
	}
	parent.NumChildren++
}

func (t *Tree) removeChild(parent *Node, rec *Node) {
	switch parent.NumChildren {
	case 1:
		parent.kids = 0
	case 2:
		slot := parent.kids
		left := t.kids.of(parent)[1-rec.position]
		t.rec.mutable(left).position = 0
		parent.kids = uint32(left)
		t.kids.lists[slot] = nil
		t.kids.free = append(t.kids.free, slot)
	default:
		list := t.kids.of(parent)
		last := list[len(list)-1]
		t.rec.mutable(last).position = rec.position
		list[rec.position] = last
		list = list[:len(list)-1]
		if cap(list) > 64 && len(list) < cap(list)/4 {
			list = append(make([]Ref, 0, len(list)*2), list...)
		}
		t.kids.lists[parent.kids] = list
	}
	parent.NumChildren--
}

// child returns the i-th child of n.
func (t *Tree) child(n *Node, i int32) Ref {
	if n.NumChildren == 1 {
		return Ref(n.kids)
	}
	return t.kids.of(n)[i]
}
