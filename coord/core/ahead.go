package core

import (
	"encoding/binary"
	"unsafe"

	"kafkacoord/coord/wire"
)

// aheadStep is how many transactions are looked ahead of at once.
const aheadStep = 32

// lookAhead has the tree load the nodes that the requests of a batch name; see
// tree.LookAhead. It need not understand them: almost every request begins with
// a path, and a wrong guess does no harm.
func (c *Core) lookAhead(frames []byte) {
	const head = 4 + wire.RequestHeaderSize
	for len(frames) > head+4 {
		length := 4 + int(binary.BigEndian.Uint32(frames))
		pathLength := int(binary.BigEndian.Uint32(frames[head:]))
		if length > len(frames) || length < head+4 || pathLength < 1 || pathLength > length-head-4 {
			break
		}
		if !c.tree.Ahead(unsafe.String(&frames[head+4], pathLength)) {
			break
		}
		frames = frames[length:]
	}
	c.tree.LookAhead()
}

// lookAheadInflight does the same for the transactions to be applied next.
func (c *Core) lookAheadInflight() {
	next := c.inflight.items[c.inflight.head:]
	for i := range next[:min(len(next), aheadStep)] {
		c.tree.AheadNode(next[i].known.Node)
	}
	c.tree.LookAhead()
}
