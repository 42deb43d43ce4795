package prep

import "kafkacoord/coord/tree"

// newData gives a changed node its new data, of which only the digest remains.
func (p *Prep) newData(c *change, data []byte) {
	c.dataLength = int32(len(data))
	if p.digested(c) {
		p.newDigest(c, tree.NodeDigest(c.path, data, &c.Fields))
	}
}

// newFields changes fields of a node that keeps its data.
func (p *Prep) newFields(c *change, f tree.Fields) {
	if p.digested(c) {
		p.newDigest(c, c.digest^tree.FieldsDelta(&c.Fields)^tree.FieldsDelta(&f))
	}
	c.Fields = f
}

func (p *Prep) digested(c *change) bool { return p.config.Digest && !tree.Undigested(c.path) }

// newDigest replaces the digest of a node, 0 for one that is gone, and brings
// the predicted digest of the tree up to date.
func (p *Prep) newDigest(c *change, digest uint32) {
	p.digest += uint64(digest) - uint64(c.digest)
	c.digest = digest
}
