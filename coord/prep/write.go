package prep

import (
	"kafkacoord/coord/tree"
	"kafkacoord/coord/wire"
)

func (p *Prep) delete(r *Request, q *wire.Request, txn *wire.Txn) wire.Code {
	if code := p.checkSession(r); code != wire.OK {
		return code
	}
	parentPath, ok := splitPath(q.Path)
	if !ok || isReserved(q.Path) {
		return wire.BadArguments
	}
	parent := p.find(parentPath, &p.parentSlot)
	if !parent.exists {
		return wire.NoNode
	}
	if !p.allowed(parent.state, wire.PermDelete, r) {
		return wire.NoAuth
	}
	n := p.find(q.Path, &p.nodeSlot)
	if !n.exists {
		return wire.NoNode
	}
	if _, code := nextVersion(n.Version, q.Version); code != wire.OK {
		return code
	}
	if n.NumChildren > 0 {
		return wire.NotEmpty
	}
	txn.Type, txn.Path = wire.OpDelete, q.Path
	p.removeChild(parent)
	p.remove(n)
	return wire.OK
}

// deleteContainer is the reaper's delete: no session, no access check. The
// reaper has looked at the tree; here pending changes count.
//
// ZooKeeper refuses ordinary ephemerals only, so that a container which was
// deleted and made again as a plain node meanwhile is lost. Here a plain node is
// refused as well.
func (p *Prep) deleteContainer(q *wire.Request, txn *wire.Txn) wire.Code {
	parentPath, ok := splitPath(q.Path)
	if !ok || isReserved(q.Path) {
		return wire.BadArguments
	}
	n := p.find(q.Path, &p.nodeSlot)
	if !n.exists {
		return wire.NoNode
	}
	if n.NumChildren > 0 {
		return wire.NotEmpty
	}
	if n.Owner == 0 || p.ownedBySession(n.state) {
		return wire.BadVersion
	}
	parent := p.find(parentPath, &p.parentSlot)
	if !parent.exists {
		return wire.NoNode
	}
	txn.Type, txn.Path = wire.OpDeleteContainer, q.Path
	p.removeChild(parent)
	p.remove(n)
	return wire.OK
}

func (p *Prep) setData(r *Request, q *wire.Request, txn *wire.Txn) wire.Code {
	if code := p.checkSession(r); code != wire.OK {
		return code
	}
	if !wire.PathOK(q.Path) {
		return wire.BadArguments
	}
	n := p.find(q.Path, &p.nodeSlot)
	if !n.exists {
		return wire.NoNode
	}
	if !p.allowed(n.state, wire.PermWrite, r) {
		return wire.NoAuth
	}
	if p.overQuota(q.Path, 0, int64(len(q.Data))-int64(n.dataLength)) {
		return wire.QuotaExceeded
	}
	version, code := nextVersion(n.Version, q.Version)
	if code != wire.OK {
		return code
	}
	txn.Type, txn.Path, txn.Data, txn.Version = wire.OpSetData, q.Path, q.Data, version
	c := p.touch(n)
	c.Version, c.Mtime, c.Mzxid = version, p.now, p.zxid
	p.newData(c, q.Data)
	if p.config.Digest {
		p.prepared = tree.Prepared{Tree: p.tree, Node: c.ref, Czxid: c.Czxid, Digest: c.digest}
	}
	return wire.OK
}

// setACL changes a node's list. The requests that follow are held against the
// new list at once; ZooKeeper goes on checking the old one until the
// transaction has been applied.
func (p *Prep) setACL(r *Request, txn *wire.Txn) wire.Code {
	q := r.Req
	if code := p.checkSession(r); code != wire.OK {
		return code
	}
	if !wire.PathOK(q.Path) {
		return wire.BadArguments
	}
	acl, code := p.normalACL(q.ACL, r.IDs)
	if code != wire.OK {
		return code
	}
	n := p.find(q.Path, &p.nodeSlot)
	if !n.exists {
		return wire.NoNode
	}
	if !p.allowed(n.state, wire.PermAdmin, r) {
		return wire.NoAuth
	}
	version, code := nextVersion(n.Aversion, q.Version)
	if code != wire.OK {
		return code
	}
	txn.Type, txn.Path, txn.Version = wire.OpSetACL, q.Path, version
	txn.ACL = append(txn.ACL[:0], acl...)
	c := p.touch(n)
	f := c.Fields
	f.Aversion = version
	p.newFields(c, f)
	p.setList(&c.state, acl)
	return wire.OK
}

// check is a part of a multi that changes nothing. Its transaction carries the
// version after the node's, as those of setData do.
func (p *Prep) check(r *Request, q *wire.Request, txn *wire.Txn) wire.Code {
	if code := p.checkSession(r); code != wire.OK {
		return code
	}
	if !wire.PathOK(q.Path) {
		return wire.BadArguments
	}
	n := p.find(q.Path, &p.nodeSlot)
	if !n.exists {
		return wire.NoNode
	}
	if !p.allowed(n.state, wire.PermRead, r) {
		return wire.NoAuth
	}
	version, code := nextVersion(n.Version, q.Version)
	if code != wire.OK {
		return code
	}
	txn.Type, txn.Path, txn.Version = wire.OpCheck, q.Path, version
	return wire.OK
}
