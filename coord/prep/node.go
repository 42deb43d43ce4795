package prep

import (
	"strings"

	"kafkacoord/coord/tree"
	"kafkacoord/coord/wire"
)

// node is a path with its newest state: pending, or the tree's. A path without
// a node has the zero state.
type node struct {
	path string
	hash uint32 // of path
	*state
	change *change // nil when the state is the tree's
}

// find looks a path up. The state of a node without pending changes is read
// into slot. The root, "" as a parent, is "/" here.
func (p *Prep) find(path string, slot *state) node {
	if path == "" {
		path = "/"
	}
	hash := p.tree.Hash(path)
	if c := p.pending.byPath.find(path, hash); c != nil {
		return node{path: path, hash: hash, state: &c.state, change: c}
	}
	p.read(p.tree.FindHashed(path, hash), slot)
	return node{path: path, hash: hash, state: slot}
}

func (p *Prep) read(r tree.Ref, s *state) {
	if r == 0 {
		*s = state{}
		return
	}
	n := p.tree.Node(r)
	*s = state{
		Fields: n.Fields, ref: r, sequence: n.Cversion, dataLength: n.DataLength(),
		digest: p.tree.NodeDigest(r), exists: true, open: p.tree.OpenACL(r),
	}
	if !s.open {
		s.acl = p.tree.ACL(r)
	}
}

// touch returns the change of a node that this transaction modifies.
func (p *Prep) touch(n node) *change { return p.pending.touch(p.zxid, &n) }

// addChild notes in the parent that this transaction creates a child, and
// returns the parentCversion of the transaction. The predicted cversion and
// pzxid move as the tree will move them: only forwards, with -1 standing for
// one more.
func (p *Prep) addChild(parent node) (cversion int32) {
	c := p.touch(parent)
	c.NumChildren++
	c.sequence++
	raised := c.sequence
	if raised == -1 {
		raised = c.Cversion + 1
	}
	if raised > c.Cversion {
		f := c.Fields
		f.Cversion, f.Pzxid = raised, p.zxid
		p.newFields(c, f)
	}
	return c.sequence
}

// removeChild notes in the parent that this transaction deletes a child.
func (p *Prep) removeChild(parent node) {
	c := p.touch(parent)
	f := c.Fields
	f.NumChildren--
	f.Pzxid = max(f.Pzxid, p.zxid)
	p.newFields(c, f)
}

// remove notes that this transaction deletes a node.
func (p *Prep) remove(n node) *change {
	c := p.touch(n)
	c.exists = false
	c.acl = nil
	p.pending.own(c, false)
	p.newDigest(c, 0)
	return c
}

// ownedBySession tells whether a state is that of an ordinary ephemeral.
func (p *Prep) ownedBySession(s *state) bool {
	return tree.KindOf(s.Owner, p.config.ExtendedTypes) == tree.Ephemeral
}

// splitPath is the shallow check that create and delete begin with: there must
// be a slash and no NUL. It returns the parent's path.
func splitPath(path string) (parent string, ok bool) {
	slash := strings.LastIndexByte(path, '/')
	if slash < 0 || strings.IndexByte(path, 0) >= 0 {
		return "", false
	}
	return path[:slash], true
}

// isReserved tells whether a path is that of a node that cannot be deleted.
func isReserved(path string) bool {
	switch path {
	case "/", wire.ReservedPath, wire.QuotaPath, wire.ConfigPath:
		return true
	}
	return false
}

// nextVersion checks an expected version, -1 for any, and returns the one after
// current, which wraps around. ZooKeeper: PrepRequestProcessor.java.
func nextVersion(current, expected int32) (int32, wire.Code) {
	if expected != -1 && expected != current {
		return 0, wire.BadVersion
	}
	return current + 1, wire.OK
}
