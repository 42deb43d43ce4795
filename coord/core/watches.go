package core

import (
	"kafkacoord/coord/tree"
	"kafkacoord/coord/watch"
	"kafkacoord/coord/wire"
)

// eventCache holds the last notification in its encoding: a change that many
// watch is encoded once.
type eventCache struct {
	zxid    wire.Zxid // of the transaction being applied; -1 for replays
	frame   []byte
	of      wire.WatcherEvent
	encoded bool
}

// begin forgets the last notification: its path may have aliased memory that
// has other content now.
func (e *eventCache) begin(zxid wire.Zxid) { e.zxid, e.encoded = zxid, false }

func (e *eventCache) encode(kind wire.EventType, path string) []byte {
	ev := wire.WatcherEvent{Type: kind, State: wire.StateSyncConnected, Path: path}
	if !e.encoded || e.of != ev {
		e.frame = wire.AppendWatcherEvent(e.frame[:0], e.zxid, ev)
		e.of, e.encoded = ev, true
	}
	return e.frame
}

// notify sends an event to one connection, unless its present identities may
// not read the node: then the watch is spent in silence.
func (c *Core) notify(id ConnID, kind wire.EventType, path string, acl []wire.ACL) {
	cn := c.conn(id)
	if cn == nil || cn.state != connOpen {
		return
	}
	if !c.auth.Check(acl, wire.PermRead, cn.ids) {
		return
	}
	c.sendEvent(cn, kind, path)
}

func (c *Core) sendEvent(cn *conn, kind wire.EventType, path string) {
	c.touch(cn)
	frame := c.event.encode(kind, path)
	cn.out = append(cn.out, frame...)
	c.stats.Events++
	c.stats.EventBytes += int64(len(frame))
	c.stats.Sent++
	cn.stats.Sent++
}

// setWatches re-registers what a client watched before it reconnected. What
// changed since is told at once, before the reply, and not registered.
// ZooKeeper: DataTree.java setWatches.
func (c *Core) setWatches(cn *conn, xid int32, op wire.Op, body []byte) {
	if wire.DecodeRequest(op, body, &c.req) != nil {
		c.stats.Malformed++
		c.header(cn, xid, c.tree.Zxid(), wire.MarshallingError)
		return
	}
	zxid := c.tree.Zxid()
	c.event.begin(-1)
	since := c.req.RelativeZxid
	for _, path := range c.req.DataWatches {
		c.replay(cn, path, watch.Data, since, wire.EventNodeDataChanged, func(n *tree.Node) wire.Zxid { return n.Mzxid })
	}
	for _, path := range c.req.ExistWatches {
		if c.tree.Find(path) != 0 {
			c.sendEvent(cn, wire.EventNodeCreated, path)
		} else {
			c.watches.Add(path, cn.id, watch.Data)
		}
	}
	for _, path := range c.req.ChildWatches {
		c.replay(cn, path, watch.Child, since, wire.EventNodeChildrenChanged, func(n *tree.Node) wire.Zxid { return n.Pzxid })
	}
	for _, path := range c.req.PersistentWatches {
		c.watches.Add(path, cn.id, watch.Persistent)
	}
	for _, path := range c.req.PersistentRecursiveWatch {
		c.watches.Add(path, cn.id, watch.PersistentRecursive)
	}
	if c.req.NullList != 0 {
		// As in ZooKeeper, what stands before the null has taken effect.
		c.header(cn, xid, zxid, wire.MarshallingError)
		return
	}
	c.header(cn, xid, zxid, wire.OK)
}

func (c *Core) replay(cn *conn, path string, kind watch.Kind, since wire.Zxid, changed wire.EventType, last func(*tree.Node) wire.Zxid) {
	r := c.tree.Find(path)
	switch {
	case r == 0:
		c.sendEvent(cn, wire.EventNodeDeleted, path)
	case last(c.tree.Node(r)) > since:
		c.sendEvent(cn, changed, path)
	default:
		c.watches.Add(path, cn.id, kind)
	}
}
