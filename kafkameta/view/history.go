package view

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"

	"kafkacoord/coord/store"
	"kafkacoord/coord/tree"
	"kafkacoord/coord/wire"
)

// ErrNoHistory says that the files do not lead to a zxid: no snapshot is old
// enough, or the log ends before it.
var ErrNoHistory = errors.New("the snapshots and logs at hand do not lead to that zxid")

// history is a tree that moves forward along the transactions of a log.
type history struct {
	tree     *tree.Tree
	sessions map[wire.SessionID]int32 // timeout in ms
	zxid     wire.Zxid                // last transaction of the tree
	log      *store.LogIterator
	next     *wire.Txn // read from the log but later than wanted; nil if none
	ended    bool      // there are no more transactions
}

// openHistory gives the state as of a zxid: the newest snapshot that shows
// nothing later, and the log from there.
func (d Directory) openHistory(ctx context.Context, at wire.Zxid) (*history, error) {
	h, err := d.snapshotBefore(at)
	if err != nil {
		return nil, err
	}
	if h.log, err = store.ReadLog(d.fs(), d.logs(), h.zxid+1, 0); err != nil {
		return nil, err
	}
	if err = h.advance(ctx, at, func(*wire.Txn, []tree.Change) error { return nil }); err == nil && h.zxid < at && h.ended {
		err = fmt.Errorf("%w: %v, the newest is %v", ErrNoHistory, at, h.zxid)
	}
	if err != nil {
		_ = h.close() // the first error counts
		return nil, err
	}
	return h, nil
}

func (d Directory) snapshotBefore(at wire.Zxid) (*history, error) {
	files, err := store.ListSnapshots(d.fs(), d.snapshots())
	if err != nil {
		return nil, err
	}
	var failures []error
	for _, f := range files {
		if f.Zxid > at {
			continue
		}
		if valid, err := store.IsValidSnapshot(d.fs(), f); err != nil || !valid {
			failures = append(failures, err)
			continue
		}
		loaded, err := store.ReadSnapshotFile(d.fs(), f, d.options())
		if err != nil {
			failures = append(failures, err)
			continue
		}
		if max(loaded.Sections.DigestZxid, loaded.Sections.LastZxid) <= at {
			return &history{tree: loaded.Tree, sessions: maps.Clone(loaded.Sessions), zxid: f.Zxid}, nil
		}
	}
	return nil, errors.Join(append(failures, fmt.Errorf("%w: %v has no snapshot before it", ErrNoHistory, at))...)
}

// advance applies the transactions up to a zxid and hands each to applied with
// what it changed, whose values are valid during the call.
func (h *history) advance(ctx context.Context, to wire.Zxid, applied func(*wire.Txn, []tree.Change) error) error {
	for {
		txn, err := h.take(to)
		if txn == nil || err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		switch txn.Type {
		case wire.OpCreateSession:
			h.sessions[txn.Session] = txn.Timeout
		case wire.OpCloseSession:
			delete(h.sessions, txn.Session)
		}
		_, changes := h.tree.Apply(txn)
		h.zxid = txn.Zxid
		if err := applied(txn, changes); err != nil {
			return err
		}
	}
}

// take gives the next transaction up to a zxid, nil if there is none.
func (h *history) take(to wire.Zxid) (*wire.Txn, error) {
	if h.next == nil && !h.ended {
		record, err := h.log.Next()
		if errors.Is(err, io.EOF) {
			h.ended = true
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		if missing(h.zxid, record.Zxid) {
			return nil, &store.GapError{After: h.zxid, Next: record.Zxid, File: record.File}
		}
		var txn wire.Txn
		if err := wire.DecodeTxn(record.Payload, &txn); err != nil {
			return nil, &store.CorruptionError{File: record.File, Offset: record.Offset, Reason: "a transaction is not understood", Err: err}
		}
		h.next = &txn
	}
	if h.next == nil || h.next.Zxid > to {
		return nil, nil
	}
	txn := h.next
	h.next = nil
	return txn, nil
}

// missing tells whether transactions must be missing between two zxids of a
// log. An epoch starts at counter 1; how far the one before went is not known.
func missing(after, next wire.Zxid) bool {
	if next.Epoch() == after.Epoch() {
		return next.Counter() > after.Counter()+1
	}
	return next.Epoch() > after.Epoch() && next.Counter() > 1
}

func (h *history) close() error { return h.log.Close() }
