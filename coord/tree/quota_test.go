package tree

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"kafkacoord/coord/wire"
)

func TestParseQuota(t *testing.T) {
	for text, want := range map[string]Quota{
		"":                   {-1, -1, -1, -1},
		"count=5,bytes=10":   {5, 10, -1, -1},
		"count=-1,bytes=-1":  {-1, -1, -1, -1},
		"count=5,,;bytes=10": {5, 10, -1, -1},
		"count=1,bytes=2=;byteHardLimit=3;countHardLimit=4": {1, 2, 4, 3},
		"bytes=2;count=1": {1, 2, -1, -1},
		"count":           {-1, -1, -1, -1},
		"count=x,bytes=9": {-1, 9, -1, -1},
		"other=4,bytes=9": {-1, 9, -1, -1},
		"count=99999999999999999999,bytes=9223372036854775807": {-1, 9223372036854775807, -1, -1},
		"\xff\xfe=,;": {-1, -1, -1, -1},
	} {
		if got := ParseQuota([]byte(text)); got != want {
			t.Errorf("%q is %+v, want %+v", text, got, want)
		}
	}
}

// quotaTree applies transactions with the bookkeeping that tests do not care for.
type quotaTree struct {
	t testing.TB
	*Tree
}

func newQuotaTree(t testing.TB) *quotaTree { return &quotaTree{t, New(digested)} }

func (q *quotaTree) apply(op wire.Op, path, data string) Result {
	q.t.Helper()
	txn := wire.Txn{Type: op, Zxid: q.Zxid() + 1, Time: 5, Path: path, ACL: wire.OpenACL, ParentCversion: -1, Version: 1}
	if data != "" {
		txn.Data = []byte(data)
	}
	res, _ := q.Apply(&txn)
	if res.Code != wire.OK {
		q.t.Fatalf("type %d of %s: %s", op, path, res.Code)
	}
	return res
}

// limit gives a path a quota as clients do.
func (q *quotaTree) limit(path, limits string) {
	q.t.Helper()
	at := wire.QuotaPath
	for _, name := range strings.Split(path[1:], "/") {
		at += "/" + name
		if q.Find(at) == 0 {
			q.apply(wire.OpCreate, at, "")
		}
	}
	q.apply(wire.OpCreate, at+"/zookeeper_limits", limits)
	q.apply(wire.OpCreate, at+"/zookeeper_stats", "count=0,bytes=0")
}

func (q *quotaTree) usage(path, want string) {
	q.t.Helper()
	r := q.Find(wire.QuotaPath + path + "/zookeeper_stats")
	if got := string(q.Data(r)); got != want {
		q.t.Errorf("usage of %s is %q, want %q", path, got, want)
	}
	mustBeSound(q.t, q.Tree)
}

func TestQuotaUsage(t *testing.T) {
	q := newQuotaTree(t)
	q.apply(wire.OpCreate, "/a", "12345")
	q.apply(wire.OpCreate, "/a/b", "123")
	q.apply(wire.OpCreate, "/ab", "not under it")
	q.limit("/a", "count=10,bytes=100")
	q.usage("/a", "count=2,bytes=8")

	stats := q.Find("/zookeeper/quota/a/zookeeper_stats")
	before := *q.Node(stats)
	q.apply(wire.OpCreate, "/a/c", "1234")
	q.usage("/a", "count=3,bytes=12")
	q.apply(wire.OpSetData, "/a/c", "1")
	q.usage("/a", "count=3,bytes=9")
	q.apply(wire.OpSetData, "/a", "")
	q.usage("/a", "count=3,bytes=4")
	q.apply(wire.OpSetACL, "/a", "")
	q.apply(wire.OpSetData, "/ab", "changed")
	q.apply(wire.OpSetData, "/", "changed")
	q.usage("/a", "count=3,bytes=4")
	q.apply(wire.OpDelete, "/a/b", "")
	q.usage("/a", "count=2,bytes=1")
	if after := *q.Node(stats); after.Fields != before.Fields {
		t.Errorf("accounting changed the node's record: %+v, before %+v", after, before)
	}

	prefix, limit, usage, ok := q.QuotaOf("/a/x/y")
	if prefix != "/a" || limit != (Quota{10, 100, -1, -1}) || usage != (Quota{2, 1, -1, -1}) || !ok {
		t.Errorf("quota of /a/x/y: %q %+v %+v %v", prefix, limit, usage, ok)
	}
	for _, path := range []string{"/ab", "/", "", "a", "abc", "a/b", "abc/b", "/b/a"} {
		if prefix, _, _, ok := q.QuotaOf(path); ok || prefix != "" {
			t.Errorf("quota of %q is that of %q", path, prefix)
		}
	}
	if prefix, _, _, ok := q.QuotaOf("/a"); !ok || prefix != "/a" {
		t.Error("the quota's own node is outside of it")
	}

	q.apply(wire.OpDelete, "/zookeeper/quota/a/zookeeper_limits", "")
	q.apply(wire.OpCreate, "/a/d", "1234")
	q.usage("/a", "count=2,bytes=1")
	if _, _, _, ok := q.QuotaOf("/a/d"); ok {
		t.Error("a deleted quota applies")
	}
	q.apply(wire.OpCreate, "/zookeeper/quota/a/zookeeper_limits", "count=1")
	q.apply(wire.OpDelete, "/a/d", "")
	q.usage("/a", "count=1,bytes=-3")
}

// The stat in a reply is that of the transaction; the recount comes after it.
func TestStatOfACreatedStatsNode(t *testing.T) {
	q := newQuotaTree(t)
	q.apply(wire.OpCreate, "/a", "")
	q.apply(wire.OpCreate, "/zookeeper/quota/a", "")
	q.apply(wire.OpCreate, "/zookeeper/quota/a/zookeeper_limits", "count=1")
	res := q.apply(wire.OpCreate2, "/zookeeper/quota/a/zookeeper_stats", "client's text, overwritten")
	if res.Stat.DataLength != int32(len("client's text, overwritten")) {
		t.Errorf("data length %d in the reply", res.Stat.DataLength)
	}
	q.usage("/a", "count=1,bytes=0")
}

func TestDeepestQuotaCounts(t *testing.T) {
	q := newQuotaTree(t)
	q.apply(wire.OpCreate, "/a", "1")
	q.apply(wire.OpCreate, "/a/b", "12")
	q.limit("/a", "count=10")
	q.limit("/a/b", "count=5")
	q.usage("/a", "count=2,bytes=3")
	q.usage("/a/b", "count=1,bytes=2")
	q.apply(wire.OpCreate, "/a/b/c", "123")
	q.apply(wire.OpCreate, "/a/d", "1234")
	q.usage("/a", "count=3,bytes=7")
	q.usage("/a/b", "count=2,bytes=5")
	if prefix, limit, _, _ := q.QuotaOf("/a/b/c/d"); prefix != "/a/b" || limit.Count != 5 {
		t.Errorf("quota of /a/b/c/d is %q %+v", prefix, limit)
	}
}

// A quota for nodes that do not exist yet, one for the root, and limits with
// nothing between them and /zookeeper/quota.
func TestOddQuotas(t *testing.T) {
	q := newQuotaTree(t)
	q.limit("/later", "count=3")
	q.usage("/later", "count=0,bytes=0")
	q.apply(wire.OpCreate, "/later", "x")
	q.usage("/later", "count=1,bytes=1")

	q.apply(wire.OpCreate, wire.QuotaPath+"/zookeeper_limits", "count=1")
	q.apply(wire.OpCreate, wire.QuotaPath+"/zookeeper_stats", "mine")
	q.apply(wire.OpCreate, "/free", "x")
	if r := q.Find(wire.QuotaPath + "/zookeeper_stats"); string(q.Data(r)) != "mine" {
		t.Errorf("an ordinary node was overwritten with %q", q.Data(r))
	}
	if _, _, _, ok := q.QuotaOf("/free"); ok {
		t.Error("there is a quota on the root")
	}

	q.limit("/zookeeper", "count=100") // encloses its own statistics
	q.apply(wire.OpCreate, "/zookeeper/x", "1234")
	q.apply(wire.OpSetData, wire.QuotaPath+"/zookeeper/zookeeper_stats", "nonsense")
	q.apply(wire.OpDelete, "/zookeeper/x", "")
	mustBeSound(t, q.Tree)

	// A whole quota deleted at once, as only a replay can.
	q.apply(wire.OpDelete, wire.QuotaPath+"/later", "")
	if _, _, _, ok := q.QuotaOf("/later"); ok || len(q.quotas) != 1 {
		t.Errorf("quotas %v", q.quotas)
	}
	mustBeSound(t, q.Tree)
}

// Disjoint quotas always show what a recount finds, also after a load.
func TestQuotaAgainstRecount(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	q := newQuotaTree(t)
	tops := []string{"/a", "/b", "/c", "/d"}
	for _, top := range tops {
		q.apply(wire.OpCreate, top, "top")
	}
	q.limit("/a", "count=1")
	q.limit("/b/x", "bytes=5")
	q.limit("/c", "count=9")
	check := func(tr *Tree) {
		t.Helper()
		for target := range tr.quotas {
			want := "count=0,bytes=0"
			if r := tr.Find(target); r != 0 {
				nodes, bytes := tr.subtree(r)
				want = fmt.Sprintf("count=%d,bytes=%d", nodes, bytes)
			}
			if got := string(tr.Data(tr.Find(quotaNode(target, quotaStats)))); got != want {
				t.Fatalf("usage of %s is %q, want %q", target, got, want)
			}
		}
	}
	for range 3000 {
		path := tops[random.IntN(4)]
		for random.IntN(3) > 0 {
			path += "/" + string(rune('x'+random.IntN(3)))
		}
		op := []wire.Op{wire.OpCreate, wire.OpCreate2, wire.OpDelete, wire.OpSetData, wire.OpSetData}[random.IntN(5)]
		q.Apply(&wire.Txn{
			Type: op, Zxid: q.Zxid() + 1, Path: path, Data: make([]byte, random.IntN(50)), ACL: wire.OpenACL, ParentCversion: -1,
		})
		check(q.Tree)
	}
	mustBeSound(t, q.Tree)
	check(reload(t, q.Tree))
}
