package tree

import "kafkacoord/coord/wire"

// Change is one effect of an applied transaction that watchers may hear of.
// Path and the lists are valid until the next Apply unless copied.
type Change struct {
	Type wire.EventType // NodeCreated, NodeDeleted or NodeDataChanged
	Path string         // of the node; "/" for the root
	// ACL is the node's list: the new one after a create, the last one of a
	// deleted node. Event delivery is filtered by its READ permission.
	ACL []wire.ACL
	// ParentACL is the parent's list (create and delete), for the
	// NodeChildrenChanged event that goes with the change.
	ParentACL []wire.ACL
}
