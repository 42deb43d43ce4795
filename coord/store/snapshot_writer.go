package store

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/adler32"
	"io"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"

	"kafkacoord/coord/tree"
	"kafkacoord/coord/vfs"
	"kafkacoord/coord/wire"
)

// Layout of a snapshot (ZooKeeper: FileSnap.java, SerializeUtils.java):
//
//	FileHeader  i32 magic "ZKSN"  i32 version 2  i64 dbid -1
//	sessions    i32 n, n x { i64 id, i32 timeout }
//	ACL table   i32 n, n x { i64 key, vec<ACL> }
//	nodes       { str path, node }*  then str "/"
//	seal 1      i64 adler32 of all before, str "/"
//	digest      i64 zxid, i32 2, i64 tree digest, seal 2
//	last zxid   i64 zxid, seal 3
//	node        buf data, i64 ACL key, i64 czxid mzxid ctime mtime,
//	            i32 version cversion aversion, i64 owner, i64 pzxid
const (
	snapshotMagic       = 0x5a4b534e
	snapshotVersion     = 2
	snapshotHeaderBytes = 16
	nodeFieldBytes      = 68 // after the data
	digestSectionBytes  = 20 // without seal
	zxidSectionBytes    = 8  // without seal
	sealBytes           = 13

	snapshotBufferBytes = 256 << 10
	signature           = "BenWasHere" // after a snapshot in a learner's stream

	// snapshotPieceBytes is how much of a file is left for the disk to write at
	// once. A sync of the log waits for what the disk has before it: with pieces
	// of 8 MiB every hundredth sync took several times as long as usual.
	snapshotPieceBytes = 256 << 10
)

// Snapshot is a state to be written. Whoever made it keeps it unchanged until
// the write is over, and releases the view then.
type Snapshot struct {
	Sessions map[wire.SessionID]int32 // timeout in ms
	View     *tree.View
	// Rest is called after each piece of some 256 KiB that the disk has taken of
	// a file. It may wait, so that others get at the disk and the processors.
	// nil is allowed.
	Rest func()
}

// WriteSnapshot writes a snapshot file under the name of the view's zxid: to a
// temporary file, which is synced and renamed, with the directory synced
// last. The file replaces one of the same name. If the context ends, or on an
// error, nothing is left behind.
//
// It may run on its own goroutine while another appends, but not twice at the
// same time.
func (s *Store) WriteSnapshot(ctx context.Context, snap Snapshot) error {
	return writeSnapshotFile(ctx, s.fs, s.options, snap)
}

func writeSnapshotFile(ctx context.Context, fsys vfs.FS, o Options, snap Snapshot) error {
	path := filepath.Join(o.snapshotDir(), SnapshotName(snap.View.Zxid(), o.Compression))
	return writeSnapshotAs(ctx, fsys, o, path, snap)
}

// writeSnapshotAs makes a snapshot durable and only then gives it its path.
func writeSnapshotAs(ctx context.Context, fsys vfs.FS, o Options, path string, snap Snapshot) error {
	err := writeTemporary(ctx, fsys, o, path+temporary, snap)
	if err != nil {
		err = fmt.Errorf("store: write %s: %w", path, err)
		if removeErr := fsys.Remove(path + temporary); removeErr != nil && !errors.Is(removeErr, fs.ErrNotExist) {
			err = errors.Join(err, removeErr)
		}
		return err
	}
	if err := fsys.Rename(path+temporary, path); err != nil {
		return fmt.Errorf("store: write %s: %w", path, err)
	}
	if err := fsys.SyncDir(o.snapshotDir()); err != nil {
		return fmt.Errorf("store: sync the directory of %s: %w", path, err)
	}
	return nil
}

func writeTemporary(ctx context.Context, fsys vfs.FS, o Options, path string, snap Snapshot) error {
	file, err := fsys.Create(path)
	if err != nil {
		return err
	}
	err = writeCompressed(ctx, &pieceWriter{file: file, rest: snap.Rest}, o, snap)
	if err == nil {
		err = file.Sync()
	}
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	return err
}

func writeCompressed(ctx context.Context, to io.Writer, o Options, snap Snapshot) error {
	c, err := compressor(to, o.Compression)
	if err != nil {
		return err
	}
	if _, err := WriteSnapshotTo(ctx, c, snap, o.format()); err != nil {
		return err
	}
	return c.Close()
}

// pieceWriter has the disk take a snapshot piece by piece as it is written, so
// that a sync of the log beside it, or the last one of the file, stays short.
type pieceWriter struct {
	file    vfs.File
	rest    func()
	written int64
	taken   int64 // by the disk
}

func (w *pieceWriter) Write(p []byte) (int, error) {
	n, err := w.file.Write(p)
	w.written += int64(n)
	if err != nil || w.written-w.taken < snapshotPieceBytes {
		return n, err
	}
	if err := w.file.WriteBack(w.taken, w.written); err != nil {
		return n, err
	}
	w.taken = w.written
	if w.rest != nil {
		w.rest()
	}
	return n, nil
}

// SnapshotFormat says which optional sections a snapshot gets. ZooKeeper reads
// sections by position: both, as the zero value has it, or neither are what
// every version reads.
type SnapshotFormat struct {
	OmitDigest   bool
	OmitLastZxid bool
}

// format chooses the sections. Java 3.9 without digests writes a zxid section
// alone, which no server with digests can read; every server reads neither.
func (o Options) format() SnapshotFormat {
	return SnapshotFormat{OmitDigest: !o.Tree.Digest, OmitLastZxid: o.OmitLastZxid || !o.Tree.Digest}
}

// WriteSnapshotTo writes a snapshot, as a file holds it but uncompressed, to
// any writer, in pieces of some 256 KiB, and returns the bytes written.
func WriteSnapshotTo(ctx context.Context, to io.Writer, snap Snapshot, f SnapshotFormat) (int64, error) {
	w := newSnapshotWriter(ctx, to)
	w.buffer = binary.BigEndian.AppendUint32(w.buffer, snapshotMagic)
	w.buffer = binary.BigEndian.AppendUint32(w.buffer, snapshotVersion)
	w.buffer = wire.AppendLong(w.buffer, -1)
	w.body(snap)
	w.seal()
	if !f.OmitDigest {
		w.buffer = wire.AppendLong(w.buffer, int64(snap.View.Zxid()))
		w.buffer = wire.AppendInt(w.buffer, wire.DigestVersion)
		w.buffer = wire.AppendLong(w.buffer, int64(snap.View.Digest()))
		w.seal()
	}
	if !f.OmitLastZxid {
		w.buffer = wire.AppendLong(w.buffer, int64(snap.View.Zxid()))
		w.seal()
	}
	w.flush()
	return w.written, w.err
}

// WriteSnapshotBody writes what a leader streams to a learner after a SNAP
// packet: sessions, ACL table and nodes without header and seals, then the
// signature.
func WriteSnapshotBody(ctx context.Context, to io.Writer, snap Snapshot) (int64, error) {
	w := newSnapshotWriter(ctx, to)
	w.body(snap)
	w.buffer = wire.AppendString(w.buffer, signature)
	w.flush()
	return w.written, w.err
}

type snapshotWriter struct {
	ctx     context.Context
	to      io.Writer
	sum     hash.Hash32
	buffer  []byte
	written int64
	err     error // first one; later pieces are dropped
}

func newSnapshotWriter(ctx context.Context, to io.Writer) *snapshotWriter {
	return &snapshotWriter{
		ctx: ctx, to: to, sum: adler32.New(),
		buffer: make([]byte, 0, snapshotBufferBytes+snapshotBufferBytes/4),
	}
}

// body appends sessions, ACL table, nodes and the terminator.
func (w *snapshotWriter) body(snap Snapshot) {
	w.buffer = wire.AppendInt(w.buffer, int32(len(snap.Sessions)))
	for _, id := range slices.Sorted(maps.Keys(snap.Sessions)) {
		w.buffer = wire.AppendLong(w.buffer, int64(id))
		w.buffer = wire.AppendInt(w.buffer, snap.Sessions[id])
		w.flushFull()
	}
	w.acls(snap.View)
	snap.View.Nodes(func(n *tree.SnapshotNode) bool {
		w.buffer = appendNode(w.buffer, n)
		return w.flushFull()
	})
	w.buffer = append(w.buffer, sealTail...) // the terminator is the same string
}

func (w *snapshotWriter) acls(v *tree.View) {
	count := int32(0)
	v.ACLs(func(int64, []wire.ACL) bool { count++; return true })
	w.buffer = wire.AppendInt(w.buffer, count)
	v.ACLs(func(key int64, acl []wire.ACL) bool {
		w.buffer = wire.AppendLong(w.buffer, key)
		w.buffer = wire.AppendACLs(w.buffer, acl)
		return w.flushFull()
	})
}

func appendNode(dst []byte, n *tree.SnapshotNode) []byte {
	dst = wire.AppendString(dst, n.Path)
	dst = wire.AppendBuffer(dst, n.Data)
	var f [nodeFieldBytes]byte
	binary.BigEndian.PutUint64(f[0:], uint64(n.ACL))
	binary.BigEndian.PutUint64(f[8:], uint64(n.Czxid))
	binary.BigEndian.PutUint64(f[16:], uint64(n.Mzxid))
	binary.BigEndian.PutUint64(f[24:], uint64(n.Ctime))
	binary.BigEndian.PutUint64(f[32:], uint64(n.Mtime))
	binary.BigEndian.PutUint32(f[40:], uint32(n.Version))
	binary.BigEndian.PutUint32(f[44:], uint32(n.Cversion))
	binary.BigEndian.PutUint32(f[48:], uint32(n.Aversion))
	binary.BigEndian.PutUint64(f[52:], uint64(n.Owner))
	binary.BigEndian.PutUint64(f[60:], uint64(n.Pzxid))
	return append(dst, f[:]...)
}

// seal appends the checksum of everything before it. Earlier seals count too.
func (w *snapshotWriter) seal() {
	w.flush()
	w.buffer = wire.AppendLong(w.buffer, int64(w.sum.Sum32()))
	w.buffer = append(w.buffer, sealTail...)
}

// flushFull writes the buffer when it is full and tells whether to go on.
func (w *snapshotWriter) flushFull() bool {
	if len(w.buffer) >= snapshotBufferBytes {
		w.flush()
	}
	return w.err == nil
}

func (w *snapshotWriter) flush() {
	if w.err == nil {
		w.err = w.ctx.Err()
	}
	if w.err == nil {
		_, _ = w.sum.Write(w.buffer) // a hash returns no error
		var n int
		n, w.err = w.to.Write(w.buffer)
		w.written += int64(n)
	}
	w.buffer = w.buffer[:0]
}
