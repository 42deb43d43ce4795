package core

import (
	"reflect"
	"testing"

	"kafkacoord/coord/wire"
	"kafkacoord/coord/zab"
)

// TestMemberTimesOfRoles: how long a server was without a quorum, and how long
// it took to join one.
func TestMemberTimesOfRoles(t *testing.T) {
	looking, none := zab.Change{Role: zab.Looking}, zab.Change{}
	following := zab.Change{Role: zab.Following, Leader: 2}
	leading := zab.Change{Role: zab.Leading, Leader: 1}
	observing := zab.Change{Role: zab.Observing, Leader: 2}
	serving := func(c zab.Change) zab.Change { c.Serving = true; return c }
	m := memberTimes{since: 100}
	for _, step := range []struct {
		was, is zab.Change
		now     wire.Millis
	}{
		{none, following, 150},
		{following, serving(following), 170}, // 70 without, 20 to join
		{serving(following), looking, 1000},
		{looking, following, 1100},
		{following, looking, 1200}, // in vain
		{looking, leading, 1300},
		{leading, serving(leading), 1350}, // 350 without
		{serving(leading), looking, 2000},
		{looking, observing, 2010},
		{observing, serving(observing), 2040}, // 40 without, 30 to join
	} {
		m.changed(step.was, step.is, step.now)
	}
	want := MemberSamples{
		Unavailable: []wire.Millis{70, 350, 40}, LeaderUnavailable: []wire.Millis{350},
		Synced: []wire.Millis{20}, ObserverSynced: []wire.Millis{30},
	}
	if !reflect.DeepEqual(m.samples, want) || m.since != 2040 {
		t.Errorf("since %d, %+v, want %+v", m.since, m.samples, want)
	}
}

// TestMemberTimesOfATransaction: one transaction at a time is timed, until all
// have acknowledged it or it takes too long.
func TestMemberTimesOfATransaction(t *testing.T) {
	const self, voters = 3, 2
	var m memberTimes
	acks := func(links ...zab.LinkID) { m.timed.links = append(m.timed.links, links...) }
	m.proposed(10, voters, 1000)
	m.proposed(11, voters, 1001) // not timed
	m.durable(self, 9, 1002)     // of an older one
	m.durable(self, 11, 1003)
	m.durable(self, 12, 1004) // counted already
	m.committed(9, 1005)
	m.committed(10, 1006)
	acks(1)
	m.proposed(12, voters, 1007) // one follower is missing
	if m.timed.zxid != 10 {
		t.Fatalf("%d is timed before all have acknowledged the one before", m.timed.zxid)
	}
	acks(2)
	m.proposed(13, voters, 1010)
	m.committed(13, 1030)
	if m.timed.zxid != 13 || len(m.timed.links) != 0 {
		t.Fatalf("timed is %+v", m.timed)
	}
	m.proposed(14, voters, 1010+timedMax) // too late for the others
	if m.timed.zxid != 14 {
		t.Fatalf("%d is still timed", m.timed.zxid)
	}
	want := MemberSamples{Quorum: []wire.Millis{6, 20}, Acks: []AckSample{{self, 3}}}
	if !reflect.DeepEqual(m.samples, want) {
		t.Errorf("%+v, want %+v", m.samples, want)
	}
}

// TestMemberTimesAreBounded: nobody takes the samples.
func TestMemberTimesAreBounded(t *testing.T) {
	var m memberTimes
	for range 2 * memberSamplesMax {
		m.ack(1, 1)
		m.add(&m.samples.Quorum, 1)
	}
	if len(m.samples.Acks) != memberSamplesMax || len(m.samples.Quorum) != memberSamplesMax {
		t.Errorf("%d and %d samples", len(m.samples.Acks), len(m.samples.Quorum))
	}
}
