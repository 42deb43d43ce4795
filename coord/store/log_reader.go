package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/adler32"
	"io"

	"kafkacoord/coord/vfs"
	"kafkacoord/coord/wire"
)

const readBufferBytes = 256 << 10

// Record is one transaction of a log file.
type Record struct {
	Zxid    wire.Zxid
	Payload []byte // for wire.DecodeTxn; valid until the next record is read
	File    string
	Offset  int64 // of the record's checksum in the file
}

// LogEnd says why a log file's records end where they do.
type LogEnd int

// The ways a log file ends (ZooKeeper: FileTxnLog.FileTxnIterator.next). Only
// EndPadding and a clean EndOfFile are orderly; the others are torn tails.
const (
	EndNone     LogEnd = iota // not at the end yet
	EndPadding                // a record of length 0
	EndOfFile                 // the file ends between two records
	EndCut                    // the file ends inside a record
	EndUnmarked               // the byte after a record is not its mark
)

// LogFile reads one log file record by record and verifies it.
type LogFile struct {
	file      vfs.File
	path      string
	recordMax int
	window    window
	end       LogEnd
	mark      byte // what stood in place of the end mark, if end is EndUnmarked
	failed    error
}

// OpenLogFile opens a log file and checks its header. recordMax bounds the
// length of a record in bytes; 0 means DefaultMaxRecordBytes.
func OpenLogFile(fsys vfs.FS, path string, recordMax int) (*LogFile, error) {
	file, err := fsys.Open(path)
	if err != nil {
		return nil, fmt.Errorf("store: open log: %w", err)
	}
	if recordMax <= 0 {
		recordMax = DefaultMaxRecordBytes
	}
	l := &LogFile{file: file, path: path, recordMax: recordMax}
	l.window = window{source: file, buffer: make([]byte, 0, readBufferBytes)}
	header, err := l.window.next(logHeaderBytes)
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		err = l.corrupt(0, "the header is cut short")
	case err != nil:
		err = fmt.Errorf("store: read %s: %w", path, err)
	case binary.BigEndian.Uint32(header) != logMagic:
		// The version is not looked at, as in Java.
		err = l.corrupt(0, "this is no transaction log (wrong magic number)")
	}
	if err != nil {
		_ = file.Close() // the first error is the one that matters
		return nil, err
	}
	return l, nil
}

// Next returns the next record, or io.EOF at the end of the records, for which
// End gives the reason. A wrong checksum or length is a [*CorruptionError]:
// the file cannot be read on from there.
func (l *LogFile) Next() (Record, error) {
	if l.failed != nil {
		return Record{}, l.failed
	}
	r, err := l.read()
	if err != nil {
		l.failed = err
	}
	return r, err
}

// End tells why Next returned io.EOF.
func (l *LogFile) End() LogEnd { return l.end }

// Offset is where the next record begins; after the end, where the records
// end.
func (l *LogFile) Offset() int64 { return l.window.offset() }

// Close closes the file.
func (l *LogFile) Close() error {
	if err := l.file.Close(); err != nil {
		return fmt.Errorf("store: close log: %w", err)
	}
	return nil
}

func (l *LogFile) read() (Record, error) {
	offset := l.window.offset()
	prefix, err := l.window.peek(recordPrefixBytes)
	if err != nil {
		return Record{}, l.atEnd(err, len(prefix) == 0)
	}
	checksum := binary.BigEndian.Uint64(prefix)
	length := int32(binary.BigEndian.Uint32(prefix[8:]))
	switch {
	case length == 0:
		l.end = EndPadding
		return Record{}, io.EOF
	case length < 0 || int(length) > l.recordMax:
		return Record{}, l.corrupt(offset, fmt.Sprintf("record length %d is not within 1 to %d", length, l.recordMax))
	}
	whole, err := l.window.peek(recordPrefixBytes + int(length) + 1)
	if err != nil {
		return Record{}, l.atEnd(err, false)
	}
	entry := whole[recordPrefixBytes : recordPrefixBytes+int(length)]
	switch {
	case whole[len(whole)-1] != recordMark:
		// Looked at before the checksum, as in Java.
		l.end, l.mark = EndUnmarked, whole[len(whole)-1]
		return Record{}, io.EOF
	case checksum != uint64(adler32.Checksum(entry)):
		return Record{}, l.corrupt(offset, "the checksum of a record is wrong")
	case len(entry) < wire.TxnHeaderSize:
		return Record{}, l.corrupt(offset, "a record is shorter than a transaction header")
	}
	l.window.advance(len(whole))
	var header wire.Txn
	if err := wire.DecodeTxnHeader(entry, &header); err != nil {
		return Record{}, l.corrupt(offset, err.Error())
	}
	return Record{Zxid: header.Zxid, Payload: entry, File: l.path, Offset: offset}, nil
}

func (l *LogFile) atEnd(err error, clean bool) error {
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("store: read %s at %d: %w", l.path, l.window.offset(), err)
	}
	l.end = EndCut
	if clean {
		l.end = EndOfFile
	}
	return io.EOF
}

func (l *LogFile) corrupt(offset int64, reason string) error {
	return &CorruptionError{File: l.path, Offset: offset, Reason: reason}
}

// window is a buffered reader that hands out its buffer in place and grows it
// only as far as bytes have arrived, whatever a length field claims.
type window struct {
	source   io.Reader
	buffer   []byte // buffer[:cap] is the space; len is what is filled
	at       int    // next byte to hand out
	consumed int64  // bytes before buffer[0]
	ended    error  // what the source returned last

	// sum hears of bytes before they leave the buffer; nil is allowed.
	sum func([]byte)
	// summed counts the bytes of the buffer that sum has heard of.
	summed int
}

// offset is the position of the next byte in the source.
func (w *window) offset() int64 { return w.consumed + int64(w.at) }

// next returns the next n bytes, valid until the following call, and moves on.
func (w *window) next(n int) ([]byte, error) {
	b, err := w.peek(n)
	if err == nil {
		w.at += n
	}
	return b, err
}

func (w *window) advance(n int) { w.at += n }

// peek returns the next n bytes without moving on. If fewer are left it
// returns those and io.ErrUnexpectedEOF.
func (w *window) peek(n int) ([]byte, error) {
	if len(w.buffer)-w.at >= n {
		return w.buffer[w.at : w.at+n : w.at+n], nil
	}
	return w.fill(n)
}

func (w *window) fill(n int) ([]byte, error) {
	w.flushSum()
	w.consumed += int64(w.at)
	w.buffer = w.buffer[:copy(w.buffer[:cap(w.buffer)], w.buffer[w.at:])]
	w.at, w.summed = 0, 0
	for len(w.buffer) < n {
		if w.ended != nil {
			if errors.Is(w.ended, io.EOF) {
				return w.buffer, io.ErrUnexpectedEOF
			}
			return w.buffer, w.ended
		}
		if len(w.buffer) == cap(w.buffer) {
			w.buffer = append(w.buffer, 0)[:len(w.buffer)]
		}
		read, err := w.source.Read(w.buffer[len(w.buffer):cap(w.buffer)])
		w.buffer = w.buffer[:len(w.buffer)+read]
		w.ended = err
	}
	return w.buffer[:n:n], nil
}

// flushSum hands over the bytes up to the position.
func (w *window) flushSum() {
	if w.sum != nil && w.summed < w.at {
		w.sum(w.buffer[w.summed:w.at])
	}
	w.summed = w.at
}

// rest is what was read from the source but not handed out.
func (w *window) rest() []byte { return w.buffer[w.at:] }
