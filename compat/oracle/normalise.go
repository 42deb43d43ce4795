package oracle

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"kafkacoord/compat/rawclient"
	"kafkacoord/coord/wire"
)

// normaliser prints what a server sent so that two correct servers give the
// same text.
type normaliser struct {
	side *side
	// times holds the one time that each transaction has.
	times map[wire.Zxid]wire.Millis
	// before holds what the nodes that all seeds share were when this one began.
	before map[string]wire.Stat
	// descendants of the root when the seed began.
	descendants int32
}

func (n *normaliser) start() {
	n.times = map[wire.Zxid]wire.Millis{}
	n.before = map[string]wire.Stat{}
	n.descendants = 0
}

func (n *normaliser) connected(a rawclient.Connected, asked wire.SessionID) string {
	if a.Refused() {
		return fmt.Sprintf("refused, version %d password %s, %d bytes", a.ProtocolVersion, hex.EncodeToString(a.Password), len(a.Raw))
	}
	password := "wrong " + hex.EncodeToString(a.Password)
	if want := wire.SessionPassword(a.SessionID); bytes.Equal(a.Password, want[:]) {
		password = "right"
	}
	session := "new"
	if asked != 0 {
		session = "same"
		if asked != a.SessionID {
			session = "another"
		}
	}
	return fmt.Sprintf("connected, version %d timeout %d %s session, password %s, read-only %t, %d bytes",
		a.ProtocolVersion, a.Timeout, session, password, a.ReadOnly, len(a.Raw))
}

func (n *normaliser) header(h wire.ReplyHeader) string {
	return fmt.Sprintf("xid %d zxid %s err %d", h.Xid, n.side.steps.words(h.Zxid), int32(h.Err))
}

func (n *normaliser) event(f rawclient.Frame) line {
	count, _ := n.side.steps.count(int64(f.Header.Zxid))
	d := wire.NewDecoder(f.Body)
	kind, state, path := d.Int(), d.Int(), d.Buffer()
	text := fmt.Sprintf("event zxid %s err %d type %d state %d path %q", n.side.steps.words(f.Header.Zxid), f.Header.Err, kind, state, path)
	if d.Err() != nil || len(d.Rest()) > 0 {
		text += " in a body of another form: " + hex.EncodeToString(f.Body)
	}
	return line{text: text, event: true, zxid: count, request: -1}
}

// sortEnded orders the events of a transaction that ended a session: which of
// its ephemerals goes first is not specified.
func (s *side) sortEnded(lines []line) []line {
	for i := 0; i < len(lines); {
		j := i + 1
		if lines[i].event && s.ended[lines[i].zxid] {
			for j < len(lines) && lines[j].event && lines[j].zxid == lines[i].zxid {
				j++
			}
			slices.SortFunc(lines[i:j], func(a, b line) int { return strings.Compare(a.text, b.text) })
		}
		i = j
	}
	return lines
}

// reply prints a reply to a request, field by field.
func (n *normaliser) reply(r *request, f rawclient.Frame) string {
	if r.rec.Op == wire.OpCreateSession && !isUnknownOp(n.header(f.Header)) {
		// ZooKeeper sends a connect response, which has no header.
		return fmt.Sprintf("a connect response in mid-stream, %d bytes", wire.ReplyHeaderSize+len(f.Body))
	}
	var b strings.Builder
	b.WriteString("reply " + n.header(f.Header))
	if len(f.Body) == 0 {
		return b.String()
	}
	if f.Header.Err != wire.OK && r.rec.Op != wire.OpMultiRead {
		return b.String() + " with a body " + hex.EncodeToString(f.Body)
	}
	d := wire.NewDecoder(f.Body)
	b.WriteString(": ")
	if r.rec.Op == wire.OpMulti || r.rec.Op == wire.OpMultiRead {
		n.multi(&b, &d, &r.rec)
	} else {
		n.body(&b, &d, r.rec.Op, r.rec.Path)
	}
	if d.Err() != nil {
		return "reply " + n.header(f.Header) + ": cannot be decoded: " + hex.EncodeToString(f.Body)
	}
	if rest := d.Rest(); len(rest) > 0 {
		b.WriteString(" and then " + hex.EncodeToString(rest))
	}
	return b.String()
}

// multi prints the results of a multi. Which path a result is about is known
// by its place.
func (n *normaliser) multi(b *strings.Builder, d *wire.Decoder, r *wire.Request) {
	for i := 0; ; i++ {
		op, done, err := wire.Op(d.Int()), d.Bool(), d.Int()
		if d.Err() != nil {
			return
		}
		if done {
			fmt.Fprintf(b, " end(%d %d)", int32(op), err)
			return
		}
		path := ""
		if i < len(r.Subs) {
			path = r.Subs[i].Path
		}
		fmt.Fprintf(b, " {type %d err %d ", int32(op), err)
		if op == wire.OpError {
			b.WriteString(strconv.Itoa(int(d.Int())))
		} else {
			n.body(b, d, op, path)
		}
		b.WriteString("}")
	}
}

// quoted prints the bytes of a string or buffer; null is told from empty.
func quoted(raw []byte) string {
	if raw == nil {
		return "null"
	}
	return strconv.Quote(string(raw))
}

func (n *normaliser) body(b *strings.Builder, d *wire.Decoder, op wire.Op, path string) {
	switch op {
	case wire.OpCreate, wire.OpSync:
		b.WriteString(quoted(d.Buffer()))
	case wire.OpCreate2, wire.OpCreateContainer, wire.OpCreateTTL:
		b.WriteString(quoted(d.Buffer()))
		n.stat(b, d, path)
	case wire.OpExists, wire.OpSetData, wire.OpSetACL:
		n.stat(b, d, path)
	case wire.OpGetData:
		b.WriteString(quoted(d.Buffer()))
		n.stat(b, d, path)
	case wire.OpGetACL:
		n.acl(b, d)
		n.stat(b, d, path)
	case wire.OpGetChildren, wire.OpGetEphemerals:
		n.sorted(b, d)
	case wire.OpGetChildren2:
		n.sorted(b, d)
		n.stat(b, d, path)
	case wire.OpGetAllChildrenNumber:
		number := d.Int()
		if path == "/" || path == "" {
			number -= n.descendants
		}
		b.WriteString(strconv.Itoa(int(number)))
	case wire.OpAddWatch:
		b.WriteString(strconv.Itoa(int(d.Int())))
	case wire.OpWhoAmI:
		n.identities(b, d)
	}
}

// sorted prints a vector of strings whose order is the server's choice.
func (n *normaliser) sorted(b *strings.Builder, d *wire.Decoder) {
	count := d.Count(4)
	var list []string
	for range max(count, 0) {
		list = append(list, quoted(d.Buffer()))
	}
	slices.Sort(list)
	fmt.Fprintf(b, "%d%v", count, list)
}

func (n *normaliser) identities(b *strings.Builder, d *wire.Decoder) {
	count := d.Count(8)
	var list []string
	for range max(count, 0) {
		list = append(list, quoted(d.Buffer())+":"+quoted(d.Buffer()))
	}
	slices.Sort(list)
	fmt.Fprintf(b, "%d%v", count, list)
}

// acl prints an ACL list in its order, but for neighbouring digest entries with
// equal permissions: they may come from one auth entry, which expands to a
// connection's identities in any order.
func (n *normaliser) acl(b *strings.Builder, d *wire.Decoder) {
	count := d.Count(12)
	var list, kinds []string
	for range max(count, 0) {
		perms, scheme, id := d.Int(), quoted(d.Buffer()), quoted(d.Buffer())
		list = append(list, fmt.Sprintf("%s:%s:%d", scheme, id, perms))
		kinds = append(kinds, fmt.Sprintf("%s:%d", scheme, perms))
	}
	for i := 0; i < len(list); {
		j := i + 1
		for j < len(list) && kinds[j] == kinds[i] && strings.HasPrefix(kinds[i], `"digest"`) {
			j++
		}
		slices.Sort(list[i:j])
		i = j
	}
	fmt.Fprintf(b, "%d%v", count, list)
}

func (n *normaliser) stat(b *strings.Builder, d *wire.Decoder, path string) {
	s := d.Stat()
	if path == "" {
		path = "/"
	}
	if was, ok := n.before[path]; ok {
		s.Version -= was.Version
		s.Cversion -= was.Cversion
		s.Aversion -= was.Aversion
	}
	steps := &n.side.steps
	fmt.Fprintf(b, " czxid %s mzxid %s pzxid %s v %d cv %d av %d owner %s length %d children %d%s",
		steps.words(s.Czxid), steps.words(s.Mzxid), steps.words(s.Pzxid), s.Version, s.Cversion, s.Aversion,
		n.owner(s.EphemeralOwner), s.DataLength, s.NumChildren, n.timesOf(&s))
}

func (n *normaliser) owner(id wire.SessionID) string {
	if id == 0 {
		return "none"
	}
	if i := slices.Index(n.side.sessions, id); i >= 0 {
		return "session " + strconv.Itoa(i)
	}
	return id.String()
}

// timesOf checks the times of a stat and returns what is wrong with them.
func (n *normaliser) timesOf(s *wire.Stat) string {
	var bad string
	check := func(name string, z wire.Zxid, t wire.Millis) {
		if _, ok := n.side.steps.count(int64(z)); !ok {
			return // made before the seed began
		}
		if was, seen := n.times[z]; seen && was != t {
			bad += fmt.Sprintf(" %s differs by %d ms from the time of its transaction", name, t-was)
			return
		}
		n.times[z] = t
	}
	check("ctime", s.Czxid, s.Ctime)
	check("mtime", s.Mzxid, s.Mtime)
	if s.Mtime < s.Ctime {
		bad += " mtime before ctime"
	}
	if (s.Ctime == 0) != (s.Czxid == 0) {
		bad += " ctime is 0 without czxid being 0, or the other way round"
	}
	return bad
}
