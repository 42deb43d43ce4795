package prep

import (
	"slices"

	"kafkacoord/coord/wire"
)

// closeSession ends a session together with its ephemerals: those in the tree
// and those pending, less the ones that pending changes delete, sorted by path
// (ZooKeeper promises no order). Neither the owner nor any list is checked:
// expiry closes sessions too. From here on the session counts as closing.
//
// ZooKeeper does not take the nodes from their parents' pending child counts,
// so that a delete of the parent right behind fails there; here it succeeds.
func (p *Prep) closeSession(id wire.SessionID, txn *wire.Txn) {
	txn.Type = wire.OpCloseSession
	p.paths = emptied(p.paths)
	for r := range p.tree.Ephemerals(id) {
		path := p.tree.Path(r)
		if c := p.pending.byPath.find(path, p.tree.Hash(path)); c == nil || c.ownedBy(id) {
			p.paths = append(p.paths, path)
		}
	}
	ring := &p.pending.ephemerals
	for c := ring.next; c != ring; c = c.next {
		if c.ownedBy(id) && !p.committed(c, id) {
			p.paths = append(p.paths, c.path)
		}
	}
	slices.Sort(p.paths)
	for i, path := range p.paths {
		// The change's path lives until the transaction has been applied.
		p.paths[i] = p.removeOwned(path).path
	}
	if p.config.CloseSessionTxn {
		txn.Paths = p.paths
		if txn.Paths == nil {
			txn.Paths = []string{} // an empty list, not none
		}
	}
	if s := p.sessions.Get(id); s != nil {
		p.sessions.SetClosing(s)
	}
}

// ownedBy tells whether a pending node is an ephemeral of the session.
func (c *change) ownedBy(id wire.SessionID) bool {
	return c.exists && c.Owner == int64(id)
}

// committed tells whether the tree lists the node among the session's already.
func (p *Prep) committed(c *change, id wire.SessionID) bool {
	r := p.tree.Find(c.path)
	return r != 0 && p.tree.Node(r).Owner == int64(id)
}

func (p *Prep) removeOwned(path string) *change {
	parentPath, _ := splitPath(path)
	if parent := p.find(parentPath, &p.parentSlot); parent.exists {
		p.removeChild(parent)
	}
	return p.remove(p.find(path, &p.nodeSlot))
}
