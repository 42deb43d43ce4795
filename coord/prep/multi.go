package prep

import (
	"slices"

	"kafkacoord/coord/wire"
)

// multi makes one transaction of several operations, each judged against the
// state that those before it leave. When one fails, all pending changes of the
// multi are taken back: the transaction then keeps the parts before the failing
// one as they were, has that one's code, and RuntimeInconsistency for the rest;
// applying it changes nothing. ZooKeeper: PrepRequestProcessor.java.
func (p *Prep) multi(r *Request, txn *wire.Txn) wire.Code {
	txn.Type = wire.OpMulti
	failed := wire.OK
	digest := p.digest
	p.pending.begin()
	for i := range r.Req.Subs {
		sub := nextSub(txn)
		if failed != wire.OK {
			refuse(sub, wire.RuntimeInconsistency)
			continue
		}
		if failed = p.part(r, &r.Req.Subs[i], true, sub); failed != wire.OK {
			refuse(sub, failed)
			p.pending.rollback()
			p.digest = digest
		}
	}
	p.pending.commit()
	p.setDigest(txn)
	return failed
}

// nextSub adds an empty part to txn, with the list of an earlier use of txn.
func nextSub(txn *wire.Txn) *wire.Txn {
	n := len(txn.Subs)
	txn.Subs = slices.Grow(txn.Subs, 1)[:n+1]
	sub := &txn.Subs[n]
	clearTxn(sub)
	sub.Session, sub.Cxid, sub.Zxid, sub.Time = txn.Session, txn.Cxid, txn.Zxid, txn.Time
	return sub
}
