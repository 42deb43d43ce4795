package wire

// Reply is the decoded body of any reply, as clients read it. The operation
// says which fields count.
type Reply struct {
	Path     string   // create*, sync
	Data     []byte   // getData, reconfig, sasl
	Stat     Stat     // create2, exists, getData, setData, getACL, setACL, getChildren2
	HasStat  bool     // Stat was on the wire
	Children []string // getChildren, getChildren2, getEphemerals
	ACL      []ACL    // getACL
	Number   int32    // getAllChildrenNumber
	Clients  []ID     // whoAmI: scheme and user
	Results  []MultiResult
}

// MultiResult is the outcome of one operation of a multi. Err is OK for a
// success; then Reply has what the operation returns.
type MultiResult struct {
	Op    Op
	Err   Code
	Reply Reply
}

// DecodeReply reads the body of a successful reply to op. All memory is copied
// out of body.
func DecodeReply(op Op, body []byte) (Reply, error) {
	d := Decoder{buf: body, Clone: true}
	var r Reply
	if op == OpMulti || op == OpMultiRead {
		decodeMultiReply(&d, &r)
	} else {
		decodeReplyBody(&d, op, &r)
	}
	return r, d.Err()
}

func decodeReplyBody(d *Decoder, op Op, r *Reply) {
	stat := func() { r.Stat, r.HasStat = d.Stat(), true }
	switch op {
	case OpCreate, OpSync:
		r.Path = d.String()
	case OpCreate2, OpCreateContainer, OpCreateTTL:
		r.Path = d.String()
		stat()
	case OpExists, OpSetData, OpSetACL:
		stat()
	case OpGetData, OpReconfig:
		r.Data = d.Buffer()
		stat()
	case OpGetACL:
		r.ACL = d.ACLs(nil)
		stat()
	case OpGetChildren, OpGetEphemerals:
		r.Children = d.Strings()
	case OpGetChildren2:
		r.Children = d.Strings()
		stat()
	case OpGetAllChildrenNumber:
		r.Number = d.Int()
	case OpSASL:
		r.Data = d.Buffer()
	case OpWhoAmI:
		for range max(d.Count(8), 0) {
			scheme, _ := d.StringOrNull()
			user, _ := d.StringOrNull()
			r.Clients = append(r.Clients, ID{Scheme: scheme, ID: user})
		}
	}
}

func decodeMultiReply(d *Decoder, r *Reply) {
	for {
		op, done, err := Op(d.Int()), d.Bool(), Code(d.Int())
		if d.bad || done {
			return
		}
		r.Results = append(room(r.Results), MultiResult{Op: op, Err: err})
		m := &r.Results[len(r.Results)-1]
		if op == OpError {
			m.Err = Code(d.Int())
		} else {
			decodeReplyBody(d, op, &m.Reply)
		}
		if d.bad {
			return
		}
	}
}

// DecodeWatcherEvent reads the body of a notification; its path is a copy.
func DecodeWatcherEvent(body []byte) (WatcherEvent, error) {
	d := Decoder{buf: body, Clone: true}
	ev := WatcherEvent{Type: EventType(d.Int()), State: d.Int(), Path: d.String()}
	return ev, d.Err()
}
