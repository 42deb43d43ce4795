package store

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/s2"

	"kafkacoord/coord/vfs"
)

// Compression is how a snapshot file is compressed. Files are told apart by
// suffix (ZooKeeper: SnapStream.java).
type Compression int

// The methods that ZooKeeper 3.6 and newer read; 3.5 and older only read
// uncompressed files.
const (
	CompressionNone Compression = iota
	CompressionGzip
	CompressionSnappy
)

func (c Compression) suffix() string {
	switch c {
	case CompressionGzip:
		return ".gz"
	case CompressionSnappy:
		return ".snappy"
	}
	return ""
}

func compressionOf(name string) Compression {
	for _, c := range []Compression{CompressionGzip, CompressionSnappy} {
		if strings.HasSuffix(name, c.suffix()) {
			return c
		}
	}
	return CompressionNone
}

// The framing of snappy-java's SnappyOutputStream, which is not the framing
// format of the snappy project: an 8-byte magic, version 1, lowest compatible
// version 1, then chunks of i32 length and one raw snappy block. All numbers
// are big-endian.
const (
	snappyHeaderBytes = 16
	snappyVersion     = 1
	snappyBlockBytes  = 32 << 10 // of input, snappy-java's default
	// snappyBlockMax bounds the content of a block that is read, in bytes.
	snappyBlockMax = 1 << 20
)

var (
	snappyMagic = []byte{0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0}
	gzipMagic   = []byte{0x1f, 0x8b}
	// sealTail ends every section of a snapshot: the string "/".
	sealTail = []byte{0, 0, 0, 1, '/'}
)

var errSnappy = errors.New("store: malformed snappy-java stream")

// compressor returns a writer that compresses to w. Closing it does not close
// w.
func compressor(w io.Writer, c Compression) (io.WriteCloser, error) {
	switch c {
	case CompressionGzip:
		return gzip.NewWriterLevel(w, gzip.BestSpeed)
	case CompressionSnappy:
		header := append([]byte{}, snappyMagic...)
		header = binary.BigEndian.AppendUint32(header, snappyVersion)
		header = binary.BigEndian.AppendUint32(header, snappyVersion)
		if _, err := w.Write(header); err != nil {
			return nil, err
		}
		return &snappyWriter{to: w}, nil
	}
	return plainWriter{w}, nil
}

// decompressor returns a reader of the content of r.
func decompressor(r io.Reader, c Compression) (io.Reader, error) {
	switch c {
	case CompressionGzip:
		return gzip.NewReader(r)
	case CompressionSnappy:
		return &snappyReader{from: r}, nil
	}
	return r, nil
}

type plainWriter struct{ io.Writer }

func (plainWriter) Close() error { return nil }

type snappyWriter struct {
	to     io.Writer
	block  []byte // input of the block being filled
	output []byte
}

func (s *snappyWriter) Write(p []byte) (int, error) {
	written := len(p)
	for len(p) > 0 {
		n := min(len(p), snappyBlockBytes-len(s.block))
		s.block = append(s.block, p[:n]...)
		p = p[n:]
		if len(s.block) == snappyBlockBytes {
			if err := s.flush(); err != nil {
				return 0, err
			}
		}
	}
	return written, nil
}

func (s *snappyWriter) Close() error {
	if len(s.block) == 0 {
		return nil
	}
	return s.flush()
}

func (s *snappyWriter) flush() error {
	if s.output == nil {
		s.output = make([]byte, 4+s2.MaxEncodedLen(snappyBlockBytes))
	}
	encoded := s2.EncodeSnappy(s.output[4:], s.block)
	binary.BigEndian.PutUint32(s.output, uint32(len(encoded)))
	s.block = s.block[:0]
	_, err := s.to.Write(s.output[:4+len(encoded)])
	return err
}

type snappyReader struct {
	from    io.Reader
	begun   bool
	block   bytes.Buffer // compressed
	content []byte       // decoded, not yet read
	space   []byte       // reused for content
}

func (s *snappyReader) Read(p []byte) (int, error) {
	for len(s.content) == 0 {
		if err := s.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, s.content)
	s.content = s.content[n:]
	return n, nil
}

// next decodes one chunk; io.EOF between chunks is the end.
func (s *snappyReader) next() error {
	if !s.begun {
		header := make([]byte, snappyHeaderBytes)
		if _, err := io.ReadFull(s.from, header); err != nil {
			return unexpected(err)
		}
		if !bytes.HasPrefix(header, snappyMagic) || binary.BigEndian.Uint32(header[12:]) > snappyVersion {
			return errSnappy
		}
		s.begun = true
	}
	var prefix [4]byte
	if _, err := io.ReadFull(s.from, prefix[:]); err != nil {
		return err
	}
	length := binary.BigEndian.Uint32(prefix[:])
	if int64(length) > int64(s2.MaxEncodedLen(snappyBlockMax)) {
		return errSnappy
	}
	s.block.Reset()
	if _, err := io.CopyN(&s.block, s.from, int64(length)); err != nil {
		return unexpected(err)
	}
	size, err := s2.DecodedLen(s.block.Bytes())
	if err != nil || size > snappyBlockMax {
		return errSnappy
	}
	if cap(s.space) < size {
		s.space = make([]byte, max(size, snappyBlockBytes))
	}
	s.content, err = s2.Decode(s.space[:size], s.block.Bytes())
	if err != nil {
		return fmt.Errorf("%w: %w", errSnappy, err)
	}
	return nil
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// IsValidSnapshot is the quick test that picks candidates: it looks at the
// last bytes of a plain file and at the first ones of a compressed file
// (ZooKeeper: SnapStream.isValidSnapshot). Damage elsewhere shows only on
// loading.
func IsValidSnapshot(fsys vfs.FS, f FileInfo) (bool, error) {
	const plainMin = 10 // bytes
	offset, want := int64(0), gzipMagic
	switch compressionOf(f.Path) {
	case CompressionNone:
		if f.Size < plainMin {
			return false, nil
		}
		offset, want = f.Size-int64(len(sealTail)), sealTail
	case CompressionSnappy:
		want = snappyMagic
	}
	file, err := fsys.Open(f.Path)
	if err != nil {
		return false, fmt.Errorf("store: look at snapshot: %w", err)
	}
	got := make([]byte, len(want))
	n, err := file.ReadAt(got, offset)
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return false, fmt.Errorf("store: look at %s: %w", f.Path, err)
	}
	return bytes.Equal(got[:n], want), nil
}
