package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/adler32"
	"io"
	"path/filepath"
	"strconv"
	"unsafe"

	"kafkacoord/coord/tree"
	"kafkacoord/coord/vfs"
	"kafkacoord/coord/wire"
)

// SnapshotSections are the optional sections that a snapshot had.
type SnapshotSections struct {
	HasDigest     bool
	DigestZxid    wire.Zxid // the state that Digest is of; 0: not known
	DigestVersion int32
	Digest        uint64

	HasLastZxid bool
	LastZxid    wire.Zxid // can be ahead of the file's name: fuzzy
}

// SnapshotVisitor hears what a snapshot holds, in file order. Functions that
// are nil are passed over; an error ends the reading. Slices and strings are
// valid only during the call.
type SnapshotVisitor struct {
	Session func(id wire.SessionID, timeoutMillis int32) error
	ACL     func(key int64, acl []wire.ACL) error
	Node    func(n *tree.SnapshotNode) error
}

// ScanSnapshot reads an uncompressed snapshot to its end, checks its seals and
// hands its content to v. Paths and data longer than fieldMax bytes are an
// error; 0 means DefaultMaxRecordBytes. Damage is a [*CorruptionError] whose
// File is name.
func ScanSnapshot(r io.Reader, name string, fieldMax int, v SnapshotVisitor) (SnapshotSections, error) {
	s := newSnapshotReader(r, name, fieldMax, v)
	s.header()
	s.body()
	s.seal()
	sections := s.sections()
	return sections, s.err
}

// ScanSnapshotFile is ScanSnapshot on a file, decompressed by its suffix.
func ScanSnapshotFile(fsys vfs.FS, path string, fieldMax int, v SnapshotVisitor) (SnapshotSections, error) {
	file, err := fsys.Open(path)
	if err != nil {
		return SnapshotSections{}, fmt.Errorf("store: open snapshot: %w", err)
	}
	sections, err := scanOpened(file, path, fieldMax, v)
	if closeErr := file.Close(); err == nil && closeErr != nil {
		err = fmt.Errorf("store: close snapshot: %w", closeErr)
	}
	return sections, err
}

func scanOpened(file vfs.File, path string, fieldMax int, v SnapshotVisitor) (SnapshotSections, error) {
	content, err := decompressor(file, compressionOf(filepath.Base(path)))
	if err != nil {
		return SnapshotSections{}, &CorruptionError{File: path, Reason: "this is not compressed as its name says", Err: err}
	}
	return ScanSnapshot(content, path, fieldMax, v)
}

// LoadedSnapshot is a snapshot as a tree.
type LoadedSnapshot struct {
	Tree     *tree.Tree
	Sessions map[wire.SessionID]int32 // timeout in ms
	Sections SnapshotSections
}

// ReadSnapshot loads an uncompressed snapshot that was written at zxid.
func ReadSnapshot(r io.Reader, name string, zxid wire.Zxid, o Options) (*LoadedSnapshot, error) {
	return load(o, zxid, func(v SnapshotVisitor) (SnapshotSections, error) {
		return ScanSnapshot(r, name, o.MaxRecordBytes, v)
	})
}

// ReadSnapshotFile loads a snapshot file, decompressed by its suffix.
func ReadSnapshotFile(fsys vfs.FS, f FileInfo, o Options) (*LoadedSnapshot, error) {
	return load(o, f.Zxid, func(v SnapshotVisitor) (SnapshotSections, error) {
		return ScanSnapshotFile(fsys, f.Path, o.MaxRecordBytes, v)
	})
}

// ReadSnapshotBody loads what WriteSnapshotBody wrote, signature included, and
// returns a reader of what follows it in r.
func ReadSnapshotBody(r io.Reader, name string, zxid wire.Zxid, o Options) (*LoadedSnapshot, io.Reader, error) {
	var s *snapshotReader
	loaded, err := load(o, zxid, func(v SnapshotVisitor) (SnapshotSections, error) {
		s = newSnapshotReader(r, name, o.MaxRecordBytes, v)
		s.body()
		if got := s.field("signature", len(signature)); s.err == nil && string(got) != signature {
			s.corrupt("the signature after the nodes is wrong", nil)
		}
		return SnapshotSections{}, s.err
	})
	return loaded, io.MultiReader(bytes.NewReader(s.window.rest()), r), err
}

func load(o Options, zxid wire.Zxid, scan func(SnapshotVisitor) (SnapshotSections, error)) (*LoadedSnapshot, error) {
	loader := tree.NewLoader(o.Tree)
	loaded := &LoadedSnapshot{Sessions: map[wire.SessionID]int32{}}
	var err error
	loaded.Sections, err = scan(SnapshotVisitor{
		Session: func(id wire.SessionID, timeoutMillis int32) error {
			loaded.Sessions[id] = timeoutMillis
			return nil
		},
		ACL: func(key int64, acl []wire.ACL) error {
			loader.ACL(key, acl)
			return nil
		},
		Node: loader.Node,
	})
	if err != nil {
		return nil, err
	}
	if loaded.Tree, err = loader.Finish(zxid); err != nil {
		return nil, fmt.Errorf("store: build the tree of a snapshot: %w", err)
	}
	return loaded, nil
}

// snapshotReader parses in place over a window. After the first error all
// reads return zero values.
type snapshotReader struct {
	window   window
	sum      hash.Hash32 // of everything read so far
	name     string
	fieldMax int
	visitor  SnapshotVisitor
	err      error
}

func newSnapshotReader(r io.Reader, name string, fieldMax int, v SnapshotVisitor) *snapshotReader {
	if fieldMax <= 0 {
		fieldMax = DefaultMaxRecordBytes
	}
	s := &snapshotReader{name: name, fieldMax: fieldMax, visitor: v, sum: adler32.New()}
	s.window = window{
		source: r,
		buffer: make([]byte, 0, readBufferBytes),
		sum:    func(b []byte) { _, _ = s.sum.Write(b) }, // a hash returns no error
	}
	return s
}

func (s *snapshotReader) header() {
	b := s.bytes(snapshotHeaderBytes)
	if s.err == nil && binary.BigEndian.Uint32(b) != snapshotMagic {
		s.window.at = 0
		s.corrupt("this is no snapshot (wrong magic number)", nil)
	}
}

func (s *snapshotReader) body() {
	s.sessions()
	s.acls()
	for s.node() {
		continue
	}
}

func (s *snapshotReader) sessions() {
	// The count allocates nothing: a false one runs into the end of the file.
	for count := s.count(); count > 0 && s.err == nil; count-- {
		id, timeout := wire.SessionID(s.long()), s.int()
		if s.err == nil && s.visitor.Session != nil {
			s.visited(s.visitor.Session(id, timeout))
		}
	}
}

func (s *snapshotReader) acls() {
	var acl []wire.ACL
	for count := s.count(); count > 0 && s.err == nil; count-- {
		key := s.long()
		acl = acl[:0]
		for entries := s.count(); entries > 0 && s.err == nil; entries-- {
			var a wire.ACL
			a.Perms = s.int()
			a.ID.Scheme = string(s.field("ACL scheme", s.fieldMax))
			a.ID.ID = string(s.field("ACL id", s.fieldMax))
			acl = append(acl, a)
		}
		if s.err == nil && s.visitor.ACL != nil {
			s.visited(s.visitor.ACL(key, acl))
		}
	}
}

// node reads one path and its node and tells whether another may follow.
func (s *snapshotReader) node() bool {
	pathBytes := int(s.peekInt(0))
	if s.err != nil {
		return false
	}
	if pathBytes < 0 || pathBytes > s.fieldMax {
		return s.corrupt("the length of a path is "+strconv.Itoa(pathBytes), nil)
	}
	if head := s.peek(4 + pathBytes); pathBytes == 1 && s.err == nil && head[4] == '/' {
		s.window.advance(5)
		return false
	}
	dataAt := 4 + pathBytes
	dataBytes := int(s.peekInt(dataAt))
	if s.err == nil && (dataBytes < -1 || dataBytes > s.fieldMax) {
		return s.corrupt("the length of a node's data is "+strconv.Itoa(dataBytes), nil)
	}
	fieldsAt := dataAt + 4 + max(dataBytes, 0)
	b := s.peek(fieldsAt + nodeFieldBytes)
	if s.err != nil {
		return false
	}
	if s.visitor.Node != nil {
		var n tree.SnapshotNode
		decodeNodeFields(b[fieldsAt:], &n)
		n.Path = unsafe.String(unsafe.SliceData(b[4:dataAt]), pathBytes)
		if dataBytes >= 0 {
			n.Data = b[dataAt+4 : fieldsAt : fieldsAt]
		}
		s.visited(s.visitor.Node(&n))
	}
	s.window.advance(len(b))
	return s.err == nil
}

func decodeNodeFields(f []byte, n *tree.SnapshotNode) {
	n.ACL = int64(binary.BigEndian.Uint64(f[0:]))
	n.Czxid = wire.Zxid(binary.BigEndian.Uint64(f[8:]))
	n.Mzxid = wire.Zxid(binary.BigEndian.Uint64(f[16:]))
	n.Ctime = wire.Millis(binary.BigEndian.Uint64(f[24:]))
	n.Mtime = wire.Millis(binary.BigEndian.Uint64(f[32:]))
	n.Version = int32(binary.BigEndian.Uint32(f[40:]))
	n.Cversion = int32(binary.BigEndian.Uint32(f[44:]))
	n.Aversion = int32(binary.BigEndian.Uint32(f[48:]))
	n.Owner = int64(binary.BigEndian.Uint64(f[52:]))
	n.Pzxid = wire.Zxid(binary.BigEndian.Uint64(f[60:]))
}

// seal checks the checksum of everything before it.
func (s *snapshotReader) seal() {
	s.window.flushSum()
	want := int64(s.sum.Sum32())
	b := s.peek(sealBytes)
	if s.err != nil {
		return
	}
	switch {
	case int64(binary.BigEndian.Uint64(b)) != want:
		s.corrupt("the checksum of all before is wrong", nil)
	case !bytes.Equal(b[8:], sealTail):
		s.corrupt("the checksum is not followed by its mark", nil)
	}
	s.window.advance(sealBytes)
}

// sections reads what follows the first seal. Sections have no tags, so their
// lengths tell them apart: digest 33 bytes, last zxid 21, both 54.
func (s *snapshotReader) sections() SnapshotSections {
	var sections SnapshotSections
	if s.err != nil {
		return sections
	}
	remaining := s.remaining(digestSectionBytes + sealBytes)
	if remaining == 0 || s.err != nil {
		return sections
	}
	if remaining != zxidSectionBytes+sealBytes {
		sections.HasDigest = true
		sections.DigestZxid, sections.DigestVersion = wire.Zxid(s.long()), s.int()
		sections.Digest = s.digest(sections.DigestVersion)
		s.seal()
		if s.err != nil || s.remaining(1) == 0 {
			return sections
		}
	}
	sections.HasLastZxid = true
	sections.LastZxid = wire.Zxid(s.long())
	s.seal()
	return sections // what newer versions may add is passed over, as in Java
}

// digest reads a digest: a number, or hex digits in versions before 2.
func (s *snapshotReader) digest(version int32) uint64 {
	if version >= wire.DigestVersion || s.err != nil {
		return uint64(s.long())
	}
	digits := string(s.field("digest", 16))
	if s.err != nil {
		return 0
	}
	value, err := strconv.ParseUint(digits, 16, 64)
	if err != nil {
		s.corrupt("the digest is no number", err)
	}
	return value
}

// remaining is the number of bytes to the end, counted up to limit.
func (s *snapshotReader) remaining(limit int) int {
	b, err := s.window.peek(limit)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		s.readFailed(err)
	}
	return len(b)
}

// count reads the length of a vector; null is 0.
func (s *snapshotReader) count() int32 {
	n := s.int()
	if n < -1 {
		s.corrupt("a count is negative", nil)
	}
	return n
}

func (s *snapshotReader) int() int32 {
	if b := s.bytes(4); b != nil {
		return int32(binary.BigEndian.Uint32(b))
	}
	return 0
}

func (s *snapshotReader) long() int64 {
	if b := s.bytes(8); b != nil {
		return int64(binary.BigEndian.Uint64(b))
	}
	return 0
}

// field reads a string that may not be null.
func (s *snapshotReader) field(what string, limit int) []byte {
	n := s.int()
	if s.err == nil && (n < 0 || int(n) > limit) {
		s.corrupt(fmt.Sprintf("the length of a %s is %d", what, n), nil)
	}
	return s.bytes(int(n))
}

func (s *snapshotReader) bytes(n int) []byte {
	b := s.peek(n)
	if b != nil {
		s.window.advance(n)
	}
	return b
}

// peek returns the next n bytes, nil on an error.
func (s *snapshotReader) peek(n int) []byte {
	if s.err != nil {
		return nil
	}
	b, err := s.window.peek(n)
	if err != nil {
		s.readFailed(err)
		return nil
	}
	return b
}

// peekInt looks at the four bytes that begin at bytes ahead.
func (s *snapshotReader) peekInt(ahead int) int32 {
	if b := s.peek(ahead + 4); b != nil {
		return int32(binary.BigEndian.Uint32(b[ahead:]))
	}
	return 0
}

func (s *snapshotReader) readFailed(err error) {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		s.corrupt("it ends too early", err)
		return
	}
	var damage *CorruptionError
	if s.corrupt("it cannot be read", err); errors.As(s.err, &damage) {
		damage.Offset = s.window.offset()
	}
}

func (s *snapshotReader) visited(err error) {
	if err != nil && s.err == nil {
		s.err = fmt.Errorf("store: %s at byte %d: %w", s.name, s.window.offset(), err)
	}
}

// corrupt records damage at the present position; it returns false for the
// convenience of node.
func (s *snapshotReader) corrupt(reason string, err error) bool {
	if s.err == nil {
		s.err = &CorruptionError{File: s.name, Offset: s.window.offset(), Reason: reason, Err: err}
	}
	return false
}
