package prep

import (
	"unsafe"

	"kafkacoord/coord/tree"
	"kafkacoord/coord/wire"
)

// state is what a request's validation needs to know of a node, and what its
// digest is computed from. A node that a pending transaction deletes has a state
// too, with exists false.
type state struct {
	tree.Fields // as the tree will store them
	// ref is where the tree has the node; 0 when it is pending that there is one.
	ref tree.Ref
	// sequence is the number of the next sequential child. It is the stored
	// cversion until that sticks at its maximum: then it goes on, wrapping, for
	// as long as changes of the node are pending, as in ZooKeeper.
	sequence   int32
	dataLength int32
	digest     uint32 // 0 when the digest leaves the node out, or is off
	exists     bool
	open       bool       // the list is world:anyone, all
	acl        []wire.ACL // unless open; immutable
}

// change is the state of a node after the last pending transaction that
// touches it.
type change struct {
	state
	path string // aliases key
	key  []byte
	hash uint32    // of path, the tree's
	zxid wire.Zxid // of that transaction

	chained *change // the next one in its chain of changes

	// Ring of the pending nodes that a session owns; nil when not in it.
	next, previous *change
}

// touch says that a transaction changes a node. The change's own zxid is that
// of its last touch.
type touch struct {
	zxid   wire.Zxid
	change *change
}

// undo takes back the first touch of a change by the multi under way.
type undo struct {
	change *change
	before state
	zxid   wire.Zxid
	fresh  bool // there was no change before
	owned  bool // it was in the ring of nodes owned by sessions
}

const (
	// freeChangesMax bounds the changes kept for reuse, about 300 bytes each.
	freeChangesMax = 4096
	// keyKeptBytesMax bounds the memory for a path that such a change keeps.
	keyKeptBytesMax = 512
	// listKeptMax bounds the lists that are kept from one call to the next, in
	// entries: the nodes touched by a multi, the nodes of a closed session.
	listKeptMax = 4096
	// pendingShrink is the size from which the index and the queue are given
	// back once empty.
	pendingShrink = 1 << 16
)

// pending holds the changes of transactions that are not yet in the tree. In
// steady state it allocates nothing.
type pending struct {
	byPath changes

	// queue is a ring of touches in zxid order; its length is a power of two.
	queue      []touch
	head, tail uint // tail - head touches; both only grow

	ephemerals change // head of the ring of nodes owned by sessions
	free       []*change

	inMulti bool
	undos   []undo
	mark    uint // tail when the multi began
}

func (p *pending) reset() {
	*p = pending{byPath: newChanges(), queue: make([]touch, 64)}
	p.ephemerals.next, p.ephemerals.previous = &p.ephemerals, &p.ephemerals
}

func (p *pending) empty() bool { return p.head == p.tail }

// touch records that transaction z changes a node and returns its change to be
// modified.
func (p *pending) touch(z wire.Zxid, n *node) *change {
	c := n.change
	fresh := c == nil
	if fresh {
		c = p.take(n.path)
		c.state, c.hash = *n.state, n.hash
		p.byPath.add(c)
	}
	if c.zxid == z && !fresh {
		return c
	}
	if p.inMulti {
		p.undos = append(p.undos, undo{c, c.state, c.zxid, fresh, c.next != nil})
	}
	c.zxid = z
	p.push(touch{zxid: z, change: c})
	return c
}

// take returns an unused change for path, which it copies.
func (p *pending) take(path string) *change {
	var c *change
	if n := len(p.free); n > 0 {
		c = p.free[n-1]
		p.free = p.free[:n-1]
	} else {
		c = &change{}
	}
	c.key = append(c.key[:0], path...)
	// The key is not written to again before the change has left the table.
	c.path = unsafe.String(unsafe.SliceData(c.key), len(c.key))
	c.zxid = 0
	return c
}

// give takes a change out of the index and keeps it for reuse.
func (p *pending) give(c *change) {
	p.byPath.remove(c)
	c.unlink()
	c.acl = nil
	if len(p.free) >= freeChangesMax {
		return
	}
	if cap(c.key) > keyKeptBytesMax {
		c.key = nil // whoever still reads the path keeps the memory alive
	}
	p.free = append(p.free, c)
}

func (p *pending) push(t touch) {
	if p.tail-p.head == uint(len(p.queue)) {
		larger := make([]touch, 2*len(p.queue))
		for i := p.head; i != p.tail; i++ {
			larger[i%uint(len(larger))] = p.queue[i%uint(len(p.queue))]
		}
		p.queue = larger
	}
	p.queue[p.tail%uint(len(p.queue))] = t
	p.tail++
}

// drop removes the changes whose last touch is not after z.
func (p *pending) drop(z wire.Zxid) {
	for p.head != p.tail {
		t := &p.queue[p.head%uint(len(p.queue))]
		if t.zxid > z {
			return
		}
		if t.change.zxid == t.zxid {
			p.give(t.change)
		}
		t.change = nil
		p.head++
	}
	if len(p.queue) > pendingShrink {
		p.reset()
	}
}

// own puts the change into the ring of nodes owned by sessions, or takes it
// out. It must be called whenever existence or owner of a change has changed.
func (p *pending) own(c *change, owned bool) {
	switch {
	case !owned:
		c.unlink()
	case c.next == nil:
		last := p.ephemerals.previous
		c.previous, c.next = last, &p.ephemerals
		last.next, p.ephemerals.previous = c, c
	}
}

func (c *change) unlink() {
	if c.next == nil {
		return
	}
	c.previous.next, c.next.previous = c.next, c.previous
	c.next, c.previous = nil, nil
}

// begin opens a multi: from here on changes can be taken back.
func (p *pending) begin() { p.inMulti, p.mark = true, p.tail }

// commit closes a multi.
func (p *pending) commit() {
	p.inMulti = false
	p.undos = emptied(p.undos)
}

// rollback takes back all that the multi under way has done so far.
func (p *pending) rollback() {
	for ; p.tail != p.mark; p.tail-- {
		p.queue[(p.tail-1)%uint(len(p.queue))].change = nil
	}
	for i := len(p.undos) - 1; i >= 0; i-- {
		u := &p.undos[i]
		if u.fresh {
			p.give(u.change)
			continue
		}
		u.change.state, u.change.zxid = u.before, u.zxid
		p.own(u.change, u.owned)
	}
}

// emptied returns a list for reuse, or nil when it has grown too large to keep.
func emptied[T any](list []T) []T {
	if cap(list) > listKeptMax {
		return nil
	}
	clear(list)
	return list[:0]
}
