package core

import (
	"fmt"
	"slices"
	"strings"

	"kafkacoord/coord/wire"
)

// session names a session: s1, s2 … in the order in which they appear.
func (s *script) session(id wire.SessionID) string {
	if id == 0 {
		return "none"
	}
	if s.sessions[id] == "" {
		s.sessions[id] = "s" + itoa(len(s.sessions)+1)
	}
	return s.sessions[id]
}

func (s *script) describeTxn(payload []byte) string {
	var txn wire.Txn
	if err := wire.DecodeTxn(payload, &txn); err != nil {
		s.fail("%v", err)
	}
	text := itoa(txn.Zxid) + " " + s.session(txn.Session) + " " + s.txnBody(&txn)
	if !txn.HasDigest && txn.Type != wire.OpError && txn.Type != wire.OpMulti {
		text += " nodigest"
	}
	return text
}

func (s *script) txnBody(txn *wire.Txn) string {
	name := txn.Type.String()
	switch txn.Type {
	case wire.OpCreateSession:
		return fmt.Sprintf("%s timeout=%d", name, txn.Timeout)
	case wire.OpCloseSession:
		if txn.Paths == nil {
			return name + " without list"
		}
		return fmt.Sprintf("%s %v", name, txn.Paths)
	case wire.OpError:
		return "error " + itoa(int32(txn.Err))
	case wire.OpMulti:
		parts := make([]string, len(txn.Subs))
		for i := range txn.Subs {
			parts[i] = s.txnBody(&txn.Subs[i])
		}
		return "multi [" + strings.Join(parts, "; ") + "]"
	case wire.OpCreate2, wire.OpCreateContainer, wire.OpCreateTTL, wire.OpDeleteContainer:
		return itoa(int32(txn.Type)) + " " + txn.Path
	}
	return name + " " + txn.Path
}

func (s *script) describe(r received) string {
	if r.connect {
		return s.describeConnect(r.body)
	}
	h := r.header
	if h.Xid == wire.XidNotification {
		ev, err := wire.DecodeWatcherEvent(r.body)
		if err != nil {
			s.fail("event: %v", err)
		}
		kinds := map[wire.EventType]string{1: "created", 2: "deleted", 3: "changed", 4: "children"}
		return fmt.Sprintf("event %s %s zxid=%d", kinds[ev.Type], ev.Path, h.Zxid)
	}
	text := fmt.Sprintf("%d %s zxid=%d", h.Xid, s.opName(r.op), h.Zxid)
	if h.Err != wire.OK {
		text += " err=" + itoa(int32(h.Err))
		if len(r.body) > 0 {
			s.fail("a failed reply has a body: %x", r.body)
		}
		return text
	}
	return strings.TrimRight(text+" "+s.describeBody(r.op, r.body), " ")
}

// opName keeps apart what the metrics call by one name.
func (s *script) opName(op wire.Op) string {
	switch op {
	case wire.OpCreate2:
		return "create2"
	case wire.OpCreateContainer:
		return "container"
	case wire.OpCreateTTL:
		return "ttl"
	case wire.OpGetChildren2:
		return "get_children2"
	case wire.OpSetWatches2:
		return "set_watches2"
	}
	return op.String()
}

func (s *script) describeConnect(body []byte) string {
	r, err := wire.DecodeConnectResponse(body)
	if err != nil {
		s.fail("connect response: %v", err)
	}
	flag := "flag"
	if !r.HasReadOnly {
		flag = "noflag"
	}
	want := make([]byte, wire.PasswordSize)
	if r.SessionID != 0 {
		p := wire.SessionPassword(r.SessionID)
		want = p[:]
	}
	if string(want) != string(r.Password) {
		s.fail("password %x of session %v", r.Password, r.SessionID)
	}
	if r.Timeout == 0 {
		return fmt.Sprintf("refused session=%d %s", r.SessionID, flag)
	}
	return fmt.Sprintf("session %s timeout=%d %s", s.session(r.SessionID), r.Timeout, flag)
}

func (s *script) describeBody(op wire.Op, body []byte) string {
	if op == wire.OpAddWatch {
		return fmt.Sprintf("%x", body)
	}
	r, err := wire.DecodeReply(op, body)
	if err != nil {
		s.fail("reply to %v: %v", op, err)
	}
	if op == wire.OpMulti || op == wire.OpMultiRead {
		parts := make([]string, len(r.Results))
		for i, m := range r.Results {
			parts[i] = strings.TrimRight(fmt.Sprintf("%d/%d %s", m.Op, m.Err, s.describeReply(m.Op, &m.Reply)), " ")
		}
		return "[" + strings.Join(parts, "; ") + "]"
	}
	return s.describeReply(op, &r)
}

func (s *script) describeReply(op wire.Op, r *wire.Reply) string {
	var parts []string
	add := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	if r.Path != "" {
		add("%s", r.Path)
	}
	switch op {
	case wire.OpGetData, wire.OpSASL:
		if r.Data == nil {
			add("null")
		} else {
			add("%q", r.Data)
		}
	case wire.OpGetChildren, wire.OpGetChildren2, wire.OpGetEphemerals:
		slices.Sort(r.Children) // no order is promised
		add("%v", r.Children)
	case wire.OpGetACL:
		for _, a := range r.ACL {
			add("%d:%s:%s", a.Perms, a.ID.Scheme, a.ID.ID)
		}
	case wire.OpGetAllChildrenNumber:
		add("%d", r.Number)
	case wire.OpWhoAmI:
		for _, c := range r.Clients {
			add("%s:%s", c.Scheme, c.ID)
		}
	}
	if r.HasStat {
		st := &r.Stat
		add("c=%d m=%d p=%d v=%d cv=%d av=%d", st.Czxid, st.Mzxid, st.Pzxid, st.Version, st.Cversion, st.Aversion)
		if st.EphemeralOwner != 0 {
			add("owner=%s", s.session(st.EphemeralOwner))
		}
	}
	return strings.Join(parts, " ")
}
