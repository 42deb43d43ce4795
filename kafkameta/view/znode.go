package view

import (
	"bytes"

	"kafkacoord/coord/wire"
	"kafkacoord/kafkameta/model"
)

// newZnode classifies and parses what was read of a node. The data belongs to
// the node from then on. It touches no view, so that several goroutines may
// make nodes at the same time.
func newZnode(path string, data []byte, stat wire.Stat, acl []wire.ACL) *Znode {
	node, err := model.Classify(path)
	z := &Znode{Path: path, Kind: node.Kind, Data: data, Err: err, Stat: stat, ACL: acl}
	z.parse()
	return z
}

// parse sets Value and Err from the data. An error of the path comes first: a
// payload is of no use where Kafka stumbles over the name.
func (z *Znode) parse() {
	value, err := model.Parse(z.Path, z.Kind, z.Data)
	if _, opaque := value.(*model.Opaque); opaque {
		value = nil
	}
	z.Value = value
	if z.Err == nil {
		z.Err = err
	}
}

// unreadableZnode stands for a node whose data its server keeps from us.
func unreadableZnode(path string, stat wire.Stat) *Znode {
	node, _ := model.Classify(path) // one error is enough
	return &Znode{Path: path, Kind: node.Kind, Err: wire.NoAuth, Stat: stat}
}

// sameAs says whether two readings of a node show the same data and Stat.
func (z *Znode) sameAs(other *Znode) bool {
	return z.Stat == other.Stat && (z.Data == nil) == (other.Data == nil) && bytes.Equal(z.Data, other.Data)
}

// newView makes a view without any node.
func newView(source Source, chroot model.Chroot) *View {
	return &View{Source: source, Chroot: chroot, nodes: make(map[string]*Znode)}
}

// parentOf is the path of a node's parent.
func parentOf(path string) string {
	if parent := wire.ParentPath(path); parent != "" {
		return parent
	}
	return model.RootPath
}

// childPrefix is what the paths of a node's children begin with.
func childPrefix(path string) string {
	if path == model.RootPath {
		return path
	}
	return path + "/"
}

// put adds a node, or replaces the one at its path, whose children it takes
// over. It reports false, and does nothing, when the parent is not there.
func (v *View) put(z *Znode) bool {
	if old := v.nodes[z.Path]; old != nil {
		v.replace(old, z)
		return true
	}
	if z.Path != model.RootPath {
		parent := v.nodes[parentOf(z.Path)]
		if parent == nil {
			return false
		}
		z.parent, z.next = parent, parent.firstChild
		if z.next != nil {
			z.next.previous = z
		}
		parent.firstChild = z
	}
	v.nodes[z.Path] = z
	return true
}

func (v *View) replace(old, z *Znode) {
	z.parent, z.firstChild, z.next, z.previous = old.parent, old.firstChild, old.next, old.previous
	for child := z.firstChild; child != nil; child = child.next {
		child.parent = z
	}
	z.relink()
	if z.ACL == nil && z.Stat.Czxid == old.Stat.Czxid && z.Stat.Aversion == old.Stat.Aversion {
		z.ACL = old.ACL
	}
	v.nodes[z.Path] = z
}

// relink makes the siblings, or the parent, of a node point to it.
func (z *Znode) relink() {
	if z.next != nil {
		z.next.previous = z
	}
	switch {
	case z.previous != nil:
		z.previous.next = z
	case z.parent != nil:
		z.parent.firstChild = z
	}
}

// remove takes a node out with all below it, and hands each to gone, children
// before their parent.
func (v *View) remove(z *Znode, gone func(*Znode)) {
	for z.firstChild != nil {
		v.remove(z.firstChild, gone)
	}
	delete(v.nodes, z.Path)
	switch {
	case z.previous != nil:
		z.previous.next = z.next
	case z.parent != nil:
		z.parent.firstChild = z.next
	}
	if z.next != nil {
		z.next.previous = z.previous
	}
	gone(z)
}

// with puts a changed copy of a node in its place.
func (v *View) with(z *Znode, change func(*Znode)) *Znode {
	changed := *z
	change(&changed)
	v.replace(z, &changed)
	return &changed
}

// warningsMax bounds View.Warnings; the last one says that there are more.
const warningsMax = 100

func (v *View) warn(path, text string) {
	switch {
	case len(v.Warnings) < warningsMax-1:
		v.Warnings = append(v.Warnings, Warning{Path: path, Text: text})
	case len(v.Warnings) == warningsMax-1:
		v.Warnings = append(v.Warnings, Warning{Text: "more warnings are left out"})
	}
}
