package view

import (
	"cmp"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	"kafkacoord/coord/wire"
	"kafkacoord/kafkameta/model"
)

// SourceKind says where a view comes from.
type SourceKind uint8

// The sources.
const (
	LiveServer    SourceKind = iota // read over the client protocol
	DataDirectory                   // read from files: of a server, stopped or not, or of a backup
)

// String gives the kind in words.
func (k SourceKind) String() string {
	if k == DataDirectory {
		return "data directory"
	}
	return "live server"
}

// Source is where a view was read from.
type Source struct {
	Kind SourceKind
	Name string // address of the server that answered, or path of the directory
}

// Warning says what a view may show wrongly, or not at all.
type Warning struct {
	Path string // relative to the chroot; "" when it is about the whole
	Text string
}

// Session is a client session as its server knows it.
type Session struct {
	Timeout time.Duration
}

// View is the metadata of one cluster. It may be read from any goroutine as
// long as nobody changes it: a loaded view never changes, that of a Follower
// only while no reader is inside Follower.Read. What its methods return belongs
// to the view and must not be modified.
type View struct {
	Source Source
	Chroot model.Chroot
	Zxid   wire.Zxid // newest transaction of the server that the view shows
	Taken  time.Time // when reading was complete, on the reader's clock
	// Sessions are all sessions of the server, also those of other
	// applications. Nil means that the source does not know them: no rule may
	// conclude that a session has gone.
	Sessions map[wire.SessionID]Session
	// HasACLs says that every znode's ACL was read; else only some have one.
	HasACLs  bool
	Warnings []Warning

	nodes map[string]*Znode // by path relative to the chroot
}

// Znode is one node below the chroot, or the chroot itself. Its fields never
// change: a newer reading of a node is another Znode in its place.
type Znode struct {
	Path string     // relative to the chroot, "/" for the chroot itself
	Kind model.Kind // what the path is for
	Data []byte     // as stored; nil is ZooKeeper's null, which is not empty data
	// Value is the parsed payload. It is nil when the data cannot be read, and
	// for kinds whose data Kafka does not read: directories, deletion markers,
	// unknown paths.
	Value model.Value
	// Err is a *model.Error when the path has an impossible parameter or the
	// data is malformed; a value may come with it, see model.Error.Readable. It
	// is wire.NoAuth when the reader may not see the data, which is then nil;
	// servers since 3.9.3 do not give the Stat either, which is then zero.
	Err  error
	Stat wire.Stat  // as clients see it
	ACL  []wire.ACL // nil when it was not read

	parent, firstChild, next, previous *Znode
	listed                             wire.Zxid // Stat.Pzxid as of which all children are in the view
}

// Entry is one node as a source of another package has read it.
type Entry struct {
	Path string // relative to the chroot
	Data []byte // belongs to the view from then on
	Stat wire.Stat
	ACL  []wire.ACL // nil when it was not read
}

// New makes a view of nodes that were read elsewhere. The chroot's own node
// comes first, and every parent before its children; when a path comes twice,
// the later one counts.
func New(source Source, chroot model.Chroot, entries []Entry) (*View, error) {
	v := newView(source, chroot)
	for _, e := range entries {
		if !v.put(newZnode(e.Path, e.Data, e.Stat, e.ACL)) {
			return nil, fmt.Errorf("view: %s comes before its parent", e.Path)
		}
	}
	if v.Root() == nil {
		return nil, fmt.Errorf("view: %w", ErrNoChroot)
	}
	return v, nil
}

// Node gives the parameters of the path: which broker, topic, partition. They
// are zero when the path names nothing of its kind.
func (z *Znode) Node() model.Node {
	node, _ := model.Classify(z.Path) // the error is kept in Err
	return node
}

// Name is the last component of the path, "" for the chroot.
func (z *Znode) Name() string { return wire.BaseName(z.Path) }

// Parent is the node above, nil for the chroot.
func (z *Znode) Parent() *Znode { return z.parent }

// Children yields the nodes directly below, in no particular order.
func (z *Znode) Children() iter.Seq[*Znode] {
	return func(yield func(*Znode) bool) {
		if z == nil {
			return
		}
		for child := z.firstChild; child != nil; child = child.next {
			if !yield(child) {
				return
			}
		}
	}
}

// SortedChildren gives the nodes directly below in the order of their names.
func (z *Znode) SortedChildren() []*Znode {
	return slices.SortedFunc(z.Children(), func(a, b *Znode) int { return cmp.Compare(a.Path, b.Path) })
}

// As gives a node's value as the type that its kind has, as in
// As[*model.Controller](v.At(model.ControllerPath)). It is nil for a nil node
// and for one without such a value.
func As[V model.Value](z *Znode) V {
	var none V
	if z == nil {
		return none
	}
	value, ok := z.Value.(V)
	if !ok {
		return none
	}
	return value
}

// At gives the node at a path relative to the chroot, nil if there is none.
func (v *View) At(path string) *Znode { return v.nodes[path] }

// Root is the chroot's own node. Every view has one.
func (v *View) Root() *Znode { return v.nodes[model.RootPath] }

// NumNodes is the number of nodes, the chroot included.
func (v *View) NumNodes() int { return len(v.nodes) }

// Nodes yields every node in the order of paths, so that a parent comes before
// its children.
func (v *View) Nodes() iter.Seq[*Znode] {
	return func(yield func(*Znode) bool) {
		for _, path := range slices.Sorted(maps.Keys(v.nodes)) {
			if !yield(v.nodes[path]) {
				return
			}
		}
	}
}

// Malformed gives all nodes with an Err, in the order of paths.
func (v *View) Malformed() []*Znode {
	var found []*Znode
	for _, z := range v.nodes {
		if z.Err != nil {
			found = append(found, z)
		}
	}
	slices.SortFunc(found, func(a, b *Znode) int { return cmp.Compare(a.Path, b.Path) })
	return found
}
