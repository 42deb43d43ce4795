package core

import (
	"strings"

	"kafkacoord/coord/auth"
	"kafkacoord/coord/tree"
	"kafkacoord/coord/watch"
	"kafkacoord/coord/wire"
)

type result = tree.Result

// read answers one request that changes nothing replicated. ids are those the
// connection had when the request came.
func (c *Core) read(cn *conn, xid int32, op wire.Op, body []byte, ids []wire.ID) {
	c.touch(cn)
	dst, mark := wire.BeginFrame(cn.out)
	if op == wire.OpPing {
		xid = wire.XidPing
	}
	zxid := c.tree.Zxid()
	dst = wire.AppendReplyHeader(dst, wire.ReplyHeader{Xid: xid, Zxid: zxid})
	bodyAt := len(dst)
	code := wire.OK
	switch op {
	case wire.OpPing:
	case wire.OpGetData, wire.OpExists, wire.OpGetChildren, wire.OpGetChildren2:
		d := wire.NewDecoder(body)
		path, watched := d.String(), d.Bool()
		if d.Err() != nil {
			code = wire.MarshallingError
			break
		}
		dst, code = c.readNode(dst, cn, op, path, watched, ids)
	case wire.OpSetWatches, wire.OpSetWatches2:
		// Its replies are events, which go before it.
		c.setWatches(cn, xid, op, body)
		return
	default:
		if wire.DecodeRequest(op, body, &c.req) != nil {
			code = wire.MarshallingError
			break
		}
		dst, code = c.readOther(dst, cn, &c.req, ids)
	}
	if code != wire.OK {
		if code == wire.MarshallingError {
			c.stats.Malformed++
		}
		dst = wire.AppendInt(dst[:bodyAt-4], int32(code))
	}
	cn.out = wire.EndFrame(dst, mark)
	c.stats.Sent++
	cn.stats.Sent++
	c.stats.response(len(cn.out) - mark)
}

// readNode answers the four reads that carry a path and a watch flag.
func (c *Core) readNode(dst []byte, cn *conn, op wire.Op, path string, watched bool, ids []wire.ID) ([]byte, wire.Code) {
	if op == wire.OpExists && strings.IndexByte(path, 0) >= 0 {
		return dst, wire.BadArguments
	}
	r := c.tree.Find(path)
	if r == 0 {
		if op == wire.OpExists && watched {
			c.watches.Add(path, cn.id, watch.Data)
		}
		return dst, wire.NoNode
	}
	if !c.mayRead(r, ids) {
		return dst, wire.NoAuth
	}
	if watched {
		kind := watch.Child
		if op == wire.OpGetData || op == wire.OpExists {
			kind = watch.Data
		}
		c.watches.Add(canonical(path), cn.id, kind)
	}
	switch op {
	case wire.OpGetData:
		dst = wire.AppendBuffer(dst, c.tree.Data(r))
	case wire.OpGetChildren:
		return c.tree.AppendChildren(dst, r), wire.OK
	case wire.OpGetChildren2:
		dst = c.tree.AppendChildren(dst, r)
	}
	stat := c.tree.Stat(r)
	return wire.AppendStat(dst, &stat), wire.OK
}

// canonical spells the root as events do.
func canonical(path string) string {
	if path == "" {
		return "/"
	}
	return path
}

func (c *Core) mayRead(r tree.Ref, ids []wire.ID) bool {
	return c.tree.OpenACL(r) || c.auth.Check(c.tree.ACL(r), wire.PermRead, ids)
}

// readOther answers the reads that are not on the hot path.
func (c *Core) readOther(dst []byte, cn *conn, req *wire.Request, ids []wire.ID) ([]byte, wire.Code) {
	switch req.Op {
	case wire.OpGetACL:
		return c.getACL(dst, req.Path, ids)
	case wire.OpGetAllChildrenNumber:
		r := c.tree.Find(req.Path)
		if r == 0 {
			return dst, wire.NoNode
		}
		if !c.mayRead(r, ids) {
			return dst, wire.NoAuth
		}
		n := c.tree.NumDescendants(r)
		if req.Path == "" {
			n++ // ZooKeeper has the root twice, as "" and as "/"
		}
		return wire.AppendInt(dst, int32(n)), wire.OK
	case wire.OpGetEphemerals:
		return wire.AppendStrings(dst, c.ephemerals(cn.session.ID, req.Path)), wire.OK
	case wire.OpMultiRead:
		return c.multiRead(dst, req, ids)
	case wire.OpWhoAmI:
		return c.whoAmI(dst, ids), wire.OK
	case wire.OpAddWatch:
		kind := watch.Persistent
		if req.Kind == wire.WatchPersistentRecursive {
			kind = watch.PersistentRecursive
		}
		c.watches.Add(req.Path, cn.id, kind)
		return wire.AppendInt(dst, 0), wire.OK
	case wire.OpCheckWatches:
		if !c.watches.Has(req.Path, cn.id, req.Kind) {
			return dst, wire.NoWatcher
		}
		return dst, wire.OK
	case wire.OpRemoveWatches:
		if !c.watches.Remove(req.Path, cn.id, req.Kind) {
			return dst, wire.NoWatcher
		}
		return dst, wire.OK
	}
	return dst, wire.Unimplemented
}

// getACL masks the hashes of digest identities for callers without ADMIN.
func (c *Core) getACL(dst []byte, path string, ids []wire.ID) ([]byte, wire.Code) {
	r := c.tree.Find(path)
	if r == 0 {
		return dst, wire.NoNode
	}
	acl := c.tree.ACL(r)
	if !c.auth.Check(acl, wire.PermRead|wire.PermAdmin, ids) {
		return dst, wire.NoAuth
	}
	if !c.auth.Check(acl, wire.PermAdmin, ids) {
		acl = auth.Mask(acl)
	}
	dst = wire.AppendACLs(dst, acl)
	stat := c.tree.Stat(r)
	return wire.AppendStat(dst, &stat), wire.OK
}

// ephemerals lists a session's ephemerals whose path begins with prefix, as
// text: /a matches /ab too.
func (c *Core) ephemerals(session wire.SessionID, prefix string) []string {
	if strings.TrimSpace(prefix) == "" || prefix == "/" {
		prefix = ""
	}
	out := []string{}
	for r := range c.tree.Ephemerals(session) {
		if path := c.tree.Path(r); strings.HasPrefix(path, prefix) {
			out = append(out, path)
		}
	}
	return out
}

// multiReadBytesMax bounds the answer to one multiRead: a small request may name
// a large node many thousand times. Java clients take a megabyte.
const multiReadBytesMax = 16 << 20

// multiRead answers each part for itself; a failed one leaves the others.
func (c *Core) multiRead(dst []byte, req *wire.Request, ids []wire.ID) ([]byte, wire.Code) {
	start := len(dst)
	for i := range req.Subs {
		if len(dst)-start > multiReadBytesMax {
			return dst, wire.MarshallingError
		}
		sub := &req.Subs[i]
		r := c.tree.Find(sub.Path)
		switch {
		case r == 0:
			dst = wire.AppendMultiError(dst, wire.NoNode)
		case !c.mayRead(r, ids):
			dst = wire.AppendMultiError(dst, wire.NoAuth)
		case sub.Op == wire.OpGetData:
			dst = wire.AppendMultiResult(dst, sub.Op, wire.OK)
			dst = wire.AppendBuffer(dst, c.tree.Data(r))
			stat := c.tree.Stat(r)
			dst = wire.AppendStat(dst, &stat)
		default:
			dst = wire.AppendMultiResult(dst, sub.Op, wire.OK)
			dst = c.tree.AppendChildren(dst, r)
		}
	}
	return wire.AppendMultiEnd(dst), wire.OK
}

func (c *Core) whoAmI(dst []byte, ids []wire.ID) []byte {
	dst = wire.AppendInt(dst, int32(len(ids)))
	for _, id := range ids {
		dst = wire.AppendString(dst, id.Scheme)
		dst = wire.AppendString(dst, c.auth.UserName(id))
	}
	return dst
}

// sync is answered once everything proposed before it is applied. It needs no
// transaction of its own. In an ensemble the leader has the word.
func (c *Core) sync(cn *conn, xid int32, body []byte) {
	p := pending{xid: xid, op: wire.OpSync, zxid: c.proposed, body: c.hold(body)}
	if wire.DecodeRequest(wire.OpSync, body, &c.req) != nil {
		c.stats.Malformed++
		p.err = wire.MarshallingError
	}
	if c.member != nil && p.err == wire.OK {
		p.zxid = forLeader
		c.wait(cn, p)
		c.askLeader(cn, cn.pending.last())
		return
	}
	c.wait(cn, p)
	c.drain(cn)
	if cn.pending.len() > 0 && c.inflight.len() > 0 {
		c.inflight.last().syncs = append(c.inflight.last().syncs, cn)
	}
}

func (c *Core) syncReply(cn *conn, xid int32, body []byte) {
	_ = wire.DecodeRequest(wire.OpSync, body, &c.req) // it was decoded when it came
	c.touch(cn)
	dst, mark := wire.BeginFrame(cn.out)
	dst = wire.AppendReplyHeader(dst, wire.ReplyHeader{Xid: xid, Zxid: c.tree.Zxid()})
	cn.out = wire.EndFrame(wire.AppendString(dst, c.req.Path), mark)
	c.stats.Sent++
	cn.stats.Sent++
}
