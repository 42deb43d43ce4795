package watch

import (
	"iter"
	"strings"

	"kafkacoord/coord/tree"
	"kafkacoord/coord/wire"
)

// Fire delivers the events of one change, in the order of ZooKeeper's DataTree:
//
//	created  NodeCreated to the data table, NodeChildrenChanged of the parent
//	deleted  NodeDeleted to the data table, NodeDeleted to those in the child
//	         table who did not just get it, NodeChildrenChanged of the parent
//	changed  NodeDataChanged to the data table
//
// A data event also goes to the recursive watchers of every ancestor. Each
// connection hears an event once, however it is registered, and loses its
// standard watch with it. Connections are called in the order in which they
// came to the path, the node's own watchers before its ancestors'.
//
// The acl handed to emit is the one whose READ permission the receiver needs;
// a watch counts as delivered also when the caller then drops the event. Path
// and acl are those of ch (or a part of its path) and valid as long. Emit must
// not change the table.
func (t *Table) Fire(ch tree.Change, emit func(c ConnID, ev wire.EventType, path string, acl []wire.ACL)) {
	if len(t.paths) == 0 {
		return
	}
	own := event{ch.Type, ch.Path, ch.ACL, emit}
	t.nextSerial()
	p, watched := t.paths[ch.Path]
	if watched {
		// Asked before: delivering may consume the path's last watch, and
		// then p is free. With a child watch left it stays.
		child := t.watched.at(p).child > 0
		t.deliver(p, dataModes, dataStandard, &own)
		if ch.Type == wire.EventNodeDeleted && child {
			t.deliver(p, childModes, childStandard, &own)
		}
	}
	if t.recursive > 0 {
		t.deliverToAncestors(&own)
	}
	if ch.Type == wire.EventNodeDataChanged {
		return
	}
	if parent, ok := parentOf(ch.Path); ok {
		if p, watched := t.paths[parent]; watched && t.watched.at(p).child > 0 {
			t.nextSerial()
			t.deliver(p, childModes, childStandard, &event{wire.EventNodeChildrenChanged, parent, ch.ParentACL, emit})
		}
	}
}

type event struct {
	kind wire.EventType
	path string
	acl  []wire.ACL
	emit func(c ConnID, ev wire.EventType, path string, acl []wire.ACL)
}

// nextSerial begins a new event: nobody has heard of it.
func (t *Table) nextSerial() {
	t.serial++
	if t.serial == 0 {
		for i := range t.conns {
			t.conns[i].serial = 0
		}
		t.serial = 1
	}
}

// deliver tells every watcher of a path that has one of the modes and takes the
// mode once away from it.
func (t *Table) deliver(p uint32, which, once modes, ev *event) {
	for r := t.watched.at(p).head; r != 0; {
		rec := t.records.at(r)
		this, c, have := r, rec.conn, rec.modes
		r = rec.pathNext
		if have&which == 0 {
			continue
		}
		if have&once != 0 {
			t.setModes(this, have&^once)
		}
		t.tell(c, ev)
	}
}

func (t *Table) deliverToAncestors(ev *event) {
	for path, ok := parentOf(ev.path); ok; path, ok = parentOf(path) {
		p, watched := t.paths[path]
		if !watched || t.watched.at(p).recursive == 0 {
			continue
		}
		for r := t.watched.at(p).head; r != 0; r = t.records.at(r).pathNext {
			if rec := t.records.at(r); rec.modes&dataRecursive != 0 {
				t.tell(rec.conn, ev)
			}
		}
	}
}

func (t *Table) tell(c ConnID, ev *event) {
	if t.conns[c].serial == t.serial {
		return
	}
	t.conns[c].serial = t.serial
	ev.emit(c, ev.kind, ev.path, ev.acl)
}

// parentOf returns the path of the parent; the root has none.
func parentOf(path string) (string, bool) {
	i := strings.LastIndexByte(path, '/')
	switch {
	case i > 0:
		return path[:i], true
	case i == 0 && len(path) > 1:
		return "/", true
	}
	return "", false
}

// Conns walks the connections that have data watches, by number. The table must
// not be changed during this and the other walks.
func (t *Table) Conns() iter.Seq[ConnID] {
	return func(yield func(ConnID) bool) {
		for c := range t.conns {
			if t.conns[c].data > 0 && !yield(ConnID(c)) {
				return
			}
		}
	}
}

// PathsOf walks the paths on which a connection has data watches, the newest
// first.
func (t *Table) PathsOf(c ConnID) iter.Seq[string] {
	return func(yield func(string) bool) {
		if int(c) >= len(t.conns) {
			return
		}
		for r := t.conns[c].head; r != 0; r = t.records.at(r).connNext {
			rec := t.records.at(r)
			if rec.modes&dataModes != 0 && !yield(t.watched.at(rec.path).path) {
				return
			}
		}
	}
}

// Paths walks the paths that have data watches, in no particular but a
// repeatable order.
func (t *Table) Paths() iter.Seq[string] {
	return func(yield func(string) bool) {
		for p := uint32(1); p <= t.watched.used; p++ {
			if w := t.watched.at(p); w.data > 0 && !yield(w.path) {
				return
			}
		}
	}
}

// ConnsOf walks the connections that have a data watch on a path, in the order
// of their registration.
func (t *Table) ConnsOf(path string) iter.Seq[ConnID] {
	return func(yield func(ConnID) bool) {
		p, watched := t.paths[path]
		if !watched {
			return
		}
		for r := t.watched.at(p).head; r != 0; r = t.records.at(r).pathNext {
			if rec := t.records.at(r); rec.modes&dataModes != 0 && !yield(rec.conn) {
				return
			}
		}
	}
}
