package zab

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"kafkacoord/coord/wire"
)

// randomElectorate makes 3, 5 or 7 servers with logs of all sorts, sometimes
// empty ones.
func randomElectorate(t *testing.T, random *rand.Rand) *electorate {
	n := newElectorate()
	var ids []wire.PeerID
	for id := range 3 + 2*random.IntN(3) {
		ids = append(ids, wire.PeerID(id+1))
	}
	list := voters(t, ids...)
	for _, id := range ids {
		var last wire.Zxid
		var epoch int64
		if random.IntN(4) > 0 {
			epoch = 1 + random.Int64N(3)
			last = wire.Zxid(random.Int64N(epoch+1)<<32 | (1 + random.Int64N(3)))
		}
		n.add(Config{Self: id, Members: list}, last, epoch)
	}
	return n
}

// own is a server's vote for itself.
func (s *elector) own() vote {
	return vote{leader: s.config.Self, zxid: s.last, epoch: s.epoch}
}

// checkDecision fails when a leader has not the best log of a quorum, or when it
// is empty although somebody has data.
func checkDecision(t *testing.T, n *electorate, id wire.PeerID, v vote) {
	leader := n.servers[v.leader]
	notBetter := func(other wire.PeerID) bool { return !n.servers[other].own().above(leader.own()) }
	if !leader.config.Members.Quorum(notBetter) {
		t.Errorf("server %d decides for %d, whose log is not the best of a quorum", id, v.leader)
	}
	if v.zxid != leader.last || v.epoch != leader.epoch {
		t.Errorf("server %d decides for %d with %+v, but its log ends at %v of epoch %d", id, v.leader, v, leader.last, leader.epoch)
	}
	someData := slices.ContainsFunc(n.ids(), func(other wire.PeerID) bool { return n.servers[other].own().hasData() })
	if n.servers[id].newcomer && someData && !leader.own().hasData() {
		t.Errorf("server %d, which is empty, decides for %d, which is too, although there are data", id, v.leader)
	}
}

// calm makes the network reliable and plays the part of the protocol above: a
// server whose leader does not lead, or is not followed by a quorum, looks again.
// It fails when there is no common leader after a long time.
func calm(t *testing.T, n *electorate) vote {
	ids := n.ids()
	for i, a := range ids {
		if !n.servers[a].up {
			n.start(a)
		}
		for _, b := range ids[i+1:] {
			n.connect(a, b, true)
		}
	}
	for range 200 {
		n.settle(t)
		if v, ok := n.agreement(); ok {
			return v
		}
		if !n.wake() {
			n.advance(1)
		}
		n.settle(t)
		for _, id := range ids {
			if n.abandoned(id) && n.now%3 == wire.Millis(id)%3 { // not all give up at the same time
				n.start(id)
			}
		}
		n.advance(1)
	}
	t.Fatal("a calm network, but no leader:\n" + strings.Join(n.events[max(0, len(n.events)-50):], "\n"))
	return vote{}
}

// agreement tells whether all have decided for the same leader.
func (n *electorate) agreement() (vote, bool) {
	var common vote
	for i, id := range n.ids() {
		v, state, ok := n.servers[id].decided()
		if !ok || i > 0 && v.leader != common.leader || (state == wire.PeerLeading) != (v.leader == id) {
			return vote{}, false
		}
		common = v
	}
	return common, true
}

// abandoned tells whether a server with a decision would lose it: as a follower
// because its leader does not lead, as a leader because no quorum follows.
func (n *electorate) abandoned(id wire.PeerID) bool {
	v, state, ok := n.servers[id].decided()
	if !ok {
		return false
	}
	if state != wire.PeerLeading {
		_, leaderState, leads := n.servers[v.leader].decided()
		return !leads || leaderState != wire.PeerLeading
	}
	return !n.servers[id].config.Members.Quorum(func(other wire.PeerID) bool {
		follows, _, ok := n.servers[other].decided()
		return ok && follows.leader == id
	})
}

// runSeed plays one seed: a wild time, then a calm one.
func runSeed(t *testing.T, seed uint64) (trace []string, outcome vote) {
	random := rand.New(rand.NewPCG(seed, 1))
	n := randomElectorate(t, random)
	n.onDecide = func(id wire.PeerID, v vote, _ wire.PeerState) { checkDecision(t, n, id, v) }
	for _, id := range n.ids() {
		if random.IntN(3) > 0 {
			n.start(id)
		}
	}
	for range random.IntN(400) {
		n.disturb(random)
	}
	outcome = calm(t, n)
	return n.events, outcome
}

// TestElectionRandom loses, delays, repeats and reorders messages and restarts
// servers. Whoever decides, decides for the best log of a quorum, and when the
// network becomes calm, all decide for the same leader. A seed that fails is run
// alone with -run TestElectionRandom/SEED.
func TestElectionRandom(t *testing.T) {
	seeds := uint64(400)
	if testing.Short() {
		seeds = 50
	}
	for seed := range seeds {
		if ok := t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) { runSeed(t, seed) }); !ok {
			return
		}
	}
}

// TestElectionTogether: when all begin at the same time and hear of each other
// within the wait, the best log of all wins, whatever the order of the messages.
func TestElectionTogether(t *testing.T) {
	for seed := range uint64(100) {
		random := rand.New(rand.NewPCG(seed, 2))
		n := randomElectorate(t, random)
		best := vote{leader: noLeader, zxid: -1, epoch: -1}
		for _, id := range n.ids() {
			n.start(id)
			if own := n.servers[id].own(); own.above(best) {
				best = own
			}
		}
		for len(n.flight) > 0 {
			i := random.IntN(len(n.flight))
			v := n.flight[i]
			n.flight = slices.Delete(n.flight, i, i+1)
			n.deliver(v)
			n.advance(wire.Millis(random.IntN(2)))
		}
		n.advance(200)
		n.advance(200)
		if v, ok := n.agreement(); !ok || v.leader != best.leader {
			t.Fatalf("seed %d: %+v (agreed %v), want %+v; events:\n%s", seed, v, ok, best, strings.Join(n.events, "\n"))
		}
	}
}

// TestElectionDeterministic: equal calls give equal outputs.
func TestElectionDeterministic(t *testing.T) {
	for seed := range uint64(20) {
		trace, outcome := runSeed(t, seed)
		again, same := runSeed(t, seed)
		if outcome != same || !slices.Equal(trace, again) {
			t.Errorf("seed %d gives two runs", seed)
		}
	}
}
