package tree

import "kafkacoord/coord/wire"

// ShowList puts the list of servers of an ensemble into the znode that clients
// read it from. That is no transaction: every server does so for itself, no digest
// counts it, and the zxid of the tree stays. version is that of the list, now the
// time in ms since 1970. A list that is shown already stays as it is.
//
// ZooKeeper: ZKDatabase.java initConfigInZKDatabase.
func (t *Tree) ShowList(list string, version wire.Zxid, now wire.Millis) {
	r := t.Find(wire.ConfigPath)
	if r == 0 || string(t.Data(r)) == list {
		return
	}
	n := t.rec.mutable(r)
	t.replaceData(n, []byte(list))
	n.Version, n.Mzxid, n.Mtime = -1, version, now
}
