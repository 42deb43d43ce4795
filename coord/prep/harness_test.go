package prep

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"kafkacoord/coord/auth"
	"kafkacoord/coord/session"
	"kafkacoord/coord/tree"
	"kafkacoord/coord/wire"
)

// server is a Prep with the tree it feeds and the transactions between them.
type server struct {
	t        testing.TB
	config   Config
	tree     *tree.Tree
	sessions *session.Table
	prep     *Prep
	zxid     wire.Zxid
	inFlight []prepared // what is not in the tree yet
	txn      wire.Txn   // reused for every request
	// forgetful throws away what Prep knows of a transaction, as a server does
	// that gets it from another.
	forgetful bool
}

// prepared is a transaction in its encoding and what Prep knows of it.
type prepared struct {
	encoded []byte
	known   tree.Prepared
}

func newServer(t testing.TB, c Config) *server {
	t.Helper()
	registry, err := auth.New(auth.Config{DigestEnabled: true})
	if err != nil {
		t.Fatal(err)
	}
	s := &server{
		t: t, config: c, sessions: session.New(1000),
		tree: tree.New(tree.Options{ExtendedTypes: c.ExtendedTypes, Digest: c.Digest}),
	}
	s.prep = New(s.tree, registry, s.sessions, c)
	return s
}

// request sends one request through encoding, Prep and encoding, so that
// whatever aliases the request's buffer afterwards shows.
func (s *server) request(r Request) (wire.Txn, wire.Code) {
	s.t.Helper()
	body := wire.AppendRequest(nil, r.Req)
	decoded := wire.Request{Op: r.Req.Op}
	if !r.Undecodable {
		if err := wire.DecodeRequest(r.Req.Op, body, &decoded); err != nil {
			s.t.Fatalf("decode %+v: %v", r.Req, err)
		}
	}
	r.Req = &decoded
	code := s.prep.Txn(wire.Millis(s.zxid+1)*1000, s.zxid+1, &r, &s.txn)
	if s.txn.Type == 0 {
		return wire.Txn{}, code
	}
	s.zxid++
	encoded := wire.AppendTxn(nil, &s.txn)
	for i := range body {
		body[i] = '#'
	}
	s.inFlight = append(s.inFlight, prepared{encoded, s.prep.Prepared()})
	return s.decode(encoded), code
}

func (s *server) decode(encoded []byte) wire.Txn {
	s.t.Helper()
	var txn wire.Txn
	if err := wire.DecodeTxn(encoded, &txn); err != nil {
		s.t.Fatalf("the transaction %x cannot be read: %v", encoded, err)
	}
	return txn
}

// apply applies the oldest n transactions in flight and checks that they have
// the effect and the digest that was predicted.
func (s *server) apply(n int) {
	s.t.Helper()
	for range min(n, len(s.inFlight)) {
		txn, known := s.decode(s.inFlight[0].encoded), s.inFlight[0].known
		s.inFlight = s.inFlight[1:]
		if s.forgetful {
			known = tree.Prepared{}
		}
		res, _ := s.tree.ApplyPrepared(&txn, known)
		if res.Code != wire.OK && txn.Type != wire.OpError {
			s.t.Fatalf("applying %s: %v", describe(&txn, wire.OK), res.Code)
		}
		if s.config.Digest && txn.HasDigest && txn.Digest != s.tree.Digest() {
			s.t.Fatalf("applying %s: the tree's digest is %x", describe(&txn, wire.OK), s.tree.Digest())
		}
		if txn.Type == wire.OpCloseSession {
			s.sessions.Remove(txn.Session)
		}
		s.prep.Applied(txn.Zxid)
	}
	if len(s.inFlight) == 0 {
		if got, want := s.prep.Digest(), s.tree.Digest(); got != want {
			s.t.Fatalf("predicted digest %x, the tree's is %x", got, want)
		}
	}
}

// digestFromScratch computes the digest of the tree without what it caches.
func digestFromScratch(t *tree.Tree) uint64 {
	var sum uint64
	walk(t, "/", func(path string, r tree.Ref) {
		if !tree.Undigested(path) {
			sum += uint64(tree.NodeDigest(path, t.Data(r), &t.Node(r).Fields))
		}
	})
	return sum
}

func walk(t *tree.Tree, path string, visit func(path string, r tree.Ref)) {
	r := t.Find(path)
	visit(path, r)
	for _, name := range slices.Sorted(t.Children(r)) {
		walk(t, strings.TrimSuffix(path, "/")+"/"+name, visit)
	}
}

// dump writes the stored fields of every node outside /zookeeper.
func dump(t *tree.Tree) string {
	var b strings.Builder
	walk(t, "/", func(path string, r tree.Ref) {
		if strings.HasPrefix(path, wire.ReservedPath) {
			return
		}
		n := t.Node(r)
		fmt.Fprintf(&b, "%s %q c=%d m=%d p=%d v=%d/%d/%d children=%d owner=%#x acl=%s\n", path, t.Data(r),
			n.Czxid, n.Mzxid, n.Pzxid, n.Version, n.Cversion, n.Aversion, n.NumChildren, uint64(n.Owner), aclText(t.ACL(r)))
	})
	return b.String()
}

// describe writes a transaction on one line, the parts of a multi on lines of
// their own.
func describe(txn *wire.Txn, code wire.Code) string {
	if txn.Type == 0 {
		return fmt.Sprintf("no transaction, %d %s", code, code.String())
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%d %s", txn.Zxid, body(txn))
	if txn.Type == wire.OpMulti && code != wire.OK {
		fmt.Fprintf(&b, " failed %d %s", code, code.String())
	}
	if txn.HasDigest {
		fmt.Fprintf(&b, " digest=%x", txn.Digest)
	}
	for i := range txn.Subs {
		fmt.Fprintf(&b, "\n  %s", body(&txn.Subs[i]))
	}
	return b.String()
}

var typeNames = map[wire.Op]string{
	wire.OpCreate: "create", wire.OpCreate2: "create2", wire.OpCreateContainer: "container", wire.OpCreateTTL: "ttl",
}

func body(txn *wire.Txn) string {
	switch txn.Type {
	case wire.OpCreate, wire.OpCreate2, wire.OpCreateContainer, wire.OpCreateTTL:
		s := fmt.Sprintf("%s %s", typeNames[txn.Type], pathText(txn.Path))
		if txn.Data != nil {
			s += fmt.Sprintf(" %q", txn.Data)
		}
		if txn.Ephemeral {
			s += " ephemeral"
		}
		if txn.Type == wire.OpCreateTTL {
			s += fmt.Sprintf(" ttl=%d", txn.TTL)
		}
		if !isOpen(txn.ACL) {
			s += " acl=" + aclText(txn.ACL)
		}
		return s + fmt.Sprintf(" cversion=%d", txn.ParentCversion)
	case wire.OpDelete:
		return "delete " + pathText(txn.Path)
	case wire.OpDeleteContainer:
		return "deleteContainer " + pathText(txn.Path)
	case wire.OpSetData:
		return fmt.Sprintf("set %s %q v=%d", pathText(txn.Path), txn.Data, txn.Version)
	case wire.OpSetACL:
		return fmt.Sprintf("setACL %s acl=%s v=%d", pathText(txn.Path), aclText(txn.ACL), txn.Version)
	case wire.OpCheck:
		return fmt.Sprintf("check %s v=%d", pathText(txn.Path), txn.Version)
	case wire.OpCreateSession:
		return fmt.Sprintf("createSession %v timeout=%d", txn.Session, txn.Timeout)
	case wire.OpCloseSession:
		if txn.Paths == nil {
			return fmt.Sprintf("closeSession %v without list", txn.Session)
		}
		return fmt.Sprintf("closeSession %v %v", txn.Session, txn.Paths)
	case wire.OpError:
		return fmt.Sprintf("error %d %s", txn.Err, txn.Err.String())
	}
	return txn.Type.String()
}

func pathText(path string) string {
	if q := strconv.Quote(path); len(q) != len(path)+2 {
		return q
	}
	return path
}

func aclText(acl []wire.ACL) string {
	var parts []string
	for _, a := range acl {
		parts = append(parts, fmt.Sprintf("%d:%s:%s", a.Perms, a.ID.Scheme, a.ID.ID))
	}
	return strings.Join(parts, ",")
}

// parseACL reads what aclText writes: perms:scheme:id, separated by commas.
func parseACL(text string) []wire.ACL {
	var acl []wire.ACL
	for _, part := range strings.Split(text, ",") {
		perms, rest, _ := strings.Cut(part, ":")
		n, _ := strconv.Atoi(perms)
		scheme, id, _ := strings.Cut(rest, ":")
		acl = append(acl, wire.ACL{Perms: int32(n), ID: wire.ID{Scheme: scheme, ID: id}})
	}
	return acl
}
