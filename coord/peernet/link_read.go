package peernet

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"kafkacoord/coord/wire"
)

// readBytes is how much one read of a link takes, unless a packet is larger.
const readBytes = 64 << 10

// meteredReader counts what is read.
type meteredReader struct {
	source io.Reader
	bytes  *traffic
}

func (m *meteredReader) Read(b []byte) (int, error) {
	n, err := m.source.Read(b)
	m.bytes.add(0, n)
	return n, err
}

// packetReader cuts packets out of a stream. What has been read and not been taken
// is buffer[start:end].
type packetReader struct {
	source     io.Reader
	limit      int // bytes of a packet's data
	buffer     []byte
	start, end int
}

func newPacketReader(source io.Reader, limit int) packetReader {
	return packetReader{source: source, limit: limit}
}

func (r *packetReader) buffered() []byte { return r.buffer[r.start:r.end] }

// fill reads once, with room for need bytes from start on.
func (r *packetReader) fill(need int) error {
	kept := r.buffered()
	if need > len(r.buffer) {
		r.replace(max(need, readBytes))
	} else if r.start > 0 {
		copy(r.buffer, kept)
		r.start, r.end = 0, len(kept)
	}
	n, err := r.source.Read(r.buffer[r.end:])
	r.end += n
	if n > 0 {
		return nil // an error will come again
	}
	return err
}

// replace moves what is buffered into a new buffer.
func (r *packetReader) replace(size int) {
	kept := r.buffered()
	r.buffer = make([]byte, max(size, len(kept)))
	r.start, r.end = 0, copy(r.buffer, kept)
}

// first reads until the first packet is whole, or is seen not to be a learner's,
// and returns what is there. It takes nothing.
func (r *packetReader) first(limit int) ([]byte, error) {
	for {
		there := r.buffered()
		if len(there) >= 4 && !beginsLikeLearner(there) {
			return there, nil
		}
		size, err := wire.PacketSize(there, limit)
		if err != nil || size <= len(there) {
			return there, err
		}
		if err := r.fill(size); err != nil {
			return there, err
		}
	}
}

// batch is a run of packets at the front of the buffer.
type batch struct {
	bytes, packets int
	// snapshot: it is one SNAP packet, with the snapshot behind it.
	snapshot bool
	// need is how many bytes the packet after it takes at least; 0: unknown.
	need int
}

// cut finds the whole packets that are buffered, up to a SNAP packet. With an
// error come the packets before the one at fault.
func (r *packetReader) cut() (b batch, err error) {
	for {
		rest := r.buffered()[b.bytes:]
		size, err := wire.PacketSize(rest, r.limit)
		switch {
		case err != nil:
			return b, err
		case size > len(rest):
			b.need = size
			return b, nil
		}
		if wire.PacketType(binary.BigEndian.Uint32(rest)) == wire.PacketSnap {
			if b.packets == 0 {
				b = batch{bytes: size, packets: 1, snapshot: true}
			}
			return b, nil
		}
		b.bytes += size
		b.packets++
	}
}

// take takes a batch out of the buffer. The packets own their memory: a copy, or
// the buffer itself when most of it is theirs.
func (r *packetReader) take(b batch) ([]wire.Packet, error) {
	from := r.buffered()[:b.bytes:b.bytes]
	r.start += b.bytes
	if len(from) > len(r.buffer)/2 {
		r.replace(readBytes)
	} else {
		from = bytes.Clone(from)
	}
	packets := make([]wire.Packet, b.packets)
	for i := range packets {
		size, err := wire.DecodePacket(from, &packets[i])
		if err != nil {
			return nil, err
		}
		from = from[size:]
	}
	return packets, nil
}

// divert gives the stream away from behind what was taken; resume takes it back.
func (r *packetReader) divert() io.Reader {
	left := bytes.NewReader(r.buffered())
	r.buffer, r.start, r.end = nil, 0, 0
	return io.MultiReader(left, r.source)
}

func (r *packetReader) resume(rest io.Reader) { r.source = rest }

// read hands over packets until the link ends, and says why it did.
func (c *link) read() error {
	handler := c.links.handler
	for {
		b, failure := c.in.cut()
		if b.packets == 0 {
			if failure == nil {
				failure = c.in.fill(b.need)
			}
			if failure != nil {
				return c.whyEnded(failure)
			}
			continue
		}
		packets, err := c.in.take(b)
		if err != nil {
			return c.whyEnded(err)
		}
		c.received.add(b.packets, 0)
		switch {
		case c.ended():
			return errLinkEnded
		case !b.snapshot:
			handler.Packets(c.id, packets)
		default:
			snapshot, err := c.readSnapshot(packets[0].Zxid)
			if err != nil {
				return err
			}
			if c.ended() {
				return errLinkEnded
			}
			handler.Snapshot(c.id, packets[0], snapshot)
		}
	}
}

// readSnapshot reads what follows a SNAP packet.
func (c *link) readSnapshot(zxid wire.Zxid) (any, error) {
	read := c.links.options.ReadSnapshot
	if read == nil || c.snapshotTaken {
		return nil, errors.New("it sent a snapshot where none may come")
	}
	c.snapshotTaken = true
	snapshot, rest, err := read(c.id, c.in.divert(), zxid)
	if err != nil {
		return nil, fmt.Errorf("receive the snapshot of %s: %w", zxid, err)
	}
	c.in.resume(rest)
	return snapshot, nil
}

// whyEnded says in words why nothing more can be read.
func (c *link) whyEnded(err error) error {
	if !errors.Is(err, wire.ErrMalformed) && !errors.Is(err, wire.ErrTooLong) {
		return ended(err)
	}
	c.links.refusals.add(RefusedPacket, "closing link: a packet that cannot be read", "server", c.peer, "address", c.remote,
		"error", err, "limit", c.in.limit, "hint", "jute.maxbuffer must be the same on all servers")
	return err
}
