package wire

import "encoding/binary"

// DigestVersion is the version of the tree digest that transactions and
// snapshots carry (ZooKeeper: DigestCalculator.java).
const DigestVersion = 2

// Txn is one transaction: header, body and optional digest of the tree after
// it. One flat struct serves all types; Type says which body fields count:
//
//	create, create2     Path Data ACL Ephemeral ParentCversion
//	createContainer     Path Data ACL ParentCversion
//	createTTL           Path Data ACL ParentCversion TTL
//	delete, deleteContainer  Path
//	setData, reconfig   Path Data Version
//	setACL              Path ACL Version
//	check               Path Version
//	createSession       Timeout
//	closeSession        Paths (nil: no list, the body ends before it)
//	error               Err
//	multi               Subs; a sub-transaction has only Type and body
//
// ZooKeeper: SerializeUtils.java, zookeeper.jute.
type Txn struct {
	Session SessionID
	Cxid    int32
	Zxid    Zxid
	Time    Millis // wall clock of the leader
	Type    Op

	Path           string
	Data           []byte
	ACL            []ACL
	Ephemeral      bool
	ParentCversion int32 // -1: unknown, add one (records of ZooKeeper 3.3 and older)
	TTL            int64 // ms
	Version        int32 // the new version
	Err            Code
	Timeout        int32 // ms
	Paths          []string
	Subs           []Txn

	HasDigest bool
	Digest    uint64 // of the whole tree after this transaction
}

// AppendTxn appends header, body and, when t has one, the digest: the form a
// transaction has in log files and proposals.
func AppendTxn(dst []byte, t *Txn) []byte {
	dst = AppendTxnHeader(dst, t)
	dst = AppendTxnBody(dst, t)
	// After a closeSession without list a digest would be read as the list.
	if t.HasDigest && (t.Type != OpCloseSession || t.Paths != nil) {
		dst = AppendTxnDigest(dst, t.Digest)
	}
	return dst
}

// AppendTxnHeader appends the 32-byte header.
func AppendTxnHeader(dst []byte, t *Txn) []byte {
	dst, b := extend(dst, TxnHeaderSize)
	_ = b[TxnHeaderSize-1]
	binary.BigEndian.PutUint64(b[0:], uint64(t.Session))
	binary.BigEndian.PutUint32(b[8:], uint32(t.Cxid))
	binary.BigEndian.PutUint64(b[12:], uint64(t.Zxid))
	binary.BigEndian.PutUint64(b[20:], uint64(t.Time))
	binary.BigEndian.PutUint32(b[28:], uint32(t.Type))
	return dst
}

// AppendTxnDigest appends the trailing digest of a transaction.
func AppendTxnDigest(dst []byte, digest uint64) []byte {
	return AppendLong(AppendInt(dst, DigestVersion), int64(digest))
}

// AppendTxnBody appends the body alone.
func AppendTxnBody(dst []byte, t *Txn) []byte {
	switch t.Type {
	case OpCreate, OpCreate2, OpCreateContainer, OpCreateTTL:
		dst = AppendString(dst, t.Path)
		dst = AppendBuffer(dst, t.Data)
		dst = AppendACLs(dst, t.ACL)
		if t.Type == OpCreate || t.Type == OpCreate2 {
			dst = AppendBool(dst, t.Ephemeral)
		}
		dst = AppendInt(dst, t.ParentCversion)
		if t.Type == OpCreateTTL {
			dst = AppendLong(dst, t.TTL)
		}
	case OpDelete, OpDeleteContainer:
		dst = AppendString(dst, t.Path)
	case OpSetData, OpReconfig:
		dst = AppendInt(AppendBuffer(AppendString(dst, t.Path), t.Data), t.Version)
	case OpSetACL:
		dst = AppendInt(AppendACLs(AppendString(dst, t.Path), t.ACL), t.Version)
	case OpCheck:
		dst = AppendInt(AppendString(dst, t.Path), t.Version)
	case OpCreateSession:
		dst = AppendInt(dst, t.Timeout)
	case OpCloseSession:
		if t.Paths != nil {
			dst = AppendStrings(dst, t.Paths)
		}
	case OpError:
		dst = AppendInt(dst, int32(t.Err))
	case OpMulti:
		dst = AppendInt(dst, int32(len(t.Subs)))
		for i := range t.Subs {
			dst = AppendInt(dst, int32(t.Subs[i].Type))
			var mark int
			dst, mark = BeginFrame(dst)
			dst = AppendTxnBody(dst, &t.Subs[i])
			dst = EndFrame(dst, mark)
		}
	}
	return dst
}

// TxnHeaderSize is the encoded length of a transaction header in bytes.
const TxnHeaderSize = 32

// DecodeTxnHeader reads the header alone.
func DecodeTxnHeader(b []byte, t *Txn) error {
	d := NewDecoder(b)
	decodeTxnHeader(&d, t)
	return d.Err()
}

func decodeTxnHeader(d *Decoder, t *Txn) {
	b := d.take(TxnHeaderSize)
	if b == nil {
		return
	}
	t.Session, t.Cxid = SessionID(binary.BigEndian.Uint64(b[0:])), int32(binary.BigEndian.Uint32(b[8:]))
	t.Zxid, t.Time = Zxid(binary.BigEndian.Uint64(b[12:])), Millis(binary.BigEndian.Uint64(b[20:]))
	t.Type = Op(binary.BigEndian.Uint32(b[28:]))
}

// DecodeTxn reads one transaction as log files and proposals hold it into t,
// which it overwrites but whose slices it reuses. Strings and buffers alias b.
// Old forms are understood: a create without parent cversion, a closeSession
// without list, no digest.
func DecodeTxn(b []byte, t *Txn) error {
	d := NewDecoder(b)
	acl, subs := reusable(t.ACL), reusable(t.Subs)
	*t = Txn{ACL: acl, Subs: subs}
	decodeTxnHeader(&d, t)
	decodeTxnBody(&d, t, 0)
	if d.bad {
		return ErrMalformed
	}
	if len(d.Rest()) >= 12 {
		if version := d.Int(); version == DigestVersion {
			t.Digest, t.HasDigest = uint64(d.Long()), true
		}
	}
	return nil
}

func decodeTxnBody(d *Decoder, t *Txn, depth int) {
	switch t.Type {
	case OpCreate, OpCreate2, OpCreateContainer, OpCreateTTL:
		decodeCreateTxn(d, t)
	case OpDelete, OpDeleteContainer:
		t.Path = d.String()
	case OpSetData, OpReconfig:
		t.Path, t.Data, t.Version = d.String(), d.Buffer(), d.Int()
	case OpSetACL:
		t.Path = d.String()
		t.ACL = d.ACLs(t.ACL)
		t.Version = d.Int()
	case OpCheck:
		t.Path, t.Version = d.String(), d.Int()
	case OpCreateSession:
		t.Timeout = d.Int()
	case OpCloseSession:
		if len(d.Rest()) > 0 {
			t.Paths = d.Strings()
		}
	case OpError:
		t.Err = Code(d.Int())
	case OpMulti:
		decodeMultiTxn(d, t, depth)
	default:
		d.Fail()
	}
}

func decodeCreateTxn(d *Decoder, t *Txn) {
	t.Path, t.Data = d.String(), d.Buffer()
	t.ACL = d.ACLs(t.ACL)
	if t.Type == OpCreate || t.Type == OpCreate2 {
		t.Ephemeral = d.Bool()
	}
	if t.Type == OpCreate && !d.bad && len(d.Rest()) < 4 {
		d.off = len(d.buf)
		t.ParentCversion = -1 // the form before ZooKeeper 3.4
		return
	}
	t.ParentCversion = d.Int()
	if t.Type == OpCreateTTL {
		t.TTL = d.Long()
	}
}

func decodeMultiTxn(d *Decoder, t *Txn, depth int) {
	n := d.Count(8)
	if depth > 0 {
		d.Fail() // a multi inside a multi is no transaction
		return
	}
	for range max(n, 0) {
		t.Subs = append(room(t.Subs), Txn{Session: t.Session, Cxid: t.Cxid, Zxid: t.Zxid, Time: t.Time, Type: Op(d.Int())})
		sub := &t.Subs[len(t.Subs)-1]
		body := d.Buffer()
		if d.bad {
			return
		}
		s := NewDecoder(body)
		decodeTxnBody(&s, sub, depth+1)
		if s.bad {
			d.Fail()
			return
		}
	}
}
