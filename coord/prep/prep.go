package prep

import (
	"kafkacoord/coord/auth"
	"kafkacoord/coord/session"
	"kafkacoord/coord/tree"
	"kafkacoord/coord/wire"
)

// Config holds the settings that decide what a write request means. The names
// in brackets are ZooKeeper's.
type Config struct {
	// ExtendedTypes allows TTL nodes (zookeeper.extendedTypesEnabled). It must
	// be the same as the tree's.
	ExtendedTypes bool
	// Digest puts the digest of the tree into transactions
	// (zookeeper.digest.enabled). The tree must keep one.
	Digest bool
	// CloseSessionTxn lists the nodes of a closed session in its transaction
	// (zookeeper.closeSessionTxn.enabled).
	CloseSessionTxn bool
	// EnforceQuota refuses writes beyond a hard quota (zookeeper.enforceQuota).
	EnforceQuota bool
	// Standalone says that no other server takes part: an unknown session is
	// answered with UnknownSession, elsewhere with SessionExpired.
	Standalone bool
	// ReconfigEnabled (reconfigEnabled) decides which refusal a reconfig gets.
	ReconfigEnabled bool
}

// Request is one write, from a client or internal.
type Request struct {
	Session wire.SessionID
	Cxid    int32
	// Owner is who sends it on the session's behalf, as session.Table.Check
	// takes it; 0 skips the check of the owner.
	Owner uint64
	// IDs are the identities of the connection when the request arrived.
	IDs []wire.ID
	// Req is the decoded body; its Op is set even when Undecodable is.
	Req *wire.Request
	// Undecodable says that the body could not be read.
	Undecodable bool
}

// Prep validates writes and predicts their effects.
type Prep struct {
	tree     *tree.Tree
	auth     *auth.Registry
	sessions *session.Table
	config   Config

	pending pending
	digest  uint64 // of the tree after all pending changes

	// Of the transaction under way.
	now      wire.Millis
	zxid     wire.Zxid
	prepared tree.Prepared

	// Memory reused from call to call.
	parentSlot, nodeSlot state
	name                 []byte
	paths                []string
	lastACL              []wire.ACL // copied for an earlier change; immutable
}

// New returns a Prep without pending changes. The tree and the sessions are
// read; of the sessions, one that is being closed is marked.
func New(t *tree.Tree, a *auth.Registry, s *session.Table, c Config) *Prep {
	p := &Prep{auth: a, sessions: s, config: c}
	p.Reset(t)
	return p
}

// Reset forgets all pending changes and goes on with the given tree.
func (p *Prep) Reset(t *tree.Tree) {
	p.tree = t
	p.pending.reset()
}

// Applied says that the transactions up to z are in the tree. It must be called
// after they were applied, and in order.
func (p *Prep) Applied(z wire.Zxid) { p.pending.drop(z) }

// Digest is the digest that the tree will have after all pending changes; it
// means nothing unless Config.Digest is set.
func (p *Prep) Digest() uint64 {
	if p.pending.empty() {
		return p.tree.Digest()
	}
	return p.digest
}

// Txn fills txn with what a write request comes to, at wall-clock time now and
// with the transaction id z, and returns the request's code.
//
// A refused request is a transaction too: of type error with the code, or a
// multi whose parts are errors from the failing one on. SessionMoved means that
// the server with the stale connection must close it without a reply. Only a
// body that cannot be decoded, or an operation that is no write, leaves no
// transaction: txn.Type is then 0 and z is free for the next request. (An
// undecodable multi does take z, as in ZooKeeper.)
//
// txn may be reused from call to call; its lists are. Its strings and data
// alias the request and memory of p, so that it must be encoded before the
// request's buffer changes and before the next call of Txn or Applied.
func (p *Prep) Txn(now wire.Millis, z wire.Zxid, r *Request, txn *wire.Txn) wire.Code {
	clearTxn(txn)
	txn.Session, txn.Cxid, txn.Zxid, txn.Time = r.Session, r.Cxid, z, now
	p.now, p.zxid, p.prepared = now, z, tree.Prepared{}
	if p.pending.empty() {
		p.digest = p.tree.Digest()
	}
	op := r.Req.Op
	switch {
	case op == wire.OpMulti:
		if r.Undecodable {
			return refuse(txn, wire.MarshallingError)
		}
		return p.multi(r, txn)
	case r.Undecodable:
		return wire.MarshallingError
	case !op.IsWrite() || op == wire.OpCheck:
		return wire.Unimplemented
	}
	if code := p.single(r, txn); code != wire.OK {
		return refuse(txn, code)
	}
	// Without its list a closeSession must not carry a digest: a reader would
	// take the digest's first bytes for the list's length.
	if op != wire.OpCloseSession || txn.Paths != nil {
		p.setDigest(txn)
	}
	return wire.OK
}

// Prepared is what is known of the transaction that Txn has made last, for
// Tree.ApplyPrepared when it is committed.
func (p *Prep) Prepared() tree.Prepared { return p.prepared }

func clearTxn(txn *wire.Txn) {
	*txn = wire.Txn{ACL: txn.ACL[:0], Subs: txn.Subs[:0]}
}

func refuse(txn *wire.Txn, code wire.Code) wire.Code {
	txn.Type, txn.Err = wire.OpError, code
	return code
}

func (p *Prep) setDigest(txn *wire.Txn) {
	if p.config.Digest {
		txn.HasDigest, txn.Digest = true, p.digest
	}
}

// single handles an operation that stands alone.
func (p *Prep) single(r *Request, txn *wire.Txn) wire.Code {
	q := r.Req
	switch q.Op {
	case wire.OpSetACL:
		return p.setACL(r, txn)
	case wire.OpDeleteContainer:
		return p.deleteContainer(q, txn)
	case wire.OpCreateSession:
		txn.Type, txn.Timeout = wire.OpCreateSession, q.Timeout
		return wire.OK
	case wire.OpCloseSession:
		p.closeSession(r.Session, txn)
		return wire.OK
	case wire.OpReconfig:
		return p.reconfig(r)
	}
	return p.part(r, q, false, txn)
}

// part handles an operation that may also be a part of a multi.
func (p *Prep) part(r *Request, q *wire.Request, inMulti bool, txn *wire.Txn) wire.Code {
	switch q.Op {
	case wire.OpCreate, wire.OpCreate2, wire.OpCreateContainer, wire.OpCreateTTL:
		return p.create(r, q, inMulti, txn)
	case wire.OpDelete:
		return p.delete(r, q, txn)
	case wire.OpSetData:
		return p.setData(r, q, txn)
	case wire.OpCheck:
		return p.check(r, q, txn)
	}
	return wire.Unimplemented // the decoder lets nothing else into a multi
}

// reconfig is refused: changing the ensemble needs an ensemble.
func (p *Prep) reconfig(r *Request) wire.Code {
	if !p.config.ReconfigEnabled {
		return wire.ReconfigDisabled
	}
	if code := p.checkSession(r); code != wire.OK {
		return code
	}
	return wire.Unimplemented
}

// checkSession tells whether the request's session may write. A leader calls a
// session that nobody knows expired, a standalone server unknown.
func (p *Prep) checkSession(r *Request) wire.Code {
	code := p.sessions.Check(r.Session, r.Owner)
	if code == wire.UnknownSession && !p.config.Standalone {
		return wire.SessionExpired
	}
	return code
}

func (p *Prep) allowed(n *state, perm int32, r *Request) bool {
	return n.open || p.auth.Check(n.acl, perm, r.IDs)
}
