package prep

import (
	"strconv"
	"unsafe"

	"kafkacoord/coord/tree"
	"kafkacoord/coord/wire"
)

// mode is what operation, flag and TTL of a create come to.
type mode struct {
	txn        wire.Op
	ephemeral  bool
	sequential bool
	ttl        int64
}

// modeOf checks flag and TTL.
//
// Alone, the operation decides the kind of node: createContainer makes a
// container whatever the flag, and create with the container flag a plain node.
// In a multi the flag makes a container too. A createTTL whose flag has no TTL
// is an ordinary create: ZooKeeper does that in a multi; alone it writes a
// transaction that no server can apply. ZooKeeper: CreateMode.java,
// EphemeralType.java, Op.java.
func (p *Prep) modeOf(q *wire.Request, inMulti bool) (mode, wire.Code) {
	if q.Flags < wire.FlagPersistent || q.Flags > wire.FlagPersistentSequentialTTL {
		return mode{}, wire.BadArguments
	}
	m := mode{txn: q.Op, ttl: -1}
	wantsTTL := q.Flags >= wire.FlagPersistentTTL
	if q.Op == wire.OpCreateTTL && (wantsTTL || !inMulti) {
		m.ttl = q.TTL
	}
	switch {
	case wantsTTL && !p.config.ExtendedTypes:
		return mode{}, wire.Unimplemented
	case wantsTTL && (m.ttl < 1 || m.ttl > tree.MaxTTL), !wantsTTL && m.ttl >= 0:
		return mode{}, wire.BadArguments
	case q.Op == wire.OpCreateTTL && !wantsTTL:
		m.txn = wire.OpCreate2
		if inMulti {
			m.txn = wire.OpCreate
		}
	}
	if inMulti && q.Flags == wire.FlagContainer {
		m.txn = wire.OpCreateContainer
	}
	switch q.Flags {
	case wire.FlagPersistentSequential, wire.FlagEphemeralSequential, wire.FlagPersistentSequentialTTL:
		m.sequential = true
	}
	if m.txn == wire.OpCreate || m.txn == wire.OpCreate2 {
		m.ephemeral = q.Flags == wire.FlagEphemeral || q.Flags == wire.FlagEphemeralSequential
	}
	return m, wire.OK
}

// owner is the stored ephemeralOwner of a node created this way.
func (m *mode) owner(s wire.SessionID) int64 {
	switch {
	case m.txn == wire.OpCreateContainer:
		return tree.ContainerOwner
	case m.txn == wire.OpCreateTTL:
		return tree.TTLOwner(m.ttl)
	case m.ephemeral:
		return int64(s)
	}
	return 0
}

func (p *Prep) create(r *Request, q *wire.Request, inMulti bool, txn *wire.Txn) wire.Code {
	m, code := p.modeOf(q, inMulti)
	if code != wire.OK {
		return code
	}
	if code := p.checkSession(r); code != wire.OK {
		return code
	}
	parentPath, ok := splitPath(q.Path)
	if !ok {
		return wire.BadArguments
	}
	acl, code := p.normalACL(q.ACL, r.IDs)
	if code != wire.OK {
		return code
	}
	parent := p.find(parentPath, &p.parentSlot)
	if !parent.exists {
		return wire.NoNode
	}
	if !p.allowed(parent.state, wire.PermCreate, r) {
		return wire.NoAuth
	}
	path := q.Path
	if m.sequential {
		path = p.sequential(path, parent.sequence)
	}
	n, code := p.vacant(path, parent)
	if code != wire.OK {
		return code
	}
	if path == rootQuotaLimits {
		return wire.BadArguments
	}
	if p.overQuota(path, 1, int64(len(q.Data))) {
		return wire.QuotaExceeded
	}

	txn.Type, txn.Data, txn.Ephemeral = m.txn, q.Data, m.ephemeral
	txn.ACL = append(txn.ACL[:0], acl...)
	if m.txn == wire.OpCreateTTL {
		txn.TTL = m.ttl
	}
	txn.ParentCversion = p.addChild(parent)
	txn.Path = p.addNode(n, m.owner(r.Session), acl, q.Data).path
	return wire.OK
}

// rootQuotaLimits would limit nothing, and the transaction that creates it stops
// any ZooKeeper server that applies it: it must not come into a log.
const rootQuotaLimits = wire.QuotaPath + "/zookeeper_limits"

// vacant checks that a node can be created at path.
func (p *Prep) vacant(path string, parent node) (node, wire.Code) {
	if !wire.PathOK(path) {
		return node{}, wire.BadArguments
	}
	n := p.find(path, &p.nodeSlot)
	if n.exists {
		return n, wire.NodeExists
	}
	if p.ownedBySession(parent.state) {
		return n, wire.NoChildrenForEphemerals
	}
	return n, wire.OK
}

// addNode notes the node that this transaction creates.
func (p *Prep) addNode(n node, owner int64, acl []wire.ACL, data []byte) *change {
	c := p.touch(n)
	z := p.zxid
	c.state = state{
		Fields: tree.Fields{Czxid: z, Mzxid: z, Pzxid: z, Ctime: p.now, Mtime: p.now, Owner: owner},
		exists: true,
	}
	p.setList(&c.state, acl)
	p.newData(c, data)
	p.pending.own(c, p.ownedBySession(&c.state))
	return c
}

// sequential appends the sequence number to a path: at least ten characters,
// zero padded, the sign included. The result lives until the next call.
func (p *Prep) sequential(path string, number int32) string {
	p.name = append(p.name[:0], path...)
	var digits [12]byte
	d := strconv.AppendInt(digits[:0], int64(number), 10)
	if number < 0 {
		p.name = append(p.name, '-')
		d = d[1:]
	}
	width := len(path) + 10
	for len(p.name)+len(d) < width {
		p.name = append(p.name, '0')
	}
	p.name = append(p.name, d...)
	return unsafe.String(unsafe.SliceData(p.name), len(p.name))
}
