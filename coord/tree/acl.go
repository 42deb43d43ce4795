package tree

import (
	"slices"

	"kafkacoord/coord/wire"
)

// aclKey names an interned list. Key 0 is the list of the built-in nodes
// (world:anyone, all), which snapshots write as -1 and never list.
type aclKey uint32

const (
	aclBuiltIn aclKey = 0
	// aclOpen is world:anyone with all permissions given explicitly.
	aclOpen aclKey = 1
)

// aclMissing stands for a list that a snapshot refers to but does not have; it
// allows nothing until replay repairs the node.
var aclMissing = []wire.ACL{{Perms: 0, ID: wire.AnyoneID}}

type aclEntry struct {
	acl  []wire.ACL
	refs int
}

// aclTable interns lists: equal lists share one entry.
type aclTable struct {
	entries []aclEntry
	keys    map[string]aclKey // by encoded list
	free    []aclKey
	scratch []byte
}

func newACLTable() aclTable {
	t := aclTable{keys: make(map[string]aclKey)}
	t.entries = []aclEntry{{acl: wire.OpenACL, refs: 1}, {acl: wire.OpenACL, refs: 1}}
	t.keys[string(wire.AppendACLs(nil, wire.OpenACL))] = aclOpen
	return t
}

func isOpen(acl []wire.ACL) bool {
	return len(acl) == 1 && acl[0].Perms == wire.PermAll && acl[0].ID == wire.AnyoneID
}

// intern returns the key of a list and takes a reference to it. The list is
// copied.
func (t *aclTable) intern(acl []wire.ACL) aclKey {
	if isOpen(acl) {
		t.entries[aclOpen].refs++
		return aclOpen
	}
	t.scratch = wire.AppendACLs(t.scratch[:0], acl)
	if k, ok := t.keys[string(t.scratch)]; ok {
		t.entries[k].refs++
		return k
	}
	e := aclEntry{acl: cloneACL(acl), refs: 1}
	var k aclKey
	if n := len(t.free); n > 0 {
		k = t.free[n-1]
		t.free = t.free[:n-1]
		t.entries[k] = e
	} else {
		k = aclKey(len(t.entries))
		t.entries = append(t.entries, e)
	}
	t.keys[string(t.scratch)] = k
	return k
}

func cloneACL(acl []wire.ACL) []wire.ACL {
	out := slices.Clone(acl)
	for i := range out {
		out[i].ID.Scheme = string([]byte(out[i].ID.Scheme))
		out[i].ID.ID = string([]byte(out[i].ID.ID))
	}
	return out
}

func (t *aclTable) release(k aclKey) {
	if k == aclBuiltIn {
		return
	}
	e := &t.entries[k]
	e.refs--
	if e.refs > 0 || k == aclOpen {
		return
	}
	t.scratch = wire.AppendACLs(t.scratch[:0], e.acl)
	delete(t.keys, string(t.scratch))
	*e = aclEntry{}
	t.free = append(t.free, k)
}
