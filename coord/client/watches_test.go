package client

import (
	"fmt"
	"strings"
	"testing"

	"kafkacoord/coord/wire"
)

// TestWatchTable runs replies and events against the table and looks at what
// would be set again.
func TestWatchTable(t *testing.T) {
	replied := func(op wire.Op, path string, kind int32, code wire.Code) func(*watchTable) {
		return func(w *watchTable) { w.replied(op, path, true, kind, code) }
	}
	fired := func(kind wire.EventType, path string) func(*watchTable) {
		return func(w *watchTable) { w.fired(wire.WatcherEvent{Type: kind, Path: path}) }
	}
	tests := []struct {
		name  string
		steps []func(*watchTable)
		want  string // data, exist, child, persistent, recursive
	}{
		{"nothing", nil, ""},
		{"get", []func(*watchTable){replied(wire.OpGetData, "/a", 0, wire.OK)}, "data/a"},
		{"get missing", []func(*watchTable){replied(wire.OpGetData, "/a", 0, wire.NoNode)}, ""},
		{"exists", []func(*watchTable){replied(wire.OpExists, "/a", 0, wire.OK)}, "data/a"},
		{"exists missing", []func(*watchTable){replied(wire.OpExists, "/a", 0, wire.NoNode)}, "exist/a"},
		{"exists refused", []func(*watchTable){replied(wire.OpExists, "/a", 0, wire.NoAuth)}, ""},
		{"children", []func(*watchTable){replied(wire.OpGetChildren, "/a", 0, wire.OK)}, "child/a"},
		{"changed", []func(*watchTable){
			replied(wire.OpGetData, "/a", 0, wire.OK), replied(wire.OpGetChildren2, "/a", 0, wire.OK),
			fired(wire.EventNodeDataChanged, "/a"),
		}, "child/a"},
		{"children changed", []func(*watchTable){
			replied(wire.OpGetData, "/a", 0, wire.OK), replied(wire.OpGetChildren2, "/a", 0, wire.OK),
			fired(wire.EventNodeChildrenChanged, "/a"),
		}, "data/a"},
		{"created", []func(*watchTable){
			replied(wire.OpExists, "/a", 0, wire.NoNode), fired(wire.EventNodeCreated, "/a"),
		}, ""},
		{"deleted", []func(*watchTable){
			replied(wire.OpGetData, "/a", 0, wire.OK), replied(wire.OpGetChildren2, "/a", 0, wire.OK),
			replied(wire.OpAddWatch, "/a", wire.WatchPersistent, wire.OK),
			fired(wire.EventNodeDeleted, "/a"),
		}, "persistent/a"},
		{"recursive", []func(*watchTable){
			replied(wire.OpAddWatch, "/a", wire.WatchPersistentRecursive, wire.OK), fired(wire.EventNodeCreated, "/a"),
		}, "recursive/a"},
		{"remove data", []func(*watchTable){
			replied(wire.OpExists, "/a", 0, wire.NoNode), replied(wire.OpGetChildren, "/a", 0, wire.OK),
			replied(wire.OpRemoveWatches, "/a", wire.WatcherData, wire.OK),
		}, "child/a"},
		{"remove refused", []func(*watchTable){
			replied(wire.OpGetData, "/a", 0, wire.OK), replied(wire.OpRemoveWatches, "/a", wire.WatcherAny, wire.NoWatcher),
		}, "data/a"},
		{"remove all", []func(*watchTable){
			replied(wire.OpGetData, "/a", 0, wire.OK), replied(wire.OpAddWatch, "/a", wire.WatchPersistent, wire.OK),
			replied(wire.OpAddWatch, "/a", wire.WatchPersistentRecursive, wire.OK),
			replied(wire.OpRemoveWatches, "/a", wire.WatcherAny, wire.OK),
		}, ""},
	}
	for _, test := range tests {
		w := newWatchTable()
		for _, step := range test.steps {
			step(&w)
		}
		var got []string
		for _, r := range w.requests(1) {
			for i, list := range [][]string{r.DataWatches, r.ExistWatches, r.ChildWatches, r.PersistentWatches, r.PersistentRecursiveWatch} {
				for _, path := range list {
					got = append(got, []string{"data", "exist", "child", "persistent", "recursive"}[i]+path)
				}
			}
			if old := len(w.persistent)+len(w.recursive) == 0; old != (r.Op == wire.OpSetWatches) {
				t.Errorf("%s: set again by %v", test.name, r.Op)
			}
		}
		if strings.Join(got, " ") != test.want {
			t.Errorf("%s: %v, want %s", test.name, got, test.want)
		}
	}
}

func TestManyWatchesAreSplit(t *testing.T) {
	w := newWatchTable()
	const n = 10_000
	for i := range n {
		w.replied(wire.OpGetData, fmt.Sprintf("/some/rather/long/path/to/a/znode/%d", i), true, 0, wire.OK)
	}
	paths := 0
	requests := w.requests(7)
	for i := range requests {
		r := &requests[i]
		paths += len(r.DataWatches)
		if size := len(wire.AppendRequest(nil, r)); size > setWatchesBytesMax+64 || r.RelativeZxid != 7 {
			t.Errorf("request %d has %d bytes and zxid %v", i, size, r.RelativeZxid)
		}
	}
	if paths != n || len(requests) < 2 {
		t.Errorf("%d paths in %d requests, want %d in several", paths, len(requests), n)
	}
}

func TestChroot(t *testing.T) {
	for _, test := range []struct {
		root         chroot
		inner, outer string
	}{
		{"", "/", "/"},
		{"", "/a", "/a"},
		{"/r", "/", "/r"},
		{"/r", "/a/b", "/r/a/b"},
		{"/r/s", "/", "/r/s"},
	} {
		if got := test.root.outer(test.inner); got != test.outer {
			t.Errorf("outer path of %s under %q is %s, want %s", test.inner, test.root, got, test.outer)
		}
		if got := test.root.inner(test.outer); got != test.inner {
			t.Errorf("inner path of %s under %q is %s, want %s", test.outer, test.root, got, test.inner)
		}
	}
	if got := chroot("/r").inner("/rx"); got != "/rx" {
		t.Errorf("a sibling becomes %s", got)
	}
	multi := wire.Request{Op: wire.OpMulti, Subs: []wire.Request{CheckOp("/a", 1)}}
	if got := chroot("/r").request(&multi); got.Subs[0].Path != "/r/a" || multi.Subs[0].Path != "/a" {
		t.Errorf("multi has %s, the caller's %s", got.Subs[0].Path, multi.Subs[0].Path)
	}
	reply := wire.Reply{Children: []string{"/r/e"}, Results: []wire.MultiResult{{Reply: wire.Reply{Path: "/r/p"}}}}
	chroot("/r").reply(wire.OpGetEphemerals, &reply)
	if reply.Children[0] != "/e" || reply.Results[0].Reply.Path != "/p" {
		t.Errorf("reply has %v and %s", reply.Children, reply.Results[0].Reply.Path)
	}
}

func TestXidWrapsToOne(t *testing.T) {
	if got := nextXid(1<<31 - 1); got != 1 {
		t.Errorf("after the largest xid comes %d, want 1", got)
	}
}
