package prep

import (
	"encoding/binary"
	"hash/crc32"

	"kafkacoord/coord/tree"
)

// digestFieldsSize is the length in bytes of the stored fields as the digest of
// a node covers them after path and data.
const digestFieldsSize = 60

// digestOf computes a node's share of the tree digest from its fields and the
// CRC of its path and data; 0 for nodes that the digest leaves out. It is
// tree.FieldsDigest over a state, with memory of p.
// ZooKeeper: DigestCalculator.java.
func (p *Prep) digestOf(path string, n *state) uint32 {
	if tree.Undigested(path) {
		return 0
	}
	f := &p.fields
	binary.BigEndian.PutUint64(f[0:], uint64(n.czxid))
	binary.BigEndian.PutUint64(f[8:], uint64(n.mzxid))
	binary.BigEndian.PutUint64(f[16:], uint64(n.pzxid))
	binary.BigEndian.PutUint64(f[24:], uint64(n.ctime))
	binary.BigEndian.PutUint64(f[32:], uint64(n.mtime))
	binary.BigEndian.PutUint32(f[40:], uint32(n.version))
	binary.BigEndian.PutUint32(f[44:], uint32(n.cversion))
	binary.BigEndian.PutUint32(f[48:], uint32(n.aversion))
	binary.BigEndian.PutUint64(f[52:], uint64(n.owner))
	return crc32.Update(n.crc, crc32.IEEETable, f[:])
}

// newData notes the data that a change gives its node. Only the CRC is kept:
// the digest's remaining bytes continue from it.
func (p *Prep) newData(c *change, data []byte) {
	c.dataLength = int32(len(data))
	if !p.config.Digest || tree.Undigested(c.path) {
		return
	}
	c.crc = 0
	if c.path != "/" { // the root's path is hashed as empty
		c.crc = crc32.ChecksumIEEE(c.key)
	}
	c.crc = crc32.Update(c.crc, crc32.IEEETable, data)
}

// changed brings the predicted digests up to date after a change.
func (p *Prep) changed(c *change) {
	if !p.config.Digest {
		return
	}
	before := c.digest
	c.digest = 0
	if c.exists {
		c.digest = p.digestOf(c.path, &c.state)
	}
	p.digest += uint64(c.digest) - uint64(before)
}
