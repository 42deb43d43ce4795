package store

import (
	"encoding/binary"
	"fmt"
	"hash/adler32"
	"path/filepath"

	"kafkacoord/coord/vfs"
	"kafkacoord/coord/wire"
)

// Layout of a log file (ZooKeeper: FileTxnLog.java):
//
//	header : i32 magic "ZKLG"  i32 version 2  i64 dbid 0
//	record : i64 adler32(entry)  i32 len  entry  u8 0x42
//	tail   : zeroes up to the preallocated size
const (
	logMagic          = 0x5a4b4c47
	logVersion        = 2
	logHeaderBytes    = 16
	recordPrefixBytes = 12
	recordMark        = 0x42
	// paddingMarginBytes is how close to the end of the file the position may
	// come before the file is grown (ZooKeeper: FilePadding.java).
	paddingMarginBytes = 4096
	keptBufferBytes    = 8 << 20 // larger append buffers are not kept
)

// Entry is one transaction for the log.
type Entry struct {
	Zxid wire.Zxid
	// Payload is header, body and optional digest as wire.AppendTxn makes them.
	// Append does not keep it.
	Payload []byte
}

// logWriter appends to the current log file. Owned by the log writer
// goroutine. After any error it refuses everything: the state of the file is
// not known any more.
type logWriter struct {
	fs      vfs.FS
	options Options

	current *logOutput   // nil until the first append after start, roll, truncation
	rolled  []*logOutput // not synced since they were rolled
	last    wire.Zxid    // highest zxid appended or recovered
	unsaved bool         // appended since the last sync
	failed  error        // first error; sticky

	buffer []byte // reused by every append
	roller roller
}

type logOutput struct {
	file     vfs.File
	path     string
	position int64 // bytes written
	size     int64 // with padding
	zeroed   int64 // blocks up to here are on the disk already
}

func (w *logWriter) append(entries []Entry) error {
	if w.failed != nil {
		return w.refuse()
	}
	if len(entries) == 0 {
		return nil
	}
	w.buffer = w.buffer[:0]
	last := w.last
	for i := range entries {
		e := &entries[i]
		if e.Zxid <= last {
			return w.fail(fmt.Errorf("store: append %v after %v: transactions must ascend", e.Zxid, last))
		}
		if len(e.Payload) < wire.TxnHeaderSize || len(e.Payload) > w.options.MaxRecordBytes {
			return w.fail(fmt.Errorf("store: append %v: %d bytes, allowed are %d to %d",
				e.Zxid, len(e.Payload), wire.TxnHeaderSize, w.options.MaxRecordBytes))
		}
		last = e.Zxid
		w.buffer = appendRecord(w.buffer, e.Payload)
	}
	if w.current == nil {
		if err := w.create(entries[0].Zxid); err != nil {
			return w.fail(err)
		}
	}
	if err := w.current.write(w.buffer, w.options.PreallocBytes); err != nil {
		return w.fail(err)
	}
	w.last, w.unsaved = last, true
	if cap(w.buffer) > keptBufferBytes {
		w.buffer = nil // one great batch must not keep its memory
	}
	w.roller.add(len(entries))
	return nil
}

// appendRecord frames one entry.
func appendRecord(dst, entry []byte) []byte {
	dst = binary.BigEndian.AppendUint64(dst, uint64(adler32.Checksum(entry)))
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(entry)))
	dst = append(dst, entry...)
	return append(dst, recordMark)
}

func appendLogHeader(dst []byte) []byte {
	dst = binary.BigEndian.AppendUint32(dst, logMagic)
	dst = binary.BigEndian.AppendUint32(dst, logVersion)
	return binary.BigEndian.AppendUint64(dst, 0)
}

// create starts the file whose first record is zxid. A file of that name can
// only hold a torn record that nobody was told of, so it is overwritten.
//
// Header and name are made durable before the first record is written. Java
// does not do that; here it lets recovery tell a file that power loss left
// unborn from one whose header was damaged later.
func (w *logWriter) create(zxid wire.Zxid) error {
	path := filepath.Join(w.options.logDir(), LogName(zxid))
	file, err := w.fs.Create(path)
	if err != nil {
		return fmt.Errorf("store: create %s: %w", path, err)
	}
	out := &logOutput{file: file, path: path}
	w.current = out
	if err := out.write(appendLogHeader(nil), 0); err != nil {
		return err
	}
	if w.options.NoSync {
		return nil
	}
	if err := file.Sync(); err != nil {
		return fmt.Errorf("store: sync the header of %s: %w", path, err)
	}
	if err := w.fs.SyncDir(w.options.logDir()); err != nil {
		return fmt.Errorf("store: sync the directory of %s: %w", path, err)
	}
	return nil
}

// write appends p and grows the file before it comes near the padding's end.
func (o *logOutput) write(p []byte, prealloc int64) error {
	if size := paddedSize(o.position+int64(len(p)), o.size, prealloc); size > o.size {
		if err := o.file.Allocate(size); err != nil {
			return fmt.Errorf("store: preallocate %s to %d bytes: %w", o.path, size, err)
		}
		o.size = size
	}
	if err := o.zeroAhead(int64(len(p)), prealloc); err != nil {
		return err
	}
	n, err := o.file.Write(p)
	o.position += int64(n)
	o.size = max(o.size, o.position)
	if err != nil {
		return fmt.Errorf("store: write %s at %d: %w", o.path, o.position, err)
	}
	return nil
}

// zeroAheadBytes is how much of the padding is given disk blocks at a time.
const zeroAheadBytes = 1 << 20

// zeroAhead gives blocks to the padding behind the next n bytes. Java leaves the
// padding sparse, so that each of its syncs records new blocks as well.
func (o *logOutput) zeroAhead(n, prealloc int64) error {
	if prealloc <= 0 || o.position+n <= o.zeroed {
		return nil
	}
	from := max(o.zeroed, o.position)
	to := min(o.position+n+zeroAheadBytes, o.size)
	if from >= to {
		return nil
	}
	if err := o.file.Zero(from, to); err != nil {
		return fmt.Errorf("store: preallocate %s up to %d bytes: %w", o.path, to, err)
	}
	o.zeroed = to
	return nil
}

// paddedSize is the size a file must have before it is written up to end. The
// steps are those of FilePadding.calculateFileSizeWithPadding.
func paddedSize(end, size, prealloc int64) int64 {
	if prealloc <= 0 || end+paddingMarginBytes < size {
		return size
	}
	if end > size+prealloc {
		return (end + prealloc) / prealloc * prealloc
	}
	return size + prealloc
}

func (w *logWriter) sync() error {
	if w.failed != nil {
		return w.refuse()
	}
	if !w.unsaved && len(w.rolled) == 0 {
		return nil
	}
	began := w.options.Now()
	for _, out := range w.rolled {
		if err := w.syncOne(out); err != nil {
			return w.fail(err)
		}
		if err := out.file.Close(); err != nil {
			return w.fail(fmt.Errorf("store: close %s: %w", out.path, err))
		}
	}
	w.rolled = w.rolled[:0]
	if w.current != nil {
		if err := w.syncOne(w.current); err != nil {
			return w.fail(err)
		}
	}
	w.unsaved = false
	if w.options.OnSync != nil {
		w.options.OnSync(w.options.Now().Sub(began))
	}
	if limit := w.options.LogSizeBytes; limit > 0 && w.current != nil && w.current.size > limit {
		w.detach()
	}
	return nil
}

func (w *logWriter) syncOne(out *logOutput) error {
	if w.options.NoSync {
		return nil
	}
	if err := out.file.Sync(); err != nil {
		return fmt.Errorf("store: sync %s: %w (what it holds on disk is unknown now; "+
			"check the disk, then restart)", out.path, err)
	}
	return nil
}

// detach lets the next append begin a new file. The old one is synced and
// closed by the next sync.
func (w *logWriter) detach() {
	if w.current == nil {
		return
	}
	w.roller.rolledBytes += w.current.size
	w.rolled = append(w.rolled, w.current)
	w.current = nil
}

func (w *logWriter) close() error {
	err := w.sync()
	for _, out := range append(w.rolled, w.current) {
		if out == nil {
			continue
		}
		if closeErr := out.file.Close(); closeErr != nil && err == nil {
			err = fmt.Errorf("store: close %s: %w", out.path, closeErr)
		}
	}
	w.rolled, w.current = nil, nil
	if w.failed == nil {
		w.failed = errClosed
	}
	return err
}

func (w *logWriter) fail(err error) error {
	w.failed = err
	return err
}

func (w *logWriter) refuse() error {
	return fmt.Errorf("store: the log accepts nothing any more: %w", w.failed)
}
