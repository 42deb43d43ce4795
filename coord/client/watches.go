package client

import (
	"kafkacoord/coord/wire"
)

// watchTable remembers which watches the server holds for this connection, so
// that they can be set again on the next one. Paths are the server's, chroot
// included. It is owned by the goroutine that connects and reads.
// ZooKeeper: ZKWatchManager.java.
type watchTable struct {
	data, exist, child, persistent, recursive map[string]struct{}
}

func newWatchTable() watchTable {
	return watchTable{
		data: make(map[string]struct{}), exist: make(map[string]struct{}), child: make(map[string]struct{}),
		persistent: make(map[string]struct{}), recursive: make(map[string]struct{}),
	}
}

// replied notes what the reply to a request has armed or removed.
func (t *watchTable) replied(op wire.Op, path string, watch bool, kind int32, code wire.Code) {
	switch {
	case op == wire.OpExists && watch && code == wire.NoNode:
		t.exist[path] = struct{}{}
	case code != wire.OK:
	case watch && (op == wire.OpExists || op == wire.OpGetData):
		t.data[path] = struct{}{}
	case watch && (op == wire.OpGetChildren || op == wire.OpGetChildren2):
		t.child[path] = struct{}{}
	case op == wire.OpAddWatch && kind == wire.WatchPersistent:
		t.persistent[path] = struct{}{}
	case op == wire.OpAddWatch:
		t.recursive[path] = struct{}{}
	case op == wire.OpRemoveWatches:
		t.removed(path, kind)
	}
}

func (t *watchTable) removed(path string, kind int32) {
	any := kind == wire.WatcherAny
	if any || kind == wire.WatcherChildren {
		delete(t.child, path)
	}
	if any || kind == wire.WatcherData {
		delete(t.data, path)
		delete(t.exist, path)
	}
	if any || kind == wire.WatcherPersistent {
		delete(t.persistent, path)
	}
	if any || kind == wire.WatcherPersistentRecursive {
		delete(t.recursive, path)
	}
}

// fired takes off the one-shot watches that an event has used up.
func (t *watchTable) fired(e wire.WatcherEvent) {
	if e.Type == wire.EventNodeChildrenChanged {
		delete(t.child, e.Path)
		return
	}
	delete(t.data, e.Path)
	delete(t.exist, e.Path)
	if e.Type == wire.EventNodeDeleted {
		delete(t.child, e.Path)
	}
}

// setWatchesBytesMax bounds the paths of one setWatches request, far below
// every server's frame limit (ZooKeeper: ClientCnxn.java, 128 KiB).
const setWatchesBytesMax = 128 << 10

// requests are what sets all watches again: changes after lastSeen fire at
// once. Without persistent watches the older operation is used, which every
// server knows.
func (t *watchTable) requests(lastSeen wire.Zxid) []wire.Request {
	var out []wire.Request
	size := setWatchesBytesMax // the first path opens the first request
	add := func(paths map[string]struct{}, list func(*wire.Request) *[]string, op wire.Op) {
		for path := range paths {
			if size += 4 + len(path); size > setWatchesBytesMax {
				out = append(out, wire.Request{Op: wire.OpSetWatches, RelativeZxid: lastSeen})
				size = 4 + len(path)
			}
			r := &out[len(out)-1]
			r.Op = max(r.Op, op)
			*list(r) = append(*list(r), path)
		}
	}
	add(t.data, func(r *wire.Request) *[]string { return &r.DataWatches }, wire.OpSetWatches)
	add(t.exist, func(r *wire.Request) *[]string { return &r.ExistWatches }, wire.OpSetWatches)
	add(t.child, func(r *wire.Request) *[]string { return &r.ChildWatches }, wire.OpSetWatches)
	add(t.persistent, func(r *wire.Request) *[]string { return &r.PersistentWatches }, wire.OpSetWatches2)
	add(t.recursive, func(r *wire.Request) *[]string { return &r.PersistentRecursiveWatch }, wire.OpSetWatches2)
	return out
}
