package zab

import (
	"testing"

	"kafkacoord/coord/wire"
)

func TestVoteOrder(t *testing.T) {
	ascending := []vote{
		{leader: noLeader, zxid: -1 << 63, epoch: -1 << 63},
		{leader: 1, zxid: lostData},
		{leader: noLeader},
		{leader: 1},
		{leader: 2},
		{leader: 1, zxid: 1},
		{leader: 1, zxid: 1 << 32},
		{leader: 3, zxid: 1 << 32},
		{leader: 2, zxid: 5, epoch: 1},
		{leader: 1, zxid: 6, epoch: 1},
		{leader: 1, zxid: 1, epoch: 2},
	}
	for i, v := range ascending {
		for j, w := range ascending {
			w.round = 99 // does not count
			if v.above(w) != (i > j) {
				t.Errorf("%+v above %+v: %v", v, w, v.above(w))
			}
		}
	}
}

func TestVoteEquality(t *testing.T) {
	base := vote{leader: 1, zxid: 2, round: 3, epoch: 4}
	otherLog := vote{leader: 1, zxid: 9, round: 9, epoch: 4}
	otherEpoch := vote{leader: 1, zxid: 2, round: 3, epoch: 9}
	otherLeader := vote{leader: 9, zxid: 2, round: 3, epoch: 4}
	const looking, following, leading = wire.PeerLooking, wire.PeerFollowing, wire.PeerLeading
	for _, c := range []struct {
		name string
		a, b heard
		want bool
	}{
		{"looking, the same", heard{base, looking, 2}, heard{base, looking, 2}, true},
		{"looking, versions do not count", heard{base, looking, 2}, heard{base, looking, 0}, true},
		{"looking, another log", heard{base, looking, 2}, heard{otherLog, looking, 2}, false},
		{"looking, another epoch", heard{base, looking, 0}, heard{otherEpoch, looking, 2}, false},
		{"one looking, the same", heard{base, looking, 0}, heard{base, leading, 2}, true},
		{"one looking, another log", heard{base, looking, 0}, heard{otherLog, leading, 2}, false},
		{"established, the same", heard{base, following, 2}, heard{base, leading, 2}, true},
		{"established, another log", heard{base, following, 2}, heard{otherLog, leading, 2}, true},
		{"established, another epoch", heard{base, following, 2}, heard{otherEpoch, leading, 2}, false},
		{"established, another epoch, versions 1 and 2", heard{base, following, 1}, heard{otherEpoch, leading, 2}, false},
		{"established, another epoch, one without version", heard{base, following, 0}, heard{otherEpoch, leading, 2}, true},
		{"established, another epoch, both without version", heard{base, following, 0}, heard{otherEpoch, leading, 0}, false},
		{"established, another leader", heard{base, following, 2}, heard{otherLeader, following, 2}, false},
		{"established, another leader, one without version", heard{base, following, 0}, heard{otherLeader, following, 2}, false},
	} {
		if c.a.agrees(c.b) != c.want || c.b.agrees(c.a) != c.want {
			t.Errorf("%s: %v and %v, want %v", c.name, c.a.agrees(c.b), c.b.agrees(c.a), c.want)
		}
	}
}

// TestElectionMemory: whatever strangers send, little is remembered.
func TestElectionMemory(t *testing.T) {
	c := Config{Self: 1, Members: voters(t, 1, 2, 3)}
	e := newElection(&c, newQuorums(&c))
	var out Output
	e.notification(2, &wire.Notification{State: wire.PeerLooking, Leader: 2, Round: 1}, &out)
	if len(out.Ballots) > 0 {
		t.Errorf("an answer before the start: %+v", out.Ballots)
	}
	e.start(0, 5, 1, &out)
	before := len(out.Ballots)
	for id := wire.PeerID(100); id < 5000; id++ {
		e.reachable(id, true, &out)
		for _, state := range []wire.PeerState{wire.PeerLooking, wire.PeerFollowing, wire.PeerLeading, wire.PeerObserving, 17, -1} {
			e.notification(id, &wire.Notification{
				State: state, Leader: id, Zxid: 1 << 60, Round: int64(id), PeerEpoch: 1 << 60, Version: 2, Config: "version=0",
			}, &out)
		}
	}
	if n := len(out.Ballots) - before; n != strangersMax {
		t.Errorf("%d answers to strangers, want %d", n, strangersMax)
	}
	if n := len(e.courtesy.answers) + len(e.courtesy.noted) + len(e.received) + len(e.outside) + len(e.connected); n > 2*strangersMax+3 {
		t.Errorf("%d entries are remembered", n)
	}
	if len(e.courtesy.differing) != 0 || e.clock != 1 || e.proposal.leader != 1 {
		t.Errorf("strangers have changed the election: clock %d, proposal %+v", e.clock, e.proposal)
	}
}
