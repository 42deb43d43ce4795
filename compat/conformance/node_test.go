package conformance_test

import (
	"testing"

	"kafkacoord/compat/rawclient"
	"kafkacoord/coord/wire"
)

// A container that had a child, and a TTL node whose time is over, are removed;
// a container never used and a TTL node with a child stay.
func TestReaper(t *testing.T) {
	each(t, func(t *testing.T, addr string) {
		c, _ := open(t, addr)
		must := func(r wire.Request) { t.Helper(); request(t, c, 1, &r, wire.OK) }
		create := func(op wire.Op, path string, flags int32, ttl int64) {
			t.Helper()
			must(wire.Request{Op: op, Path: path, ACL: wire.OpenACL, Flags: flags, TTL: ttl})
		}
		create(wire.OpCreate, "/reaper", wire.FlagPersistent, 0)
		create(wire.OpCreateContainer, "/reaper/never-used", wire.FlagContainer, 0)
		// At once, or the parent might be reaped before it has a child.
		must(wire.Request{Op: wire.OpMulti, Subs: []wire.Request{
			{Op: wire.OpCreateTTL, Path: "/reaper/parent", ACL: wire.OpenACL, Flags: wire.FlagPersistentTTL, TTL: 1},
			{Op: wire.OpCreate, Path: "/reaper/parent/child", ACL: wire.OpenACL},
		}})
		create(wire.OpCreateContainer, "/reaper/used", wire.FlagContainer, 0)
		create(wire.OpCreate, "/reaper/used/child", wire.FlagPersistent, 0)
		for _, path := range []string{"/reaper/used", "/reaper/ttl"} {
			if path == "/reaper/ttl" {
				create(wire.OpCreateTTL, path, wire.FlagPersistentTTL, 1)
			} else {
				must(wire.Request{Op: wire.OpDelete, Path: path + "/child", Version: -1})
			}
			// The node may be gone before the watch is set.
			f, events, err := c.Request(2, &wire.Request{Op: wire.OpGetData, Path: path, Watch: true})
			if err != nil || len(events) > 0 {
				t.Fatalf("%s: %v, %v", path, events, err)
			}
			if f.Header.Err == wire.NoNode {
				continue
			}
			wantEvent(t, c, wire.EventNodeDeleted, path)
		}
		for _, path := range []string{"/reaper/never-used", "/reaper/parent"} {
			must(wire.Request{Op: wire.OpExists, Path: path})
		}
		for _, path := range []string{"/reaper/parent/child", "/reaper/never-used"} {
			must(wire.Request{Op: wire.OpDelete, Path: path, Version: -1})
		}
		// Now the parent is reaped as well, and the root can go.
		f, _, err := c.Request(3, &wire.Request{Op: wire.OpGetData, Path: "/reaper/parent", Watch: true})
		if err != nil {
			t.Fatal(err)
		}
		if f.Header.Err == wire.OK {
			wantEvent(t, c, wire.EventNodeDeleted, "/reaper/parent")
		}
		must(wire.Request{Op: wire.OpDelete, Path: "/reaper", Version: -1})
	})
}

func wantEvent(t *testing.T, c *rawclient.Conn, kind wire.EventType, path string) {
	t.Helper()
	f, err := c.Recv()
	if err != nil || !f.IsEvent() {
		t.Fatalf("got %+v, %v; want an event for %s", f, err, path)
	}
	event, err := f.Event()
	if err != nil || event != (wire.WatcherEvent{Type: kind, State: wire.StateSyncConnected, Path: path}) {
		t.Fatalf("got %+v, %v; want type %d for %s", event, err, kind, path)
	}
}

// The operations that ZooKeeper keeps for itself but takes from anybody are
// unknown operations to coord. Listed in oracle.Differences.
func TestInternalOperationsAreRefused(t *testing.T) {
	onCoord(t, func(t *testing.T, addr string) {
		owner, _ := open(t, addr)
		request(t, owner, 1, &wire.Request{Op: wire.OpCreate, Path: "/internal", ACL: wire.OpenACL}, wire.OK)
		for _, r := range []wire.Request{{Op: wire.OpCreateSession, Timeout: sessionMillis}, {Op: wire.OpDeleteContainer, Path: "/internal"}} {
			c, _ := open(t, addr)
			if f := request(t, c, 5, &r, wire.Unimplemented); f.Header.Zxid != -1 || len(f.Body) > 0 {
				t.Errorf("%v: zxid %d body %x", r.Op, f.Header.Zxid, f.Body)
			}
			wantClosed(t, c)
		}
		request(t, owner, 2, &wire.Request{Op: wire.OpDelete, Path: "/internal", Version: -1}, wire.OK)
	})
}

// Requests that stop a ZooKeeper server are harmless. Listed in
// oracle.Differences.
func TestRequestsThatStopZooKeeper(t *testing.T) {
	onCoord(t, func(t *testing.T, addr string) {
		c, _ := open(t, addr)
		limits := wire.QuotaPath + "/zookeeper_limits"
		request(t, c, 1, &wire.Request{Op: wire.OpCreate, Path: limits, Data: []byte("count=1,bytes=1"), ACL: wire.OpenACL}, wire.BadArguments)
		ttl := wire.Request{Op: wire.OpCreateTTL, Path: "/no-ttl", ACL: wire.OpenACL, Flags: wire.FlagPersistent, TTL: -1}
		request(t, c, 2, &ttl, wire.OK)
		request(t, c, 3, &wire.Request{Op: wire.OpDelete, Path: "/no-ttl", Version: 0}, wire.OK)
	})
}
