package prep

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"kafkacoord/coord/wire"
)

// Any number of transactions in flight come to the same as applying each before
// the next request is looked at, by a server that knows nothing but the
// transactions.
func TestInFlightMakesNoDifference(t *testing.T) {
	seeds := uint64(40)
	if testing.Short() {
		seeds = 10
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { compareInFlight(t, seed) })
	}
}

func compareInFlight(t *testing.T, seed uint64) {
	// Not standalone: there an unknown session is told from a closing one, which
	// depends on what has been applied.
	config := Config{Digest: true, CloseSessionTxn: true, ExtendedTypes: seed%2 == 0}
	one, many := newServer(t, config), newServer(t, config)
	one.forgetful = true
	random := rand.New(rand.NewPCG(seed, 1))
	g := &generator{Rand: random, nextSession: 1}
	both := []*server{one, many}
	for g.sessions = 0; g.sessions < 3; g.sessions++ {
		g.open(both)
	}
	for i := range 1000 {
		if random.IntN(25) == 0 {
			g.open(both)
		}
		r := g.request()
		want, wantCode := one.request(r)
		one.apply(1)
		got, code := many.request(r)
		if code != wantCode || describe(&got, code) != describe(&want, wantCode) {
			t.Fatalf("request %d, %d in flight:\n got %v %s\nwant %v %s", i, len(many.inFlight),
				code, describe(&got, code), wantCode, describe(&want, wantCode))
		}
		if limit := 1 + random.IntN(20); len(many.inFlight) > limit {
			many.apply(len(many.inFlight) - random.IntN(limit))
		}
	}
	many.apply(len(many.inFlight))
	if got, want := dump(many.tree), dump(one.tree); got != want {
		t.Errorf("tree:\n%s\nwant:\n%s", got, want)
	}
	for _, s := range both {
		if got, want := digestFromScratch(s.tree), s.prep.Digest(); got != want {
			t.Errorf("digest %x from scratch, predicted %x", got, want)
		}
		if !s.prep.pending.empty() || s.prep.pending.byPath.count != 0 {
			t.Errorf("%d changes pending although all is applied", s.prep.pending.byPath.count)
		}
		if ring := &s.prep.pending.ephemerals; ring.next != ring || ring.previous != ring {
			t.Error("ephemerals pending although all is applied")
		}
	}
}

// generator makes requests that often meet each other.
type generator struct {
	*rand.Rand
	nextSession wire.SessionID
	sessions    int
}

func (g *generator) open(servers []*server) {
	for _, s := range servers {
		s.sessions.Create(g.nextSession, 10000, 0)
	}
	g.nextSession++
}

func (g *generator) session() wire.SessionID {
	return max(1, g.nextSession-1-wire.SessionID(g.IntN(4)))
}

var randomLists = [][]wire.ACL{
	wire.OpenACL, wire.OpenACL, wire.OpenACL, wire.OpenACL, wire.OpenACL, wire.OpenACL,
	parseACL("31:digest:u:h"), parseACL("31:auth:"), parseACL("1:world:anyone,30:digest:u:h"),
	parseACL("27:world:anyone"), parseACL("31:bad:"), nil,
}

func (g *generator) path() string {
	names := []string{"/a", "/b", "/c", "/a", "/b", "/", "", "/zookeeper", "/.", "/a-0000000001"}
	path := ""
	for range 1 + g.IntN(3) {
		path += names[min(g.IntN(len(names)+3), len(names)+2)%len(names)]
	}
	return path
}

func (g *generator) version() int32 { return []int32{-1, -1, -1, 0, 1, 2}[g.IntN(6)] }

func (g *generator) request() Request {
	r := Request{Session: g.session(), Cxid: int32(g.IntN(100)), Owner: uint64(g.IntN(30) / 28)}
	if g.IntN(3) > 0 {
		r.IDs = []wire.ID{{Scheme: "ip", ID: "10.0.0.1"}, {Scheme: "digest", ID: "u:h"}}
	}
	var q wire.Request
	switch n := g.IntN(100); {
	case n < 1:
		q = wire.Request{Op: wire.OpCloseSession}
	case n < 2:
		q = wire.Request{Op: wire.OpCreateSession, Timeout: 5000}
	case n < 7:
		q = wire.Request{Op: wire.OpDeleteContainer, Path: g.path()}
	case n < 12:
		q = wire.Request{Op: wire.OpSetACL, Path: g.path(), ACL: g.list(), Version: g.version()}
	case n < 35:
		q = wire.Request{Op: wire.OpMulti}
		for range g.IntN(5) {
			q.Subs = append(q.Subs, g.part(true))
		}
	default:
		q = g.part(false)
	}
	r.Req = &q
	return r
}

func (g *generator) list() []wire.ACL { return randomLists[g.IntN(len(randomLists))] }

func (g *generator) part(inMulti bool) wire.Request {
	data := slices.Repeat([]byte{byte('a' + g.IntN(26))}, g.IntN(40))
	switch n := g.IntN(20); {
	case n < 10:
		q := wire.Request{Op: wire.OpCreate, Path: g.path(), Data: data, ACL: g.list(), Flags: int32(g.IntN(5)), TTL: -1}
		switch g.IntN(6) {
		case 0:
			q.Op = wire.OpCreate2
		case 1:
			q.Op = wire.OpCreateContainer
		case 2:
			q.Op, q.Flags, q.TTL = wire.OpCreateTTL, int32(g.IntN(7)), int64(g.IntN(5)-1)
		}
		return q
	case n < 14:
		return wire.Request{Op: wire.OpDelete, Path: g.path(), Version: g.version()}
	case n < 15 && inMulti:
		return wire.Request{Op: wire.OpCheck, Path: g.path(), Version: g.version()}
	}
	return wire.Request{Op: wire.OpSetData, Path: g.path(), Data: data, Version: g.version()}
}
