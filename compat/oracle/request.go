package oracle

import (
	"encoding/binary"
	"fmt"
	"strings"

	"kafkacoord/compat/rawclient"
	"kafkacoord/coord/wire"
)

// ending says what a request does to its connection.
type ending int

const (
	staysOpen ending = iota
	// answeredThenClosed: one reply, then the server closes the connection.
	answeredThenClosed
	// closedUnanswered: the server closes the connection without a reply.
	closedUnanswered
)

// request is one request frame of a sequence, the same for both servers but
// for a zxid in it that counts from the start of the seed.
type request struct {
	rec  wire.Request // what it was made from, for the words and the reply
	note string       // what was spoilt, in words; "" when nothing was
	body []byte
	xid  int32
	end  ending
	// null: the body has a null where clients never send one.
	null bool
	// zxidFirst: the body starts with a zxid that counts from the seed's start.
	zxidFirst bool
}

// appendFrame appends the frame as one server gets it.
func (r *request) appendFrame(dst []byte, absolute func(step int64) int64) []byte {
	start := len(dst)
	dst = rawclient.AppendFrame(dst, r.xid, r.rec.Op, r.body)
	if r.zxidFirst && len(r.body) >= 8 {
		at := dst[start+4+wire.RequestHeaderSize:]
		step := int64(binary.BigEndian.Uint64(at))
		binary.BigEndian.PutUint64(at, uint64(absolute(step)))
	}
	return dst
}

// words describes the request for a person.
func (r *request) words() string {
	var b strings.Builder
	fmt.Fprintf(&b, "xid %d: %s", r.xid, describe(&r.rec))
	if r.note != "" {
		fmt.Fprintf(&b, " [%s; body %d bytes]", r.note, len(r.body))
	}
	return b.String()
}

// opWord names an operation with its number, since several share a name.
func opWord(o wire.Op) string { return fmt.Sprintf("%s(%d)", o, int32(o)) }

func describe(r *wire.Request) string {
	name := opWord(r.Op)
	switch r.Op {
	case wire.OpCreate, wire.OpCreate2, wire.OpCreateContainer, wire.OpCreateTTL:
		s := fmt.Sprintf("%s %q flags %d data %s acl %s", name, r.Path, r.Flags, describeData(r.Data), describeACL(r.ACL))
		if r.Op == wire.OpCreateTTL {
			s += fmt.Sprintf(" ttl %d", r.TTL)
		}
		return s
	case wire.OpDelete, wire.OpCheck:
		return fmt.Sprintf("%s %q version %d", name, r.Path, r.Version)
	case wire.OpSetData:
		return fmt.Sprintf("%s %q data %s version %d", name, r.Path, describeData(r.Data), r.Version)
	case wire.OpSetACL:
		return fmt.Sprintf("%s %q acl %s aversion %d", name, r.Path, describeACL(r.ACL), r.Version)
	case wire.OpExists, wire.OpGetData, wire.OpGetChildren, wire.OpGetChildren2:
		return fmt.Sprintf("%s %q watch %t", name, r.Path, r.Watch)
	case wire.OpCheckWatches, wire.OpRemoveWatches, wire.OpAddWatch:
		return fmt.Sprintf("%s %q kind %d", name, r.Path, r.Kind)
	case wire.OpSetWatches, wire.OpSetWatches2:
		return fmt.Sprintf("%s since +%d data %q exist %q child %q persistent %q recursive %q", name, r.RelativeZxid,
			r.DataWatches, r.ExistWatches, r.ChildWatches, r.PersistentWatches, r.PersistentRecursiveWatch)
	case wire.OpAuth:
		return fmt.Sprintf("%s scheme %q %q", name, r.Scheme, r.Auth)
	case wire.OpMulti, wire.OpMultiRead:
		var b strings.Builder
		fmt.Fprintf(&b, "%s of %d {", name, len(r.Subs))
		for i := range r.Subs {
			if i == 20 {
				b.WriteString(" …")
				break
			}
			b.WriteString(" " + describe(&r.Subs[i]) + ";")
		}
		return b.String() + " }"
	case wire.OpGetACL, wire.OpSync, wire.OpGetAllChildrenNumber, wire.OpGetEphemerals, wire.OpDeleteContainer:
		return fmt.Sprintf("%s %q", name, r.Path)
	}
	return name
}

func describeData(b []byte) string {
	switch {
	case b == nil:
		return "null"
	case len(b) > 40:
		return fmt.Sprintf("%q… (%d bytes)", b[:16], len(b))
	}
	return fmt.Sprintf("%q", b)
}

func describeACL(list []wire.ACL) string {
	if list == nil {
		return "null"
	}
	var b strings.Builder
	for i, a := range list {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%s:%s:%d", a.ID.Scheme, a.ID.ID, a.Perms)
	}
	return "[" + b.String() + "]"
}

// stepKind is what a step does.
type stepKind int

const (
	stepBatch   stepKind = iota // send the requests at once on one connection
	stepConnect                 // open a connection with a connect request
	stepDrop                    // close the TCP connection; the session lives on
	stepExpire                  // let a session expire
)

// step is one unit of a sequence. Steps on a connection that is not in the
// state they need are left out on both servers, so that any part of a sequence
// is a sequence.
type step struct {
	kind     stepKind
	slot     int // the connection's number
	requests []request
	connect  connect
}

// connect says how a connection is opened.
type connect struct {
	// sessionOf is the slot whose last session is asked for; -1: a new session.
	sessionOf   int
	timeout     int32 // ms
	password    passwordKind
	lastZxid    int64 // counted from the seed's start; 0: none seen
	readOnly    bool
	hasReadOnly bool
	trailing    int // bytes after the record
}

type passwordKind int

const (
	passwordRight passwordKind = iota // zeros for a new session
	passwordWrong
	passwordNull
	passwordShort
)

func (k passwordKind) String() string {
	return [...]string{"right password", "wrong password", "null password", "short password"}[k]
}

// operations is how many operations the step counts for.
func (s *step) operations() int { return max(1, len(s.requests)) }

func (s *step) words() string {
	switch s.kind {
	case stepBatch:
		var b strings.Builder
		fmt.Fprintf(&b, "connection %d sends %d", s.slot, len(s.requests))
		for i := range s.requests {
			fmt.Fprintf(&b, "\n      %s", s.requests[i].words())
		}
		return b.String()
	case stepDrop:
		return fmt.Sprintf("connection %d is cut; its session stays", s.slot)
	case stepExpire:
		return "a session with ephemerals is left to expire"
	}
	what := "a new session"
	if s.connect.sessionOf >= 0 {
		what = fmt.Sprintf("the session last used on connection %d", s.connect.sessionOf)
	}
	return fmt.Sprintf("connection %d opens for %s, timeout %d ms, %s, last zxid +%d, read-only flag %t (sent: %t), %d bytes more",
		s.slot, what, s.connect.timeout, s.connect.password, s.connect.lastZxid, s.connect.readOnly, s.connect.hasReadOnly, s.connect.trailing)
}
