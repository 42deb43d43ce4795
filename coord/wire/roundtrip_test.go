package wire

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"
)

var requestOps = []Op{
	OpCreate, OpDelete, OpExists, OpGetData, OpSetData, OpGetACL, OpSetACL, OpGetChildren, OpSync, OpPing,
	OpGetChildren2, OpCheck, OpMulti, OpCreate2, OpReconfig, OpCheckWatches, OpRemoveWatches,
	OpCreateContainer, OpDeleteContainer, OpCreateTTL, OpMultiRead, OpAuth, OpSetWatches, OpSASL,
	OpGetEphemerals, OpGetAllChildrenNumber, OpSetWatches2, OpAddWatch, OpWhoAmI, OpCreateSession, OpCloseSession,
}

var txnTypes = []Op{
	OpCreate, OpDelete, OpSetData, OpSetACL, OpCheck, OpMulti, OpCreate2, OpReconfig,
	OpCreateContainer, OpDeleteContainer, OpCreateTTL, OpCreateSession, OpCloseSession, OpError,
}

// source makes random values; lists and buffers may be null where the record
// allows it.
type source struct{ *rand.Rand }

func newSource(seed uint64) source { return source{rand.New(rand.NewPCG(seed, 3))} }

func (s source) int() int32 {
	edges := []int32{0, 1, -1, math.MaxInt32, math.MinInt32}
	if s.IntN(3) == 0 {
		return edges[s.IntN(len(edges))]
	}
	return int32(s.Uint32())
}

func (s source) long() int64 { return int64(s.Uint64() >> s.IntN(64)) }

func (s source) bool() bool { return s.IntN(2) == 0 }

func (s source) text() string {
	alphabet := []rune("/ab.\x00é€\uffff\ue000")
	out := make([]rune, s.IntN(8))
	for i := range out {
		out[i] = alphabet[s.IntN(len(alphabet))]
	}
	return string(out)
}

func (s source) optional() *string {
	if s.bool() {
		return nil
	}
	text := s.text()
	return &text
}

func (s source) texts() []string {
	out := make([]string, s.IntN(4))
	for i := range out {
		out[i] = s.text()
	}
	return out
}

func (s source) buffer() []byte {
	if s.IntN(4) == 0 {
		return nil
	}
	out := make([]byte, s.IntN(20))
	for i := range out {
		out[i] = byte(s.Uint32())
	}
	return out
}

func (s source) acls() []ACL {
	if s.IntN(4) == 0 {
		return nil
	}
	out := make([]ACL, s.IntN(4))
	for i := range out {
		out[i] = ACL{Perms: s.int(), ID: ID{Scheme: s.text(), ID: s.text()}}
	}
	return out
}

func (s source) stat() Stat {
	return Stat{
		Czxid: Zxid(s.long()), Mzxid: Zxid(s.long()), Ctime: Millis(s.long()), Mtime: Millis(s.long()),
		Version: s.int(), Cversion: s.int(), Aversion: s.int(), EphemeralOwner: SessionID(s.long()),
		DataLength: s.int(), NumChildren: s.int(), Pzxid: Zxid(s.long()),
	}
}

func (s source) request(op Op) Request {
	r := Request{Op: op, TTL: -1}
	switch op {
	case OpCreate, OpCreate2, OpCreateContainer, OpCreateTTL:
		r.Path, r.Data, r.ACL, r.Flags = s.text(), s.buffer(), s.acls(), s.Int32N(5)
		if op == OpCreateTTL {
			r.Flags, r.TTL = s.Int32N(7), s.long()
		}
	case OpDelete, OpCheck:
		r.Path, r.Version = s.text(), s.int()
	case OpSetData:
		r.Path, r.Data, r.Version = s.text(), s.buffer(), s.int()
	case OpSetACL:
		r.Path, r.ACL, r.Version = s.text(), s.acls(), s.int()
	case OpExists, OpGetData, OpGetChildren, OpGetChildren2:
		r.Path, r.Watch = s.text(), s.bool()
	case OpGetACL, OpSync, OpGetAllChildrenNumber, OpDeleteContainer, OpGetEphemerals:
		r.Path = s.text()
	case OpCheckWatches, OpRemoveWatches:
		r.Path, r.Kind = s.text(), WatcherChildren+s.Int32N(5)
	case OpAddWatch:
		r.Path, r.Kind = s.text(), s.Int32N(2)
	case OpSetWatches, OpSetWatches2:
		r.RelativeZxid = Zxid(s.long())
		r.DataWatches, r.ExistWatches, r.ChildWatches = s.texts(), s.texts(), s.texts()
		if op == OpSetWatches2 {
			r.PersistentWatches, r.PersistentRecursiveWatch = s.texts(), s.texts()
		}
	case OpAuth:
		r.Scheme, r.Auth = s.text(), s.buffer()
	case OpSASL:
		for r.Auth == nil {
			r.Auth = s.buffer()
		}
	case OpReconfig:
		r.Reconfig = &ReconfigRequest{s.optional(), s.optional(), s.optional(), s.long()}
	case OpCreateSession:
		r.Timeout = s.int()
	case OpMulti, OpMultiRead:
		subs := []Op{OpCreate, OpCreate2, OpCreateContainer, OpCreateTTL, OpDelete, OpSetData, OpCheck}
		if op == OpMultiRead {
			subs = []Op{OpGetData, OpGetChildren}
		}
		for range s.IntN(5) {
			r.Subs = append(r.Subs, s.request(subs[s.IntN(len(subs))]))
		}
	}
	return r
}

func (s source) txn(op Op, header *Txn) Txn {
	t := Txn{Session: header.Session, Cxid: header.Cxid, Zxid: header.Zxid, Time: header.Time, Type: op}
	switch op {
	case OpCreate, OpCreate2, OpCreateContainer, OpCreateTTL:
		t.Path, t.Data, t.ACL, t.ParentCversion = s.text(), s.buffer(), s.acls(), s.int()
		t.Ephemeral = s.bool() && (op == OpCreate || op == OpCreate2)
		if op == OpCreateTTL {
			t.TTL = s.long()
		}
	case OpDelete, OpDeleteContainer:
		t.Path = s.text()
	case OpSetData, OpReconfig:
		t.Path, t.Data, t.Version = s.text(), s.buffer(), s.int()
	case OpSetACL:
		t.Path, t.ACL, t.Version = s.text(), s.acls(), s.int()
	case OpCheck:
		t.Path, t.Version = s.text(), s.int()
	case OpCreateSession:
		t.Timeout = s.int()
	case OpCloseSession:
		t.Paths = s.texts()
	case OpError:
		t.Err = Code(s.int())
	case OpMulti:
		subs := []Op{OpCreate, OpCreate2, OpCreateContainer, OpCreateTTL, OpDelete, OpDeleteContainer, OpSetData, OpCheck, OpError}
		for range s.IntN(5) {
			t.Subs = append(t.Subs, s.txn(subs[s.IntN(len(subs))], header))
		}
	}
	return t
}

// tidyRequest and tidyTxn make two records comparable: a list that was kept for
// reuse counts as none where its operation has no such field.
func tidyRequest(r Request) Request {
	switch r.Op {
	case OpCreate, OpCreate2, OpCreateContainer, OpCreateTTL, OpSetACL:
	default:
		r.ACL = nil
	}
	if len(r.Subs) == 0 {
		r.Subs = nil
	}
	for i := range r.Subs {
		r.Subs[i] = tidyRequest(r.Subs[i])
	}
	return r
}

func tidyTxn(t Txn) Txn {
	switch t.Type {
	case OpCreate, OpCreate2, OpCreateContainer, OpCreateTTL, OpSetACL:
	default:
		t.ACL = nil
	}
	if len(t.Subs) == 0 {
		t.Subs = nil
	}
	for i := range t.Subs {
		t.Subs[i] = tidyTxn(t.Subs[i])
	}
	return t
}

func TestRequestRoundTrip(t *testing.T) {
	for _, op := range requestOps {
		t.Run(fmt.Sprintf("%v_%d", op, op), func(t *testing.T) {
			var reused Request
			for seed := range uint64(300) {
				want := newSource(seed).request(op)
				b := AppendRequest(nil, &want)
				for _, trailing := range [][]byte{nil, {1, 2, 3}} {
					if err := DecodeRequest(op, append(b[:len(b):len(b)], trailing...), &reused); err != nil {
						t.Fatalf("%+v: %v", want, err)
					}
					if got := tidyRequest(reused); !reflect.DeepEqual(got, tidyRequest(want)) {
						t.Fatalf("got\n%+v, want\n%+v", got, want)
					}
				}
				for n := range b {
					if err := DecodeRequest(op, b[:n], &reused); err != ErrMalformed {
						t.Fatalf("%d of %d bytes: %v", n, len(b), err)
					}
				}
			}
		})
	}
}

func TestTxnRoundTrip(t *testing.T) {
	for _, op := range txnTypes {
		t.Run(fmt.Sprintf("%v_%d", op, op), func(t *testing.T) {
			var reused Txn
			for seed := range uint64(300) {
				s := newSource(seed)
				header := Txn{Session: SessionID(s.long()), Cxid: s.int(), Zxid: Zxid(s.long()), Time: Millis(s.long())}
				want := s.txn(op, &header)
				body := len(AppendTxn(nil, &want))
				if s.bool() {
					want.HasDigest, want.Digest = true, s.Uint64()
				}
				b := AppendTxn(nil, &want)
				if err := DecodeTxn(b, &reused); err != nil {
					t.Fatalf("%+v: %v", want, err)
				}
				if got := tidyTxn(reused); !reflect.DeepEqual(got, tidyTxn(want)) {
					t.Fatalf("got\n%+v, want\n%+v", got, want)
				}
				for n := range body {
					// Two records end early in old forms.
					oldForm := op == OpCreate && n >= body-4 || op == OpCloseSession && n == TxnHeaderSize
					if err := DecodeTxn(b[:n], &reused); err != ErrMalformed && !oldForm {
						t.Fatalf("%d of %d bytes: %v", n, body, err)
					}
				}
			}
		})
	}
}

// appendReply encodes a reply's body as a server does.
func appendReply(dst []byte, op Op, r *Reply) []byte {
	switch op {
	case OpMulti, OpMultiRead:
		for i := range r.Results {
			m := &r.Results[i]
			if m.Op == OpError {
				dst = AppendMultiError(dst, m.Err)
				continue
			}
			dst = appendReply(AppendMultiResult(dst, m.Op, m.Err), m.Op, &m.Reply)
		}
		return AppendMultiEnd(dst)
	case OpCreate, OpSync, OpCreate2, OpCreateContainer, OpCreateTTL:
		dst = AppendString(dst, r.Path)
	case OpGetData, OpReconfig, OpSASL:
		dst = AppendBuffer(dst, r.Data)
	case OpGetACL:
		dst = AppendACLs(dst, r.ACL)
	case OpGetChildren, OpGetEphemerals, OpGetChildren2:
		dst = AppendStrings(dst, r.Children)
	case OpGetAllChildrenNumber:
		dst = AppendInt(dst, r.Number)
	case OpWhoAmI:
		dst = AppendInt(dst, int32(len(r.Clients)))
		for _, c := range r.Clients {
			dst = AppendString(AppendString(dst, c.Scheme), c.ID)
		}
	}
	if r.HasStat {
		dst = AppendStat(dst, &r.Stat)
	}
	return dst
}

func (s source) reply(op Op) Reply {
	var r Reply
	stat := func() { r.Stat, r.HasStat = s.stat(), true }
	switch op {
	case OpCreate, OpSync:
		r.Path = s.text()
	case OpCreate2, OpCreateContainer, OpCreateTTL:
		r.Path = s.text()
		stat()
	case OpExists, OpSetData, OpSetACL:
		stat()
	case OpGetData, OpReconfig:
		r.Data = s.buffer()
		stat()
	case OpGetACL:
		r.ACL = s.acls()
		stat()
	case OpGetChildren, OpGetEphemerals:
		r.Children = s.texts()
	case OpGetChildren2:
		r.Children = s.texts()
		stat()
	case OpGetAllChildrenNumber:
		r.Number = s.int()
	case OpSASL:
		r.Data = s.buffer()
	case OpWhoAmI:
		for range s.IntN(4) {
			r.Clients = append(r.Clients, ID{Scheme: s.text(), ID: s.text()})
		}
	case OpMulti, OpMultiRead:
		subs := []Op{OpCreate, OpCreate2, OpDelete, OpSetData, OpCheck, OpError}
		if op == OpMultiRead {
			subs = []Op{OpGetData, OpGetChildren, OpError}
		}
		for range s.IntN(5) {
			m := MultiResult{Op: subs[s.IntN(len(subs))]}
			if m.Op == OpError {
				m.Err = Code(s.int())
			} else {
				m.Reply = s.reply(m.Op)
			}
			r.Results = append(r.Results, m)
		}
	}
	return r
}

func TestReplyRoundTrip(t *testing.T) {
	for _, op := range requestOps {
		t.Run(fmt.Sprintf("%v_%d", op, op), func(t *testing.T) {
			for seed := range uint64(300) {
				want := newSource(seed).reply(op)
				b := appendReply(nil, op, &want)
				got, err := DecodeReply(op, b)
				if err != nil || !reflect.DeepEqual(got, want) {
					t.Fatalf("got\n%+v, %v, want\n%+v", got, err, want)
				}
				for n := range b {
					if _, err := DecodeReply(op, b[:n]); err != ErrMalformed {
						t.Fatalf("%d of %d bytes: %v", n, len(b), err)
					}
				}
			}
		})
	}
}

func TestHandshakeRoundTrip(t *testing.T) {
	for seed := range uint64(300) {
		s := newSource(seed)
		request := ConnectRequest{
			ProtocolVersion: s.int(), LastZxidSeen: Zxid(s.long()), Timeout: s.int(),
			SessionID: SessionID(s.long()), Password: s.buffer(), HasReadOnly: s.bool(),
		}
		request.ReadOnly = request.HasReadOnly && s.bool()
		if got, err := DecodeConnectRequest(AppendConnectRequest(nil, &request)); err != nil || !reflect.DeepEqual(got, request) {
			t.Fatalf("got %+v, %v, want %+v", got, err, request)
		}
		response := ConnectResponse{
			ProtocolVersion: s.int(), Timeout: s.int(), SessionID: SessionID(s.long()),
			Password: s.buffer(), HasReadOnly: s.bool(),
		}
		response.ReadOnly = response.HasReadOnly && s.bool()
		if got, err := DecodeConnectResponse(AppendConnectResponse(nil, &response)); err != nil || !reflect.DeepEqual(got, response) {
			t.Fatalf("got %+v, %v, want %+v", got, err, response)
		}
	}
}

func TestFrames(t *testing.T) {
	frame := AppendRequestFrame([]byte("before"), 7, &Request{Op: OpGetData, Path: "/a", Watch: true})
	wantBytes(t, "request frame", frame[6:], unhex(t, "0000000f 00000007 00000004 00000002 2f61 01"))
	h := ReplyHeader{Xid: -2, Zxid: 9, Err: NoNode}
	b := AppendReplyHeader(nil, h)
	wantBytes(t, "reply header", b, unhex(t, "fffffffe 0000000000000009 ffffff9b"))
	d := NewDecoder(b)
	if got := d.ReplyHeader(); got != h || d.Err() != nil || d.Offset() != ReplyHeaderSize {
		t.Errorf("reply header decodes to %+v, %v", got, d.Err())
	}
}

func TestStatLayout(t *testing.T) {
	want := newSource(1).stat()
	b := AppendStat(nil, &want)
	d := NewDecoder(b)
	if got := d.Stat(); got != want || len(b) != StatSize || d.Err() != nil {
		t.Errorf("%d bytes decode to %+v, want %+v", len(b), got, want)
	}
}
