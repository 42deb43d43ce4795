package core

import (
	"encoding/hex"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"

	"kafkacoord/coord/auth"
	"kafkacoord/coord/tree"
	"kafkacoord/coord/wire"
)

// script runs the language of the scenario files.
type script struct {
	t        testing.TB
	config   Config
	auth     auth.Config
	host     *host // nil until the first turn
	ids      map[string]ConnID
	names    map[ConnID]string
	xids     map[ConnID]int32
	sessions map[wire.SessionID]string // s1, s2 … in the order of their creation
	line     int
}

func newScript(t testing.TB) *script {
	return &script{
		t: t, config: testConfig(), auth: auth.Config{DigestEnabled: true},
		ids: map[string]ConnID{}, names: map[ConnID]string{}, xids: map[ConnID]int32{}, sessions: map[wire.SessionID]string{},
	}
}

func itoa[T ~int | ~int32 | ~int64](n T) string { return strconv.FormatInt(int64(n), 10) }

// run returns the file with what the server did in place of what it should do.
func (s *script) run(text string) string {
	var out strings.Builder
	var input []string
	answering := false
	for i, line := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		s.line = i + 1
		switch {
		case answering && line != "":
			continue
		case line == "":
			if !answering && len(input) > 0 {
				s.t.Fatalf("line %d: a turn without ----", s.line)
			}
			answering = false
			out.WriteString("\n")
		case strings.HasPrefix(line, "#"):
			out.WriteString(line + "\n")
		case line == "----":
			out.WriteString("----\n")
			for _, l := range s.turn(input) {
				out.WriteString(l + "\n")
			}
			input, answering = nil, true
		default:
			input = append(input, line)
			out.WriteString(line + "\n")
		}
	}
	return out.String()
}

func (s *script) fail(format string, args ...any) {
	s.t.Helper()
	s.t.Fatalf("line %d: %s", s.line, fmt.Sprintf(format, args...))
}

// turn feeds one block of input and describes the output.
func (s *script) turn(input []string) []string {
	for _, line := range input {
		words := strings.Fields(line)
		if words[0] == "config" {
			s.configure(words[1:])
			continue
		}
		if s.host == nil {
			s.host = newHost(s.t, s.config, s.auth)
		}
		s.event(words, line)
	}
	h := s.host
	if h == nil {
		return nil
	}
	busyBefore := maps.Clone(h.busy)
	sent := map[ConnID]bool{}
	for i := range h.in.Batches {
		sent[h.in.Batches[i].Conn] = true
	}
	logged := len(h.log)
	closing := slices.Clone(h.in.Closed)
	got := h.step()

	var lines []string
	for _, payload := range h.log[logged:] {
		lines = append(lines, "log "+s.describeTxn(payload))
	}
	for i := range h.out.Replies {
		r := &h.out.Replies[i]
		name := s.names[r.Conn]
		for _, frame := range got[r.Conn] {
			lines = append(lines, name+" <- "+s.describe(frame))
		}
		if r.Close {
			lines = append(lines, name+" closed")
		}
	}
	for _, id := range slices.Sorted(maps.Keys(s.names)) {
		switch {
		case sent[id] && h.busy[id]:
			lines = append(lines, s.names[id]+" paused")
		case busyBefore[id] && !h.busy[id] && !slices.Contains(closing, id):
			lines = append(lines, s.names[id]+" resumed")
		}
	}
	for _, n := range h.out.Notes {
		kind := "note "
		if n.Warn {
			kind = "warn "
		}
		lines = append(lines, kind+n.Text)
	}
	for _, id := range closing {
		delete(s.names, id)
	}
	return lines
}

// configure changes the server before its first turn.
func (s *script) configure(words []string) {
	if s.host != nil {
		s.fail("config comes after the first turn")
	}
	for _, w := range words {
		key, value, _ := strings.Cut(w, "=")
		n, _ := strconv.Atoi(value)
		switch key {
		case "outstanding":
			s.config.OutstandingLimit = n
		case "ttl":
			s.config.Prep.ExtendedTypes = true
		case "container":
			s.config.Container = ContainerConfig{CheckInterval: wire.Millis(n), MaxPerMinute: 60}
		case "neverused":
			s.config.Container.NeverUsed = int64(n)
		case "enforce":
			s.auth.EnforceAuth, s.auth.EnforceSchemes = true, []string{value}
		case "txnbytes":
			s.config.TxnBytes = n
		case "tokens":
			s.config.Throttle = ThrottleConfig{Tokens: n, FillTime: 1000, FillCount: 1, NewCost: 1, RenewCost: 1, FreezeTime: -1}
		default:
			s.fail("config %q", key)
		}
	}
}

// event adds one line of input to the turn.
func (s *script) event(words []string, line string) {
	h := s.host
	switch words[0] {
	case "open":
		id := s.freeID()
		remote := "10.0.0." + itoa(int(id)+1)
		if len(words) > 2 {
			remote = words[2]
		}
		s.ids[words[1]], s.names[id] = id, words[1]
		s.xids[id] = 0
		h.openConn(id, netip.AddrPortFrom(netip.MustParseAddr(remote), 1000))
	case "close":
		h.closeConn(s.conn(words[1]))
		delete(s.ids, words[1])
	case "durable":
		z := h.appended
		if len(words) > 1 {
			n, _ := strconv.Atoi(words[1])
			z = wire.Zxid(n)
		}
		h.durable(z)
	case "after":
		n, _ := strconv.Atoi(words[1])
		h.mono += wire.Millis(n)
	case "nospace", "space":
		h.core.RefuseWrites(words[0] == "nospace")
	case "restart":
		s.restart()
	default:
		s.request(s.conn(words[0]), words[1:], line)
	}
}

// restart replays what was logged into a new server, as after a crash. All
// connections are gone.
func (s *script) restart() {
	t := tree.New(tree.Options{Digest: s.config.Prep.Digest, ExtendedTypes: s.config.Prep.ExtendedTypes})
	sessions := map[wire.SessionID]int32{}
	var txn wire.Txn
	for _, payload := range s.host.log {
		if err := wire.DecodeTxn(payload, &txn); err != nil {
			s.fail("%v", err)
		}
		t.Apply(&txn)
		switch txn.Type {
		case wire.OpCreateSession:
			sessions[txn.Session] = txn.Timeout
		case wire.OpCloseSession:
			delete(sessions, txn.Session)
		}
	}
	log := s.host.log
	s.host = newHostOn(s.t, s.config, s.auth, State{Tree: t, Sessions: sessions, Zxid: t.Zxid()}, s.host.mono)
	s.host.log = log
	s.ids, s.names = map[string]ConnID{}, map[ConnID]string{}
}

func (s *script) freeID() ConnID {
	for id := ConnID(0); ; id++ {
		if s.names[id] == "" {
			return id
		}
	}
}

func (s *script) conn(name string) ConnID {
	id, ok := s.ids[name]
	if !ok {
		s.fail("no connection %q", name)
	}
	return id
}

// options splits off the key=value words.
func options(words []string) (rest []string, o map[string]string) {
	o = map[string]string{}
	for _, w := range words {
		key, value, ok := strings.Cut(w, "=")
		if ok && !strings.HasPrefix(w, "/") {
			o[key] = value
		} else {
			rest = append(rest, w)
		}
	}
	return rest, o
}

func number(o map[string]string, key string, otherwise int64) int64 {
	if v, ok := o[key]; ok {
		n, err := strconv.ParseInt(v, 0, 64)
		if err != nil {
			panic(err)
		}
		return n
	}
	return otherwise
}

// request sends one frame. "A connect", "A raw HEX" (a whole payload), "A op 99
// HEX" (any operation and body), or the name of an operation.
func (s *script) request(id ConnID, words []string, line string) {
	rest, o := options(words)
	switch rest[0] {
	case "connect":
		s.connect(id, o)
		return
	case "raw":
		s.host.send(id, rawFrame(s.hex(rest[1:])))
		return
	case "op":
		n, _ := strconv.Atoi(rest[1])
		s.host.send(id, headerFrame(s.xid(id, o), wire.Op(n), s.hex(rest[2:])))
		return
	}
	if rest[0] == "multi" || rest[0] == "multiread" {
		r := wire.Request{Op: wire.OpMulti}
		if rest[0] == "multiread" {
			r.Op = wire.OpMultiRead
		}
		_, list, _ := strings.Cut(line, rest[0])
		for _, part := range strings.Split(list, ";") {
			if strings.TrimSpace(part) != "" {
				sub, subOptions := options(strings.Fields(part))
				r.Subs = append(r.Subs, s.operation(sub, subOptions))
			}
		}
		s.host.send(id, requestFrame(s.xid(id, nil), &r))
		return
	}
	r := s.operation(rest, o)
	s.host.send(id, requestFrame(s.xid(id, o), &r))
}

func (s *script) hex(words []string) []byte {
	b, err := hex.DecodeString(strings.Join(words, ""))
	if err != nil {
		s.fail("%v", err)
	}
	return b
}

func (s *script) xid(id ConnID, o map[string]string) int32 {
	if _, ok := o["xid"]; ok {
		return int32(number(o, "xid", 0))
	}
	s.xids[id]++
	return s.xids[id]
}

func (s *script) connect(id ConnID, o map[string]string) {
	r := wire.ConnectRequest{
		Timeout: int32(number(o, "timeout", 10_000)), LastZxidSeen: wire.Zxid(number(o, "seen", 0)),
		Password: make([]byte, wire.PasswordSize), HasReadOnly: o["old"] == "",
	}
	if name := o["session"]; name != "" {
		for session, known := range s.sessions {
			if known == name {
				r.SessionID = session
			}
		}
		if r.SessionID == 0 {
			r.SessionID = wire.SessionID(number(o, "session", 0))
		}
		password := wire.SessionPassword(r.SessionID)
		r.Password = password[:]
	}
	if p, ok := o["password"]; ok {
		r.Password = []byte(p)
	}
	s.host.send(id, connectFrame(&r))
}

// operation reads "NAME PATH [DATA] [key=value…]".
func (s *script) operation(words []string, o map[string]string) wire.Request {
	r := wire.Request{TTL: -1, Version: int32(number(o, "version", -1)), Flags: int32(number(o, "flags", 0))}
	if len(words) > 1 {
		r.Path = words[1]
	}
	if r.Path == `""` {
		r.Path = ""
	}
	if len(words) > 2 {
		r.Data = []byte(words[2])
	}
	r.ACL = s.acl(o["acl"])
	switch words[0] {
	case "create":
		r.Op = wire.OpCreate
	case "create2":
		r.Op = wire.OpCreate2
	case "container":
		r.Op, r.Flags = wire.OpCreateContainer, wire.FlagContainer
	case "ttl":
		r.Op, r.Flags, r.TTL = wire.OpCreateTTL, wire.FlagPersistentTTL, number(o, "ttl", 1000)
	case "delete":
		r.Op = wire.OpDelete
	case "set":
		r.Op = wire.OpSetData
	case "setacl":
		r.Op = wire.OpSetACL
	case "check":
		r.Op = wire.OpCheck
	case "sync":
		r.Op = wire.OpSync
	case "ping":
		r.Op = wire.OpPing
	case "closesession":
		r.Op = wire.OpCloseSession
	case "reconfig":
		r.Op, r.Reconfig = wire.OpReconfig, &wire.ReconfigRequest{ConfigID: -1}
	case "auth":
		r.Op, r.Scheme, r.Auth = wire.OpAuth, words[1], []byte(strings.Join(words[2:], " "))
	case "sasl":
		r.Op, r.Auth = wire.OpSASL, []byte{}
	default:
		s.read(&r, words, o)
	}
	return r
}

func (s *script) read(r *wire.Request, words []string, o map[string]string) {
	r.Watch = number(o, "watch", 0) != 0
	list := func(key string) []string {
		if o[key] == "" {
			return []string{}
		}
		return strings.Split(o[key], ",")
	}
	switch words[0] {
	case "get":
		r.Op = wire.OpGetData
	case "exists":
		r.Op = wire.OpExists
	case "children":
		r.Op = wire.OpGetChildren
	case "children2":
		r.Op = wire.OpGetChildren2
	case "getacl":
		r.Op = wire.OpGetACL
	case "ephemerals":
		r.Op = wire.OpGetEphemerals
	case "descendants":
		r.Op = wire.OpGetAllChildrenNumber
	case "whoami":
		r.Op = wire.OpWhoAmI
	case "addwatch":
		r.Op, r.Kind = wire.OpAddWatch, int32(number(o, "mode", 0))
	case "checkwatches":
		r.Op, r.Kind = wire.OpCheckWatches, int32(number(o, "kind", 3))
	case "removewatches":
		r.Op, r.Kind = wire.OpRemoveWatches, int32(number(o, "kind", 3))
	case "setwatches", "setwatches2":
		r.Op = wire.OpSetWatches
		if words[0] == "setwatches2" {
			r.Op = wire.OpSetWatches2
		}
		r.RelativeZxid = wire.Zxid(number(o, "since", 0))
		r.DataWatches, r.ExistWatches, r.ChildWatches = list("data"), list("exist"), list("child")
		r.PersistentWatches, r.PersistentRecursiveWatch = list("persistent"), list("recursive")
	default:
		s.fail("no operation %q", words[0])
	}
}

// acl reads "31:world:anyone,1:digest:u:h"; empty is open to all.
func (s *script) acl(text string) []wire.ACL {
	if text == "" {
		return wire.OpenACL
	}
	var out []wire.ACL
	for _, entry := range strings.Split(text, ",") {
		parts := strings.SplitN(entry, ":", 3)
		perms, err := strconv.Atoi(parts[0])
		if err != nil || len(parts) != 3 {
			s.fail("acl %q", entry)
		}
		out = append(out, wire.ACL{Perms: int32(perms), ID: wire.ID{Scheme: parts[1], ID: parts[2]}})
	}
	return out
}
