package tree

import (
	"errors"
	"fmt"
	"strings"

	"kafkacoord/coord/wire"
)

// Loader builds a tree from the content of a snapshot: lists first, then nodes,
// every parent before its children.
type Loader struct {
	tree *Tree
	keys map[int64]aclKey

	lastParentPath []byte // of the node before: siblings often come together
	lastParent     Ref
	sawRoot        bool
}

// NewLoader returns a loader of an empty tree.
func NewLoader(o Options) *Loader {
	return &Loader{tree: empty(o), keys: map[int64]aclKey{-1: aclBuiltIn}}
}

// ACL adds a list under the key by which nodes refer to it.
func (l *Loader) ACL(key int64, acl []wire.ACL) {
	if key == -1 {
		return
	}
	if old, ok := l.keys[key]; ok {
		l.tree.acls.release(old)
	}
	l.keys[key] = l.tree.acls.intern(acl)
}

// Node adds a node. It fails when its parent is not there or the node already
// is. The node's path and data are copied.
func (l *Loader) Node(n *SnapshotNode) error {
	key, ok := l.keys[n.ACL]
	if !ok {
		// A fuzzy snapshot may refer to a list it lacks; replay repairs it.
		key = l.tree.acls.intern(aclMissing)
		l.keys[n.ACL] = key
	}
	l.tree.acls.entries[key].refs++
	fields := Fields{
		Czxid: n.Czxid, Mzxid: n.Mzxid, Pzxid: n.Pzxid, Ctime: n.Ctime, Mtime: n.Mtime,
		Version: n.Version, Cversion: n.Cversion, Aversion: n.Aversion, Owner: n.Owner,
	}
	if n.Path == "" {
		return l.root(n, key, &fields)
	}
	slash := strings.LastIndexByte(n.Path, '/')
	if slash < 0 {
		return fmt.Errorf("tree: node %q has no parent path", n.Path)
	}
	if l.lastParent == 0 || n.Path[:slash] != string(l.lastParentPath) {
		l.lastParent = l.tree.parentOf(n.Path)
		if l.lastParent == 0 {
			return fmt.Errorf("tree: node %q comes before its parent", n.Path)
		}
		l.lastParentPath = append(l.lastParentPath[:0], n.Path[:slash]...)
	}
	if l.tree.Find(n.Path) != 0 {
		return fmt.Errorf("tree: node %q comes twice", n.Path)
	}
	l.tree.add(n.Path, l.lastParent, n.Data, key, &fields)
	return nil
}

func (l *Loader) root(n *SnapshotNode, key aclKey, fields *Fields) error {
	if l.sawRoot {
		return errors.New("tree: the root comes twice")
	}
	l.sawRoot = true
	t := l.tree
	rec := t.rec.mutable(root)
	fields.NumChildren = rec.NumChildren
	rec.Fields = *fields
	rec.acl = key
	t.setBlob(rec, "", n.Data)
	t.dataSize += int64(len(n.Data))
	t.enterDigest(rec, "", n.Data)
	return nil
}

// Finish completes the tree: built-in nodes that an old snapshot lacks, quotas,
// and the zxid the snapshot stands for. The loader is spent.
func (l *Loader) Finish(zxid wire.Zxid) (*Tree, error) {
	t := l.tree
	if !l.sawRoot {
		return nil, errors.New("tree: the snapshot has no root")
	}
	for key, k := range l.keys {
		if key != -1 {
			t.acls.release(k) // the loader's own reference
		}
	}
	reserved := t.Find(wire.ReservedPath)
	if reserved == 0 {
		reserved = t.add(wire.ReservedPath, root, []byte{}, aclBuiltIn, &Fields{})
	}
	if t.Find(wire.QuotaPath) == 0 {
		t.add(wire.QuotaPath, reserved, []byte{}, aclBuiltIn, &Fields{})
	}
	if t.Find(wire.ConfigPath) == 0 {
		t.addConfigNode(reserved)
	}
	t.restoreQuotas()
	t.zxid = zxid
	l.tree = nil
	return t, nil
}
