package wire

import (
	"encoding/binary"
	"errors"
)

// ErrTooLong is returned for a packet that is longer than the reader allows. The
// limit follows jute.maxbuffer, which must be the same on all servers.
var ErrTooLong = errors.New("wire: packet longer than the limit")

// packetHeaderSize is what stands before a packet's data: type, zxid and the
// length of the data.
const packetHeaderSize = 16

// AppendPacket appends a packet as it stands on the quorum port, where nothing
// frames it (ZooKeeper: zookeeper.jute, QuorumPacket):
//
//	i32 type, i64 zxid, buffer data, vector of {string scheme, string id}
func AppendPacket(dst []byte, p *Packet) []byte {
	dst = AppendInt(dst, int32(p.Type))
	dst = AppendLong(dst, int64(p.Zxid))
	dst = AppendBuffer(dst, p.Data)
	if p.IDs == nil {
		return AppendInt(dst, -1)
	}
	dst = AppendInt(dst, int32(len(p.IDs)))
	for _, id := range p.IDs {
		dst = AppendString(dst, id.Scheme)
		dst = AppendString(dst, id.ID)
	}
	return dst
}

// PacketSize returns the length in bytes of the packet that b begins with. When
// b does not hold all of it, the result is larger than len(b): a number of bytes
// that are certainly needed before it is worth to ask again. The data, and the
// identities together, may take at most limit bytes each; more is ErrTooLong.
func PacketSize(b []byte, limit int) (int, error) {
	if len(b) < packetHeaderSize {
		return packetHeaderSize, nil
	}
	size, err := skipField(b, packetHeaderSize-4, limit)
	if err != nil {
		return 0, err
	}
	size += 4
	if size > len(b) {
		return size, nil
	}
	count := int(int32(binary.BigEndian.Uint32(b[size-4:])))
	if count > limit/8 {
		return 0, ErrTooLong
	}
	identities := size
	for range 2 * max(count, 0) {
		if size+4 > len(b) {
			return size + 4, nil
		}
		if size, err = skipField(b, size, limit); err != nil {
			return 0, err
		}
		if size-identities > limit {
			return 0, ErrTooLong
		}
	}
	return size, nil
}

// skipField returns where the buffer or string that begins at off ends, possibly
// behind the end of b. Its length must be in b.
func skipField(b []byte, off, limit int) (int, error) {
	n := int(int32(binary.BigEndian.Uint32(b[off:])))
	switch {
	case n < -1:
		return 0, ErrMalformed
	case n > limit:
		return 0, ErrTooLong
	}
	return off + 4 + max(n, 0), nil
}

// DecodePacket reads the packet that b begins with into p and returns its
// length. Data and identities alias b.
func DecodePacket(b []byte, p *Packet) (int, error) {
	d := NewDecoder(b)
	*p = Packet{Type: PacketType(d.Int()), Zxid: Zxid(d.Long()), Data: d.Buffer()}
	if n := d.Count(8); n >= 0 {
		p.IDs = make([]ID, 0, n)
		for range n {
			scheme, _ := d.StringOrNull()
			id, _ := d.StringOrNull()
			p.IDs = append(p.IDs, ID{Scheme: scheme, ID: id})
		}
	}
	if err := d.Err(); err != nil {
		*p = Packet{}
		return 0, err
	}
	return d.Offset(), nil
}
