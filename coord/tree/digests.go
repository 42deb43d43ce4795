package tree

import "kafkacoord/coord/wire"

// Bounds of the digests that a tree remembers (ZooKeeper: DataTree.java
// DIGEST_LOG_INTERVAL, DIGEST_LOG_LIMIT).
const (
	digestEvery = 128
	digestsMax  = 1024
)

// DigestAt is the digest of the whole tree after a transaction.
type DigestAt struct {
	Zxid   wire.Zxid
	Digest uint64
}

// Digests are those after the transactions whose zxid is a multiple of 128,
// the last 1024 of them, oldest first: servers of an ensemble are compared by
// them. The slice is valid until the next Apply. It is empty when the tree was
// told not to keep a digest.
func (t *Tree) Digests() []DigestAt { return t.digests }

// ForgetDigests drops the remembered digests. A replay onto a fuzzy snapshot
// goes through states that no server ever was in, until it has reached the last
// transaction that the snapshot shows.
func (t *Tree) ForgetDigests() { t.digests = t.digests[:0] }

// moveTo ends a transaction: only when all of it is applied, and never
// backwards (ZOOKEEPER-3127).
func (t *Tree) moveTo(zxid wire.Zxid) {
	if zxid <= t.zxid {
		return
	}
	t.zxid = zxid
	if !t.options.Digest || zxid%digestEvery != 0 {
		return
	}
	if len(t.digests) == digestsMax {
		t.digests = append(t.digests[:0], t.digests[1:]...)
	}
	t.digests = append(t.digests, DigestAt{Zxid: zxid, Digest: t.digest})
}
