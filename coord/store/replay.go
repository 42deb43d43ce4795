package store

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"kafkacoord/coord/vfs"
	"kafkacoord/coord/wire"
)

// replay applies every record after the snapshot. Results are ignored: the
// snapshot may hold the effects already, and the tree tolerates that.
func (r *recovery) replay() error {
	it := r.iterator(r.result.LastZxid + 1)
	defer func() { _ = it.Close() }() // only read from
	var txn wire.Txn
	for {
		record, err := it.Next()
		if errors.Is(err, io.EOF) {
			return r.checkEnd(it.lastFile)
		}
		if err != nil {
			return r.damaged(err)
		}
		if err := wire.DecodeTxn(record.Payload, &txn); err != nil {
			return &CorruptionError{
				File: record.File, Offset: record.Offset, Err: err,
				Reason: fmt.Sprintf("transaction %v of type %d is not understood", record.Zxid, txn.Type),
			}
		}
		if err := r.checkOrder(record, it); err != nil {
			return err
		}
		r.apply(&txn)
	}
}

func (r *recovery) apply(txn *wire.Txn) {
	switch txn.Type {
	case wire.OpCreateSession:
		r.result.Sessions[txn.Session] = txn.Timeout
	case wire.OpCloseSession:
		delete(r.result.Sessions, txn.Session)
	}
	r.result.Tree.Apply(txn)
	r.result.LastZxid = max(r.result.LastZxid, txn.Zxid)
	r.result.TxnsLoaded++
	r.digests.after(txn, r.result)
}

// checkOrder looks for transactions that are missing before this one.
func (r *recovery) checkOrder(record Record, it *LogIterator) error {
	last := r.result.LastZxid
	if record.Zxid <= last {
		r.note("%s holds %v after %v; it is applied all the same, as ZooKeeper does", record.File, record.Zxid, last)
		return nil
	}
	if !isGap(last, record.Zxid) {
		return nil
	}
	gap := &GapError{After: last, Next: record.Zxid, File: record.File}
	if !r.options.AcceptGaps {
		if torn := it.lastFile; torn != nil && torn.End() != EndPadding && torn.End() != EndOfFile {
			return &CorruptionError{
				File: torn.path, Offset: torn.Offset(), Err: gap,
				Reason: "the rest of the file is hidden by a record without its end mark",
			}
		}
		return gap
	}
	r.note("%v", gap)
	return nil
}

// checkEnd looks at a last record without end mark. One that was not written
// to its end has a zero there, or lacks a sector; anything else is damage to
// the length or the mark of a record that may have been synced. Java drops
// such a record, and all after it, without a word.
func (r *recovery) checkEnd(last *LogFile) error {
	if last == nil || last.End() != EndUnmarked || last.mark == 0 {
		return nil
	}
	torn, err := lacksSector(r.fs, last.path, last.Offset(), r.options.MaxRecordBytes)
	if err != nil || torn {
		return err
	}
	return &CorruptionError{
		File: last.path, Offset: last.Offset(), Reason: "a record does not end with its mark, but nothing of it is missing",
	}
}

// damaged decides whether a damaged record is what a power loss left of writes
// that were never synced. Sectors of one write reach the disk in any order, so
// a record at the end can have its mark but lack a sector before it. Java
// refuses to start on that; here the tail is cut, if it is the tail of the
// last file and a whole sector of the record is missing.
func (r *recovery) damaged(err error) error {
	var damage *CorruptionError
	if !errors.As(err, &damage) || damage.Offset < logHeaderBytes || len(r.logs) == 0 ||
		damage.File != r.logs[len(r.logs)-1].Path {
		return err // headers are synced before anything else, so damage there is no torn tail
	}
	torn, lookErr := lacksSector(r.fs, damage.File, damage.Offset, r.options.MaxRecordBytes)
	if lookErr != nil {
		return lookErr
	}
	if !torn {
		return err
	}
	r.note("%s: cut at byte %d, behind which a record was never synced", damage.File, damage.Offset)
	if r.mode == recoverLook {
		return nil
	}
	return cutFile(r.fs, damage.File, damage.Offset)
}

// lacksSector tells whether a sector that the record at offset touches is
// zero, which is what preallocated space holds before it is written.
func lacksSector(fsys vfs.FS, path string, offset int64, recordMax int) (bool, error) {
	const sectorBytes = 512
	// The first bytes of a checksum are zero in every record.
	const alwaysZeroBytes = 4
	file, err := fsys.Open(path)
	if err != nil {
		return false, fmt.Errorf("store: open log: %w", err)
	}
	defer func() { _ = file.Close() }() // only read from
	record := make([]byte, recordPrefixBytes)
	if _, err := file.ReadAt(record, offset); err != nil {
		return false, fmt.Errorf("store: read %s: %w", path, err)
	}
	length := int(int32(binary.BigEndian.Uint32(record[8:])))
	if length < 0 || length > recordMax {
		return false, nil // a lost sector makes a length smaller, never larger
	}
	record = make([]byte, recordPrefixBytes+length+1)
	if _, err := file.ReadAt(record, offset); err != nil && !errors.Is(err, io.EOF) {
		return false, fmt.Errorf("store: read %s: %w", path, err)
	}
	for from := 0; from < len(record); {
		to := min(len(record), from+sectorBytes-int((offset+int64(from))%sectorBytes))
		if to > alwaysZeroBytes && allZero(record[from:to]) {
			return true, nil
		}
		from = to
	}
	return false, nil
}

func allZero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

// cutFile truncates a file durably.
func cutFile(fsys vfs.FS, path string, size int64) error {
	file, err := fsys.OpenWrite(path)
	if err != nil {
		return fmt.Errorf("store: cut %s: %w", path, err)
	}
	err = file.Truncate(size)
	if err == nil {
		err = file.Sync()
	}
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return fmt.Errorf("store: cut %s at %d: %w", path, size, err)
	}
	return nil
}

// writeFirstSnapshot writes snapshot.0 of an empty tree.
func (r *recovery) writeFirstSnapshot() error {
	view := r.result.Tree.View()
	defer r.result.Tree.Release(view)
	return writeSnapshotFile(context.Background(), r.fs, r.options, Snapshot{View: view})
}

// digestCheck compares the tree with the digests that its writers recorded
// (ZooKeeper: DataTree.compareSnapshotDigests, compareDigest). A difference is
// counted, never fatal.
type digestCheck struct {
	enabled bool
	// pending says that a fuzzy snapshot was loaded: until the replay reaches
	// zxid the tree is between states and nothing is compared.
	pending bool
	zxid    wire.Zxid
	value   uint64
}

func newDigestCheck(o Options, name wire.Zxid, s SnapshotSections) digestCheck {
	d := digestCheck{enabled: o.Tree.Digest}
	// Digests of other versions count other fields; one of before the
	// snapshot says nothing about it.
	if s.HasDigest && s.DigestVersion == wire.DigestVersion && s.DigestZxid >= name && s.DigestZxid > 0 {
		d.pending, d.zxid, d.value = true, s.DigestZxid, s.Digest
	}
	return d
}

func (d *digestCheck) atSnapshot(r *Recovered) {
	if d.enabled && d.pending && d.zxid == r.LastZxid {
		d.pending = false
		d.compare(r, r.LastZxid, d.value)
	}
}

func (d *digestCheck) after(txn *wire.Txn, r *Recovered) {
	switch {
	case !d.enabled:
	case d.pending && txn.Zxid >= d.zxid:
		d.pending = false
		r.Tree.ForgetDigests()
		if txn.Zxid == d.zxid {
			d.compare(r, txn.Zxid, d.value)
		}
	case !d.pending && txn.HasDigest:
		d.compare(r, txn.Zxid, txn.Digest)
	}
}

func (d *digestCheck) compare(r *Recovered, zxid wire.Zxid, want uint64) {
	got := r.Tree.Digest()
	if got == want {
		return
	}
	if r.DigestMismatches++; r.DigestMismatches == 1 {
		r.Notes = append(r.Notes, fmt.Sprintf("the digest of the tree at %v is %#x, but %#x was recorded: "+
			"this server's data differs from what was written", zxid, got, want))
	}
}

func (d *digestCheck) finish(r *Recovered) {
	if d.enabled && d.pending {
		r.Tree.ForgetDigests()
		r.Notes = append(r.Notes, fmt.Sprintf("the snapshot's digest is of %v, which the logs do not reach (%v)",
			d.zxid, r.LastZxid))
	}
}
