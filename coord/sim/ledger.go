package sim

import (
	"errors"
	"hash/fnv"
	"io"
	"path/filepath"
	"slices"

	"kafkacoord/coord/core"
	"kafkacoord/coord/store"
	"kafkacoord/coord/wire"
)

// note is what the judge keeps of a transaction.
type note struct {
	zxid    wire.Zxid
	hash    uint64 // of its bytes
	session wire.SessionID
	cxid    int32
	kind    wire.Op // OpError also for a multi that failed
}

func noteOf(e core.Entry) note {
	h := fnv.New64a()
	_, _ = h.Write(e.Payload) // a hash returns no error
	n := note{zxid: e.Zxid, hash: h.Sum64()}
	var txn wire.Txn
	if wire.DecodeTxn(e.Payload, &txn) != nil {
		return n
	}
	n.session, n.cxid, n.kind = txn.Session, txn.Cxid, txn.Type
	if txn.Type == wire.OpMulti && len(txn.Subs) > 0 && txn.Subs[0].Type == wire.OpError {
		n.kind = wire.OpError
	}
	return n
}

// ledger is a sequence of transactions in ascending order, behind a state that
// is known by its last transaction only.
type ledger struct {
	base  wire.Zxid
	notes []note
}

func (l *ledger) clone() ledger { return ledger{base: l.base, notes: slices.Clone(l.notes)} }

func (l *ledger) add(n note) { l.notes = append(l.notes, n) }

func (l *ledger) last() wire.Zxid {
	if len(l.notes) == 0 {
		return l.base
	}
	return l.notes[len(l.notes)-1].zxid
}

// cut drops everything after a transaction.
func (l *ledger) cut(after wire.Zxid) {
	n, _ := l.find(after + 1)
	l.notes = l.notes[:n]
	l.base = min(l.base, after)
}

// find returns where a transaction is, or where it would be.
func (l *ledger) find(z wire.Zxid) (int, bool) {
	return slices.BinarySearchFunc(l.notes, z, func(n note, z wire.Zxid) int {
		return int(min(max(n.zxid-z, -1), 1))
	})
}

// holds tells whether a transaction is in the ledger or in the state before it.
func (l *ledger) holds(n note) bool {
	if n.zxid <= l.base {
		return true
	}
	i, found := l.find(n.zxid)
	return found && l.notes[i].hash == n.hash
}

// readLedger reads what a machine's log holds. Without any record in the log
// the snapshot alone is the base.
func readLedger(m *machine, snapshot wire.Zxid) (ledger, error) {
	l := ledger{base: snapshot}
	it, err := store.ReadLog(m.disk, filepath.Join(m.options.DataDir, "version-2"), 0, 0)
	if err != nil {
		return l, err
	}
	for {
		r, err := it.Next()
		if errors.Is(err, io.EOF) {
			return l, it.Close()
		}
		if err != nil {
			return l, errors.Join(err, it.Close())
		}
		if len(l.notes) == 0 {
			l.base = min(l.base, r.Zxid-1)
		}
		l.add(noteOf(core.Entry{Zxid: r.Zxid, Payload: r.Payload}))
	}
}
