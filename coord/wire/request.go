package wire

// RequestHeaderSize is the encoded length of a request header in bytes.
const RequestHeaderSize = 8

// Request is any request record. One flat struct serves all operations so that
// the hot path can reuse it; the operation says which fields count:
//
//	create, create2, createContainer  Path Data ACL Flags
//	createTTL                         Path Data ACL Flags TTL
//	delete, check                     Path Version
//	setData                           Path Data Version
//	setACL                            Path ACL Version
//	exists, getData, getChildren(2)   Path Watch
//	getACL, sync, getAllChildrenNumber, deleteContainer  Path
//	getEphemerals                     Path (prefix, "" for all)
//	checkWatches, removeWatches       Path Kind (a Watcher… constant)
//	addWatch                          Path Kind (WatchPersistent or …Recursive)
//	setWatches, setWatches2           RelativeZxid and the five path lists
//	multi, multiRead                  Subs
//	auth                              Scheme Auth
//	sasl                              Auth (token)
//	reconfig                          Reconfig
//	createSession                     Timeout
type Request struct {
	Op      Op
	Path    string
	Data    []byte
	ACL     []ACL
	Flags   int32
	TTL     int64 // ms; -1 where the record has no such field
	Version int32
	Kind    int32
	Watch   bool
	Timeout int32

	RelativeZxid Zxid
	// NullList is the number (1 to 5) of the first of the lists below that is
	// null, or of the first three that has a null path; the lists end there. 0:
	// all are whole.
	NullList                 int
	DataWatches              []string
	ExistWatches             []string
	ChildWatches             []string
	PersistentWatches        []string
	PersistentRecursiveWatch []string

	Scheme string
	Auth   []byte

	Subs     []Request
	Reconfig *ReconfigRequest
}

// ReconfigRequest is the body of a reconfig. A nil list is a null on the wire.
type ReconfigRequest struct {
	Joining, Leaving, NewMembers *string
	ConfigID                     int64
}

// DecodeRequest reads the body of an operation into req, which it overwrites
// but whose slices it reuses. Strings and buffers alias body. Bytes after the
// record are ignored, as in ZooKeeper. Any error means MARSHALLINGERROR to the
// client.
func DecodeRequest(op Op, body []byte, req *Request) error {
	d := NewDecoder(body)
	acl, subs := reusable(req.ACL), reusable(req.Subs)
	*req = Request{Op: op, TTL: -1, ACL: acl, Subs: subs}
	switch op {
	case OpMulti:
		decodeMulti(&d, req, isMultiWrite)
	case OpMultiRead:
		decodeMulti(&d, req, isMultiRead)
	default:
		decodeBody(&d, req)
	}
	return d.Err()
}

func decodeBody(d *Decoder, req *Request) {
	switch req.Op {
	case OpCreate, OpCreate2, OpCreateContainer:
		decodeCreate(d, req)
	case OpCreateTTL:
		decodeCreate(d, req)
		req.TTL = d.Long()
	case OpDelete, OpCheck:
		req.Path, req.Version = d.String(), d.Int()
	case OpSetData:
		req.Path, req.Data, req.Version = d.String(), d.Buffer(), d.Int()
	case OpSetACL:
		req.Path = d.String()
		req.ACL = d.ACLs(req.ACL)
		req.Version = d.Int()
	case OpExists, OpGetData, OpGetChildren, OpGetChildren2:
		req.Path, req.Watch = d.String(), d.Bool()
	case OpGetACL, OpSync, OpGetAllChildrenNumber, OpDeleteContainer:
		req.Path = d.String()
	case OpGetEphemerals:
		req.Path, _ = d.StringOrNull()
	case OpCheckWatches, OpRemoveWatches:
		req.Path, req.Kind = d.String(), d.Int()
		if req.Kind < WatcherChildren || req.Kind > WatcherPersistentRecursive {
			d.Fail()
		}
	case OpAddWatch:
		req.Path, req.Kind = d.String(), d.Int()
		if req.Kind != WatchPersistent && req.Kind != WatchPersistentRecursive {
			d.Fail()
		}
	case OpSetWatches, OpSetWatches2:
		decodeSetWatches(d, req)
	case OpAuth:
		d.Int()
		req.Scheme, _ = d.StringOrNull()
		req.Auth = d.Buffer()
	case OpSASL:
		if req.Auth = d.Buffer(); req.Auth == nil {
			d.Fail()
		}
	case OpReconfig:
		req.Reconfig = &ReconfigRequest{Joining: d.optional(), Leaving: d.optional(), NewMembers: d.optional()}
		req.Reconfig.ConfigID = d.Long()
	case OpCreateSession:
		req.Timeout = d.Int()
	}
}

func (d *Decoder) optional() *string {
	if s, ok := d.StringOrNull(); ok {
		return &s
	}
	return nil
}

func decodeCreate(d *Decoder, req *Request) {
	req.Path, req.Data = d.String(), d.Buffer()
	req.ACL = d.ACLs(req.ACL)
	req.Flags = d.Int()
}

func decodeSetWatches(d *Decoder, req *Request) {
	req.RelativeZxid = Zxid(d.Long())
	lists := []*[]string{&req.DataWatches, &req.ExistWatches, &req.ChildWatches}
	if req.Op == OpSetWatches2 {
		lists = append(lists, &req.PersistentWatches, &req.PersistentRecursiveWatch)
	}
	for i, l := range lists {
		n := d.Count(4)
		if n < 0 && req.NullList == 0 {
			req.NullList = i + 1
		}
		*l = make([]string, 0, max(n, 0))
		for range n {
			path, ok := d.StringOrNull()
			switch {
			case ok && (req.NullList == 0 || req.NullList > i+1):
				*l = append(*l, path)
			case !ok && i < 3 && req.NullList == 0:
				req.NullList = i + 1
			}
		}
	}
}

func isMultiRead(o Op) bool { return o == OpGetData || o == OpGetChildren }

func isMultiWrite(o Op) bool {
	switch o {
	case OpCreate, OpCreate2, OpCreateContainer, OpCreateTTL, OpDelete, OpSetData, OpCheck:
		return true
	}
	return false
}

// decodeMulti reads sub-requests up to the terminator. There is no count on the
// wire; every sub-request takes at least its nine-byte header, so the input
// bounds the allocation.
func decodeMulti(d *Decoder, req *Request, allowed func(Op) bool) {
	for {
		op, done, _ := Op(d.Int()), d.Bool(), d.Int()
		if d.bad || done {
			return
		}
		if !allowed(op) {
			d.Fail()
			return
		}
		req.Subs = append(room(req.Subs), Request{Op: op, TTL: -1})
		sub := &req.Subs[len(req.Subs)-1]
		decodeBody(d, sub)
		if d.bad {
			req.Subs = req.Subs[:len(req.Subs)-1]
			return
		}
		if !multiCreateOK(sub) {
			d.Fail()
			if sub.Flags < FlagPersistent || sub.Flags > FlagPersistentSequentialTTL {
				req.Subs = req.Subs[:len(req.Subs)-1] // ZooKeeper does not get to its list
			}
			return
		}
	}
}

// multiCreateOK checks a sub-create's flag: in a multi an unknown flag, or a
// TTL flag on a record without a TTL, makes the whole request undecodable. A
// record with a TTL is refused later, as one part of the multi.
func multiCreateOK(sub *Request) bool {
	switch sub.Op {
	case OpCreate, OpCreate2, OpCreateContainer:
		return sub.Flags >= FlagPersistent && sub.Flags <= FlagContainer
	}
	return true
}

// HasNullACL tells whether a part of a multi creates with a null list. ZooKeeper
// fails on it while it takes the request apart, without a transaction. It may
// be asked of a request that could not be decoded too: of its whole parts.
func (r *Request) HasNullACL() bool {
	for i := range r.Subs {
		switch r.Subs[i].Op {
		case OpCreate, OpCreate2, OpCreateContainer:
			if r.Subs[i].ACL == nil {
				return true
			}
		}
	}
	return false
}

// AppendRequest appends the body of a request, without frame or header.
func AppendRequest(dst []byte, r *Request) []byte {
	switch r.Op {
	case OpCreate, OpCreate2, OpCreateContainer, OpCreateTTL:
		dst = AppendString(dst, r.Path)
		dst = AppendBuffer(dst, r.Data)
		dst = AppendACLs(dst, r.ACL)
		dst = AppendInt(dst, r.Flags)
		if r.Op == OpCreateTTL {
			dst = AppendLong(dst, r.TTL)
		}
	case OpDelete, OpCheck:
		dst = AppendInt(AppendString(dst, r.Path), r.Version)
	case OpSetData:
		dst = AppendInt(AppendBuffer(AppendString(dst, r.Path), r.Data), r.Version)
	case OpSetACL:
		dst = AppendInt(AppendACLs(AppendString(dst, r.Path), r.ACL), r.Version)
	case OpExists, OpGetData, OpGetChildren, OpGetChildren2:
		dst = AppendBool(AppendString(dst, r.Path), r.Watch)
	case OpGetACL, OpSync, OpGetAllChildrenNumber, OpDeleteContainer, OpGetEphemerals:
		dst = AppendString(dst, r.Path)
	case OpCheckWatches, OpRemoveWatches, OpAddWatch:
		dst = AppendInt(AppendString(dst, r.Path), r.Kind)
	case OpSetWatches, OpSetWatches2:
		dst = appendSetWatches(dst, r)
	case OpAuth:
		dst = AppendBuffer(AppendString(AppendInt(dst, 0), r.Scheme), r.Auth)
	case OpSASL:
		dst = AppendBuffer(dst, r.Auth)
	case OpReconfig:
		for _, s := range []*string{r.Reconfig.Joining, r.Reconfig.Leaving, r.Reconfig.NewMembers} {
			if s == nil {
				dst = AppendInt(dst, -1)
			} else {
				dst = AppendString(dst, *s)
			}
		}
		dst = AppendLong(dst, r.Reconfig.ConfigID)
	case OpCreateSession:
		dst = AppendInt(dst, r.Timeout)
	case OpMulti, OpMultiRead:
		for i := range r.Subs {
			dst = appendMultiHeader(dst, r.Subs[i].Op, false, -1)
			dst = AppendRequest(dst, &r.Subs[i])
		}
		dst = appendMultiHeader(dst, -1, true, -1)
	}
	return dst
}

func appendSetWatches(dst []byte, r *Request) []byte {
	dst = AppendLong(dst, int64(r.RelativeZxid))
	lists := [][]string{r.DataWatches, r.ExistWatches, r.ChildWatches}
	if r.Op == OpSetWatches2 {
		lists = append(lists, r.PersistentWatches, r.PersistentRecursiveWatch)
	}
	for _, l := range lists {
		if l == nil {
			l = []string{}
		}
		dst = AppendStrings(dst, l)
	}
	return dst
}

func appendMultiHeader(dst []byte, op Op, done bool, err Code) []byte {
	return AppendInt(AppendBool(AppendInt(dst, int32(op)), done), int32(err))
}

// AppendMultiResult appends the header of one result of a multi; the body
// follows it.
func AppendMultiResult(dst []byte, op Op, err Code) []byte {
	return appendMultiHeader(dst, op, false, err)
}

// AppendMultiError appends one failed result of a multi: header and body.
func AppendMultiError(dst []byte, err Code) []byte {
	return AppendInt(appendMultiHeader(dst, OpError, false, err), int32(err))
}

// AppendMultiEnd appends the terminator of a multi.
func AppendMultiEnd(dst []byte) []byte { return appendMultiHeader(dst, -1, true, -1) }

// AppendRequestFrame appends a whole frame: length, header and body.
func AppendRequestFrame(dst []byte, xid int32, r *Request) []byte {
	dst, mark := BeginFrame(dst)
	dst = AppendInt(dst, xid)
	dst = AppendInt(dst, int32(r.Op))
	dst = AppendRequest(dst, r)
	return EndFrame(dst, mark)
}
