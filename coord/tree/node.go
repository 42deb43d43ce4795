package tree

import (
	"hash/crc32"
	"strings"

	"kafkacoord/coord/wire"
)

// Ref names a node; 0 is none. It is valid until the node is deleted.
type Ref uint32

// Node is a znode's record, 96 bytes without a pointer, so that the garbage
// collector does not look inside. Callers outside this package only read it,
// and only until the next Apply.
type Node struct {
	Fields
	acl      aclKey
	blob     blobRef // name, then data
	dataLen  int32   // -1: null data
	name     uint32  // length of the name; nameFree, nameUndigested
	parent   Ref
	kids     uint32 // meaning by NumChildren: see children.go
	position uint32 // index in the parent's child list
	digest   uint32 // the node's share of the tree digest; 0 when left out of it
}

// Fields are the numbers that a node stores. All but the number of children
// enter its digest.
type Fields struct {
	Czxid, Mzxid, Pzxid wire.Zxid
	Ctime, Mtime        wire.Millis
	// Owner is the stored ephemeralOwner: 0, a session, or an encoded kind
	// (ContainerOwner, TTLOwner).
	Owner    int64
	Version  int32
	Cversion int32 // the stored counter: children ever created
	Aversion int32
	// NumChildren is the current number of children.
	NumChildren int32
}

const (
	// nameUndigested marks nodes below /zookeeper/, which the digest leaves out.
	nameUndigested uint32 = 1 << 31
	// nameFree marks a record that holds no node.
	nameFree uint32 = 1<<32 - 1
	nameMask uint32 = 1<<31 - 1
)

func (n *Node) nameLen() int { return int(n.name & nameMask) }

// DataLength is the length of the data in bytes; 0 for null data.
func (n *Node) DataLength() int32 { return max(n.dataLen, 0) }

// NodeDigest is a node's share of the tree digest (version 2): CRC-32 over path
// (the root's is empty), data and fields. Callers leave out the nodes that
// Undigested names. ZooKeeper: DigestCalculator.java.
func NodeDigest(path string, data []byte, f *Fields) uint32 {
	if path == "/" {
		path = ""
	}
	crc := crc32.Update(crc32.ChecksumIEEE(stringAsBytes(path)), crc32.IEEETable, data)
	return ^fieldsCRC(^crc, f)
}

// FieldsDelta is what a node digest changes by when fields change, taken twice:
// a digest combined by exclusive or with the delta of the fields before and with
// that of the fields after is the digest of the node as it is now. CRC-32 is
// linear, so neither path nor data is needed.
func FieldsDelta(f *Fields) uint32 { return fieldsCRC(0, f) }

// fieldsCRC continues the complement of a CRC with the fields as the digest
// covers them: 60 bytes.
func fieldsCRC(crc uint32, f *Fields) uint32 {
	crc = crcLong(crc, uint64(f.Czxid))
	crc = crcLong(crc, uint64(f.Mzxid))
	crc = crcLong(crc, uint64(f.Pzxid))
	crc = crcLong(crc, uint64(f.Ctime))
	crc = crcLong(crc, uint64(f.Mtime))
	crc = crcLong(crc, uint64(uint32(f.Version))<<32|uint64(uint32(f.Cversion)))
	crc = crcLong(crc, uint64(uint32(f.Aversion))<<32|uint64(f.Owner)>>32)
	return crcInt(crc, uint32(f.Owner))
}

// Undigested tells whether the digest leaves a path out: all below /zookeeper/.
func Undigested(path string) bool {
	return strings.HasPrefix(path, wire.ReservedPath+"/")
}

// Stored ephemeralOwner encodings (ZooKeeper: EphemeralType.java).
const (
	// ContainerOwner marks a container node.
	ContainerOwner int64 = -1 << 63
	ttlOwnerPrefix int64 = -1 << 56 // 0xFF in the top byte
	// MaxTTL is the longest TTL in ms that fits the encoding.
	MaxTTL int64 = 1<<40 - 1
)

// TTLOwner encodes a time to live in ms (1 to MaxTTL) as an owner.
func TTLOwner(ttl int64) int64 { return ttlOwnerPrefix | ttl }

// Kind is what an owner says of its node.
type Kind uint8

// Kinds of znodes.
const (
	Persistent Kind = iota
	Ephemeral
	Container
	TTL
)

// KindOf classifies a stored owner. With extended types off a TTL-encoded owner
// is an ordinary session id, as in ZooKeeper.
func KindOf(owner int64, extendedTypes bool) Kind {
	switch {
	case owner == 0:
		return Persistent
	case owner == ContainerOwner:
		return Container
	case extendedTypes && uint64(owner)>>40 == 0xff0000:
		return TTL
	default:
		return Ephemeral
	}
}

// TTLOf returns the time to live in ms that a TTL owner encodes.
func TTLOf(owner int64) int64 { return owner & MaxTTL }
