package wire

import (
	"encoding/binary"
	"errors"
	"unicode/utf8"
	"unsafe"
)

// ErrMalformed is what every decoder returns for bytes that are not the record
// they should be: too short, a negative length, a null where none may be.
var ErrMalformed = errors.New("wire: malformed record")

// Decoder reads jute primitives from a byte slice. After the first failure all
// further reads return zero values; Err reports it once at the end.
//
// Strings and buffers alias the input unless Clone is set: they are valid as
// long as the caller leaves the input unchanged.
type Decoder struct {
	Clone bool // copy strings and buffers out of the input

	buf []byte
	off int
	bad bool
}

// NewDecoder returns a decoder over buf that aliases it.
func NewDecoder(buf []byte) Decoder { return Decoder{buf: buf} }

// Err returns ErrMalformed when any read so far failed.
func (d *Decoder) Err() error {
	if d.bad {
		return ErrMalformed
	}
	return nil
}

// Fail marks the record as malformed, for rules that the caller checks.
func (d *Decoder) Fail() { d.bad = true }

// Rest returns what has not been read.
func (d *Decoder) Rest() []byte {
	if d.bad {
		return nil
	}
	return d.buf[d.off:]
}

// Offset is the number of bytes read.
func (d *Decoder) Offset() int { return d.off }

func (d *Decoder) take(n int) []byte {
	if d.bad || n > len(d.buf)-d.off {
		d.bad = true
		return nil
	}
	b := d.buf[d.off : d.off+n : d.off+n]
	d.off += n
	return b
}

// Byte reads one byte.
func (d *Decoder) Byte() byte {
	if b := d.take(1); b != nil {
		return b[0]
	}
	return 0
}

// Bool reads a boolean; any byte but 0 is true.
func (d *Decoder) Bool() bool { return d.Byte() != 0 }

// Int reads a big-endian int32.
func (d *Decoder) Int() int32 {
	if b := d.take(4); b != nil {
		return int32(binary.BigEndian.Uint32(b))
	}
	return 0
}

// Long reads a big-endian int64.
func (d *Decoder) Long() int64 {
	if b := d.take(8); b != nil {
		return int64(binary.BigEndian.Uint64(b))
	}
	return 0
}

// Buffer reads a byte buffer; a null one is nil, an empty one is not.
func (d *Decoder) Buffer() []byte {
	n := d.Int()
	if d.bad || n == -1 {
		return nil
	}
	if n < 0 {
		d.bad = true
		return nil
	}
	b := d.take(int(n))
	if b == nil {
		if d.bad {
			return nil
		}
		b = []byte{}
	}
	if d.Clone {
		return append(make([]byte, 0, len(b)), b...)
	}
	return b
}

// StringOrNull reads a string and tells whether there was one. Malformed UTF-8
// is replaced by U+FFFD, as Java does.
func (d *Decoder) StringOrNull() (string, bool) {
	n := d.Int()
	if d.bad || n == -1 {
		return "", false
	}
	if n < 0 {
		d.bad = true
		return "", false
	}
	b := d.take(int(n))
	if len(b) == 0 {
		return "", !d.bad
	}
	if d.Clone {
		return TextOf(b), true
	}
	s := unsafe.String(&b[0], len(b))
	if !utf8.ValidString(s) {
		s = replaceMalformed(s)
	}
	return s, true
}

// String reads a string that must not be null.
func (d *Decoder) String() string {
	s, ok := d.StringOrNull()
	if !ok {
		d.bad = true
	}
	return s
}

// Count reads a vector's count, bounded by what the rest of the input can hold
// when each element takes at least elementMin bytes. A null vector is -1; other
// negative counts read as 0, as in ZooKeeper.
func (d *Decoder) Count(elementMin int) int {
	n := d.Int()
	switch {
	case d.bad:
		return 0
	case n == -1:
		return -1
	case n < 0:
		return 0
	case int(n) > (len(d.buf)-d.off)/elementMin:
		d.bad = true
		return 0
	}
	return int(n)
}

// Strings reads a vector of strings; a null vector is nil.
func (d *Decoder) Strings() []string {
	n := d.Count(4)
	if n < 0 {
		return nil
	}
	out := make([]string, 0, n)
	for range n {
		out = append(out, d.String())
	}
	return out
}

// ACLs reads a vector of ACL entries into dst[:0]; a null vector is nil. A null
// scheme reads as "", which no provider serves; a null id is malformed.
func (d *Decoder) ACLs(dst []ACL) []ACL {
	n := d.Count(12)
	if n < 0 {
		return nil
	}
	if dst = dst[:0]; dst == nil {
		dst = []ACL{} // an empty list is not a null one
	}
	for range n {
		perms := d.Int()
		scheme, _ := d.StringOrNull()
		id, ok := d.StringOrNull()
		if !ok && needsID(scheme) {
			d.bad = true
		}
		dst = append(dst, ACL{Perms: perms, ID: ID{Scheme: scheme, ID: id}})
	}
	return dst
}

// needsID tells whether a null id is malformed: it is where ZooKeeper looks into
// it. An auth entry has none, and unknown schemes are refused before that.
func needsID(scheme string) bool {
	return scheme == "world" || scheme == "digest" || scheme == "ip"
}

// Stat reads a Stat.
func (d *Decoder) Stat() Stat {
	return Stat{
		Czxid: Zxid(d.Long()), Mzxid: Zxid(d.Long()),
		Ctime: Millis(d.Long()), Mtime: Millis(d.Long()),
		Version: d.Int(), Cversion: d.Int(), Aversion: d.Int(),
		EphemeralOwner: SessionID(d.Long()),
		DataLength:     d.Int(), NumChildren: d.Int(), Pzxid: Zxid(d.Long()),
	}
}

// ReplyHeader reads a reply header.
func (d *Decoder) ReplyHeader() ReplyHeader {
	return ReplyHeader{Xid: d.Int(), Zxid: Zxid(d.Long()), Err: Code(d.Int())}
}

// room makes room for one more element. It doubles where append would grow a
// large slice by a quarter at a time: the elements are large, there is no count
// to go by, and what is outgrown is garbage.
func room[T any](s []T) []T {
	if len(s) < cap(s) {
		return s
	}
	return append(make([]T, 0, max(2*len(s), 4)), s...)
}

// reusable empties a slice for the next record; one that a single huge record
// made is left to the garbage collector.
func reusable[T any](s []T) []T {
	const kept = 1024
	if cap(s) > kept {
		return nil
	}
	return s[:0]
}
