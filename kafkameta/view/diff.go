package view

import (
	"cmp"
	"slices"

	"kafkacoord/kafkameta/model"
)

// Change is one node that is not as it was. Describe says in Kafka's terms what
// that means.
type Change struct {
	Before *Znode // nil: the node was created
	After  *Znode // nil: the node was deleted
}

// Znode is the node as it is now or, if it was deleted, as it was last.
func (c Change) Znode() *Znode {
	if c.After != nil {
		return c.After
	}
	return c.Before
}

// Path is the node's path relative to the chroot.
func (c Change) Path() string { return c.Znode().Path }

// Kind says what the node is for.
func (c Change) Kind() model.Kind { return c.Znode().Kind }

// Recreated says whether the node was deleted and made anew in between.
func (c Change) Recreated() bool {
	return c.Before != nil && c.After != nil && c.Before.Stat.Czxid != c.After.Stat.Czxid
}

// own says whether the change is one of the node itself. What only counts its
// children (cversion, pzxid, numChildren) is not.
func (c Change) own() bool {
	if c.Before == nil || c.After == nil {
		return c.Before != c.After
	}
	return c.Before.Stat.Czxid != c.After.Stat.Czxid || c.Before.Stat.Mzxid != c.After.Stat.Mzxid || c.aclChanged()
}

func (c Change) aclChanged() bool {
	if c.Recreated() || c.Before == nil || c.After == nil {
		return false
	}
	return c.Before.Stat.Aversion != c.After.Stat.Aversion ||
		c.Before.ACL != nil && c.After.ACL != nil && !slices.Equal(c.Before.ACL, c.After.ACL)
}

// Diff gives the nodes that differ between two views of a cluster, in the order
// of paths, in which numbers are ordered by value. Nodes of which only the
// counters of children differ are left out.
//
// Views of servers with histories of their own, such as one that was restored
// from a backup, differ in the zxids of all nodes: DiffData compares such.
func Diff(before, after *View) []Change {
	return diff(before, after, Change.own)
}

// DiffData is Diff by data alone.
func DiffData(before, after *View) []Change {
	return diff(before, after, func(c Change) bool {
		return c.Before == nil || c.After == nil || !c.sameData()
	})
}

func (c Change) sameData() bool {
	return (c.Before.Data == nil) == (c.After.Data == nil) && string(c.Before.Data) == string(c.After.Data)
}

func diff(before, after *View, counts func(Change) bool) []Change {
	var changes []Change
	for path, was := range before.nodes {
		if c := (Change{was, after.nodes[path]}); counts(c) {
			changes = append(changes, c)
		}
	}
	for path, is := range after.nodes {
		if before.nodes[path] == nil {
			changes = append(changes, Change{nil, is})
		}
	}
	slices.SortFunc(changes, func(a, b Change) int { return comparePaths(a.Path(), b.Path()) })
	return changes
}

// comparePaths orders paths by component, with runs of digits by value, so that
// partition 2 comes before partition 10. Equal runs of different length, as 01
// and 1, are ordered as text.
func comparePaths(a, b string) int {
	i, j := 0, 0
	for i < len(a) && j < len(b) {
		if !isDigit(a[i]) || !isDigit(b[j]) {
			if a[i] != b[j] {
				return cmp.Compare(rank(a[i]), rank(b[j]))
			}
			i, j = i+1, j+1
			continue
		}
		m, n := digitsFrom(a, i), digitsFrom(b, j)
		if order := compareDigits(a[i:m], b[j:n]); order != 0 {
			return order
		}
		i, j = m, n
	}
	if order := cmp.Compare(len(a)-i, len(b)-j); order != 0 {
		return order
	}
	return cmp.Compare(a, b)
}

// rank puts the slash before every other character: a parent's children come
// before its siblings.
func rank(c byte) int {
	if c == '/' {
		return -1
	}
	return int(c)
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func digitsFrom(s string, i int) int {
	for i < len(s) && isDigit(s[i]) {
		i++
	}
	return i
}

// compareDigits compares two runs of digits of any length by value.
func compareDigits(a, b string) int {
	for len(a) > 0 && a[0] == '0' {
		a = a[1:]
	}
	for len(b) > 0 && b[0] == '0' {
		b = b[1:]
	}
	return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
}
